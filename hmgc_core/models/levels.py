"""What models with one softmax per level share: the classes of each level, its loss, and how the levels make one whole.

The classes of level l are the nodes at depth l and every leaf above it, carried down as its own copy, so each level
tells all pictures apart and the finest one's classes are the leaves.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from hmgc_core.losses import leaf_log_marginals
from hmgc_core.models.base import HierarchicalModel, Scores, Trunk, answers_above, as_targets, weighted_mean
from hmgc_core.models.sisters import log_softmax_in_groups
from hmgc_core.records import IS_NOT, Targets
from hmgc_core.taxonomy import IntArray, Taxonomy


@dataclass(frozen=True)
class LevelScores(Scores):
    """levels: for each level, the top first, (B, K) logits of its classes in pre-order."""

    levels: tuple[Tensor, ...]


def level_classes(taxonomy: Taxonomy) -> list[IntArray]:
    """For each depth 1, 2, …: (K,) int nodes at that depth and leaves above it, in pre-order."""
    order = np.argsort(taxonomy.preorder_start)
    depths, is_leaf = taxonomy.depths[order], taxonomy.is_leaf[order]
    return [order[(depths == depth) | (is_leaf & (depths < depth))] for depth in range(1, taxonomy.depth + 1)]


class LevelModel(HierarchicalModel):
    """One softmax per level. Subclasses give forward.

    L = sum over levels of weight_l times the mean of -log P_l(label), over the images whose label teaches that level:

        is v        a level that the label leaves one class of: v's ancestor there, v itself, v's copy where v is a leaf
                    (or the only class below v). Finer levels learn nothing from it; that is this family's loss.
        is_not v    the levels at and below v: P_l(label) is the softmax mass of the classes outside v
        none_here v as `is v`: there is no state "stops here"

    Each mean is over the images that teach the level, so few fine labels weigh as much as many coarse ones; a batch
    that teaches a level nothing gives it no gradient. Classes that a label names are smoothed by `label_smoothing`.
    """

    low: Tensor
    high: Tensor
    depths: Tensor
    widest: Tensor
    leaf_nodes: Tensor
    column: Tensor

    def __init__(
        self, taxonomy: Taxonomy, trunk: Trunk, *, weights: tuple[float, ...] = (), label_smoothing: float = 0.0
    ) -> None:
        super().__init__(taxonomy, trunk)
        self.weights, self.label_smoothing = weights or (1.0,) * taxonomy.depth, label_smoothing
        classes = level_classes(taxonomy)
        self.sizes = [len(nodes) for nodes in classes]
        self.keep(**_class_intervals(taxonomy, classes))
        self.keep(depths=taxonomy.depths, widest=_widest(taxonomy), leaf_nodes=taxonomy.leaves)
        above, by_level = np.array([0]), [np.array([0])]
        for depth, nodes in enumerate(classes, start=1):
            here = np.flatnonzero(taxonomy.depths[nodes] == depth)
            by_level.append(nodes[here])
            parents = np.searchsorted(
                taxonomy.preorder_start[above], taxonomy.preorder_start[taxonomy.parents[nodes[here]]]
            )
            self.keep(**{f"here_{depth}": here, f"nodes_{depth}": nodes[here], f"parents_{depth}": parents})
            above = nodes[here]
        self.keep(column=np.argsort(np.concatenate(by_level)))

    def _at_depth(self, scores: LevelScores) -> list[Tensor]:
        """For each level, the logits of the nodes that stand at its depth, without the copies of shallower leaves."""
        return [logits[:, self.get_buffer(f"here_{depth}")] for depth, logits in enumerate(scores.levels, start=1)]

    def loss(self, scores: LevelScores, targets: Tensor | Targets) -> Tensor:
        """The weighted sum of the levels' mean losses, a scalar."""
        targets = as_targets(targets)
        losses = [
            weight * self._level_loss(level, logits, targets)
            for level, (weight, logits) in enumerate(zip(self.weights, scores.levels, strict=True))
        ]
        return torch.stack(losses).sum()

    def _level_loss(self, level: int, logits: Tensor, targets: Targets) -> Tensor:
        """The mean loss of one level, counted from 0, over the images that teach it; 0 where none does."""
        outside = targets.kinds == IS_NOT
        nodes = torch.where(outside, self.widest[targets.nodes], targets.nodes)
        low, high = self.low[level, nodes], self.high[level, nodes]
        rules_out = (self.depths[nodes] <= level + 1) & (high - low < self.sizes[level])
        taught = torch.where(outside, rules_out, high - low == 1)
        places = torch.arange(self.sizes[level], device=logits.device)
        fits = ((low[:, None] <= places) & (places < high[:, None])) ^ outside[:, None]
        log_probs = torch.log_softmax(logits, 1)
        losses = -torch.logsumexp(log_probs.masked_fill(~fits & taught[:, None], -torch.inf), 1)
        if self.label_smoothing:
            smoothed = taught & ~outside
            losses = losses + self.label_smoothing * torch.where(smoothed, -log_probs.mean(1) - losses, 0)
        return weighted_mean(losses, targets.weights * taught)

    def log_probs(self, scores: LevelScores) -> Tensor:
        """(B, N): the product from the top down of each level's softmax restricted to the children of one parent.

        So every level decides only what the levels above left open: the coarse ones, which learn from every label,
        have the word on coarse questions, and the finest, which may know few labels, chooses among siblings.
        """
        result = [scores.levels[0].new_zeros((len(scores.levels[0]), 1))]
        for depth, logits in enumerate(self._at_depth(scores), start=1):
            parents = self.get_buffer(f"parents_{depth}")
            share = log_softmax_in_groups(logits, parents, result[-1].shape[1])
            result.append(result[-1].index_select(1, parents) + share)
        return torch.cat(result, 1)[:, self.column]

    def answers(self, scores: LevelScores) -> Tensor:
        """(B, D): the leaf of the finest softmax, and at each level above it the best class of that very depth."""
        leaf = self.leaf_nodes[scores.levels[-1].argmax(1)]
        best = [
            self.get_buffer(f"nodes_{depth}")[logits.argmax(1)]
            for depth, logits in enumerate(self._at_depth(scores), start=1)
        ]
        return answers_above(leaf, best, self.depths)

    def answer_log_probs(self, scores: LevelScores) -> Tensor:
        """(B, N): the finest softmax, which gives the leaf of `answers`; inner nodes have the sum of their leaves."""
        return leaf_log_marginals(scores.levels[-1], self.taxonomy)

    def evidence(self, scores: LevelScores) -> Tensor:
        """(B, N): each node's own logit at its own level."""
        return torch.nn.functional.pad(torch.cat(self._at_depth(scores), 1), (1, 0))[:, self.column]


def _class_intervals(taxonomy: Taxonomy, classes: list[IntArray]) -> dict[str, IntArray]:
    """low, high: (D, N) the classes of each level that fit each node, as an interval of that level's pre-order.

    Of a node below the level it is its ancestor there.
    """
    low, high = (np.empty((len(classes), len(taxonomy)), dtype=np.int64) for _ in range(2))
    for level, nodes in enumerate(classes):
        above = taxonomy.ancestors_by_depth[:, level]
        seen = np.where(above >= 0, above, np.arange(len(taxonomy)))
        places = taxonomy.preorder_start[nodes]
        low[level] = np.searchsorted(places, taxonomy.preorder_start[seen])
        high[level] = np.searchsorted(places, taxonomy.preorder_end[seen])
    return {"low": low, "high": high}


def _widest(taxonomy: Taxonomy) -> IntArray:
    """(N,) int: the highest node with the same leaves; of an only child that is an ancestor."""
    widest = np.arange(len(taxonomy))
    for node in range(1, len(taxonomy)):
        parent = taxonomy.parents[node]
        if taxonomy.leaf_counts[parent] == taxonomy.leaf_counts[node]:
            widest[node] = widest[parent]
    return widest
