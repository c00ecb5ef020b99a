"""From the lines of the journal to the figures of the table: means over seeds, paired differences, their intervals.

It needs the lines alone, no pictures: each names the cells that it answers.
"""

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from hmgc_core.recipes import DEFAULT, DEFAULT_MODEL
from table.cells import SHORT, TUNING_SEED, best_rate, how_good, is_told, longer_rate
from table.rows import BARS, ROWS, TRIALS, WAYS

Line = dict[str, Any]
Question = tuple[str, str, float]  # workspace, row, share
Place = tuple[str, str, float, str]  # and the budget

# Quantiles of Student's t at 97.5 %, by the number of seeds less one, from 1 on.
T_95 = (12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160, 2.145, 2.131)

FROM_TEST = (
    "leaf_accuracy",
    "full_path_accuracy",
    "tice",
    "info_recall_at_95_tempered",
    "ac_info_tempered",
    "ece_node_tempered",
    "ece_node",
    "info_recall_at_95",
    "ac_info",
)
SECONDS, IMAGES_PER_S, VAL_LEAF = "seconds", "images_per_s", "val_leaf_accuracy"
METRICS = (*FROM_TEST, SECONDS, IMAGES_PER_S, VAL_LEAF)
COMPARED = ("leaf_accuracy", "full_path_accuracy")
CANDIDATES = ("self_taught", "exact_quarter", "flat_balanced")  # who may become the app's default
_PAIRS = (
    *((first, second) for first in CANDIDATES for second in ROWS if first != second),
    *((trial.name, trial.of) for trial in TRIALS.values()),
)


@dataclass(frozen=True)
class Mean:
    """A mean over seeds with its 95 % interval by Student's t; without an interval where there is one seed."""

    mean: float
    low: float | None
    high: float | None
    seeds: int


def mean_of(values: Iterable[float]) -> Mean | None:
    """The mean of one value a seed, None for none."""
    given = np.array(list(values), dtype=np.float64)
    if not len(given):
        return None
    mean = float(given.mean())
    if len(given) == 1:
        return Mean(mean, None, None, 1)
    half = T_95[min(len(given) - 1, len(T_95)) - 1] * float(given.std(ddof=1)) / math.sqrt(len(given))
    return Mean(mean, mean - half, mean + half, len(given))


@dataclass(frozen=True)
class Table:
    """The answered cells. answers: (workspace, row, share, budget) -> seed -> line. rates: the tuned learning rates.

    tried: rate -> how good it was. epochs: by (workspace, budget).
    """

    answers: Mapping[Place, dict[int, Line]]
    rates: Mapping[Place, float]
    tried: Mapping[Place, dict[float, float]]
    epochs: Mapping[tuple[str, str], int]

    def seeds(self, workspace: str, row: str, share: float, budget: str) -> dict[int, Line]:
        """Seed -> line, of the seeds that are there."""
        return self.answers.get((workspace, row, share, budget), {})

    def mean(self, workspace: str, row: str, share: float, budget: str, metric: str) -> Mean | None:
        """One figure of the table, None while it is missing or where it cannot be measured."""
        values = [value_of(line, metric) for line in self.seeds(workspace, row, share, budget).values()]
        return mean_of(value for value in values if value is not None)

    def difference(self, workspace: str, pair: tuple[str, str], share: float, budget: str, metric: str) -> Mean | None:
        """By how much the first row of the pair is larger, over the seeds that both have; None without any.

        Two rows that are one and the same training there differ by exactly nothing.
        """
        first, second = (self.seeds(workspace, row, share, budget) for row in pair)
        both = [(value_of(first[seed], metric), value_of(second[seed], metric)) for seed in first if seed in second]
        return mean_of(one - other for one, other in both if one is not None and other is not None)

    def best_bar(self, workspace: str, share: float, budget: str, *, but: str = "") -> str | None:
        """The honest baseline, `but` one, that is best on validation over the seeds that all have; None without any."""
        bars = [row for row in BARS if row != but]
        lines = {row: self.seeds(workspace, row, share, budget) for row in bars}
        common = set.intersection(*(set(seeds) for seeds in lines.values()))
        if not common:
            return None
        return max(bars, key=lambda row: sum(how_good(lines[row][seed]) for seed in common))

    @property
    def workspaces(self) -> list[str]:
        """Those with a line, in the order of their first."""
        return list(dict.fromkeys(workspace for workspace, _ in self.epochs))

    @property
    def shares(self) -> list[float]:
        """Those with an answered cell, rising."""
        return sorted({share for _, _, share, _ in self.answers})


