"""What a backup needs of the database: a consistent copy while others write, and paths that follow the workspace."""

import errno
import sqlite3
from collections.abc import Callable, Collection, Iterator
from contextlib import closing
from pathlib import Path

import sqlalchemy as sa

from hmgc_core.durable_files import not_written
from hmgc_core.records import ACTIVE
from hmgc_core.store.engine import BUSY_TIMEOUT_S, create_engine
from hmgc_core.store.schema import folder, former_place, image_path, inspection, now, run, service, task
from hmgc_core.store.workspace import DATABASE, Workspace, named_errors

PAGES = 1000  # copied between two reports: about 4 MB


def snapshot(ws: Workspace, target: Path, *, on_progress: Callable[[int, int], None]) -> None:
    """Copy the database to `target` as it is at this moment; whoever writes meanwhile neither waits nor shows.

    on_progress: bytes done, bytes in all. Raises WorkspaceError where the database is damaged, OutputError where the
    disk of `target` is full.
    """
    with (
        named_errors(ws.folder),
        closing(sqlite3.connect(ws.folder / DATABASE, timeout=BUSY_TIMEOUT_S, isolation_level=None)) as live,
        closing(sqlite3.connect(target)) as copy,
    ):
        # Reading pins one state of the write-ahead log. Without it the copy would begin anew at every commit of others.
        live.execute("BEGIN")
        live.execute("SELECT count(*) FROM sqlite_master").fetchone()
        size = live.execute("PRAGMA page_size").fetchone()[0]
        try:
            live.backup(
                copy, pages=PAGES, progress=lambda _, left, total: on_progress((total - left) * size, total * size)
            )
        except sqlite3.OperationalError as error:
            if "full" in str(error):  # only the copy is written to
                raise not_written(target, OSError(errno.ENOSPC, str(error))) from error
            raise


def opened_copy(path: Path) -> sa.Engine:
    """An engine for a database that nobody else has open; to be disposed of, so that all of it is in the one file."""
    return create_engine(f"sqlite:///{path}")


def forget_what_stays(connection: sa.Connection, *, whole_tasks: Collection[str]) -> None:
    """Take out what belongs to this machine: who is running, heatmaps that can be made again, leases on runs.

    whole_tasks: kinds of tasks that are kept, as all that they made stands in their row or is backed up with it; files
    of tasks stay. One that runs is stopped in the copy, so that somebody lets it go on where it is wanted.
    """
    connection.execute(service.delete())
    connection.execute(inspection.delete())
    connection.execute(task.delete().where(task.c.kind.not_in(whole_tasks)))
    stopped = {"status": "cancelled", "stage": "stopped", "owner": "", "lease_until": None, "left_s": None}
    connection.execute(task.update().where(task.c.status.in_(ACTIVE)).values(finished_at=now(), **stopped))
    running = run.c.status == "running"
    connection.execute(run.update().where(running).values(status="queued", owner="", lease_until=None, left_s=None))


def pictures_inside(connection: sa.Connection, root: Path) -> Iterator[Path]:
    """Paths, relative to `root`, of all pictures in folders that lie inside it."""
    for row in connection.execute(sa.select(folder)):
        base = Path(row.path)
        if base.is_relative_to(root):
            paths = sa.select(image_path.c.path).where(image_path.c.folder_id == row.id)
            for inner in connection.execute(paths).scalars():
                yield base.relative_to(root) / inner


def pictures_elsewhere(connection: sa.Connection, root: Path) -> int:
    """How many picture files lie outside `root`."""
    outside = [row.id for row in connection.execute(sa.select(folder)) if not Path(row.path).is_relative_to(root)]
    counted = sa.select(sa.func.count()).select_from(image_path).where(image_path.c.folder_id.in_(outside))
    return connection.execute(counted).scalar_one()


def former_places(connection: sa.Connection, here: Path) -> list[Path]:
    """Where this workspace lay before its folder was moved `here`, by its own paths; empty where it was not moved.

    A path counts when nothing is there any more and the same file is found below `here`.
    """
    moved: dict[Path, None] = {}
    for row in connection.execute(sa.select(run.c.id, run.c.checkpoint).where(run.c.checkpoint != "")):
        path = Path(row.checkpoint)
        inner = Path("runs") / str(row.id) / path.name
        if path.parts[-3:] == inner.parts and _is_now_in(path, here / inner):
            moved[path.parents[2]] = None
    for row in connection.execute(sa.select(folder)):
        path = Path(row.path)
        first = sa.select(image_path.c.path).where(image_path.c.folder_id == row.id).limit(1)
        inner_path = connection.execute(first).scalar()
        if inner_path and _is_now_in(path / inner_path, here / path.name / inner_path):
            moved[path.parent] = None
    return list(moved)


def _is_now_in(old: Path, new: Path) -> bool:
    return old != new and not old.exists() and new.exists()


def point_elsewhere(connection: sa.Connection, old: Path, new: Path) -> None:
    """Let every path of pictures and checkpoints that leads into the folder `old` lead into `new`."""
    for row in connection.execute(sa.select(folder)).all():
        if Path(row.path).is_relative_to(old):
            _move_folder(connection, row.id, new / Path(row.path).relative_to(old))
    for row in connection.execute(sa.select(run.c.id, run.c.checkpoint).where(run.c.checkpoint != "")).all():
        if Path(row.checkpoint).is_relative_to(old):
            moved = new / Path(row.checkpoint).relative_to(old)
            connection.execute(run.update().where(run.c.id == row.id).values(checkpoint=str(moved)))


def _move_folder(connection: sa.Connection, folder_id: int, new: Path) -> None:
    """Give a folder its new path; where another row has that path already, its pictures go to that one."""
    taken = connection.execute(sa.select(folder.c.id).where(folder.c.path == str(new))).scalar()
    if taken is None:
        connection.execute(folder.update().where(folder.c.id == folder_id).values(path=str(new)))
    elif taken != folder_id:
        here = image_path.c.folder_id == folder_id
        there = sa.select(image_path.c.path).where(image_path.c.folder_id == taken)
        connection.execute(image_path.delete().where(here & image_path.c.path.in_(there)))
        connection.execute(image_path.update().where(here).values(folder_id=taken))
        connection.execute(former_place.update().where(former_place.c.folder_id == folder_id).values(folder_id=taken))
        connection.execute(folder.delete().where(folder.c.id == folder_id))
