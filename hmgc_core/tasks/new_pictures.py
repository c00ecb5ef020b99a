"""The task of pictures that came in after a training: the run predicts them, too."""

from typing import Any

from hmgc_core.evaluation import predict_new
from hmgc_core.tasks.job import Job
from hmgc_core.workflow import new_pictures


def predict(job: Job) -> dict[str, Any]:
    """Predict what the run has no prediction for: {"predicted": how many, "unread": ids of those it cannot read}.

    Raises UnknownRun, CheckpointError, DeviceError, OutOfMemory.
    """
    images = new_pictures.records(job.ws, new_pictures.lacking(job.ws, job.run.id))
    if not images:
        return {"predicted": 0, "unread": []}
    unread = predict_new(job.ws, job.run, images, on_progress=job.report, should_stop=job.should_stop)
    return {"predicted": len(images) - len(unread), "unread": unread}
