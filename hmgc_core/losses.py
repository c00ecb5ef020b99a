"""Likelihoods of labels at any node of a class tree, and the marginals of all nodes. Knows the tree, no model.

Two families of states carry the probability. In the *tree* family every node is a state, "it is this node and nothing
finer", with energy = the sum of the scores from the top level down to it (HRN, CVPR 2022; HEX, ECCV 2014). In the
*leaf* family only the leaves are states. In both, a label is a set of states that is one interval of the pre-order:

    is v         the states at or below v
    is_not v     all other states
    none_here v  the state v alone; the leaf family has no such state and learns the weaker `is v`

so one function, `_SetLoss`, gives value and gradient for every label at every depth in O(B·N). Sums over paths and over
subtrees are each other's gradients; both are a few calls of one kernel, `embedding_bag`, whatever the tree's shape.
"""

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from hmgc_core.records import IS_NOT, NONE_HERE
from hmgc_core.taxonomy import Taxonomy

REACH = 8  # levels that one round of sums looks over, its own included; see _met_on_the_way_up
LONGEST_SUM = 256  # terms added up in one go; see _gathered
DEEPEST_LEVEL_LOOP = 32  # deeper trees gather from below in the rounds of _met_on_the_way_up, not level by level

Pairs = tuple[np.ndarray, np.ndarray]  # (P,) and (P,): a node below, a node above


def tree_loss(scores: Tensor, targets: Tensor, taxonomy: Taxonomy, kinds: Tensor | None = None) -> Tensor:
    """-log P(label) in the tree family, per image. Chen et al., CVPR 2022, eq. 5 to 7, without their state matrix.

    scores: (B, N) float, any size of logit; column 0, the root, counts as 0 whatever it holds. targets: (B,) int
    nodes, the root included (its loss is 0). kinds: (B,) int codes of `records`, all `is` if left out.
    Returns (B,) of at least float32; inf where no state fits, as for `is_not` root.
    HRN gives sigmoids as scores; that is the model's choice, not the loss's.
    """
    index = _tree_index(taxonomy, scores.device)
    low, high = index.intervals[:, targets]
    if kinds is not None:
        high = torch.where(kinds == NONE_HERE, low + 1, high)
    return _set_loss(_path_energies(scores, index), index.node_at_place, low, high, kinds)


def marginal_loss(leaf_logits: Tensor, targets: Tensor, taxonomy: Taxonomy, kinds: Tensor | None = None) -> Tensor:
    """-log of the softmax mass of the label's leaves, per image: the likelihood of a label at any node.

    leaf_logits: (B, L) float in the order of `taxonomy.leaves`. targets, kinds and the result: as in `tree_loss`.
    """
    index = _tree_index(taxonomy, leaf_logits.device)
    in_order = torch.arange(leaf_logits.shape[1], device=leaf_logits.device)
    low, high = index.leaf_intervals[:, targets]
    return _set_loss(_full_precision(leaf_logits).t(), in_order, low, high, kinds)


def log_marginals(scores: Tensor, taxonomy: Taxonomy) -> Tensor:
    """log P(node) of every node in the tree family. scores: (B, N); returns (B, N), 0 for the root."""
    index = _tree_index(taxonomy, scores.device)
    logs, _ = _log_sums_below(_path_energies(scores, index), index)
    return (logs - logs[:1]).t()


def leaf_log_marginals(leaf_logits: Tensor, taxonomy: Taxonomy) -> Tensor:
    """log P(node) of every node in the leaf family. leaf_logits: (B, L) in the order of `taxonomy.leaves`; (B, N)."""
    index = _tree_index(taxonomy, leaf_logits.device)
    logs, _ = _log_sums_below(_leaf_energies(leaf_logits, index), index)
    return (logs - logs[:1]).t()


def leaf_evidence(leaf_logits: Tensor, taxonomy: Taxonomy) -> Tensor:
    """log of the summed exp(logit) of the leaves at or below every node, not normalised. (B, L) to (B, N)."""
    index = _tree_index(taxonomy, leaf_logits.device)
    logs, top = _log_sums_below(_leaf_energies(leaf_logits, index), index)
    return (logs + top).t()


