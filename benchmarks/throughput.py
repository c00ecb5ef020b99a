"""Pictures a second that a training of `hrn` takes, against the pipeline of its authors built again here.

    python benchmarks/throughput.py [--json] [--only 448] [--rounds 3]

Their pipeline: PIL decodes, resizes to 550 pixels, cuts 448 at random out of a border of 8, mirrors; float32 in NCHW; a
DataLoader with 4 workers; at other sizes the same in proportion. Ours: pictures decoded once to uint8, views and
normalisation in batch, channels-last, bfloat16 where it pays. `input` makes batches, `step` learns prepared ones,
`training` does both. Both pipelines take turns, the best round of each counts. On a processor the time is that of the
processor, one thread a process, all processes together, so that a busy machine changes little; on a GPU the clock's.
`share_of_peak`: of the rate at which the device multiplies large bfloat16 matrices (float32 where it has no bfloat16).
"""

import argparse
import json
import os
import resource
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch.utils.data import DataLoader, Dataset
from torch.utils.flop_counter import FlopCounterMode
from torchvision import transforms

from hmgc_core.learning.batches import TrainingSet, training_set
from hmgc_core.learning.devices import ComputeDevice, fitting_threads, pick_device
from hmgc_core.learning.pixel_cache import decode_pictures
from hmgc_core.learning.processes import ALONE
from hmgc_core.learning.resume import TrainingState
from hmgc_core.learning.steps import Steps
from hmgc_core.learning.transforms import normalise, random_views
from hmgc_core.models.backbones.colours import MEAN, SPREAD
from hmgc_core.models.base import HierarchicalModel
from hmgc_core.models.catalog import build_model
from hmgc_core.records import RunConfig, Sample
from hmgc_core.taxonomy import Taxonomy

PHOTO_SIZE, QUALITY = (500, 375), 92  # of the birds HRN was published on, about
COLUMNS = "what", "device", "images_per_s", "ratio_to_authors", "share_of_peak"
# (backbone, side, pictures in a step on a processor, on a GPU)
SETTINGS = (("resnet18", 64, 32, 512), ("resnet18", 128, 16, 512), ("resnet50", 224, 8, 256), ("resnet50", 448, 2, 64))
# The last step of a training sees views of the full side; a whole one sees three sides (hmgc_core.learning.schedule).
LAST_STEP, STEPS = 999, 1000
GROWTH_SHARES = 0.15, 0.25, 0.6  # of the steps see all of the side, three quarters, half
WORKERS = 4

