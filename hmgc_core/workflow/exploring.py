"""What charts of predictions show: counts over a whole split, each of which `marks` can open again."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hmgc_core.metrics import climbing, confusion, reliability
from hmgc_core.metrics.climbing import ClimbingCurve
from hmgc_core.metrics.confusion import MOST_CLASSES, Confusion
from hmgc_core.metrics.paired import PairedDifference, paired_difference
from hmgc_core.metrics.reliability import Reliability
from hmgc_core.metrics.shares import share_interval
from hmgc_core.taxonomy import IntArray, Taxonomy
from hmgc_core.workflow.marks import verdicts
from hmgc_core.workflow.seeing import PredictionTable

Paths = tuple[NDArray[np.int64], NDArray[np.float64]]
MOST_ROWS = 12


def cut_sizes(taxonomy: Taxonomy, below: int = 0) -> list[int]:
    """How many classes each level has at or below a class, the top level first; leaves that end earlier included."""
    sizes = []
    for level in range(1, taxonomy.depth + 1):
        standing = np.unique(confusion.standing(taxonomy, level))
        sizes.append(int(taxonomy.is_at_or_below(standing, below).sum()))
    return sizes


def readable_level(taxonomy: Taxonomy, below: int = 0) -> int:
    """The finest level with at most MOST_CLASSES classes below a class; its children's level where none has so few."""
    first = int(taxonomy.depths[below]) + 1
    sizes = cut_sizes(taxonomy, below)
    fitting = [level for level in range(first, taxonomy.depth + 1) if sizes[level - 1] <= MOST_CLASSES]
    return min(fitting[-1] if fitting else first, taxonomy.depth)


def aligned(table: PredictionTable, paths: Paths) -> NDArray[np.float64]:
    """(B, D) the certainties along the paths, in the order of the table; NaN for a picture without any."""
    ids, certainties = paths
    rows = np.full((len(table.image_ids), table.taxonomy.depth), np.nan)
    if len(ids):
        place = np.searchsorted(ids, table.image_ids).clip(max=len(ids) - 1)
        is_there = ids[place] == table.image_ids
        rows[is_there] = certainties[place[is_there]]
    return rows


def mixed_up(table: PredictionTable, *, level: int, below: int) -> Confusion:
    """Which class is taken for which at a level, of pictures labelled at or below a class."""
    return confusion.confusion(table.taxonomy, table.labels, table.predicted, level=level, below=below)


@dataclass(frozen=True)
class Distances:
    """Mistakes by how far up label and answer meet. by_height: images at height 1, 2, …; labelled: of how many.

    meetings: (class, images), the classes at which most mistakes meet, the most first.
    """

    by_height: list[int]
    meetings: list[tuple[int, int]]
    labelled: int


def distances(table: PredictionTable) -> Distances:
    """Mistakes grouped by the height of the lowest common ancestor of label and answer."""
    taxonomy = table.taxonomy
    meeting = confusion.meetings(taxonomy, table.labels, table.predicted)
    meeting = meeting[meeting >= 0]
    height = taxonomy.heights
    counts = np.bincount(height[meeting], minlength=height[0] + 1)[1:]
    nodes, images = np.unique(meeting, return_counts=True)
    most = np.argsort(-images, kind="stable")[:MOST_ROWS]
    pairs = [(int(nodes[i]), int(images[i])) for i in most]
    return Distances(counts.tolist(), pairs, int((table.labels >= 0).sum()))


@dataclass(frozen=True)
class ClassScore:
    """How often pictures of a class are found: `right` of `images` labelled at or below it."""

    node: int
    images: int
    right: int


def worst_and_best(table: PredictionTable, *, level: int) -> tuple[list[ClassScore], list[ClassScore], int]:
    """(the least found, the best found, how many classes have a labelled picture) at one level, the extreme one first.

    Ordered by the end of the 95% interval that speaks for a class (worst) or against it (best): one lucky or unlucky
    picture does not put a class first. No class is in both lists.
    """
    taxonomy = table.taxonomy
    images, right = confusion.found(taxonomy, table.labels, table.predicted)
    standing = confusion.standing(taxonomy, level)
    cut = np.unique(standing[standing >= 0])
    cut = cut[images[cut] > 0]
    low, high = share_interval(right[cut], images[cut])
    most = min(MOST_ROWS, len(cut) // 2 or 1)
    worst = cut[np.argsort(high, kind="stable")[:most]]
    best = cut[np.argsort(-low, kind="stable")]
    best = best[~np.isin(best, worst)][:most]
    return _scores(worst, images, right), _scores(best, images, right), len(cut)


def _scores(nodes: IntArray, images: IntArray, right: IntArray) -> list[ClassScore]:
    return [ClassScore(int(node), int(images[node]), int(right[node])) for node in nodes]


def how_sure(table: PredictionTable, paths: Paths) -> list[Reliability]:
    """Certainty against being right, level by level."""
    return reliability.level_reliability(table.taxonomy, table.labels, table.predicted, aligned(table, paths))


def how_careful(table: PredictionTable, paths: Paths) -> ClimbingCurve:
    """Right answers against what they tell, as answers stop at the last class that is sure enough."""
    return climbing.climbing_curve(table.taxonomy, table.labels, table.predicted, aligned(table, paths))


@dataclass(frozen=True)
class Compared:
    """Two runs on the pictures that both answered and that are labelled for both. better, worse: of the first run.

    same_tree: both answer with the classes of one tree; else each is judged in its own.
    classes: (class, better, worse) of the most changed classes of the first run's tree, at a level.
    """

    both_right: int
    better: int
    worse: int
    both_wrong: int
    same_tree: bool
    classes: list[tuple[int, int, int]]


def compared(table: PredictionTable, other: PredictionTable, *, level: int) -> Compared:
    """What got better and what got worse from `other` to `table`, in all and in the classes that changed most."""
    mine, theirs, both = verdicts(table, other)
    better, worse = both & mine & ~theirs, both & ~mine & theirs
    standing = confusion.standing(table.taxonomy, level)
    size = len(table.taxonomy)
    gains, losses = (
        np.bincount(nodes[nodes >= 0], minlength=size)
        for nodes in (standing[table.labels[better]], standing[table.labels[worse]])
    )
    changed = np.flatnonzero(gains + losses)
    most = changed[np.lexsort((-(gains + losses)[changed], -np.abs(gains - losses)[changed]))][:MOST_ROWS]
    return Compared(
        int((both & mine & theirs).sum()),
        int(better.sum()),
        int(worse.sum()),
        int((both & ~mine & ~theirs).sum()),
        table.taxonomy.has_same_shape(other.taxonomy),
        [(int(node), int(gains[node]), int(losses[node])) for node in most],
    )


def difference(table: PredictionTable, other: PredictionTable, *, split: str) -> PairedDifference | None:
    """By how much more often `table` is right than `other` on the pictures of a split that both answered; None: none.

    Right as in `compared`: as far as a picture's label says, up to its own level.
    """
    mine, theirs, both = verdicts(table, other)
    measured = both & (table.splits == split)
    return paired_difference(mine[measured], theirs[measured]) if measured.any() else None
