"""Is a model right as often as it is sure, level by level: the numbers behind a reliability diagram."""

from dataclasses import dataclass

import numpy as np

from hmgc_core.metrics.answers import NAN, is_strictly_below
from hmgc_core.metrics.detail import FloatArray
from hmgc_core.taxonomy import BoolArray, IntArray, Taxonomy

EDGES = np.arange(11) / 10


@dataclass(frozen=True, eq=False)
class Reliability:
    """One level. Per bin of certainty, each (10,): images, their mean certainty, their share of right answers (or NaN).

    error: mean gap between certainty and share over the bins, weighted by images; NaN for no image.
    """

    level: int
    images: IntArray
    sure: FloatArray
    right: FloatArray
    error: float


def level_reliability(
    taxonomy: Taxonomy, targets: IntArray, predicted: IntArray, paths: FloatArray
) -> list[Reliability]:
    """One for each level, the top level first: bins of equal width over the certainty at that level.

    targets: (B,) int nodes, -1 for none. predicted: (B,) int nodes. paths: (B, D) probability of the class at each
    level of the predicted path, NaN below its end. An image counts at the levels where `known_at` says so.
    """
    return [_reliability(taxonomy, targets, predicted, paths, level) for level in range(1, taxonomy.depth + 1)]


def known_at(taxonomy: Taxonomy, targets: IntArray, predicted: IntArray, level: int) -> BoolArray:
    """(B,) bool: there is an answer at this level, and the label says whether it is right.

    It does not where the answered class lies strictly below the label: of that, nothing is known.
    """
    answered = taxonomy.ancestors_by_depth[predicted, level - 1]
    return (targets >= 0) & (answered >= 0) & ~is_strictly_below(taxonomy, answered, targets)


def sure_between(paths: FloatArray, level: int, low: float, high: float) -> BoolArray:
    """(B,) bool: the certainty at this level is at least `low` and below `high`; 1 belongs to the last bin."""
    sure = paths[:, level - 1]
    return (sure >= low) & ((sure < high) | (high >= 1))


def _reliability(
    taxonomy: Taxonomy, targets: IntArray, predicted: IntArray, paths: FloatArray, level: int
) -> Reliability:
    known = known_at(taxonomy, targets, predicted, level)
    sure = paths[known, level - 1]
    right = taxonomy.is_at_or_below(targets[known], taxonomy.ancestors_by_depth[predicted[known], level - 1])
    bins = np.clip(np.searchsorted(EDGES, sure, side="right") - 1, 0, len(EDGES) - 2)
    images = np.bincount(bins, minlength=len(EDGES) - 1)
    sums = np.bincount(bins, weights=sure, minlength=len(images))
    hits = np.bincount(bins, weights=right, minlength=len(images))
    with np.errstate(invalid="ignore"):
        mean_sure, share = sums / images, hits / images
    error = float(np.abs(sums - hits).sum() / len(sure)) if len(sure) else NAN
    return Reliability(level, images, mean_sure, share, error)
