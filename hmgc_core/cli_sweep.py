"""The verbs of the command line that search for good settings."""

from typing import Annotated, Any

import typer
from rich.table import Table

from hmgc_core.cli_settings import takes_settings
from hmgc_core.errors import HmgcError
from hmgc_core.records import RunConfig
from hmgc_core.terminal import (
    JsonOption,
    WorkspaceOption,
    open_existing,
    plain,
    print_json,
    progress,
    screen,
)
from hmgc_core.workflow import sweeps as verbs
from hmgc_core.workflow.sweeps import Sweep, Trial
from hmgc_core.workflow.workspaces import Workspace

USUAL = ",".join(verbs.USUAL)


@takes_settings
def sweep(
    config: RunConfig,
    trials: Annotated[int | None, typer.Option(help=f"How many trainings; without: {verbs.TRIALS}.")] = None,
    minutes: Annotated[float | None, typer.Option(help="Begin no training after this time.")] = None,
    over: Annotated[str, typer.Option(help="What to vary: NAME, NAME=LOW:HIGH or NAME=A|B, by commas.")] = USUAL,
    name: Annotated[str, typer.Option(help="One that is known goes on.")] = "",
    wait: Annotated[bool, typer.Option("--wait", help="Wait for the end; search here if no worker is there.")] = False,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Search for good settings: many trainings, chosen and judged on the validation images."""
    ws = open_existing(workspace)
    asked = verbs.ask(ws, config, over=over.split(","), trials=trials, minutes=minutes, name=name)
    if wait:
        from hmgc_core import worker  # noqa: PLC0415 - torch takes seconds to import

        with progress(f"Search {asked.name}") as report:
            worker.wait_for_task(ws, asked.task.id, on_progress=report)
    asked = verbs.sweep(ws, asked.name)
    _tell(ws, asked, as_json=as_json)
    if asked.task.status == "failed" or (wait and asked.task.status != "done"):
        remedy = asked.task.remedy or f"let it go on: the same line with --name {asked.name}"
        raise HmgcError(asked.task.error or f"the search {asked.name!r} did not end", remedy=remedy)


def sweeps(
    name: Annotated[str, typer.Argument(help="One search, with all that was tried.")] = "",
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the searches for good settings, or show one."""
    ws = open_existing(workspace)
    if name:
        _tell(ws, verbs.sweep(ws, name), as_json=as_json)
        return
    found = verbs.all_sweeps(ws)
    if as_json:
        print_json([_values(ws, one) for one in found])
        return
    if not found:
        screen.print("Nothing was searched yet. Begin: `hmgc sweep MODEL`, or the Train page.", soft_wrap=True)
        return
    table = Table("search", "state", "model", "varied", "trials", "best")
    for one in found:
        tried = verbs.tried(ws, one)
        best = verbs.best(tried)
        varied = ", ".join(dimension.name for dimension in one.over)
        score = "–" if best is None else f"{best.score:.1%}"
        table.add_row(plain(one.name), one.task.status, one.config.model, varied, str(len(tried)), score)
    screen.print(table)


def stop_sweep(
    name: Annotated[str, typer.Argument(help="Name of the search.")], workspace: WorkspaceOption = None
) -> None:
    """Ask a search to stop; what was tried stays."""
    asked = verbs.cancel(open_existing(workspace), name)
    words = "was asked to stop" if asked else "had ended already"
    screen.print(f"The search {name} {words}.", markup=False)


def _tell(ws: Workspace, of: Sweep, *, as_json: bool) -> None:
    if as_json:
        print_json(_values(ws, of))
        return
    found = verbs.tried(ws, of)
    screen.print(f"The search {of.name} is {of.task.status}.", markup=False)
    if found:
        screen.print(_table(of, found))
    weights = verbs.importances(ws, of)
    if weights:
        shares = ", ".join(f"{name} {share:.0%}" for name, share in weights.items())
        screen.print(f"What mattered: {shares}.", markup=False)
    best = verbs.best(found)
    if best is not None:
        score = f"{best.score:.1%} of all classes on the way to the labels found, on the validation images"
        screen.print(f"Best: trial {best.number}, {score}. Train with its settings:", markup=False, soft_wrap=True)
        screen.print(verbs.command(ws, verbs.config_of(of, best)), markup=False, highlight=False, soft_wrap=True)


def _table(of: Sweep, found: tuple[Trial, ...]) -> Table:
    table = Table("trial", "state", "validation", *(one.name for one in of.over))
    for trial in found:
        values = [trial.values.get(one.name) for one in of.over]
        shown = ["–" if value is None else verbs.value_words(value) for value in values]
        score = "–" if trial.score is None else f"{trial.score:.1%}"
        table.add_row(str(trial.number), trial.state, score, *shown)
    return table


def _values(ws: Workspace, of: Sweep) -> dict[str, Any]:
    found = verbs.tried(ws, of)
    best = verbs.best(found)
    return {
        "sweep": of.name,
        "status": of.task.status,
        "over": [one.name for one in of.over],
        "trials": found,
        "best": best,
        "importances": verbs.importances(ws, of),
        "command": verbs.command(ws, verbs.config_of(of, best)) if best else "",
    }
