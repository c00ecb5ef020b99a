"""Verbs that change the class tree: what a change would do, the change itself, and the way back.

Each makes a new version of the tree; what people said stays on every label and is read in the new version.
"""

import itertools
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from hmgc_core.demo.labels import ANSWER_KEY
from hmgc_core.errors import BadEdit
from hmgc_core.leading import Step, loosened
from hmgc_core.store import carrying, predictions, runs, second_looks, taxonomies
from hmgc_core.store.carrying import Change
from hmgc_core.store.taxonomies import VersionRecord
from hmgc_core.store.workspace import Workspace
from hmgc_core.taxonomy import Taxonomy, folded
from hmgc_core.tree_edits import Add, Edit, Edited, Rename, Retire, Split, apply_edit, edit_values, way_back
from hmgc_core.workflow.pictures import IMPORTER
from hmgc_core.workflow.taxonomies import check_unchanged, current_taxonomy, keep_read, taxonomy_version

SOURCE = "edit"
NO_ANNOTATOR = (IMPORTER, ANSWER_KEY)  # whose labels came from a file: nobody who could look again


@dataclass(frozen=True)
class TreeEdit:
    """What a change of the tree did, or would do.

    version: the new version, 0 while it has not happened. seen: the version it was made for. edit: what was changed,
    as values with a `verb` and the `names` of the classes in it; for an undo what is taken back. labels, people: the
    labels it concerns, and of how many annotators. led: (from, to, labels) where their class changes. silenced: labels
    "it is not …" that say nothing any more. loosened: labels "none of the classes below" that only say "is" from here
    on. second_looks: labels whose pictures deserve a second look. runs: finished trainings that know the tree as it
    was, newest first. predicted: pictures that the newest of these places in the classes concerned.
    namesakes: keys of other classes that have a name that it gives.
    """

    version: int
    seen: int
    edit: dict[str, Any]
    is_undo: bool
    labels: int
    people: int
    led: tuple[tuple[str, str, int], ...]
    silenced: int
    loosened: int
    second_looks: int
    runs: tuple[int, ...]
    predicted: int
    nodes: int
    added: tuple[str, ...] = ()
    namesakes: tuple[str, ...] = ()


@dataclass(frozen=True)
class LastChange:
    """The change that an undo would take back. edit: {} for a tree from a file, named by `source`."""

    version: int
    edit: dict[str, Any]
    source: str
    author: str
    created_at: datetime


def preview_edit(ws: Workspace, edit: Edit) -> TreeEdit:
    """What an edit would do to the tree in use. Raises BadEdit, UnknownNode."""
    plan = _planned_edit(ws, edit)
    with ws.reading() as connection:
        return _outcome(connection, plan)


def make_edit(ws: Workspace, edit: Edit, *, seen: int, by: str = "") -> TreeEdit:
    """Make an edit as a new version of the tree.

    seen: the version whose preview was looked at. Raises TreeChanged where another one is in use by now; BadEdit,
    UnknownNode.
    """
    _check_seen(ws, seen)
    return _make(ws, _planned_edit(ws, edit), seen, by)


def preview_undo(ws: Workspace) -> TreeEdit:
    """What taking back the last change of the tree would do. Raises BadEdit where there is none."""
    plan = _planned_undo(ws)
    with ws.reading() as connection:
        return _outcome(connection, plan)


def undo_edit(ws: Workspace, *, seen: int, by: str = "") -> TreeEdit:
    """Take the last change of the tree back: a new version with the former content.

    Labels made before the change read as they did then; those made since go to the nearest class that is still there.
    Once more takes back the change before. Raises BadEdit where there is none left, TreeChanged.
    """
    _check_seen(ws, seen)
    return _make(ws, _planned_undo(ws), seen, by)


def last_change(ws: Workspace) -> LastChange | None:
    """The change that an undo would take back, None where there is none."""
    with ws.reading() as connection:
        versions = taxonomies.versions(connection)
    target = _undo_target(versions)
    if target is None:
        return None
    return LastChange(target.id, target.edit, target.source, target.author, target.created_at)


def second_look_ids(ws: Workspace, *, annotator: str | None = None, node: str | None = None) -> list[int]:
    """Ids of the images that deserve a second look since a class changed, in queue order.

    annotator: only those for this person: labelled by them, or brought in with labels from a file. node: only those
    labelled exactly there. An image leaves when the person says something new about it.
    """
    with ws.reading() as connection:
        return second_looks.image_ids(connection, shared=NO_ANNOTATOR, by=annotator, node_key=node)


def versions_of_this_shape(ws: Workspace) -> set[int]:
    """Versions with the same classes in the same places as the one in use: renamed ones, and those come back to."""
    with ws.reading() as connection:
        return _same_shape(taxonomies.versions(connection))


# --- plans ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Plan:
    """A change before it happens. steps_to: from any version of a statement to the new one."""

    seen: int
    new: Taxonomy
    step: Step
    touched: set[str]
    values: dict[str, Any]
    steps_to: Callable[[sa.Connection, int], list[Step]]
    undoes: int | None = None
    added: tuple[str, ...] = ()
    namesakes: tuple[str, ...] = ()


def _check_seen(ws: Workspace, seen: int) -> None:
    with ws.reading() as connection:
        check_unchanged(connection, seen)


def _planned_edit(ws: Workspace, edit: Edit) -> _Plan:
    version, old = current_taxonomy(ws)
    with ws.reading() as connection:
        edited = apply_edit(old, edit, was_used=lambda key: taxonomies.was_used(connection, key))
    loosens = loosened(old, edited.taxonomy, edited.moves) | edited.look_again
    step = Step(version + 1, edited.moves, loosens)

    def steps_to(connection: sa.Connection, said_in: int) -> list[Step]:
        return [*taxonomies.moves_after(connection, said_in, version), step]

    touched = {*edited.touched, *(key for key, _ in loosens)}
    return _Plan(
        version, edited.taxonomy, step, touched, _values(old, edit, edited), steps_to, added=edited.added,
        namesakes=_namesakes(old, edit),
    )  # fmt: skip


