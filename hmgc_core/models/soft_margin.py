"""`soft_margin`: a softmax over all nodes that must keep a margin to every node that contradicts the label.

Soft-max-margin, Valmadre, "Hierarchical classification at multiple operating points", NeurIPS 2022, with its margin
tau = 5. The paper's loss for a leaf y, over all nodes v, where C(y, v) = 0 if v is y or an ancestor of y, else 1:

    L(y) = -s_y + log sum_v exp(s_v + tau C(y, v))

A node is a state, "it is this and nothing finer", and P(node) is the sum of the states at or below it.
For labels above the leaves, which the paper does not have, a label y is the set S(y) of states that fit it, as in the
tree family of `losses`, and C must be said:

    L(y) = -log sum_{v in S(y)} exp(s_v) + log sum_v exp(s_v + tau C(y, v))
    is y         S = y and below          C = 1 where v is neither at or below y nor an ancestor of y
    none_here y  S = y alone              C = 1 where v is neither y nor an ancestor: the paper's formula at any node
    is_not y     S = all but y and below  C = 1 at y and below

So what lies below a coarse label is not pushed away, and at a leaf all is as published. At tau = 0 this is the
likelihood of the label. The root's score is 0: softmax knows differences only. Labels are not smoothed.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from hmgc_core.losses import log_marginals, tree_loss
from hmgc_core.models.base import HierarchicalModel, Scores, Trunk, as_targets, weighted_mean
from hmgc_core.models.options import chosen_options
from hmgc_core.records import IS_NOT, NONE_HERE, RunConfig, Targets
from hmgc_core.taxonomy import Taxonomy


@dataclass(frozen=True)
class StateScores(Scores):
    """states: (B, N) score of "it is this node and nothing finer", 0 for the root."""

    states: Tensor


class SoftMargin(HierarchicalModel):
    """Pooled trunk features, one Linear over all nodes but the root."""

    has_stops = has_head = True
    start: Tensor
    end: Tensor
    parents: Tensor
    leaf_nodes: Tensor
    paths: Tensor

    def __init__(self, taxonomy: Taxonomy, trunk: Trunk, *, margin: float) -> None:
        super().__init__(taxonomy, trunk)
        self.head = nn.Linear(trunk.vector_channels, len(taxonomy) - 1)
        self.margin = margin
        self.keep(
            start=taxonomy.preorder_start,
            end=taxonomy.preorder_end,
            parents=taxonomy.parents.clip(0),
            leaf_nodes=taxonomy.leaves,
            paths=taxonomy.ancestors_by_depth,
        )

    def from_features(self, features: Tensor) -> StateScores:
        """(B, C) pooled features to a score for every node."""
        return StateScores(embedding=features, states=nn.functional.pad(self.head(features).float(), (1, 0)))

    def loss(self, scores: StateScores, targets: Tensor | Targets) -> Tensor:
        """The weighted mean of L over the images."""
        targets = as_targets(targets)
        states = scores.states + self.margin * self.contradicts(targets.nodes, targets.kinds)
        return weighted_mean(
            tree_loss(self._steps(states), targets.nodes, self.taxonomy, targets.kinds), targets.weights
        )

    def contradicts(self, nodes: Tensor, kinds: Tensor) -> Tensor:
        """(B, N) bool: C(y, v) of every label y and node v. nodes, kinds: (B,)."""
        start, end = self.start[nodes][:, None], self.end[nodes][:, None]
        below = (start <= self.start) & (self.start < end)  # at or below the label
        above = (self.start <= start) & (start < self.end)  # the label itself or an ancestor
        kinds = kinds[:, None]
        return torch.where(kinds == IS_NOT, below, ~above & ~(below & (kinds != NONE_HERE)))

    def _steps(self, states: Tensor) -> Tensor:
        """What each node adds to its parent, so that sums along paths, the energies of `losses`, are the states."""
        return states - states.index_select(1, self.parents)

    def log_probs(self, scores: StateScores) -> Tensor:
        """(B, N): each node has the states at or below it; what is left above its children is "nothing finer"."""
        return log_marginals(self._steps(scores.states), self.taxonomy)

    def answers(self, scores: StateScores) -> Tensor:
        """(B, D): the path to the most probable leaf, so always one path."""
        return self.paths[self.leaf_nodes[scores.states[:, self.leaf_nodes].argmax(1)]]

    def evidence(self, scores: StateScores) -> Tensor:
        """(B, N): log of the summed exp(score) of the states at or below each node."""
        return self.log_probs(scores) + torch.logsumexp(scores.states, 1, keepdim=True)


def build(taxonomy: Taxonomy, trunk: Trunk, config: RunConfig) -> SoftMargin:
    """The model of the catalog's entry `soft_margin`."""
    return SoftMargin(taxonomy, trunk, margin=float(chosen_options(config)["margin"]))
