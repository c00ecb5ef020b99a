"""Train a model on labels at any node of a tree. It can be stopped at any batch and goes on exactly there."""

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch

from hmgc_core.errors import BadConfig, Diverged
from hmgc_core.learning.averaging import AveragedModel
from hmgc_core.learning.batches import TrainingSet, fingerprint, left_out_as_coarse, training_set
from hmgc_core.learning.checkpoints import save_checkpoint
from hmgc_core.learning.devices import ComputeDevice, fitting_threads, memory_told, pick_device
from hmgc_core.learning.epochs import EpochLoop
from hmgc_core.learning.features import Pictures
from hmgc_core.learning.inference import answer_calibration, evaluation_batch, measure
from hmgc_core.learning.pixel_cache import Pixels, Skipped, decode_pictures
from hmgc_core.learning.processes import ALONE, Processes
from hmgc_core.learning.pseudo_labels import PseudoLabels
from hmgc_core.learning.resume import ResumeFile, TrainingState, weights_of
from hmgc_core.metrics.words import number
from hmgc_core.models.base import HierarchicalModel, Trunk
from hmgc_core.models.catalog import READY_MADE, build_model
from hmgc_core.models.options import without_files
from hmgc_core.recipes import switches_of
from hmgc_core.records import IS, NONE_HERE, EpochMetrics, Progress, RunConfig, Sample, Stopped
from hmgc_core.taxonomy import Taxonomy

# Settings that the first version did not have: at their default they are no part of a run's name.
LATER = frozenset({"drop_coarse", "options", "recipe", "switches", "freeze_backbone", "start_from"})


@dataclass(frozen=True)
class FitResult:
    """How a run ended. stopped: `should_stop` said yes, and `fit` with the same folder goes on. Then the rest is empty.

    checkpoint: the folder to load. epoch, metrics: of the kept weights, on the validation images. skipped: pictures
    that could not be read. remarks: for people.
    """

    stopped: bool
    checkpoint: Path | None = None
    epoch: int | None = None
    metrics: dict[str, Any] | None = None
    skipped: tuple[Skipped, ...] = ()
    remarks: tuple[str, ...] = ()


def fit(
    config: RunConfig,
    taxonomy: Taxonomy,
    train: Sequence[Sample],
    valid: Sequence[Sample],
    *,
    folder: Path,
    cache: Path,
    on_progress: Callable[[Progress], None] = lambda _: None,
    on_epoch: Callable[[EpochMetrics], None] = lambda _: None,
    should_stop: Callable[[], bool] = lambda: False,
    epoch_size: int | None = None,
    processes: Processes = ALONE,
) -> FitResult:
    """Train `config.model` and leave the best epoch as a checkpoint in `folder`/checkpoint.

    A model that has nothing to learn is measured and kept as it is built; it needs no labels.
    folder: this run's own; holds its state while unfinished. cache: decoded pictures, shared by all runs. epoch_size:
    pictures in an epoch, None for each sample once; fewer samples come again, so that two trainings take equal steps.
    processes: who learns together; all have to call this with equal arguments, and only the first is told and asked.
    Best is the largest `h_recall` on the validation images, the later epoch at a tie; without any, the last epoch.
    Raises NotTrainable where the labels teach nothing, Diverged where the loss is no longer a number (with the best
    epoch before that as a checkpoint, if there was one), DeviceError, OutOfMemory, WeightsError, UnknownModel,
    WorkspaceError where the disk is full, BadConfig where only the head is to learn (that is `heads.fit_head`).
    """
    if config.freeze_backbone:
        raise BadConfig("only the head is to learn", remedy="let it start from a checkpoint, or train all of the model")
    file = ResumeFile(folder)
    what = f"training {config.model} on {config.backbone} with {config.batch_size} pictures of {config.image_size} px"
    told: dict[str, Any] = {"on_progress": on_progress, "should_stop": should_stop}
    try:
        with (
            processes.watched(),
            memory_told(f"{what} at a time", "choose a smaller batch size, smaller pictures or a smaller backbone"),
        ):
            if config.model in READY_MADE:
                return processes.from_first(
                    lambda: _keep_as_built(config, taxonomy, valid, folder=folder, cache=cache, **told)
                )
            told |= {"epoch_size": epoch_size, "processes": processes}
            loop = _prepare(config, taxonomy, train, valid, file=file, cache=cache, **told)
            with fitting_threads(loop.state.model, config, loop.compute):
                return trained(loop, on_epoch, folder=folder)
    except Stopped:
        return FitResult(stopped=True)


