"""Train a model on labels at any node of a tree. It can be stopped at any batch and goes on exactly there."""

import hashlib
import json
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from hmgc_core.errors import NotTrainable
from hmgc_core.learning.batches import TrainingSet, fingerprint, plan_epoch, training_set
from hmgc_core.learning.checkpoints import save_checkpoint
from hmgc_core.learning.devices import ComputeDevice, pick_device
from hmgc_core.learning.inference import measure
from hmgc_core.learning.pixel_cache import Skipped, Stopped, decode_pictures
from hmgc_core.learning.resume import BestEpoch, ResumeFile, TrainingState
from hmgc_core.learning.transforms import normalise, random_views
from hmgc_core.models.catalog import build_model
from hmgc_core.records import IS, EpochMetrics, Progress, RunConfig, Sample
from hmgc_core.taxonomy import IntArray, Taxonomy

MOMENTUM = 0.9
WARM_UP = 0.25  # share of all steps in which the learning rate rises
PROGRESS_EVERY_S = 0.5


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
) -> FitResult:
    """Train `config.model` and leave the best epoch as a checkpoint in `folder`/checkpoint.

    folder: this run's own; holds its state while unfinished. cache: decoded pictures, shared by all runs.
    Best is the largest `h_recall` on the validation images, the later epoch at a tie; without any, the last epoch.
    Raises NotTrainable where the labels teach nothing or the loss is no longer a number, DeviceError, WeightsError,
    UnknownModel, WorkspaceError where the disk is full.
    """
    try:
        run = _prepare(config, taxonomy, train, valid, folder, cache, on_progress, should_stop)
        while run.state.epoch < config.epochs:
            run.train_one_epoch()
            metrics = run.measure()
            run.keep_if_best(metrics)
            on_epoch(run.close_epoch(metrics))
            run.save_now_and_then()
        return run.finish()
    except Stopped:
        return FitResult(stopped=True)


def one_cycle(step: int, steps: int, peak: float) -> float:
    """The learning rate of a step: a straight rise to `peak`, then half a cosine down to 0 (Smith, 2018)."""
    warm = max(1, round(WARM_UP * steps))
    if step < warm:
        return peak * (step + 1) / warm
    return peak * (1 + math.cos(math.pi * (step - warm) / max(1, steps - warm))) / 2


def _prepare(
    config: RunConfig,
    taxonomy: Taxonomy,
    train: Sequence[Sample],
    valid: Sequence[Sample],
    folder: Path,
    cache: Path,
    on_progress: Callable[[Progress], None],
    should_stop: Callable[[], bool],
) -> "_Run":
    """Decode the pictures, build the model, and take up the state of a stopped run if there is one."""
    compute = pick_device(config.device)
    valid = [sample for sample in valid if sample.kind == IS and sample.node > 0]
    samples = [*train, *valid]
    pixels = decode_pictures(
        [sample.path for sample in samples],
        size=config.image_size,
        folder=cache,
        on_progress=on_progress,
        should_stop=should_stop,
    )
    file = ResumeFile(folder, _name_of(config, taxonomy, fingerprint(samples, pixels)))
    if compute.remark:
        file.remarks.append(compute.remark)
    data = training_set(taxonomy, train, pixels)
    places = [place for place in pixels.readable if place >= len(train)]
    if not places:
        file.remarks.append("no labelled validation picture: the last epoch is kept")
    return _Run(
        config=config,
        compute=compute,
        data=data,
        valid_places=places,
        valid_nodes=[samples[place].node for place in places],
        file=file,
        state=file.start(lambda: _fresh_state(config, taxonomy, compute)),
        on_progress=on_progress,
        should_stop=should_stop,
    )


def _name_of(config: RunConfig, taxonomy: Taxonomy, labels: str) -> str:
    """One hash for all that a run's numbers follow from; the device is left out, so a run may move."""
    settings = {**config.to_dict(), "device": ""}
    return hashlib.sha256(json.dumps([settings, taxonomy.content_hash, labels], sort_keys=True).encode()).hexdigest()


