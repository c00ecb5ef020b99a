"""The command line's verbs that change the class tree, `hmgc edit …`: a look at what would happen, or the change."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from hmgc_core.metrics.words import number
from hmgc_core.terminal import JsonOption, WorkspaceOption, open_existing, print_json, screen
from hmgc_core.tree_edits import Add, Edit, Merge, Move, Rename, Retire, Split
from hmgc_core.workflow import taxonomies, tree_edits
from hmgc_core.workflow.tree_edits import TreeEdit
from hmgc_core.workflow.workspaces import Workspace

MOST_NAMESAKES = 5

edit = typer.Typer(help="Change the class tree, and take the last change back.", no_args_is_help=True)

KeyArgument = Annotated[str, typer.Argument(help="Key of the class.", metavar="KEY")]
SynonymOption = Annotated[list[str] | None, typer.Option("--synonym", help="Another name; may be given again.")]
NoteOption = Annotated[str | None, typer.Option(help="A remark for annotators.")]
ByOption = Annotated[str, typer.Option("--by", help="Who makes the change.")]
DryRunOption = Annotated[bool, typer.Option("--dry-run", help="Only say what would happen.")]


@edit.command()
def add(
    parent: Annotated[str, typer.Argument(help="Key of the class to add it below.", metavar="PARENT")],
    name: Annotated[str, typer.Argument(help="What people read.")],
    key: Annotated[str, typer.Option(help="Key of the new class; blank: made from the name.")] = "",
    synonym: SynonymOption = None,
    note: NoteOption = None,
    by: ByOption = "",
    dry_run: DryRunOption = False,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Add a class below another."""
    change = Add(parent, name, key, tuple(synonym or ()), note or "")
    _edit(change, by=by, dry_run=dry_run, workspace=workspace, as_json=as_json)


@edit.command()
def rename(
    key: KeyArgument,
    name: Annotated[str, typer.Argument(help="What people shall read.")],
    synonym: SynonymOption = None,
    note: NoteOption = None,
    by: ByOption = "",
    dry_run: DryRunOption = False,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Give a class another name, other names or a note; its key stays."""
    change = Rename(key, name, tuple(synonym) if synonym else None, note)
    _edit(change, by=by, dry_run=dry_run, workspace=workspace, as_json=as_json)


@edit.command()
def move(
    key: KeyArgument,
    under: Annotated[str, typer.Argument(help="Key of the new parent.", metavar="UNDER")],
    by: ByOption = "",
    dry_run: DryRunOption = False,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Put a class, with all below it, under another parent."""
    _edit(Move(key, under), by=by, dry_run=dry_run, workspace=workspace, as_json=as_json)


@edit.command()
def merge(
    key: KeyArgument,
    into: Annotated[str, typer.Argument(help="Key of the class that stays.", metavar="INTO")],
    by: ByOption = "",
    dry_run: DryRunOption = False,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Merge a class into another: its labels, names and the classes below it go there."""
    _edit(Merge(key, into), by=by, dry_run=dry_run, workspace=workspace, as_json=as_json)


@edit.command()
def retire(
    key: KeyArgument,
    to: Annotated[str, typer.Option(help="Key of the class its labels go to; blank: the one above it.")] = "",
    by: ByOption = "",
    dry_run: DryRunOption = False,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Retire a class: nobody can choose it any more, the classes below it go up."""
    _edit(Retire(key, to), by=by, dry_run=dry_run, workspace=workspace, as_json=as_json)


@edit.command()
def split(
    key: KeyArgument,
    names: Annotated[list[str], typer.Argument(help="Names of the new classes, two or more.", metavar="NAME...")],
    by: ByOption = "",
    dry_run: DryRunOption = False,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Split a class into new ones below it; its pictures wait for a second look."""
    _edit(Split(key, tuple(names)), by=by, dry_run=dry_run, workspace=workspace, as_json=as_json)


@edit.command()
def undo(
    by: ByOption = "",
    dry_run: DryRunOption = False,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Take the last change of the tree back; labels read again as they did."""
    _do(
        workspace,
        preview=tree_edits.preview_undo,
        make=lambda ws, seen: tree_edits.undo_edit(ws, seen=seen, by=by),
        dry_run=dry_run,
        as_json=as_json,
    )


def _edit(change: Edit, *, by: str, dry_run: bool, workspace: Path | None, as_json: bool) -> None:
    _do(
        workspace,
        preview=lambda ws: tree_edits.preview_edit(ws, change),
        make=lambda ws, seen: tree_edits.make_edit(ws, change, seen=seen, by=by),
        dry_run=dry_run,
        as_json=as_json,
    )


def _do(
    workspace: Path | None,
    *,
    preview: Callable[[Workspace], TreeEdit],
    make: Callable[[Workspace, int], TreeEdit],
    dry_run: bool,
    as_json: bool,
) -> None:
    ws = open_existing(workspace)
    done = preview(ws) if dry_run else make(ws, taxonomies.current_taxonomy(ws)[0])
    if as_json:
        print_json(done)
        return
    for line in _lines(done):
        screen.print(line, markup=False, highlight=False, soft_wrap=True)


def _lines(done: TreeEdit) -> list[str]:
    state = f"Version {done.version} of the class tree" if done.version else "This would be a new version"
    lines = [f"{state}: {done.nodes} classes."]
    lines += [f"New class: {key}" for key in done.added]
    lines += [f"Another class has this name: {key}" for key in done.namesakes[:MOST_NAMESAKES]]
    lines += [f"{number(labels, 'label goes', 'labels go')} from {old} to {new}." for old, new, labels in done.led]
    said = {
        f"It concerns {number(done.labels, 'label')} of {number(done.people, 'person', 'people')}.": done.labels,
        f'{number(done.silenced, "label")} "it is not": without a meaning from here on.': done.silenced,
        f'{number(done.loosened, "label")} "none of the classes below": only "is" from here on.': done.loosened,
        f"{number(done.second_looks, 'label waits', 'labels wait')} for a second look.": done.second_looks,
    }
    return lines + [line for line, count in said.items() if count]
