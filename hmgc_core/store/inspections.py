"""Questions to the inspector about single pictures, of any kind, and how far each is. The answers lie in files."""

from typing import Any

import sqlalchemy as sa

from hmgc_core.records import Inspection
from hmgc_core.store.schema import inspection, now


def _record(row: sa.Row) -> Inspection:
    return Inspection(row.id, row.kind, row.run_id, row.image_id, row.question, row.status, row.error, row.remedy)


def find(connection: sa.Connection, *, kind: str, run_id: int, image_id: int, question: dict[str, Any]) -> int | None:
    """The newest inspection with this question, however it ended."""
    same = (inspection.c.run_id == run_id) & (inspection.c.image_id == image_id) & (inspection.c.kind == kind)
    rows = connection.execute(sa.select(inspection).where(same).order_by(inspection.c.id.desc()))
    return next((row.id for row in rows if row.question == question), None)


def add(connection: sa.Connection, *, kind: str, run_id: int, image_id: int, question: dict[str, Any]) -> int:
    """Ask. Returns the number of the inspection."""
    row = {"kind": kind, "run_id": run_id, "image_id": image_id, "question": question}
    inserted = connection.execute(
        inspection.insert().values(**row, status="queued", created_at=now())
    ).inserted_primary_key
    assert inserted is not None
    return int(inserted[0])


def get(connection: sa.Connection, inspection_id: int) -> Inspection | None:
    """One inspection, None where there is none of this number."""
    row = connection.execute(sa.select(inspection).where(inspection.c.id == inspection_id)).first()
    return _record(row) if row else None


def next_queued(connection: sa.Connection) -> Inspection | None:
    """The newest question that waits: what somebody looks at now comes first. Takes nothing."""
    query = sa.select(inspection).where(inspection.c.status == "queued").order_by(inspection.c.id.desc()).limit(1)
    row = connection.execute(query).first()
    return _record(row) if row else None


def finish(connection: sa.Connection, inspection_id: int, *, error: str = "", remedy: str = "") -> None:
    """Mark an inspection as done, or failed with its error."""
    values = {"status": "failed" if error else "done", "error": error, "remedy": remedy}
    connection.execute(inspection.update().where(inspection.c.id == inspection_id).values(**values))


def forget(connection: sa.Connection, *, keep: int) -> list[int]:
    """Drop all answered inspections but the newest `keep`; returns the numbers of the dropped ones."""
    newest = sa.select(inspection.c.id).order_by(inspection.c.id.desc()).limit(keep)
    old = (inspection.c.status != "queued") & inspection.c.id.not_in(newest)
    return list(connection.execute(inspection.delete().where(old).returning(inspection.c.id)).scalars())
