"""Imports that were made: which, when, by whom; and the way back from the last one."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TypeVar

import sqlalchemy as sa

from hmgc_core.errors import BadRequest
from hmgc_core.records import ImportRecord, OnProgress, quiet
from hmgc_core.store import images, imports, places
from hmgc_core.store.workspace import Workspace
from hmgc_core.workflow.turns import Turns

CHUNK = 200  # labels, pictures or copies that go in one transaction
SILENT_S = 120  # an import that has not moved for so long was cut off

Item = TypeVar("Item")


def history(ws: Workspace, *, count: int = 50) -> list[ImportRecord]:
    """The last imports, the newest first."""
    with ws.reading() as connection:
        return imports.history(connection, count)


def left_out(ws: Workspace, number: int) -> list[tuple[str, str]]:
    """(path, reason) of the first things that an import left out; its record says how many there were."""
    with ws.reading() as connection:
        return imports.left_out(connection, number)


def is_cut_off(record: ImportRecord) -> bool:
    """It has neither ended nor moved for a while: its program was killed."""
    silent = datetime.now(UTC) - record.touched_at > timedelta(seconds=SILENT_S)
    return record.finished_at is None and record.undone_at is None and silent


def is_running(record: ImportRecord) -> bool:
    """It is under way."""
    return record.finished_at is None and record.undone_at is None and not is_cut_off(record)


@dataclass(frozen=True)
class UndoReport:
    """What taking an import back did, or would do.

    kept: pictures that stay, because `people` said something about them since, or another import found them too.
    """

    number: int
    source: str
    images: int
    annotations: int
    kept: int
    people: tuple[str, ...]


def undo_import(ws: Workspace, *, dry_run: bool = False, on_progress: OnProgress = quiet) -> UndoReport:
    """Take back the newest import that stands: its labels, and its pictures unless somebody spoke about them since.

    What people said stays in any case; a label that comes later brings its picture back. Raises BadRequest where there
    is no import, or a training is under way.
    """
    with ws.reading() as connection:
        newest = imports.newest(connection)
        training = imports.running_training(connection)
        if newest is None:
            raise BadRequest("there is no import to take back", remedy="only imports made with this version are listed")
        if training is not None and not dry_run:
            raise BadRequest(
                f"run {training} is learning from the pictures of now",
                remedy="stop it, or wait for its end, then try again",
            )
        if dry_run:
            return _undo_report(connection, newest)
    return take_back(ws, newest.id, on_progress=on_progress)


def _undo_report(connection: sa.Connection, record: ImportRecord) -> UndoReport:
    spoken = imports.spoken_about(connection, record.id)
    there = set(imports.image_ids(connection, record.id))
    staying = there & (spoken.keys() | imports.lying_elsewhere(connection, record.id))
    people = sorted({name for image_id in staying for name in spoken.get(image_id, ())})
    labels = imports.label_count(connection, record.id)
    return UndoReport(record.id, record.source, len(there) - len(staying), labels, len(staying), tuple(people))


def take_back(ws: Workspace, number: int, *, on_progress: OnProgress = quiet) -> UndoReport:
    """Take this import back; see `undo_import`. Raises BadRequest where that was done already."""
    with ws.reading() as connection:
        done = _undo_report(connection, _standing(connection, number))
    # Some at a time, so that people who label meanwhile need not wait. Cut off here, the next try goes on.
    turns = Turns(ws)
    total = done.annotations + done.images
    _most_labels_back(ws, turns, number, on_step=lambda count: on_progress(count, total))
    gone = _most_pictures_out(ws, turns, number, on_step=lambda count: on_progress(done.annotations + count, total))
    with turns.writing() as connection:
        _standing(connection, number)
        copies = images.find_folder(connection, ws.copies)
        copied = imports.places_in(connection, number, copies) if copies is not None else []
        imports.take_labels_back(connection, number)
        staying = imports.spoken_about(connection, number).keys() | imports.lying_elsewhere(connection, number)
        ids = imports.image_ids(connection, number)
        going = [image_id for image_id in ids if image_id not in staying]
        places.give_back(connection, going, staying=staying, import_id=number)
        done = replace(done, images=gone + len(going), kept=len(ids) - len(going))
        imports.mark_undone(connection, number, kept=done.kept)
    remove_unused(ws, copied)
    return done


def _standing(connection: sa.Connection, number: int) -> ImportRecord:
    record = imports.get(connection, number)
    if record is None or record.undone_at is not None:
        raise BadRequest(f"import {number} was taken back already", remedy="reload the page")
    return record


def _most_labels_back(ws: Workspace, turns: Turns, number: int, *, on_step: Callable[[int], None]) -> None:
    with ws.reading() as connection:
        labels = imports.standing_labels(connection, number)
    for place, some in enumerate(_chunks(labels)):
        with turns.writing() as connection:
            imports.take_labels_back(connection, number, some=some)
        on_step(place * CHUNK + len(some))


def _most_pictures_out(ws: Workspace, turns: Turns, number: int, *, on_step: Callable[[int], None]) -> int:
    """Take out those pictures of an import that nothing else depends on; returns how many."""
    with ws.reading() as connection:
        staying = imports.spoken_about(connection, number).keys() | imports.lying_elsewhere(connection, number)
        staying |= imports.replacing(connection, number)
        going = [image_id for image_id in imports.image_ids(connection, number) if image_id not in staying]
    gone = 0
    for some in _chunks(going):
        with turns.writing() as connection:
            _standing(connection, number)
            # What could have changed since: somebody said something, another import found the same.
            spoken = imports.spoken_about(connection, number, among=some)
            staying = spoken.keys() | imports.lying_elsewhere(connection, number, among=some)
            out = [image_id for image_id in some if image_id not in staying]
            places.take_out(connection, out, import_id=number)
            gone += len(out)
        on_step(gone)
    return gone


def _chunks(items: Sequence[Item]) -> Iterator[Sequence[Item]]:
    for start in range(0, len(items), CHUNK):
        yield items[start : start + CHUNK]


def remove_unused(ws: Workspace, copied: Sequence[str]) -> None:
    """Remove those of these copies (places among the workspace's own pictures) that no picture refers to."""
    turns = Turns(ws)
    for some in _chunks(copied):
        # Whoever writes may be about to refer to one of them, so nobody writes between the look and the removal.
        with turns.writing() as connection:
            folder = images.find_folder(connection, ws.copies)
            unused = list(some) if folder is None else imports.without_images(connection, folder, some)
            for path in unused:
                (ws.copies / path).unlink(missing_ok=True)