Rivals = dict[str, Callable[[], None]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--only", action="append", type=int, help="a side in pixels; all four when left out")
    parser.add_argument("--part", action="append", help="input, step or training; all three when left out")
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    compute = pick_device()
    if not compute.works_beside:
        torch.set_num_threads(1)  # waiting threads would count as work on a busy machine
    warnings.filterwarnings("ignore", message="This DataLoader will create 4 worker processes")
    peak = matmul_flops(compute)
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for backbone, side, few, many in SETTINGS:
            if arguments.only and side not in arguments.only:
                continue
            batch = many if compute.works_beside else few
            parts = arguments.part or ["input", "step", "training"]
            batches = 8 if compute.works_beside or parts == ["input"] else 2
            photos = make_photos(Path(folder), batches * batch)
            bench = Bench(backbone, side, batch, compute, photos, Path(folder) / "cache")
            rows += bench.rows(peak, arguments.rounds, parts)
            print(*(told(row) for row in rows), sep="\n", file=sys.stderr, flush=True)
    machine = f"{device_name(compute)}, {os.cpu_count()} cores, torch {torch.__version__}, "
    machine += f"load {os.getloadavg()[0]:.1f}, {peak / 1e12:.3g} TFLOP/s of matrix products"
    if arguments.json:
        print(json.dumps({"machine": machine, "rows": rows}))
        return
    print(machine)
    print(*(told(row) for row in rows), sep="\n")


def told(row: dict[str, Any]) -> str:
    ratio, share = ("" if row[name] is None else f"{row[name]:.2f}" for name in COLUMNS[3:])
    return f"{row['what']:58}{row['device']:>6}{row['images_per_s']:>10.1f}{ratio:>8}{share:>8}  {row.get('binds', '')}"


@dataclass
class Bench:
    """One backbone at one side: both pipelines, ready to take turns."""

    backbone: str
    side: int
    batch: int
    compute: ComputeDevice
    photos: list[Path]
    cache: Path

    def rows(self, peak: float, rounds: int, parts: list[str]) -> list[dict[str, Any]]:
        with fitting_threads(self.model, self.config, self.compute):
            images = {"input": len(self.photos), "step": self.batch, "training": len(self.photos)}
            rows, best = [], {}
            for part in parts:
                rivals = {"input": self.inputs, "step": self.steps, "training": self.trainings}[part]()
                seconds = self.race(rivals, rounds)
                if part == "input":
                    sides = [seconds["ours"], *(seconds.pop(f"ours, {scale} of the side") for scale in (0.75, 0.5))]
                    seconds["ours, views that grow"] = float(np.dot(GROWTH_SHARES, sides))
                best |= {(part, name): images[part] / taken for name, taken in seconds.items()}
            for (part, name), rate in best.items():
                share = None if part == "input" else rate * self.flops_per_image / peak
                values = (
                    f"{part}, {self.backbone} at {self.side}: {name}",
                    self.compute.torch_device.type,
                    rate,
                    rate / best[part, "authors"],
                    share,
                )
                rows.append(dict(zip(COLUMNS, values, strict=True)))
                if part == "training" and len(parts) == 3 and name in ("authors", "ours"):
                    alone = best["input", name] * (WORKERS if self.compute.works_beside and name == "authors" else 1)
                    rows[-1]["binds"] = "the step" if best["step", name] < alone else "the input"
        return rows

    # --- input --------------------------------------------------------------------------------------------------------

    def inputs(self) -> Rivals:
        """All photos once, as float batches on the processor; on a GPU ours are made there."""

        def authors() -> None:
            photos = AuthorsPhotos(self.photos, self.side)
            for start in range(0, len(photos), self.batch):
                torch.stack([photos[i][0] for i in range(start, min(start + self.batch, len(photos)))])

        def ours(views: str, scale: float = 1.0) -> None:
            for step, (_, pixels) in enumerate(self.data.pictures(self.plan, self.compute)):
                told = {"seed": 0, "epoch": 0, "step": step, "kind": views}
                normalise(random_views(self.compute.send(pixels), side=round(self.side * scale), **told))

        return {
            "authors": authors,
            "ours": partial(ours, "hrn"),
            "ours, 0.75 of the side": partial(ours, "hrn", 0.75),
            "ours, 0.5 of the side": partial(ours, "hrn", 0.5),
            "ours, with changed light": partial(ours, "plain"),
        }

    @cached_property
    def plan(self) -> list[np.ndarray]:
        return [np.arange(s, s + self.batch) for s in range(0, len(self.photos), self.batch)]

    @cached_property
    def data(self) -> TrainingSet:
        pixels = decode_pictures(self.photos, size=self.side, folder=self.cache)
        return training_set(self.taxonomy, self.samples, pixels)

    @cached_property
    def samples(self) -> list[Sample]:
        leaves = self.taxonomy.leaves
        return [Sample(path, int(leaves[i % len(leaves)])) for i, path in enumerate(self.photos)]

    # --- step ---------------------------------------------------------------------------------------------------------

    def steps(self) -> Rivals:
        """Forward, loss, backward and optimizer on one batch that is there already."""
        images = torch.randn(self.batch, 3, self.side, self.side, device=self.compute.torch_device)
        targets = torch.from_numpy(np.resize(self.taxonomy.leaves, self.batch)).to(self.compute.torch_device)
        plain = self.fresh_model().to(self.compute.torch_device)
        plain_optimizer = torch.optim.SGD(plain.parameters(), lr=0.002, momentum=0.9, weight_decay=5e-4)
        last = images.contiguous(memory_format=torch.channels_last)
        optimizer = self.model.optimizer(self.config)

        def authors() -> None:
            plain_optimizer.zero_grad()
            plain.loss(plain(images), targets).backward()
            plain_optimizer.step()

        def ours(model: Any) -> None:
            optimizer.zero_grad(set_to_none=True)
            with self.compute.autocast():
                loss = self.model.loss(model(last), targets)
            loss.backward()
            optimizer.step()

        rivals: Rivals = {"authors": authors, "ours": partial(ours, self.model)}
        if self.compute.works_beside:
            rivals["ours, compiled"] = partial(ours, torch.compile(self.model))
        return rivals

    @cached_property
    def taxonomy(self) -> Taxonomy:
        """13 / 38 / 200 classes, like the birds HRN was published on."""
        families = [(f"f{i}", f"o{i % 13}") for i in range(38)]
        species = [(f"s{i}", f"f{i % 38}") for i in range(200)]
        return Taxonomy.from_edges([*((f"o{i}", "root") for i in range(13)), *families, *species])

    @cached_property
    def config(self) -> RunConfig:
        switches = {"views": "hrn"}
        return RunConfig("hrn", self.backbone, self.side, batch_size=self.batch, lr=0.002, switches=switches)

    def fresh_model(self) -> HierarchicalModel:
        torch.manual_seed(0)
        return build_model("hrn", self.taxonomy, self.config).train()

    @cached_property
    def model(self) -> HierarchicalModel:
        return self.compute.place(self.fresh_model()).train()

    @cached_property
    def flops_per_image(self) -> int:
        """Floating-point operations of a step, forward and backward."""
        model = self.fresh_model()
        targets = torch.from_numpy(np.resize(self.taxonomy.leaves, 2))
        with FlopCounterMode(display=False) as counter:
            model.loss(model(torch.zeros(2, 3, self.side, self.side)), targets).backward()
        return counter.get_total_flops() // 2

    # --- both ---------------------------------------------------------------------------------------------------------

    def trainings(self) -> Rivals:
        """All photos once, from the disk to the last step of the optimizer."""
        plain = self.fresh_model().to(self.compute.torch_device)
        optimizer = torch.optim.SGD(plain.parameters(), lr=0.002, momentum=0.9, weight_decay=5e-4)
        state = TrainingState(self.model.train(), self.model.optimizer(self.config))
        steps = Steps(self.config, self.compute, self.data, state, ALONE)

        def authors() -> None:
            photos = AuthorsPhotos(self.photos, self.side, [sample.node for sample in self.samples])
            for images, targets in DataLoader(photos, self.batch, num_workers=WORKERS, shuffle=True):
                there = [tensor.to(self.compute.torch_device) for tensor in (images, targets)]
                optimizer.zero_grad()
                plain.loss(plain(there[0]), there[1]).backward()
                optimizer.step()

        def ours(place: Callable[[int], int]) -> None:
            for number, (chosen, pixels) in enumerate(self.data.pictures(self.plan, self.compute)):
                steps.learn(chosen, pixels, step=place(number), steps=STEPS)

        def growing(number: int) -> int:
            """As in a whole training: 60 % of the steps see half the side, 25 % three quarters, 15 % all of it."""
            return number * LAST_STEP // max(1, len(self.plan) - 1)

        rivals: Rivals = {"authors": authors, "ours": partial(ours, lambda _: LAST_STEP)}
        if len(self.plan) >= 8:
            rivals["ours, views that grow"] = partial(ours, growing)
        return rivals

    # --- time ---------------------------------------------------------------------------------------------------------

    def race(self, rivals: Rivals, rounds: int) -> dict[str, float]:
        """Best seconds of each, in turn; the first round warms up where it is not the only one."""
        best = dict.fromkeys(rivals, float("inf"))
        for number in range(rounds + 1):
            for name, run in rivals.items():
                started_s = self.now_s()
                run()
                taken_s = self.now_s() - started_s
                if number:
                    best[name] = min(best[name], taken_s)
        return best

    def now_s(self) -> float:
        """Of the clock on a GPU, all work done; else of the processor, ended processes of ours included."""
        if self.compute.works_beside:
            torch.cuda.synchronize()
            return time.perf_counter()
        children = resource.getrusage(resource.RUSAGE_CHILDREN)
        return time.process_time() + children.ru_utime + children.ru_stime


class AuthorsPhotos(Dataset):
    """What HRN's loader gives, (3, S, S) float32 and a label."""

    def __init__(self, photos: list[Path], side: int, labels: list[int] | None = None) -> None:
        whole, border = round(side * 550 / 448), round(side * 8 / 448)
        self.photos, self.labels = photos, labels or [0] * len(photos)
        self.change = transforms.Compose(
            [
                transforms.Resize((whole, whole)),
                transforms.RandomCrop(side, padding=border),
                transforms.RandomHorizontalFlip(),
                transforms.ToTensor(),
                transforms.Normalize(MEAN, SPREAD),
            ]
        )

    def __len__(self) -> int:
        return len(self.photos)

    def __getitem__(self, place: int) -> tuple[torch.Tensor, int]:
        return self.change(Image.open(self.photos[place]).convert("RGB")), self.labels[place]


def make_photos(folder: Path, count: int) -> list[Path]:
    """Shop photos from HMGC_SHARED in the size of HRN's; drawn ones where they are not here."""
    shared = Path(os.environ.get("HMGC_SHARED", "")) / "data" / "grocery" / "images"
    found = sorted(shared.rglob("*.jpg"))[:: max(1, 5421 // count)] if shared.is_dir() else []
    paths = []
    for number, picture in zip(range(count), drawn_or(found), strict=False):
        paths.append(folder / f"{number}.jpg")
        if not paths[-1].exists():
            picture().resize(PHOTO_SIZE, Image.Resampling.BICUBIC).save(paths[-1], quality=QUALITY)
    return paths


def drawn_or(found: list[Path]) -> Iterator[Callable[[], Image.Image]]:
    """How to get one picture after the other, without end."""
    number = 0
    while True:
        if found:
            yield partial(opened, found[number % len(found)])
        else:
            pixels = np.random.default_rng(number).integers(0, 256, (60, 80, 3), dtype=np.uint8)
            yield partial(Image.fromarray, pixels)
        number += 1


def opened(path: Path) -> Image.Image:
    return Image.open(path).convert("RGB")


def matmul_flops(compute: ComputeDevice, seconds: float = 2.0) -> float:
    """Floating-point operations a second of large matrix products, the best of many; of one thread's time on a CPU."""
    side = 8192 if compute.works_beside else 1024
    kind = torch.bfloat16 if compute.half else torch.float32
    one, other = (torch.randn(side, side, device=compute.torch_device).to(kind) for _ in range(2))
    clock = time.perf_counter if compute.works_beside else time.process_time
    best, until = float("inf"), time.perf_counter() + seconds
    while time.perf_counter() < until:
        started_s = clock()
        one @ other
        if compute.works_beside:
            torch.cuda.synchronize()
        best = min(best, clock() - started_s)
    return 2 * side**3 / best


def device_name(compute: ComputeDevice) -> str:
    if compute.works_beside:
        return torch.cuda.get_device_name()
    told = Path("/proc/cpuinfo")
    lines = told.read_text().splitlines() if told.is_file() else []
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "processor")


if __name__ == "__main__":
    main()
