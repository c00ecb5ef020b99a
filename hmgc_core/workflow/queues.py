"""Verbs of queues: what comes next for whom, who holds which picture, and what there is to choose from."""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import sqlalchemy as sa

from hmgc_core.errors import BadRequest, UnknownImage, WorkspaceError
from hmgc_core.records import ImageRecord, Prediction, QueueChoice, QueueRules, Word
from hmgc_core.store import annotations, images, predictions, queues, runs, selections, sharing, taxonomies
from hmgc_core.store.queues import Context, Place
from hmgc_core.store.schema import now
from hmgc_core.store.sharing import Asker
from hmgc_core.store.workspace import Workspace
from hmgc_core.workflow.taxonomies import current_taxonomy
from hmgc_core.workflow.tree_edits import NO_ANNOTATOR

MOST_PEOPLE = 20
SHORTEST_RESERVE_S, LONGEST_RESERVE_S = 60, 4 * 3600
MOST_HELD = 100
MOST_FOLDERS = 500
PATIENCE_S = 2.0  # a reservation waits this long for the database; a label waits much longer
NEEDS_RUN = ("unsure", "contradicted", "predicted")


@dataclass(frozen=True)
class QueueItem:
    """One image to label. after: hand it in to get what follows. suggestion: None before the first training.

    said: what people say about it now, in queues that are looked through again; blind where several shall label each.
    """

    image: ImageRecord
    after: str
    suggestion: Prediction | None
    said: tuple[Word, ...] = ()


@dataclass(frozen=True)
class QueuePage:
    """The next pictures of a queue for one person.

    pass_id: the pass through the queue they belong to; 0 where pictures leave it for good. ended: there are no more.
    skipped, held: at the end, pictures that wait because the person skipped them, or because others hold them. people:
    labels by different people that a picture needs.
    """

    items: list[QueueItem]
    pass_id: int
    ended: bool
    skipped: int
    held: int
    reserve_s: int
    people: int


@dataclass(frozen=True)
class FolderChoice:
    """A folder with pictures in or below it. of: what a QueueChoice calls it."""

    of: str
    path: str
    pictures: int


# --- what comes next --------------------------------------------------------------------------------------------------


def next_pictures(ws: Workspace, choice: QueueChoice, *, annotator: str, after: str = "", count: int = 12) -> QueuePage:
    """The next pictures of a queue after an earlier item, reserved for this person while they look at them.

    Where the database takes no write at the moment they come unreserved: a person can go on. Raises what `check` does.
    """
    place = _place(choice, after)
    check(ws, choice)
    try:
        with ws.writing(patience_s=PATIENCE_S) as connection:
            return _page(connection, choice, annotator, place, count, may_write=True)
    except WorkspaceError:
        with ws.reading() as connection:
            return _page(connection, choice, annotator, place, count, may_write=False)


def check(ws: Workspace, choice: QueueChoice) -> None:
    """Raise UnknownNode or BadRequest for a queue that this workspace does not have (any more)."""
    if choice.kind == "unlabelled":
        return
    if choice.kind in ("class", "predicted"):
        current_taxonomy(ws)[1].index(choice.of)
    if choice.kind == "folder":
        folder_path(ws, choice.of)
    with ws.reading() as connection:
        if choice.kind in NEEDS_RUN and runs.newest_done_id(connection) is None:
            raise BadRequest("no training has finished yet", remedy="choose other pictures, or train a model first")
        if choice.kind == "selection" and selections.name_of(connection, _number(choice.of)) is None:
            raise BadRequest(f"there is no selection {choice.of[:20]}", remedy="choose other pictures")


