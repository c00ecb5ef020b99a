"""What the project set out to show with the table, and whether the figures show it."""

from dataclasses import dataclass

from table.cells import LONG, SHORT
from table.figures import CANDIDATES, Mean, Table

FEWEST = 3  # seeds: two may agree by chance, and their interval is then nothing at all


@dataclass(frozen=True)
class Goal:
    """The winner against a row, "" for the best honest baseline. words: what is compared. least: the mean difference
    asked for. above: where the whole interval has to lie.
    """

    words: str
    against: str
    metric: str
    share: float
    least: float
    above: float

    def is_met(self, found: Mean | None) -> bool | None:
        """None where the figures cannot say: of fewer seeds than FEWEST."""
        if found is None or found.low is None or found.seeds < FEWEST:
            return None
        return found.mean >= self.least and found.low > self.above


GOALS = (
    Goal("HRN as published, finest right", "hrn", "leaf_accuracy", 0.9, 0.08, 0.0),
    Goal("the best honest baseline, finest right", "", "leaf_accuracy", 0.9, 0.02, 0.0),
    Goal("per_level, whole path", "per_level", "full_path_accuracy", 0.9, 0.04, 0.0),
    Goal("flat with nothing coarse, finest right", "flat", "leaf_accuracy", 0.0, -0.01, -0.01),
)


@dataclass(frozen=True)
class Outcome:
    """One goal of one candidate at one workspace and budget. against: the row; "" where no baseline is there yet."""

    workspace: str
    budget: str
    candidate: str
    goal: Goal
    against: str
    found: Mean | None

    @property
    def is_met(self) -> bool | None:
        """Whether it is reached; None where the figures cannot say."""
        return self.goal.is_met(self.found)


PLACE = ("workspace", "budget", "candidate")  # what the outcomes of all goals have in common


def outcomes(table: Table) -> list[Outcome]:
    """Every goal of every candidate, the long budget first."""
    told = []
    for workspace in table.workspaces:
        for budget in (LONG, SHORT):
            for candidate in CANDIDATES:
                for goal in GOALS:
                    bar = table.best_bar(workspace, goal.share, budget, but=candidate) or ""
                    against = goal.against or bar
                    pair = (candidate, against)
                    found = table.difference(workspace, pair, goal.share, budget, goal.metric) if against else None
                    told.append(Outcome(workspace, budget, candidate, goal, against, found))
    return told
