"""What every hierarchical model offers and shares: labels of any kind, pooled features, a layer to look at."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from hmgc_core.errors import BadConfig
from hmgc_core.precision import full_precision
from hmgc_core.records import RunConfig, Targets
from hmgc_core.shared_batches import batch_total
from hmgc_core.taxonomy import Taxonomy

MOMENTUM = 0.9

# Rates are shares of the run's, whose default is 0.1; docs/decisions/0014 has the reasons. Loaded weights then learn at
# 0.002, new layers of `hrn` at ten times as much: the ratio of HRN's authors and, for batches of 64, their rates.
PRETRAINED_LR_FACTOR = 0.02
# AdamW's of ViG's authors: 0.002 for batches of 1024, so by the square root 0.0005 for 64, and a decay of 0.05.
ADAMW_LR_FACTOR = 0.005
ADAMW_DECAY_FACTOR = 100


@dataclass(frozen=True)
class Scores:
    """What one forward pass gives. embedding: (B, C) pooled features of the trunk. Models add what their loss needs."""

    embedding: Tensor


class Trunk(nn.Module, ABC):
    """A backbone without its classifier: normalised pictures to feature maps, one after each of its stages.

    channels: of the last map. stage_channels: of each stage's map. vector_channels: of what `pool` gives.
    pretrained: weights were loaded into it, so it learns slowly. needs_adamw: it is of a kind that SGD does not teach.
    remarks: what people should know about the weights it was given, and how it learns.
    """

    channels: int
    stage_channels: tuple[int, ...]

    def __init__(self) -> None:
        super().__init__()
        self.pretrained = self.needs_adamw = False
        self.remarks: list[str] = []

    @property
    def vector_channels(self) -> int:
        """How long the vector is that stands for a picture."""
        return self.channels

    @abstractmethod
    def stages(self, images: Tensor) -> list[Tensor]:
        """(B, 3, H, W) normalised pictures to the map (B, C, h, w) after every stage, the last one last."""

    def forward(self, images: Tensor) -> Tensor:
        """(B, 3, H, W) normalised pictures to the last map, (B, channels, h, w)."""
        return self.stages(images)[-1]

    def earlier_layers(self) -> list[tuple[nn.Module, int]]:
        """The layers before the last map that a heatmap can show, the first one first, each with its channels.

        A layer may give maps, (B, C, h, w) or (B, h, w, C), or tokens, (B, n, C), of which the last are those of the
        places. None unless a trunk says so.
        """
        return []

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

    @abstractmethod
    def _cut(self, count: int) -> None:
        """Throw away what comes after the first `count` stages."""

    def adopt(self, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
        """Published weights of this net under the names of this trunk, without the parts that it does not use."""
        return tensors


class NoTrunk(Trunk):
    """Stands where a trunk was taken out: it has no weights and sees nothing."""

    def __init__(self, trunk: Trunk) -> None:
        super().__init__()
        self.channels, self.stage_channels = trunk.channels, trunk.stage_channels

    def stages(self, images: Tensor) -> list[Tensor]:  # noqa: ARG002 - it sees nothing
        """Raises RuntimeError: what is left reads features."""
        raise RuntimeError("this model is a head: give it features, not pictures")

    def _cut(self, count: int) -> None:
        """There is nothing to cut."""


class HierarchicalModel(nn.Module, ABC):
    """A score for every node of a tree, in two halves: pictures to features, features to scores.

    Subclasses give both, and loss, log_probs, answers and evidence.
    has_stops: it has a state "stops at this node" for `none_here`, which else is learned as the weaker truth `is`.
    has_head: its features are one vector a picture, (B, F), and what reads them can learn alone, in seconds.
    is_head: what comes before was taken out, and it is given features where a whole model is given pictures.
    """

    has_stops = False
    has_head = False
    is_head = False

    def __init__(self, taxonomy: Taxonomy, trunk: Trunk) -> None:
        super().__init__()
        self.taxonomy = taxonomy
        self.trunk = trunk

    def forward(self, images: Tensor) -> Any:
        """(B, 3, H, W) float normalised pictures, or a head's (B, F) features, to this model's Scores."""
        return self.from_features(images if self.is_head else self.features(images))

    def features(self, images: Tensor) -> Any:
        """(B, 3, H, W) float normalised pictures to what the second half reads: here the pooled vectors, (B, C)."""
        return self.trunk.pool(self.trunk(images))

    @abstractmethod
    def from_features(self, features: Any) -> Any:
        """What `features` gives to this model's Scores."""

    @property
    def head_reads(self) -> str:
        """Names what the features are: models that say the same of the same weights read the same."""
        return "pooled"

    def frozen_parts(self) -> list[str]:
        """The names of the modules that `features` goes through: a training of the head alone leaves them as they are.

        Every other weight is used by `from_features`.
        """
        return ["trunk"]

    def frozen_names(self) -> set[str]:
        """The names in the state dict of what belongs to `frozen_parts`."""
        prefixes = tuple(f"{part}." for part in self.frozen_parts())
        return {name for name in self.state_dict() if name.startswith(prefixes)}

    def take_out_frozen(self) -> None:
        """Let go of `frozen_parts`. What is left is the head: it goes from features to scores, and learns."""
        for part in self.frozen_parts():
            above, _, name = part.rpartition(".")
            module = self.get_submodule(part)
            setattr(self.get_submodule(above), name, NoTrunk(module) if isinstance(module, Trunk) else nn.Identity())
        self.is_head = True

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
        """What takes the steps: SGD with Nesterov's momentum, or AdamW where a trunk needs it.

        Each group's rate is its `lr_factor` times the run's; what was loaded and AdamW have smaller shares, which is
        then said in the remarks.
        """
        trunks = [module for module in self.modules() if isinstance(module, Trunk)]
        loaded = {id(weights) for trunk in trunks if trunk.pretrained for weights in trunk.parameters()}
        needs_adamw = any(trunk.needs_adamw for trunk in trunks)
        groups = []
        for group in self.parameter_groups():
            share = group["lr_factor"] * (ADAMW_LR_FACTOR if needs_adamw else 1)
            slow = {"lr_factor": share * PRETRAINED_LR_FACTOR}
            groups += _parted({**group, "lr_factor": share}, lambda weights: id(weights) in loaded, **slow)
        self.trunk.remarks += _rate_remarks(groups, loaded, config.lr, is_adamw=needs_adamw)
        # One kernel for all weights, where there is one worth having.
        fused = all(weights.is_cuda for weights in self.parameters())
        if not needs_adamw:
            decay = config.weight_decay
            return torch.optim.SGD(
                groups, lr=config.lr, momentum=MOMENTUM, nesterov=True, weight_decay=decay, fused=fused
            )
        # Biases and the scales of norms do not decay, as in the published recipes.
        groups = [part for group in groups for part in _parted(group, lambda weights: weights.ndim < 2, weight_decay=0)]
        return torch.optim.AdamW(
            groups, lr=config.lr, weight_decay=ADAMW_DECAY_FACTOR * config.weight_decay, fused=fused
        )

    @property
    def remarks(self) -> tuple[str, ...]:
        """What people should know about what it was built from."""
        return tuple(self.trunk.remarks)

    @property
    def target_layer(self) -> nn.Module:
        """The layer whose output a heatmap shows: the trunk's feature map."""
        return self.trunk

    @property
    def level_layers(self) -> list[nn.Module]:
        """For each level, the top first, a layer of its own that a heatmap can show; none unless a model says so."""
        return []

    def keep(self, **arrays: Any) -> None:
        """Keep arrays of the tree under their names: on the model's device, but not among its weights."""
        for name, values in arrays.items():
            self.register_buffer(name, torch.as_tensor(values), persistent=False)


