"""Verbs of the class tree on screen: counts and accuracy per node, cut to what fits."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hmgc_core.store import annotations, images, predictions
from hmgc_core.store.workspace import Workspace
from hmgc_core.taxonomy import IntArray, Taxonomy
from hmgc_core.workflow.seeing import PredictionTable
from hmgc_core.workflow.taxonomies import taxonomy_version

MOST_NODES = 400
MOST_CHILDREN = 40


@dataclass(frozen=True)
class NodeCounts:
    """Per node of one taxonomy, each (N,): labels said exactly there, labels and predictions at or below.

    accuracy: share of the measured images at or below the node that the run also places there; NaN where none is.
    measured: how many images that is.
    """

    labels_here: IntArray
    labels: IntArray
    predictions: IntArray
    accuracy: NDArray[np.float64]
    measured: IntArray


def node_counts(ws: Workspace, version: int, table: PredictionTable | None, *, split: str = "test") -> NodeCounts:
    """Counts for every node; `table` (of a tree of the same shape) adds predictions and the accuracy on `split`."""
    taxonomy = taxonomy_version(ws, version)
    here = np.zeros(len(taxonomy), dtype=np.int64)
    with ws.reading() as connection:
        for key, kind, _, count in annotations.tallies(connection):
            if kind in ("is", "none_here") and key in taxonomy:
                here[taxonomy.index(key)] += count
    predicted = np.zeros(len(taxonomy), dtype=np.int64)
    accuracy, measured = np.full(len(taxonomy), np.nan), np.zeros(len(taxonomy), dtype=np.int64)
    if table is not None and table.taxonomy.has_same_shape(taxonomy):
        predicted = taxonomy.sum_up(np.bincount(table.predicted, minlength=len(taxonomy)))
        accuracy, measured = node_accuracy(taxonomy, table, split)
    return NodeCounts(here, taxonomy.sum_up(here), predicted, accuracy, measured)


def node_accuracy(taxonomy: Taxonomy, table: PredictionTable, split: str) -> tuple[NDArray[np.float64], IntArray]:
    """(N,) share of the split's images labelled at or below a node that are predicted at or below it, and how many."""
    rows = (table.labels >= 0) & (table.splits == split)
    labels, predicted = table.labels[rows], table.predicted[rows]
    # Both lie at or below a node exactly when their lowest common ancestor does.
    meeting = taxonomy.lca(labels, predicted)
    measured = taxonomy.sum_up(np.bincount(labels, minlength=len(taxonomy)))
    right = taxonomy.sum_up(np.bincount(meeting, minlength=len(taxonomy)))
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(measured > 0, right / measured, np.nan), measured


@dataclass(frozen=True)
class TreeNode:
    """One drawn box. key is "" for a box that stands for the `hidden` children that did not fit."""

    id: str
    parent: str
    key: str
    name: str
    leaves: int
    labels: int
    predictions: int
    accuracy: float | None
    hidden: int = 0


def tree_view(taxonomy: Taxonomy, counts: NodeCounts, top: int, *, levels: int = 3) -> list[TreeNode]:
    """The subtree of `top`, cut to a few levels and to at most MOST_NODES boxes, the most used children first."""
    drawn = [_box(taxonomy, counts, top, parent="")]
    frontier = [top]
    for _ in range(levels):
        below: list[int] = []
        for node in frontier:
            shown, hidden = _most_used(taxonomy, counts, node, room=MOST_NODES - len(drawn))
            drawn += [_box(taxonomy, counts, child, parent=taxonomy.keys[node]) for child in shown]
            if len(hidden):
                drawn.append(_rest(taxonomy, counts, node, hidden))
            below += shown
        frontier = below
    return drawn


def _most_used(taxonomy: Taxonomy, counts: NodeCounts, node: int, *, room: int) -> tuple[list[int], IntArray]:
    children = taxonomy.children(node)
    if len(children) <= min(room - 1, MOST_CHILDREN):
        return children.tolist(), children[:0]
    if room <= 2:
        return [], children[:0]
    use = counts.labels[children] + counts.predictions[children]
    order = np.lexsort((-taxonomy.leaf_counts[children], -use))
    fits = min(room - 2, MOST_CHILDREN)
    return children[order[:fits]].tolist(), children[order[fits:]]


def _box(taxonomy: Taxonomy, counts: NodeCounts, node: int, *, parent: str) -> TreeNode:
    accuracy = float(counts.accuracy[node])
    key = taxonomy.keys[node]
    return TreeNode(
        id=key,
        parent=parent,
        key=key,
        name=taxonomy.name(node),
        leaves=int(taxonomy.leaf_counts[node]),
        labels=int(counts.labels[node]),
        predictions=int(counts.predictions[node]),
        accuracy=None if np.isnan(accuracy) else accuracy,
    )


def _rest(taxonomy: Taxonomy, counts: NodeCounts, node: int, hidden: IntArray) -> TreeNode:
    key = taxonomy.keys[node]
    return TreeNode(
        id=f"{key}\0rest",
        parent=key,
        key="",
        name=f"{len(hidden)} more",
        leaves=int(taxonomy.leaf_counts[hidden].sum()),
        labels=int(counts.labels[hidden].sum()),
        predictions=int(counts.predictions[hidden].sum()),
        accuracy=None,
        hidden=len(hidden),
    )


def labelled_images(ws: Workspace, version: int, key: str, *, offset: int = 0, count: int = 48) -> list[int]:
    """A page of ids of the images that people placed at this node or below it."""
    with ws.reading() as connection:
        return images.at_or_below(connection, version, key, offset=offset, count=count)


def predicted_images(
    ws: Workspace, version: int, key: str, run_id: int, *, offset: int = 0, count: int = 48
) -> list[int]:
    """A page of ids of the images that a run places at this node or below it, the surest first."""
    with ws.reading() as connection:
        return images.predicted_at_or_below(connection, version, key, run_id, offset=offset, count=count)


def predicted_counts(ws: Workspace, run_id: int) -> dict[str, int]:
    """node key -> images that a run places at exactly this node."""
    with ws.reading() as connection:
        return predictions.count_by_node(connection, run_id)
