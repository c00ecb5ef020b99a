"""One task from its claim to its end: whatever happens, its row says how it ended."""

import shutil
import threading
import traceback
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from hmgc_core.errors import HmgcError, OutOfMemory, UnknownTask
from hmgc_core.heartbeat import Heart
from hmgc_core.records import Progress, Stopped
from hmgc_core.store import jobs, schema, tasks
from hmgc_core.store.workspace import Workspace
from hmgc_core.tasks.job import Job
from hmgc_core.tasks.kinds import KEPT, KINDS
from hmgc_core.tasks.pace import Pace
from hmgc_core.workflow.tasks import task

TRIES = 3  # a task that ends its worker each time, as one that fills the memory does, is given up


def carry_out(
    ws: Workspace,
    task_id: int,
    owner: str,
    stopping: threading.Event,
    *,
    watch: Callable[[Progress], None] = lambda _progress: None,
    others_wait: Callable[[], bool] = lambda: False,
) -> None:
    """Do a claimed task. A stop of the worker gives it back to the queue; it begins anew then.

    watch: is told the progress, as the task's row is. others_wait: see `Job`.
    """
    heart = Heart(ws, task_id, owner, of=schema.task)
    pace = Pace()

    def report(progress: Progress) -> None:
        heart.columns = tasks.report(pace.with_time_left(progress))
        watch(progress)

    def should_stop() -> bool:
        return stopping.is_set() or heart.cancelled or heart.lost

    ended: tuple[str, dict[str, Any]] | None
    with heart.beating():
        try:
            with ws.reading() as connection:
                tries = tasks.attempts(connection, task_id)
            if tries > TRIES:
                raise OutOfMemory(
                    f"the worker ended {TRIES} times while it did this", remedy="give it more memory, or ask for less"
                )
            job = Job(ws, task(ws, task_id), report, should_stop, others_wait)
            ended = ("done", {"result": _function(job)(job), "progress": 1.0, "stage": "done"})
        except Stopped:
            ended = ("cancelled", {"stage": "stopped"}) if heart.cancelled else None
        except HmgcError as error:
            ended = ("failed", {"error": str(error), "remedy": error.remedy})
        except Exception as error:
            remedy = f"this is a fault of the program; {_kept_traceback(ws, task_id)} tells more"
            ended = ("failed", {"error": f"{type(error).__name__}: {error}"[:500], "remedy": remedy})
    _end(ws, task_id, owner, ended)


def _end(ws: Workspace, task_id: int, owner: str, ended: tuple[str, dict[str, Any]] | None) -> None:
    """Write down how it ended, None for given back; and let go of what is too old to be asked for."""
    with ws.writing() as connection:
        if ended is None:
            # A worker that ends in order has not failed at the task: this was no try.
            tried = {"attempts": schema.task.c.attempts - 1}
            jobs.release(connection, task_id, owner=owner, of=schema.task, **tried)
            return
        status, columns = ended
        jobs.finish(connection, task_id, owner=owner, status=status, of=schema.task, **columns)
        forgotten = [n for kind, keep in KEPT.items() for n in tasks.forget(connection, kind=kind, keep=keep)]
    for number in forgotten:
        shutil.rmtree(ws.task_folder(number), ignore_errors=True)


def _function(job: Job) -> Any:
    if job.task.kind not in KINDS:
        raise UnknownTask(f"there is no task of kind {job.task.kind!r}", remedy="this worker is older than the app")
    return KINDS[job.task.kind]


def _kept_traceback(ws: Workspace, task_id: int) -> str:
    file = ws.task_folder(task_id) / "traceback.txt"
    with suppress(OSError):  # a full disk shall not hide how the task ended
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(traceback.format_exc())
    return str(file)
