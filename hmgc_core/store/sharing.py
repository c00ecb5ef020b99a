"""How people share the work: the rules, who holds which picture for how long, and passes through a queue.

A reservation keeps a picture from the other people's queues for some minutes. It never keeps a label out.
"""

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from hmgc_core.records import QueueRules
from hmgc_core.store.annotations import last_id
from hmgc_core.store.schema import Moment, image, image_path, queue_pass, queue_rules, reservation, word

# Statements over queues are built once and asked with these, see `Asker.parameters`.
ME = sa.bindparam("me", type_=sa.Integer)
PEOPLE = sa.bindparam("people", type_=sa.Integer)
SINCE = sa.bindparam("since", type_=sa.Integer)
AT = sa.bindparam("at", type_=Moment)


@dataclass(frozen=True)
class Asker:
    """Who asks for pictures, and when. since: labels made after this annotation count as made in their pass."""

    annotator_id: int
    people: int
    since: int
    at: datetime

    @property
    def parameters(self) -> dict[str, object]:
        """What the conditions below are asked with."""
        return {"me": self.annotator_id, "people": self.people, "since": self.since, "at": self.at}

    @property
    def shares(self) -> bool:
        """Several people label each picture."""
        return self.people > 1


def rules(connection: sa.Connection) -> QueueRules:
    """The rules of this workspace."""
    row = connection.execute(sa.select(queue_rules)).first()
    return QueueRules(row.people, row.reserve_s) if row else QueueRules()


def set_rules(connection: sa.Connection, value: QueueRules) -> None:
    """Change the rules for everyone."""
    connection.execute(queue_rules.delete())
    connection.execute(queue_rules.insert().values(id=1, people=value.people, reserve_s=value.reserve_s))


# --- what is free for somebody ----------------------------------------------------------------------------------------


def wants_label(*, shares: bool) -> sa.ColumnElement[bool]:
    """The row of `image` still needs a label, and the asker has not said anything about it."""
    if not shares:
        return image.c.words == 0  # below zero: it lies nowhere
    return (image.c.words < PEOPLE) & has_not_spoken()


def has_not_spoken() -> sa.ColumnElement[bool]:
    """The picture of the row of `image` is there, and the asker has not said anything about it."""
    return _lies_somewhere() & ~_any(word, (word.c.image_id == image.c.id) & (word.c.annotator_id == ME))


def wants_second_look() -> sa.ColumnElement[bool]:
    """Neither the asker has spoken about the row of `image` in this pass, nor have as many others as it takes."""
    spoken = (word.c.image_id == image.c.id) & (word.c.annotation_id > SINCE)
    mine = _any(word, spoken & (word.c.annotator_id == ME))
    return _lies_somewhere() & ~mine & (_count(word, spoken) < PEOPLE)


def is_free(*, review: bool) -> sa.ColumnElement[bool]:
    """Nobody else holds the last place at the row of `image`, and the asker has not skipped it."""
    mine = (reservation.c.image_id == image.c.id) & (reservation.c.annotator_id == ME)
    return ~_any(reservation, mine & reservation.c.until.is_(None)) & has_place(review=review)


def has_place(*, review: bool) -> sa.ColumnElement[bool]:
    """Nobody else holds the last place at the row of `image`."""
    others = (reservation.c.image_id == image.c.id) & (reservation.c.annotator_id != ME)
    said: sa.ColumnElement[int] = image.c.words
    if review:
        said = _count(word, (word.c.image_id == image.c.id) & (word.c.annotation_id > SINCE))
    return said + _count(reservation, others & (reservation.c.until > AT)) < PEOPLE


def _lies_somewhere() -> sa.ColumnElement[bool]:
    """Not taken out with its import; and its file, where it has a label already, did not get another content."""
    return _any(image_path, image_path.c.image_id == image.c.id)


# Of the tables around them these know `image` alone: a queue may walk along `word` itself.


