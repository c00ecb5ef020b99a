"""Score-CAM heatmaps of one picture: too slow for somebody to wait at the inspector's door."""

from typing import Any

from hmgc_core.errors import PictureError
from hmgc_core.learning.cam_score import score_cam
from hmgc_core.learning.cam_told import held_against, tell
from hmgc_core.learning.checkpoints import load_checkpoint
from hmgc_core.learning.pixel_cache import decode_pictures
from hmgc_core.tasks.job import Job
from hmgc_core.workflow import pictures, training

ASKING = "asking the model about masked pictures"


def carry_out(job: Job) -> dict[str, Any]:
    """As `explaining.heatmaps`, of the question {"image_id", "nodes", and perhaps "layer", "against" or "siblings"}.

    Raises BadConfig, UnknownNode, UnknownImage, PictureError, CheckpointError.
    """
    question = job.question
    checkpoint = load_checkpoint(training.checkpoint_folder(job.run))
    path = pictures.image(job.ws, question["image_id"]).path
    decoded = decode_pictures([path], size=checkpoint.config.image_size, folder=job.ws.cache)
    if decoded.skipped:
        raise PictureError(f"cannot read {path}: {decoded.skipped[0].reason}", remedy="put the picture back")
    nodes = [checkpoint.taxonomy.index(key) for key in question["nodes"]]
    found = score_cam(
        checkpoint.model,
        decoded.take([0])[0],
        nodes,
        against=held_against(checkpoint.taxonomy, question, nodes),
        layer=question.get("layer", ""),
        on_step=lambda done, total: job.step(ASKING, done, total),
    )
    return tell(checkpoint, nodes, found, job.folder)
