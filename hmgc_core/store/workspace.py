"""A workspace: one folder with the database, the copied images, the runs and the caches."""

import functools
import os
import secrets
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

import sqlalchemy as sa

from hmgc_core.errors import WorkspaceError
from hmgc_core.given_paths import given_path
from hmgc_core.store import staging
from hmgc_core.store.engine import BUSY_TIMEOUT_S, PATIENCE_S, WRITE, create_engine, remaking_tables
from hmgc_core.taxonomy import Taxonomy

DATABASE = "hmgc.db"
MIGRATIONS = Path(__file__).parent / "migrations"
OURS = {"alembic_version", "taxonomy", "image", "annotation"}  # tables that every version of ours has

RESTORE = (
    "stop using it, keep a copy of it, and restore a backup into another folder: hmgc restore FILE --workspace DIR"
)
WRITABLE = "check that the folder can be written, or choose another with --workspace"

# What SQLite says -> what it means, what to do.
SIGNS = {
    "unable to open": ("cannot be opened", WRITABLE),
    "readonly": ("may not be written", WRITABLE),
    "not a database": ("is damaged, or another file has taken its place", RESTORE),
    "malformed": ("is damaged", RESTORE),
    "no such table": ("is damaged: a part of it is missing", RESTORE),
    "locked": ("is held by another program", "close that program and try again"),
    "full": ("cannot grow: the disk is full", "free some disk space and try again"),
    "disk I/O": ("cannot be read or written: the disk reports an error", "check the disk, then try again"),
}


@dataclass(frozen=True)
class Workspace:
    """An open workspace. Cheap to share between threads: it holds the engine and taxonomies already read."""

    folder: Path
    engine: sa.Engine
    taxonomies: dict[int, Taxonomy] = field(default_factory=dict, repr=False)

    @contextmanager
    def reading(self) -> Iterator[sa.Connection]:
        """One consistent view of the database; writes in it are refused by nobody but mean trouble."""
        with named_errors(self.folder), self.engine.begin() as connection:
            yield connection

    @contextmanager
    def writing(self, *, patience_s: float = BUSY_TIMEOUT_S) -> Iterator[sa.Connection]:
        """One transaction that may write: all of it is kept, or nothing. Waits for its turn, not longer than this."""
        options = {WRITE: True, PATIENCE_S: patience_s}
        with named_errors(self.folder), self.engine.execution_options(**options).begin() as connection:
            yield connection

    @property
    def copies(self) -> Path:
        """Where copied images lie."""
        return self.folder / "images"

    @property
    def cache(self) -> Path:
        """Where decoded pixels and thumbnails lie; may be deleted at any time."""
        return self.folder / "cache"

    @property
    def staging(self) -> Path:
        """Where things lie that nobody needs after a moment, such as archives unpacked for an import."""
        return staging.place_in(self.folder)

    def run_folder(self, run_id: int) -> Path:
        """Where one run keeps its resume state, checkpoint and embeddings."""
        return self.folder / "runs" / str(run_id)

    def inspection_folder(self, inspection_id: int) -> Path:
        """Where the inspector puts its answer to one question."""
        return self.folder / "inspections" / str(inspection_id)

    def task_folder(self, task_id: int) -> Path:
        """Where the worker puts the files of one task."""
        return self.folder / "tasks" / str(task_id)

    def secret(self) -> str:
        """The key that signs tokens; made once, kept in the workspace so that it outlives a restart."""
        return _secret(self.folder)


@functools.cache
def _secret(folder: Path) -> str:
    path = folder / "secret"
    if not path.exists():
        draft = folder / f"secret.{os.getpid()}.tmp"
        draft.write_text(secrets.token_hex(32))
        draft.chmod(0o600)
        try:
            os.link(draft, path)  # fails where another process was quicker: then its secret counts
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    return path.read_text().strip()


def exists(folder: Path) -> bool:
    """There is a workspace in this folder."""
    return (folder / DATABASE).exists()


def open_workspace(folder: Path) -> Workspace:
    """Open the workspace in `folder`, made or brought up to date if need be.

    Raises WorkspaceError where the folder cannot be written or the database is damaged or newer than this program.
    """
    folder = given_path(folder).resolve()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise WorkspaceError(
            f"cannot make the workspace folder {folder}: {error.strerror}",
            remedy="choose another folder with --workspace",
        ) from error
    refuse_strangers(folder)
    workspace = Workspace(folder, create_engine(f"sqlite:///{folder / DATABASE}"))
    _upgrade(workspace)
    staging.sweep(workspace.staging)
    return workspace


def refuse_strangers(folder: Path) -> None:
    """Look, without writing, whether the database is one of ours, and not gone while what belongs to it is there.

    Otherwise a lost database would silently become an empty one, and another program's would get our tables.
    Raises WorkspaceError.
    """
    path, tables = folder / DATABASE, set()
    if path.exists():
        address = f"file:{quote(str(path))}?mode=ro"
        with named_errors(folder), closing(sqlite3.connect(address, uri=True, timeout=BUSY_TIMEOUT_S)) as connection:
            tables = {row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    if tables and not tables >= OURS:
        raise WorkspaceError(
            f"{path} is the database of another program, or a part of ours is missing",
            remedy="put the right file in its place, or choose another folder with --workspace",
        )
    left = [name for name in ("images", "runs") if (folder / name).is_dir() and any((folder / name).iterdir())]
    if left and not tables:
        lost, there = "empty" if path.exists() else "gone", " and ".join(left)
        raise WorkspaceError(
            f"the database {path} is {lost}, while {there} are still there",
            remedy=f"put it back, or restore a backup into another folder; to begin anew, move {there} away",
        )


def _upgrade(workspace: Workspace) -> None:
    with workspace.writing() as connection:
        is_new = not sa.inspect(connection).has_table("alembic_version")
        present = None if is_new else connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar()
    revisions = sorted(path.stem.partition("_")[0] for path in (MIGRATIONS / "versions").glob("[0-9]*.py"))
    if present == revisions[-1]:
        return
    if present and present not in revisions:
        raise WorkspaceError(
            f"the workspace {workspace.folder} was made by a newer version of this program ({present})",
            remedy="update the program, or choose another workspace",
        )
    import alembic.command  # noqa: PLC0415 - hardly ever needed, and takes as long as all else that is imported
    import alembic.config  # noqa: PLC0415

    config = alembic.config.Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    with named_errors(workspace.folder), remaking_tables(workspace.engine) as connection:
        config.attributes["connection"] = connection
        alembic.command.upgrade(config, "head")


@contextmanager
def named_errors(folder: Path) -> Iterator[None]:
    """Turn what SQLite says of the database of this workspace into a WorkspaceError that a person can use."""
    try:
        yield
    except (sa.exc.DatabaseError, sqlite3.DatabaseError) as error:
        reason = str(getattr(error, "orig", error))
        for sign, (meaning, remedy) in SIGNS.items():
            if sign in reason:
                raise WorkspaceError(f"the database {folder / DATABASE} {meaning} ({reason})", remedy=remedy) from error
        raise
