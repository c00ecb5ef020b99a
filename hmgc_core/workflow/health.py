"""Verbs that say what is wrong with a workspace, in plain words, and mend what can be made anew."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa

from hmgc_core.checkpoint_files import MANIFEST, check_files
from hmgc_core.errors import CheckpointError, WorkspaceError
from hmgc_core.records import ImageRecord, Run
from hmgc_core.store import annotations, backups, checks, images, labellings, runs, sweeps
from hmgc_core.store.workspace import RESTORE, Workspace
from hmgc_core.workflow.training import services

START_S = 3.0  # longest look at the database before the app starts; it takes a fraction of that where nothing is wrong
LOOKED_AT = 300  # pictures
REPAIR = "hmgc doctor --repair"


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at. remedy is "" where all is well; where it is REPAIR, `repair` mends it."""

    what: str
    state: str
    remedy: str = ""


def require_sound(ws: Workspace) -> None:
    """Raise WorkspaceError where the database is damaged in a table that nobody can make again: best not go on with it.

    Bounded by START_S: `doctor` looks at everything.
    """
    with ws.reading() as connection:
        found = checks.damage_of_essentials(connection, budget_s=START_S)
    if found:
        raise WorkspaceError(f"the database in {ws.folder} is damaged: {found[0]}", remedy=RESTORE)


def at_start(ws: Workspace) -> list[Finding]:
    """What a person should know before the work begins; empty where all is well. Opens no picture, hashes no model.

    Raises WorkspaceError where the database is damaged.
    """
    require_sound(ws)
    moved = _moved(ws)
    places = [] if moved else [*_folders(ws), *_models(ws, _missing_model)]
    return [finding for finding in (*moved, *_counts(ws, checks.wrong_sums), *places) if finding.remedy]


def missing_pictures(ws: Workspace, *, most: int = LOOKED_AT) -> list[Finding]:
    """Whether picture files have gone, by a look at some of them: [] where these are there. It takes milliseconds."""
    with ws.reading() as connection:
        found = _missing(images.some_images(connection, most))
    return [found] if found.remedy else []


def doctor(ws: Workspace) -> list[Finding]:
    """Examine all: the database, what follows from the labels, pictures, models, the disk, the services."""
    looks: dict[str, Callable[[Workspace], list[Finding]]] = {
        "database": _database,
        "rows": _sizes,
        "kept counts": lambda ws: _counts(ws, checks.wrong_counts),
        "words": _words,
        "labellings": _labellings,
        "place": _moved,
        "folders": _folders,
        "picture files": _picture_files,
        "models": lambda ws: _models(ws, _damaged_model),
        "searches": _searches,
        "disk": _disk,
        "services": _services,
    }
    findings = []
    for what, look in looks.items():
        try:
            findings += look(ws)
        except WorkspaceError as error:  # a damaged database answers some questions and not others
            findings.append(Finding(what, str(error), error.remedy))
    return findings


def repair(ws: Workspace) -> None:
    """Make every kept count and word anew from the statements, and let paths follow a workspace that was moved."""
    with ws.writing() as connection:
        annotations.rebuild(connection)
        for old in backups.former_places(connection, ws.folder):
            backups.point_elsewhere(connection, old, ws.folder)


# --- the database -----------------------------------------------------------------------------------------------------


def _database(ws: Workspace) -> list[Finding]:
    with ws.reading() as connection:
        damage = checks.damage(connection)
    return [Finding("database", "; ".join(damage[:3]) or "sound", RESTORE if damage else "")]


def _sizes(ws: Workspace) -> list[Finding]:
    with ws.reading() as connection:
        sizes = checks.sizes(connection)
    return [Finding("rows", ", ".join(f"{count} {name}s" for name, count in sizes.items()))]


def _counts(ws: Workspace, look: Callable[[sa.Connection], list[str]]) -> list[Finding]:
    with ws.reading() as connection:
        wrong = look(connection)
    return [Finding("kept counts", "; ".join(wrong) or "agree with the labels", REPAIR if wrong else "")]


def _words(ws: Workspace) -> list[Finding]:
    with ws.reading() as connection:
        wrong = annotations.wrong_words(connection)
    state = f"{wrong} are not the last statement of their annotator" if wrong else "are the last statements"
    return [Finding("words", state, REPAIR if wrong else "")]


def _searches(ws: Workspace) -> list[Finding]:
    wrong = sweeps.damage(ws.folder)
    return [Finding("searches", wrong or "sound", sweeps.MOVE_AWAY if wrong else "")]


def _labellings(ws: Workspace) -> list[Finding]:
    with ws.reading() as connection:
        count, wrong = len(labellings.all_labellings(connection)), labellings.damage(connection)
    if not count:
        return []
    state = "; ".join(wrong) or f"{count}, each as it was made"
    return [Finding("labellings", state, "restore a backup, or make new ones: hmgc relabel" if wrong else "")]


# --- what lies beside it ----------------------------------------------------------------------------------------------


def _moved(ws: Workspace) -> list[Finding]:
    with ws.reading() as connection:
        places = backups.former_places(connection, ws.folder)
    return [Finding("place", f"the workspace was moved here from {old}, its paths were not", REPAIR) for old in places]


def _folders(ws: Workspace) -> list[Finding]:
    with ws.reading() as connection:
        paths = images.folders(connection).values()
    return [_folder_finding(path) for path in paths]


def _folder_finding(path: Path) -> Finding:
    gone = not path.is_dir()
    remedy = "put it back, or point the workspace to its new place on the pictures page"
    return Finding(f"folder {path}", "gone" if gone else "there", remedy if gone else "")


def _picture_files(ws: Workspace) -> list[Finding]:
    with ws.reading() as connection:
        return [_missing(images.all_images(connection))]


def _missing(records: list[ImageRecord]) -> Finding:
    missing = [record.path for record in records if not record.path.exists()]
    state = f"{len(missing)} of {len(records)} are missing, the first is {missing[0]}" if missing else "all there"
    remedy = "put them back, or point the workspace to the moved folder on the pictures page"
    return Finding("picture files", state, remedy if missing else "")


def _models(ws: Workspace, problem: Callable[[Path], str]) -> list[Finding]:
    with ws.reading() as connection:
        kept = [run for run in runs.all_runs(connection) if run.checkpoint]
    wrong = [_model_finding(run, words) for run in kept if (words := problem(Path(run.checkpoint)))]
    return wrong or [Finding("models", f"{len(kept)} there" if kept else "none yet")]


def _model_finding(run: Run, words: str) -> Finding:
    remedy = "restore it from a backup, or train again; its predictions are still there"
    return Finding(f"model of run {run.id}", words, remedy)


def _missing_model(checkpoint: Path) -> str:
    return "" if (checkpoint / MANIFEST).is_file() else f"it is missing: there is no checkpoint in {checkpoint}"


def _damaged_model(checkpoint: Path) -> str:
    try:
        check_files(checkpoint)
    except CheckpointError as error:
        return str(error)
    return ""


# --- the machine ------------------------------------------------------------------------------------------------------


def _disk(ws: Workspace) -> list[Finding]:
    free_gb = shutil.disk_usage(ws.folder).free / 1e9
    return [Finding("disk", f"{free_gb:.1f} GB free", "free some space" if free_gb < 1 else "")]


def _services(ws: Workspace) -> list[Finding]:
    return [
        Finding(name, "running" if there else "not running", "" if there else f"hmgc {name}, or make run")
        for name, there in services(ws).items()
    ]