# --- the tree as index tensors ---------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class _Bags:
    """Sums of rows: sum i is over the rows `rows[offsets[i]:offsets[i + 1]]`."""

    rows: Tensor  # (P,)
    offsets: Tensor  # (M + 1,) for M sums
    number: Tensor  # (P,) which sum each of the rows goes into


@dataclass(frozen=True, eq=False)
class _Round:
    """One round of a sum along the tree: the rows of `nodes` become sums, the others stay."""

    nodes: Tensor  # (M,)
    bags: tuple[_Bags, ...]  # the second, if there is one, sums the pieces that the first gives


@dataclass(frozen=True, eq=False)
class _TreeIndex:
    """Index tensors of one taxonomy on one device."""

    down: tuple[_Bags, ...]  # one after the other: the sum over the path from the root to each node
    up: tuple[_Round, ...]  # one after the other: the sum over the subtree of each node
    node_at_place: Tensor  # (N,) node at each place of the pre-order
    intervals: Tensor  # (2, N) pre-order interval of each node
    leaves: Tensor  # (L,) taxonomy.leaves
    leaf_intervals: Tensor  # (2, N) interval of each node in taxonomy.leaves


@lru_cache(maxsize=16)
@torch.inference_mode(False)  # kept for later steps: a tensor made while predicting could not be learned with
def _tree_index(taxonomy: Taxonomy, device: torch.device) -> _TreeIndex:
    def tensor(values: np.ndarray) -> Tensor:
        return torch.as_tensor(values, dtype=torch.int64, device=device)

    def bags(rows: np.ndarray, counts: np.ndarray) -> _Bags:
        offsets = np.concatenate([[0], np.cumsum(counts)])
        return _Bags(tensor(rows), tensor(offsets), tensor(np.repeat(np.arange(len(counts)), counts)))

    intervals = np.stack([taxonomy.preorder_start, taxonomy.preorder_end])
    met = _met_on_the_way_up(taxonomy.parents, taxonomy.depth)
    up = _level_pairs(taxonomy) if taxonomy.depth <= DEEPEST_LEVEL_LOOP else met
    return _TreeIndex(
        down=tuple(bags(above, np.bincount(below)) for below, above in met),
        up=tuple(
            _Round(tensor(nodes), tuple(bags(*stage) for stage in stages))
            for nodes, stages in (_gathered(below, above) for below, above in up)
        ),
        node_at_place=tensor(np.argsort(taxonomy.preorder_start)),
        intervals=tensor(intervals),
        leaves=tensor(taxonomy.leaves),
        leaf_intervals=tensor(np.searchsorted(taxonomy.preorder_start[taxonomy.leaves], intervals)),
    )


def _met_on_the_way_up(parents: np.ndarray, depth: int) -> list[Pairs]:
    """Pairs (node, itself or an ancestor), by node, a round after the other.

    In round k a node meets those 1 to REACH - 1 times REACH^k levels up, so a depth under REACH takes one round and a
    depth of 200 three. There is a round even for a lone root.
    """
    nodes, nobody = np.arange(len(parents)), len(parents)
    jump = np.append(np.where(parents < 0, nobody, parents), nobody)  # a stride up, `nobody` above the root
    rounds: list[Pairs] = []
    while not rounds or REACH ** len(rounds) <= depth:
        met = [nodes]
        for _ in range(1, REACH):
            met.append(jump[met[-1]])
        table = np.stack(met, 1)  # (N, REACH)
        rounds.append((np.nonzero(table < nobody)[0], table[table < nobody]))
        jump = np.append(jump[met[-1]], nobody)
    return rounds


def _level_pairs(taxonomy: Taxonomy) -> list[Pairs]:
    """Pairs (child or the node itself, node) of the inner nodes of one level after the other, the deepest first."""
    inner = np.flatnonzero(~taxonomy.is_leaf)
    pairs = []
    for level in reversed(taxonomy.levels):
        here = inner[taxonomy.depths[inner] == taxonomy.depths[level[0]] - 1]
        pairs.append((np.concatenate([here, level]), np.concatenate([here, taxonomy.parents[level]])))
    return pairs


