"""Tasks of the worker that are no training: asked for, claimed (`jobs`, with this table), ended."""

from typing import Any

import sqlalchemy as sa

from hmgc_core.records import ACTIVE, Progress, Task
from hmgc_core.store.schema import now, task


def _record(row: sa.Row) -> Task:
    return Task(
        row.id,
        row.kind,
        row.run_id,
        row.question,
        row.status,
        row.created_at,
        row.finished_at,
        row.cancel_requested,
        row.stage,
        row.progress,
        row.left_s,
        row.error,
        row.remedy,
        row.result,
    )


def add(connection: sa.Connection, *, kind: str, run_id: int | None, question: dict[str, Any]) -> int:
    """Ask for a task. Returns its number."""
    inserted = connection.execute(
        task.insert().values(kind=kind, run_id=run_id, question=question, status="queued", created_at=now())
    ).inserted_primary_key
    assert inserted is not None
    return int(inserted[0])


def get(connection: sa.Connection, task_id: int) -> Task | None:
    """One task, None where there is none of this number."""
    row = connection.execute(sa.select(task).where(task.c.id == task_id)).first()
    return _record(row) if row else None


def attempts(connection: sa.Connection, task_id: int) -> int:
    """How often a worker has begun with a task."""
    return int(connection.execute(sa.select(task.c.attempts).where(task.c.id == task_id)).scalar_one())


def of_kind(connection: sa.Connection, *, kind: str, run_id: int | None) -> list[Task]:
    """The tasks of a kind for a run (or for none), the newest first."""
    same = (task.c.kind == kind) & (task.c.run_id == run_id)
    return [_record(row) for row in connection.execute(sa.select(task).where(same).order_by(task.c.id.desc()))]


def done_count(connection: sa.Connection, *, kind: str) -> int:
    """How many tasks of a kind have a result: with it, caches notice what they changed."""
    query = sa.select(sa.func.count()).where((task.c.kind == kind) & (task.c.status == "done"))
    return connection.execute(query).scalar_one()


def active(connection: sa.Connection) -> list[Task]:
    """The tasks that wait or run, the oldest first."""
    found = connection.execute(sa.select(task).where(task.c.status.in_(ACTIVE)).order_by(task.c.id))
    return [_record(row) for row in found]


def request_cancel(connection: sa.Connection, task_id: int) -> bool:
    """Ask a task to stop. A queued one is cancelled at once. False where it is not active any more."""
    asked = task.c.id == task_id
    ended = {"status": "cancelled", "cancel_requested": True, "finished_at": now()}
    if connection.execute(task.update().where(asked & (task.c.status == "queued")).values(**ended)).rowcount:
        return True
    running = asked & task.c.status.in_(ACTIVE)
    return bool(connection.execute(task.update().where(running).values(cancel_requested=True)).rowcount)


def forget(connection: sa.Connection, *, kind: str, keep: int) -> list[int]:
    """Drop all tasks of a kind that have ended but the newest `keep`; returns the numbers of the dropped ones."""
    ended = (task.c.kind == kind) & task.c.status.not_in(ACTIVE)
    newest = sa.select(task.c.id).where(ended).order_by(task.c.id.desc()).limit(keep)
    return list(
        connection.execute(task.delete().where(ended & task.c.id.not_in(newest)).returning(task.c.id)).scalars()
    )


def report(progress: Progress) -> dict[str, Any]:
    """A Progress as columns of the task."""
    share = progress.done / progress.total if progress.total else 0.0
    return {"stage": progress.stage, "progress": share, "left_s": progress.left_s}
