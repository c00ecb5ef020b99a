"""How long it takes from 100 new labels to new predictions of 5,000 pictures, when only the head learns.

    python benchmarks/quick_retrain.py [--json] [--pictures 5000] [--model flat] [--backbone resnet18] [--size 64]
                                       [--times 5]

Draws the pictures, trains one whole epoch on them in a worker, labels 100 more, and asks the same worker, now warm, to
learn from them as the first button of the Train page does: from the row in the queue to the finished run. Seconds are
those of the clock; processor seconds are the worker's own, and say the same on a busy machine as on a quiet one. The
whole epoch is measured in the same worker, so the two can be compared.
"""

import argparse
import csv
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import sqlalchemy as sa
from photos import machine
from PIL import Image

from hmgc_core.records import NewAnnotation, Run, RunConfig
from hmgc_core.store.schema import epoch
from hmgc_core.taxonomy import Taxonomy
from hmgc_core.workflow import heads, labelling, pictures, taxonomies, training, workspaces
from hmgc_core.workflow.workspaces import Workspace

NEW_LABELS = 100
BOUND_S = 5.0
HUES, STRIPES, KINDS = 5, 5, 4  # levels of the drawn tree
LOOK_S = 0.05
WORK = """
import sys
from pathlib import Path
from hmgc_core import worker
from hmgc_core.workflow.workspaces import open_workspace
worker.work(open_workspace(Path(sys.argv[1])))
"""
TICKS = os.sysconf("SC_CLK_TCK")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--pictures", type=int, default=5000)
    parser.add_argument("--model", default="flat")
    parser.add_argument("--backbone", default="resnet18")
    parser.add_argument("--size", type=int, default=64)
    parser.add_argument("--times", type=int, default=5)
    arguments = parser.parse_args()
    config = RunConfig(model=arguments.model, backbone=arguments.backbone, image_size=arguments.size, epochs=1)
    with tempfile.TemporaryDirectory() as folder:
        ws, waiting = make_workspace(Path(folder), arguments.pictures)
        with Worker(ws) as worker:
            result = measure(ws, worker, config, waiting, arguments.times)
    result = {"machine": machine(), "pictures": arguments.pictures, "settings": vars(arguments), **result}
    print(json.dumps(result) if arguments.json else told(result))


def measure(ws: Workspace, worker: "Worker", config: RunConfig, waiting: list[tuple[int, str]], times: int) -> dict:
    whole = worker.carry_out(training.queue_run(ws, config))
    label(ws, waiting)
    offer = heads.offer(ws)
    assert offer is not None and offer.new == NEW_LABELS and not offer.obstacle
    rows = [worker.carry_out(heads.queue(ws, offer.run.id)) for _ in range(times)]
    median_s = statistics.median(row["processor_s"] for row in rows)
    return {
        "whole": whole,
        "quick": rows,
        "median_s": statistics.median(row["seconds"] for row in rows),
        "median_processor_s": median_s,
        "share_of_an_epoch": median_s / whole["epoch_processor_s"],
        "bound_s": BOUND_S,
    }