def _any(table: sa.Table, where: sa.ColumnElement[bool]) -> sa.ColumnElement[bool]:
    return sa.select(sa.literal(1)).select_from(table).where(where).correlate(image).exists()


def _count(table: sa.Table, where: sa.ColumnElement[bool]) -> sa.ScalarSelect[int]:
    return sa.select(sa.func.count()).select_from(table).where(where).correlate(image).scalar_subquery()


# --- reservations -----------------------------------------------------------------------------------------------------


def claim(
    connection: sa.Connection, image_ids: Sequence[int], asker: Asker, *, free: sa.ColumnElement[bool], reserve_s: float
) -> set[int]:
    """Reserve those of these images that are `free`, in one statement; returns which. Renews what the asker held."""
    release(connection, asker.annotator_id, image_ids)
    connection.execute(reservation.delete().where(reservation.c.until < AT), {"at": asker.at})
    until = asker.at + timedelta(seconds=reserve_s)
    # An INSERT would take parameters for columns: they are bound before.
    ready = _ready(free).params({**asker.parameters, "until": until, "ids": list(image_ids)})
    columns = ["image_id", "annotator_id", "until"]
    reserved = connection.execute(reservation.insert().from_select(columns, ready).returning(reservation.c.image_id))
    return set(reserved.scalars())


@functools.cache
def _ready(free: sa.ColumnElement[bool]) -> sa.Select:
    until = sa.bindparam("until", type_=Moment)
    ids = sa.bindparam("ids", expanding=True, type_=sa.Integer)
    return sa.select(image.c.id, ME, until).where(image.c.id.in_(ids) & free)


def skipped_by(connection: sa.Connection, by: int) -> list[int]:
    """Images that somebody skipped."""
    mine = (reservation.c.annotator_id == by) & reservation.c.until.is_(None)
    return list(connection.execute(sa.select(reservation.c.image_id).where(mine)).scalars())


def held_by_others(connection: sa.Connection, asker: Asker) -> list[int]:
    """Images in the hands of others."""
    others = (reservation.c.annotator_id != ME) & (reservation.c.until > AT)
    query = sa.select(reservation.c.image_id).where(others).distinct()
    return list(connection.execute(query, {"me": asker.annotator_id, "at": asker.at}).scalars())


_RELEASE = reservation.delete().where(
    (reservation.c.annotator_id == ME) & reservation.c.image_id.in_(sa.bindparam("ids", expanding=True))
)


def release(connection: sa.Connection, by: int, image_ids: Sequence[int]) -> None:
    """Give images out of somebody's hands: labelled, or about to be reserved anew."""
    connection.execute(_RELEASE, {"me": by, "ids": list(image_ids)})


def skip(connection: sa.Connection, by: int, image_id: int) -> None:
    """Remember that somebody wants an image at the end only; it is free for the others at once."""
    release(connection, by, [image_id])
    connection.execute(reservation.insert().values(image_id=image_id, annotator_id=by, until=None))


def bring_back(connection: sa.Connection, by: int) -> int:
    """Forget all that somebody skipped; returns how many images that were."""
    mine = (reservation.c.annotator_id == by) & reservation.c.until.is_(None)
    return connection.execute(reservation.delete().where(mine)).rowcount


# --- passes -----------------------------------------------------------------------------------------------------------


def since(connection: sa.Connection, by: int, queue: str) -> int | None:
    """The newest annotation when somebody began to go through a queue, None where they have not begun."""
    mine = (queue_pass.c.annotator_id == by) & (queue_pass.c.queue == queue)
    return connection.execute(sa.select(queue_pass.c.since).where(mine)).scalar()


def begin(connection: sa.Connection, by: int, queue: str) -> int:
    """Begin to go through a queue from now on, also where somebody is in the midst of it; returns since when."""
    mine = (queue_pass.c.annotator_id == by) & (queue_pass.c.queue == queue)
    connection.execute(queue_pass.delete().where(mine))
    newest = last_id(connection)
    connection.execute(queue_pass.insert().values(annotator_id=by, queue=queue, since=newest))
    return newest
