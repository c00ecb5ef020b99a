"""Verbs of learning from new labels in seconds: which run can be gone on from, what a training of its head is asked.

Only the head learns; what the run's trunk sees in the pictures stays (`learning.heads`).
"""

from dataclasses import dataclass, replace

from hmgc_core.checkpoint_files import MANIFEST, read_manifest, trunk_of
from hmgc_core.errors import CheckpointError, HmgcError, NotTrainable
from hmgc_core.feature_files import count
from hmgc_core.models.catalog import NO_HEAD, check_head
from hmgc_core.records import Run, RunConfig
from hmgc_core.store import annotations
from hmgc_core.store.workspace import Workspace
from hmgc_core.workflow import training

STEPS = 300  # a head has learned what it can by then
STEPS_PER_EPOCH = 25
FEWEST_EPOCHS, MOST_EPOCHS = 12, 60
SMALLEST_BATCH, LARGEST_BATCH = 16, 4096

# About how long it takes: in all, a label in an epoch, a prediction from features, a look at a picture of 64 px.
BEFORE_S, STEP_S, PREDICTION_S, LOOK_S = 1.0, 3e-5, 3e-4, 6e-3


@dataclass(frozen=True)
class Offer:
    """What learning anew would start from, and what is new since that run was queued.

    new, gone: labels on training pictures that were made, and older ones that were taken back; labels: all there are.
    seen: at how many pictures its trunk has looked so far. obstacle: why not now, or "".
    """

    run: Run
    new: int
    gone: int
    seen: int
    labels: int
    obstacle: str = ""

    def unseen(self, pictures: int) -> int:
        """How many of the workspace's pictures it looks at first."""
        return max(0, pictures - self.seen)

    def seconds(self, pictures: int) -> float:
        """About how long it takes on two processor cores, from the measures of benchmarks/quick_retrain.py."""
        steps = self.labels * _steps(self.labels)[0] * STEP_S
        size = (self.run.config.image_size / 64) ** 2
        return BEFORE_S + steps + pictures * PREDICTION_S + self.unseen(pictures) * size * LOOK_S


def offer(ws: Workspace) -> Offer | None:
    """The newest finished run whose head can learn alone, and what is new since; None where there is no such run.

    Runs of a labelling are left out, as they did not learn what people said, and those that were set aside.
    """
    runs = training.all_runs(ws)
    start = next((run for run in runs if run.suggests and _can_start(run) and not run.config.labelling), None)
    if start is None:
        return None
    with ws.reading() as connection:
        newest = annotations.last_id(connection)
        new, gone = annotations.taught_since(connection, start.last_annotation_id)
    told = Offer(start, new, gone, _seen(ws, start), _taught(ws))
    if not new and not gone:
        return replace(told, obstacle=f"Run {start.id} knows every label there is.")
    at_it = next(
        (run for run in runs if run.is_active and not run.config.labelling and run.last_annotation_id >= newest), None
    )
    return replace(told, obstacle=f"Run {at_it.id} learns from them already." if at_it else "")


def start_for(ws: Workspace, model: str, *, backbone: str = "", image_size: int = 0) -> Run:
    """The newest finished run of this model, and of this backbone and size where they are given.

    Raises BadConfig for a model whose head cannot learn alone, NotTrainable where there is no such run.
    """
    if model in NO_HEAD:
        check_head(RunConfig(model=model), RunConfig())
    for run in training.all_runs(ws):
        fits = run.config.model == model and backbone in ("", run.config.backbone)
        if _can_start(run) and fits and image_size in (0, run.config.image_size):
            return run
    wanted = f"{model} on {backbone}" if backbone else model
    raise NotTrainable(
        f"there is no finished run of {wanted} to start from",
        remedy="train one whole first, or name another run with --from",
    )


def config_from(ws: Workspace, start: Run, *, model: str = "") -> RunConfig:
    """What a training of a head on a run's trunk is asked to do: its settings, and as many steps as a head needs.

    model: another one than the run's, on the same trunk.
    """
    of = start.config
    known = [option.name for option in training.options_of(model or of.model, of.backbone)]
    epochs, batch_size = _steps(_taught(ws))
    return replace(
        of,
        model=model or of.model,
        options={name: value for name, value in of.options.items() if name in known},
        epochs=epochs,
        batch_size=batch_size,
        lr=RunConfig.lr,
        weights="",
        freeze_backbone=True,
        start_from=start.id,
    )


def queue(ws: Workspace, start_from: int) -> int:
    """Queue a training of this run's head on the labels as they are now; returns its number.

    Raises UnknownRun, CheckpointError, BadConfig, NotTrainable.
    """
    return training.queue_run(ws, config_from(ws, training.run(ws, start_from)))


def _can_start(run: Run) -> bool:
    if run.status != "done" or run.config.model in NO_HEAD:
        return False
    try:
        return (training.checkpoint_folder(run) / MANIFEST).exists()
    except HmgcError:
        return False


def _seen(ws: Workspace, run: Run) -> int:
    try:
        return count(ws.cache, trunk_of(read_manifest(training.checkpoint_folder(run))))
    except CheckpointError:
        return 0


def _taught(ws: Workspace) -> int:
    """How many labels on training pictures there are."""
    with ws.reading() as connection:
        return sum(total for _, _, split, total in annotations.tallies(connection) if split == "train")


def _steps(labels: int) -> tuple[int, int]:
    """(epochs, batch size) for about STEPS steps on so many labels."""
    batch = SMALLEST_BATCH
    while 2 * batch * STEPS_PER_EPOCH <= labels and batch < LARGEST_BATCH:
        batch *= 2
    per_epoch = max(1, -(-labels // batch))
    return min(MOST_EPOCHS, max(FEWEST_EPOCHS, round(STEPS / per_epoch))), batch
