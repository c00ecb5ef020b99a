"""What every hierarchical model offers and shares: labels of any kind, pooled features, a layer to look at."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from hmgc_core.errors import BadConfig
from hmgc_core.precision import full_precision
from hmgc_core.records import RunConfig, Targets
from hmgc_core.taxonomy import Taxonomy

MOMENTUM = 0.9


@dataclass(frozen=True)
class Scores:
    """What one forward pass gives. embedding: (B, C) pooled features of the trunk. Models add what their loss needs."""

    embedding: Tensor


class Trunk(nn.Module):
    """A backbone without its classifier: normalised pictures to feature maps, one after each of its stages.

    channels: of the last map. stage_channels: of each stage's map. vector_channels: of what `pool` gives.
    remarks: what people should know about the weights it was given.
    """

    channels: int
    stage_channels: tuple[int, ...]

    def __init__(self) -> None:
        super().__init__()
        self.remarks: list[str] = []

    @property
    def vector_channels(self) -> int:
        """How long the vector is that stands for a picture."""
        return self.channels

    def stages(self, images: Tensor) -> list[Tensor]:
        """(B, 3, H, W) normalised pictures to the map (B, C, h, w) after every stage, the last one last."""
        raise NotImplementedError

    def forward(self, images: Tensor) -> Tensor:
        """(B, 3, H, W) normalised pictures to the last map, (B, channels, h, w)."""
        return self.stages(images)[-1]

    def pool(self, features: Tensor) -> Tensor:
        """The last map to one vector a picture, (B, vector_channels): its mean, through the neck if there is one."""
        return features.mean((2, 3))

    def cut(self, count: int) -> None:
        """Keep the first `count` stages: what comes after is gone, its parameters too. The last of them is the map.

        Raises BadConfig where there are not that many.
        """
        self.check_stages(count)
        self._cut(count)
        self.stage_channels = self.stage_channels[:count]
        self.channels = self.stage_channels[-1]

    def check_stages(self, count: int) -> None:
        """Raise BadConfig if this trunk has fewer than `count` stages: models that look at several ask when built."""
        if count > len(self.stage_channels):
            raise BadConfig(
                f"the model needs a backbone with {count} stages, and this one has {len(self.stage_channels)}",
                remedy="choose one with four: resnet18, resnet34, resnet50, wide_resnet50_2, a graphconvnet or a vig",
            )

    def _cut(self, count: int) -> None:
        """Throw away what comes after the first `count` stages."""
        raise NotImplementedError

    def adopt(self, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
        """Published weights of this net under the names of this trunk, without the parts that it does not use."""
        return tensors


class HierarchicalModel(nn.Module, ABC):
    """A score for every node of a tree. Subclasses give forward, loss, log_probs, answers and evidence."""

    def __init__(self, taxonomy: Taxonomy, trunk: Trunk) -> None:
        super().__init__()
        self.taxonomy = taxonomy
        self.trunk = trunk

    @abstractmethod
    def forward(self, images: Tensor) -> Any:
        """(B, 3, H, W) float normalised pictures to this model's Scores."""

    @abstractmethod
    def loss(self, scores: Any, targets: Tensor | Targets) -> Tensor:
        """The mean loss, a scalar. targets: (B,) int nodes at any depth, or Targets with kinds and weights."""

    @abstractmethod
    def log_probs(self, scores: Any) -> Tensor:
        """(B, N) log P(node | picture): 0 for the root, and children sum to at most their parent."""

    @abstractmethod
    def answers(self, scores: Any) -> Tensor:
        """(B, D) int: one node per level 1..D as the model's authors answer, -1 where there is none."""

    def answer_log_probs(self, scores: Any) -> Tensor:
        """(B, N) log-probabilities, consistent on the tree, whose most probable leaf is the leaf of `answers`.

        They are what people are shown beside an answer. A model whose answers come from elsewhere than `log_probs`,
        which hedging sees, says so here; the leaves alone count, so their sum may be less than 1.
        """
        return self.log_probs(scores)

    @abstractmethod
    def evidence(self, scores: Any) -> Tensor:
        """(B, N) unnormalised scores for each node: what a heatmap explains. Column 0 says nothing."""

    def parameter_groups(self) -> list[dict[str, Any]]:
        """All parameters for the optimizer, in groups whose learning rate is `lr_factor` times the run's."""
        return [{"params": list(self.parameters()), "lr_factor": 1.0}]

    def optimizer(self, config: RunConfig) -> torch.optim.Optimizer:
        """What takes the steps: SGD with momentum, at the run's learning rate and weight decay."""
        return torch.optim.SGD(
            self.parameter_groups(), lr=config.lr, momentum=MOMENTUM, nesterov=True, weight_decay=config.weight_decay
        )

    @property
    def remarks(self) -> tuple[str, ...]:
        """What people should know about what it was built from."""
        return tuple(self.trunk.remarks)

    @property
    def target_layer(self) -> nn.Module:
        """The layer whose output a heatmap shows: the trunk's feature map."""
        return self.trunk

    def keep(self, **arrays: Any) -> None:
        """Keep arrays of the tree under their names: on the model's device, but not among its weights."""
        for name, values in arrays.items():
            self.register_buffer(name, torch.as_tensor(values), persistent=False)


def as_targets(targets: Tensor | Targets) -> Targets:
    """Plain nodes as `is` labels of weight 1."""
    if isinstance(targets, Targets):
        return targets
    return Targets(targets, torch.zeros_like(targets), torch.ones(len(targets), device=targets.device))


def weighted_mean(losses: Tensor, weights: Tensor) -> Tensor:
    """Mean of (B,) losses under (B,) weights, a scalar; 0 where all weights are 0."""
    weights = weights.to(losses.dtype)
    return (losses * weights).sum() / weights.sum().clamp_min(torch.finfo(losses.dtype).tiny)


def smoothed_cross_entropy(logits: Tensor, classes: Tensor, smoothing: float) -> Tensor:
    """Cross-entropy per row, (B,), of (B, K) logits, in float32 at least; `smoothing` of it is spread over all."""
    return nn.functional.cross_entropy(full_precision(logits), classes, reduction="none", label_smoothing=smoothing)


def answers_above(leaf: Tensor, best: Sequence[Tensor], depths: Tensor) -> Tensor:
    """(B, D) answers: at each level the best class of that level, down to the leaf, at its own level; -1 below it.

    leaf: (B,) nodes. best: for each depth 1..D (B,) nodes. depths: (N,) of all nodes.
    """
    columns = []
    for depth, above in enumerate(best, start=1):
        at_leaf = torch.where(depths[leaf] == depth, leaf, -1)
        columns.append(torch.where(depths[leaf] > depth, above, at_leaf))
    return torch.stack(columns, 1)