def _page(
    connection: sa.Connection,
    choice: QueueChoice,
    annotator: str,
    after: Place | None,
    count: int,
    *,
    may_write: bool,
) -> QueuePage:
    context = _context(connection)
    asker, reserve_s = _asker(connection, choice, annotator, may_write=may_write)
    places, ended = queues.next_places(connection, choice, context, asker, after=after, count=count)
    ids = [image_id for image_id, _ in places]
    if may_write:
        free = queues.can_claim(choice)
        sharing.claim(connection, ids, asker, free=free, reserve_s=reserve_s)
    records = images.get_many(connection, ids)
    suggested = {} if context.run_id is None else predictions.get_many(connection, context.run_id, ids)
    said = _said(connection, ids, asker, annotator) if choice.is_review else {}
    items = [
        QueueItem(records[i], f"{first}:{second}", suggested.get(i), tuple(said.get(i, ())))
        for i, (first, second) in places
    ]
    skipped, held = queues.left_behind(connection, choice, context, asker) if ended else (0, 0)
    return QueuePage(items, asker.since, ended, skipped, held, reserve_s, asker.people)


def _said(connection: sa.Connection, image_ids: Sequence[int], asker: Asker, annotator: str) -> dict[int, list[Word]]:
    """What people say about pictures, as far as this person may see it: where several label each, only their own."""
    found: dict[int, list[Word]] = {}
    for word in annotations.words(connection, image_ids):
        if asker.people == 1 or word.annotator == annotator:
            found.setdefault(word.image_id, []).append(word)
    return found


def _context(connection: sa.Connection) -> Context:
    return Context(taxonomies.newest_id(connection) or 0, runs.newest_done_id(connection), NO_ANNOTATOR)


def _asker(connection: sa.Connection, choice: QueueChoice, annotator: str, *, may_write: bool) -> tuple[Asker, int]:
    """Who asks, in their pass through this queue, which begins here if need be; and how long pictures are reserved."""
    rules = sharing.rules(connection)
    by = annotations.annotator_id(connection, annotator) if may_write else annotations.find_id(connection, annotator)
    since = 0
    if choice.is_review:
        begun = sharing.since(connection, by, str(choice))
        if begun is None:
            begun = sharing.begin(connection, by, str(choice)) if may_write else annotations.last_id(connection)
        since = begun
    return Asker(by, rules.people, since, now()), rules.reserve_s


def _place(choice: QueueChoice, after: str) -> Place | None:
    if not after:
        return None
    first, _, second = after.rpartition(":")
    if second.isascii() and second.isdecimal() and len(second) <= 15 and first:
        if choice.kind == "folder":
            return first, int(second)
        if len(first) <= 25 and _is_finite(first):
            return float(first), int(second)
    raise BadRequest("`after` is not a place in the queue", remedy="send the `after` of an earlier item, or none")


def _is_finite(text: str) -> bool:
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= 15 else -1


def reopened(ws: Workspace, image_id: int, *, annotator: str) -> tuple[QueueItem, Word | None]:
    """One picture out of its turn, and what this person says about it now. Raises UnknownImage."""
    with ws.reading() as connection:
        record = images.get(connection, image_id)
        if record is None:
            raise UnknownImage(f"there is no image {image_id}", remedy="go back to your labels")
        run_id = runs.newest_done_id(connection)
        suggested = {} if run_id is None else predictions.get_many(connection, run_id, [image_id])
        mine = [word for word in annotations.words(connection, [image_id]) if word.annotator == annotator]
    return QueueItem(record, "", suggested.get(image_id)), mine[0] if mine else None


# --- in whose hands ---------------------------------------------------------------------------------------------------


def hold(ws: Workspace, choice: QueueChoice, image_ids: Sequence[int], *, annotator: str) -> list[int]:
    """Reserve these pictures of a queue for some more minutes; returns those that are this person's to label."""
    if len(image_ids) > MOST_HELD:
        raise BadRequest(f"{len(image_ids)} pictures at once", remedy=f"hold at most {MOST_HELD}")
    with ws.writing(patience_s=PATIENCE_S) as connection:
        asker, reserve_s = _asker(connection, choice, annotator, may_write=True)
        free = queues.can_claim(choice)
        held = sharing.claim(connection, image_ids, asker, free=free, reserve_s=reserve_s)
    return [image_id for image_id in image_ids if image_id in held]


