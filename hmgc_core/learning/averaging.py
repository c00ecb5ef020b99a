"""The running mean of a model's weights: steadier than the last step's, so it is measured, kept, and teaches."""

import copy

import torch
from torch import Tensor

from hmgc_core.models.base import HierarchicalModel

SLOWEST = 1000  # steps: however long the training, no mean goes back farther


class AveragedModel:
    """A copy of a model that follows it, step by step, in evaluation mode.

    Of t steps the last (10 + t) / 9 count, SLOWEST at most (Tarvainen and Valpola, NeurIPS 2017, with the rising decay
    of TensorFlow's ExponentialMovingAverage): the mean grows with the training, so no rate has to be chosen for it.
    """

    def __init__(self, model: HierarchicalModel) -> None:
        with torch.no_grad():
            # The tree is shared: index tensors are kept for each tree object.
            self.model: HierarchicalModel = copy.deepcopy(model, {id(model.taxonomy): model.taxonomy})
        self.model.eval().requires_grad_(False)
        self.steps = 0

    @torch.no_grad()
    def follow(self, model: HierarchicalModel) -> None:
        """Take one more step of the model into the mean."""
        share = max(9 / (10 + self.steps), 1 / SLOWEST)
        self.steps += 1
        own, new = _floats(self.model), _floats(model)
        torch._foreach_lerp_(own, new, share)

    def state(self) -> dict[str, object]:
        """What `restore` takes back."""
        return {"weights": self.model.state_dict(), "steps": self.steps}

    def restore(self, state: dict[str, object]) -> None:
        """Go on from what `state` gave."""
        self.model.load_state_dict(state["weights"])  # type: ignore[arg-type]
        self.steps = int(state["steps"])  # type: ignore[call-overload]


def _floats(model: HierarchicalModel) -> list[Tensor]:
    """Weights and the running statistics of norms, but not their counters."""
    return [tensor.detach() for tensor in model.state_dict().values() if tensor.is_floating_point()]
