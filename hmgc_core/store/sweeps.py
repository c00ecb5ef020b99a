"""Searches for good settings, kept by Optuna in a file of its own beside the database: `sweeps.db`, in its own schema.

Optuna is imported where it is used: it is asked for by few, and takes a fifth of a second. What was asked stands in the
task (`workflow.sweeps`); here stands what was tried.
"""

import json
import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from hmgc_core.errors import UnknownSweep, WorkspaceError
from hmgc_core.records import OptionValue
from hmgc_core.store.engine import BUSY_TIMEOUT_S
from hmgc_core.store.staging import Staging, place_in

if TYPE_CHECKING:
    import optuna

FILE = "sweeps.db"
# Attributes of a trial and of a study that are ours.
WHY, EPOCHS, AGAIN, ASKED, WEIGHTS = "why", "epochs", "again", "asked", "importances"

State = Literal["waiting", "running", "done", "pruned", "failed"]
MOVE_AWAY = "move it away, or put back one from a backup; a new search then begins a new file"


@dataclass(frozen=True)
class Trial:
    """One training of a search. number counts from 1. values: of the settings that are varied.

    score: `h_recall` on the validation images of the epoch that would be kept, None where there is none yet. epochs:
    the same after each epoch. pruned: ended early, as others were better by then. why: how it ended, in words; of a
    trial that failed or was given up.
    """

    number: int
    state: State
    values: dict[str, OptionValue | int]
    score: float | None = None
    epochs: tuple[float, ...] = ()
    seconds: float | None = None
    why: str = field(default="")


def study(folder: Path, name: str, *, asked: dict[str, Any]) -> "optuna.Study":
    """The study of this name in the workspace's folder, made if there is none. asked: what it is a search for.

    Raises WorkspaceError where the file cannot be used, or its study of this name is another search.
    """
    import optuna  # noqa: PLC0415

    _make(folder / FILE)
    with named_errors(folder):
        found = optuna.create_study(
            storage=_storage(folder / FILE), study_name=name, direction="maximize", load_if_exists=True
        )
        known = found.user_attrs.get(ASKED)
        if known is None and not found.trials:
            found.set_user_attr(ASKED, asked)
        elif known != json.loads(json.dumps(asked)):
            raise WorkspaceError(f"{folder / FILE} holds another search {name!r}", remedy="choose another name")
    return found


def end_running(study: "optuna.Study", *, why: str) -> None:
    """Mark what is running as failed: it belonged to a worker that is no more."""
    import optuna  # noqa: PLC0415

    for one in study.get_trials(deepcopy=False, states=(optuna.trial.TrialState.RUNNING,)):
        left = optuna.trial.Trial(study, one._trial_id)
        left.set_user_attr(WHY, why)
        study.tell(left, state=optuna.trial.TrialState.FAIL)


def trials(folder: Path, name: str) -> tuple[Trial, ...]:
    """What was tried so far, in order. Raises WorkspaceError, and UnknownSweep where nothing has begun."""
    with _read(folder, name) as found:
        return tuple(_trial(one) for one in found.get_trials(deepcopy=False))


def importances(folder: Path, name: str) -> dict[str, float]:
    """How much each setting mattered, as shares; {} while nobody can tell. Raises as `trials` does."""
    with _read(folder, name) as found:
        return {str(key): float(value) for key, value in found.user_attrs.get(WEIGHTS, {}).items()}


def copy(folder: Path, target: Path) -> bool:
    """A consistent copy of the file, however busy it is; False where there is none. Raises WorkspaceError."""
    if not (folder / FILE).exists():
        return False
    with (
        named_errors(folder),
        closing(sqlite3.connect(folder / FILE, timeout=BUSY_TIMEOUT_S)) as live,
        closing(sqlite3.connect(target)) as made,
    ):
        live.backup(made)
    return True


def damage(folder: Path) -> str:
    """What is wrong with the file; "" where all is well or there is none. Raises WorkspaceError for no database."""
    if not (folder / FILE).exists():
        return ""
    with named_errors(folder), closing(sqlite3.connect(folder / FILE, timeout=BUSY_TIMEOUT_S)) as connection:
        said = str(connection.execute("PRAGMA integrity_check(1)").fetchone()[0])
    return "" if said == "ok" else said


