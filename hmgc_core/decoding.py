"""Choose one node from the probabilities of all nodes, so the answer is always one path. Pure numpy; knows no model."""

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from hmgc_core.errors import BadConfig
from hmgc_core.taxonomy import IntArray, Taxonomy

Rule = Literal["leaf", "threshold"]


def decode(taxonomy: Taxonomy, probs: NDArray[np.floating], rule: Rule = "leaf", *, threshold: float = 0.5) -> IntArray:
    """One node per row. probs: (B, N) in [0, 1], a child never above its parent. Returns (B,) int nodes.

    rule "leaf": the most probable leaf. rule "threshold": from that leaf up to the first node with at least
    `threshold`, the root at the latest (Goren et al., NeurIPS 2024, "climbing"). Raises BadConfig on another rule.
    """
    best = taxonomy.leaves[np.asarray(probs)[:, taxonomy.leaves].argmax(1)]
    if rule == "leaf":
        return best
    if rule == "threshold":
        return _climb(taxonomy, np.asarray(probs), best, threshold)
    raise BadConfig(f"there is no decode rule {rule!r}", remedy="choose leaf or threshold")


def _climb(taxonomy: Taxonomy, probs: NDArray[np.floating], nodes: IntArray, threshold: float) -> IntArray:
    rows = np.arange(len(nodes))
    while (unsure := (probs[rows, nodes] < threshold) & (nodes > 0)).any():
        nodes = np.where(unsure, taxonomy.parents[nodes], nodes)
    return nodes
