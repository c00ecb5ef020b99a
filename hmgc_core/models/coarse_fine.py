"""`coarse_fine`: a trunk per level; what a coarse trunk sees is handed to the next finer one.

The network of the public code "Hierarchical_CNN" (ljh415, CIFAR-100 with two levels; no paper), on any depth and trunk.
Level l has a trunk T_l (the coarse ones without their last stage) and, from the second level on, a 1x1 convolution:

    h_1 = T_1(x),   h_l = conv([T_l(x); pool(h_{l-1})]),   logits_l = Linear(mean of h_l over the map)
    L = sum over levels of w_l CE(logits_l, label at level l),   w = 1, and at the finest `finest_weight`, theirs 2

pool is a 3x3 max-pool of stride 2 where the next trunk's map is smaller; h_{l-1} is detached there, so a finer loss
never reaches a coarser branch. With `wide_resnet50_2` at 224 px and 20/100 classes: 98.22 M parameters, as theirs.
Where we differ:
- Nothing is frozen. Theirs froze the coarse trunk but for its last stage (of the fine one the freezing had no effect),
  which needs pretrained weights; ours may start at random. Given weights fill every trunk.
- Joints and heads learn at a tenth of the run's rate (0.01 of the recipe's 0.1; theirs 0.008 for all): nothing
  normalises them, and at the trunks' own rate the loss soon is no number any more.
- Any depth and ragged trees; kinds, weights and the answers' distribution as `LevelModel` says.
- A heatmap shows the finest trunk's map, so inner nodes are explained by their leaves there, not by their own level.
`share_trunk`: one trunk; the coarse levels read the map of its last stage but one. `fine_only`, their ablation: the
finest trunk and a softmax over the leaves. To learn from coarse labels too it has `flat`'s loss, theirs at leaf labels.
"""

from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn

from hmgc_core.losses import leaf_evidence
from hmgc_core.models.base import Trunk
from hmgc_core.models.catalog import build_backbone
from hmgc_core.models.leaf_softmax import LeafSoftmax
from hmgc_core.models.levels import LevelModel, LevelScores
from hmgc_core.models.options import chosen_options
from hmgc_core.records import RunConfig
from hmgc_core.taxonomy import Taxonomy

JOINT_LR_FACTOR = 0.1


class CoarseFine(LevelModel):
    """coarse_trunks: one for each level but the finest, the top first, or none: then all levels read `trunk`."""

    def __init__(
        self,
        taxonomy: Taxonomy,
        trunk: Trunk,
        coarse_trunks: list[Trunk],
        *,
        finest_weight: float = 2.0,
        label_smoothing: float = 0.0,
    ) -> None:
        weights = (1.0,) * (taxonomy.depth - 1) + (finest_weight,)
        super().__init__(taxonomy, trunk, weights=weights, label_smoothing=label_smoothing)
        self.coarse_trunks = nn.ModuleList(coarse_trunks)
        coarse_widths = [coarse.channels for coarse in coarse_trunks] or trunk.stage_channels[-2:-1] * (
            taxonomy.depth - 1
        )
        widths = [*coarse_widths, trunk.channels]
        self.fusions = nn.ModuleList(nn.Conv2d(before + width, width, 1) for before, width in pairwise(widths))
        self.heads = nn.ModuleList(_head(width, size) for width, size in zip(widths, self.sizes, strict=True))

    def from_features(self, features: list[Tensor]) -> LevelScores:
        """The map of each level's trunk, (B, C, h, w), to logits of every level."""
        fused = [features[0]]
        for fusion, own in zip(self.fusions, features[1:], strict=True):
            fused.append(fusion(torch.cat([own, fitted(fused[-1].detach(), own)], 1)))
        pooled = [level.mean((2, 3)) for level in fused]
        logits = tuple(head(vector).float() for head, vector in zip(self.heads, pooled, strict=True))
        return LevelScores(embedding=pooled[-1], levels=logits)

    def features(self, images: Tensor) -> list[Tensor]:
        """(B, 3, H, W) to what the trunks see, one map for each level."""
        if self.coarse_trunks or not self.fusions:
            return [trunk(images) for trunk in (*self.coarse_trunks, self.trunk)]
        before, last = self.trunk.stages(images)[-2:]
        return [before] * len(self.fusions) + [last]

    def parameter_groups(self) -> list[dict[str, Any]]:
        """The trunks at the run's learning rate; convolutions between levels and heads at a tenth."""
        joints = [*self.fusions.parameters(), *self.heads.parameters()]
        trunks = [*self.coarse_trunks.parameters(), *self.trunk.parameters()]
        return [{"params": trunks, "lr_factor": 1.0}, {"params": joints, "lr_factor": JOINT_LR_FACTOR}]

    def evidence(self, scores: LevelScores) -> Tensor:
        """(B, N): log of the summed exp(logit) of the node's leaves in the finest softmax."""
        return leaf_evidence(scores.levels[-1], self.taxonomy)

    @property
    def target_layer(self) -> nn.Module:
        """The finest trunk's own map; where the trunk is shared, the map that the finest level makes of it."""
        return self.trunk if self.coarse_trunks or not self.fusions else self.fusions[-1]


class FineOnly(LeafSoftmax):
    """The finest level alone."""

    def __init__(self, taxonomy: Taxonomy, trunk: Trunk, *, label_smoothing: float = 0.0) -> None:
        super().__init__(taxonomy, trunk, label_smoothing=label_smoothing)
        self.head = _head(trunk.vector_channels, len(taxonomy.leaves))

    def leaf_logits(self, pooled: Tensor) -> Tensor:
        """(B, C) to (B, L)."""
        logits: Tensor = self.head(pooled)
        return logits


def fitted(coarse: Tensor, own: Tensor) -> Tensor:
    """The (B, C, h, w) map of the level above at the height and width of `own`."""
    if coarse.shape[2:] == own.shape[2:]:
        return coarse
    halved = nn.functional.max_pool2d(coarse, 3, stride=2, padding=1)
    # Some trunks round an odd side down where this pool rounds it up, or shrink by more than two.
    return halved if halved.shape[2:] == own.shape[2:] else nn.functional.adaptive_max_pool2d(coarse, own.shape[2:])


def _head(width: int, classes: int) -> nn.Linear:
    head = nn.Linear(width, classes)
    nn.init.kaiming_normal_(head.weight)
    nn.init.zeros_(head.bias)
    return head


def build(taxonomy: Taxonomy, trunk: Trunk, config: RunConfig) -> CoarseFine | FineOnly:
    """The model of the catalog's entry `coarse_fine`, with a trunk of its own for each level unless it is shared.

    Raises BadConfig where coarse levels, which do not look at the last stage, would have none to look at.
    """
    options = chosen_options(config)
    if options["fine_only"]:
        return FineOnly(taxonomy, trunk, label_smoothing=config.label_smoothing)
    if taxonomy.depth > 1:
        trunk.check_stages(2)
    coarse = [] if options["share_trunk"] else [build_backbone(config) for _ in range(taxonomy.depth - 1)]
    for one in coarse:
        one.cut(len(one.stage_channels) - 1)
    weight = float(options["finest_weight"])
    return CoarseFine(taxonomy, trunk, coarse, finest_weight=weight, label_smoothing=config.label_smoothing)
