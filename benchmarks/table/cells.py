"""What the table asks for, which trainings answer it, and which of them comes next.

A cell is a question: this row, this share, this budget, this seed. A training answers every cell that would be trained
alike. Learning rates are chosen on validation, alike for all: at the short budget from the middle three of RATES, then
outwards while the best is the outermost one tried; at the long one from there downwards, as long as less is better.
"""

import hashlib
import json
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

from hmgc_core.records import RunConfig, Sample
from table.rows import TELLING, TRIALS, WAYS, config_of
from table.sets import PictureSet

RATES = (0.01, 0.03, 0.1, 0.3, 1.0)
SHORT, LONG = "short", "long"
EPOCHS = {  # by workspace: of the short and of the long budget
    "cifar": {SHORT: 8, LONG: 40},
    "cifar_whole": {SHORT: 10, LONG: 30},
    "grocery": {SHORT: 25, LONG: 75},
    "drawn": {SHORT: 30, LONG: 100},
    "drawn_hard": {SHORT: 30, LONG: 100},
}
ASKED_FOR = ("cifar", "grocery", "drawn")  # without a word; the others on request
OTHER_EPOCHS = {SHORT: 20, LONG: 60}
SEEDS = {"cifar": 5, "drawn": 5, "drawn_hard": 5, "grocery": 3}
OTHER_SEEDS = 3
SHARES = (0.0, 0.5, 0.9)
SEEDS_BETWEEN = 3  # of the shares between the least and the largest: they only have to lie between
TUNING_SEED = 0
TRIED_ON, TRIAL_SEEDS = "cifar", 2  # where trials are made without a word

Done = Mapping[str, dict[str, Any]]  # id of a training -> its line in the journal


@dataclass(frozen=True)
class Cell:
    """One question of the table."""

    workspace: str
    row: str
    share: float
    budget: str
    seed: int


@dataclass(frozen=True)
class Training:
    """One training. cell: the first one that it answers. id: a hash of all that its numbers follow from."""

    id: str
    cell: Cell
    config: RunConfig
    labels: list[Sample]


@dataclass(frozen=True)
class Wishes:
    """What a call of the benchmark asks for. seeds, epochs: None for those of each workspace."""

    workspaces: tuple[str, ...] = ASKED_FOR
    rows: tuple[str, ...] = tuple(WAYS)
    shares: tuple[float, ...] = SHARES
    budgets: tuple[str, ...] = (LONG, SHORT)
    seeds: int | None = None
    epochs: int | None = None

    def cells(self) -> list[Cell]:
        """Every cell that is asked for, the most telling first."""
        cells = (
            Cell(workspace, row, share, budget, seed)
            for workspace in self.workspaces
            for row in self.rows
            for share in self.shares
            for budget in self.budgets
            for seed in range(self._seeds(workspace, share))
        )
        return sorted((cell for cell in cells if _belongs(cell, coarsest=max(self.shares))), key=self._turn)

    def _seeds(self, workspace: str, share: float) -> int:
        seeds = self.seeds or SEEDS.get(workspace, OTHER_SEEDS)
        return seeds if share in (0, max(self.shares)) else min(seeds, SEEDS_BETWEEN)

    def _turn(self, cell: Cell) -> tuple[int, ...]:
        places = (self.workspaces.index(cell.workspace), list(WAYS).index(cell.row), self.shares.index(cell.share))
        return (_tier(cell, coarsest=max(self.shares)), cell.seed, *places, self.budgets.index(cell.budget))

    def epochs_of(self, workspace: str, budget: str) -> int:
        """How long a training of this budget is."""
        return self.epochs or EPOCHS.get(workspace, OTHER_EPOCHS)[budget]


def _belongs(cell: Cell, *, coarsest: float) -> bool:
    """Dear rows and trials have few cells."""
    if WAYS[cell.row].once:
        return (cell.share, cell.budget, cell.seed) == (coarsest, SHORT, TUNING_SEED)
    if cell.row in TRIALS:
        return (cell.workspace, cell.share, cell.budget) == (TRIED_ON, coarsest, LONG) and cell.seed < TRIAL_SEEDS
    return True


def _tier(cell: Cell, *, coarsest: float) -> int:
    """How soon a cell's turn comes: the goals' own figures, their short budget, no coarse labels, trials, the rest."""
    telling = cell.row in TELLING and not cell.workspace.startswith("drawn")
    if telling and cell.share == coarsest:
        return 0 if cell.budget == LONG else 1
    if cell.budget == LONG and cell.share == 0 and cell.row in ("flat", "hrn", "per_level"):
        return 2
    if cell.row in TRIALS:
        return 3
    return 6 if WAYS[cell.row].once else 4 if cell.share == coarsest else 5


