"""Saved selections: named lists of images, each in an order of its own."""

from collections.abc import Sequence

import sqlalchemy as sa

from hmgc_core.records import QueueChoice, Selection
from hmgc_core.store.schema import now, queue_pass, selection, selection_image


def add(connection: sa.Connection, name: str, image_ids: Sequence[int]) -> int:
    """Store a selection under a name that no other has; returns its number."""
    inserted = connection.execute(selection.insert().values(name=name, created_at=now())).inserted_primary_key
    assert inserted is not None
    number = int(inserted[0])
    rows = [{"selection_id": number, "place": place, "image_id": image} for place, image in enumerate(image_ids)]
    if rows:
        connection.execute(selection_image.insert(), rows)
    return number


def all_selections(connection: sa.Connection) -> list[Selection]:
    """Every selection with the number of its images, the newest first."""
    inside = selection_image.c.selection_id == selection.c.id
    total = sa.select(sa.func.count()).select_from(selection_image).where(inside).scalar_subquery()
    query = sa.select(selection, total.label("total")).order_by(selection.c.id.desc())
    return [Selection(row.id, row.name, row.total) for row in connection.execute(query)]


def find(connection: sa.Connection, name: str) -> int | None:
    """The number of the selection with this name."""
    return connection.execute(sa.select(selection.c.id).where(selection.c.name == name)).scalar()


def name_of(connection: sa.Connection, number: int) -> str | None:
    """The name of the selection with this number."""
    return connection.execute(sa.select(selection.c.name).where(selection.c.id == number)).scalar()


def delete(connection: sa.Connection, number: int) -> bool:
    """Forget a selection and how far anybody was in it; False where there is none. Its images stay."""
    connection.execute(selection_image.delete().where(selection_image.c.selection_id == number))
    connection.execute(queue_pass.delete().where(queue_pass.c.queue == str(QueueChoice("selection", str(number)))))
    return bool(connection.execute(selection.delete().where(selection.c.id == number)).rowcount)
