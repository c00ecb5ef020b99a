"""A model for a run that was only made up, and answers to what was asked about its pictures."""

import torch

from hmgc_core.explaining.asked import Asked, write_answer
from hmgc_core.explaining.kinds import KINDS
from hmgc_core.learning.checkpoints import Checkpoint, load_checkpoint, save_checkpoint
from hmgc_core.models.catalog import build_model
from hmgc_core.records import RunConfig
from hmgc_core.store import inspections, jobs
from hmgc_core.workflow import pictures, taxonomies, training
from hmgc_core.workflow.workspaces import Workspace


def model_of_a_new_run(ws: Workspace, model: str = "flat", *, backbone: str = "resnet_mini") -> int:
    """A finished run with untrained weights, for pictures of 32 px; returns its number. It has no predictions."""
    config = RunConfig(model=model, backbone=backbone, image_size=32, epochs=1)
    number = training.queue_run(ws, config)
    finish_with_model(ws, number, config)
    return number


def finish_with_model(ws: Workspace, number: int, config: RunConfig) -> None:
    """End a run that waits, with untrained weights."""
    torch.manual_seed(number)
    taxonomy = taxonomies.current_taxonomy(ws)[1]
    weights = build_model(config.model, taxonomy, config).state_dict()
    folder = ws.run_folder(number) / "checkpoint"
    folder.parent.mkdir(parents=True, exist_ok=True)
    save_checkpoint(folder, config=config, taxonomy=taxonomy, weights=weights, epoch=0, metrics={})
    with ws.writing() as connection:
        jobs.claim(connection, owner="test", lease_s=60)
        jobs.finish(connection, number, owner="test", status="done", checkpoint=str(folder))


def checkpoint_of(ws: Workspace, run_id: int) -> Checkpoint:
    """The model of a finished run."""
    return load_checkpoint(training.checkpoint_folder(training.run(ws, run_id)))


def answer_all(ws: Workspace) -> int:
    """Answer all that was asked of the inspector, as it would; returns how much it was."""
    count = 0
    while True:
        with ws.reading() as connection:
            asked = inspections.next_queued(connection)
        if asked is None:
            return count
        folder = ws.inspection_folder(asked.id)
        folder.mkdir(parents=True, exist_ok=True)
        run = training.run(ws, asked.run_id)
        image = pictures.image(ws, asked.image_id)
        checkpoint = checkpoint_of(ws, asked.run_id)
        write_answer(folder, KINDS[asked.kind](Asked(ws, run, checkpoint, image, asked.question, folder)))
        with ws.writing() as connection:
            inspections.finish(connection, asked.id)
        count += 1
