"""What a task gets to work with."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hmgc_core.records import Progress, Run, Stopped, Task
from hmgc_core.store.workspace import Workspace
from hmgc_core.workflow import training


@dataclass(frozen=True)
class Job:
    """One task as its function sees it: the question, where its files go, a voice, an ear.

    others_wait: a training waits for this worker; a task of many parts may let it go first, by Stopped.
    """

    ws: Workspace
    task: Task
    report: Callable[[Progress], None]
    should_stop: Callable[[], bool]
    others_wait: Callable[[], bool] = lambda: False

    @property
    def question(self) -> dict[str, Any]:
        """What was asked, as plain JSON."""
        return self.task.question

    @property
    def run(self) -> Run:
        """The run the task is about. Raises UnknownRun where there is none."""
        return training.run(self.ws, self.task.run_id or 0)

    @property
    def folder(self) -> Path:
        """The task's own folder; made when it is first asked for."""
        folder = self.ws.task_folder(self.task.id)
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def step(self, stage: str, done: int, total: int) -> None:
        """Report how far it is, and end here, by Stopped, where somebody asked for it."""
        self.report(Progress(stage, done, total))
        if self.should_stop():
            raise Stopped
