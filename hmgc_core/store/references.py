"""Pictures marked as good examples of a class. A mark is kept as it was made; the class it stands for is read on."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple

import sqlalchemy as sa

from hmgc_core.leading import Step, read_on
from hmgc_core.store import images
from hmgc_core.store.schema import annotator, image, now, reference, taxonomy
from hmgc_core.store.taxonomies import moves_after


class Reference(NamedTuple):
    """One mark. node: the class it was made for; leads_to: the key that this class has gone to since, or the same."""

    node: str
    leads_to: str
    image_id: int
    annotator: str
    created_at: datetime
    split: str


def add(connection: sa.Connection, key: str, image_ids: Iterable[int], *, by: int) -> int:
    """Mark these pictures for a class; those marked for it already stay as they are. Returns how many are new."""
    wanted = list(dict.fromkeys(image_ids))
    known: set[int] = set()
    for chunk in _chunks(wanted):
        here = (reference.c.node_key == key) & reference.c.image_id.in_(chunk)
        known.update(connection.execute(sa.select(reference.c.image_id).where(here)).scalars())
    moment = now()
    fresh = [
        {"node_key": key, "image_id": image_id, "annotator_id": by, "created_at": moment}
        for image_id in wanted
        if image_id not in known
    ]
    if fresh:
        connection.execute(reference.insert(), fresh)
    return len(fresh)


def remove(connection: sa.Connection, marks: Iterable[Reference]) -> None:
    """Take these marks back."""
    for mark in marks:
        here = (reference.c.node_key == mark.node) & (reference.c.image_id == mark.image_id)
        connection.execute(reference.delete().where(here))


def all_references(connection: sa.Connection, image_ids: Sequence[int] | None = None) -> list[Reference]:
    """Every mark on a picture that is there, oldest first; image_ids: only those on these pictures."""
    query = (
        sa.select(reference, annotator.c.name, image.c.split)
        .join(annotator, annotator.c.id == reference.c.annotator_id)
        .join(image, image.c.id == reference.c.image_id)
        .where(image.c.words > images.OUT)
        .order_by(reference.c.created_at, reference.c.image_id)
    )
    parts = [query] if image_ids is None else [query.where(reference.c.image_id.in_(ids)) for ids in _chunks(image_ids)]
    rows = [row for part in parts for row in connection.execute(part)]
    lead = _Leader(connection)
    return [
        Reference(row.node_key, lead(row.node_key, row.created_at), row.image_id, row.name, row.created_at, row.split)
        for row in rows
    ]


def _chunks(image_ids: Sequence[int]) -> Iterable[Sequence[int]]:
    return (image_ids[start : start + images.CHUNK] for start in range(0, len(image_ids), images.CHUNK))


class _Leader:
    """Where the class of a mark has gone since the moment it was made; the steps of each version are fetched once."""

    def __init__(self, connection: sa.Connection) -> None:
        self.connection = connection
        query = sa.select(taxonomy.c.id, taxonomy.c.created_at).order_by(taxonomy.c.id)
        self.versions = [(row.id, row.created_at) for row in connection.execute(query)]
        self.steps: dict[int, list[Step]] = {}

    def __call__(self, key: str, moment: datetime) -> str:
        version = max((number for number, created_at in self.versions if created_at <= moment), default=0)
        if version not in self.steps:
            self.steps[version] = moves_after(self.connection, version)
        reading = read_on("is", key, self.steps[version])
        return reading.key if reading else key
