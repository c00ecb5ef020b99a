"""Choose one node from the probabilities of all nodes, so the answer is always one path. Pure numpy; knows no model."""

from collections.abc import Iterator
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from hmgc_core.errors import BadConfig, BadProbabilities
from hmgc_core.taxonomy import IntArray, Taxonomy

Rule = Literal["leaf", "threshold", "distance"]
Probs = NDArray[np.floating]
BLOCK = 1 << 22  # numbers worked on at a time: 16 MB of float32, so that no second (B, N) array is needed


def decode(taxonomy: Taxonomy, probs: Probs, rule: Rule = "leaf", *, threshold: float = 0.5) -> IntArray:
    """One node per row. probs: (B, N) in [0, 1], a child never above its parent. Returns (B,) int nodes.

    rule "leaf": the most probable leaf. rule "threshold": the deepest node with at least `threshold` on the path to
    that leaf, the root where there is none (Goren et al., NeurIPS 2024, "climbing"). rule "distance": the leaf with the
    least expected `mistake_distance` (Karthik et al., ICLR 2021). Of equals the first in `taxonomy.leaves` is taken.
    Raises BadProbabilities where a number is NaN or outside [0, 1], BadConfig on another rule.
    """
    probs = checked_probs(taxonomy, probs)
    if rule == "distance":
        return _nearest_leaves(taxonomy, probs)
    best = top_leaves(taxonomy, probs, 1)[:, 0]
    if rule == "leaf":
        return best
    if rule == "threshold":
        return _climb(taxonomy, probs, best, threshold)
    raise BadConfig(f"there is no decode rule {rule!r}", remedy="choose leaf, threshold or distance")


def top_leaves(taxonomy: Taxonomy, probs: Probs, count: int) -> IntArray:
    """The `count` most probable leaves of each row, best first, of equals the first in `taxonomy.leaves`.

    probs: (B, N). Returns (B, count) int nodes, fewer columns where the tree has fewer leaves.
    """
    leaves, count = taxonomy.leaves, min(count, len(taxonomy.leaves))
    chosen = np.empty((len(probs), count), dtype=np.int64)
    for part in row_blocks(*probs.shape):
        of_leaves = np.take(probs[part], leaves, axis=1)
        rows = np.arange(len(of_leaves))
        for rank in range(count):
            best = of_leaves.argmax(1)
            chosen[part, rank] = leaves[best]
            of_leaves[rows, best] = -np.inf
    return chosen


def checked_probs(taxonomy: Taxonomy, probs: Probs) -> Probs:
    """`probs` as an array, if it is (B, N) numbers in [0, 1]; else raises BadProbabilities."""
    probs = np.asarray(probs)
    if probs.ndim != 2 or probs.shape[1] != len(taxonomy):
        raise BadProbabilities(
            f"probabilities of shape {probs.shape} do not fit a tree of {len(taxonomy)} classes",
            remedy="give one row per picture and one column per class, the root included",
        )
    # A NaN makes both ends NaN, which no comparison accepts. Sums of float32 may pass 1 by a little.
    if len(probs) and not (probs.min() >= 0 and probs.max() <= 1.001):
        raise BadProbabilities(
            f"probabilities lie between {probs.min():g} and {probs.max():g}, not between 0 and 1",
            remedy="a training that diverged gives nan; log-probabilities go through exp first",
        )
    return probs


def row_blocks(rows: int, columns: int) -> Iterator[slice]:
    """Slices that cut `rows` rows into blocks of about BLOCK numbers, at least one row each."""
    height = max(1, BLOCK // max(1, columns))
    return (slice(start, start + height) for start in range(0, rows, height))


def _climb(taxonomy: Taxonomy, probs: Probs, nodes: IntArray, threshold: float) -> IntArray:
    rows = np.arange(len(nodes))
    while (unsure := (probs[rows, nodes] < threshold) & (nodes > 0)).any():
        nodes = np.where(unsure, taxonomy.parents[nodes], nodes)
    return nodes


def _nearest_leaves(taxonomy: Taxonomy, probs: Probs) -> IntArray:
    """The expected distance from the truth y up to a leaf's path is E[depth(y)] less the path's sum of probabilities.

    For the depth of their common ancestor is how many nodes of the path (the root left out) hold the truth.
    """
    leaves = taxonomy.leaves
    nearest = np.empty(len(probs), dtype=np.int64)
    for part in row_blocks(*probs.shape):
        overlap = np.zeros((len(probs[part]), len(leaves)))
        for nodes in taxonomy.ancestors_by_depth[leaves].T:
            there = nodes >= 0
            overlap[:, there] += probs[part][:, nodes[there]]
        nearest[part] = leaves[overlap.argmax(1)]
    return nearest
