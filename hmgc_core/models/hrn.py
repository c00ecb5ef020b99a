"""`hrn`: Hierarchical Residual Network, "Label Relation Graphs Enhanced Hierarchical Residual Network for Hierarchical
Multi-Granularity Classification", Chen et al., CVPR 2022, on any tree and any trunk.

As published: one block per level on the same feature map; the level features are summed from the top level down; a
sigmoid score per node trained by the tree loss, and a second, softmax head over the leaves trained by cross-entropy.
Where we differ:
- Widths follow the trunk: C/2 and C/4 for its C channels, the published 1024 and 512 for ResNet-50's 2048.
- Ragged trees: a node is scored by the block of its depth; the softmax over all leaves reads the deepest block, which
  holds the sum of all.
- "Leaf-labelled" is any label that leaves exactly one leaf possible: where a parent has one child, the child is named.
- BatchNorm's running statistics move by 0.1 a step, not by 0.01: a first run on few labels has less than 100 steps.
- Learning rates: as published, two groups, but made for a trunk that starts at random: blocks and heads learn at a
  fifth of the trunk's rate (published: ten times the rate of a pretrained trunk). At the trunk's own 0.1 the sigmoids
  saturate in the first steps and the loss stays near its start.
- Labels have kinds and weights; the cross-entropy is the weighted mean over the leaf-labelled images of the batch.
- The probabilities of its answers, which the authors do not give, are those of the head that answers: the softmax.

`hrn_logits`, an ablation: the same network and losses, with raw logits in place of sigmoids in the tree loss. That is
HEX (Deng et al., ECCV 2014) on a tree: another objective, whose probabilities can reach 1.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from hmgc_core.losses import leaf_log_marginals, log_marginals, tree_loss
from hmgc_core.models.base import HierarchicalModel, Scores, Trunk, as_targets, smoothed_cross_entropy, weighted_mean
from hmgc_core.records import IS_NOT, RunConfig, Targets
from hmgc_core.taxonomy import Taxonomy

BLOCK_LR_FACTOR = 0.2


@dataclass(frozen=True)
class HrnScores(Scores):
    """nodes: (B, N) what goes into the tree loss, in node order: sigmoids, or in `hrn_logits` the logits themselves.

    node_logits: (B, N) before the sigmoid, 0 for the root.
    leaves: (B, L) logits of the softmax head in the order of `taxonomy.leaves`.
    """

    nodes: Tensor
    node_logits: Tensor
    leaves: Tensor


class LevelBlock(nn.Module):
    """The granularity-specific block of one level: (B, C, h, w) to (B, C/4). The sum over levels comes before ReLU."""

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

    def forward(self, features: Tensor) -> Tensor:
        """(B, C, h, w) to (B, C/4)."""
        pooled: Tensor = self.convolutions(features).mean((2, 3))
        return self.projection(pooled)


class HRN(HierarchicalModel):
    """Level blocks, residual sums, a sigmoid head per level and a softmax head over the leaves.

    squash: sigmoids go into the tree loss, as published; else raw logits.
    """

    column: Tensor
    depths: Tensor
    leaf_nodes: Tensor
    has_one_leaf: Tensor
    first_leaf: Tensor

    def __init__(self, taxonomy: Taxonomy, trunk: Trunk, *, squash: bool = True, label_smoothing: float = 0.0) -> None:
        super().__init__(taxonomy, trunk)
        self.squash = squash
        width = trunk.channels // 4
        self.blocks = nn.ModuleList(LevelBlock(trunk.channels) for _ in taxonomy.levels)
        self.level_heads = nn.ModuleList(nn.Linear(width, len(nodes)) for nodes in taxonomy.levels)
        self.leaf_head = nn.Linear(width, len(taxonomy.leaves))
        self.label_smoothing = label_smoothing
        by_level = torch.cat([torch.as_tensor(nodes) for nodes in taxonomy.levels])
        # A node with one leaf below has that leaf first in its interval of the leaves.
        leaf_places, places = taxonomy.preorder_start[taxonomy.leaves], taxonomy.preorder_start
        self.keep(
            column=by_level.argsort(),
            depths=taxonomy.depths,
            leaf_nodes=taxonomy.leaves,
            has_one_leaf=taxonomy.leaf_counts == 1,
            first_leaf=np.searchsorted(leaf_places, places),
        )
        for depth, nodes in enumerate(taxonomy.levels, start=1):
            self.keep(**{f"inner_nodes_{depth}": nodes[~taxonomy.is_leaf[nodes]]})

    def forward(self, images: Tensor) -> HrnScores:
        """(B, 3, H, W) to sigmoids for all nodes and softmax logits for the leaves."""
        features = self.trunk(images)
        total = torch.zeros((), device=features.device)
        levels = []
        for block, head in zip(self.blocks, self.level_heads, strict=True):
            total = total + block(features)
            levels.append(head(torch.relu(total)).float())
        logits = torch.cat(levels, 1)[:, self.column]
        logits = nn.functional.pad(logits, (1, 0))
        return HrnScores(
            embedding=features.mean((2, 3)),
            nodes=torch.sigmoid(logits) if self.squash else logits,
            node_logits=logits,
            leaves=self.leaf_head(torch.relu(total)).float(),
        )

    def loss(self, scores: HrnScores, targets: Tensor | Targets) -> Tensor:
        """L_Hier over all images + L_CE over those whose label names one leaf (left out where there is none)."""
        targets = as_targets(targets)
        tree = tree_loss(scores.nodes, targets.nodes, self.taxonomy, targets.kinds)
        loss = weighted_mean(tree, targets.weights)
        named = self.has_one_leaf[targets.nodes] & (targets.kinds != IS_NOT)
        if named.any():
            leaves = self.first_leaf[targets.nodes[named]]
            entropy = smoothed_cross_entropy(scores.leaves[named], leaves, self.label_smoothing)
            loss = loss + weighted_mean(entropy, targets.weights[named])
        return loss

    def parameter_groups(self) -> list[dict[str, Any]]:
        """The trunk at the run's learning rate; blocks and heads at a fifth."""
        trunk = list(self.trunk.parameters())
        rest = [p for name, p in self.named_parameters() if not name.startswith("trunk.")]
        return [{"params": trunk, "lr_factor": 1.0}, {"params": rest, "lr_factor": BLOCK_LR_FACTOR}]

    def log_probs(self, scores: HrnScores) -> Tensor:
        """(B, N): the tree marginals. Those of sigmoids are flat by construction, see docs/models.md."""
        return log_marginals(scores.nodes, self.taxonomy)

    def answer_log_probs(self, scores: HrnScores) -> Tensor:
        """(B, N): the softmax head, which gives the leaf of `answers`; inner nodes have the sum of their leaves."""
        return leaf_log_marginals(scores.leaves, self.taxonomy)

    def answers(self, scores: HrnScores) -> Tensor:
        """(B, D): the leaf from the softmax head, the levels above it each by its own largest sigmoid."""
        leaf = self.leaf_nodes[scores.leaves.argmax(1)]
        columns = []
        for depth in range(1, self.taxonomy.depth + 1):
            inner = self.get_buffer(f"inner_nodes_{depth}")
            above = inner[scores.nodes[:, inner].argmax(1)] if len(inner) else torch.full_like(leaf, -1)
            below = torch.where(self.depths[leaf] == depth, leaf, -1)
            columns.append(torch.where(self.depths[leaf] > depth, above, below))
        return torch.stack(columns, 1)

    def evidence(self, scores: HrnScores) -> Tensor:
        """(B, N): the scores behind `answers`, softmax logits for leaves and sigmoid logits for inner nodes."""
        return scores.node_logits.index_copy(1, self.leaf_nodes, scores.leaves)


def build(taxonomy: Taxonomy, trunk: Trunk, config: RunConfig) -> HRN:
    """The model of the catalog's entry `hrn`."""
    return HRN(taxonomy, trunk, label_smoothing=config.label_smoothing)


def build_with_logits(taxonomy: Taxonomy, trunk: Trunk, config: RunConfig) -> HRN:
    """The model of the catalog's entry `hrn_logits`."""
    return HRN(taxonomy, trunk, squash=False, label_smoothing=config.label_smoothing)
