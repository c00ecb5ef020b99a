"""Who works on what: claims with a lease, heartbeats, and which services are there.

A job is a row of `run` or of `task`. Each change of its state is one statement with the old state and owner in its
WHERE, so that a worker whose lease was taken over can change nothing any more.
"""

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any, Literal

import sqlalchemy as sa

from hmgc_core.records import LOOKING, PREDICTING, READING, Progress
from hmgc_core.store.schema import now, run, service

Role = Literal["worker", "inspector"]
SERVICE_SILENT_S = 10.0


def claim(
    connection: sa.Connection,
    *,
    owner: str,
    lease_s: float,
    only: int | None = None,
    of: sa.Table = run,
    kinds: Collection[str] | None = None,
) -> int | None:
    """Take the oldest job that waits, or whose worker fell silent; returns its number, None where there is nothing.

    only: take this job or none. of: the table of the jobs. kinds: take a task of these kinds or none.
    """
    moment = now()
    free = _free(of, moment)
    if only is not None:
        free &= of.c.id == only
    if kinds is not None:
        free &= of.c.kind.in_(kinds)
    oldest = sa.select(sa.func.min(of.c.id)).where(free).scalar_subquery()
    return connection.execute(
        of.update()
        .where((of.c.id == oldest) & free)
        .values(
            status="running",
            owner=owner,
            lease_until=moment + timedelta(seconds=lease_s),
            started_at=sa.func.coalesce(of.c.started_at, moment),
            attempts=of.c.attempts + 1,
            error="",
            remedy="",
        )
        .returning(of.c.id)
    ).scalar()


def _free(of: sa.Table, moment: datetime) -> sa.ColumnElement[bool]:
    return (of.c.status == "queued") | ((of.c.status == "running") & (of.c.lease_until < moment))


def is_waiting(connection: sa.Connection, *, of: sa.Table = run) -> bool:
    """A job waits in this table, or was left behind by a worker that fell silent."""
    return connection.execute(sa.select(of.c.id).where(_free(of, now())).limit(1)).first() is not None


def renew(
    connection: sa.Connection,
    job_id: int,
    *,
    owner: str,
    lease_s: float,
    progress: dict[str, Any],
    of: sa.Table = run,
) -> str:
    """Heartbeat of a running job: "go on", "cancel" when somebody asked for it, "lost" when another worker has it.

    progress: columns of the job to report along (stage, progress, left_s and, of a run, images_per_s).
    """
    mine = (of.c.id == job_id) & (of.c.owner == owner) & (of.c.status == "running")
    row = connection.execute(
        of.update()
        .where(mine)
        .values(lease_until=now() + timedelta(seconds=lease_s), **progress)
        .returning(of.c.cancel_requested)
    ).first()
    if row is None:
        return "lost"
    return "cancel" if row.cancel_requested else "go on"


def cancel_asked(connection: sa.Connection, job_id: int, *, owner: str, of: sa.Table = run) -> bool:
    """Somebody asked for this job to stop, or it is not this worker's any more."""
    row = connection.execute(sa.select(of.c.owner, of.c.cancel_requested).where(of.c.id == job_id)).first()
    return row is None or row.owner != owner or row.cancel_requested


def finish(
    connection: sa.Connection, job_id: int, *, owner: str, status: str, of: sa.Table = run, **columns: Any
) -> bool:
    """End a job as done, failed or cancelled; False where it is not this worker's any more."""
    mine = (of.c.id == job_id) & (of.c.owner == owner) & (of.c.status == "running")
    values = {"left_s": None, "finished_at": now(), "lease_until": None, **columns}
    return bool(connection.execute(of.update().where(mine).values(status=status, **values)).rowcount)


def release(connection: sa.Connection, job_id: int, *, owner: str, of: sa.Table = run, **columns: Any) -> None:
    """Give a job back to the queue: the worker stops, the next one goes on from its saved state."""
    mine = (of.c.id == job_id) & (of.c.owner == owner) & (of.c.status == "running")
    values = {"owner": "", "lease_until": None, "left_s": None, **columns}
    connection.execute(of.update().where(mine).values(status="queued", **values))


def report(progress: Progress) -> dict[str, Any]:
    """A Progress as columns of the run, whose share is that of the training: reading and predicting only say so."""
    if progress.stage in (READING, LOOKING, PREDICTING):
        stage = f"{progress.stage}, {progress.done:,} of {progress.total:,}"
        return {"stage": stage, "images_per_s": progress.images_per_s, "left_s": None}
    return {
        "stage": progress.stage,
        "progress": progress.done / progress.total if progress.total else 0.0,
        "images_per_s": progress.images_per_s,
        "left_s": progress.left_s,
    }


# --- services -------------------------------------------------------------------------------------------------------


def beat(connection: sa.Connection, *, role: Role, owner: str) -> None:
    """Say that a worker or inspector is there."""
    moment = now()
    if not connection.execute(service.update().where(service.c.owner == owner).values(heartbeat_at=moment)).rowcount:
        connection.execute(service.delete().where(service.c.heartbeat_at < moment - timedelta(days=1)))
        connection.execute(service.insert().values(owner=owner, role=role, started_at=moment, heartbeat_at=moment))


def leave(connection: sa.Connection, *, owner: str) -> None:
    """Say that a worker or inspector has gone."""
    connection.execute(service.delete().where(service.c.owner == owner))


def is_there(connection: sa.Connection, role: Role) -> bool:
    """A worker or inspector gave a sign of life in the last seconds."""
    since = now() - timedelta(seconds=SERVICE_SILENT_S)
    alive = (service.c.role == role) & (service.c.heartbeat_at > since)
    return connection.execute(sa.select(service.c.owner).where(alive)).first() is not None
