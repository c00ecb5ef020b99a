"""What the points of a map may be coloured by: a number per point, and a legend. The colours are the page's."""

import gzip
import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from hmgc_core.durable_files import write_durably
from hmgc_core.errors import UnknownTask
from hmgc_core.querying import wrong_levels
from hmgc_core.store.workspace import Workspace
from hmgc_core.taxonomy import IntArray, Taxonomy
from hmgc_core.workflow.picture_maps import PictureMap
from hmgc_core.workflow.seeing import PredictionTable

By = Literal["answer", "label", "verdict", "sureness", "labelled"]
WAYS: tuple[By, ...] = ("answer", "label", "verdict", "sureness", "labelled")
OF_A_LEVEL = ("answer", "label")

GONE = 255  # no point: the picture was taken out since
MOST_CLASSES = 11  # with a colour of their own
SURENESS = (0.1, 0.25, 0.5, 0.75, 0.9)  # where one colour ends and the next begins
KEPT = 60  # files of colours beside one map

# What a legend's row stands for beside a class, a step of sureness or a verdict.
Role = Literal["class", "others", "coarser", "none", "right", "wrong", "wrong below", "step", "finest"]


@dataclass(frozen=True)
class Tone:
    """One row of the legend: what it stands for, its place among those of its role, its name, how many points."""

    role: Role
    place: int
    name: str
    count: int


@dataclass(frozen=True, eq=False)
class Colouring:
    """codes: (n,) uint8 per point of the map: a row of `tones`, or GONE."""

    codes: NDArray[np.uint8]
    tones: tuple[Tone, ...]


def colouring(made: PictureMap, table: PredictionTable, by: By, level: int) -> Colouring:
    """How the points of a map are coloured now. level: 1 = top, of use only for OF_A_LEVEL; table: of the map's run."""
    rows = np.searchsorted(table.image_ids, made.images).clip(max=max(len(table.image_ids) - 1, 0))
    if not len(table.image_ids):
        return Colouring(np.full(len(made.images), GONE, dtype=np.uint8), ())
    is_there = table.image_ids[rows] == made.images
    rows = rows[is_there]
    codes, tones = _coloured(table, rows, by, level)
    counts = np.bincount(codes, minlength=len(tones))
    used = np.flatnonzero(counts)
    renumbered = np.zeros(len(tones) + 1, dtype=np.uint8)
    renumbered[used] = np.arange(len(used))
    result = np.full(len(made.images), GONE, dtype=np.uint8)
    result[is_there] = renumbered[codes]
    return Colouring(result, tuple(Tone(*tones[code], int(counts[code])) for code in used))


_Row = tuple[Role, int, str]


def _coloured(table: PredictionTable, rows: IntArray, by: By, level: int) -> tuple[IntArray, list[_Row]]:
    """(codes, legend) of some rows of a table; the legend may hold rows that no point has."""
    tree, labels, predicted = table.taxonomy, table.labels[rows], table.predicted[rows]
    if by == "answer":
        at = tree.ancestors_by_depth[predicted, level - 1]
        return _classes(tree, np.where(at >= 0, at, predicted))
    if by == "label":
        at = np.where(labels >= 0, tree.ancestors_by_depth[labels, level - 1], -1)
        return _classes(tree, np.where((at < 0) & (labels >= 0), -2, at))
    if by == "verdict":
        wrong = wrong_levels(tree, labels, predicted)
        told: list[_Row] = [("right", 0, "Right"), ("wrong", 0, "Wrong at the coarsest level")]
        told += [
            ("wrong below", 0, "Wrong further down"),
            ("none", 0, "Not labelled"),
            ("none", 0, "No class agreed on"),
        ]
        return np.where(labels < 0, 3, np.where(wrong < 0, 4, wrong.clip(max=2))), told
    if by == "sureness":
        return np.searchsorted(SURENESS, table.probabilities[rows], side="right"), _steps()
    finest = tree.is_leaf[labels] & (labels >= 0)
    told = [
        ("finest", 0, "Labelled at the finest level"),
        ("coarser", 0, "Labelled more coarsely"),
        ("none", 0, "Not labelled"),
    ]
    return np.where(finest, 0, np.where(labels >= 0, 1, 2)), told


def _classes(tree: Taxonomy, nodes: IntArray) -> tuple[IntArray, list[_Row]]:
    """nodes: (n,), -1 without a label, -2 with one that ends above. The most frequent classes get rows of their own."""
    found, counts = np.unique(nodes[nodes >= 0], return_counts=True)
    ranked = found[np.lexsort((found, -counts))]
    own = ranked if len(ranked) <= MOST_CLASSES + 1 else ranked[:MOST_CLASSES]
    code_of = np.full(len(tree) + 2, len(own), dtype=np.int64)  # the last two are those of -2 and -1
    code_of[own] = np.arange(len(own))
    code_of[-2:] = (len(own) + 1, len(own) + 2)
    told: list[_Row] = [("class", place, name) for place, name in enumerate(_names(tree, own.tolist()))]
    rest = len(ranked) - len(own)
    told += [
        ("others", 0, f"{rest} other classes"),
        ("coarser", 0, "Labelled more coarsely"),
        ("none", 0, "Not labelled"),
    ]
    return code_of[nodes], told


def _names(tree: Taxonomy, nodes: Sequence[int]) -> list[str]:
    """Names of classes; those that another one has too tell the class above."""
    names = [tree.name(node) for node in nodes]
    return [
        name if names.count(name) == 1 else f"{name} ({tree.name(max(int(tree.parents[node]), 0))})"
        for node, name in zip(nodes, names, strict=True)
    ]


def _steps() -> list[_Row]:
    ends = ["0", *(f"{share:.0%}".removesuffix("%") for share in SURENESS), "100"]
    return [("step", place, f"{low} to {high}%") for place, (low, high) in enumerate(pairwise(ends))]


# --- files that the browser fetches and keeps -------------------------------------------------------------------------


def leave_codes(ws: Workspace, task_id: int, codes: NDArray[np.uint8]) -> str:
    """Leave the numbers of the points for the browser; returns their name, which only the same numbers have."""
    name = hashlib.sha256(codes.tobytes()).hexdigest()[:20]
    folder = _folder(ws, task_id)
    try:
        os.utime(folder / name)  # wanted again: not the next one to go
    except OSError:
        folder.mkdir(parents=True, exist_ok=True)
        write_durably(folder / name, gzip.compress(codes.tobytes(), 6, mtime=0))
        for old in sorted(folder.iterdir(), key=_written_at)[:-KEPT]:
            old.unlink(missing_ok=True)
    return name


def _written_at(file: Path) -> int:
    """When a file was written or wanted, in ns; 0 where another page has taken it away meanwhile."""
    try:
        return file.stat().st_mtime_ns
    except FileNotFoundError:
        return 0


def kept_codes(ws: Workspace, task_id: int, name: str) -> bytes:
    """What `leave_codes` left under a name, as gzip. Raises UnknownTask."""
    try:
        if not (name.isascii() and name.isalnum()):
            raise FileNotFoundError(name)
        return (_folder(ws, task_id) / name).read_bytes()
    except OSError as error:
        raise UnknownTask(f"these colours of map {task_id} are gone", remedy="reload the page") from error


def _folder(ws: Workspace, task_id: int) -> Path:
    return ws.task_folder(task_id) / "colours"
