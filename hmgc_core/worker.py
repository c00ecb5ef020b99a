"""The worker: claims queued runs, trains them, has them predict; and carries out tasks. A process of its own.

It has a door to both wings: labels come from `workflow`, learning happens in `learning`. A thread beside the work
(`heartbeat`) keeps the lease alive, carries the progress into the database, and notices when somebody asks for a stop.
"""

import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from hmgc_core import settings
from hmgc_core.ending import stop_on_signals
from hmgc_core.errors import Diverged, HmgcError, OthersGone, OutOfMemory
from hmgc_core.evaluation import predict_all, without_nan
from hmgc_core.heartbeat import Heart, lease_s
from hmgc_core.learning.checkpoints import load_checkpoint
from hmgc_core.learning.heads import fit_head
from hmgc_core.learning.processes import ALONE, Processes
from hmgc_core.learning.together import Training, call_in
from hmgc_core.learning.training import FitResult, fit
from hmgc_core.presence import owner_name, present
from hmgc_core.records import EpochMetrics, Progress, Run, Stopped
from hmgc_core.store import jobs, runs, schema
from hmgc_core.store.workspace import Workspace
from hmgc_core.tasks.carrying_out import carry_out
from hmgc_core.tasks.kinds import KINDS, LONG
from hmgc_core.workflow import tasks, training
from hmgc_core.workflow.training import RunLabels

IDLE_S = 0.5


