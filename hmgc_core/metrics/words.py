"""The measures of a run in words: what people read, the exact name beside it, what it means, and its unit.

For the pages, the reports and the model cards alike. Text only; draws nothing.
"""

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Measure:
    """One measure. unit: "share" in [0, 1], or "steps" in edges of the tree. better: which way is up."""

    name: str
    meaning: str
    unit: str = "share"
    better: str = "higher"


# What a measure is about -> the measures, in the order of the screen.
GROUPS = {
    "How often it is right": {
        "leaf_accuracy": Measure("Finest level right", "Share of pictures whose finest class is named right."),
        "level_accuracy": Measure(
            "Level {} right", "Share of pictures whose class at this level is right. Level 1 is the coarsest."
        ),
        "full_path_accuracy": Measure("Every level right", "Share of pictures with no mistake at any level."),
        "wap": Measure("Right over all levels", "Mean of the levels; one with many classes counts for more."),
        "h_precision": Measure("Answered classes right", "Of all classes the answers name, the share that is true."),
        "h_recall": Measure("True classes answered", "Of all classes that are true, the share the answers name."),
        "h_f1": Measure("Balance of the two", "High only where answered classes are right and true ones are answered."),
        "por": Measure("Right part of the path", "The share of a picture's levels that are right, on average."),
        "tor_pair": Measure("Right steps of the path", "The same for each level together with the one below it."),
    },
    "How bad the mistakes are": {
        "severity": Measure(
            "How far off mistakes are",
            "Steps up the tree from the truth to where a wrong answer joins it.",
            "steps",
            "lower",
        ),
        "ahd_at_1": Measure(
            "How far off answers are", "The same over all pictures, where right ones count as 0.", "steps", "lower"
        ),
        "ahd_at_5": Measure(
            "How far off the best five are",
            "The same for the five likeliest finest classes, of which at most one is right.",
            "steps",
            "lower",
        ),
        "tice": Measure(
            "Broken paths",
            "Share of pictures whose answers at the levels do not hang together in the tree.",
            better="lower",
        ),
    },
    "How sure it is": {
        "ece_leaf": Measure(
            "Over- or underconfidence",
            "How far stated and actual certainty differ, at the finest level.",
            better="lower",
        ),
        "ece_node": Measure(
            "Over- or underconfidence, any level",
            "The same for the answered class, as deep as the picture's label goes, and by the model's own certainties; "
            "those shown are corrected.",
            better="lower",
        ),
        "average_prc": Measure(
            "True classes ranked first",
            "100% if every true class is given more certainty than any other, over all levels.",
        ),
        "tor_hit": Measure("Surest class right", "Share of pictures whose likeliest class of any level is true."),
    },
    "How much it tells": {
        "info_recall_at_95": Measure(
            "Detail at 95% right", "How much detail is left if answers stay coarse until 95% of them are right."
        ),
        "ac_info": Measure(
            "Right answers against detail",
            "Area under the curve of right answers over their detail, from coarse to fine.",
        ),
        "coverage": Measure("Right at some level", "Share of careful answers that are right."),
        "mean_info": Measure("Detail of careful answers", "How much of the way down the tree careful answers go."),
    },
    "How it does without examples": {
        "unseen_accuracy": Measure(
            "Right without an example", "Finest level right, for classes that no training label names."
        ),
        "seen_accuracy": Measure("Right with examples", "Finest level right, for the other classes."),
        "seen_and_unseen": Measure("Balance of the two kinds", "High only where both of these are high."),
    },
}
MEASURES = {exact: measure for group in GROUPS.values() for exact, measure in group.items()}
SMALLEST = 0.0005  # differences that are smaller are noise on any set of pictures
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
        return percent(self.value) if self.measure.unit == "share" else f"{self.value:.2f} steps"

    def is_clear(self, other: "Figure", images: int) -> bool:
        """Both are shares of as many images, and differ by more than chance makes shares of other images differ.

        By the normal 95 % interval of a difference of two independent shares: careful, where the images are the same.
        """
        if self.value is None or other.value is None or self.measure.unit != "share" or not images:
            return False
        spread = math.sqrt((self.value * (1 - self.value) + other.value * (1 - other.value)) / images)
        return abs(self.value - other.value) > 1.96 * spread

    def is_better(self, other: "Figure") -> bool:
        """It says better of its run than the other of its own; False where one is missing."""
        if self.value is None or other.value is None:
            return False
        return self.value > other.value if self.measure.better == "higher" else self.value < other.value

    def against(self, other: "Figure") -> str:
        """How much more (or less, with a minus) this one is than the other: `+3.0 points`; "" where it is the same."""
        if self.value is None or other.value is None or abs(self.value - other.value) < SMALLEST:
            return ""
        gap = self.value - other.value
        return f"{gap * 100:+.1f} points" if self.measure.unit == "share" else f"{gap:+.2f} steps"


def figures(metrics: dict[str, Any]) -> list[Figure]:
    """All known measures of `metrics`, in the order of GROUPS; one figure per level where there is one per level."""
    return [figure for exact, measure in MEASURES.items() for figure in _figures(exact, measure, metrics.get(exact))]


def by_group(found: Iterable[Figure]) -> dict[str, list[Figure]]:
    """The figures under what they are about; groups without any are left out."""
    found = list(found)
    grouped = {about: [one for one in found if one.measure in group.values()] for about, group in GROUPS.items()}
    return {about: members for about, members in grouped.items() if members}


def main_figures(metrics: dict[str, Any]) -> list[Figure]:
    """The few that tell most."""
    return [figure for figure in figures(metrics) if figure.exact in MAIN and figure.value is not None]


def number(count: int, one: str = "", many: str = "") -> str:
    """A count with thousands separated, and its noun if one is given: `1,204 pictures`."""
    noun = (one if count == 1 else many or f"{one}s") if one else ""
    return f"{count:,} {noun}".rstrip()


def percent(share: float) -> str:
    """A probability or share for people: `94%`; never 0% or 100% for what is only nearly so."""
    if 0 < share < 0.005:
        return "<1%"
    if 0.995 <= share < 1:
        return ">99%"
    return f"{share:.0%}"


def _figures(exact: str, measure: Measure, value: Any) -> Iterator[Figure]:
    if isinstance(value, list):
        for level, share in enumerate(value, start=1):
            yield Figure(f"{exact}[{level}]", measure, measure.name.format(level), _number(share))
    elif value is not None:
        yield Figure(exact, measure, measure.name, _number(value))


def _number(value: Any) -> float | None:
    """A float, None for what is no number (NaN is stored as null)."""
    return float(value) if isinstance(value, int | float) and not math.isnan(value) else None
