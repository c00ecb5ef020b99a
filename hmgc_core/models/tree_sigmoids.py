"""What `hrn`, `hrn_logits` and `hmgn` share: node scores under the tree loss, leaf logits under cross-entropy.

And the answers and probabilities that follow.

Chen et al., CVPR 2022: the loss is L_Hier over all images + L_CE over those whose label names one leaf. Where we
differ: "names one leaf" is any label that leaves exactly one leaf possible; labels have kinds and weights, and the
cross-entropy is the weighted mean over the leaf-labelled images of the batch.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from hmgc_core.losses import leaf_log_marginals, log_marginals, tree_loss
from hmgc_core.models.base import HierarchicalModel, Scores, Trunk, as_targets, smoothed_cross_entropy, weighted_mean
from hmgc_core.records import IS_NOT, Targets
from hmgc_core.taxonomy import Taxonomy


@dataclass(frozen=True)
class SigmoidScores(Scores):
    """nodes: (B, N) what goes into the tree loss, in node order: sigmoids, in `hrn_logits` the logits; 0 for the root.

    node_logits: (B, N) before the sigmoid, 0 for the root.
    leaves: (B, L) logits for a softmax over the leaves, in the order of `taxonomy.leaves`.
    """

    nodes: Tensor
    node_logits: Tensor
    leaves: Tensor


class TreeSigmoidModel(HierarchicalModel):
    """Loss, probabilities and answers of a model whose forward pass gives SigmoidScores.

    `none_here` is a state of the tree loss: the path ends at this node.
    """

    depths: Tensor
    leaf_nodes: Tensor
    has_one_leaf: Tensor
    first_leaf: Tensor

    def __init__(self, taxonomy: Taxonomy, trunk: Trunk, *, label_smoothing: float = 0.0) -> None:
        super().__init__(taxonomy, trunk)
        self.label_smoothing = label_smoothing
        # A node with one leaf below has that leaf first in its interval of the leaves.
        leaf_places, places = taxonomy.preorder_start[taxonomy.leaves], taxonomy.preorder_start
        self.keep(
            depths=taxonomy.depths,
            leaf_nodes=taxonomy.leaves,
            has_one_leaf=taxonomy.leaf_counts == 1,
            first_leaf=np.searchsorted(leaf_places, places),
        )
        for depth, nodes in enumerate(taxonomy.levels, start=1):
            self.keep(**{f"inner_nodes_{depth}": nodes[~taxonomy.is_leaf[nodes]]})

    def loss(self, scores: SigmoidScores, targets: Tensor | Targets) -> Tensor:
        """L_Hier over all images + L_CE over those whose label names one leaf (left out where there is none)."""
        targets = as_targets(targets)
        tree = tree_loss(scores.nodes, targets.nodes, self.taxonomy, targets.kinds)
        loss = weighted_mean(tree, targets.weights)
        named = self.has_one_leaf[targets.nodes] & (targets.kinds != IS_NOT)
        entropy = smoothed_cross_entropy(scores.leaves, self.first_leaf[targets.nodes], self.label_smoothing)
        # Over all images, then masked: to ask a GPU which are named, or whether one is, would make the host wait.
        weights = torch.where(named, targets.weights, 0)
        leaf_loss = weighted_mean(torch.where(named, entropy, 0), weights)
        return loss + torch.where(named.any(), leaf_loss, 0)

    def log_probs(self, scores: SigmoidScores) -> Tensor:
        """(B, N): the tree marginals. Those of sigmoids are flat by construction, see docs/models.md."""
        return log_marginals(scores.nodes, self.taxonomy)

    def answer_log_probs(self, scores: SigmoidScores) -> Tensor:
        """(B, N): the softmax of the leaf logits, which `answers` goes by; inner nodes have their leaves' sum."""
        return leaf_log_marginals(scores.leaves, self.taxonomy)

    def answers(self, scores: SigmoidScores) -> Tensor:
        """(B, D): the leaf by its logit, the levels above it each by its own largest sigmoid."""
        leaf = self.leaf_nodes[scores.leaves.argmax(1)]
        columns = []
        for depth in range(1, self.taxonomy.depth + 1):
            inner = self.get_buffer(f"inner_nodes_{depth}")
            above = inner[scores.nodes[:, inner].argmax(1)] if len(inner) else torch.full_like(leaf, -1)
            below = torch.where(self.depths[leaf] == depth, leaf, -1)
            columns.append(torch.where(self.depths[leaf] > depth, above, below))
        return torch.stack(columns, 1)

    def evidence(self, scores: SigmoidScores) -> Tensor:
        """(B, N): the scores behind `answers`, softmax logits for leaves and sigmoid logits for inner nodes."""
        return scores.node_logits.index_copy(1, self.leaf_nodes, scores.leaves)
