"""Training runs as people see them: rows and the epochs they reported. Who works on one is the business of `jobs`."""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from hmgc_core.records import ACTIVE, ENDED_EARLY, EpochMetrics, Run, RunConfig
from hmgc_core.store.schema import epoch, now, run

_SUGGESTS = (run.c.status == "done") & ~run.c.set_aside


def add(connection: sa.Connection, config: RunConfig, *, taxonomy_id: int, last_annotation_id: int) -> int:
    """Queue a run on the labels as they are now; returns its number."""
    inserted = connection.execute(
        run.insert().values(
            config=config.to_dict(),
            status="queued",
            taxonomy_id=taxonomy_id,
            last_annotation_id=last_annotation_id,
            created_at=now(),
        )
    ).inserted_primary_key
    assert inserted is not None
    return int(inserted[0])


def _record(row: sa.Row) -> Run:
    return Run(
        id=row.id,
        config=RunConfig.from_dict(row.config),
        status=row.status,
        taxonomy=row.taxonomy_id,
        last_annotation_id=row.last_annotation_id,
        created_at=row.created_at,
        started_at=row.started_at,
        finished_at=row.finished_at,
        stage=row.stage,
        progress=row.progress,
        images_per_s=row.images_per_s,
        left_s=row.left_s,
        attempts=row.attempts,
        cancel_requested=row.cancel_requested,
        error=row.error,
        remedy=row.remedy,
        remarks=tuple(row.remarks),
        checkpoint=row.checkpoint,
        metrics=row.metrics,
        set_aside=row.set_aside,
    )


def get(connection: sa.Connection, run_id: int) -> Run | None:
    """The run with this number."""
    row = connection.execute(sa.select(run).where(run.c.id == run_id)).first()
    return _record(row) if row else None


def all_runs(connection: sa.Connection) -> list[Run]:
    """Every run, the newest first."""
    return [_record(row) for row in connection.execute(sa.select(run).order_by(run.c.id.desc()))]


def newest_done(connection: sa.Connection) -> Run | None:
    """The run whose predictions are the suggestions: the newest one that finished and was not set aside."""
    row = connection.execute(sa.select(run).where(_SUGGESTS).order_by(run.c.id.desc()).limit(1)).first()
    return _record(row) if row else None


def newest_done_id(connection: sa.Connection) -> int | None:
    """The number of `newest_done`, None before the first training."""
    return connection.execute(sa.select(sa.func.max(run.c.id)).where(_SUGGESTS)).scalar()


def set_aside(connection: sa.Connection, run_ids: Sequence[int], *, aside: bool = True) -> None:
    """Have runs suggest nothing any more, or again."""
    connection.execute(run.update().where(run.c.id.in_(run_ids)).values(set_aside=aside))


def request_cancel(connection: sa.Connection, run_id: int) -> bool:
    """Ask a run to stop. A queued one is cancelled at once. False where it is not active any more."""
    moment = now()
    queued = connection.execute(
        run.update()
        .where((run.c.id == run_id) & (run.c.status == "queued"))
        .values(status="cancelled", cancel_requested=True, finished_at=moment)
    ).rowcount
    if queued:
        return True
    running = (run.c.id == run_id) & run.c.status.in_(ACTIVE)
    return bool(connection.execute(run.update().where(running).values(cancel_requested=True)).rowcount)


def queue_again(connection: sa.Connection, run_id: int) -> bool:
    """Put a run that was stopped or failed back into the queue. False where it did not end so."""
    ended = (run.c.id == run_id) & run.c.status.in_(ENDED_EARLY)
    values = {"status": "queued", "cancel_requested": False, "finished_at": None, "error": "", "remedy": ""}
    return bool(connection.execute(run.update().where(ended).values(**values)).rowcount)


def add_epoch(connection: sa.Connection, run_id: int, metrics: EpochMetrics) -> None:
    """Keep what one epoch gave; an epoch that is trained again after a restart replaces itself."""
    connection.execute(epoch.delete().where((epoch.c.run_id == run_id) & (epoch.c.epoch == metrics.epoch)))
    connection.execute(
        epoch.insert().values(
            run_id=run_id,
            epoch=metrics.epoch,
            train_loss=metrics.train_loss,
            images_per_s=metrics.images_per_s,
            metrics=metrics.metrics,
            finished_at=now(),
        )
    )


def epochs(connection: sa.Connection, run_id: int) -> list[EpochMetrics]:
    """What each epoch gave, in order."""
    query = sa.select(epoch).where(epoch.c.run_id == run_id).order_by(epoch.c.epoch)
    return [
        EpochMetrics(row.epoch, row.train_loss, row.images_per_s, 0.0, row.metrics) for row in connection.execute(query)
    ]


def set_metrics(connection: sa.Connection, run_id: int, metrics: dict[str, Any]) -> None:
    """Keep the metrics of a finished run."""
    connection.execute(run.update().where(run.c.id == run_id).values(metrics=metrics))
