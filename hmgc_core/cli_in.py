"""The verbs of `hmgc` that bring pictures in, and take an import back."""

import getpass
from pathlib import Path
from typing import Annotated, Any

import typer

from hmgc_core.exchange.data_sets import FORMATS, Preparation, refuse_unknown
from hmgc_core.exchange.data_sets.reading import HELD_OUT
from hmgc_core.exchange.table import Columns
from hmgc_core.metrics.words import number
from hmgc_core.terminal import (
    JsonOption,
    WorkspaceOption,
    open_existing,
    open_or_try,
    print_json,
    progress,
    remarks,
    screen,
)
from hmgc_core.workflow import import_history, import_plan, imports
from hmgc_core.workflow.import_steps import ImportReport

MOST_PRINTED = 20


def import_images(
    source: Annotated[Path, typer.Argument(help="A folder of pictures, a zip, or a CSV with a path in each row.")],
    path_column: Annotated[str, typer.Option(help="Column with the picture's path.")] = "path",
    label_column: Annotated[str, typer.Option(help="Column with a class key, at any level.")] = "label",
    split_column: Annotated[str, typer.Option(help="Column with train, val or test.")] = "split",
    annotator: Annotated[str, typer.Option(help="Whose labels these are, where the table does not say.")] = "import",
    copy: Annotated[bool, typer.Option("--copy", help="Copy the pictures into the workspace.")] = False,
    format: Annotated[str, typer.Option(help=f"The folder is a data set: {', '.join(FORMATS)}.")] = "",
    tree: Annotated[Path | None, typer.Option(help="Of a data set: a class tree instead of its own.")] = None,
    lists: Annotated[Path | None, typer.Option(help="Of a data set: folder of list files that lie elsewhere.")] = None,
    hold_out: Annotated[
        float, typer.Option(help="Of a data set without validation pictures: share of its training pictures for that.")
    ] = HELD_OUT,
    contract: Annotated[
        str, typer.Option(help="imagenet21k: take classes without pictures out: none, chains (single child) or empty.")
    ] = "none",
    seen: Annotated[Path | None, typer.Option(help="imagenet21k: list of classes to learn from.")] = None,
    shots: Annotated[int, typer.Option(help="imagenet21k: pictures of each other class to learn from.", min=0)] = 0,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would happen.")] = False,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Bring pictures and their labels in."""
    columns = Columns(path=path_column, label=label_column, split=split_column)
    if format:
        refuse_unknown(source, format)  # before a workspace is made for it
    with open_or_try(workspace, dry_run=dry_run) as ws, progress("Reading pictures") as report:
        plan = import_plan.plan_import(
            ws, source, columns=columns, annotator=annotator, copy=copy, format=format,
            preparation=Preparation(tree, lists, hold_out, contract, seen, shots), on_progress=report,
        )  # fmt: skip
        if dry_run:
            plan.drop()
            done = plan.preview
        else:
            done = imports.carry_out(ws, plan, started_by=_user(), on_progress=report)
    for remark in plan.source.remarks:
        remarks.print(remark, markup=False, soft_wrap=True)
    for warning in plan.source.warnings:
        remarks.print(f"Attention: {warning}.", markup=False, soft_wrap=True)
    if as_json:
        print_json(_values(done, dry_run=dry_run) | ({"remarks": plan.source.remarks} if format else {}))
    else:
        _print(done, would="would come: " if dry_run else "")


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user may have no name
        return ""


def _values(done: ImportReport, *, dry_run: bool) -> dict[str, Any]:
    values: dict[str, Any] = {name: getattr(done, name) for name in ("images", "duplicates", "annotations")}
    if done.stayed:
        values["stayed"] = [stayed._asdict() for stayed in done.stayed]
    values["skipped"] = [{"path": skip.path, "reason": skip.reason} for skip in done.skipped]
    if dry_run:
        values |= {"known": done.known, "splits": done.by_split, "unknown_classes": done.unknown}
    return values


def _print(done: ImportReport, *, would: str) -> None:
    screen.print(
        f"{would}{number(done.images, 'new image')}, {number(done.duplicates, 'duplicate')}, "
        f"{number(done.annotations, 'label')}."
    )
    if done.stayed:
        screen.print(f"{done.stayed_in_words}.", markup=False, highlight=False, soft_wrap=True)
    for skip in done.skipped[:MOST_PRINTED]:
        screen.print(f"left out: {skip.path}: {skip.reason}", markup=False, highlight=False, soft_wrap=True)
    if len(done.skipped) > MOST_PRINTED:
        screen.print(f"… and {len(done.skipped) - MOST_PRINTED} more; --json lists them all")


def undo_import(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would happen.")] = False,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Take back the last import of pictures; those that people have labelled since stay."""
    with progress("Taking back") as report:
        done = import_history.undo_import(open_existing(workspace), dry_run=dry_run, on_progress=report)
    if as_json:
        print_json(done)
        return
    say = f"{'would go' if dry_run else 'taken back'}: import {done.number} ({done.source})"
    came = f"{number(done.images, 'image')}, {number(done.annotations, 'label')}"
    screen.print(f"{say}, {came}.", markup=False, soft_wrap=True)
    if done.kept:
        why = f"labelled since by {', '.join(done.people)}" if done.people else "another import found them too"
        screen.print(f"{number(done.kept, 'image stays', 'images stay')}: {why}.", markup=False, soft_wrap=True)
