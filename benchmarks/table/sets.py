"""The pictures of the table: a training part whose labels name a leaf, one to choose by, one to measure on.

The drawn set is drawn for it; the photos are read from the folder HMGC_SHARED (default ../shared), under data; any
other name is the folder of a workspace of the app.
"""

import csv
import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path

import numpy as np

from hmgc_core import relabelling
from hmgc_core.demo import draw_demo
from hmgc_core.errors import WorkspaceError
from hmgc_core.records import IS, Run, RunConfig, Sample
from hmgc_core.store import annotations
from hmgc_core.taxonomy import Taxonomy
from hmgc_core.taxonomy_io import read_taxonomy
from hmgc_core.workflow import taxonomies, training, workspaces

ROOT = Path(__file__).parents[2]
SHARED = Path(os.environ.get("HMGC_SHARED", ROOT.parent / "shared")) / "data"

DRAWN_TRAIN, DRAWN_TEST = 1300, 1300  # the first gives the training and the validation part
CIFAR_TRAIN, CIFAR_VAL, CIFAR_TEST = 100, 20, 25  # of each class


@dataclass(frozen=True)
class PictureSet:
    """One workspace of the table. train: in file order, as far as labels go exact. val, test: exact wherever known.

    hardness: how hard each training picture is, where the hardest get the coarse labels; else the last of the file do.
    backbone: what rows learn with that name none.
    """

    name: str
    taxonomy: Taxonomy
    train: list[Sample]
    val: list[Sample]
    test: list[Sample]
    hardness: tuple[float, ...] | None = None
    backbone: str = "resnet_mini"

    def labels(self, share: float) -> list[Sample]:
        """The training labels with this share of each class made coarse, by one level."""
        if not share:
            return self.train
        exact = np.array([sample.node for sample in self.train])
        if self.hardness is None:
            nodes = relabelling.hrn(self.taxonomy, exact, coarse=share)
        else:
            nodes = relabelling.ambiguous(self.taxonomy, exact, np.array(self.hardness), shares=(1 - share, share))
        return [replace(sample, node=int(node)) for sample, node in zip(self.train, nodes, strict=True)]

    @cached_property
    def content(self) -> str:
        """A hash of the tree and of which picture is what, and for what."""
        told = [[[one.path.name, one.node] for one in part] for part in (self.train, self.val, self.test)]
        return hashlib.sha256(json.dumps([self.taxonomy.content_hash, told]).encode()).hexdigest()[:12]

    def cut(self, pictures: int) -> "PictureSet":
        """At most so many pictures of each part, from all over it."""
        train, val, test = (part[:: -(-len(part) // pictures)] for part in (self.train, self.val, self.test))
        hardness = self.hardness and self.hardness[:: -(-len(self.train) // pictures)]
        return replace(self, train=train, val=val, test=test, hardness=hardness)


def load(name: str, folder: Path, *, pictures: int | None = None) -> PictureSet:
    """The set of this name. folder: where drawn and unpacked pictures are kept. Raises WorkspaceError."""
    made = SETS[name](folder) if name in SETS else of_workspace(Path(name))
    for part in ("train", "val", "test"):
        if not getattr(made, part):
            raise WorkspaceError(
                f"{name} has no labelled picture to {part} on", remedy="give it labels in all three splits"
            )
    return made.cut(pictures) if pictures else made


def drawn(folder: Path) -> PictureSet:
    """The project's own drawn pictures under their true leaves; those to measure on are drawn by another seed."""
    learned, measured = (_drawn_once(folder, seed, count) for seed, count in enumerate((DRAWN_TRAIN, DRAWN_TEST)))
    taxonomy = read_taxonomy(learned / "tree.csv")
    rows = _photo_rows(learned)
    return PictureSet(
        "drawn",
        taxonomy,
        _samples(taxonomy, learned, [row for row in rows if row["split"] == "train"]),
        _samples(taxonomy, learned, [row for row in rows if row["split"] != "train"]),
        _samples(taxonomy, measured, _photo_rows(measured)),
    )


def drawn_hard(folder: Path) -> PictureSet:
    """The same pictures; the coarse labels go to those of each class of which the least can be seen, as people do."""
    made = drawn(folder)
    rows = _photo_rows(made.train[0].path.parents[1])
    hardness = tuple(float(row["degrade"]) for row in rows if row["split"] == "train")
    return replace(made, name="drawn_hard", hardness=hardness)


def _drawn_once(folder: Path, seed: int, count: int) -> Path:
    place = folder / f"drawn-{seed}-{count}"
    _make_once(place, lambda draft: _draw(draft, seed, count))
    return place


def _draw(folder: Path, seed: int, count: int) -> None:
    drawing = draw_demo(folder, seed=seed, images=count)
    tree = drawing.taxonomy
    edges = [(key, tree.keys[parent]) for key, parent in zip(tree.keys[1:], tree.parents[1:], strict=True)]
    _write(folder / "tree.csv", ("child", "parent"), edges)
    rows = [(image.path.as_posix(), image.leaf, image.split, str(image.degrade)) for image in drawing.images]
    _write(folder / "labels.csv", ("path", "leaf", "split", "degrade"), rows)


def cifar(folder: Path) -> PictureSet:
    """A cut of CIFAR-100: of each class 100 pictures to train, 20 of its training part to choose by, 25 to test."""
    place = _unpacked(folder / "cifar", "--limit", str(CIFAR_TRAIN))
    rows = _photo_rows(place)
    return _photos("cifar", place, _first(rows, {"train": CIFAR_TRAIN, "val": CIFAR_VAL, "test": CIFAR_TEST}))


def cifar_whole(folder: Path) -> PictureSet:
    """All of CIFAR-100, in its own splits, for a GPU: a net of the size that is usual there."""
    place = _unpacked(folder / "cifar-whole")
    return replace(_photos("cifar_whole", place, _photo_rows(place)), backbone="resnet18")


def _unpacked(place: Path, *arguments: str) -> Path:
    script = SHARED / "unpack_cifar100.py"
    if not script.is_file():
        raise _not_here(script)
    _make_once(place, lambda draft: _run(script, str(draft), *arguments))
    return place


def grocery(_folder: Path) -> PictureSet:
    """The grocery photos in their own splits."""
    place = SHARED / "grocery"
    if not (place / "labels.csv").is_file():
        raise _not_here(place)
    return _photos("grocery", place, _photo_rows(place))


SETS: dict[str, Callable[[Path], PictureSet]] = {
    "cifar": cifar,
    "cifar_whole": cifar_whole,
    "grocery": grocery,
    "drawn": drawn,
    "drawn_hard": drawn_hard,
}


def of_workspace(folder: Path) -> PictureSet:
    """The labels of a workspace of the app as they are now."""
    if not (folder / "hmgc.db").is_file():
        raise WorkspaceError(f"{folder} is no workspace", remedy=f"choose one of {', '.join(SETS)}, or a workspace")
    ws = workspaces.open_workspace(folder)
    version, _ = taxonomies.current_taxonomy(ws)
    with ws.reading() as connection:
        newest = annotations.last_id(connection)
    now = Run(0, RunConfig(), "done", version, newest, datetime.now(UTC))
    labels = training.run_labels(ws, now)
    parts = ([one for one in part if one.kind == IS and one.node] for part in (labels.train, labels.val, labels.test))
    return PictureSet(folder.resolve().name, labels.taxonomy, *parts)


def _make_once(place: Path, make: Callable[[Path], None]) -> None:
    """Fill a folder whole or not at all; of two processes one waits for the other."""
    place.parent.mkdir(parents=True, exist_ok=True)
    with place.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not place.exists():
            draft = place.with_suffix(".draft")
            shutil.rmtree(draft, ignore_errors=True)
            draft.mkdir()
            make(draft)
            draft.rename(place)


def _run(script: Path, *arguments: str) -> None:
    ended = subprocess.run([sys.executable, str(script), *arguments], check=False, capture_output=True, text=True)
    if ended.returncode:
        raise WorkspaceError(f"{script} failed: {ended.stderr.strip()[-500:]}", remedy="see whether its data is whole")


def _photo_rows(place: Path) -> list[dict[str, str]]:
    with (place / "labels.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def _first(rows: list[dict[str, str]], counts: dict[str, int]) -> list[dict[str, str]]:
    """Of each class the first so many of each split."""
    seen: dict[tuple[str, str], int] = {}
    kept = []
    for row in rows:
        group = (row["leaf"], row["split"])
        seen[group] = seen.get(group, 0) + 1
        if seen[group] <= counts[row["split"]]:
            kept.append(row)
    return kept


def _photos(name: str, place: Path, rows: list[dict[str, str]]) -> PictureSet:
    taxonomy = read_taxonomy(place / "tree.csv")
    splits = ("train", "val", "test")
    parts = (_samples(taxonomy, place, [row for row in rows if row["split"] == split]) for split in splits)
    return PictureSet(name, taxonomy, *parts)


def _samples(taxonomy: Taxonomy, place: Path, rows: list[dict[str, str]]) -> list[Sample]:
    return [Sample(place / row["path"], taxonomy.index(row["leaf"])) for row in rows]


def _write(path: Path, header: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> None:
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([header, *rows])


def _not_here(place: Path) -> WorkspaceError:
    return WorkspaceError(f"the pictures are not here: {place}", remedy="set HMGC_SHARED to the folder that holds data")
