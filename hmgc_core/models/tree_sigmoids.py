"""What `hrn`, `hrn_logits` and `hmgn` share: node scores under the tree loss, leaf logits under cross-entropy.

And the answers and probabilities that follow.

Chen et al., CVPR 2022: the loss is L_Hier over all images + L_CE over those whose label names one leaf. Where we
differ: "names one leaf" is any label that leaves exactly one leaf possible; labels have kinds and weights, and the
cross-entropy is the weighted mean over the leaf-labelled images of the batch.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from torch import Tensor

from hmgc_core.losses import leaf_log_marginals, log_marginals, tree_loss
from hmgc_core.models.base import (
    HierarchicalModel,
    Scores,
    Trunk,
    answers_above,
    as_targets,
    smoothed_cross_entropy,
    weighted_mean,
)
from hmgc_core.records import IS_NOT, Targets
from hmgc_core.taxonomy import Taxonomy

REST_LR_FACTOR = 0.2  # why: `hrn`


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

    has_stops = True
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
        named = self.has_one_leaf[targets.nodes] & (targets.kinds != IS_NOT)
        entropy = smoothed_cross_entropy(scores.leaves, self.first_leaf[targets.nodes], self.label_smoothing)
        return weighted_mean(tree, targets.weights) + weighted_mean(entropy, targets.weights * named)

    def parameter_groups(self) -> list[dict[str, Any]]:
        """The trunk at the run's learning rate, all the rest at REST_LR_FACTOR of it."""
        rest = [parameter for name, parameter in self.named_parameters() if not name.startswith("trunk.")]
        return [
            {"params": list(self.trunk.parameters()), "lr_factor": 1.0},
            {"params": rest, "lr_factor": REST_LR_FACTOR},
        ]

    def log_probs(self, scores: SigmoidScores) -> Tensor:
        """(B, N): the tree marginals. Those of sigmoids are flat by construction, see docs/models.md."""
        return log_marginals(scores.nodes, self.taxonomy)

    def answer_log_probs(self, scores: SigmoidScores) -> Tensor:
        """(B, N): the softmax of the leaf logits, which `answers` goes by; inner nodes have their leaves' sum."""
        return leaf_log_marginals(scores.leaves, self.taxonomy)

    def answers(self, scores: SigmoidScores) -> Tensor:
        """(B, D): the leaf by its logit, the levels above it each by its own largest sigmoid."""
        leaf = self.leaf_nodes[scores.leaves.argmax(1)]
        best = []
        for depth in range(1, self.taxonomy.depth + 1):
            inner = self.get_buffer(f"inner_nodes_{depth}")
            # The last level has leaves only, and nothing is asked of it.
            best.append(inner[scores.nodes[:, inner].argmax(1)] if len(inner) else leaf)
        return answers_above(leaf, best, self.depths)

    def evidence(self, scores: SigmoidScores) -> Tensor:
        """(B, N): the scores behind `answers`, softmax logits for leaves and sigmoid logits for inner nodes."""
        return scores.node_logits.index_copy(1, self.leaf_nodes, scores.leaves)
