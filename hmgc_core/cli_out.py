"""Verbs of the command line that take data out, keep it safe, and bring it back."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from hmgc_core import settings
from hmgc_core.metrics.words import number
from hmgc_core.terminal import (
    JsonOption,
    WorkspaceOption,
    open_existing,
    print_json,
    progress,
    remarks,
    screen,
)
from hmgc_core.workflow import backups, exports
from hmgc_core.workflow.exports import Cut, ExportReport

MEGABYTE = 1_000_000

export = typer.Typer(help="Write labels, predictions or the class tree as a table (CSV).", no_args_is_help=True)

OutArgument = Annotated[Path, typer.Argument(help="The table to write.", metavar="OUT.csv")]
CutOption = Annotated[
    int | None, typer.Option("--cut", help="Write no class below this level (1 = coarsest) but the one above it.")
]
CutAtOption = Annotated[
    list[str] | None, typer.Option("--cut-at", help="Write no class below this one; may be given several times.")
]


@export.command()
def annotations(
    out: OutArgument,
    current: Annotated[
        bool, typer.Option("--current/--history", help="What each annotator says now, or all that was ever said.")
    ] = False,
    cut: CutOption = None,
    cut_at: CutAtOption = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write one row per statement: who, when, which class at which level, of which picture."""
    ws = open_existing(workspace)
    verb = exports.export_words if current else exports.export_annotations
    with progress("Writing labels") as report:
        done = verb(ws, out, cut=Cut(cut, tuple(cut_at or ())), on_progress=report)
    if done.left_out:
        said = number(done.left_out, "label says", "labels say")
        remarks.print(f"Left out: {said} what a picture is not, below the cut.")
    _tell(done, as_json=as_json)


@export.command()
def predictions(
    out: OutArgument,
    run: Annotated[int | None, typer.Option(help="Number of a finished run; without: the newest.")] = None,
    cut: CutOption = None,
    cut_at: CutAtOption = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write one row per picture: what a run says, level by level."""
    ws = open_existing(workspace)
    with progress("Writing predictions") as report:
        done = exports.export_predictions(ws, out, run_id=run, cut=Cut(cut, tuple(cut_at or ())), on_progress=report)
    _tell(done, as_json=as_json)


@export.command()
def tree(out: OutArgument, workspace: WorkspaceOption = None, as_json: JsonOption = False) -> None:
    """Write the class tree in use, to be changed and brought in again with import-taxonomy."""
    _tell(exports.export_tree(open_existing(workspace), out), as_json=as_json)


def _tell(done: ExportReport, *, as_json: bool) -> None:
    if as_json:
        print_json({"rows": done.rows, "file": done.file})
    else:
        screen.print(f"{number(done.rows, 'row')} in {done.file}", markup=False, highlight=False, soft_wrap=True)


def backup(
    out: Annotated[Path, typer.Argument(help="The file to write, such as birds-2026-11-21.zip.")],
    workspace: WorkspaceOption = None,
) -> None:
    """Write the whole workspace into one file, while it is in use."""
    ws = open_existing(workspace)
    with progress("Backing up") as report:
        done = backups.backup(ws, out, on_progress=_in_megabytes(report))
    screen.print(
        f"{_contents(done.counts)} in {done.file}, {done.size / MEGABYTE:.1f} MB.",
        markup=False, highlight=False, soft_wrap=True,
    )  # fmt: skip
    for remark in done.left_out:
        remarks.print(f"not in it: {remark}", markup=False, highlight=False, soft_wrap=True)


def _contents(counts: Mapping[str, int]) -> str:
    images, labels, runs = (number(counts.get(f"{one}s", 0), one) for one in ("image", "label", "run"))
    return f"{images}, {labels} and the models of {runs}"


def restore(
    source: Annotated[Path, typer.Argument(help="A file that `hmgc backup` wrote.", metavar="IN")],
    workspace: WorkspaceOption = None,
) -> None:
    """Make the workspace of a backup anew, in a folder that holds none."""
    folder = workspace or settings.workspace_folder()
    with progress("Restoring") as report:
        done = backups.restore(source, folder, on_progress=_in_megabytes(report))
    screen.print(
        f"{_contents(done.counts)} are back in {done.folder}, as they were on {done.made_at}.",
        markup=False, highlight=False, soft_wrap=True,
    )  # fmt: skip
    for path in done.missing:
        remarks.print(
            f"not here: the pictures in {path}; put them back, or point to their new place on the pictures page",
            markup=False, highlight=False, soft_wrap=True,
        )  # fmt: skip


def report(
    run: Annotated[int, typer.Argument(help="Number of a finished run.", metavar="RUN")],
    out: Annotated[Path, typer.Argument(help="OUT.html: a report; OUT.md: a model card.", metavar="OUT")],
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write what is known of a run into one file: a report to read and print, or a model card."""
    from hmgc_core.report import write  # noqa: PLC0415 - its templates are hardly ever needed

    ws = open_existing(workspace)
    with progress(f"Writing about run {run}") as watch:
        file = write(ws, run, out, on_progress=watch)
    if as_json:
        print_json({"run": run, "file": file})
    else:
        screen.print(str(file), markup=False, highlight=False, soft_wrap=True)


def _in_megabytes(report: Any) -> Any:
    """A report(done, total, words) that takes bytes."""

    def counted(done: int, total: int, words: str) -> None:
        report(done // MEGABYTE, total // MEGABYTE, f"{words[:1].upper()}{words[1:]}, MB")

    return counted
