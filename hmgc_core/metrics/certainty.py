"""How sure a model is and whether it may be: calibration, ranking of all classes, the five likeliest leaves."""

import numpy as np

from hmgc_core.decoding import checked_probs, row_blocks, top_leaves
from hmgc_core.metrics.answers import NAN, deepest_answers, is_strictly_below, mean, mistake_distance
from hmgc_core.metrics.detail import FloatArray, ac_info, info_recall_at, operating_curve
from hmgc_core.taxonomy import BoolArray, IntArray, Taxonomy

BINS = 15
LIKELIEST = 5
NAMES = ("ahd_at_5", "average_prc", "tor_hit", "ece_leaf", "ece_node", "info_recall_at_95", "ac_info")


def certainty_metrics(
    taxonomy: Taxonomy, targets: IntArray, probs: FloatArray | None, predicted: IntArray
) -> dict[str, float]:
    """Every metric that needs the probabilities of all nodes: O(B·N log N), no second (B, N) array.

    targets: (B,) int. probs: (B, N) in [0, 1]; without any, all is NaN. predicted: (B,) or (B, D) int, see `evaluate`.
    Raises BadProbabilities. Returns, all in [0, 1] unless said:

    ahd_at_5           mean `mistake_distance` of the five most probable leaves, in edges, over all images
    average_prc        see `average_prc`
    tor_hit            the most probable node below the root is on the target's path (HGR-Net); not over root labels
    ece_leaf           `calibration_error` of the most probable leaf; over images labelled with a leaf
    ece_node           `calibration_error` of the answered node, cut to the depth of a target that is no leaf
    info_recall_at_95, ac_info    of the `operating_curve`; over images labelled with a leaf
    """
    if probs is None or not len(targets):
        return dict.fromkeys(NAMES, NAN)
    targets, probs = np.asarray(targets), checked_probs(taxonomy, probs)
    likeliest = top_leaves(taxonomy, probs, LIKELIEST)
    best, is_leaf = likeliest[:, 0], taxonomy.is_leaf[targets]
    sure = probs[np.arange(len(targets)), best]
    curve = operating_curve(taxonomy, targets, probs)
    return {
        "ahd_at_5": mean(mistake_distance(taxonomy, targets[:, None], likeliest)),
        "average_prc": average_prc(taxonomy, targets, probs),
        "tor_hit": _hit_share(taxonomy, targets, probs),
        "ece_leaf": calibration_error(sure[is_leaf], (best == targets)[is_leaf]),
        "ece_node": _node_calibration_error(taxonomy, targets, probs, np.asarray(predicted)),
        "info_recall_at_95": info_recall_at(*curve, 0.95),
        "ac_info": ac_info(*curve),
    }


def average_prc(taxonomy: Taxonomy, targets: IntArray, probs: FloatArray) -> float:
    """Area under the precision-recall curve of "the node is on the target's path", all nodes of all images in one list.

    HRN's micro average (Chen et al., CVPR 2022), computed as average precision: the sum over thresholds of the gain in
    recall times the precision. targets: (B,) int; nodes strictly below a target are left out, and so is the root.
    probs: (B, N), any scores that can be compared over nodes. Exact at any size: the curve bends only at scores of true
    nodes, so for each of these it is counted, a block of rows at a time, how many scores reach it.
    """
    targets = np.asarray(targets)
    paths = taxonomy.ancestors_by_depth[targets]
    rows, levels = np.nonzero(paths >= 0)
    if not len(rows):
        return NAN
    thresholds, true_here = np.unique(probs[rows, paths[rows, levels]], return_counts=True)
    true_above = true_here[::-1].cumsum()[::-1]
    all_above = np.zeros(len(thresholds), dtype=np.int64)
    nodes = np.arange(1, len(taxonomy))
    for part in row_blocks(*probs.shape):
        known = ~is_strictly_below(taxonomy, nodes[None, :], targets[part, None])
        scores = probs[part, 1:][known]
        scores.sort()
        all_above += len(scores) - np.searchsorted(scores, thresholds)
    return float((true_here / len(rows) * (true_above / all_above)).sum())


def calibration_error(confidence: FloatArray, right: BoolArray) -> float:
    """Mean gap between confidence and accuracy over 15 equal bins, weighted by bin (Guo et al., ICML 2017).

    confidence: (B,) in [0, 1]. right: (B,) bool. Returns a value in [0, 1], NaN for no image.
    """
    if not len(right):
        return NAN
    confidence = np.asarray(confidence, dtype=np.float64)
    bins = np.clip((confidence * BINS).astype(int), 0, BINS - 1)
    gaps = np.bincount(bins, weights=np.asarray(right, dtype=np.float64) - confidence, minlength=BINS)
    return float(np.abs(gaps).sum() / len(right))


def _hit_share(taxonomy: Taxonomy, targets: IntArray, probs: FloatArray) -> float:
    likeliest = np.zeros(len(targets), dtype=np.int64)
    for part in row_blocks(*probs.shape):
        likeliest[part] = probs[part, 1:].argmax(1) + 1
    return mean(taxonomy.is_at_or_below(targets, likeliest)[targets > 0])


def _node_calibration_error(taxonomy: Taxonomy, targets: IntArray, probs: FloatArray, predicted: IntArray) -> float:
    """The cut looks at the label's depth alone, not at whether the answer is right: that would bend the measure."""
    nodes = predicted if predicted.ndim == 1 else deepest_answers(predicted)
    depth = taxonomy.depths[targets]
    too_deep = ~taxonomy.is_leaf[targets] & (taxonomy.depths[nodes] > depth) & (depth > 0)
    nodes = np.where(too_deep, taxonomy.ancestors_by_depth[nodes, depth - 1], nodes)
    right = taxonomy.is_at_or_below(targets, nodes)
    labelled = depth > 0
    return calibration_error(probs[np.arange(len(nodes)), nodes][labelled], right[labelled])
