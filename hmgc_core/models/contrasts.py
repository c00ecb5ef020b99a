"""Which classes HGR-Net tells apart for a label: its positives, and around each its negatives, as tables of the tree.

Yi et al., ECCV 2022, method "OM". All shapes follow from the tree and the size of the batch, never from the labels, so
a GPU is never waited for. K: the most positives of a label, M: the most levels of a positive; what a label has less is
marked as not there.
"""

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from hmgc_core.taxonomy import IntArray, Taxonomy

NEGATIVES = 256


@dataclass(frozen=True)
class Contrast:
    """What HGR-Net contrasts. The options' meaning is in `models.options`; negatives: at most so many a contrast."""

    out_ratio: float = 0.25
    in_ratio: float = 0.5
    window: str = "around"
    weighting: str = "learned"
    seed: int = 0
    negatives: int = NEGATIVES


@dataclass(frozen=True)
class Contrasts:
    """K · M times "which of these is it?" for each of B pictures.

    right: (B, K) the positives. is_there: (B, K, M) bool. candidates: (B, K, M, N) bool, the positive and its
    negatives; none where it is not there. weights: (B, K, M), 0 where it is not there.
    """

    right: Tensor
    is_there: Tensor
    candidates: Tensor
    weights: Tensor


class ContrastTables(nn.Module):
    """The tree as tables on the model's device; nothing is learned here and nothing kept in a checkpoint."""

    depths: Tensor
    above: Tensor
    starts: Tensor
    ends: Tensor
    windows: Tensor
    out_counts: Tensor
    in_counts: Tensor

    def __init__(self, taxonomy: Taxonomy, contrast: Contrast) -> None:
        super().__init__()
        self.contrast = contrast
        out_counts, in_counts = (_shares(ratio, taxonomy.depth) for ratio in (contrast.out_ratio, contrast.in_ratio))
        windows = _windows(taxonomy, contrast.window)
        tables = {
            "depths": taxonomy.depths,
            "above": _ancestors_upwards(taxonomy, max(out_counts)),
            "starts": taxonomy.preorder_start,
            "ends": taxonomy.preorder_end,
            "windows": windows,
            "out_counts": out_counts,
            "in_counts": in_counts,
        }
        for name, values in tables.items():
            self.register_buffer(name, torch.as_tensor(values), persistent=False)
        self.levels = max(in_counts)
        self.may_overflow = bool(windows.sum(1).max() > contrast.negatives)

    def forward(self, nodes: Tensor, chosen: Tensor, taught: Tensor, theta: Tensor) -> Contrasts:
        """The contrasts of the chosen ones among (B,) labels.

        chosen: (B,) bool. taught: (N,) bool, who may be a negative. theta: (D + 1,), a score per depth.
        """
        right = self.above[nodes]
        positives, levels = (torch.arange(size, device=nodes.device) for size in (right.shape[1], self.levels))
        depth, anchors = self.depths[nodes], self.depths[right][:, :, None] - levels
        has_positive = (positives < self.out_counts[depth, None]) & chosen[:, None]
        is_there = has_positive[..., None] & (levels < self.in_counts[self.depths[right], None])
        outer = layer_weights(self.contrast.weighting, theta, self.out_counts, right.shape[1])
        inner = layer_weights(self.contrast.weighting, theta, self.in_counts, self.levels)
        weights = outer[depth][:, :, None] * inner[self.depths[right]]
        candidates = self.windows[anchors.clamp(min=0)] & taught & ~self._family(right)[:, :, None]
        if self.may_overflow:
            order = random_order(len(self.depths), self.contrast.seed, nodes)
            candidates = first_of(candidates, order, self.contrast.negatives)
        itself = right[..., None] == torch.arange(len(self.depths), device=nodes.device)
        return Contrasts(right, is_there, (candidates | itself[:, :, None]) & is_there[..., None], weights * is_there)

    def _family(self, nodes: Tensor) -> Tensor:
        """(B, K) nodes to (B, K, N) bool: those above each, below it, and itself."""
        start, end = self.starts[nodes][..., None], self.ends[nodes][..., None]
        return ((self.starts <= start) & (start < self.ends)) | ((start <= self.starts) & (self.starts < end))


def layer_weights(weighting: str, theta: Tensor, counts: Tensor, most: int) -> Tensor:
    """(D + 1, most): [d, i] weighs the node i levels above one at depth d, among the counts[d] lowest of its path."""
    steps = torch.arange(most, device=counts.device)
    if weighting == "learned":
        depths = torch.arange(len(counts), device=counts.device)[:, None]
        scores = theta[(depths - steps).clamp(min=0)]
    else:
        rank = steps + 1 if weighting == "increasing" else torch.ones_like(steps)
        scores = rank.to(theta.dtype).log().expand(len(counts), -1)
    return scores.masked_fill(steps >= counts[:, None], torch.finfo(scores.dtype).min).softmax(1)


# --- a random part of many --------------------------------------------------------------------------------------------


def first_of(candidates: Tensor, order: Tensor, most: int) -> Tensor:
    """The first `most` of each row in this order. candidates: (…, N) bool; order: (N,)."""
    shuffled = candidates[..., order]
    shuffled = shuffled & (shuffled.cumsum(-1, dtype=torch.int32) <= most)
    return shuffled[..., order.argsort()]


def random_order(count: int, seed: int, nodes: Tensor) -> Tensor:
    """(count,) int: an order of 0 to count - 1 that follows from the seed and the batch's (B,) labels.

    Drawn on the labels' device, the same on all: a stopped run goes on with the very same negatives.
    """
    places = torch.arange(len(nodes), device=nodes.device)
    key = _mixed(nodes + _mixed(places + seed * 2**20)).sum()
    return _mixed(_mixed(torch.arange(count, device=nodes.device)) + key).argsort()


def _mixed(values: Tensor) -> Tensor:
    """int64 to int64, one to one and without order: the last steps of SplitMix64 (Steele et al., OOPSLA 2014)."""
    for shift, factor in ((30, 0xBF58476D1CE4E5B9 - 2**64), (27, 0x94D049BB133111EB - 2**64)):
        values = (values ^ _shifted(values, shift)) * factor
    return values ^ _shifted(values, 31)


def _shifted(values: Tensor, bits: int) -> Tensor:
    """To the right, filled with zeros from the left, as of numbers without a sign."""
    return (values >> bits) & (2 ** (64 - bits) - 1)


# --- the tree as arrays -----------------------------------------------------------------------------------------------


def _windows(taxonomy: Taxonomy, window: str) -> np.ndarray:
    """(D + 1, N) bool: whom an anchor at each depth meets. Published is the level above it, or the top one."""
    reach = (-1, 1) if window == "around" else (-1, -1)
    depths = np.arange(taxonomy.depth + 1)[:, None]
    first, last = (np.maximum(depths + step, 1) for step in reach)
    return (first <= taxonomy.depths) & (taxonomy.depths <= last)


def _ancestors_upwards(taxonomy: Taxonomy, count: int) -> IntArray:
    """(N, count): [i, k] is the node k levels above i, 0 from the root on."""
    table = np.zeros((len(taxonomy), count), dtype=np.int64)
    table[:, 0] = np.arange(len(taxonomy))
    for step in range(1, count):
        table[:, step] = np.maximum(taxonomy.parents[table[:, step - 1]], 0)
    return table


def _shares(ratio: float, depth: int) -> list[int]:
    """For paths of 0, 1, 2, … nodes how many of them are taken: the ratio, rounded up, and at least one."""
    return [0, *(max(1, math.ceil(ratio * length - 1e-9)) for length in range(1, depth + 1))]
