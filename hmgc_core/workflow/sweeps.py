"""Verbs of searches for good settings: ask for one, let one go on, read what was tried, train with what was best."""

import shlex
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from hmgc_core.errors import BadConfig, NotTrainable, UnknownSweep, nearest_names
from hmgc_core.models.catalog import READY_MADE
from hmgc_core.models.options import chosen_options, options_of
from hmgc_core.recipes import DEFAULT, RECIPES
from hmgc_core.records import RunConfig, Task
from hmgc_core.search_space import USUAL, Dimension, chosen, dimensions, settled, value_words
from hmgc_core.store import annotations, sweeps
from hmgc_core.store import tasks as stored_tasks
from hmgc_core.store.sweeps import Trial
from hmgc_core.store.workspace import Workspace
from hmgc_core.workflow import tasks, training
from hmgc_core.workflow.taxonomies import taxonomy_version

__all__ = ["USUAL", "Dimension", "Trial", "value_words"]

KIND = "sweep"
FOLDER = "sweeps"  # in the workspace: states of trials that were interrupted
TRIALS = 20  # where nobody says how many, or how long
MOST_TRIALS, MOST_MINUTES, LONGEST_NAME = 1000, 7 * 24 * 60, 60


@dataclass(frozen=True)
class Sweep:
    """One search. task: its newest. config: of all trials, but for what is varied. trials: how many in all; minutes:
    how long the task may train; None for no such bound. taxonomy, upto: version of the tree and last statement, which
    every trial learns from.
    """

    name: str
    task: Task
    config: RunConfig
    over: tuple[Dimension, ...]
    trials: int | None
    minutes: float | None
    taxonomy: int
    upto: int

    @property
    def asked(self) -> dict[str, Any]:
        """What makes it this search and no other, as plain JSON."""
        return {name: self.task.question[name] for name in ("config", "over", "taxonomy", "upto")}


def can_vary(config: RunConfig) -> tuple[Dimension, ...]:
    """All settings of this training that can be varied, with the usual ranges. Raises UnknownRecipe, BadConfig."""
    return dimensions(config, options_of(config.model, config.backbone))


def ask(
    ws: Workspace,
    config: RunConfig,
    *,
    over: Sequence[str] = USUAL,
    trials: int | None = None,
    minutes: float | None = None,
    name: str = "",
) -> Sweep:
    """Ask the worker for a search on the labels as they are now; a name that is known goes on, on its own labels.

    over: settings, each as `lr`, `lr=0.01:0.5` or `batch_size=32|64`. trials: how many more. Raises BadConfig,
    NotTrainable, and whatever `queue_run` raises, at once.
    """
    _check_bounds(trials, minutes)
    if config.model in READY_MADE:
        raise NotTrainable(f"{config.model} learns from no labels", remedy="choose a model that is trained")
    if config.freeze_backbone:
        raise BadConfig("a head alone is not searched for", remedy="search with whole trainings")
    ready, version, last = training.checked(ws, config)
    _check_validation(ws, version)
    varied = [one.to_dict() for one in chosen(over, can_vary(ready))]
    known = {one.name: one for one in all_sweeps(ws)}
    name = _checked_name(name) or _free_name(config.model, known)
    question = {"name": name, "config": ready.to_dict(), "over": varied, "taxonomy": version, "upto": last}
    if name in known:
        _check_same(known[name], question)
        return more(ws, name, trials=trials, minutes=minutes)
    return _ask(ws, question, trials=trials, minutes=minutes)


def more(ws: Workspace, name: str, *, trials: int | None = None, minutes: float | None = None) -> Sweep:
    """Let a search go on with more trials, or for more minutes. Raises UnknownSweep, BadConfig while it goes on."""
    _check_bounds(trials, minutes)
    before = sweep(ws, name)
    if before.task.is_active:
        raise BadConfig(f"{name!r} is still searching", remedy="wait for its end, or stop it")
    if minutes is None or trials is not None:
        trials = (trials or TRIALS) + sum(one.state in ("done", "pruned") for one in tried(ws, before))
    return _ask(ws, before.task.question, trials=trials, minutes=minutes)


def _ask(ws: Workspace, question: dict[str, Any], *, trials: int | None, minutes: float | None) -> Sweep:
    if trials is None and minutes is None:
        trials = TRIALS
    number = tasks.ask(ws, KIND, {**question, "trials": trials, "minutes": minutes}, anew=True)
    return of_task(tasks.task(ws, number))


def all_sweeps(ws: Workspace) -> list[Sweep]:
    """Every search, the newest first."""
    newest: dict[str, Sweep] = {}
    with ws.reading() as connection:
        known = stored_tasks.of_kind(connection, kind=KIND, run_id=None)
    for task in known:
        newest.setdefault(str(task.question["name"]), of_task(task))
    return list(newest.values())


def sweep(ws: Workspace, name: str) -> Sweep:
    """The search of this name. Raises UnknownSweep."""
    known = {one.name: one for one in all_sweeps(ws)}
    if name not in known:
        nearest = ", ".join(map(repr, nearest_names(name, known)))
        remedy = f"the nearest are {nearest}" if nearest else "begin one: `hmgc sweep MODEL`"
        raise UnknownSweep(f"there is no search {name!r}", remedy=remedy)
    return known[name]