class Planner:
    """From cells to trainings, on sets that are loaded. wishes: what is asked for."""

    def __init__(self, wishes: Wishes, sets: Mapping[str, PictureSet]) -> None:
        self.wishes, self.sets = wishes, sets
        self._labels: dict[tuple[str, float], list[Sample]] = {}
        self._made: dict[tuple[Cell, float], Training] = {}

    def next(self, done: Done, taken: set[str]) -> Training | None:
        """The first training that some cell still waits for and that is not `taken`; None where there is none.

        done: by id; a line with an error counts as a bad learning rate while rates are tried, as unanswered elsewhere.
        """
        return next((one for one in self.open(done) if one.id not in taken), None)

    def open(self, done: Done) -> Iterator[Training]:
        """The trainings that are known to be needed, in order, some of them more than once."""
        for cell in self.wishes.cells():
            lr, missing = self.rate(cell, done)
            yield from missing
            if lr is not None:
                training = self.training(cell, lr)
                if "error" in done.get(training.id, {"error": ""}):
                    yield training

    def answer(self, cell: Cell, done: Done) -> dict[str, Any] | None:
        """The line that answers a cell, None while there is none."""
        lr, _ = self.rate(cell, done)
        line = None if lr is None else done.get(self.training(cell, lr).id)
        return None if line is None or "error" in line else line

    def rate(self, cell: Cell, done: Done) -> tuple[float | None, list[Training]]:
        """(the learning rate of a cell or None, the trainings that have to be seen before it is known)."""
        cell = replace(cell, row=WAYS[cell.row].of or cell.row)
        best, missing = best_rate(self._tried(cell, SHORT, done))
        if best is None or cell.budget == SHORT:
            return best, self._trials(cell, SHORT, missing)
        best, missing = longer_rate(self._tried(cell, LONG, done), best)
        return best, self._trials(cell, LONG, missing)

    def _trials(self, cell: Cell, budget: str, rates: Iterable[float]) -> list[Training]:
        return [self.training(replace(cell, budget=budget, seed=TUNING_SEED), lr) for lr in rates]

    def _tried(self, cell: Cell, budget: str, done: Done) -> dict[float, float]:
        lines = [done.get(training.id) for training in self._trials(cell, budget, RATES)]
        return {lr: how_good(line) for lr, line in zip(RATES, lines, strict=True) if is_told(line)}

    def answered_by(self, training: Training) -> list[tuple[str, float]]:
        """(row, share) of every question of this budget and seed that the training answers."""
        lr = training.config.lr
        shares = sorted({*SHARES, *self.wishes.shares})
        asked = (replace(training.cell, row=row, share=share) for row in WAYS for share in shares)
        return [
            (cell.row, cell.share)
            for cell in asked
            if (cell.row not in TRIALS or _belongs(cell, coarsest=shares[-1]))
            and self.training(cell, lr).id == training.id
        ]

    def training(self, cell: Cell, lr: float) -> Training:
        """What answers a cell at this learning rate."""
        if (cell, lr) not in self._made:
            self._made[cell, lr] = self._training(cell, lr)
        return self._made[cell, lr]

    def _training(self, cell: Cell, lr: float) -> Training:
        row, pictures = WAYS[cell.row], self.sets[cell.workspace]
        labels = self._labels_of(cell.workspace, 0.0 if row.all_leaf else cell.share)
        epochs = self.wishes.epochs_of(cell.workspace, cell.budget)
        about = {"epochs": epochs, "lr": lr, "seed": cell.seed}
        config = config_of(row, pictures.taxonomy, labels, backbone=pictures.backbone, **about)
        told = [config.to_dict() | {"device": ""}, pictures.content, [sample.node for sample in labels]]
        name = hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()[:16]
        return Training(name, cell, config, labels)

    def _labels_of(self, workspace: str, share: float) -> list[Sample]:
        if (workspace, share) not in self._labels:
            self._labels[workspace, share] = self.sets[workspace].labels(share)
        return self._labels[workspace, share]


def best_rate(tried: Mapping[float, float]) -> tuple[float | None, list[float]]:
    """(the best learning rate or None, the rates that are to be tried before it is known); of equals the smallest.

    tried: how good each one is, by rate. None, and nothing to try, where no rate works.
    """
    missing = [lr for lr in RATES[1:-1] if lr not in tried]
    if missing:
        return None, missing
    best = max(sorted(tried), key=lambda lr: tried[lr])
    outwards = RATES.index(best) + (1 if best == max(tried) else -1 if best == min(tried) else 0)
    if 0 <= outwards < len(RATES) and RATES[outwards] not in tried:
        return None, [RATES[outwards]]
    return (None if tried[best] == -math.inf else best), []


def longer_rate(tried: Mapping[float, float], start: float) -> tuple[float | None, list[float]]:
    """The same for the long budget, whose best rates are lower: from `start`, the short one's, down while it pays."""
    known = [lr for lr in reversed(RATES) if lr <= start]
    for lr, lower in pairwise(known):
        missing = [one for one in (lr, lower) if one not in tried]
        if missing:
            return None, missing
        if tried[lr] > -math.inf and tried[lr] >= tried[lower]:
            return lr, []
    if known[-1] not in tried:
        return None, known[-1:]
    return (None if tried[known[-1]] == -math.inf else known[-1]), []


def is_told(line: dict[str, Any] | None) -> bool:
    """The trial was made: it has a result, or its rate was too high."""
    return line is not None and ("error" not in line or line.get("diverged", False))


def how_good(line: dict[str, Any] | None) -> float:
    """What rates are chosen by: the share of validation pictures whose finest class is right."""
    value = None if line is None or "error" in line else line["val"]["leaf_accuracy"]
    return -math.inf if value is None else float(value)
