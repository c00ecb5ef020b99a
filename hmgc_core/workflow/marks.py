"""What stands behind a mark on a chart: a short text for the address, and the rows of predictions it means.

A mark is `KIND:PART:PART`; keys of classes are percent-encoded, so that a colon always parts. Others link to
`predictions?run=R&mark=taken-for:A:B`. docs/pages.md lists the kinds.
"""

from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import quote, unquote

import numpy as np
from numpy.typing import NDArray

from hmgc_core.errors import BadRequest
from hmgc_core.metrics import climbing, confusion, reliability
from hmgc_core.querying import wrong_levels
from hmgc_core.taxonomy import BoolArray, Taxonomy
from hmgc_core.workflow.seeing import PredictionTable

# What each part of a mark is; a part in brackets may be left out.
KINDS: dict[str, tuple[str, ...]] = {
    "taken-for": ("class", "class"),
    "taken-away": ("class", "class"),
    "node-wrong": ("class",),
    "node-right": ("class",),
    "height": ("count",),
    "meets": ("class",),
    "sure": ("count", "share", "share"),
    "threshold": ("share",),
    "got-better": ("count", "(class)"),
    "got-worse": ("count", "(class)"),
    "both-right": ("count", "(class)"),
    "both-wrong": ("count", "(class)"),
}
AGAINST = ("got-better", "got-worse", "both-right", "both-wrong")  # kinds that begin with the number of another run
REMEDY = "choose a mark on a chart"


@dataclass(frozen=True)
class Mark:
    """One mark. parts: keys of classes, numbers (int) or shares (float), as KINDS says."""

    kind: str
    parts: tuple[str | int | float, ...]

    @property
    def other_run(self) -> int | None:
        """The run that this mark compares with; None for a mark about one run."""
        return int(self.parts[0]) if self.kind in AGAINST else None

    def __str__(self) -> str:
        words = (quote(part, safe="") if isinstance(part, str) else f"{part:.9g}" for part in self.parts)
        return ":".join([self.kind, *words])


def parse(text: str) -> Mark:
    """The mark that a text means. Raises BadRequest for a text that is none."""
    kind, *words = text.split(":")
    wanted = KINDS.get(kind, ())
    least = sum(not what.startswith("(") for what in wanted)
    if not least or not least <= len(words) <= len(wanted):
        raise BadRequest(f"{text[:60]!r} is no mark of a chart", remedy=REMEDY)
    return Mark(kind, tuple(_part(text, word, what.strip("()")) for word, what in zip(words, wanted, strict=False)))


def _part(text: str, word: str, what: str) -> str | int | float:
    if what == "class" and word:
        return unquote(word)
    if what == "count" and word.isascii() and word.isdecimal() and len(word) < 10:
        return int(word)
    if what == "share":
        try:
            share = float(word)
        except ValueError:
            share = -1
        if 0 <= share <= 1:
            return share
    raise BadRequest(f"{text[:60]!r} is no mark of a chart", remedy=REMEDY)


@dataclass(frozen=True)
class Sources:
    """What a mark may ask for besides the predictions, each only when it is needed.

    paths: (B, D) certainties along the paths of the run, in the order of the table. other: the predictions of another
    run; raises UnknownRun.
    """

    paths: Callable[[], NDArray[np.float64]]
    other: Callable[[int], PredictionTable]


def rows(mark: Mark, table: PredictionTable, sources: Sources) -> BoolArray:
    """(B,) bool: the rows of the table behind a mark. Raises UnknownNode, UnknownRun, BadRequest (no such level)."""
    parts = _checked(mark, table.taxonomy)
    if mark.kind in AGAINST:
        other, *inside = parts
        keep = _against(mark.kind, table, sources.other(int(other)))
        return keep & table.taxonomy.is_at_or_below(table.labels, int(inside[0])) if inside else keep
    return _ROWS[mark.kind](table, sources, *parts)


def _checked(mark: Mark, taxonomy: Taxonomy) -> list[int | float]:
    """The parts as the functions below take them: classes as nodes, a level that exists."""
    if mark.kind == "sure" and not 1 <= int(mark.parts[0]) <= taxonomy.depth:
        raise BadRequest(f"the tree has no level {mark.parts[0]}", remedy=REMEDY)
    return [taxonomy.index(part) if isinstance(part, str) else part for part in mark.parts]


def _taken_for(table: PredictionTable, _sources: Sources, label: int, answer: int) -> BoolArray:
    return confusion.at_or_below_both(table.taxonomy, table.labels, table.predicted, label, answer)


def _taken_away(table: PredictionTable, _sources: Sources, label: int, outside: int) -> BoolArray:
    below = table.taxonomy.is_at_or_below
    return below(table.labels, label) & ~below(table.predicted, outside)


def _node_wrong(table: PredictionTable, sources: Sources, node: int) -> BoolArray:
    return _taken_away(table, sources, node, node)


def _node_right(table: PredictionTable, sources: Sources, node: int) -> BoolArray:
    return _taken_for(table, sources, node, node)


def _height(table: PredictionTable, _sources: Sources, height: int) -> BoolArray:
    meeting = confusion.meetings(table.taxonomy, table.labels, table.predicted)
    return (meeting >= 0) & (table.taxonomy.heights[meeting] == height)


def _meets(table: PredictionTable, _sources: Sources, node: int) -> BoolArray:
    return confusion.meetings(table.taxonomy, table.labels, table.predicted) == node


def _sure(table: PredictionTable, sources: Sources, level: int, low: float, high: float) -> BoolArray:
    known = reliability.known_at(table.taxonomy, table.labels, table.predicted, level)
    return known & reliability.sure_between(sources.paths(), level, low, high)


def _threshold(table: PredictionTable, sources: Sources, threshold: float) -> BoolArray:
    return climbing.careful_mistakes(table.taxonomy, table.labels, table.predicted, sources.paths(), threshold)


_ROWS: dict[str, Callable[..., BoolArray]] = {
    "taken-for": _taken_for,
    "taken-away": _taken_away,
    "node-wrong": _node_wrong,
    "node-right": _node_right,
    "height": _height,
    "meets": _meets,
    "sure": _sure,
    "threshold": _threshold,
}


def _against(kind: str, table: PredictionTable, other: PredictionTable) -> BoolArray:
    mine, theirs, both = verdicts(table, other)
    return {
        "got-better": both & mine & ~theirs,
        "got-worse": both & ~mine & theirs,
        "both-right": both & mine & theirs,
        "both-wrong": both & ~mine & ~theirs,
    }[kind]


def verdicts(table: PredictionTable, other: PredictionTable) -> tuple[BoolArray, BoolArray, BoolArray]:
    """(is right, is right by the other run, both runs answered and the picture is labelled for both), each (B,).

    Each run is judged in its own version of the tree, by the labels as they read there; pictures are matched by id.
    """
    place, is_there = matched(table, other)
    mine = wrong_levels(table.taxonomy, table.labels, table.predicted)
    theirs = np.full(len(mine), -1, dtype=np.int64)
    rows_there = place[is_there]
    theirs[is_there] = wrong_levels(other.taxonomy, other.labels[rows_there], other.predicted[rows_there])
    return mine == 0, theirs == 0, (mine >= 0) & (theirs >= 0)


def matched(table: PredictionTable, other: PredictionTable) -> tuple[NDArray[np.int64], BoolArray]:
    """For each row of the table the row of the same picture in the other run, and whether there is one."""
    place = np.searchsorted(other.image_ids, table.image_ids)
    is_there = place < len(other.image_ids)
    is_there[is_there] = other.image_ids[place[is_there]] == table.image_ids[is_there]
    return place, is_there
