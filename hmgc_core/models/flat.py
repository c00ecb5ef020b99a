"""`flat`: one softmax over the leaves; a label at any node is the sum of its leaves. The honest baseline.

Marginal likelihood of labels at any node: Valmadre, "Hierarchical classification at multiple operating points",
NeurIPS 2022 (there the flat softmax baseline).
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from hmgc_core.losses import leaf_evidence, leaf_log_marginals, marginal_loss
from hmgc_core.models.base import HierarchicalModel, Scores, Trunk, as_targets, weighted_mean
from hmgc_core.records import IS_NOT, RunConfig, Targets
from hmgc_core.taxonomy import Taxonomy


@dataclass(frozen=True)
class FlatScores(Scores):
    """leaves: (B, L) logits in the order of `taxonomy.leaves`."""

    leaves: Tensor


class Flat(HierarchicalModel):
    """Pooled trunk features, one Linear, a softmax over the L leaves.

    A label that leaves exactly one leaf possible is a leaf label, wherever it stands, and is smoothed by
    `label_smoothing`; other labels have nothing to smooth. This model has no state "stops here": `none_here` is
    learned as the weaker truth `is`.
    """

    leaf_nodes: Tensor
    paths: Tensor
    has_one_leaf: Tensor

    def __init__(self, taxonomy: Taxonomy, trunk: Trunk, *, label_smoothing: float = 0.0) -> None:
        super().__init__(taxonomy, trunk)
        self.head = nn.Linear(trunk.vector_channels, len(taxonomy.leaves))
        self.label_smoothing = label_smoothing
        self.keep(
            leaf_nodes=taxonomy.leaves,
            paths=taxonomy.ancestors_by_depth,
            has_one_leaf=taxonomy.leaf_counts == 1,
        )

    def forward(self, images: Tensor) -> FlatScores:
        """(B, 3, H, W) to leaf logits."""
        pooled = self.trunk.pool(self.trunk(images))
        return FlatScores(embedding=pooled, leaves=self.head(pooled).float())

    def loss(self, scores: FlatScores, targets: Tensor | Targets) -> Tensor:
        """Mean marginal negative log-likelihood; leaf labels are smoothed."""
        targets = as_targets(targets)
        losses = marginal_loss(scores.leaves, targets.nodes, self.taxonomy, targets.kinds)
        if self.label_smoothing:
            spread = -torch.log_softmax(scores.leaves, 1).mean(1)
            smoothed = self.has_one_leaf[targets.nodes] & (targets.kinds != IS_NOT)
            losses = losses + self.label_smoothing * torch.where(smoothed, spread - losses, 0)
        return weighted_mean(losses, targets.weights)

    def log_probs(self, scores: FlatScores) -> Tensor:
        """(B, N): each node has the sum of its leaves."""
        return leaf_log_marginals(scores.leaves, self.taxonomy)

    def answers(self, scores: FlatScores) -> Tensor:
        """(B, D): the path to the most probable leaf, so always one path."""
        return self.paths[self.leaf_nodes[scores.leaves.argmax(1)]]

    def evidence(self, scores: FlatScores) -> Tensor:
        """(B, N): log of the summed exp(logit) of the node's leaves."""
        return leaf_evidence(scores.leaves, self.taxonomy)


def build(taxonomy: Taxonomy, trunk: Trunk, config: RunConfig) -> Flat:
    """The model of the catalog's entry `flat`."""
    return Flat(taxonomy, trunk, label_smoothing=config.label_smoothing)
