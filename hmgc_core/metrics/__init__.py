"""How good answers are, under the names of the contract. Pure numpy; targets may stand at any node.

An *answer* is a row with one node per level, -1 where there is none. A predicted node is the answer of its path. The
leaf of an answer is its deepest node. Of a target that is not a leaf, nothing is known about the nodes strictly below
it: they are neither right nor wrong. docs/metrics.md has one entry for each name.
"""

from typing import Any

from hmgc_core.metrics.answers import answer_metrics, deepest_answers, is_one_path, mistake_distance
from hmgc_core.metrics.certainty import average_prc, calibration_error, certainty_metrics
from hmgc_core.metrics.detail import FloatArray, ac_info, info_recall_at, information, operating_curve
from hmgc_core.metrics.unseen import unseen_metrics
from hmgc_core.taxonomy import IntArray, Taxonomy

__all__ = [
    "ac_info",
    "answer_metrics",
    "average_prc",
    "calibration_error",
    "certainty_metrics",
    "deepest_answers",
    "evaluate",
    "info_recall_at",
    "information",
    "is_one_path",
    "mistake_distance",
    "operating_curve",
    "unseen_metrics",
]


def evaluate(taxonomy: Taxonomy, targets: IntArray, probs: FloatArray | None, predicted: IntArray) -> dict[str, Any]:
    """Every metric that can be measured from these answers; NaN where there is nothing to measure.

    targets: (B,) int nodes at any depth. probs: (B, N) in [0, 1], or None if unknown. predicted: (B,) int nodes, or
    (B, D) int per-level answers. Returns what `answer_metrics` and `certainty_metrics` return; `answers` says of which
    kind `predicted` was. Raises BadProbabilities where a number of `probs` is none.
    """
    return {
        **answer_metrics(taxonomy, targets, predicted),
        **certainty_metrics(taxonomy, targets, probs, predicted),
    }