@contextmanager
def _read(folder: Path, name: str) -> Iterator["optuna.Study"]:
    import optuna  # noqa: PLC0415

    if not (folder / FILE).exists():
        raise UnknownSweep(f"the file {folder / FILE} is not there", remedy="put it back, or search anew")
    with named_errors(folder):
        try:
            yield optuna.load_study(storage=_storage(folder / FILE), study_name=name)
        except KeyError as error:
            raise UnknownSweep(f"nothing was tried yet for {name!r}", remedy="wait for the worker") from error


def _trial(one: "optuna.trial.FrozenTrial") -> Trial:
    states: dict[str, State] = {"COMPLETE": "done", "PRUNED": "pruned", "FAIL": "failed", "RUNNING": "running"}
    epochs = tuple(value for _, value in sorted(one.intermediate_values.items()))
    values = one.params or one.system_attrs.get("fixed_params", {})
    return Trial(
        number=one.number + 1,
        state=states.get(one.state.name, "waiting"),
        values=dict(values),
        score=one.value if one.state.name == "COMPLETE" else max(epochs, default=None),
        epochs=epochs,
        seconds=one.duration.total_seconds() if one.duration else None,
        why=str(one.user_attrs.get(WHY, "")),
    )


# --- the file ---------------------------------------------------------------------------------------------------------

_open: dict[tuple[str, int], "optuna.storages.RDBStorage"] = {}
_opening = threading.Lock()


def _make(path: Path) -> None:
    """A new file appears with all its tables: two programs that make them in one file are in each other's way.

    It lets readers and a writer work side by side.
    """
    if path.exists():
        return
    with named_errors(path.parent):
        draft = Staging(place_in(path.parent))
        try:
            file = draft.folder / FILE
            made = _connected(file)
            made.remove_session()
            made.engine.dispose()
            with closing(sqlite3.connect(file)) as connection:
                connection.execute("PRAGMA journal_mode=WAL")
            with suppress(FileExistsError):  # another program was quicker: then its file counts
                os.link(file, path)
        finally:
            draft.drop()


def _storage(path: Path) -> "optuna.storages.RDBStorage":
    """One for each file as it is now: a file that took the place of another is another one."""
    key = (str(path), path.stat().st_ino)
    with _opening:
        if key not in _open:
            _open[key] = _connected(path)
        return _open[key]


def _connected(path: Path) -> "optuna.storages.RDBStorage":
    import optuna  # noqa: PLC0415

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    return optuna.storages.RDBStorage(f"sqlite:///{path}", engine_kwargs={"connect_args": {"timeout": BUSY_TIMEOUT_S}})


@contextmanager
def named_errors(folder: Path) -> Iterator[None]:
    """Turn what Optuna and SQLite say of the file into a WorkspaceError that a person can use."""
    import optuna  # noqa: PLC0415
    import sqlalchemy as sa  # noqa: PLC0415

    try:
        yield
    except (optuna.exceptions.StorageInternalError, sa.exc.DatabaseError, sqlite3.DatabaseError, OSError) as error:
        reason = str(getattr(error.__cause__, "orig", None) or getattr(error, "orig", None) or error)
        if "locked" in reason:
            meaning, remedy = "is held by another program", "close that program and try again"
        elif "full" in reason or "No space" in reason:
            meaning, remedy = "cannot grow: the disk is full", "free some disk space and try again"
        elif "readonly" in reason or "unable to open" in reason or isinstance(error, OSError):
            meaning, remedy = "cannot be written", "check that the folder can be written"
        else:
            meaning, remedy = "is damaged", MOVE_AWAY
        raise WorkspaceError(
            f"the file {folder / FILE} of searches {meaning} ({reason[:200]})", remedy=remedy
        ) from error
    except RuntimeError as error:
        if "schema" not in str(error):
            raise
        raise WorkspaceError(
            f"the file {folder / FILE} of searches was made by another version of Optuna", remedy=MOVE_AWAY
        ) from error
