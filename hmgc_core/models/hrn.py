"""`hrn`: Hierarchical Residual Network, "Label Relation Graphs Enhanced Hierarchical Residual Network for Hierarchical
Multi-Granularity Classification", Chen et al., CVPR 2022, on any tree and any trunk.

As published: one block per level on the same feature map; the level features are summed from the top level down; a
sigmoid score per node trained by the tree loss, and a second, softmax head over the leaves trained by cross-entropy.
Where we differ:
- Widths follow the trunk: C/2 and C/4 for its C channels, the published 1024 and 512 for ResNet-50's 2048.
- Ragged trees: a node is scored by the block of its depth; the softmax over all leaves reads the deepest block, which
  holds the sum of all.
- BatchNorm's running statistics move by 0.1 a step, not by 0.01: a first run on few labels has less than 100 steps.
- Learning rates: as published, two groups, but made for a trunk that starts at random: blocks and heads learn at a
  fifth of the trunk's rate (published: ten times the rate of a pretrained trunk). At the trunk's own 0.1 the sigmoids
  saturate in the first steps and the loss stays near its start.
- What the loss makes of labels of other kinds and of only children: `tree_sigmoids`, shared with `hmgn`.
- The probabilities of its answers, which the authors do not give, are those of the head that answers: the softmax.

`hrn_logits`, an ablation: the same network and losses, with raw logits in place of sigmoids in the tree loss. That is
HEX (Deng et al., ECCV 2014) on a tree: another objective, whose probabilities can reach 1.
"""

from typing import cast

import torch
from torch import Tensor, nn

from hmgc_core.models.base import Trunk
from hmgc_core.models.tree_sigmoids import SigmoidScores, TreeSigmoidModel
from hmgc_core.records import RunConfig
from hmgc_core.taxonomy import Taxonomy


class LevelBlock(nn.Module):
    """The granularity-specific block of one level: `pooled`, then `projection`, (B, C, h, w) to (B, C/4).

    The sum over levels comes before ReLU.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        half, quarter = channels // 2, channels // 4
        self.convolutions = nn.Sequential(
            nn.Conv2d(channels, half, 1, bias=False),
            nn.BatchNorm2d(half),
            nn.ReLU(inplace=True),
            nn.Conv2d(half, channels, 3, padding=1, bias=False),
            nn.BatchNorm2d(channels),
            nn.ReLU(inplace=True),
        )
        self.projection = nn.Sequential(
            nn.BatchNorm1d(channels),
            nn.Linear(channels, half),
            nn.BatchNorm1d(half),
            nn.ELU(inplace=True),
            nn.Linear(half, quarter),
        )

    def pooled(self, features: Tensor) -> Tensor:
        """(B, C, h, w) to the mean of the level's own map, (B, C)."""
        mean: Tensor = self.convolutions(features).mean((2, 3))
        return mean


class HRN(TreeSigmoidModel):
    """Level blocks, residual sums, a sigmoid head per level and a softmax head over the leaves.

    squash: sigmoids go into the tree loss, as published; else raw logits.
    """

    has_head = True
    column: Tensor

    def __init__(self, taxonomy: Taxonomy, trunk: Trunk, *, squash: bool = True, label_smoothing: float = 0.0) -> None:
        super().__init__(taxonomy, trunk, label_smoothing=label_smoothing)
        self.squash = squash
        width = trunk.channels // 4
        self.blocks = nn.ModuleList(LevelBlock(trunk.channels) for _ in taxonomy.levels)
        self.level_heads = nn.ModuleList(nn.Linear(width, len(nodes)) for nodes in taxonomy.levels)
        self.leaf_head = nn.Linear(width, len(taxonomy.leaves))
        by_level = torch.cat([torch.as_tensor(nodes) for nodes in taxonomy.levels])
        self.keep(column=by_level.argsort())

    def features(self, images: Tensor) -> Tensor:
        """(B, 3, H, W) to (B, (1 + D) C): the mean of the trunk's map, then of the map of each level's block.

        Up to there are the convolutions, nearly all of the work; what follows are small layers on vectors.
        """
        features = self.trunk(images)
        blocks = [cast(LevelBlock, block).pooled(features) for block in self.blocks]
        return torch.cat([features.mean((2, 3)), *blocks], 1)

    def from_features(self, features: Tensor) -> SigmoidScores:
        """(B, (1 + D) C) to sigmoids for all nodes and softmax logits for the leaves."""
        mean, *pooled = features.split(self.trunk.channels, 1)
        total = torch.zeros((), device=features.device)
        levels = []
        for block, level, head in zip(self.blocks, pooled, self.level_heads, strict=True):
            total = total + cast(LevelBlock, block).projection(level)
            levels.append(head(torch.relu(total)).float())
        logits = torch.cat(levels, 1)[:, self.column]
        logits = nn.functional.pad(logits, (1, 0))
        return SigmoidScores(
            embedding=mean,
            nodes=torch.sigmoid(logits) if self.squash else logits,
            node_logits=logits,
            leaves=self.leaf_head(torch.relu(total)).float(),
        )

    @property
    def head_reads(self) -> str:
        """The vectors of every level."""
        return f"levels{len(self.blocks)}"

    def frozen_parts(self) -> list[str]:
        """The trunk, and the convolutions of every block."""
        return ["trunk", *(f"blocks.{number}.convolutions" for number in range(len(self.blocks)))]

    @property
    def level_layers(self) -> list[nn.Module]:
        """The map of each level's block, before it is pooled."""
        return [cast(LevelBlock, block).convolutions for block in self.blocks]


def build(taxonomy: Taxonomy, trunk: Trunk, config: RunConfig) -> HRN:
    """The model of the catalog's entry `hrn`."""
    return HRN(taxonomy, trunk, label_smoothing=config.label_smoothing)


def build_with_logits(taxonomy: Taxonomy, trunk: Trunk, config: RunConfig) -> HRN:
    """The model of the catalog's entry `hrn_logits`."""
    return HRN(taxonomy, trunk, squash=False, label_smoothing=config.label_smoothing)
