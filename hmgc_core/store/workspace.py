"""A workspace: one folder with the database, the copied images, the runs and the caches."""

import os
import secrets
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import alembic.command
import alembic.config
import alembic.runtime.migration
import alembic.script
import sqlalchemy as sa

from hmgc_core.errors import WorkspaceError
from hmgc_core.store.engine import BUSY_TIMEOUT_S, PATIENCE_S, WRITE, create_engine
from hmgc_core.taxonomy import Taxonomy

DATABASE = "hmgc.db"
MIGRATIONS = Path(__file__).parent / "migrations"


@dataclass(frozen=True)
class Workspace:
    """An open workspace. Cheap to share between threads: it holds the engine and taxonomies already read."""

    folder: Path
    engine: sa.Engine
    taxonomies: dict[int, Taxonomy] = field(default_factory=dict, repr=False)

    @contextmanager
    def reading(self) -> Iterator[sa.Connection]:
        """One consistent view of the database; writes in it are refused by nobody but mean trouble."""
        with _named_errors(self.folder), self.engine.begin() as connection:
            yield connection

    @contextmanager
    def writing(self, *, patience_s: float = BUSY_TIMEOUT_S) -> Iterator[sa.Connection]:
        """One transaction that may write: all of it is kept, or nothing. Waits for its turn, not longer than this."""
        options = {WRITE: True, PATIENCE_S: patience_s}
        with _named_errors(self.folder), self.engine.execution_options(**options).begin() as connection:
            yield connection

    @property
    def copies(self) -> Path:
        """Where copied images lie."""
        return self.folder / "images"

    @property
    def cache(self) -> Path:
        """Where decoded pixels and thumbnails lie; may be deleted at any time."""
        return self.folder / "cache"

    def run_folder(self, run_id: int) -> Path:
        """Where one run keeps its resume state, checkpoint and embeddings."""
        return self.folder / "runs" / str(run_id)

    def inspection_folder(self, inspection_id: int) -> Path:
        """Where the inspector puts the heatmaps of one inspection."""
        return self.folder / "inspections" / str(inspection_id)

    def secret(self) -> str:
        """The key that signs tokens; made once, kept in the workspace so that it outlives a restart."""
        path = self.folder / "secret"
        if not path.exists():
            draft = self.folder / f"secret.{os.getpid()}.tmp"
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
    folder = folder.expanduser().resolve()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise WorkspaceError(
            f"cannot make the workspace folder {folder}: {error.strerror}",
            remedy="choose another folder with --workspace",
        ) from error
    workspace = Workspace(folder, create_engine(f"sqlite:///{folder / DATABASE}"))
    with workspace.writing() as connection:
        _upgrade(connection, folder)
    return workspace


def _upgrade(connection: sa.Connection, folder: Path) -> None:
    config = alembic.config.Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    script = alembic.script.ScriptDirectory.from_config(config)
    present = alembic.runtime.migration.MigrationContext.configure(connection).get_current_revision()
    if present == script.get_current_head():
        return
    if present and present not in {revision.revision for revision in script.walk_revisions()}:
        raise WorkspaceError(
            f"the workspace {folder} was made by a newer version of this program ({present})",
            remedy="update the program, or choose another workspace",
        )
    alembic.command.upgrade(config, "head")


@contextmanager
def _named_errors(folder: Path) -> Iterator[None]:
    try:
        yield
    except (sa.exc.DatabaseError, sqlite3.DatabaseError) as error:
        reason = str(getattr(error, "orig", error))
        remedies = {
            "unable to open": "check that the folder can be written, or choose another with --workspace",
            "readonly": "check that the folder can be written, or choose another with --workspace",
            "not a database": "the file is damaged: move it away, or restore a backup",
            "malformed": "the file is damaged: move it away, or restore a backup",
            "locked": "another program holds the database: close it and try again",
            "full": "free some disk space and try again",
            "disk I/O": "check the disk, then try again",
        }
        for sign, remedy in remedies.items():
            if sign in reason:
                raise WorkspaceError(f"the database of {folder}: {reason}", remedy=remedy) from error
        raise
