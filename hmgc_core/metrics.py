"""How good answers are, under the names of the contract. Pure numpy; targets may stand at any node.

An *answer* is a row with one node per level, -1 where there is none. A predicted node is the answer of its path. The
leaf of an answer is its deepest node.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from hmgc_core.decoding import decode
from hmgc_core.taxonomy import BoolArray, IntArray, Taxonomy

FloatArray = NDArray[np.floating]
BINS = 15


def evaluate(taxonomy: Taxonomy, targets: IntArray, probs: FloatArray | None, predicted: IntArray) -> dict[str, Any]:
    """Every metric that can be measured from these answers; NaN where there is nothing to measure.

    targets: (B,) int nodes at any depth. probs: (B, N) in [0, 1], or None if unknown. predicted: (B,) int nodes, or
    (B, D) int per-level answers. Returns, all in [0, 1] unless said:

    leaf_accuracy       the answer's leaf is the target; over images labelled with a leaf
    level_accuracy      list, top level first; each over the images that have a label at that level
    full_path_accuracy  every level is right; over images labelled with a leaf
    h_recall            share of the labelled levels that are right, over all images
    tice                share of answers that are not one path of the tree (H-CAST); needs no label
    severity            mean `mistake_distance`, in edges, over the mistakes
    ece_leaf            expected calibration error of the most probable leaf of `probs`, 15 bins; over leaf labels
    answers             "per level" or "one path": which kind was given
    """
    targets, predicted = np.asarray(targets), np.asarray(predicted)
    answers = taxonomy.ancestors_by_depth[predicted] if predicted.ndim == 1 else predicted
    wanted = taxonomy.ancestors_by_depth[targets]
    labelled = wanted >= 0
    right = (answers == wanted) & labelled
    is_leaf = taxonomy.is_leaf[targets]
    leaves = predicted if predicted.ndim == 1 else deepest_answers(answers)
    distance = mistake_distance(taxonomy, targets, leaves)
    return {
        "leaf_accuracy": _mean((leaves == targets)[is_leaf]),
        "level_accuracy": [_mean(right[labelled[:, level], level]) for level in range(taxonomy.depth)],
        "full_path_accuracy": _mean((answers == wanted).all(1)[is_leaf]),
        "h_recall": _mean(right[labelled]),
        "tice": _mean(~is_one_path(taxonomy, answers)),
        "severity": _mean(distance[distance > 0]),
        "ece_leaf": float("nan") if probs is None else leaf_calibration_error(taxonomy, targets, probs),
        "answers": "one path" if predicted.ndim == 1 else "per level",
    }


def deepest_answers(answers: IntArray) -> IntArray:
    """The last node of each answer. answers: (B, D) int, -1 = none; returns (B,) int, the root where all are -1."""
    last = answers.shape[1] - 1 - (answers[:, ::-1] >= 0).argmax(1)
    return np.maximum(answers[np.arange(len(answers)), last], 0)


def is_one_path(taxonomy: Taxonomy, answers: IntArray) -> BoolArray:
    """(B,) bool: the answer's levels are exactly the path to its deepest node."""
    return (taxonomy.ancestors_by_depth[deepest_answers(answers)] == answers).all(1)


def mistake_distance(taxonomy: Taxonomy, targets: IntArray, predicted: IntArray) -> IntArray:
    """Edges from each target up to the lowest common ancestor with its prediction.

    targets, predicted: (B,) int node indices. Returns (B,) int, in edges; 0 where the prediction is the target or
    below it.
    """
    return taxonomy.depths[targets] - taxonomy.depths[taxonomy.lca(targets, predicted)]


def calibration_error(confidence: FloatArray, right: BoolArray) -> float:
    """Mean gap between confidence and accuracy over 15 equal bins, weighted by bin (Guo et al., ICML 2017).

    confidence: (B,) in [0, 1]. right: (B,) bool. Returns a value in [0, 1], NaN for no image.
    """
    if not len(right):
        return float("nan")
    confidence = np.asarray(confidence, dtype=np.float64)
    bins = np.clip((confidence * BINS).astype(int), 0, BINS - 1)
    gaps = np.bincount(bins, weights=np.asarray(right, dtype=np.float64) - confidence, minlength=BINS)
    return float(np.abs(gaps).sum() / len(right))


def leaf_calibration_error(taxonomy: Taxonomy, targets: IntArray, probs: FloatArray) -> float:
    """`calibration_error` of the most probable leaf, over the images labelled with a leaf. probs: (B, N)."""
    is_leaf = taxonomy.is_leaf[targets]
    targets, probs = targets[is_leaf], np.asarray(probs)[is_leaf]
    leaves = decode(taxonomy, probs)
    return calibration_error(probs[np.arange(len(targets)), leaves], leaves == targets)


def _mean(values: NDArray) -> float:
    return float(values.mean()) if values.size else float("nan")