def _gathered(below: np.ndarray, above: np.ndarray) -> tuple[np.ndarray, list[tuple[np.ndarray, np.ndarray]]]:
    """The nodes that gather from below, and their sums as (rows, counts): in pieces and then over these if long.

    Pieces are exacter, and quicker on a GPU, where each sum has one thread.
    """
    order = np.argsort(above, kind="stable")
    nodes, counts = np.unique(above, return_counts=True)
    if counts.max(initial=0) <= LONGEST_SUM:
        return nodes, [(below[order], counts)]
    pieces = -(-counts // LONGEST_SUM)
    sizes = np.full(pieces.sum(), LONGEST_SUM)
    sizes[np.cumsum(pieces) - 1] = counts - (pieces - 1) * LONGEST_SUM
    return nodes, [(below[order], sizes), (np.arange(len(sizes)), pieces)]


# --- sums along the tree, node-major: (N, B) --------------------------------------------------------------------------


def _full_precision(values: Tensor) -> Tensor:
    """Half precisions as float32, so that the loss is exact under autocast; float32 and float64 as they are."""
    return values.float() if values.dtype in (torch.float16, torch.bfloat16) else values


def _exp_(values: Tensor) -> Tensor:
    """exp, in place, of numbers up to 0. Where it would underflow it stays twice the smallest normal number.

    That is lost in rounding beside the 1 of the largest, and processors take up to 200 times as long to underflow.
    """
    return values.clamp_min_(math.log(2 * torch.finfo(values.dtype).tiny)).exp_()


def _path_energies(scores: Tensor, index: _TreeIndex) -> Tensor:
    """(B, N) scores to (N, B) energies of the states of the tree family."""
    return _PathSums.apply(_full_precision(scores), index)


def _leaf_energies(leaf_logits: Tensor, index: _TreeIndex) -> Tensor:
    """(B, L) leaf logits to (N, B) energies: as good as minus infinity for inner nodes, and free of inf - inf."""
    logits = _full_precision(leaf_logits).t()
    nothing = torch.finfo(logits.dtype).min / 4
    energies = logits.new_full((len(index.node_at_place), logits.shape[1]), nothing)
    return energies.index_copy(0, index.leaves, logits)


def _log_sums_below(energies: Tensor, index: _TreeIndex) -> tuple[Tensor, Tensor]:
    """logsumexp of (N, B) energies over each node's subtree, in two parts to be added: (N, B) and (B,).

    Plain sums of exponentials serve as long as even the smallest keeps its digits beside what underflowed, which is N
    times the smallest normal number at most: energies 61 apart in float32 on a tree of 16,000 nodes, 660 in float64.
    Beyond that, and where a number is NaN, the sums stay logarithms.
    """
    top = energies.detach().amax(0)
    sums = _ExpSumsBelow.apply(energies, top, index)
    precision = torch.finfo(sums.dtype)
    no_numbers = sums.numel() == 0 or sums.is_meta
    if no_numbers or sums.detach().min() >= len(sums) * precision.tiny / precision.eps:
        return sums.log(), top
    return _guarded_log_sums_below(energies, index), torch.zeros_like(top)


def _guarded_log_sums_below(energies: Tensor, index: _TreeIndex) -> Tensor:
    """The same at any range of energies, (N, B): every sum has a largest term of its own."""
    for step in index.up:
        sums = energies
        for bags in step.bags:
            terms = sums.index_select(0, bags.rows)
            shape = (len(bags.offsets) - 1, energies.shape[1])
            where = bags.number[:, None].expand_as(terms)
            top = terms.new_full(shape, -torch.inf).scatter_reduce(0, where, terms.detach(), "amax")
            shares = _exp_(terms - top.index_select(0, bags.number))
            sums = top + terms.new_zeros(shape).index_add(0, bags.number, shares).log()
        energies = energies.index_copy(0, step.nodes, sums)
    return energies


def _in_bags(values: Tensor, bags: tuple[_Bags, ...]) -> Tensor:
    """(M, B) sums of rows of (N, B) values, always a new tensor."""
    for each in bags:
        values = torch.embedding_bag(values.contiguous(), each.rows, each.offsets, include_last_offset=True)[0]
    return values


def _sum_below_(values: Tensor, index: _TreeIndex) -> Tensor:
    """(N, B) values become, in place, their sums over each node's subtree."""
    for step in index.up:
        values.index_copy_(0, step.nodes, _in_bags(values, step.bags))
    return values


class _PathSums(torch.autograd.Function):
    """(B, N) scores to (N, B) sums over the path from the top level to each node; the root counts as 0."""

    @staticmethod
    def forward(ctx, scores: Tensor, index: _TreeIndex) -> Tensor:  # type: ignore[no-untyped-def]
        ctx.index = index
        by_node = scores.t().clone(memory_format=torch.contiguous_format)
        by_node[0] = 0
        return _in_bags(by_node, index.down)

    @staticmethod
    @once_differentiable
    def backward(ctx, grad: Tensor):  # type: ignore[no-untyped-def]
        """A score acts on every state below it: the sum over the subtree."""
        # In place: energies never leave this file, and all that is done with them makes them a gradient of their own.
        below = _sum_below_(grad.contiguous(), ctx.index)
        below[0] = 0
        return below.t(), None


class _ExpSumsBelow(torch.autograd.Function):
    """(N, B) energies to (N, B) sums of exp(energy - top) over the subtree of each node. top: (B,)."""

    @staticmethod
    def forward(ctx, energies: Tensor, top: Tensor, index: _TreeIndex) -> Tensor:  # type: ignore[no-untyped-def]
        ctx.index = index
        ctx.save_for_backward(energies, top)
        return _sum_below_(_exp_(energies - top), index)

    @staticmethod
    @once_differentiable
    def backward(ctx, grad: Tensor):  # type: ignore[no-untyped-def]
        energies, top = ctx.saved_tensors
        return _exp_(energies - top).mul_(_in_bags(grad, ctx.index.down)), None, None


# --- the loss of a set of states -------------------------------------------------------------------------------------


def _set_loss(energies: Tensor, row_at: Tensor, low: Tensor, high: Tensor, kinds: Tensor | None) -> Tensor:
    """-log of the share of the states in each image's set. energies: (K, B). row_at: (K,) the row at each place.

    low, high: (B,) the set as an interval of places; `is_not` means the two intervals around it.
    """
    if kinds is not None:
        outside = kinds == IS_NOT
        low, high = (
            torch.cat([torch.where(outside, 0, low), high]),
            torch.cat([torch.where(outside, low, high), torch.where(outside, len(row_at), high)]),
        )
    sizes = high - low
    interval = torch.repeat_interleave(sizes)  # for each state in a set, the number of its interval
    places = torch.arange(len(interval), device=low.device) + (high - sizes.cumsum(0))[interval]
    columns = interval if kinds is None else interval % len(kinds)
    return _SetLoss.apply(energies, row_at[places], columns)


class _SetLoss(torch.autograd.Function):
    """logsumexp of all states minus logsumexp of those in the set, per column of energies (K, B).

    rows, columns: (P,) int, the P pairs (state, image) where the state is in the image's set: few, as most labels are
    leaves, so the work beside one softmax is small.
    """

    @staticmethod
    def forward(ctx, energies: Tensor, rows: Tensor, columns: Tensor) -> Tensor:  # type: ignore[no-untyped-def]
        weights = energies - energies.amax(0)
        inside = weights[rows, columns]
        total = _exp_(weights).sum(0)
        top = torch.full_like(total, -torch.inf).scatter_reduce(0, columns, inside, "amax")
        inside = _exp_(inside - top[columns])
        inside_total = torch.zeros_like(total).index_add_(0, columns, inside)
        ctx.save_for_backward(weights, total, rows, columns, inside, inside_total)
        return (total / inside_total).log_().sub_(top).clamp_min_(0)  # rounding could leave a trace below 0

    @staticmethod
    @once_differentiable
    def backward(ctx, grad: Tensor):  # type: ignore[no-untyped-def]
        """P(state) minus P(state | label)."""
        weights, total, rows, columns, inside, inside_total = ctx.saved_tensors
        of_label = inside * (grad / inside_total)[columns]
        return (weights * (grad / total)).index_put_((rows, columns), -of_label, accumulate=True), None, None
