"""Exact labels come again and again for what they alone know; what vague labels know too is not learned by rote.

With batches balanced by `exact_share` the few pictures with exact labels would also teach much of the levels above, for
which there are many more pictures. So the likelihood of an exact label is taken apart at the deepest class `a` of its
path that vague labels reach as well:

    -log P(leaf) = -log P(a) - log P(leaf | a)

The first part counts by the natural share of the pictures, the second as often as it is drawn. Our own idea. Where
nothing is vague, or batches are as they come, nothing changes.
"""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from hmgc_core.learning.batches import TrainingSet
from hmgc_core.precision import full_precision
from hmgc_core.records import Targets
from hmgc_core.shared_batches import batch_total
from hmgc_core.taxonomy import IntArray, Taxonomy


@dataclass(frozen=True)
class LevelBalance:
    """weights: (n,) what the likelihood of each sample counts. own: (n,) what its part below `anchors` counts more."""

    weights: NDArray[np.float32]
    own: NDArray[np.float32]
    anchors: IntArray

    @classmethod
    def of(cls, taxonomy: Taxonomy, data: TrainingSet, share: float) -> "LevelBalance | None":
        """None where batches of this share of exact labels are as they come."""
        natural = 1 - data.vague.mean()
        if natural >= share or not natural:
            return None
        weights = np.where(data.vague, (1 - natural) / (1 - share), natural / share).astype(np.float32)
        own = np.where(data.vague, 0, 1 - natural / share).astype(np.float32)
        return cls(weights, own, _anchors(taxonomy, data))

    def weighed(self, chosen: IntArray, targets: Targets) -> "tuple[Targets, OwnLevels]":
        """The targets of these samples with the weights of their whole likelihoods, and what counts beside these."""
        device, given = targets.weights.device, targets.weights
        weights, own, anchors = (
            torch.from_numpy(part[chosen]).to(device) for part in (self.weights, self.own, self.anchors)
        )
        return Targets(targets.nodes, targets.kinds, given * weights), OwnLevels(given * own, anchors)


@dataclass(frozen=True)
class OwnLevels:
    """What exact labels alone know. weights: (B,) float, how much it counts. anchors: (B,) nodes above it."""

    weights: Tensor
    anchors: Tensor

    def loss(self, log_probs: Tensor, targets: Targets) -> Tensor:
        """The sum over the batch of -log P(label | anchor), over what all its targets weigh; a scalar.

        log_probs: (B, N). targets: (B,) as `weighed` gives them.
        """
        below, above = (
            full_precision(log_probs).gather(1, nodes[:, None])[:, 0] for nodes in (targets.nodes, self.anchors)
        )
        total = batch_total(targets.weights.sum()).clamp_min(torch.finfo(below.dtype).tiny)
        return ((above - below) * self.weights).sum() / total

    def of(self, rows: slice) -> "OwnLevels":
        """Of a part of the batch."""
        return OwnLevels(self.weights[rows], self.anchors[rows])


def _anchors(taxonomy: Taxonomy, data: TrainingSet) -> IntArray:
    """(n,) for each sample the deepest class of its path, the root included, at or below which a vague label stands."""
    starts = np.sort(taxonomy.preorder_start[data.nodes[data.vague]])
    ends = np.searchsorted(starts, [taxonomy.preorder_start, taxonomy.preorder_end])
    is_reached = ends[1] > ends[0]
    is_reached[0] = True
    anchor = np.arange(len(taxonomy))
    for node in range(1, len(taxonomy)):  # parents come before children
        if not is_reached[node]:
            anchor[node] = anchor[taxonomy.parents[node]]
    return anchor[data.nodes]
