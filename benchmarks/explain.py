"""What a heatmap costs: against one prediction, against pytorch-grad-cam, and from the question to the answer.

    python benchmarks/explain.py [--json]

One thread, processor time, all rivals in turn in one process, round after round; per round the ratio to the plain
forward pass beside it, and of these the median: on a shared machine ratios are the figures to trust. Then a warm
inspector, a process of its own, is asked about one picture after the other; its time is that of the clock.
"""

import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from losses import cub_shaped, machine
from PIL import Image
from pytorch_grad_cam import GradCAM
from torch import Tensor, nn

from hmgc_core.learning.cam import heatmaps
from hmgc_core.learning.checkpoints import save_checkpoint
from hmgc_core.learning.transforms import normalise
from hmgc_core.models.base import HierarchicalModel
from hmgc_core.models.catalog import build_model
from hmgc_core.records import NewAnnotation, RunConfig
from hmgc_core.store import jobs
from hmgc_core.workflow import labelling, pictures, questions, taxonomies, training, why, workspaces
from hmgc_core.workflow.workspaces import Workspace

NETS = [("flat", "resnet18"), ("hrn", "resnet18"), ("flat", "resnet50"), ("flat", "graphconvnet_ti")]
NETS += [("flat", "pyramid_vig_ti"), ("flat", "timm:vit_tiny_patch16_224")]
SIDE, ROUNDS, ASKED = 224, 5, 20
LATEST_S = 60.0
COLUMNS = "model", "backbone", "forward_ms", "one_map", "three_maps", "three_by_library", "three_one_block_before"


def main() -> None:
    torch.manual_seed(0)
    torch.set_num_threads(1)  # waiting threads would count as work on a busy machine
    is_json = "--json" in sys.argv
    if not is_json:
        print(machine())
        print("".join(f"{name:>27}" for name in COLUMNS))
    rows = []
    for model, backbone in NETS:
        rows.append(row(model, backbone))
        if not is_json:
            print("".join(f"{v:>27.2f}" if isinstance(v, float) else f"{v:>27}" for v in rows[-1].values()), flush=True)
    seconds = waited("resnet18")
    if is_json:
        print(json.dumps({"machine": machine(), "rows": rows, "asked_s": seconds}))
    else:
        print(f"warm resnet18, from the question to the answer: {readable(seconds)}")


def row(model_name: str, backbone: str) -> dict[str, Any]:
    """Milliseconds of one prediction, and how many of it each way to a heatmap takes."""
    taxonomy = cub_shaped()
    config = RunConfig(model=model_name, backbone=backbone, image_size=SIDE)
    model = build_model(model_name, taxonomy, config).eval()
    image = np.random.default_rng(0).integers(0, 256, (3, SIDE, SIDE), dtype=np.uint8)
    nodes = taxonomy.path(int(taxonomy.leaves[7]))
    ways: dict[str, Callable[[], object]] = {
        "forward": lambda: predicted(model, image),
        "one_map": lambda: heatmaps(model, image, nodes[-1:]),
        "three_maps": lambda: heatmaps(model, image, nodes),
        "three_by_library": lambda: by_library(model, image, nodes),
        "three_one_block_before": lambda: heatmaps(model, image, nodes, layer="last-1"),
    }
    for way in ways.values():
        way()
    rounds = [{name: cpu_seconds(way) for name, way in ways.items()} for _ in range(ROUNDS)]
    forward = min(one["forward"] for one in rounds)
    ratios = {name: statistics.median(one[name] / one["forward"] for one in rounds) for name in list(ways)[1:]}
    return {"model": model_name, "backbone": backbone, "forward_ms": 1000 * forward, **ratios}


def predicted(model: HierarchicalModel, image: np.ndarray) -> Tensor:
    with torch.inference_mode():
        return model.answer_log_probs(model(normalise(torch.tensor(image[None]))))


class Evidence(nn.Module):
    """The model as the library wants it."""

    def __init__(self, model: HierarchicalModel) -> None:
        super().__init__()
        self.model = model

    def forward(self, images: Tensor) -> Tensor:
        return self.model.evidence(self.model(images))


def by_library(model: HierarchicalModel, image: np.ndarray, nodes: list[int]) -> None:
    """All nodes as one batch, which is the quickest way the library offers."""
    images = normalise(torch.tensor(image[None])).expand(len(nodes), -1, -1, -1)
    targets = [lambda evidence, node=node: evidence[node] for node in nodes]
    with GradCAM(model=Evidence(model), target_layers=[model.target_layer]) as cam:
        cam(input_tensor=images, targets=targets)
    model.zero_grad(set_to_none=True)


def cpu_seconds(way: Callable[[], object]) -> float:
    start = time.process_time()
    way()
    return time.process_time() - start


# --- from the question to the answer ----------------------------------------------------------------------------------


def waited(backbone: str) -> list[float]:
    """Seconds of the clock from a question to its answer, at an inspector that has the model at hand, sorted."""
    with tempfile.TemporaryDirectory() as folder:
        ws = photographed(Path(folder), backbone)
        command = [sys.executable, "-m", "hmgc_core", "inspector", "--workspace", str(ws.folder)]
        inspector = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        try:
            seconds = [asked(ws, image_id) for image_id in range(1, ASKED + 2)]
        finally:
            inspector.terminate()
            inspector.wait()
    return sorted(seconds[1:])  # the first one loads the model


def photographed(folder: Path, backbone: str) -> Workspace:
    """A workspace with some photos of noise and a run with random weights."""
    ws = workspaces.open_workspace(folder / "workspace")
    taxonomy = cub_shaped()
    taxonomies.store_taxonomy(ws, taxonomy, source="drawn")
    (folder / "photos").mkdir()
    rng = np.random.default_rng(0)
    for number in range(ASKED + 1):
        noise = Image.fromarray(rng.integers(0, 256, (24, 32, 3), dtype=np.uint8))
        noise.resize((640, 480), Image.Resampling.BICUBIC).save(folder / "photos" / f"{number}.jpg")
    pictures.import_images(ws, folder / "photos")
    leaf = taxonomy.keys[taxonomy.leaves[0]]
    labels = [NewAnnotation(f"benchmark-{image_id}", image_id, leaf, "is", 1) for image_id in range(1, ASKED + 2)]
    labelling.annotate(ws, labels, annotator="benchmark")
    config = RunConfig(model="flat", backbone=backbone, image_size=SIDE)
    weights = build_model("flat", taxonomy, config).state_dict()
    checkpoint = save_checkpoint(
        folder / "checkpoint", config=config, taxonomy=taxonomy, weights=weights, epoch=0, metrics={}
    )
    number = training.queue_run(ws, config)
    with ws.writing() as connection:
        jobs.claim(connection, owner="benchmark", lease_s=60)
        jobs.finish(connection, number, owner="benchmark", status="done", checkpoint=str(checkpoint))
    return ws


def asked(ws: Workspace, image_id: int) -> float:
    path = tuple(cub_shaped().path_keys(60))
    start = time.perf_counter()
    number = why.ask_heatmaps(ws, 1, image_id, why.HeatQuestion(path))
    while questions.inspection(ws, number).status == "queued":
        if time.perf_counter() - start > LATEST_S:
            raise SystemExit("the inspector did not answer")
        time.sleep(0.005)
    answered = questions.inspection(ws, number)
    if answered.status != "done":
        raise SystemExit(answered.error)
    return time.perf_counter() - start


def readable(seconds: list[float]) -> str:
    return f"{statistics.median(seconds):.2f} s in the middle, {seconds[-1]:.2f} s at most, of {len(seconds)}"


if __name__ == "__main__":
    main()