def of_task(task: Task) -> Sweep:
    """The search that a task is about."""
    asked = task.question
    return Sweep(
        name=asked["name"],
        task=task,
        config=RunConfig.from_dict(asked["config"]),
        over=tuple(map(Dimension.from_dict, asked["over"])),
        trials=asked["trials"],
        minutes=asked["minutes"],
        taxonomy=asked["taxonomy"],
        upto=asked["upto"],
    )


def tried(ws: Workspace, of: Sweep) -> tuple[Trial, ...]:
    """What was tried so far, in order; () before the first. Raises WorkspaceError, UnknownSweep where it is lost."""
    try:
        return sweeps.trials(ws.folder, of.name)
    except UnknownSweep:
        if of.task.status == "done":
            raise
        return ()


def importances(ws: Workspace, of: Sweep) -> dict[str, float]:
    """How much each setting mattered, the most first, as shares of 1; {} while too little was tried."""
    try:
        shares = sweeps.importances(ws.folder, of.name)
    except UnknownSweep:
        return {}
    return dict(sorted(shares.items(), key=lambda pair: -pair[1]))


def best(found: Sequence[Trial]) -> Trial | None:
    """The finished trial with the largest score, the first of equals."""
    done = [one for one in found if one.state == "done" and one.score is not None]
    return max(done, key=lambda one: (one.score or 0.0, -one.number), default=None)


def best_config(ws: Workspace, of: Sweep) -> RunConfig:
    """The settings of the best trial, as of an ordinary training. Raises NotTrainable while there is none."""
    found = best(tried(ws, of))
    if found is None:
        raise NotTrainable(f"no trial of {of.name!r} is finished", remedy="let it go on until one is")
    return config_of(of, found)


def config_of(of: Sweep, trial: Trial) -> RunConfig:
    """The settings of one trial, as of an ordinary training."""
    return settled(of.config, of.over, trial.values)


def train_best(ws: Workspace, name: str) -> int:
    """Queue a training with the best settings on the labels of now; returns its number. Raises as `queue_run` does."""
    return training.queue_run(ws, best_config(ws, sweep(ws, name)))


def cancel(ws: Workspace, name: str) -> bool:
    """Ask a search to stop; what was tried stays. False where it had ended. Raises UnknownSweep."""
    return tasks.cancel(ws, sweep(ws, name).task.id)


def command(ws: Workspace, config: RunConfig) -> str:
    """The line that queues just this training in the workspace: `hmgc train …`."""
    plain = RunConfig(recipe=DEFAULT)
    words = ["hmgc", "train", config.model]
    for name in ("backbone", "image_size", "epochs", "batch_size", "lr", "weight_decay", "label_smoothing", "device"):
        words += [f"--{name.replace('_', '-')}", _said(getattr(config, name))]
    for name in ("seed", "weights", "labelling", "recipe"):
        if getattr(config, name) != getattr(plain, name):
            words += [f"--{name}", _said(getattr(config, name))]
    if config.drop_coarse:
        words.append("--drop-coarse")
    options = {option.name: option.default for option in options_of(config.model, config.backbone)}
    words += _pairs("--option", {**options, **chosen_options(config)}, options)
    words += _pairs("--switch", config.switches, asdict(RECIPES[config.recipe].switches))
    return shlex.join([*words, "--workspace", str(ws.folder.resolve())])


def _pairs(flag: str, values: dict[str, Any], usual: dict[str, Any]) -> list[str]:
    differing = [(name, value) for name, value in values.items() if value != usual.get(name)]
    return [word for name, value in differing for word in (flag, f"{name}={_said(value)}")]


def _said(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def state_folder(ws: Workspace) -> Path:
    """Where trials keep their states while they train."""
    return ws.folder / FOLDER


# --- what is refused --------------------------------------------------------------------------------------------------


def _check_bounds(trials: int | None, minutes: float | None) -> None:
    if trials is not None and not 1 <= trials <= MOST_TRIALS:
        raise BadConfig(f"{trials} trials were asked for", remedy=f"choose a number from 1 to {MOST_TRIALS}")
    if minutes is not None and not 0 < minutes <= MOST_MINUTES:
        remedy = f"choose more than 0, and at most {MOST_MINUTES}, which is a week"
        raise BadConfig(f"{minutes:g} minutes were asked for", remedy=remedy)


def _check_validation(ws: Workspace, version: int) -> None:
    """A trial is judged on validation images, never on test images: there must be some that say something."""
    root = taxonomy_version(ws, version).keys[0]
    with ws.reading() as connection:
        tallies = annotations.tallies(connection)
    if not any(split == "val" and kind == "is" and key != root for key, kind, split, _ in tallies):
        raise NotTrainable(
            "no validation picture has a label to choose settings by",
            remedy="label some validation pictures below the root on the annotate page",
        )


def _checked_name(name: str) -> str:
    name = name.strip()
    if len(name) > LONGEST_NAME or not name.isprintable():
        raise BadConfig(f"{name[:LONGEST_NAME]!r} is no name", remedy=f"choose one of up to {LONGEST_NAME} letters")
    return name


def _free_name(model: str, known: dict[str, Sweep]) -> str:
    return next(name for number in range(1, len(known) + 2) if (name := f"{model}-{number}") not in known)


def _check_same(known: Sweep, question: dict[str, Any]) -> None:
    if any(known.task.question[name] != question[name] for name in ("config", "over")):
        raise BadConfig(
            f"there is another search {known.name!r}, with other settings", remedy="choose another name for this one"
        )
