"""Train `flat` and `hrn` on real shop photos, with the set's own labels and with nine leaf labels in ten made coarse.

    python benchmarks/photos.py [--json] [--model flat] [--coarse 0.9] [--epochs 20]

Reads the grocery photos from the folder HMGC_SHARED (default ../shared), under data/grocery, and takes the way every
user takes: import, queue, worker, stored predictions. About 40 minutes on two processor cores. Labels are made coarse
as HRN's authors do: of each leaf class the first tenth of the training images, rounded up, keeps its label, the others
get the parent's.
"""

import argparse
import csv
import json
import math
import os
import platform
import shutil
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import torch

from hmgc_core import worker
from hmgc_core.exchange.table import TableRow, write_table
from hmgc_core.records import RunConfig
from hmgc_core.workflow import pictures, taxonomies, training, workspaces
from hmgc_core.workflow.pictures import ImportReport
from hmgc_core.workflow.workspaces import Workspace

ROOT = Path(__file__).parents[1]
PHOTOS = Path(os.environ.get("HMGC_SHARED", ROOT.parent / "shared")) / "data" / "grocery"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--model", action="append", help="flat or hrn; both when left out")
    parser.add_argument("--coarse", action="append", type=float, help="share made coarse; 0 and 0.9 when left out")
    parser.add_argument("--epochs", type=int, default=RunConfig.epochs)
    arguments = parser.parse_args()
    if not PHOTOS.is_dir():
        print(
            f"The photos are not here: {PHOTOS}. Set HMGC_SHARED to the folder that holds data/grocery.",
            file=sys.stderr,
        )
        sys.exit(1)
    rows = []
    for coarse in arguments.coarse or (0.0, 0.9):
        for model in arguments.model or ("flat", "hrn"):
            rows.append(train(RunConfig(model=model, epochs=arguments.epochs), coarse))
            print(json.dumps(rows[-1]), file=sys.stderr, flush=True)
    if arguments.json:
        print(json.dumps({"machine": machine(), "rows": rows}))
        return
    print(machine())
    print(f"{'model':8}{'coarse':>8}{'finest right':>14}{'per level':>26}{'tice':>8}{'minutes':>9}")
    for row in rows:
        levels = " ".join(f"{level:.3f}" for level in row["level_accuracy"])
        print(
            f"{row['model']:8}{row['coarse']:>8.1f}{row['leaf_accuracy']:>14.3f}{levels:>26}"
            f"{row['tice']:>8.3f}{row['wall_s'] / 60:>9.1f}"
        )


def train(config: RunConfig, coarse: float) -> dict:
    with tempfile.TemporaryDirectory() as folder:
        ws = workspaces.open_workspace(Path(folder) / "workspace")
        tree = taxonomies.import_taxonomy(ws, PHOTOS / "tree.csv")
        start = time.monotonic()
        imported = import_photos(ws, Path(folder), coarse)
        import_s = time.monotonic() - start
        start = time.monotonic()
        run_id = training.queue_run(ws, config)
        worker.wait_for(ws, run_id, on_progress=lambda *_: None)
        run = training.run(ws, run_id)
        if run.status != "done":
            raise SystemExit(f"the run is {run.status}: {run.error}")
        return {
            "model": config.model, "backbone": config.backbone, "image_size": config.image_size,
            "epochs": config.epochs, "coarse": coarse, "nodes": tree.nodes, "imported": imported.images,
            "import_s": import_s, "wall_s": time.monotonic() - start, **run.metrics["test"],
        }  # fmt: skip


def import_photos(ws: Workspace, folder: Path, coarse: float) -> ImportReport:
    """Import the photos under the labels of the protocol; the table stands beside a copy of the pictures."""
    with (PHOTOS / "labels.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    totals = Counter(row["leaf"] for row in rows if row["split"] == "train")
    seen: Counter[str] = Counter()
    table = []
    for row in rows:
        label = row["leaf"]
        if row["split"] == "train":
            seen[label] += 1
            if seen[label] > math.ceil(round((1 - coarse) * totals[label], 9)):
                label = row["coarse"]
        table.append(TableRow(0, row["path"], label, row["split"], "import"))
    write_table(folder / "labels.csv", table)
    shutil.copytree(PHOTOS / "images", folder / "images")
    return pictures.import_images(ws, folder / "labels.csv")


def machine() -> str:
    return f"{platform.machine()}, {os.cpu_count()} cores, torch {torch.__version__}, load {os.getloadavg()[0]:.1f}"


if __name__ == "__main__":
    main()
