"""How much answers tell: the information of a node, and the curve of being right against telling much.

Valmadre, "Hierarchical classification at multiple operating points", NeurIPS 2022.
"""

import numpy as np
from numpy.typing import NDArray

from hmgc_core.decoding import checked_probs, row_blocks
from hmgc_core.taxonomy import IntArray, Taxonomy

FloatArray = NDArray[np.floating]


def information(taxonomy: Taxonomy) -> FloatArray:
    """(N,) float: what a node tells, as a share of what a leaf tells: log(L / leaves under it) / log L.

    0 for the root, 1 for a leaf; 1 for all where there is one leaf, because nothing is left to tell.
    """
    counts = taxonomy.leaf_counts
    return 1 - np.log(counts) / np.log(counts[0]) if counts[0] > 1 else np.ones(len(counts))


def operating_curve(taxonomy: Taxonomy, targets: IntArray, probs: FloatArray) -> tuple[FloatArray, FloatArray]:
    """The share of right answers and the information they recall, as one threshold falls from above 1 to 0.

    targets: (B,) int; only leaves count. probs: (B, N) in [0, 1]. At a threshold each image is given the node that
    tells most among those at least that probable (of equals the most probable, then the first), the root where there
    is none. It is right if it is the target or above it; it recalls the information of their common ancestor.

    Returns (correct, info_recall), float (K,) each, in [0, 1]: one point before the first threshold, (1, 0), and one
    at each threshold that changes an answer. Both are empty where no image has a leaf label, or where there is one
    leaf and so nothing to tell. O(B·N) time. Raises BadProbabilities.
    """
    targets, probs = np.asarray(targets), checked_probs(taxonomy, probs)
    chosen = np.flatnonzero(taxonomy.is_leaf[targets])
    if not len(chosen) or len(taxonomy.leaves) == 1:
        return np.zeros(0), np.zeros(0)
    blocks = [chosen[part] for part in row_blocks(len(chosen), len(taxonomy))]
    steps = [_steps(taxonomy, targets[block], probs[block]) for block in blocks]
    thresholds, more_right, more_told = (np.concatenate(parts) for parts in zip(*steps, strict=True))
    order = np.argsort(-thresholds, kind="stable")
    is_last = np.diff(thresholds[order], append=-1) < 0  # equal thresholds are one step
    right = len(chosen) + more_right[order].cumsum()[is_last]
    told = more_told[order].cumsum()[is_last]
    return np.append(1.0, right / len(chosen)), np.append(0.0, told / len(chosen))


def ac_info(correct: FloatArray, info_recall: FloatArray) -> float:
    """Area under an operating curve, correct over info_recall, up to the recall it reaches; NaN for an empty one."""
    if not len(correct):
        return float("nan")
    return float((np.diff(info_recall) * (correct[1:] + correct[:-1]) / 2).sum())


def info_recall_at(correct: FloatArray, info_recall: FloatArray, share: float) -> float:
    """The largest info_recall of an operating curve with at least this share of right answers; NaN for an empty one."""
    return float(info_recall[correct >= share].max()) if len(correct) else float("nan")


def _steps(taxonomy: Taxonomy, targets: IntArray, probs: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """For each change of an image's answer: its threshold, the gain in right answers, the gain in information.

    An answer changes to the best node of a kind (all that tell as much) where no kind that tells more is as probable.
    """
    scores, nodes = _best_of_each_kind(taxonomy, probs)
    telling_more = np.maximum.accumulate(scores[:, ::-1], axis=1)[:, ::-1]
    telling_more = np.pad(telling_more[:, 1:], ((0, 0), (0, 1)), constant_values=-1)
    image, kind = np.nonzero(scores > telling_more)
    node, target = nodes[image, kind], targets[image]
    right = taxonomy.is_at_or_below(target, node).astype(np.float64)
    told = information(taxonomy)[taxonomy.lca(target, node)]
    is_first = np.diff(image, prepend=-1) > 0
    before_right = np.where(is_first, 1.0, np.roll(right, 1))
    before_told = np.where(is_first, 0.0, np.roll(told, 1))
    return scores[image, kind], right - before_right, told - before_told


def _best_of_each_kind(taxonomy: Taxonomy, probs: FloatArray) -> tuple[FloatArray, IntArray]:
    """(B, K) probability and node of the most probable node among those over equally many leaves, most leaves first.

    The kind of the root is left out: its nodes are over all leaves, so they tell nothing and are always right.
    """
    counts = np.unique(taxonomy.leaf_counts[taxonomy.leaf_counts < taxonomy.leaf_counts[0]])[::-1]
    scores = np.empty((len(probs), len(counts)), dtype=probs.dtype)
    nodes = np.empty((len(probs), len(counts)), dtype=np.int64)
    rows = np.arange(len(probs))
    for place, count in enumerate(counts):
        kind = np.flatnonzero(taxonomy.leaf_counts == count)
        of_kind = np.take(probs, kind, axis=1)
        best = of_kind.argmax(1)
        scores[:, place], nodes[:, place] = of_kind[rows, best], kind[best]
    return scores, nodes
