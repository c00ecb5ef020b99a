"""What is known at each class of a tree: its pictures, what people said there, and how a run does. One pass over all.

Every figure of a class speaks of the class and all that lies below it, but for `labels_here`.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hmgc_core.querying import Agreement, agreements
from hmgc_core.store.workspace import Workspace
from hmgc_core.taxonomy import BoolArray, IntArray, Taxonomy
from hmgc_core.workflow.placings import Said, said
from hmgc_core.workflow.seeing import PredictionTable
from hmgc_core.workflow.taxonomies import taxonomy_version

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Figure:
    """value: (N,) one figure per node, NaN where there is none. of: (N,) how many labels or pictures it speaks of."""

    value: FloatArray
    of: IntArray


@dataclass(frozen=True, eq=False)
class TreeStatistics:
    """Per node of one taxonomy, (N,) each; the figures of a run are all NaN, of 0, where there is none.

    said: the words that it was made from.
    labels_here: labels said exactly there. images: pictures labelled there, or unlabelled ones that the run puts there.
    level: mean depth of the labels, in edges from the root. detail: mean of how far down its branch a label goes, from
    0 at the root to 1 at a leaf. accuracy: share of the labelled test pictures that the run puts there too.
    confidence: mean certainty of the answers that the run gives there, on every split. sure, right: of the answers it
    gives there to test pictures whose label can tell (it is not above the answer), mean certainty and share right.
    contradicted: share of the labelled pictures whose label and answer lie on different branches. disputed: of the
    pictures that somebody puts there and two people or more have placed, the share placed on different branches.
    """

    said: Said
    images: IntArray
    labels: IntArray
    labels_here: IntArray
    predictions: IntArray
    level: Figure
    detail: Figure
    accuracy: Figure
    confidence: Figure
    sure: Figure
    right: Figure
    contradicted: Figure
    disputed: Figure

    @property
    def calibration(self) -> Figure:
        """Certainty less the share right, in [-1, 1]: above 0 the run is surer than it is right."""
        return Figure(self.sure.value - self.right.value, self.right.of)


def tree_statistics(
    ws: Workspace, version: int, table: PredictionTable | None, *, split: str = "test"
) -> TreeStatistics:
    """All figures of all nodes. `table`, of a tree of the same shape, adds those of a run, measured on `split`."""
    taxonomy = taxonomy_version(ws, version)
    return statistics_of(taxonomy, said(ws, taxonomy), table, split=split)


def statistics_of(
    taxonomy: Taxonomy, said: Said, table: PredictionTable | None, *, split: str = "test"
) -> TreeStatistics:
    """`tree_statistics` from what was read already."""
    pictures = agreements(taxonomy, said.images, said.nodes)
    if table is None or not table.taxonomy.has_same_shape(taxonomy):
        table = _no_predictions(taxonomy)
    size = len(taxonomy)
    here = np.bincount(said.nodes, minlength=size)
    taken_for = table.predicted[~np.isin(table.image_ids, pictures.images)]
    counts = np.stack(
        [
            here,
            np.bincount(pictures.nodes, minlength=size) + np.bincount(taken_for, minlength=size),
            np.bincount(table.predicted, minlength=size),
        ],
        axis=1,
    )
    labels, images, predictions = taxonomy.sum_up(counts).T
    depths = taxonomy.depths
    reach = depths / np.maximum(depths + taxonomy.heights, 1)
    tested = (table.labels >= 0) & (table.splits == split)
    sure, right = _sure_and_right(taxonomy, table, tested)
    return TreeStatistics(
        said=said,
        images=images,
        labels=labels,
        labels_here=here,
        predictions=predictions,
        level=_mean_below(taxonomy, said.nodes, depths[said.nodes]),
        detail=_mean_below(taxonomy, said.nodes, reach[said.nodes]),
        accuracy=_accuracy(taxonomy, table, tested),
        confidence=_mean_below(taxonomy, table.predicted, table.probabilities),
        sure=sure,
        right=right,
        contradicted=_contradicted(taxonomy, table),
        disputed=_disputed(taxonomy, said, pictures),
    )


def _no_predictions(taxonomy: Taxonomy) -> PredictionTable:
    none = np.zeros(0, dtype=np.int64)
    return PredictionTable(taxonomy, none, np.zeros(0, dtype=np.str_), none, none, np.zeros(0))


def _mean_below(taxonomy: Taxonomy, nodes: IntArray, values: NDArray) -> Figure:
    """The mean of values (B,) that stand at nodes (B,), over each subtree."""
    totals = np.bincount(nodes, weights=values, minlength=len(taxonomy))
    of = taxonomy.sum_up(np.bincount(nodes, minlength=len(taxonomy)))
    return _share(taxonomy.sum_up(totals), of)


def _share(part: NDArray, of: IntArray) -> Figure:
    with np.errstate(invalid="ignore", divide="ignore"):
        return Figure(np.where(of > 0, part / of, np.nan), of)


def _accuracy(taxonomy: Taxonomy, table: PredictionTable, rows: BoolArray) -> Figure:
    labels, predicted = table.labels[rows], table.predicted[rows]
    # Both lie at or below a node exactly when their lowest common ancestor does.
    meeting = taxonomy.lca(labels, predicted)
    found = taxonomy.sum_up(np.bincount(meeting, minlength=len(taxonomy)))
    return _share(found, taxonomy.sum_up(np.bincount(labels, minlength=len(taxonomy))))


def _sure_and_right(taxonomy: Taxonomy, table: PredictionTable, rows: BoolArray) -> tuple[Figure, Figure]:
    is_right = taxonomy.is_at_or_below(table.labels, table.predicted)
    can_tell = rows & (is_right | ~taxonomy.is_at_or_below(table.predicted, table.labels))
    answers = table.predicted[can_tell]
    sure = _mean_below(taxonomy, answers, table.probabilities[can_tell])
    return sure, _mean_below(taxonomy, answers, is_right[can_tell])


def _contradicted(taxonomy: Taxonomy, table: PredictionTable) -> Figure:
    known = table.labels >= 0
    labels, predicted = table.labels[known], table.predicted[known]
    on_one_path = taxonomy.is_at_or_below(labels, predicted) | taxonomy.is_at_or_below(predicted, labels)
    return _mean_below(taxonomy, labels, ~on_one_path)


def _disputed(taxonomy: Taxonomy, said: Said, pictures: Agreement) -> Figure:
    """A picture counts at every class on the way to any of its labels, once."""
    place = np.searchsorted(pictures.images, said.images)
    several = pictures.people[place] >= 2
    nodes, images, disputed = said.nodes[several], said.images[several], pictures.disputed[place][several]
    # Each label adds one to all classes above it; where two neighbours in pre-order meet, one is taken off again.
    twice = images[1:] == images[:-1]
    meeting = taxonomy.lca(nodes[:-1][twice], nodes[1:][twice])
    size = len(taxonomy)

    def counted(keep: NDArray) -> IntArray:
        added = np.bincount(nodes[keep], minlength=size)
        return taxonomy.sum_up(added - np.bincount(meeting[keep[1:][twice]], minlength=size))

    return _share(counted(disputed), counted(np.ones(len(nodes), dtype=bool)))
