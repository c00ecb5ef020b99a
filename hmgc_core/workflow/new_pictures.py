"""Verbs of pictures that came in after a training: which they are, and having the worker predict them, too."""

from collections.abc import Sequence

from hmgc_core.records import ImageRecord
from hmgc_core.store import images, predictions
from hmgc_core.store import tasks as task_rows
from hmgc_core.store.workspace import Workspace
from hmgc_core.workflow import tasks, training

KIND = "new-pictures"


def lacking(ws: Workspace, run_id: int) -> list[int]:
    """The ids of the images that a finished run has no prediction for, but those it was shown and could not read."""
    with ws.reading() as connection:
        known = task_rows.of_kind(connection, kind=KIND, run_id=run_id)
        unread = {image_id for task in known if task.status == "done" for image_id in task.result["unread"]}
        return [image_id for image_id in predictions.lacking(connection, run_id) if image_id not in unread]


def ask(ws: Workspace, run_id: int) -> int:
    """Have the worker predict the images that a run has no prediction for; returns the task's number.

    Asked once more while it waits or runs, it is the same task. Raises UnknownRun, CheckpointError.
    """
    training.checkpoint_folder(training.run(ws, run_id))
    return tasks.ask(ws, KIND, {}, run_id=run_id, anew=True)


def records(ws: Workspace, image_ids: Sequence[int]) -> list[ImageRecord]:
    """These images, in the order given."""
    with ws.reading() as connection:
        found = images.get_many(connection, image_ids)
    return [found[image_id] for image_id in image_ids if image_id in found]
