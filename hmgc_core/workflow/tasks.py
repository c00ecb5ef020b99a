"""Verbs of tasks: ask the worker for something that takes time, watch it, stop it."""

from pathlib import Path
from typing import Any

from hmgc_core.errors import UnknownTask
from hmgc_core.records import Task
from hmgc_core.store import tasks
from hmgc_core.store.workspace import Workspace

__all__ = ["Task", "active", "ask", "cancel", "newest", "newest_done", "task", "task_folder"]


def ask(ws: Workspace, kind: str, question: dict[str, Any], *, run_id: int | None = None, anew: bool = False) -> int:
    """Ask for a task of a kind of `hmgc_core.tasks`; returns its number.

    The same question is asked once, as long as its task waits, runs or is done; with `anew` once more after its end.
    """
    with ws.writing() as connection:
        for known in tasks.of_kind(connection, kind=kind, run_id=run_id):
            if known.question == question and (known.is_active or (known.status == "done" and not anew)):
                return known.id
        return tasks.add(connection, kind=kind, run_id=run_id, question=question)


def task(ws: Workspace, task_id: int) -> Task:
    """How far a task is, and its result. Raises UnknownTask."""
    with ws.reading() as connection:
        found = tasks.get(connection, task_id)
    if found is None:
        raise UnknownTask(f"there is no task {task_id}", remedy="ask for it again")
    return found


def active(ws: Workspace) -> list[Task]:
    """The tasks of all kinds that wait or run, the oldest first."""
    with ws.reading() as connection:
        return tasks.active(connection)


def newest(ws: Workspace, kind: str, *, run_id: int | None = None) -> Task | None:
    """The newest task of a kind for a run (or for none), however it ended."""
    with ws.reading() as connection:
        return next(iter(tasks.of_kind(connection, kind=kind, run_id=run_id)), None)


def newest_done(ws: Workspace, kind: str, *, run_id: int | None = None) -> Task | None:
    """The newest task of a kind for a run (or for none) that has a result."""
    with ws.reading() as connection:
        known = tasks.of_kind(connection, kind=kind, run_id=run_id)
    return next((one for one in known if one.status == "done"), None)


def cancel(ws: Workspace, task_id: int) -> bool:
    """Ask a task to stop; False where it had ended. Raises UnknownTask."""
    task(ws, task_id)
    with ws.writing() as connection:
        return tasks.request_cancel(connection, task_id)


def task_folder(ws: Workspace, task_id: int) -> Path:
    """Where a task puts its files."""
    return ws.task_folder(task_id)