def trained(loop: EpochLoop, on_epoch: Callable[[EpochMetrics], None], *, folder: Path) -> FitResult:
    """Train what is left of a loop and leave its best epoch as a checkpoint in `folder`/checkpoint.

    Raises Stopped, with the state saved, and Diverged.
    """
    diverged = _train(loop, on_epoch)
    best, calibration = loop.best(), loop.calibration()
    checkpoint = loop.processes.from_first(
        lambda: save_checkpoint(
            folder / "checkpoint",
            config=loop.config,
            taxonomy=loop.state.model.taxonomy,
            weights={**loop.frozen, **best.weights},
            epoch=best.epoch,
            metrics=best.metrics,
            calibration=calibration,
            trunk=loop.trunk,
        )
    )
    if diverged:
        raise _kept_before(diverged, best.epoch, checkpoint) from diverged
    return FitResult(
        stopped=False,
        checkpoint=checkpoint,
        epoch=best.epoch,
        metrics=best.metrics,
        skipped=loop.data.pixels.skipped,
        remarks=(*loop.file.remarks, *loop.state.remarks),
    )


def _kept_before(diverged: Diverged, epoch: int, checkpoint: Path) -> Diverged:
    """The same error, told with what there is to use."""
    kept = f"{diverged}; the model of epoch {epoch + 1} is kept"
    return Diverged(kept, remedy=diverged.remedy, checkpoint=str(checkpoint))


def _train(loop: EpochLoop, on_epoch: Callable[[EpochMetrics], None]) -> Diverged | None:
    """All epochs that are left. Gives back the error that ended them early, if an epoch before it can be kept."""
    try:
        while loop.state.epoch < loop.config.epochs:
            loop.train_one_epoch()
            metrics = loop.measure()
            loop.keep_if_best(metrics)
            loop.processes.from_first(partial(on_epoch, loop.close_epoch(metrics)))
            loop.save_now_and_then()
    except Diverged as error:
        if loop.state.best is None:
            raise
        return error
    return None


def _keep_as_built(
    config: RunConfig,
    taxonomy: Taxonomy,
    valid: Sequence[Sample],
    *,
    folder: Path,
    cache: Path,
    on_progress: Callable[[Progress], None],
    should_stop: Callable[[], bool],
) -> FitResult:
    """A run without a single step: build, measure, write the checkpoint."""
    compute = pick_device(config.device)
    model = _fresh_model(config, taxonomy, compute)
    samples = measurable(valid)
    paths = [sample.path for sample in samples]
    pixels = decode_pictures(
        paths, size=config.image_size, folder=cache, on_progress=on_progress, should_stop=should_stop
    )
    nodes = [samples[place].node for place in pixels.readable]
    given = (model, pixels, pixels.readable, nodes, compute)
    metrics = measure(*given, batch_size=evaluation_batch(config), should_stop=should_stop)
    calibration = answer_calibration(*given, batch_size=evaluation_batch(config), should_stop=should_stop)
    checkpoint = save_checkpoint(
        folder / "checkpoint",
        config=config,
        taxonomy=taxonomy,
        weights=weights_of(model),
        epoch=0,
        metrics=metrics,
        calibration=calibration,
    )
    return FitResult(
        stopped=False,
        checkpoint=checkpoint,
        epoch=0,
        metrics=metrics,
        skipped=pixels.skipped,
        remarks=(*([compute.remark] if compute.remark else []), *model.remarks),
    )


def _prepare(
    config: RunConfig,
    taxonomy: Taxonomy,
    train: Sequence[Sample],
    valid: Sequence[Sample],
    *,
    file: ResumeFile,
    cache: Path,
    on_progress: Callable[[Progress], None],
    should_stop: Callable[[], bool],
    epoch_size: int | None,
    processes: Processes,
) -> EpochLoop:
    """Build the model, which may fail at once, decode the pictures, and take up what a stopped run left behind."""
    compute = pick_device(config.device)
    processes.check(config.batch_size, compute)
    if compute.remark:
        file.remarks.append(compute.remark)
    left = processes.from_first(file.left_behind)
    model = _fresh_model(config, taxonomy, compute) if left is None else _model_to_fill(config, taxonomy, compute)
    samples = [*train, *measurable(valid)]

    def decode() -> Pixels:
        told: dict[str, Any] = {"on_progress": on_progress, "should_stop": should_stop}
        return decode_pictures([sample.path for sample in samples], size=config.image_size, folder=cache, **told)

    if processes.count > 1:
        processes.from_first(lambda: bool(decode()))  # the others find all pictures decoded
    pixels = decode()
    return loop_over(
        config,
        taxonomy,
        train,
        samples,
        pixels,
        model=model,
        model_anew=lambda: _fresh_model(config, taxonomy, compute),
        left=left,
        compute=compute,
        file=file,
        on_progress=on_progress,
        should_stop=should_stop,
        epoch_size=epoch_size,
        processes=processes,
    )


