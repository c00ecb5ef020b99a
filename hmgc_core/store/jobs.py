"""Who works on what: claims with a lease, heartbeats, and which services are there.

Each change of a run's state is one statement with the old state and owner in its WHERE, so that a worker whose lease
was taken over can change nothing any more.
"""

from datetime import timedelta
from typing import Any, Literal

import sqlalchemy as sa

from hmgc_core.records import PREDICTING, READING, Progress
from hmgc_core.store.schema import inspection, now, run, service

Role = Literal["worker", "inspector"]
SERVICE_SILENT_S = 10.0


def claim(connection: sa.Connection, *, owner: str, lease_s: float, only: int | None = None) -> int | None:
    """Take the oldest run that waits, or whose worker fell silent; returns its number, None where there is nothing.

    only: take this run or none.
    """
    moment = now()
    free = (run.c.status == "queued") | ((run.c.status == "running") & (run.c.lease_until < moment))
    if only is not None:
        free &= run.c.id == only
    oldest = sa.select(sa.func.min(run.c.id)).where(free).scalar_subquery()
    return connection.execute(
        run.update()
        .where((run.c.id == oldest) & free)
        .values(
            status="running",
            owner=owner,
            lease_until=moment + timedelta(seconds=lease_s),
            started_at=sa.func.coalesce(run.c.started_at, moment),
            attempts=run.c.attempts + 1,
            error="",
            remedy="",
        )
        .returning(run.c.id)
    ).scalar()


def renew(connection: sa.Connection, run_id: int, *, owner: str, lease_s: float, progress: dict[str, Any]) -> str:
    """Heartbeat of a running run: "go on", "cancel" when somebody asked for it, "lost" when another worker has it.

    progress: columns of the run to report along (stage, progress, images_per_s, left_s).
    """
    mine = (run.c.id == run_id) & (run.c.owner == owner) & (run.c.status == "running")
    row = connection.execute(
        run.update()
        .where(mine)
        .values(lease_until=now() + timedelta(seconds=lease_s), **progress)
        .returning(run.c.cancel_requested)
    ).first()
    if row is None:
        return "lost"
    return "cancel" if row.cancel_requested else "go on"


def cancel_asked(connection: sa.Connection, run_id: int, *, owner: str) -> bool:
    """Somebody asked for this run to stop, or it is not this worker's any more."""
    row = connection.execute(sa.select(run.c.owner, run.c.cancel_requested).where(run.c.id == run_id)).first()
    return row is None or row.owner != owner or row.cancel_requested


def finish(connection: sa.Connection, run_id: int, *, owner: str, status: str, **columns: Any) -> bool:
    """End a run as done, failed or cancelled; False where it is not this worker's any more."""
    mine = (run.c.id == run_id) & (run.c.owner == owner) & (run.c.status == "running")
    values = {"left_s": None, "finished_at": now(), "lease_until": None, **columns}
    return bool(connection.execute(run.update().where(mine).values(status=status, **values)).rowcount)


def release(connection: sa.Connection, run_id: int, *, owner: str) -> None:
    """Give a run back to the queue: the worker stops, the next one goes on from its resume state."""
    mine = (run.c.id == run_id) & (run.c.owner == owner) & (run.c.status == "running")
    connection.execute(run.update().where(mine).values(status="queued", owner="", lease_until=None, left_s=None))


def report(progress: Progress) -> dict[str, Any]:
    """A Progress as columns of the run, whose share is that of the training: reading and predicting only say so."""
    if progress.stage in (READING, PREDICTING):
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


# --- inspections ----------------------------------------------------------------------------------------------------


def find_inspection(connection: sa.Connection, *, run_id: int, image_id: int, nodes: list[str]) -> int | None:
    """The newest inspection with this question, however it ended."""
    same = (inspection.c.run_id == run_id) & (inspection.c.image_id == image_id)
    rows = connection.execute(sa.select(inspection).where(same).order_by(inspection.c.id.desc()))
    return next((row.id for row in rows if row.nodes == nodes), None)


def ask_inspection(connection: sa.Connection, *, run_id: int, image_id: int, nodes: list[str]) -> int:
    """Ask for heatmaps of these nodes. Returns the number of the inspection."""
    inserted = connection.execute(
        inspection.insert().values(run_id=run_id, image_id=image_id, nodes=nodes, status="queued", created_at=now())
    ).inserted_primary_key
    assert inserted is not None
    return int(inserted[0])


def forget_inspections(connection: sa.Connection, *, keep: int) -> list[int]:
    """Drop all answered inspections but the newest `keep`; returns the numbers of the dropped ones."""
    newest = sa.select(inspection.c.id).order_by(inspection.c.id.desc()).limit(keep)
    old = (inspection.c.status != "queued") & inspection.c.id.not_in(newest)
    return list(connection.execute(inspection.delete().where(old).returning(inspection.c.id)).scalars())


def inspection_state(connection: sa.Connection, inspection_id: int) -> sa.Row | None:
    """status, nodes, error and remedy of an inspection."""
    return connection.execute(sa.select(inspection).where(inspection.c.id == inspection_id)).first()


def next_inspection(connection: sa.Connection) -> sa.Row | None:
    """The newest question that waits: what somebody looks at now comes first. Takes nothing."""
    query = sa.select(inspection).where(inspection.c.status == "queued").order_by(inspection.c.id.desc()).limit(1)
    return connection.execute(query).first()


def finish_inspection(connection: sa.Connection, inspection_id: int, *, error: str = "", remedy: str = "") -> None:
    """Mark an inspection as done, or failed with its error."""
    values = {"status": "failed" if error else "done", "error": error, "remedy": remedy}
    connection.execute(inspection.update().where(inspection.c.id == inspection_id).values(**values))
