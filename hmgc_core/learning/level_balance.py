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

    def weighed(self, chosen: IntArray, targets: Targets) -> Targets:
        """The targets of these samples with the weights of their whole likelihoods."""
        return Targets(targets.nodes, targets.kinds, targets.weights * _beside(self.weights[chosen], targets.weights))

    def own_loss(self, log_probs: Tensor, chosen: IntArray, targets: Targets) -> Tensor:
        """The mean over the batch of -log P(label | anchor) where it counts more than its share, a scalar."""
        anchors = torch.from_numpy(self.anchors[chosen]).to(log_probs.device)
        log_probs = full_precision(log_probs)
        reached = torch.stack([targets.nodes, anchors], 1)
        below, above = log_probs.gather(1, reached).unbind(1)
        weights = targets.weights * _beside(self.own[chosen], targets.weights)
        # Relative to all weights, as the model's own mean is.
        return ((above - below) * weights).sum() / targets.weights.sum().clamp_min(1e-12)


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


def _beside(values: NDArray[np.float32], tensor: Tensor) -> Tensor:
    return torch.from_numpy(values).to(tensor.device)
