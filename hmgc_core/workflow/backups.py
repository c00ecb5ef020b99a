"""Verbs that keep a workspace safe: one file with all of it, made while it is in use, and the way back.

In a backup: the database, what searches for good settings tried, the pictures that lie inside the workspace, and the
models of finished runs with their embeddings. Not in it: pictures that lie elsewhere, caches, the state of unfinished
trainings (they begin anew), and the key that signs tokens (docs/decisions/0009-backups-leave-the-key-out.md).
"""

import os
import re
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import sqlalchemy as sa

from hmgc_core import __version__
from hmgc_core.checkpoint_files import MANIFEST, read_manifest
from hmgc_core.durable_files import not_written, sync_folder, written_whole
from hmgc_core.errors import BackupError, CheckpointError, OutputError, WorkspaceError
from hmgc_core.exchange.backup_file import Backup, Part, open_backup, write_backup
from hmgc_core.given_paths import given_path
from hmgc_core.records import quiet
from hmgc_core.store import backups, checks, images, runs, sweeps, workspace
from hmgc_core.store.workspace import DATABASE, Workspace
from hmgc_core.workflow import coarse_labels, embeddings
from hmgc_core.workflow import sweeps as searches

OnStage = Callable[[int, int, str], None]  # bytes done, bytes in all, what is being done

EMBEDDINGS = (embeddings.VECTORS, embeddings.IMAGES)
DRAFT = ".restoring"

# What may stand in a run's folder: no resume state, which could carry more than numbers.
_RUN_PART = re.compile(rf"runs/\d+/(checkpoint/[\w.-]+|{'|'.join(map(re.escape, EMBEDDINGS))})")
_NO_PICTURES = ("runs", "cache", "inspections", "tasks", "secret", "demo.unfinished", searches.FOLDER)


@dataclass(frozen=True)
class BackupReport:
    """What a backup holds. size: bytes of the file. counts: pictures, images, labels, runs. left_out: sentences."""

    file: Path
    size: int
    counts: dict[str, int]
    left_out: tuple[str, ...]


@dataclass(frozen=True)
class RestoreReport:
    """What came back. made_at: when the backup was made, ISO 8601. missing: folders of pictures that are not here."""

    folder: Path
    made_at: str
    counts: dict[str, int]
    missing: tuple[Path, ...]


# --- there ------------------------------------------------------------------------------------------------------------


def backup(ws: Workspace, out: Path, *, on_progress: OnStage = quiet) -> BackupReport:
    """Write a backup of the workspace as it is at this moment, however many people are labelling meanwhile.

    The disk of `out` holds the database twice for a while. Raises OutputError where the file exists or cannot be
    written, WorkspaceError or BackupError where the workspace is damaged; nothing is left then.
    """
    out = given_path(out).resolve()
    if out.exists():
        raise OutputError(
            f"{out} exists already", remedy="choose another name: a backup never takes another file's place"
        )
    try:
        with tempfile.TemporaryDirectory(prefix=".hmgc-backup-", dir=out.parent) as place:
            return _backup(ws, out, Path(place) / DATABASE, on_progress)
    except OSError as error:
        raise not_written(out, error) from error


def _backup(ws: Workspace, out: Path, copy: Path, on_progress: OnStage) -> BackupReport:
    backups.snapshot(ws, copy, on_progress=lambda done, total: on_progress(done, total, "copying the database"))
    engine = backups.opened_copy(copy)
    try:
        with workspace.named_errors(ws.folder), engine.begin() as connection:
            _refuse_damage(connection)
            backups.forget_what_stays(connection, whole_tasks=[coarse_labels.KIND, searches.KIND])
            for old in backups.former_places(connection, ws.folder):
                backups.point_elsewhere(connection, old, ws.folder)
            gathered = _gather(ws, connection)
    finally:
        engine.dispose()
    parts = [Part(DATABASE, copy), *_tried(ws, copy.with_name(sweeps.FILE), gathered), *gathered.parts]
    total = sum(_size(part.file) for part in parts)
    done = 0

    def count(size: int) -> None:
        nonlocal done
        done += size
        on_progress(done, max(total, done), "packing")

    with written_whole(out) as file:
        gone = write_backup(
            file,
            parts,
            program=__version__,
            made_at=datetime.now(UTC).isoformat(timespec="seconds"),
            workspace=str(ws.folder),
            counts=gathered.counts,
            on_bytes=count,
        )
    if gone:
        gathered.left_out.append(f"{len(gone)} files are missing in the workspace, the first is {gone[0]}")
    return BackupReport(out, out.stat().st_size, gathered.counts, tuple(gathered.left_out))


