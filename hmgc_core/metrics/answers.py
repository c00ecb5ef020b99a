"""How often answers are right, how bad the mistakes are, how far hedged answers go. Needs no probabilities."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from hmgc_core.metrics.detail import information
from hmgc_core.taxonomy import BoolArray, IntArray, Taxonomy

NAN = float("nan")


def answer_metrics(taxonomy: Taxonomy, targets: IntArray, predicted: IntArray) -> dict[str, Any]:
    """Every metric that needs only answers: O(B·D), cheap enough for each epoch. NaN where there is nothing to measure.

    targets: (B,) int nodes at any depth. predicted: (B,) int nodes, or (B, D) int per-level answers. Returns, all in
    [0, 1] unless said:

    leaf_accuracy       the answer's leaf is the target; over images labelled with a leaf
    level_accuracy      list, top level first; each over the images that have a label at that level
    full_path_accuracy  every level is right; over images labelled with a leaf
    tice                share of answers that are not one path of the tree (H-CAST); needs no label
    wap                 mean of level_accuracy, weighted by the classes of the level (H-CAST)
    h_precision         share of the answered nodes that are right; nodes below the target are left out
    h_recall            share of the labelled levels that are right, over all images
    h_f1                harmonic mean of the two (Kiritchenko et al., 2006; Silla and Freitas, 2011)
    por, tor_pair       per image the share of labelled levels, of neighbouring labelled levels, that are right; mean
    severity            mean `mistake_distance`, in edges, over the mistakes
    ahd_at_1            the same over all images
    coverage            share of predicted nodes that are the target or above it; those below it are left out
    mean_info           mean `information` of predicted nodes; like coverage NaN for answers per level
    answers             "per level" or "one path": which kind was given
    """
    targets, predicted = np.asarray(targets), np.asarray(predicted)
    nodes = predicted if predicted.ndim == 1 else deepest_answers(predicted)
    answers = taxonomy.ancestors_by_depth[predicted] if predicted.ndim == 1 else predicted
    wanted = taxonomy.ancestors_by_depth[targets]
    is_leaf = taxonomy.is_leaf[targets]
    distance = mistake_distance(taxonomy, targets, nodes)
    return {
        "leaf_accuracy": mean((nodes == targets)[is_leaf]),
        "full_path_accuracy": mean((answers == wanted).all(1)[is_leaf]),
        "tice": mean(~is_one_path(taxonomy, answers)),
        **_level_metrics(taxonomy, answers, wanted),
        **_path_metrics(answers, wanted, is_strictly_below(taxonomy, answers, targets[:, None])),
        "severity": mean(distance[distance > 0]),
        "ahd_at_1": mean(distance),
        **_hedging_metrics(taxonomy, targets, predicted),
        "answers": "one path" if predicted.ndim == 1 else "per level",
    }


def _level_metrics(taxonomy: Taxonomy, answers: IntArray, wanted: IntArray) -> dict[str, Any]:
    labelled = wanted >= 0
    shares = [mean((answers == wanted)[labelled[:, level], level]) for level in range(taxonomy.depth)]
    measured = ~np.isnan(shares)
    sizes = np.array([len(nodes) for nodes in taxonomy.levels])[measured]
    return {
        "level_accuracy": shares,
        "wap": float(np.average(np.array(shares)[measured], weights=sizes)) if len(sizes) else NAN,
    }


def _path_metrics(answers: IntArray, wanted: IntArray, unknown: BoolArray) -> dict[str, float]:
    """answers, wanted: (B, D) int. unknown: (B, D) bool, the answered nodes of which the label says nothing."""
    labelled = wanted >= 0
    right = (answers == wanted) & labelled
    told = (answers >= 0) & ~unknown
    depth = labelled.sum(1)
    pairs = (right[:, 1:] & right[:, :-1]).sum(1)
    # One level has no pair: there its only level counts.
    pairs, most = np.where(depth > 1, pairs, right.sum(1)), np.maximum(depth - 1, 1)
    return {
        "h_precision": _share(right.sum(), told.sum()),
        "h_recall": _share(right.sum(), labelled.sum()),
        "h_f1": _share(2 * right.sum(), told.sum() + labelled.sum()),
        "por": mean((right.sum(1)[depth > 0]) / depth[depth > 0]),
        "tor_pair": mean((pairs / most)[depth > 0]),
    }


def _hedging_metrics(taxonomy: Taxonomy, targets: IntArray, predicted: IntArray) -> dict[str, float]:
    if predicted.ndim > 1:
        return {"coverage": NAN, "mean_info": NAN}
    known = ~is_strictly_below(taxonomy, predicted, targets)
    return {
        "coverage": mean(taxonomy.is_at_or_below(targets, predicted)[known]),
        "mean_info": mean(information(taxonomy)[predicted]),
    }


def deepest_answers(answers: IntArray) -> IntArray:
    """The last node of each answer. answers: (B, D) int, -1 = none; returns (B,) int, the root where all are -1."""
    last = answers.shape[1] - 1 - (answers[:, ::-1] >= 0).argmax(1)
    return np.maximum(answers[np.arange(len(answers)), last], 0)


def is_one_path(taxonomy: Taxonomy, answers: IntArray) -> BoolArray:
    """(B,) bool: the answer's levels are exactly the path to its deepest node."""
    return (taxonomy.ancestors_by_depth[deepest_answers(answers)] == answers).all(1)


def is_strictly_below(taxonomy: Taxonomy, nodes: IntArray, targets: IntArray) -> BoolArray:
    """Elementwise: the node lies under the target, so a label at the target says nothing about it."""
    return taxonomy.is_at_or_below(nodes, targets) & (nodes != targets)


def mistake_distance(taxonomy: Taxonomy, targets: IntArray, predicted: IntArray) -> IntArray:
    """Edges from each target up to the lowest common ancestor with its prediction.

    targets, predicted: int node indices, (B,) or of shapes that broadcast. Returns int of that shape, in edges; 0 where
    the prediction is the target or below it.
    """
    return taxonomy.depths[targets] - taxonomy.depths[taxonomy.lca(targets, predicted)]


def mean(values: NDArray) -> float:
    """The mean of (B,) numbers, NaN for none."""
    return float(values.mean()) if values.size else NAN


def _share(part: int, whole: int) -> float:
    return float(part / whole) if whole else NAN
