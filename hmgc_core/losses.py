"""Likelihoods of labels at any node of a class tree, and the marginals of all nodes. Knows the tree, no model.

Two families of states carry the probability. In the *tree* family every node is a state, "it is this node and nothing
finer", with energy = the sum of the scores from the top level down to it (HRN, CVPR 2022; HEX, ECCV 2014). In the
*leaf* family only the leaves are states. In both, a label is a set of states that is one interval of the pre-order:

    is v         the states at or below v
    is_not v     all other states
    none_here v  the state v alone; the leaf family has no such state and learns the weaker `is v`

so one function, `_SetLoss`, gives value and gradient for every label at every depth in O(B·N). Sums over paths and over
subtrees (`tree_sums`) are each other's gradients.

Nothing here asks another device than the CPU for a number: that would make the host wait for it in every step.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from hmgc_core.precision import full_precision
from hmgc_core.records import IS_NOT, NONE_HERE, Targets
from hmgc_core.shared_batches import batch_total
from hmgc_core.taxonomy import Taxonomy
from hmgc_core.tree_sums import (
    SubtreeSums,
    TreeIndex,
    exp_,
    joined_ranges,
    log_subtree_sums,
    path_sums,
    subtree_sums,
    transposed,
    tree_index,
)

# The dtypes that plain sums are tried in, by that of the scores.
PLAIN_DTYPES = {torch.float32: (torch.float32, torch.float64), torch.float64: (torch.float64,)}
# What underflowed of one state is rounding beside a share as large as this.
SMALLEST_SHARE = {dtype: torch.finfo(dtype).tiny / torch.finfo(dtype).eps for dtype in PLAIN_DTYPES}


def tree_loss(scores: Tensor, targets: Tensor, taxonomy: Taxonomy, kinds: Tensor | None = None) -> Tensor:
    """-log P(label) in the tree family, per image. Chen et al., CVPR 2022, eq. 5 to 7, without their state matrix.

    scores: (B, N) float, any size of logit; column 0, the root, counts as 0 whatever it holds. targets: (B,) int
    nodes, the root included (its loss is 0). kinds: (B,) int codes of `records`, all `is` if left out.
    Returns (B,) of at least float32; inf where no state fits, as for `is_not` root.
    HRN gives sigmoids as scores; that is the model's choice, not the loss's.
    """
    return _set_loss(scores, targets, kinds, _tree_states(taxonomy, scores.device))


def marginal_loss(leaf_logits: Tensor, targets: Tensor, taxonomy: Taxonomy, kinds: Tensor | None = None) -> Tensor:
    """-log of the softmax mass of the label's leaves, per image: the likelihood of a label at any node.

    leaf_logits: (B, L) float in the order of `taxonomy.leaves`. targets, kinds and the result: as in `tree_loss`.
    """
    return _set_loss(leaf_logits, targets, kinds, _leaf_states(taxonomy, leaf_logits.device))


def ancestor_loss(log_probs: Tensor, targets: Targets, taxonomy: Taxonomy) -> Tensor:
    """The mean over a batch of -log P, summed over the classes above each label, the root left out; a scalar.

    log_probs: (B, N) consistent on the tree. targets: (B,) nodes, kinds, weights; `is_not` names no path and adds 0.
    The aggregated ancestor terms of HACE (2026, arXiv 2605.06274), on the probabilities of whatever model.
    """
    paths = torch.as_tensor(taxonomy.ancestors_by_depth, device=log_probs.device)[targets.nodes]
    above = (paths >= 0) & (paths != targets.nodes[:, None]) & (targets.kinds != IS_NOT)[:, None]
    costs = -full_precision(log_probs).gather(1, paths.clamp_min(0))
    each = torch.where(above, costs, 0).sum(1)
    weights = targets.weights.to(each.dtype)
    return (each * weights).sum() / batch_total(weights.sum()).clamp_min(torch.finfo(each.dtype).tiny)


def log_marginals(scores: Tensor, taxonomy: Taxonomy) -> Tensor:
    """log P(node) of every node in the tree family. scores: (B, N); returns (B, N), 0 for the root."""
    return _log_shares(scores, _tree_states(taxonomy, scores.device))


def leaf_log_marginals(leaf_logits: Tensor, taxonomy: Taxonomy) -> Tensor:
    """log P(node) of every node in the leaf family. leaf_logits: (B, L) in the order of `taxonomy.leaves`; (B, N)."""
    return _log_shares(leaf_logits, _leaf_states(taxonomy, leaf_logits.device))


def leaf_evidence(leaf_logits: Tensor, taxonomy: Taxonomy) -> Tensor:
    """log of the summed exp(logit) of the leaves at or below every node, not normalised. (B, L) to (B, N)."""
    everything = torch.logsumexp(full_precision(leaf_logits), 1, keepdim=True)
    return leaf_log_marginals(leaf_logits, taxonomy) + everything


# --- the two families of K states, state-major: (K, B) ----------------------------------------------------------------


@dataclass(frozen=True)
class _TreeStates:
    """Every node is a state."""

    index: TreeIndex

    @property
    def intervals(self) -> Tensor:
        return self.index.intervals

    @property
    def sums(self) -> SubtreeSums:
        return self.index.subtrees

    def energies(self, scores: Tensor) -> Tensor:
        """(B, N) scores to energies, a new tensor."""
        return path_sums(transposed(scores), self.index)

    def to_scores(self, grad: Tensor) -> Tensor:
        """The gradient of energies as that of scores: a score acts on every state below it, the root's on none."""
        grad = subtree_sums(grad, self.sums)  # under the same name: what was given is needed no longer and may be large
        grad[0].zero_()
        return transposed(grad)

    def sums_above(self, of_nodes: Tensor) -> Tensor:
        """(N, B) by node to the sum over the nodes that each state is at or below."""
        return path_sums(of_nodes, self.index).add_(of_nodes[0])