def _tried(ws: Workspace, copy: Path, gathered: "_Gathered") -> list[Part]:
    """What searches have tried; where their file is damaged, all else is still worth keeping."""
    try:
        return [Part(sweeps.FILE, copy)] if sweeps.copy(ws.folder, copy) else []
    except WorkspaceError as error:
        gathered.left_out.append(str(error))
        return []


def _refuse_damage(connection: sa.Connection) -> None:
    damage = checks.damage(connection)
    if damage:
        raise BackupError(
            f"the database is damaged, and a backup of it would be too: {damage[0]}",
            remedy="keep the backups you have; `hmgc doctor` says more",
        )


@dataclass
class _Gathered:
    """What goes into a backup, and what does not."""

    counts: dict[str, int]
    parts: list[Part] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)


def _gather(ws: Workspace, connection: sa.Connection) -> _Gathered:
    """The parts that the copied database speaks of: what was added since does not belong to that moment."""
    sizes = checks.sizes(connection)
    gathered = _Gathered({"images": sizes["image"], "labels": sizes["annotation"], "runs": 0, "pictures": 0})
    for path in dict.fromkeys(backups.pictures_inside(connection, ws.folder)):
        name = path.as_posix()
        if _has_a_place(name):
            gathered.parts.append(Part(name, ws.folder / path))
            gathered.counts["pictures"] += 1
        else:
            gathered.left_out.append(f"{name} lies where no picture is expected")
    elsewhere = backups.pictures_elsewhere(connection, ws.folder)
    if elsewhere:
        gathered.left_out.append(f"{elsewhere} picture files lie outside the workspace: keep them yourself")
    for run in runs.all_runs(connection):
        if run.checkpoint:
            try:
                gathered.parts += _run_parts(ws, run.id, Path(run.checkpoint))
                gathered.counts["runs"] += 1
            except CheckpointError as error:
                gathered.left_out.append(f"the model of run {run.id}: {error}")
    return gathered


def _run_parts(ws: Workspace, run_id: int, checkpoint: Path) -> list[Part]:
    """The files of a run that left a model. Raises CheckpointError where there are none, or they lie elsewhere."""
    if checkpoint.parent != ws.run_folder(run_id):
        raise CheckpointError(f"{checkpoint} is outside the workspace")
    names = [MANIFEST, *read_manifest(checkpoint)["sha256"]]
    files = [checkpoint / name for name in names] + [ws.run_folder(run_id) / name for name in EMBEDDINGS]
    parts = [Part(file.relative_to(ws.folder).as_posix(), file) for file in files if file.exists()]
    return [part for part in parts if _has_a_place(part.name)]


def _size(file: Path) -> int:
    try:
        return file.stat().st_size
    except OSError:
        return 0  # it will be missed when its turn comes


def _has_a_place(name: str) -> bool:
    """A backup may hold a part of this name: the database, the searches, a run's model, a picture."""
    top = name.split("/", maxsplit=1)[0]
    if top == "runs":
        return _RUN_PART.fullmatch(name) is not None
    own = (DATABASE, sweeps.FILE)
    return name in own or not (top in _NO_PICTURES or top.startswith((*own, ".")))


# --- and back ---------------------------------------------------------------------------------------------------------


