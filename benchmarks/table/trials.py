"""What the trials beside the table say: each against its row, and the factors of a factorial one by one.

What is kept is chosen by validation; the test pictures are told beside it.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from table.cells import LONG, SHARES, TRIED_ON
from table.figures import VAL_LEAF, Line, Mean, Table, mean_of, value_of
from table.rows import FACTORS, TRIALS, Row, combinations, name_of

TOLD = (VAL_LEAF, "leaf_accuracy", "full_path_accuracy")
PLACE = (max(SHARES), LONG)
OF_FACTORS = (VAL_LEAF, "leaf_accuracy")


@dataclass(frozen=True)
class Trial:
    """A trial less its row, by metric of TOLD, paired by seed; None where a figure is missing."""

    row: Row
    differences: dict[str, Mean | None]


@dataclass(frozen=True)
class Effect:
    """A value of a factor less the row's own, by metric of OF_FACTORS, paired by all the other factors and the seed."""

    factor: str
    value: float
    own: float
    differences: dict[str, Mean | None]


def trials(table: Table) -> list[Trial]:
    """Those that have been made and whose row has, in order."""
    made = [
        Trial(row, {metric: table.difference(TRIED_ON, (row.name, row.of), *PLACE, metric) for metric in TOLD})
        for row in TRIALS.values()
    ]
    return [one for one in made if any(one.differences.values())]


def effects(table: Table) -> list[Effect]:
    """Of every factor; empty before the whole factorial has been made."""
    if not all(_seeds(table, one) for one in combinations()):
        return []
    return [
        Effect(factor, value, own, {metric: mean_of(_pairs(table, factor, value, metric)) for metric in OF_FACTORS})
        for factor, (own, *others) in FACTORS.items()
        for value in others
    ]


def _pairs(table: Table, factor: str, value: float, metric: str) -> Iterable[float]:
    """By how much each training with this value is better than its partner with the row's own."""
    for one in combinations():
        if one[factor] == value:
            changed, kept = _seeds(table, one), _seeds(table, {**one, factor: FACTORS[factor][0]})
            for seed in changed.keys() & kept.keys():
                first, second = value_of(changed[seed], metric), value_of(kept[seed], metric)
                if first is not None and second is not None:
                    yield first - second


def _seeds(table: Table, combination: dict[str, float]) -> dict[int, Line]:
    return table.seeds(TRIED_ON, name_of(combination), *PLACE)
