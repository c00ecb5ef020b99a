"""Careful answers: from the predicted leaf up to the first class that is sure enough, and what that costs and brings.

The rule is the climbing of Goren et al., NeurIPS 2024, on the probabilities that stand along one path.
"""

from dataclasses import dataclass

import numpy as np

from hmgc_core.metrics.detail import FloatArray, information
from hmgc_core.taxonomy import BoolArray, IntArray, Taxonomy

THRESHOLDS = np.arange(101) / 100


@dataclass(frozen=True, eq=False)
class ClimbingCurve:
    """One point per threshold, each (T,), rising thresholds. right, told: see `climbing_curve`. images: how many."""

    thresholds: FloatArray
    right: FloatArray
    told: FloatArray
    images: int


def climbed(taxonomy: Taxonomy, predicted: IntArray, paths: FloatArray, threshold: float) -> IntArray:
    """(B,) the deepest class at least `threshold` probable on each path; the root where there is none.

    predicted: (B,) int nodes. paths: (B, D) probability of the class at each level of the path, NaN below its end.
    """
    levels = (_at_or_below(paths) >= threshold).sum(1)
    path = np.column_stack([np.zeros(len(predicted), dtype=np.int64), taxonomy.ancestors_by_depth[predicted]])
    return path[np.arange(len(predicted)), np.minimum(levels, taxonomy.depths[predicted])]


def climbing_curve(
    taxonomy: Taxonomy, targets: IntArray, predicted: IntArray, paths: FloatArray, thresholds: FloatArray = THRESHOLDS
) -> ClimbingCurve:
    """What careful answers give as the threshold rises: fewer mistakes for less detail. O(B·D).

    targets: (B,) int nodes, of which leaves count: below a coarser label nobody knows. predicted, paths: see `climbed`.
    thresholds: (T,) rising. right: share of answers that are the label or above it; told: mean `information` of the
    answers, right or wrong. Both NaN where no image has a leaf label.
    """
    chosen = taxonomy.is_leaf[targets] & (targets >= 0)
    targets, predicted, paths = targets[chosen], predicted[chosen], paths[chosen]
    if not len(targets):
        nothing = np.full(len(thresholds), np.nan)
        return ClimbingCurve(thresholds, nothing, nothing, 0)
    path = taxonomy.ancestors_by_depth[predicted]
    is_there = path >= 0
    # A level is answered at every threshold up to the largest probability at or below it.
    reached = np.searchsorted(thresholds, _at_or_below(paths), side="right")
    right = taxonomy.is_at_or_below(targets[:, None], path).astype(np.float64)
    told = np.where(is_there, information(taxonomy)[path], 0.0)
    return ClimbingCurve(
        thresholds,
        1 + _gathered(np.diff(right, axis=1, prepend=1.0), reached, is_there, len(thresholds)) / len(targets),
        _gathered(np.diff(told, axis=1, prepend=0.0), reached, is_there, len(thresholds)) / len(targets),
        len(targets),
    )


def careful_mistakes(
    taxonomy: Taxonomy, targets: IntArray, predicted: IntArray, paths: FloatArray, threshold: float
) -> BoolArray:
    """(B,) bool: images with a leaf label whose careful answer at this threshold is neither the label nor above it."""
    answers = climbed(taxonomy, predicted, paths, threshold)
    counts = taxonomy.is_leaf[targets] & (targets >= 0)
    return counts & ~taxonomy.is_at_or_below(targets, answers)


def _at_or_below(paths: FloatArray) -> FloatArray:
    """(B, D) the largest probability at or below each level; -1 where the path has ended. It falls with the level."""
    known = np.where(np.isnan(paths), -1.0, paths)
    return np.maximum.accumulate(known[:, ::-1], axis=1)[:, ::-1]


def _gathered(steps: FloatArray, reached: IntArray, is_there: BoolArray, thresholds: int) -> FloatArray:
    """(T,) sums of the steps of all levels that are answered at each threshold. steps, reached, is_there: (B, D)."""
    at = np.bincount(reached[is_there], weights=steps[is_there], minlength=thresholds + 1)
    return at[::-1].cumsum()[::-1][1:]