def restore(source: Path, folder: Path, *, on_progress: OnStage = quiet) -> RestoreReport:
    """Make the workspace of a backup anew in `folder`, all of it or nothing.

    Raises BackupError where the folder holds a workspace already, or the backup is damaged, made by a newer program, or
    holds a file that has no business in a workspace; OutputError where the disk is full.
    """
    folder = given_path(folder).resolve()
    if (folder / DATABASE).exists():
        raise BackupError(f"{folder} already holds a workspace", remedy="restore into another folder: --workspace DIR")
    with open_backup(given_path(source)) as packed:
        _check_parts(packed, folder)
        fresh = not folder.exists()
        draft = folder / DRAFT
        try:
            shutil.rmtree(draft, ignore_errors=True)  # of an attempt that was killed
            draft.mkdir(parents=True)
            _unpack(packed, draft, on_progress)
            missing = _make_ready(packed, draft, folder)
            _move_into_place(draft, folder)
        except OSError as error:
            raise not_written(folder, error) from error
        finally:
            shutil.rmtree(draft, ignore_errors=True)
            if fresh and folder.is_dir() and not any(folder.iterdir()):
                folder.rmdir()
    return RestoreReport(folder, packed.manifest.made_at, packed.manifest.counts, missing)


def _check_parts(packed: Backup, folder: Path) -> None:
    names = packed.manifest.parts.keys()
    strangers = [name for name in names if not _has_a_place(name)]
    if DATABASE not in names or strangers:
        what = f"{strangers[0]!r} has no place in a workspace" if strangers else "it holds no database"
        raise BackupError(f"this backup is not safe to restore: {what}", remedy="use a file that `hmgc backup` wrote")
    in_the_way = [top for top in sorted({name.split("/")[0] for name in names}) if (folder / top).exists()]
    if in_the_way:
        raise BackupError(
            f"{folder / in_the_way[0]} is in the way", remedy="move it away, or restore into another folder"
        )
    above = next(place for place in (folder, *folder.parents) if place.exists())
    free = shutil.disk_usage(above).free
    if free < packed.manifest.size:
        raise BackupError(
            f"the backup needs {packed.manifest.size / 1e9:.1f} GB, and {free / 1e9:.1f} GB are free",
            remedy="free some space, or restore to another disk",
        )


def _unpack(packed: Backup, draft: Path, on_progress: OnStage) -> None:
    done = 0

    def count(size: int) -> None:
        nonlocal done
        done += size
        on_progress(done, packed.manifest.size, "unpacking")

    for name in packed.manifest.parts:
        target = draft / name
        target.parent.mkdir(parents=True, exist_ok=True)
        packed.unpack(name, target, on_bytes=count)


def _make_ready(packed: Backup, draft: Path, folder: Path) -> tuple[Path, ...]:
    """Check the database, bring it up to date, let its paths follow; returns folders of pictures that are not here."""
    ws = workspace.open_workspace(draft)
    try:
        with ws.writing() as connection:
            damage = checks.damage(connection)
            if damage:
                raise BackupError(f"the database in the backup is damaged: {damage[0]}", remedy="use another backup")
            backups.point_elsewhere(connection, Path(packed.manifest.workspace), folder)
            places = images.folders(connection).values()
    finally:
        ws.engine.dispose()
    return tuple(path for path in places if not path.is_relative_to(folder) and not path.is_dir())


def _move_into_place(draft: Path, folder: Path) -> None:
    """Each part takes its name, the database last: a folder without one is no workspace yet."""
    if hasattr(os, "sync"):
        os.sync()  # one flush for a hundred thousand pictures
    tops = sorted((path.name for path in draft.iterdir()), key=lambda name: (name == DATABASE, name))
    moved: list[str] = []
    try:
        for name in tops:
            (draft / name).rename(folder / name)
            moved.append(name)
    except OSError:
        for name in moved:
            (folder / name).rename(draft / name)
        raise
    sync_folder(folder)