class Worker:
    """A worker of the workspace in a process of its own, which stays."""

    def __init__(self, ws: Workspace) -> None:
        self.ws = ws

    def __enter__(self) -> "Worker":
        # As `hmgc worker`, but not lower in priority: beside other programs that would measure them.
        self.process = subprocess.Popen(
            [sys.executable, "-c", WORK, str(self.ws.folder)], env={**os.environ, "OMP_WAIT_POLICY": "PASSIVE"}
        )
        return self

    def __exit__(self, *_: object) -> None:
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(60)

    def carry_out(self, number: int) -> dict:
        """Wait for a run that was queued just now; where its time went."""
        before_s, asked_at_s = self.processor_s(), time.monotonic()
        learned_s, run = None, training.run(self.ws, number)
        while run.is_active:
            time.sleep(LOOK_S)
            run = training.run(self.ws, number)
            if learned_s is None and len(training.epochs(self.ws, number)) == run.config.epochs:
                learned_s = self.processor_s() - before_s
        if run.status != "done":
            raise SystemExit(f"run {number} is {run.status}: {run.error}")
        seconds, spent_s = time.monotonic() - asked_at_s, self.processor_s() - before_s
        row = {
            "run": number, "seconds": seconds, "processor_s": spent_s, "epoch_processor_s": learned_s,
            "parts_s": parts(self.ws, run), "leaf_accuracy": run.metrics["test"]["leaf_accuracy"],
            "steps": f"{run.config.epochs} epochs in batches of {run.config.batch_size}",
        }  # fmt: skip
        print(json.dumps(row), file=sys.stderr, flush=True)
        return row

    def processor_s(self) -> float:
        """What the worker's threads have spent so far."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS


def parts(ws: Workspace, run: Run) -> dict[str, float]:
    """Seconds of the clock between the moments that the database knows."""
    with ws.reading() as connection:
        query = sa.select(epoch.c.finished_at).where(epoch.c.run_id == run.id).order_by(epoch.c.epoch)
        ends = [row.finished_at for row in connection.execute(query)]
    assert run.started_at and run.finished_at
    moments = {
        "waits for the worker": (run.created_at, run.started_at),
        "labels, model, features, first epoch": (run.started_at, ends[0]),
        "the other epochs": (ends[0], ends[-1]),
        "calibration, checkpoint, predictions": (ends[-1], run.finished_at),
    }
    return {name: (end - start).total_seconds() for name, (start, end) in moments.items()}


def make_workspace(folder: Path, count: int) -> tuple[Workspace, list[tuple[int, str]]]:
    """A workspace of drawn pictures, and the training pictures without a label yet, each with the one it will get."""
    paths = [
        (f"hue {h}", f"hue {h} stripe {s}", f"hue {h} stripe {s} kind {k}")
        for h, s, k in np.ndindex(HUES, STRIPES, KINDS)
    ]
    taxonomy = Taxonomy.from_paths(paths)
    ws = workspaces.open_workspace(folder / "workspace")
    taxonomies.store_taxonomy(ws, taxonomy, source="drawn")
    splits = ["train"] * 7 + ["val"] + ["test"] * 2
    (folder / "pictures").mkdir()
    rows, later = [], {}
    for number in range(count):
        leaf = int(taxonomy.leaves[number % len(taxonomy.leaves)])
        name, split = f"pictures/{number}.jpg", splits[number // len(taxonomy.leaves) % len(splits)]
        draw(folder / name, number, number % len(taxonomy.leaves))
        # Every third training label stands at the level above.
        key = taxonomy.keys[taxonomy.parents[leaf] if split == "train" and number % 3 == 0 else leaf]
        is_new = split == "train" and len(later) < NEW_LABELS and number % 7 == 0
        if is_new:
            later[name] = key
        rows.append((name, "" if is_new else key, split))
    table = folder / "labels.csv"
    with table.open("w", newline="") as file:
        csv.writer(file).writerows([("path", "label", "split"), *rows])
    pictures.import_images(ws, table)
    return ws, [(pictures.find_image(ws, str(folder / name)).id, key) for name, key in later.items()]


def draw(path: Path, number: int, leaf: int) -> None:
    """Colour tells the first level, the direction of stripes the second, their width the third; all under noise."""
    rng = np.random.default_rng(number)
    hue, stripe, kind = np.unravel_index(leaf, (HUES, STRIPES, KINDS))
    across, down = np.meshgrid(np.arange(72), np.arange(72))
    angle = np.pi * stripe / STRIPES
    waves = np.sin((np.cos(angle) * across + np.sin(angle) * down) * (0.25 + 0.3 * kind) + rng.uniform(0, 6.3))
    colour = 110 + 90 * np.cos(2 * np.pi * (hue / HUES + np.array([0, 1 / 3, 2 / 3])))
    pixels = colour + 45 * waves[..., None] + rng.normal(0, 40, (72, 72, 3))
    Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8)).save(path, quality=85)


def label(ws: Workspace, waiting: list[tuple[int, str]]) -> None:
    version, _ = taxonomies.current_taxonomy(ws)
    said = [NewAnnotation(f"new-label-{image_id}", image_id, key, "is", version) for image_id, key in waiting]
    labelling.annotate(ws, said, annotator="ada")


def told(result: dict) -> str:
    whole, quick = result["whole"], result["quick"]
    lines = [
        result["machine"],
        f"{result['pictures']:,} pictures; one whole epoch: {whole['epoch_processor_s']:.1f} processor seconds",
        f"{NEW_LABELS} new labels, {len(quick)} times: {result['median_s']:.1f} s (median), "
        f"{result['median_processor_s']:.1f} processor seconds, {result['share_of_an_epoch']:.2f} of a whole epoch; "
        f"the bound is {BOUND_S:g} s on a quiet machine",
    ]
    for part in quick[0]["parts_s"]:
        lines.append(f"  {part:40}{statistics.median(row['parts_s'][part] for row in quick):6.2f} s")
    lines.append(
        f"right at the finest level: {whole['leaf_accuracy']:.1%} before, {quick[0]['leaf_accuracy']:.1%} after"
    )
    return "\n".join(lines)


if __name__ == "__main__":
    main()
