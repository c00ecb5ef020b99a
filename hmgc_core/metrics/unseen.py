"""How well classes without a training label are found, beside those with one: zero-shot and low-shot evaluation."""

from collections.abc import Iterable

import numpy as np

from hmgc_core.metrics.answers import deepest_answers, mean
from hmgc_core.taxonomy import BoolArray, IntArray, Taxonomy


def unseen_metrics(
    taxonomy: Taxonomy, targets: IntArray, predicted: IntArray, taught: Iterable[int]
) -> dict[str, float]:
    """Leaf accuracy, apart for the leaves that training labels named and for the others.

    targets: (B,) int nodes at any depth, of which leaves count. predicted: (B,) int nodes, or (B, D) int per-level
    answers. taught: the nodes that the training labels said `is` of. Returns, in [0, 1], NaN where there is no image,
    and all NaN where there is none of an unseen leaf:

    seen_accuracy    over images of leaves that a label named, alone or with all that is left possible
    unseen_accuracy  over images of the other leaves; all leaves of the tree were possible answers
    seen_and_unseen  harmonic mean of the two (Xian et al., TPAMI 2019, there of means over classes)
    """
    targets, predicted = np.asarray(targets), np.asarray(predicted)
    nodes = predicted if predicted.ndim == 1 else deepest_answers(predicted)
    is_leaf, is_seen = taxonomy.is_leaf[targets], seen_leaves(taxonomy, taught)[targets]
    right = nodes == targets
    seen, unseen = mean(right[is_leaf & is_seen]), mean(right[is_leaf & ~is_seen])
    if np.isnan(unseen):  # nothing to tell apart
        seen = unseen
    both = 0.0 if seen + unseen == 0 else 2 * seen * unseen / (seen + unseen)
    return {"seen_accuracy": seen, "unseen_accuracy": unseen, "seen_and_unseen": both}


def seen_leaves(taxonomy: Taxonomy, taught: Iterable[int]) -> BoolArray:
    """(N,) bool: the leaves that these labels named, by themselves or by a node with no other leaf below it."""
    named = np.zeros(len(taxonomy), dtype=bool)
    named[[node for node in taught if taxonomy.leaf_counts[node] == 1]] = True
    for node in range(1, len(taxonomy)):  # parents first
        named[node] |= named[taxonomy.parents[node]]
    return named & taxonomy.is_leaf
