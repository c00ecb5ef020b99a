"""The measures of a run in words: what people read, the exact name beside it, what it means, and its unit."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from app.components import wording


@dataclass(frozen=True)
class Measure:
    """One measure. unit: "share" in [0, 1], or "steps" in edges of the tree. better: which way is up."""

    name: str
    meaning: str
    unit: str = "share"
    better: str = "higher"


MEASURES = {
    "leaf_accuracy": Measure("Finest level right", "Share of pictures whose finest class is named right."),
    "level_accuracy": Measure(
        "Level {} right", "Share of pictures whose class at this level is right. Level 1 is the coarsest."
    ),
    "full_path_accuracy": Measure("Every level right", "Share of pictures with no mistake at any level."),
    "tice": Measure(
        "Broken paths",
        "Share of pictures whose answers at the levels do not hang together in the tree.",
        better="lower",
    ),
    "wap": Measure("Precision over levels", "Precision of each level, weighted by its number of classes."),
    "h_precision": Measure("Precision along the path", "Of the classes on the answered paths, the share that is true."),
    "h_recall": Measure("Recall along the path", "Of the classes on the true paths, the share that was answered."),
    "h_f1": Measure("Balance along the path", "Harmonic mean of precision and recall along the path."),
    "severity": Measure(
        "How far off mistakes are",
        "Steps up the tree from the truth to where a wrong answer joins it.",
        "steps",
        "lower",
    ),
    "ahd_at_1": Measure(
        "Distance of the answer", "Steps up the tree to where the answer joins the truth.", "steps", "lower"
    ),
    "ahd_at_5": Measure("Distance of the best five", "The same, over the five likeliest answers.", "steps", "lower"),
    "average_prc": Measure(
        "Area under precision and recall", "Over all classes of all levels, as HRN's authors measure it."
    ),
    "tor_hit": Measure("Overlap with the truth", "Share of answers that lie on the true path."),
    "tor_pair": Measure("Overlap in pairs", "Share of pairs of levels that are both right."),
    "por": Measure("Overlap of paths", "Share of the answered path that is also the true one."),
    "ece_leaf": Measure(
        "Over- or underconfidence", "How far stated and actual certainty differ, at the finest level.", better="lower"
    ),
    "ece_node": Measure(
        "Over- or underconfidence, any level", "The same for the class that was answered.", better="lower"
    ),
    "info_recall_at_95": Measure("Detail at 95% right", "How much detail answers keep when 95% of them must be right."),
    "ac_info": Measure("Right answers against detail", "Area under the curve of right answers over their detail."),
    "coverage": Measure("Right at some level", "Share of hedged answers that are right."),
    "mean_info": Measure("Detail of hedged answers", "How much of the way down the tree hedged answers go."),
}
MAIN = ("leaf_accuracy", "level_accuracy[1]", "full_path_accuracy", "severity")


@dataclass(frozen=True)
class Figure:
    """One measured value. exact: its name in files and on the command line."""

    exact: str
    measure: Measure
    name: str
    value: float | None

    @property
    def text(self) -> str:
        """The value for people."""
        if self.value is None:
            return "–"
        return wording.percent(self.value) if self.measure.unit == "share" else f"{self.value:.2f} steps"


def figures(metrics: dict[str, Any]) -> list[Figure]:
    """All known measures of `metrics`, in the order of MEASURES; one figure per level where there is one per level."""
    return [figure for exact, measure in MEASURES.items() for figure in _figures(exact, measure, metrics.get(exact))]


def main_figures(metrics: dict[str, Any]) -> list[Figure]:
    """The few that tell most."""
    return [figure for figure in figures(metrics) if figure.exact in MAIN and figure.value is not None]


def _figures(exact: str, measure: Measure, value: Any) -> Iterator[Figure]:
    if isinstance(value, list):
        for level, share in enumerate(value, start=1):
            yield Figure(f"{exact}[{level}]", measure, measure.name.format(level), _number(share))
    elif value is not None:
        yield Figure(exact, measure, measure.name, _number(value))


def _number(value: Any) -> float | None:
    """A float, None for what is no number (NaN is stored as null)."""
    return float(value) if isinstance(value, int | float) and not math.isnan(value) else None
