"""What models with one softmax over the leaves share: a label at any node is the sum of its leaves.

Marginal likelihood of labels at any node: Valmadre, "Hierarchical classification at multiple operating points",
NeurIPS 2022 (there the loss of the flat softmax baseline).
"""

from abc import abstractmethod
from dataclasses import dataclass

import torch
from torch import Tensor

from hmgc_core.losses import leaf_evidence, leaf_log_marginals, marginal_loss
from hmgc_core.models.base import HierarchicalModel, Scores, Trunk, as_targets, weighted_mean
from hmgc_core.records import IS_NOT, Targets
from hmgc_core.taxonomy import Taxonomy


@dataclass(frozen=True)
class LeafScores(Scores):
    """leaves: (B, L) logits in the order of `taxonomy.leaves`."""

    leaves: Tensor


class LeafSoftmax(HierarchicalModel):
    """Pooled trunk features, a logit for each of the L leaves, a softmax. Subclasses give `leaf_logits`.

    A label that leaves exactly one leaf possible is a leaf label, wherever it stands, and is smoothed by
    `label_smoothing`; other labels have nothing to smooth. There is no state "stops here": `none_here` is learned as
    the weaker truth `is`.
    """

    has_head = True
    leaf_nodes: Tensor
    paths: Tensor
    has_one_leaf: Tensor

    def __init__(self, taxonomy: Taxonomy, trunk: Trunk, *, label_smoothing: float = 0.0) -> None:
        super().__init__(taxonomy, trunk)
        self.label_smoothing = label_smoothing
        self.keep(
            leaf_nodes=taxonomy.leaves,
            paths=taxonomy.ancestors_by_depth,
            has_one_leaf=taxonomy.leaf_counts == 1,
        )

    @abstractmethod
    def leaf_logits(self, pooled: Tensor) -> Tensor:
        """(B, C) pooled features to (B, L) logits in the order of `taxonomy.leaves`."""

    def from_features(self, features: Tensor) -> LeafScores:
        """(B, C) pooled features to leaf logits."""
        return LeafScores(embedding=features, leaves=self.leaf_logits(features).float())

    def loss(self, scores: LeafScores, targets: Tensor | Targets) -> Tensor:
        """Mean marginal negative log-likelihood; leaf labels are smoothed."""
        targets = as_targets(targets)
        losses = marginal_loss(scores.leaves, targets.nodes, self.taxonomy, targets.kinds)
        if self.label_smoothing:
            spread = -torch.log_softmax(scores.leaves, 1).mean(1)
            smoothed = self.has_one_leaf[targets.nodes] & (targets.kinds != IS_NOT)
            losses = losses + self.label_smoothing * torch.where(smoothed, spread - losses, 0)
        return weighted_mean(losses, targets.weights)

    def log_probs(self, scores: LeafScores) -> Tensor:
        """(B, N): each node has the sum of its leaves."""
        return leaf_log_marginals(scores.leaves, self.taxonomy)

    def answers(self, scores: LeafScores) -> Tensor:
        """(B, D): the path to the most probable leaf, so always one path."""
        return self.paths[self.leaf_nodes[scores.leaves.argmax(1)]]

    def evidence(self, scores: LeafScores) -> Tensor:
        """(B, N): log of the summed exp(logit) of the node's leaves."""
        return leaf_evidence(scores.leaves, self.taxonomy)