@dataclass(frozen=True)
class _LeafStates:
    """Only leaves are states."""

    index: TreeIndex

    @property
    def intervals(self) -> Tensor:
        return self.index.leaf_intervals

    @property
    def sums(self) -> SubtreeSums:
        return self.index.leaf_sums

    def energies(self, leaf_logits: Tensor) -> Tensor:
        """(B, L) logits to energies, a new tensor."""
        return leaf_logits.t().clone()

    def to_scores(self, grad: Tensor) -> Tensor:
        """The gradient of energies as that of logits."""
        return grad.t()

    def sums_above(self, of_nodes: Tensor) -> Tensor:
        """(N, B) by node to the sum over the nodes that each state is at or below."""
        return path_sums(of_nodes, self.index).add_(of_nodes[0]).index_select(0, self.index.leaf_places)


_States = _TreeStates | _LeafStates


@lru_cache(maxsize=16)
def _tree_states(taxonomy: Taxonomy, device: torch.device) -> _TreeStates:
    return _TreeStates(tree_index(taxonomy, device))


@lru_cache(maxsize=16)
def _leaf_states(taxonomy: Taxonomy, device: torch.device) -> _LeafStates:
    return _LeafStates(tree_index(taxonomy, device))


class _Energies(torch.autograd.Function):
    """(B, N) scores or (B, L) logits to (K, B) energies of the states."""

    @staticmethod
    def forward(ctx, values: Tensor, states: _States) -> Tensor:  # type: ignore[no-untyped-def]
        ctx.states = states
        return states.energies(values)

    @staticmethod
    @once_differentiable
    def backward(ctx, grad: Tensor):  # type: ignore[no-untyped-def]
        return ctx.states.to_scores(grad), None


def _at_hand(values: Tensor) -> bool:
    """Whether a number can be asked for at once. A GPU would have to finish all that it was told to do before."""
    return values.is_cpu


# --- the shares of all nodes -----------------------------------------------------------------------------------------


def _log_shares(values: Tensor, states: _States) -> Tensor:
    """(B, N): log of each node's share in the sum over all states."""
    values = full_precision(values)
    if _at_hand(values) and values.numel():
        learning = values.requires_grad and torch.is_grad_enabled()
        for dtype in PLAIN_DTYPES[values.dtype]:
            if learning:
                logs = _PlainLogShares.apply(values, states, dtype)
            else:
                shares = _plain_log_shares(values, states, dtype)
                logs = None if shares is None else shares.logs
            if logs is not None:
                return (logs if dtype == values.dtype else logs.to(values.dtype)).t()
    sums = log_subtree_sums(_Energies.apply(values, states), states.sums)
    return (sums - sums[:1]).t()


class _Shares(NamedTuple):
    """of_states: (K, B), summing to 1. logs: (N, B) log shares of the nodes."""

    of_states: Tensor
    logs: Tensor


def _plain_log_shares(values: Tensor, states: _States, dtype: torch.dtype) -> _Shares | None:
    """Log shares by plain sums of exponentials in this dtype, on a CPU, or None where these would lose digits.

    They serve as long as even the smallest keeps its digits beside what underflowed, which is N times the smallest
    normal number at most: energies 61 apart in float32 on a tree of 16,000 nodes, 660 in float64; and no NaN.
    """
    of_states = torch.softmax(states.energies(values), 0, dtype)
    logs = subtree_sums(of_states, states.sums)
    numbers = logs.numpy()  # which takes less than half of torch's time for what follows
    if not np.minimum.reduce(numbers, None) >= len(numbers) * SMALLEST_SHARE[dtype]:
        return None
    np.log(numbers, numbers)
    numbers[0] = 0.0
    return _Shares(of_states, logs)