def loop_over(
    config: RunConfig,
    taxonomy: Taxonomy,
    train: Sequence[Sample],
    samples: Sequence[Sample],
    pixels: Pictures,
    *,
    model: HierarchicalModel,
    model_anew: Callable[[], HierarchicalModel],
    left: dict[str, Any] | None,
    compute: ComputeDevice,
    file: ResumeFile,
    learned_from: str = "",
    kind: type[EpochLoop] = EpochLoop,
    processes: Processes = ALONE,
    **settings: Any,
) -> EpochLoop:
    """The loop of a training, where a stopped run left it.

    samples: `train` and then those to measure on; pixels: their pictures, in order. left: what the stopped run left;
    where it does not fit, `model_anew` starts over. learned_from: what else the numbers follow from, beside config,
    tree, labels and pictures. settings: the other fields of the loop.
    """
    data = training_set(taxonomy, train, pixels, drop_coarse=config.drop_coarse)
    places = [place for place in pixels.readable if place >= len(train)]
    _remark(file.remarks, config, taxonomy, train, data, places, has_stops=model.has_stops)
    size = settings.get("epoch_size")
    told = [fingerprint(samples, pixels), *([] if size is None else [str(size)]), *filter(None, [learned_from])]
    file.fingerprint = _name_of(config, taxonomy, " ".join(told))
    state = _first_state(model, config, data, compute, processes)
    if left is not None and not file.take_up(state, left):
        state = _first_state(model_anew(), config, data, compute, processes)
    return kind(
        config=config,
        compute=compute,
        data=data,
        valid_places=places,
        valid_nodes=[samples[place].node for place in places],
        file=file,
        state=state,
        processes=processes,
        **settings,
    )


def _remark(
    remarks: list[str],
    config: RunConfig,
    taxonomy: Taxonomy,
    train: Sequence[Sample],
    data: TrainingSet,
    valid_places: list[int],
    *,
    has_stops: bool,
) -> None:
    """Say what of the labels is not learned, and where there is nothing to measure on."""
    if config.drop_coarse:
        left_out = number(left_out_as_coarse(taxonomy, train), "label")
        remarks.append(f"left out, as asked: {left_out} above the finest level")
    stops = int((data.kinds == NONE_HERE).sum())
    if stops and not has_stops:
        remarks.append(
            f"{number(stops, 'label says', 'labels say')} that a picture's kind is missing from the tree; "
            f"{config.model} has no answer for that, so it learned from them only where the pictures belong"
        )
    if not valid_places:
        remarks.append("no labelled validation picture: the last epoch is kept")


def _name_of(config: RunConfig, taxonomy: Taxonomy, labels: str) -> str:
    """One hash for all that a run's numbers follow from; the device is left out, so a run may move.

    Settings that came later count where they are used: a run that was stopped before there were any goes on.
    """
    plain = RunConfig().to_dict()
    given = {name: value for name, value in config.to_dict().items() if name not in LATER or value != plain[name]}
    settings = {**given, "device": ""}
    return hashlib.sha256(json.dumps([settings, taxonomy.content_hash, labels], sort_keys=True).encode()).hexdigest()


def measurable(valid: Sequence[Sample]) -> list[Sample]:
    """A validation label must say something that an answer can get right or wrong."""
    return [sample for sample in valid if sample.kind == IS and sample.node > 0]


def _fresh_model(config: RunConfig, taxonomy: Taxonomy, compute: ComputeDevice) -> HierarchicalModel:
    """Random weights from the config's seed (the caller's random numbers are left alone), on the device."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(config.seed)
        model = build_model(config.model, taxonomy, config)
    compute.place(model)
    return model


def _model_to_fill(config: RunConfig, taxonomy: Taxonomy, compute: ComputeDevice) -> HierarchicalModel:
    """As `_fresh_model`, for a saved state, which holds all weights: the files with the first ones may be gone."""
    model = _fresh_model(without_files(config), taxonomy, compute)
    for module in model.modules():
        if isinstance(module, Trunk):
            module.pretrained = bool(config.weights)
    return model


def _first_state(
    model: HierarchicalModel, config: RunConfig, data: TrainingSet, compute: ComputeDevice, processes: Processes
) -> TrainingState:
    norms = processes.share_norms(model)
    optimizer, switches = model.optimizer(config), switches_of(config)
    guesses = switches.pseudo_labels and data.vague.any()
    return TrainingState(
        model,
        optimizer,
        average=AveragedModel(model) if switches.averaged or guesses else None,
        pseudo_labels=PseudoLabels.of(model.taxonomy, data, switches, compute.torch_device) if guesses else None,
        remarks=(*model.remarks, *norms),
    )