def skip(ws: Workspace, image_id: int, *, annotator: str) -> None:
    """Leave a picture to the others, and see it again at the end only. Raises UnknownImage."""
    with ws.writing(patience_s=PATIENCE_S) as connection:
        if not images.get_many(connection, [image_id]):
            raise UnknownImage(f"there is no image {image_id}", remedy="reload the page")
        sharing.skip(connection, annotations.annotator_id(connection, annotator), image_id)


def again(ws: Workspace, choice: QueueChoice, *, annotator: str) -> None:
    """Once more at the end of a queue: what the person skipped or, where that is nothing, all of it from the start."""
    with ws.writing() as connection:
        by = annotations.annotator_id(connection, annotator)
        if not sharing.bring_back(connection, by) and choice.is_review:
            sharing.begin(connection, by, str(choice))


def start_over(ws: Workspace, choice: QueueChoice, *, annotator: str) -> None:
    """Begin a new pass through a queue: everything that stands in it now counts as not seen."""
    with ws.writing() as connection:
        by = annotations.annotator_id(connection, annotator)
        sharing.bring_back(connection, by)
        if choice.is_review:
            sharing.begin(connection, by, str(choice))


# --- what there is to choose from -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class QueueSize:
    """How many pictures a queue has left for a person, and how many it had when they began."""

    left: int
    total: int


def size(ws: Workspace, choice: QueueChoice, *, annotator: str) -> QueueSize:
    """How much of a queue is left for a person; changes nothing. Raises what `check` does."""
    check(ws, choice)
    with ws.reading() as connection:
        context = _context(connection)
        asker, _ = _asker(connection, choice, annotator, may_write=False)
        left = queues.size(connection, choice, context, asker)
        if not choice.is_review or sharing.since(connection, asker.annotator_id, str(choice)) is None:
            return QueueSize(left, left)
        fresh = replace(asker, since=annotations.last_id(connection))
        return QueueSize(left, queues.size(connection, choice, context, fresh))


def folders(ws: Workspace) -> list[FolderChoice]:
    """Every folder with pictures in or below it, by path; of very many the fullest."""
    with ws.reading() as connection:
        bases = images.folders(connection)
        paths = images.all_paths(connection)
    counts: Counter[tuple[int, str]] = Counter()
    for number, path in paths:
        inner = path
        counts[number, ""] += 1
        while "/" in inner:
            inner = inner.rpartition("/")[0]
            counts[number, inner] += 1
    fullest = sorted(counts, key=lambda place: -counts[place])[:MOST_FOLDERS]
    return [
        FolderChoice(f"{number}/{inner}".rstrip("/"), str(bases[number] / inner), counts[number, inner])
        for number, inner in sorted(fullest)
    ]


def folder_path(ws: Workspace, of: str) -> Path:
    """Where the folder lies that a QueueChoice calls so. Raises BadRequest."""
    number, _, inner = of.partition("/")
    with ws.reading() as connection:
        base = images.folders(connection).get(_number(number))
    if base is None:
        raise BadRequest(f"there is no folder {of[:60]}", remedy="choose other pictures")
    return base / inner


def rules(ws: Workspace) -> QueueRules:
    """How the people of this workspace share the work."""
    with ws.reading() as connection:
        return sharing.rules(connection)


def set_rules(ws: Workspace, value: QueueRules) -> None:
    """Change how the work is shared, for everyone and from the next pictures on. Raises BadRequest."""
    if not 1 <= value.people <= MOST_PEOPLE:
        raise BadRequest(f"{value.people} people for each picture", remedy=f"choose from 1 to {MOST_PEOPLE}")
    if not SHORTEST_RESERVE_S <= value.reserve_s <= LONGEST_RESERVE_S:
        raise BadRequest(
            f"pictures reserved for {value.reserve_s} seconds",
            remedy=f"choose from {SHORTEST_RESERVE_S // 60} to {LONGEST_RESERVE_S // 60} minutes",
        )
    with ws.writing() as connection:
        sharing.set_rules(connection, value)
