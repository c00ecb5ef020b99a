"""Verbs of "what the coarse labels bought": ask for the comparison of a finished run, and read what it gave."""

from dataclasses import dataclass, field
from typing import Any

from hmgc_core.errors import HmgcError, NotTrainable, UnknownRun
from hmgc_core.metrics.paired import PairedDifference
from hmgc_core.models.catalog import READY_MADE
from hmgc_core.querying import says_nothing
from hmgc_core.records import Run, Task
from hmgc_core.store import annotations
from hmgc_core.store.workspace import Workspace
from hmgc_core.taxonomy import Taxonomy
from hmgc_core.workflow import tasks, training
from hmgc_core.workflow.taxonomies import newest_taxonomy

KIND = "coarse-labels"
FINEST, FLATTENED, ALL = "finest", "flattened", "all"
# The three trainings, each on other labels of the same pictures, in the order in which they are told.
ARMS = {
    FINEST: "Finest labels only",
    FLATTENED: "Every label flattened",
    ALL: "All labels as they are",
}
MEANINGS = {
    FINEST: "labels above the finest level are left out",
    FLATTENED: "each coarse label becomes one of the finest classes below it, drawn by chance, as tools do that know "
    "no class tree; labels at the root, and those that only say what a picture is not, are left out",
    ALL: "each label counts for what it says",
}


@dataclass(frozen=True)
class Gain:
    """All labels against one of the other two. leaf: at the finest level. levels: at each; None: unmeasured."""

    leaf: PairedDifference
    levels: tuple[PairedDifference | None, ...]


@dataclass(frozen=True)
class Bought:
    """What the comparison of a run gave.

    split, pictures: where it was measured, and how many pictures there have a label at the finest level. coarse:
    training labels that leave several finest classes possible, but not all. labels: how many each arm learned from.
    steps, epochs: of each training. own: the run's model served for all labels. metrics: of each arm, under the names
    of `answer_metrics`.
    """

    split: str
    pictures: int
    coarse: int
    labels: dict[str, int]
    steps: int
    epochs: int
    seed: int
    own: bool
    metrics: dict[str, dict[str, Any]]
    gains: dict[str, Gain]
    remarks: tuple[str, ...] = field(default=())

    @property
    def extra_levels(self) -> tuple[int, ...]:
        """The levels, from 0, whose figures differ from those of the finest classes in some arm: all but the last."""
        shares = [list(one["level_accuracy"]) for one in self.metrics.values()]
        same = all(row[-1] == one["leaf_accuracy"] for row, one in zip(shares, self.metrics.values(), strict=True))
        return tuple(range(len(shares[0]) - same))

    @property
    def headline(self) -> str:
        """`+4.1 leaf points from 2,300 coarse labels`; where it is a loss or may be chance, that too."""
        leaf = self.gains[FINEST].leaf
        words = f"{leaf.difference * 100:+.1f} leaf points from {self.coarse:,} coarse label{'s'[: self.coarse != 1]}"
        doubt = {"better": "", "worse": ": this training did better without them", "unclear": ", which may be chance"}
        return words + doubt[leaf.verdict]


def in_words(gain: PairedDifference) -> str:
    """`+4.1 points, 95 % sure: +1.0 to +7.2`, for one level."""
    ends = f"{gain.low * 100:+.1f} to {gain.high * 100:+.1f}"
    return f"{gain.difference * 100:+.1f} points, 95% sure: {ends}"


def ask(ws: Workspace, run_id: int) -> int:
    """Ask the worker for the comparison; returns the number of its task.

    Raises UnknownRun, CheckpointError where the run has no model, and NotTrainable where there is nothing to compare,
    as far as that can be known at once.
    """
    run = training.run(ws, run_id)
    training.checkpoint_folder(run)
    problem = obstacle(ws, run)
    if problem is not None:
        raise problem
    return tasks.ask(ws, KIND, {}, run_id=run_id)


def obstacle(ws: Workspace, run: Run) -> HmgcError | None:
    """Why there is nothing to compare, None where nothing is known to stand in the way.

    Looks only at how many labels there are now, which costs no time; the worker then looks at those the run knew.
    """
    problem = unsuited(run)
    if problem is not None:
        return problem
    newest = newest_taxonomy(ws)
    if newest is None or newest[0] != run.taxonomy:
        return None
    counts = _counts(ws, newest[1])
    return missing(coarse=counts["coarse"], fine=counts["fine"], measured=counts["measured"])


def _counts(ws: Workspace, taxonomy: Taxonomy) -> dict[str, int]:
    """Words of now: coarse and fine ones on training pictures, fine ones on the pictures to measure on."""
    counts = {"coarse": 0, "fine": 0, "measured": 0}
    with ws.reading() as connection:
        tallies = annotations.tallies(connection)
    for key, kind, split, total in tallies:
        if kind == "unusable" or key not in taxonomy:
            continue
        node = taxonomy.index(key)
        is_fine = kind != "is_not" and bool(taxonomy.leaf_counts[node] == 1)
        if split == "train":
            says_something = is_fine or kind == "is_not" or not says_nothing(taxonomy, node)
            counts["fine" if is_fine else "coarse"] += total if says_something else 0
        elif kind == "is" and taxonomy.is_leaf[node]:
            counts["measured"] += total
    return counts


def unsuited(run: Run) -> NotTrainable | None:
    """Why no labels can be weighed by a run like this, None where they can."""
    if run.config.model in READY_MADE:
        return NotTrainable(
            f"{run.config.model} learns from no labels, so none bought anything",
            remedy="choose a run of a model that is trained",
        )
    if run.config.freeze_backbone:
        before = run.config.start_from
        return NotTrainable(
            f"only the head of run {run.id} learned: its backbone learned from them in run {before} or before",
            remedy="choose a run in which all of the model learned",
        )
    return None


def learned_whole(ws: Workspace, run: Run) -> Run | None:
    """The run in which what this one sees in pictures was learned: itself, but for one whose head alone learned.

    None where that run is gone.
    """
    while run.config.freeze_backbone:
        try:
            run = training.run(ws, run.config.start_from)
        except UnknownRun:
            return None
    return run


def missing(*, coarse: int, fine: int, measured: int) -> NotTrainable | None:
    """Why these counts allow no comparison, None where they do."""
    if not coarse:
        return NotTrainable(
            "there are no coarse labels: every training label is at the finest level",
            remedy="label some pictures only as finely as you are sure, train again, and ask again",
        )
    if fine < 2:
        return NotTrainable(
            "without the coarse labels no model can be trained: fewer than two labels are at the finest level",
            remedy="label some pictures at the finest level, train again, and ask again",
        )
    if not measured:
        return NotTrainable(
            "no test or validation picture has a label at the finest level: there is nothing to measure on",
            remedy="label some of those pictures at the finest level",
        )
    return None


def newest(ws: Workspace, run_id: int) -> Task | None:
    """The newest task of this kind for the run, however it ended."""
    return tasks.newest(ws, KIND, run_id=run_id)


def bought(ws: Workspace, run_id: int) -> Bought | None:
    """What the comparison of a run gave, None before there was one."""
    done = tasks.newest_done(ws, KIND, run_id=run_id)
    return None if done is None else _read(done.result)


def _read(result: dict[str, Any]) -> Bought:
    values = {name: result[name] for name in Bought.__dataclass_fields__ if name in result}
    gains = {
        arm: Gain(
            PairedDifference(**gain["leaf"]),
            tuple(level and PairedDifference(**level) for level in gain["levels"]),
        )
        for arm, gain in result["gains"].items()
    }
    return Bought(**{**values, "gains": gains, "remarks": tuple(result["remarks"])})
