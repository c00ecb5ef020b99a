"""One step of a training: random views of a batch, its targets, the loss, its gradients, and the optimizer."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from hmgc_core.learning.batches import TrainingSet
from hmgc_core.learning.devices import ComputeDevice, is_out_of_memory
from hmgc_core.learning.processes import Processes, Share
from hmgc_core.learning.resume import TrainingState
from hmgc_core.learning.schedule import one_cycle, view_side
from hmgc_core.learning.transforms import normalise, random_views, weak_views
from hmgc_core.losses import ancestor_loss
from hmgc_core.models.base import HierarchicalModel
from hmgc_core.recipes import switches_of
from hmgc_core.records import RunConfig, Targets
from hmgc_core.taxonomy import IntArray


class _Lesson(nn.Module):
    """A model and its loss in one module: what is wrapped to learn in several processes."""

    def __init__(self, model: HierarchicalModel, ancestor_weight: float) -> None:
        super().__init__()
        self.model, self.ancestor_weight = model, ancestor_weight

    def forward(self, seen: Tensor, targets: Targets) -> Tensor:
        """What the model is shown of B pictures, and their labels, to the mean loss, a scalar."""
        scores: Any = self.model(seen)
        loss: Tensor = self.model.loss(scores, targets)
        if self.ancestor_weight:
            above = ancestor_loss(self.model.log_probs(scores), targets, self.model.taxonomy)
            loss = loss + self.ancestor_weight * above
        return loss


@dataclass
class Steps:
    """What the steps of one training share."""

    config: RunConfig
    compute: ComputeDevice
    data: TrainingSet
    state: TrainingState
    processes: Processes

    def __post_init__(self) -> None:
        self.switches = switches_of(self.config)

    @cached_property
    def _lesson(self) -> nn.Module:
        return self.processes.wrap(_Lesson(self.state.model, self.switches.ancestor_weight))

    def seen(self, pixels: Tensor, share: Share, view: dict[str, int]) -> Tensor:
        """What the model that learns is shown of these pictures: changed ones. view: settings of `random_views`."""
        return normalise(random_views(pixels, kind=self.switches.views, share=share, **view))

    def seen_by_teacher(self, pixels: Tensor, share: Share, view: dict[str, int]) -> Tensor:
        """The same for the model that guesses: pictures changed less."""
        return normalise(weak_views(pixels, share=share, **view))

    def learn(self, chosen: IntArray, pixels: Tensor, *, step: int, steps: int) -> Tensor:
        """One step of the optimizer on this batch; it is number `step` of `steps`.

        chosen: (B,) sample numbers of the batch. pixels: uint8, of this process's share of it. Returns the mean loss
        over the share, a scalar on the device.
        """
        state, config = self.state, self.config
        for group in state.optimizer.param_groups:
            group["lr"] = group["lr_factor"] * one_cycle(step, steps, config.lr, warm_up=self.switches.warm_up)
        share = self.processes.share(len(chosen))
        pixels = self.compute.send(pixels)
        view = {
            "side": view_side(step, steps, config.image_size),
            "seed": config.seed,
            "epoch": state.epoch,
            "step": state.step,
        }
        targets = self.data.targets(chosen[share.rows], self.compute)
        if state.pseudo_labels and step >= self.switches.pseudo_after * steps:
            targets = self._narrowed(chosen, share, pixels, targets, view)
        loss = self._gradients(share, pixels, targets, view)
        state.optimizer.step()
        if state.average:
            state.average.follow(state.model)
        return loss

    def _gradients(self, share: Share, pixels: Tensor, targets: Targets, view: dict[str, int]) -> Tensor:
        """Leave the gradients of a step; where its pictures are too many for the memory, in two halves from now on."""
        try:
            return self._in_parts(share, pixels, targets, view)
        except Exception as error:
            may_halve = self.state.parts == 1 and self.processes.count == 1 and len(share) >= 4
            if not (may_halve and is_out_of_memory(error)):
                raise
        # Outside of the handler: the error holds on to what the failed step had in memory.
        self.state.parts = 2
        self.state.remarks += (
            f"there was not enough memory for {len(share)} pictures at a time: "
            "steps learn them in two halves, so they are as many as asked for, and slower",
        )
        self.compute.free_memory()
        return self._in_parts(share, pixels, targets, view)

    def _in_parts(self, share: Share, pixels: Tensor, targets: Targets, view: dict[str, int]) -> Tensor:
        """The mean loss of the share. Gradients are added up over its parts, each weighing as much as its labels."""
        self.state.optimizer.zero_grad(set_to_none=True)
        losses = []
        for part in share.split(self.state.parts):
            rows = slice(part.start - share.start, part.end - share.start)
            told = Targets(targets.nodes[rows], targets.kinds[rows], targets.weights[rows])
            seen = self.seen(pixels[rows], part, view)
            # Keyed, so that a resumed run draws the same.
            key = (view["seed"], view["epoch"], view["step"], *([part.start] if part.start else []))
            with self.compute.random_from(*key):
                with self.compute.autocast(), self.processes.one_batch():
                    loss = self._lesson(seen, told)
                if self.state.parts > 1:
                    loss = loss * (told.weights.sum() / targets.weights.sum())
                loss.backward()
            losses.append(loss.detach())
        return losses[0] if len(losses) == 1 else torch.stack(losses).sum()

    def _narrowed(
        self, chosen: IntArray, share: Share, pixels: Tensor, targets: Targets, view: dict[str, int]
    ) -> Targets:
        """The targets with the vague ones narrowed down by what the averaged model sees in weak views."""
        state = self.state
        vague = np.flatnonzero(self.data.vague[chosen])
        if state.average is None or state.pseudo_labels is None or not len(vague):
            return targets
        # Of all vague pictures of the batch, those of this process's share.
        start, end = np.searchsorted(vague, [share.start, share.end]).tolist()
        own = Share(start, end, len(vague))
        places = self.compute.send(self.compute.ready(vague[own.rows] - share.start))
        log_probs = self._guesses(state.average.model, pixels[places], own, view)
        told = Targets(targets.nodes[places], targets.kinds[places], targets.weights[places])
        narrowed = state.pseudo_labels.narrowed(log_probs, told, self.processes)
        return Targets(
            targets.nodes.index_copy(0, places, narrowed.nodes),
            targets.kinds.index_copy(0, places, narrowed.kinds),
            targets.weights,
        )

    def _guesses(self, teacher: HierarchicalModel, pixels: Tensor, share: Share, view: dict[str, int]) -> Tensor:
        """(B, N) log-probabilities that the averaged model gives to weak views; there may be no picture."""
        if not len(share):
            return torch.empty(0, len(teacher.taxonomy), device=pixels.device)
        with torch.no_grad(), self.compute.autocast():
            return teacher.log_probs(teacher(self.seen_by_teacher(pixels, share, view)))