def _fresh_state(config: RunConfig, taxonomy: Taxonomy, compute: ComputeDevice) -> TrainingState:
    """Random weights from the config's seed (the caller's random numbers are left alone), and SGD with momentum."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(config.seed)
        model = build_model(config.model, taxonomy, config)
    compute.place(model)
    optimizer = torch.optim.SGD(
        model.parameters(), lr=config.lr, momentum=MOMENTUM, nesterov=True, weight_decay=config.weight_decay
    )
    return TrainingState(model, optimizer)


class _Run:
    """One call of `fit`: what it learns from, where it stands, whom it tells."""

    def __init__(
        self,
        *,
        config: RunConfig,
        compute: ComputeDevice,
        data: TrainingSet,
        valid_places: list[int],
        valid_nodes: list[int],
        file: ResumeFile,
        state: TrainingState,
        on_progress: Callable[[Progress], None],
        should_stop: Callable[[], bool],
    ) -> None:
        self.config, self.compute, self.data = config, compute, data
        self.valid_places, self.valid_nodes = valid_places, valid_nodes
        self.file, self.state = file, state
        self.on_progress, self.should_stop = on_progress, should_stop
        self.steps_per_epoch = len(plan_epoch(len(data), config.batch_size, seed=config.seed, epoch=0))
        self.pace = _Pace()
        self.save_took_s, self.saved_at_s = 0.0, -math.inf

    def train_one_epoch(self) -> None:
        """The batches of this epoch that are left. Raises Stopped, with the state saved, when asked to stop."""
        state = self.state
        plan = plan_epoch(len(self.data), self.config.batch_size, seed=self.config.seed, epoch=state.epoch)
        state.model.train()
        for chosen, pixels in self.data.pictures(plan[state.step :]):
            if self.should_stop():
                self._save()
                raise Stopped
            loss = self._learn(chosen, pixels)
            state.loss_sum += loss * len(chosen)
            state.images += len(chosen)
            state.step += 1
            self.pace.count(len(chosen))
            if self.pace.is_time_to_tell():
                self.on_progress(self._progress())

    def _learn(self, chosen: IntArray, pixels: Tensor) -> float:
        """One step of SGD on these samples. Returns the mean loss."""
        state, config = self.state, self.config
        rate = one_cycle(
            state.epoch * self.steps_per_epoch + state.step, config.epochs * self.steps_per_epoch, config.lr
        )
        for group in state.optimizer.param_groups:
            group["lr"] = rate
        views = random_views(self.compute.send(pixels), seed=config.seed, epoch=state.epoch, step=state.step)
        with self.compute.autocast():
            loss = state.model.loss(state.model(normalise(views)), self.data.targets(chosen, self.compute))
        state.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        state.optimizer.step()
        value = loss.item()
        if not math.isfinite(value):
            raise NotTrainable(
                f"the loss became {value} in epoch {state.epoch + 1}, step {state.step + 1}",
                remedy=f"lower the learning rate: {config.lr / 10:g} instead of {config.lr:g}",
            )
        return value

    def measure(self) -> dict[str, Any]:
        """The metrics on the validation images; empty where there are none."""
        try:
            return measure(
                self.state.model,
                self.data.pixels,
                self.valid_places,
                self.valid_nodes,
                self.compute,
                should_stop=self.should_stop,
            )
        except Stopped:
            self._save()
            raise

    def keep_if_best(self, metrics: dict[str, Any]) -> None:
        """Keep this epoch's weights if none was better on the validation images."""
        score = metrics.get("h_recall", 0.0)
        if self.state.best is None or score >= self.state.best.score:
            weights = {name: tensor.detach().cpu().clone() for name, tensor in self.state.model.state_dict().items()}
            self.state.best = BestEpoch(self.state.epoch, score, metrics, weights)

    def close_epoch(self, metrics: dict[str, Any]) -> EpochMetrics:
        """Go to the next epoch; returns what this one gave."""
        state, told = self.state, self._progress()
        closed = EpochMetrics(
            epoch=state.epoch,
            train_loss=state.loss_sum / max(1, state.images),
            images_per_s=told.images_per_s or 0.0,
            left_s=told.left_s or 0.0,
            metrics=metrics,
        )
        state.epoch, state.step, state.loss_sum, state.images = state.epoch + 1, 0, 0.0, 0
        return closed

    def save_now_and_then(self) -> None:
        """Save the state after an epoch, unless epochs are so short that this would be a tenth of the time."""
        if time.monotonic() - self.saved_at_s >= 10 * self.save_took_s:
            self._save()

    def finish(self) -> FitResult:
        """Write the best epoch as the run's checkpoint."""
        best = self.state.best
        if best is None:
            raise NotTrainable("the run has no epoch", remedy="ask for at least one epoch")
        checkpoint = save_checkpoint(
            self.file.folder / "checkpoint",
            config=self.config,
            taxonomy=self.state.model.taxonomy,
            weights=best.weights,
            epoch=best.epoch,
            metrics=best.metrics,
        )
        skipped, remarks = self.data.pixels.skipped, tuple(self.file.remarks)
        return FitResult(False, checkpoint, best.epoch, best.metrics, skipped, remarks)

    def _save(self) -> None:
        started_at_s = time.monotonic()
        self.file.save(self.state)
        self.saved_at_s = time.monotonic()
        self.save_took_s = self.saved_at_s - started_at_s

    def _images_done(self) -> int:
        return self.state.epoch * len(self.data) + self.state.images

    def _progress(self) -> Progress:
        total = self.config.epochs * len(self.data)
        done = self._images_done()
        stage = f"epoch {self.state.epoch + 1} of {self.config.epochs}"
        return Progress(stage, done, total, self.pace.images_per_s, self.pace.left_s(total - done))


class _Pace:
    """How fast this process learns, validation and saving included: so the time left is honest."""

    def __init__(self) -> None:
        self.started_at_s = time.monotonic()
        self.told_at_s = -math.inf
        self.images = 0

    def count(self, images: int) -> None:
        self.images += images

    def is_time_to_tell(self) -> bool:
        now_s = time.monotonic()
        if now_s - self.told_at_s < PROGRESS_EVERY_S:
            return False
        self.told_at_s = now_s
        return True

    @property
    def images_per_s(self) -> float:
        return self.images / max(time.monotonic() - self.started_at_s, 1e-6)

    def left_s(self, images: int) -> float | None:
        return images / self.images_per_s if self.images else None
