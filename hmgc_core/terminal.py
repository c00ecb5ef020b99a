"""How verbs of the command line find their workspace and say what they did: progress on stderr, results on stdout."""

import json
import math
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, is_dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from hmgc_core import settings
from hmgc_core.errors import BadConfig, WorkspaceError
from hmgc_core.records import OptionValue, Run
from hmgc_core.workflow import training, workspaces
from hmgc_core.workflow.workspaces import Workspace

screen = Console()
remarks = Console(stderr=True)

WorkspaceOption = Annotated[
    Path | None, typer.Option("--workspace", help="Folder of the workspace; without: data, or HMGC_WORKSPACE.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON value and nothing else.")]
RunArgument = Annotated[int, typer.Argument(help="Number of the run.", metavar="RUN")]


def open_or_make(folder: Path | None) -> Workspace:
    """The workspace in this folder (None: the usual one), made if need be."""
    return workspaces.open_workspace(folder or settings.workspace_folder())


@contextmanager
def open_or_try(folder: Path | None, *, dry_run: bool) -> Iterator[Workspace]:
    """The same, but where nothing is to happen a missing workspace is not made: an empty one elsewhere, which goes."""
    folder = folder or settings.workspace_folder()
    if not dry_run or workspaces.exists(folder):
        yield workspaces.open_workspace(folder)
        return
    workspaces.refuse_strangers(folder)  # what would be refused is refused now
    with tempfile.TemporaryDirectory(prefix="hmgc-dry-run-") as elsewhere:
        yield workspaces.open_workspace(Path(elsewhere) / "workspace")


def open_existing(folder: Path | None) -> Workspace:
    """The workspace in this folder (None: the usual one). Raises WorkspaceError where there is none."""
    folder = folder or settings.workspace_folder()
    if not workspaces.exists(folder):
        raise WorkspaceError(f"there is no workspace in {folder}", remedy="make one: hmgc init, or hmgc init --demo")
    return workspaces.open_workspace(folder)


def named_values(given: list[str], what: str) -> dict[str, OptionValue]:
    """`NAME=VALUE` of options and switches, as they were typed. Raises BadConfig where one has no value."""
    for one in given:
        if "=" not in one:
            raise BadConfig(f"the {what} {one!r} has no value", remedy="write it as NAME=VALUE")
    return {name: value for name, _, value in (one.partition("=") for one in given)}


def finished_run(ws: Workspace, number: int) -> Run:
    """A run that has a model; the error comes at once, before torch is loaded. Raises UnknownRun, CheckpointError."""
    run = training.run(ws, number)
    training.checkpoint_folder(run)
    return run


@contextmanager
def progress(title: str) -> Iterator[Any]:
    """A progress bar on stderr, where that is no terminal its title alone; yields report(done, total, words="")."""
    if not remarks.is_terminal:
        remarks.print(f"{title} …", markup=False)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=remarks, transient=True) as bar:
        task = bar.add_task(title, total=None)

        def report(done: int, total: int, words: str = "") -> None:
            bar.update(task, completed=done, total=total or None, description=words or title)

        yield report


def print_json(value: Any) -> None:
    """One JSON value on stdout; paths and moments as text, a number that is not one as null."""
    sys.stdout.write(json.dumps(_plain_values(value), ensure_ascii=False, allow_nan=False) + "\n")


def _plain_values(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        value = asdict(value)
    if isinstance(value, dict):
        return {str(key): _plain_values(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain_values(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, datetime):
        return value.isoformat()
    return str(value) if isinstance(value, Path) else value


def plain(text: str) -> str:
    """Text for a table of rich, which would take brackets for markup."""
    return text.replace("[", "\\[")
