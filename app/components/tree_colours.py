"""What the colours of the drawn tree tell: one figure per class, its place on a scale, and the words for it."""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from app.components.wording import number, percent
from hmgc_core.workflow.tree_statistics import Figure, TreeStatistics

Scale = Literal["amount", "good", "gap", "trouble"]
LARGE = 1000  # above so many at one class amounts are spread by their logarithm, else by their root
LEAST_GAP = 0.1  # the ends of the scale of a gap are at least so far from 0: noise shall not look like news


@dataclass(frozen=True)
class Colour:
    """One choice of colour. about: one sentence for the screen. words: of one class, {0} its figure, {1} of how many.

    nothing: what grey means. read: the figure from the statistics. of_run: it needs a run.
    """

    title: str
    about: str
    words: str
    nothing: str
    scale: Scale
    read: Callable[[TreeStatistics], Figure]
    of_run: bool = False


def _amount(counts: np.ndarray) -> Figure:
    return Figure(np.where(counts > 0, counts, np.nan), counts)


COLOURS = {
    "images": Colour(
        "Pictures",
        "Pictures here or below: by their label, those without one by the model's answer.",
        "pictures here or below: {0}",
        "no picture",
        "amount",
        lambda known: _amount(known.images),
    ),
    "labels": Colour(
        "Labels",
        "Labels here or below.",
        "labels here or below: {0}",
        "no label yet",
        "amount",
        lambda known: _amount(known.labels),
    ),
    "labels-here": Colour(
        "Labels at each level",
        "Labels that say exactly this class: shows at which levels people label.",
        "labels of exactly this class: {0}",
        "no label of exactly this class",
        "amount",
        lambda known: _amount(known.labels_here),
    ),
    "depth": Colour(
        "How deep people label",
        "How far down the tree the labels here or below go, on average: from the root to a finest class.",
        "labels go to {0} on average, {1} of them",
        "no label yet",
        "good",
        lambda known: known.detail,
    ),
    "accuracy": Colour(
        "Share found",
        "Of the test pictures labelled here or below, the share that the model also puts here.",
        "{0} of {1} test pictures found",
        "no test picture labelled here",
        "good",
        lambda known: known.accuracy,
        of_run=True,
    ),
    "confidence": Colour(
        "How sure the model is",
        "How sure the model is on average of the answers it gives here or below, on all pictures.",
        "{0} sure on average, {1} answers",
        "the model never answers this",
        "good",
        lambda known: known.confidence,
        of_run=True,
    ),
    "calibration": Colour(
        "Too sure or not sure enough",
        "How sure the model is of its answers here or below, less how often they are right, on the test pictures.",
        "{0}: certainty less share right, of {1} answers to test pictures",
        "no answer here that a label can judge",
        "gap",
        lambda known: known.calibration,
        of_run=True,
    ),
    "contradicted": Colour(
        "People and model disagree",
        "Of all pictures labelled here or below, the share that the model answers on another branch.",
        "{0} of {1} labelled pictures answered on another branch",
        "no labelled picture",
        "trouble",
        lambda known: known.contradicted,
        of_run=True,
    ),
    "disputed": Colour(
        "People disagree",
        "Of the pictures labelled by two people or more, here or below by one of them, the share placed on different "
        "branches.",
        "{0} of {1} pictures with two labels or more are disputed",
        "no picture labelled by two people",
        "trouble",
        lambda known: known.disputed,
    ),
}


@dataclass(frozen=True)
class Paint:
    """Per drawn class: its place on the scale (None: grey), its figure as text, of how many. low, high: the ends."""

    places: list[float | None]
    texts: list[str]
    of: list[int]
    low: str
    high: str


def paint(colour: str, known: TreeStatistics, nodes: Iterable[int]) -> Paint:
    """Colour `nodes`; amounts and gaps have the ends of their scale where these nodes have theirs."""
    drawn = list(nodes)
    figure = COLOURS[colour].read(known)
    values = [float(figure.value[node]) for node in drawn]
    of = [int(figure.of[node]) for node in drawn]
    there = [value for value in values if not math.isnan(value)]
    if not there:
        return Paint([None] * len(drawn), [""] * len(drawn), of, "", "")
    scale = COLOURS[colour].scale
    if scale == "amount":
        return _amounts(values, of, max(there))
    if scale == "gap":
        return _gaps(values, of, max(LEAST_GAP, *map(abs, there)))
    places = _mapped(values, lambda share: round(share, 3))
    if colour == "depth":
        levels = [float(known.level.value[node]) for node in drawn]
        return Paint(places, _texts(levels, lambda level: f"level {level:.1f}"), of, "root", "finest level")
    return Paint(places, _texts(values, percent), of, "0%", "100%")


def _amounts(values: list[float], of: list[int], most: float) -> Paint:
    spread = math.log1p if most > LARGE else math.sqrt
    places = _mapped(values, lambda count: round(spread(count) / spread(most), 3))
    return Paint(places, _texts(values, lambda count: number(int(count))), of, "0", number(int(most)))


def _gaps(values: list[float], of: list[int], end: float) -> Paint:
    places = _mapped(values, lambda gap: round((gap / end + 1) / 2, 3))
    ends = (f"{percent(end)} less sure than right", f"{percent(end)} surer than right")
    return Paint(places, _texts(values, signed), of, *ends)


def _mapped(values: list[float], place: Callable[[float], float]) -> list[float | None]:
    return [None if math.isnan(value) else place(value) for value in values]


def _texts(values: list[float], said: Callable[[float], str]) -> list[str]:
    return ["" if math.isnan(value) else said(value) for value in values]


def signed(gap: float) -> str:
    """A difference of two shares: `+12%`, `−3%`; `0%` for less than half of one."""
    return f"{'−' if gap < 0 else '+'}{percent(abs(gap))}" if abs(gap) >= 0.005 else "0%"
