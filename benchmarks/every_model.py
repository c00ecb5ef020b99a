"""Train every model on one backbone, and `flat` on every kind of backbone, on some real photos, by command or by app.

    python benchmarks/every_model.py [--json] [--by command|app] [--photos 300] [--epochs 3] [--only hmgn] [--shots DIR]

By app: each training is chosen and started on the train page of the running app, in a real Chromium, and its prediction
and heatmaps are waited for on the page of a picture. --shots keeps a screenshot of each such page.

Reads the grocery photos from the folder HMGC_SHARED (default ../shared), under data/grocery. It shows that each way
from photos to predictions and heatmaps is whole, not how good a model is: that takes more photos and epochs. Every
second photo of training has its leaf's label, the others the parent's.
"""

import argparse
import csv
import json
import math
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from photos import PHOTOS, machine
from safetensors import safe_open

from hmgc_core.models.catalog import MODELS

BACKBONES = (
    "resnet18", "resnet34", "resnet50", "wide_resnet50_2", "resnet_mini", "graphconvnet_ti", "pyramid_graphconvnet_ti",
    "vig_ti", "pyramid_vig_ti", "timm:mobilenetv3_small_050", "clip:tiny",
)  # fmt: skip
TEXT_MODELS = ("hgrnet", "clip_zero_shot")  # these need a backbone that reads
IMAGE_SIZE = 64


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--by", choices=("command", "app"), default="command")
    parser.add_argument("--shots", type=Path, help="a folder for screenshots of the pages (by app)")
    parser.add_argument("--photos", type=int, default=300)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--only", action="append", help="a model or backbone; all when left out")
    arguments = parser.parse_args()
    if not PHOTOS.is_dir():
        raise SystemExit(f"The photos are not here: {PHOTOS}. Set HMGC_SHARED to the folder that holds data/grocery.")
    pairs = [(model, "clip:tiny" if model in TEXT_MODELS else "resnet18") for model in MODELS]
    pairs += [("flat", backbone) for backbone in BACKBONES if backbone != "resnet18"]
    wanted = [pair for pair in pairs if not arguments.only or set(pair) & set(arguments.only)]
    with tempfile.TemporaryDirectory() as folder:
        workspace = make_workspace(Path(folder), arguments.photos)
        if arguments.by == "command":
            rows = [by_command(workspace, *pair, epochs=arguments.epochs) for pair in wanted]
        else:
            rows = by_app(workspace, wanted, epochs=arguments.epochs, shots=arguments.shots)
    if arguments.json:
        print(json.dumps({"machine": machine(), "rows": rows}))
        return
    print(machine())
    print(f"{'model':16}{'backbone':28}{'million parameters':>20}{'seconds':>9}{'leaf accuracy':>15}{'heatmaps':>10}")
    for row in rows:
        print(
            f"{row['model']:16}{row['backbone']:28}{row['parameters'] / 1e6:>20.2f}{row['seconds']:>9.0f}"
            f"{row['leaf_accuracy']:>15.3f}{row['heatmaps']:>10}"
        )


def make_workspace(folder: Path, photos: int) -> Path:
    """A workspace of as many photos, the same share of each split."""
    with (PHOTOS / "labels.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    chosen = rows[:: max(1, len(rows) // photos)][:photos]
    table = folder / "cut" / "labels.csv"
    for row in chosen:
        copy = table.parent / row["path"]
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(PHOTOS / row["path"], copy)
    with table.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["path", "label", "split"])
        for place, row in enumerate(chosen):
            is_coarse = row["split"] == "train" and place % 2
            writer.writerow([row["path"], row["coarse" if is_coarse else "leaf"], row["split"]])
    workspace = folder / "workspace"
    hmgc(workspace, "import-taxonomy", str(PHOTOS / "tree.csv"))
    hmgc(workspace, "import-images", str(table))
    return workspace


def settings(epochs: int) -> list[str]:
    return ["--image-size", str(IMAGE_SIZE), "--batch-size", "32", "--epochs", str(epochs)]


def by_command(workspace: Path, model: str, backbone: str, *, epochs: int) -> dict:
    """One run from its command to its heatmaps."""
    start = time.monotonic()
    run = hmgc(workspace, "train", model, "--backbone", backbone, *settings(epochs), "--wait")
    seconds = time.monotonic() - start
    said = hmgc(workspace, "predict", str(run["run"]), "1", "2")
    maps = workspace.parent / f"maps-{run['run']}"
    hmgc(workspace, "explain", str(run["run"]), "1", "--out", str(maps), as_json=False)
    return told(model, backbone, run, seconds, heatmaps=len(list(maps.glob("*.png"))), predictions=len(said))


def by_app(workspace: Path, pairs: list[tuple[str, str]], *, epochs: int, shots: Path | None) -> list[dict]:
    """One run after the other, each from the train page to the page of a picture.

    The first run is queued by command: the page fills in like the newest run, and so the sizes are set once.
    """
    from annotator.training_page import look, open_studio, train  # noqa: PLC0415 - needs a browser

    hmgc(workspace, "train", "flat", "--backbone", "resnet_mini", *settings(epochs), "--wait")
    rows = []
    with open_studio(workspace) as (page, address):
        for model, backbone in pairs:
            start = time.monotonic()
            number = train(page, address, model, backbone)
            seconds = time.monotonic() - start
            run = next(run for run in hmgc(workspace, "runs") if run["run"] == number)
            if run["status"] != "done":
                raise SystemExit(f"{model} on {backbone}: {run['status']}: {run['error']}")
            shot = shots / f"{model}-{backbone.replace(':', '-')}.png" if shots else None
            rows.append(told(model, backbone, run, seconds, heatmaps=look(page, address, number, 1, shot)))
    return rows


def told(model: str, backbone: str, run: dict, seconds: float, **counts: int) -> dict:
    row = {
        "model": model, "backbone": backbone, "parameters": parameters(Path(run["checkpoint"])), "seconds": seconds,
        "leaf_accuracy": run["metrics"]["test"]["leaf_accuracy"], **counts,
    }  # fmt: skip
    print(json.dumps(row), file=sys.stderr, flush=True)
    return row


def parameters(checkpoint: Path) -> int:
    """How many numbers a checkpoint keeps, the running means of its normalisation included."""
    with safe_open(checkpoint / "weights.safetensors", "numpy") as weights:
        return sum(math.prod(weights.get_slice(name).get_shape()) for name in weights.keys())  # noqa: SIM118


def hmgc(workspace: Path, *arguments: str, as_json: bool = True) -> dict | list:
    """One command of ours; its JSON."""
    command = [sys.executable, "-m", "hmgc_core", *arguments, "--workspace", str(workspace)]
    ended = subprocess.run([*command, *(["--json"] if as_json else [])], check=False, capture_output=True, text=True)
    if ended.returncode:
        raise SystemExit(f"{' '.join(arguments)}: {ended.stderr.strip()}")
    return json.loads(ended.stdout) if as_json else {}


if __name__ == "__main__":
    main()
