"""The steps of a training run: one epoch after the other, measured, kept, saved, and told."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, ClassVar

import torch
from torch import Tensor

from hmgc_core.errors import BadProbabilities, Diverged, NotTrainable
from hmgc_core.learning.batches import TrainingSet, plan_balanced_epoch, plan_epoch
from hmgc_core.learning.devices import ComputeDevice
from hmgc_core.learning.features import Pictures
from hmgc_core.learning.inference import answer_calibration, evaluation_batch, measure
from hmgc_core.learning.processes import ALONE, Processes
from hmgc_core.learning.resume import BestEpoch, ResumeFile, TrainingState, weights_of
from hmgc_core.learning.schedule import work_before
from hmgc_core.learning.steps import Steps
from hmgc_core.models.base import HierarchicalModel
from hmgc_core.recipes import Switches, switches_of
from hmgc_core.records import EpochMetrics, Progress, RunConfig, Stopped
from hmgc_core.taxonomy import IntArray

PROGRESS_EVERY_S = 0.5
SAVING_SHARE = 0.1  # saving after every epoch may take this share of the time; shorter epochs are saved less often


class _Pace:
    """How fast this process learns, validation and saving included: so the time left is honest."""

    def __init__(self) -> None:
        self.started_at_s = time.monotonic()
        self.told_at_s = -math.inf
        self.images = 0

    def is_time_to_tell(self) -> bool:
        now_s = time.monotonic()
        if now_s - self.told_at_s < PROGRESS_EVERY_S:
            return False
        self.told_at_s = now_s
        return True

    @property
    def elapsed_s(self) -> float:
        return max(time.monotonic() - self.started_at_s, 1e-6)


@dataclass
class EpochLoop:
    """One call of `fit`: what it learns from, where it stands, whom it tells.

    valid_places: places of the validation pictures in `data.pixels`. valid_nodes: their labels. epoch_size: see
    `plan_epoch`. frozen: weights of the model that are not in the state, as they do not change; trunk: their name, see
    `Checkpoint`. processes: who learns together. unread: (step, images, mean loss) of the steps whose losses are still
    on the device.
    """

    kind_of_steps: ClassVar[type[Steps]] = Steps

    config: RunConfig
    compute: ComputeDevice
    data: TrainingSet
    valid_places: list[int]
    valid_nodes: list[int]
    file: ResumeFile
    state: TrainingState
    on_progress: Callable[[Progress], None]
    should_stop: Callable[[], bool]
    epoch_size: int | None = None
    frozen: dict[str, Tensor] = field(default_factory=dict)
    trunk: str = ""
    processes: Processes = ALONE
    pace: _Pace = field(default_factory=_Pace)
    work_before_us: float = field(init=False)
    unread: list[tuple[int, int, Tensor]] = field(default_factory=list)
    saved_at_s: float = -math.inf
    saving_took_s: float = 0.0

    def __post_init__(self) -> None:
        self.work_before_us = self._work_done()

    def train_one_epoch(self) -> None:
        """The batches of this epoch that are left. Raises Stopped, with the state saved, when asked to stop.

        Raises Diverged where a loss is no number: on the processor at once, on a GPU, which must not wait for a look at
        every step, within PROGRESS_EVERY_S, and always before anything is saved or measured.
        """
        state = self.state
        plan = self._plan()
        state.model.train()
        for chosen, pixels in self.data.pictures(plan[state.step :], self.compute, self.processes):
            if self.processes.from_first(self.should_stop):
                self._read_losses()
                self._keep_for_later()
                raise Stopped
            step, steps = self._step
            loss = self._steps.learn(chosen, pixels, step=step, steps=steps)
            self.unread.append((state.step, len(chosen), loss))
            state.images += len(chosen)
            state.step += 1
            self.pace.images += len(chosen)
            is_time = self.processes.from_first(self.pace.is_time_to_tell)
            if is_time or not self.compute.works_beside:
                self._read_losses()
            if is_time:
                self.on_progress(self._progress())
        self._read_losses()

    def _read_losses(self) -> None:
        """Take the losses of the last steps from the device, all at once."""
        if not self.unread:
            return
        values = self.processes.mean(torch.stack([loss for *_, loss in self.unread])).tolist()
        for (step, images, _), value in zip(self.unread, values, strict=True):
            if not math.isfinite(value):
                raise self._diverged(f"the loss became {value} in epoch {self.state.epoch + 1}, step {step + 1}")
            self.state.loss_sum += value * images
        self.unread.clear()

    @cached_property
    def _switches(self) -> Switches:
        return switches_of(self.config)

    @cached_property
    def _steps(self) -> Steps:
        return self.kind_of_steps(self.config, self.compute, self.data, self.state, self.processes)

    def _plan(self) -> list[IntArray]:
        seed, epoch, size = self.config.seed, self.state.epoch, self.epoch_size
        batch, fewest = self.config.batch_size, max(2, self.processes.count)
        share = self._switches.exact_share
        if share:
            vague = self.data.vague
            return plan_balanced_epoch(
                vague, batch, share=share, seed=seed, epoch=epoch, epoch_size=size, fewest=fewest
            )
        return plan_epoch(len(self.data), batch, seed=seed, epoch=epoch, epoch_size=size, fewest=fewest)

    @cached_property
    def _steps_per_epoch(self) -> int:
        return len(self._plan())

    @property
    def _step(self) -> tuple[int, int]:
        """(steps done, steps in all) of the whole training."""
        per_epoch = self._steps_per_epoch
        return self.state.epoch * per_epoch + self.state.step, self.config.epochs * per_epoch

    def _work_done(self) -> float:
        return work_before(*self._step, self.config.image_size)

    def _diverged(self, what: str) -> Diverged:
        lr = self.config.lr
        return Diverged(what, remedy=f"lower the learning rate: {lr / 10:g} instead of {lr:g}")

    def measure(self) -> dict[str, Any]:
        """The metrics on the validation images, {} where there are none. Raises Stopped, with the state saved.

        Raises Diverged where the weights are no numbers, or so large that the answers are none: the last step of an
        epoch, or a running mean, can spoil them without a loss that shows it.
        """
        numbers = [torch.isfinite(tensor).all() for tensor in self.state.model.state_dict().values()]
        if not torch.stack(numbers).all():  # one look at the device for all
            raise self._diverged(f"the weights were no numbers any more after epoch {self.state.epoch + 1}")
        try:
            return self.processes.from_first(lambda: measure(self._measured, *self._validation, **self._evaluated))
        except Stopped:
            self._keep_for_later()
            raise
        except BadProbabilities as error:
            raise self._diverged(f"the answers were no numbers any more after epoch {self.state.epoch + 1}") from error

    def keep_if_best(self, metrics: dict[str, Any]) -> None:
        """Keep this epoch's weights if none was better on the validation images."""
        score = metrics.get("h_recall", 0.0)
        if self.state.best is None or score >= self.state.best.score:
            self.state.best = BestEpoch(self.state.epoch, score, metrics, weights_of(self._measured))

    @property
    def _measured(self) -> HierarchicalModel:
        """The model that is measured and kept: the running mean, where the recipe asks for it."""
        average = self.state.average
        return average.model if average and self._switches.averaged else self.state.model

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
        """Save the state after an epoch; of very short epochs not after each, but always after the last."""

        def is_time() -> bool:
            pause_s = time.monotonic() - self.saved_at_s
            return self.state.epoch == self.config.epochs or self.saving_took_s <= SAVING_SHARE * pause_s

        if self.processes.from_first(is_time):
            self._save()

    def best(self) -> BestEpoch:
        """The epoch to keep; there is one once an epoch is done."""
        if self.state.best is None:
            raise NotTrainable("no epoch was trained", remedy="ask for at least one epoch")
        return self.state.best

    def calibration(self) -> dict[str, float]:
        """What makes the kept epoch's certainties honest, fitted on the validation images; {} where there are none.

        Leaves the kept weights in the model. Raises Stopped; the state was saved after the last epoch.
        """
        model = self.state.model
        model.load_state_dict(self.best().weights)
        return self.processes.from_first(lambda: answer_calibration(model, *self._validation, **self._evaluated))

    @property
    def _validation(self) -> tuple[Pictures, list[int], list[int], ComputeDevice]:
        return self.data.pixels, self.valid_places, self.valid_nodes, self.compute

    @property
    def _evaluated(self) -> dict[str, Any]:
        return {"batch_size": evaluation_batch(self.config), "should_stop": self.should_stop}

    def _keep_for_later(self) -> None:
        self._save()
        self.on_progress(self._progress())

    def _save(self) -> None:
        started_at_s = time.monotonic()
        self.processes.from_first(lambda: self.file.save(self.state))
        self.saved_at_s = time.monotonic()
        self.saving_took_s = self.saved_at_s - started_at_s

    def _progress(self) -> Progress:
        """How far it is, counted in work: late steps, with their larger views, take longer."""
        stage = f"epoch {min(self.state.epoch + 1, self.config.epochs)} of {self.config.epochs}"
        total, work = self.config.epochs * (self.epoch_size or len(self.data)), self._work_done()
        elapsed_s, done_here = self.pace.elapsed_s, work - self.work_before_us
        left_s = elapsed_s * (1 - work) / done_here if done_here else None
        return Progress(stage, round(work * total), total, self.pace.images / elapsed_s, left_s)