def _parted(group: dict[str, Any], is_apart: Callable[[nn.Parameter], bool], **settings: float) -> list[dict[str, Any]]:
    """The group, and apart from it those of its parameters that `is_apart`, with other settings; none is empty."""
    apart = [weights for weights in group["params"] if is_apart(weights)]
    rest = [weights for weights in group["params"] if not is_apart(weights)]
    parts = ({**group, "params": rest}, {**group, "params": apart, **settings})
    return [part for part in parts if part["params"]]


def _rate_remarks(groups: list[dict[str, Any]], loaded: set[int], lr: float, *, is_adamw: bool) -> Iterator[str]:
    """What people should know who gave the learning rate `lr`."""
    if is_adamw:
        highest = max(group["lr_factor"] for group in groups) * lr
        yield f"backbones of this kind learn with AdamW, where the learning rate {lr:g} stands for at most {highest:g}"
    old, new = ([g["lr_factor"] for g in groups if (id(g["params"][0]) in loaded) is told] for told in (True, False))
    if old:
        beside = f", what is new at most at {max(new) * lr:g}" if new else ""
        yield f"the backbone started from given weights, so it learned slowly: at most at {max(old) * lr:g}{beside}"


def as_targets(targets: Tensor | Targets) -> Targets:
    """Plain nodes as `is` labels of weight 1."""
    if isinstance(targets, Targets):
        return targets
    return Targets(targets, torch.zeros_like(targets), torch.ones(len(targets), device=targets.device))


def weighted_mean(losses: Tensor, weights: Tensor) -> Tensor:
    """Mean of (B,) losses under (B,) weights, a scalar; 0 where all weights are 0.

    What several processes learn is one batch: a loss that divides by anything else than this does has to ask
    `batch_total` for it.
    """
    weights = weights.to(losses.dtype)
    return (losses * weights).sum() / batch_total(weights.sum()).clamp_min(torch.finfo(losses.dtype).tiny)


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