def table_of(journal: Mapping[str, Line]) -> Table:
    """The table that the lines give. journal: id -> line, in order.

    Of a workspace only the lines on the pictures of its last line count, and of a budget only those as long as its
    last: what was changed since is another table.
    """
    newest = {line["workspace"]: line["data"] for line in journal.values()}
    lines = [line for line in journal.values() if line["data"] == newest[line["workspace"]]]
    epochs = {(line["workspace"], line["budget"]): line["epochs"] for line in lines}
    lines = [line for line in lines if line["epochs"] == epochs[line["workspace"], line["budget"]]]
    alike = {name: [one for one in newest if newest[one] == newest[name]] for name in newest}
    tried: dict[Place, dict[float, float]] = defaultdict(dict)
    for line in lines:
        if line["seed"] == TUNING_SEED and is_told(line):
            for question in _answered(line, alike, epochs):
                if question[1] not in TRIALS:
                    tried[*question, line["budget"]][line["lr"]] = how_good(line)
    rates = {place: best_rate(known)[0] for place, known in tried.items() if place[-1] == SHORT}
    for place, known in tried.items():
        short = rates.get((*place[:-1], SHORT))
        if place[-1] != SHORT and short is not None:
            rates[place] = longer_rate(known, short)[0]
    answers: dict[Place, dict[int, Line]] = defaultdict(dict)
    for line in lines:
        for question in _answered(line, alike, epochs) if "error" not in line else ():
            place = (*question, line["budget"])
            if rates.get(_tuned(place)) == line["lr"]:
                answers[place][line["seed"]] = line
    return Table(dict(answers), {place: lr for place, lr in rates.items() if lr is not None}, dict(tried), epochs)


def _tuned(place: Place) -> Place:
    """Where the learning rate of a place comes from: a trial has that of its row."""
    workspace, row, share, budget = place
    known = WAYS.get(row)
    return (workspace, known.of if known and known.of else row, share, budget)


def value_of(line: Line, metric: str) -> float | None:
    """One figure of one training. Seconds are those of the processor: neighbours on the machine do not count."""
    named = {SECONDS: line["cpu_s"], IMAGES_PER_S: line["images_per_s"], VAL_LEAF: line["val"]["leaf_accuracy"]}
    value = named[metric] if metric in named else line["test"][metric]
    return None if value is None else float(value)


def as_json(table: Table) -> dict[str, list[dict[str, Any]]]:
    """`rows` and `differences` as plain values, the long budget first. Missing cells have no entry."""
    return {"rows": list(_rows(table)), "differences": list(_differences(table))}


def is_default(row: str) -> bool:
    """A new training of the app learns like this row: model, recipe and all."""
    asked = WAYS[row]
    return (asked.model, asked.recipe) == (DEFAULT_MODEL, DEFAULT)


def _rows(table: Table) -> Iterable[dict[str, Any]]:
    for workspace, budget, share in _places(table):
        for row in WAYS:
            for metric in METRICS:
                found = table.mean(workspace, row, share, budget, metric)
                if found is not None:
                    place = {"workspace": workspace, "model": row, "default": is_default(row), "relabel": share}
                    yield {**place, "budget": budget, "metric": metric, **_rounded(found)}


def _differences(table: Table) -> Iterable[dict[str, Any]]:
    for workspace, budget, share in _places(table):
        best = {first: table.best_bar(workspace, share, budget, but=first) for first in CANDIDATES}
        for first, second in _PAIRS:
            for metric in COMPARED:
                found = table.difference(workspace, (first, second), share, budget, metric)
                if found is not None:
                    place = {"workspace": workspace, "a": first, "b": second, "relabel": share}
                    told = {"budget": budget, "metric": metric, **_rounded(found)}
                    yield {**place, **told, "b_is_best_baseline": second == best.get(first)}


def _places(table: Table) -> list[tuple[str, str, float]]:
    """(workspace, budget, share) with a cell, the long budget first."""
    found = {(workspace, budget, share) for workspace, _, share, budget in table.answers}
    order = table.workspaces
    return sorted(found, key=lambda place: (order.index(place[0]), place[1], place[2]))


def _rounded(found: Mean) -> dict[str, Any]:
    ends = {"mean": found.mean, "low": found.low, "high": found.high}
    return {**{name: None if end is None else round(end, 5) for name, end in ends.items()}, "seeds": found.seeds}


def _answered(line: Line, alike: Mapping[str, list[str]], epochs: Mapping[tuple[str, str], int]) -> Iterator[Question]:
    """The questions that a line answers; what is not made coarse it answers in all workspaces of the same pictures."""
    for workspace in alike[line["workspace"]]:
        if epochs.get((workspace, line["budget"])) == line["epochs"]:
            for row, share in line["answers"]:
                if workspace == line["workspace"] or not share or (row in WAYS and WAYS[row].all_leaf):
                    yield workspace, row, share