def _namesakes(old: Taxonomy, edit: Edit) -> tuple[str, ...]:
    """Keys of classes that have a name already which the edit gives to another one."""
    given = edit.children if isinstance(edit, Split) else (edit.name,) if isinstance(edit, (Add, Rename)) else ()
    own = edit.key if isinstance(edit, Rename) else ""
    names = {folded(name) for name in given if name}
    if own and folded(old.name(old.index(own))) in names:
        return ()
    return tuple(key for node, key in enumerate(old.keys) if names and folded(old.name(node)) in names)


def _values(old: Taxonomy, edit: Edit, edited: Edited) -> dict[str, Any]:
    """An edit as it is kept: with the class that takes the labels, and what people read for its classes until then."""
    values = edit_values(edit)
    if isinstance(edit, Retire):
        values["to"] = edited.moves[edit.key]
    keys = [value for value in values.values() if isinstance(value, str) and value in old]
    return {**values, "names": {key: old.name(old.index(key)) for key in keys}}


def _planned_undo(ws: Workspace) -> _Plan:
    version, present = current_taxonomy(ws)
    with ws.reading() as connection:
        versions = taxonomies.versions(connection)
        target = _undo_target(versions)
        if target is None:
            raise BadEdit("there is no change of the class tree to take back", remedy="the tree is as it first came in")
        undone = taxonomies.step_of(connection, target.id)
    before = max(record.id for record in versions if record.id < target.id)
    former = taxonomy_version(ws, before)
    moves = way_back(former, present)
    step = Step(version + 1, moves, loosened(present, former, moves))

    def steps_to(connection: sa.Connection, said_in: int) -> list[Step]:
        if said_in < target.id:
            return taxonomies.moves_after(connection, said_in, before)
        return [*taxonomies.moves_after(connection, said_in, version), step]

    touched = carrying.keys_of(step) | carrying.keys_of(undone)
    return _Plan(version, former, step, touched, target.edit or {"source": target.source}, steps_to, undoes=target.id)


def _undo_target(versions: list[VersionRecord]) -> VersionRecord | None:
    standing = taxonomies.standing({record.id: record.undoes for record in versions})
    # The first version has nothing before it.
    return next((record for record in reversed(versions[1:]) if record.id == standing[-1]), None)


def _same_shape(versions: list[VersionRecord]) -> set[int]:
    by_id = {record.id: record for record in versions}
    before = {later.id: earlier.id for earlier, later in itertools.pairwise(versions)}
    found: set[int] = set()
    current: int | None = versions[-1].id if versions else None
    while current is not None:
        found.add(current)
        record = by_id[current]
        renamed = record.edit.get("verb") == "rename"
        current = before.get(record.undoes or current) if record.undoes or renamed else None
    return found


# --- what it does -----------------------------------------------------------------------------------------------------


def _make(ws: Workspace, plan: _Plan, seen: int, by: str) -> TreeEdit:
    with ws.writing() as connection:
        check_unchanged(connection, seen)  # and with it the version that was planned from
        outcome = _outcome(connection, plan)
        version = taxonomies.add(
            connection,
            plan.new,
            source=SOURCE,
            moves=plan.step.moves,
            loosens=plan.step.loosened,
            author=by,
            edit=plan.values,
            undoes=plan.undoes,
        )
        carrying.carry(connection, version)
    keep_read(ws, version, plan.new)
    return replace(outcome, version=version)


def _outcome(connection: sa.Connection, plan: _Plan) -> TreeEdit:
    found = carrying.changes(connection, plan.touched, lambda said_in: plan.steps_to(connection, said_in))
    concerned = [change for change in found if _is_concerned(plan, change)]
    led: dict[tuple[str, str], int] = {}
    for change in found:
        if change.after and change.after.key != change.before.key:
            pair = change.before.key, change.after.key
            led[pair] = led.get(pair, 0) + change.labels
    run_ids = _runs_of_this_shape(connection) if plan.values.get("verb") != "rename" else ()
    return TreeEdit(
        version=0,
        seen=plan.seen,
        edit=plan.values,
        is_undo=plan.undoes is not None,
        labels=sum(change.labels for change in concerned),
        people=len({change.annotator for change in concerned}),
        led=tuple((*pair, count) for pair, count in led.items()),
        silenced=sum(change.labels for change in found if change.after is None),
        loosened=sum(c.labels for c in found if c.after and (c.before.kind, c.after.kind) == ("none_here", "is")),
        second_looks=sum(c.labels for c in found if c.after and _asks_anew(c)),
        runs=run_ids,
        predicted=predictions.count_at(connection, run_ids[0], plan.touched) if run_ids else 0,
        nodes=len(plan.new),
        added=plan.added,
        namesakes=plan.namesakes,
    )


def _is_concerned(plan: _Plan, change: Change) -> bool:
    """The labels that read otherwise; where classes only get another name or place, all labels of these."""
    return change.after != change.before or (not plan.undoes and plan.values["verb"] in ("rename", "move"))


def _asks_anew(change: Change) -> bool:
    return bool(change.after and change.after.second_look and change.after.second_look != change.before.second_look)


def _runs_of_this_shape(connection: sa.Connection) -> tuple[int, ...]:
    shape = _same_shape(taxonomies.versions(connection))
    return tuple(run.id for run in runs.all_runs(connection) if run.status == "done" and run.taxonomy in shape)