class _PlainLogShares(torch.autograd.Function):
    """The logs of `_plain_log_shares` in the dtype of the values, or None, with their gradient."""

    @staticmethod
    def forward(ctx, values: Tensor, states: _States, dtype: torch.dtype) -> Tensor | None:  # type: ignore[no-untyped-def]
        shares = _plain_log_shares(values, states, dtype)
        if shares is None:
            return None
        ctx.states = states
        ctx.save_for_backward(*shares)
        return shares.logs.to(values.dtype)

    @staticmethod
    @once_differentiable
    def backward(ctx, grad: Tensor):  # type: ignore[no-untyped-def]
        """A state's energy acts on every node above it by its share in the node, and on the total by its share."""
        of_states, logs = ctx.saved_tensors
        to_shares = torch.exp(-logs).mul_(grad)
        to_shares[0].sub_(grad.sum(0))
        to_energies = ctx.states.sums_above(to_shares).mul_(of_states)
        return ctx.states.to_scores(to_energies.to(grad.dtype)), None, None


# --- the loss of a set of states -------------------------------------------------------------------------------------


def _set_loss(values: Tensor, targets: Tensor, kinds: Tensor | None, states: _States) -> Tensor:
    """(B,): -log of the share of the states in each image's set, an interval or, for `is_not`, all but an interval."""
    values = full_precision(values)
    low, high = states.intervals[:, targets]
    outside = None
    if kinds is not None:
        outside = kinds == IS_NOT
        if isinstance(states, _TreeStates):
            high = torch.where(kinds == NONE_HERE, low + 1, high)
    if _at_hand(values):
        return _SetLoss.apply(values, states, *_pairs_in_sets(low, high, outside, int(states.intervals[1, 0])))
    # The same over all states, out of the sets too: how many are in them is not to be asked here.
    energies = _Energies.apply(values, states)
    places = torch.arange(len(energies), device=low.device)[:, None]
    inside = (places >= low) & (places < high)
    if outside is not None:
        inside ^= outside
    return (energies.logsumexp(0) - energies.masked_fill(~inside, -torch.inf).logsumexp(0)).clamp_min(0)


def _pairs_in_sets(low: Tensor, high: Tensor, outside: Tensor | None, states: int) -> tuple[Tensor, Tensor, Tensor]:
    """The P pairs (state, image) where the state is in the image's set, and (B,) how many are each image's."""
    starts, ends = low.numpy(), high.numpy()  # on so few numbers numpy's calls cost a fraction of torch's
    if outside is not None and outside.any():
        before, after = (np.where(outside, *bounds) for bounds in ((0, starts), (starts, ends)))
        starts, ends = (
            np.stack([before, np.where(outside, ends, 0)], 1),
            np.stack([after, np.where(outside, states, 0)], 1),
        )
    rows, sizes = joined_ranges(starts, ends)
    if sizes.ndim == 2:
        sizes = sizes.sum(1)
    columns = np.repeat(np.arange(len(low)), sizes)
    return torch.from_numpy(rows), torch.from_numpy(columns), torch.from_numpy(sizes)


class _SetLoss(torch.autograd.Function):
    """logsumexp of all states minus logsumexp of those in the set, per image.

    rows, columns: (P,) int, the pairs (state, image) in the sets, one image after the other: few, as most labels are
    leaves, so the work beside one softmax is small. sizes: (B,) how many are each image's.
    """

    @staticmethod
    def forward(ctx, values: Tensor, states: _States, rows: Tensor, columns: Tensor, sizes: Tensor) -> Tensor:  # type: ignore[no-untyped-def]
        weights = states.energies(values)
        weights.sub_(weights.amax(0))
        inside = weights[rows, columns]
        total = exp_(weights).sum(0)
        top = torch.segment_reduce(inside, "max", lengths=sizes, unsafe=True, initial=-torch.inf)
        inside = exp_(inside - top[columns])
        inside_total = torch.segment_reduce(inside, "sum", lengths=sizes, unsafe=True, initial=0)
        ctx.states = states
        ctx.save_for_backward(weights, total, rows, columns, inside, inside_total)
        return (total / inside_total).log_().sub_(top).clamp_min_(0)  # rounding could leave a trace below 0

    @staticmethod
    @once_differentiable
    def backward(ctx, grad: Tensor):  # type: ignore[no-untyped-def]
        """P(state) minus P(state | label)."""
        weights, total, rows, columns, inside, inside_total = ctx.saved_tensors
        of_label = inside * (grad / inside_total)[columns]
        gradient = ctx.states.to_scores(
            (weights * (grad / total)).index_put_((rows, columns), -of_label, accumulate=True)
        )
        return gradient, None, None, None, None