def work(ws: Workspace, *, once: bool = False, processes: Processes = ALONE) -> None:
    """Carry out tasks and train what is queued, oldest first, until SIGINT or SIGTERM.

    Short tasks, which somebody waits for, come first, then trainings, then tasks that take as long as those. With
    `once`: until nothing waits. A stop saves the state of the running training and gives it back to the queue.
    processes: those that train together; this one is the first, the others have called `join_in`.
    """
    stopping = threading.Event()
    stop_on_signals(stopping)
    threads = int(settings.setting("HMGC_THREADS"))
    if threads:
        torch.set_num_threads(max(1, threads // processes.count))
    owner = owner_name()
    with present(ws, "worker", owner), _letting_go(processes):
        while not stopping.is_set():
            with ws.writing() as connection:
                told: dict[str, Any] = {"owner": owner, "lease_s": lease_s()}
                task_id = jobs.claim(connection, of=schema.task, kinds=set(KINDS) - LONG, **told)
                run_id = None if task_id else jobs.claim(connection, **told)
                if task_id is None and run_id is None:
                    task_id = jobs.claim(connection, of=schema.task, **told)
            if task_id is not None:
                with _short_tasks_beside(ws, owner, stopping):
                    carry_out(ws, task_id, owner, stopping, others_wait=lambda: _a_run_waits(ws))
            elif run_id is not None:
                with _short_tasks_beside(ws, owner, stopping):
                    _Attempt(ws, training.run(ws, run_id), owner, stopping, processes).carry_out()
            elif once:
                return
            else:
                stopping.wait(IDLE_S)


def _a_run_waits(ws: Workspace) -> bool:
    with ws.reading() as connection:
        return jobs.is_waiting(connection)


@contextmanager
def _letting_go(processes: Processes) -> Iterator[None]:
    """After the block the other processes may go home. After an error they hear nothing more: torchrun ends them."""
    yield
    call_in(processes, None)


@contextmanager
def _short_tasks_beside(ws: Workspace, owner: str, stopping: threading.Event) -> Iterator[None]:
    """While the block runs, a thread carries out the short tasks: who waits for a map is not to wait for a training."""
    short = set(KINDS) - LONG
    end = threading.Event()

    def look() -> None:
        while not (end.wait(IDLE_S) or stopping.is_set()):
            with suppress(HmgcError):  # the database is busy or full: the next look tries again
                with ws.writing() as connection:
                    task_id = jobs.claim(connection, owner=owner, lease_s=lease_s(), of=schema.task, kinds=short)
                if task_id is not None:
                    carry_out(ws, task_id, owner, stopping)

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield
    finally:
        end.set()
        thread.join()


def wait_for(ws: Workspace, run_id: int, *, on_progress: Callable[[int, int, str], None]) -> None:
    """Wait until a run has ended; train it in this process where no worker is there to do so."""
    owner = owner_name()
    stopping = threading.Event()
    while (run := training.run(ws, run_id)).is_active:
        on_progress(round(run.progress * 100), 100, f"Run {run_id}: {run.stage or run.status}")
        if run.status == "queued" and not training.services(ws)["worker"]:
            with ws.writing() as connection:
                claimed = jobs.claim(connection, owner=owner, lease_s=lease_s(), only=run_id)
            if claimed:
                stop_on_signals(stopping)
                attempt = _Attempt(ws, training.run(ws, run_id), owner, stopping)
                attempt.watch = lambda p: on_progress(p.done, p.total, f"Run {run_id}: {p.stage}")
                attempt.carry_out()
                if stopping.is_set():
                    return
        time.sleep(IDLE_S)


def wait_for_task(ws: Workspace, task_id: int, *, on_progress: Callable[[int, int, str], None]) -> None:
    """Wait until a task has ended; carry it out in this process where no worker is there to do so."""
    owner = owner_name()
    stopping = threading.Event()
    while (task := tasks.task(ws, task_id)).is_active:
        on_progress(round(task.progress * 100), 100, task.stage or task.status)
        if task.status == "queued" and not training.services(ws)["worker"]:
            with ws.writing() as connection:
                claimed = jobs.claim(connection, owner=owner, lease_s=lease_s(), only=task_id, of=schema.task)
            if claimed:
                stop_on_signals(stopping)
                carry_out(ws, task_id, owner, stopping, watch=lambda p: on_progress(p.done, p.total, p.stage))
                if stopping.is_set():
                    return
        time.sleep(IDLE_S)


# --- one attempt at one run -------------------------------------------------------------------------------------------


@dataclass
class _Attempt:
    """One worker's try at one run, from the claim to its end."""

    ws: Workspace
    run: Run
    owner: str
    stopping: threading.Event
    processes: Processes = ALONE
    watch: Callable[[Progress], None] = lambda _progress: None

    def carry_out(self) -> None:
        """Train, predict, store; whatever happens, the run's row says how it ended.

        Raises SystemExit where other processes learn too and did not meet the same error: they wait for a step that
        does not come.
        """
        self._out_of_step = False
        self.heart = Heart(self.ws, self.run.id, self.owner, of=schema.run)
        with self.heart.beating():
            try:
                ended = self._train_and_predict()
            except Diverged as error:
                ended = ("failed", {"error": str(error), "remedy": error.remedy, "checkpoint": error.checkpoint})
            except HmgcError as error:
                self._out_of_step = isinstance(error, OutOfMemory | OthersGone)
                ended = ("failed", {"error": str(error), "remedy": error.remedy})
            except Exception as error:
                self._out_of_step = True
                self._keep_traceback()
                remedy = f"this is a fault of the program; {self._traceback_file} tells more"
                ended = ("failed", {"error": f"{type(error).__name__}: {error}"[:500], "remedy": remedy})
        if ended is None:
            with self.ws.writing() as connection:
                jobs.release(connection, self.run.id, owner=self.owner)
            return
        status, columns = ended
        with self.ws.writing() as connection:
            jobs.finish(connection, self.run.id, owner=self.owner, status=status, **columns)
        if self._out_of_step and self.processes.count > 1:
            raise SystemExit(f"run {self.run.id}: {columns['error']}. The other processes cannot go on from here.")

    def _train_and_predict(self) -> tuple[str, dict[str, Any]] | None:
        """(status, columns of the run), or None when the run goes back to the queue."""
        labels = training.run_labels(self.ws, self.run)
        result = self._fit(labels)
        if result.stopped or result.checkpoint is None:
            return self._stopped()
        try:
            metrics, skips = predict_all(
                self.ws,
                self.run,
                labels,
                load_checkpoint(result.checkpoint),
                on_progress=self._report,
                should_stop=self._should_stop,
            )
        except Stopped:
            return self._stopped()
        return "done", {
            "progress": 1.0,
            "stage": "done",
            "metrics": metrics,
            "remarks": list(dict.fromkeys([*labels.remarks, *result.remarks, *skips])),
            "checkpoint": str(result.checkpoint),
        }

    def _fit(self, labels: RunLabels) -> FitResult:
        config = self.run.config
        told: dict[str, Any] = {
            "folder": self.ws.run_folder(self.run.id),
            "cache": self.ws.cache,
            "on_progress": self._report,
            "on_epoch": self._keep_epoch,
            "should_stop": self._should_stop,
        }
        given = (config, labels.taxonomy, labels.train, labels.val)
        if config.freeze_backbone:
            return fit_head(*given, start=training.checkpoint_folder(training.start_of(self.ws, config)), **told)
        call_in(self.processes, Training(*given, folder=told["folder"], cache=told["cache"]))
        return fit(*given, processes=self.processes, **told)

    def _stopped(self) -> tuple[str, dict[str, Any]] | None:
        return (
            ("cancelled", {**self.heart.columns, "stage": "stopped", "left_s": None}) if self.heart.cancelled else None
        )

    def _should_stop(self) -> bool:
        return self.stopping.is_set() or self.heart.cancelled or self.heart.lost

    def _report(self, progress: Progress) -> None:
        self.heart.columns = jobs.report(progress)
        self.watch(progress)

    def _keep_epoch(self, metrics: EpochMetrics) -> None:
        with self.ws.writing() as connection:
            runs.add_epoch(connection, self.run.id, replace(metrics, metrics=without_nan(metrics.metrics)))

    @property
    def _traceback_file(self) -> Path:
        return self.ws.run_folder(self.run.id) / "traceback.txt"

    def _keep_traceback(self) -> None:
        with suppress(OSError):  # a full disk shall not hide how the run ended
            self._traceback_file.parent.mkdir(parents=True, exist_ok=True)
            self._traceback_file.write_text(traceback.format_exc())
