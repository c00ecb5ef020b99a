"""Likelihoods of labels at any node of a class tree, and the marginals of all nodes. Knows the tree, no model.

Two families of states carry the probability. In the *tree* family every node is a state, "it is this node and nothing
finer", with energy = the sum of the scores from the top level down to it (HRN, CVPR 2022; HEX, ECCV 2014). In the
*leaf* family only the leaves are states. In both, a label is a set of states that is one interval of the pre-order:

    is v         the states at or below v
    is_not v     all other states
    none_here v  the state v alone; the leaf family has no such state and learns the weaker `is v`

so one function, `_SetLoss`, gives value and gradient for every label at every depth in O(B·N).
"""

from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from hmgc_core.records import IS_NOT, NONE_HERE
from hmgc_core.taxonomy import Taxonomy

# Level-by-level sums launch one kernel a level; deeper trees double their stride instead: log2(depth) rounds over N.
DEEPEST_LEVEL_LOOP = 32


def tree_loss(scores: Tensor, targets: Tensor, taxonomy: Taxonomy, kinds: Tensor | None = None) -> Tensor:
    """-log P(label) in the tree family, per image. Chen et al., CVPR 2022, eq. 5 to 7, without their state matrix.

    scores: (B, N) float, any size of logit; column 0, the root, counts as 0 whatever it holds. targets: (B,) int
    nodes, the root included (its loss is 0). kinds: (B,) int codes of `records`, all `is` if left out.
    Returns (B,) of at least float32; inf where no state fits, as for `is_not` root.
    HRN gives sigmoids as scores; that is the model's choice, not the loss's.
    """
    index = _tree_index(taxonomy, scores.device)
    low, high = index.start[targets], index.end[targets]
    if kinds is not None:
        high = torch.where(kinds == NONE_HERE, low + 1, high)
    return _set_loss(_path_energies(scores, index), index.row_at_place, low, high, kinds)


def marginal_loss(leaf_logits: Tensor, targets: Tensor, taxonomy: Taxonomy, kinds: Tensor | None = None) -> Tensor:
    """-log of the softmax mass of the label's leaves, per image: the likelihood of a label at any node.

    leaf_logits: (B, L) float in the order of `taxonomy.leaves`. targets, kinds and the result: as in `tree_loss`.
    """
    index = _tree_index(taxonomy, leaf_logits.device)
    in_order = torch.arange(leaf_logits.shape[1], device=leaf_logits.device)
    low, high = index.leaf_start[targets], index.leaf_end[targets]
    return _set_loss(_full_precision(leaf_logits).t(), in_order, low, high, kinds)


def log_marginals(scores: Tensor, taxonomy: Taxonomy) -> Tensor:
    """log P(node) of every node in the tree family. scores: (B, N); returns (B, N), 0 for the root."""
    index = _tree_index(taxonomy, scores.device)
    return _log_sums_below(_path_energies(scores, index), index)


def leaf_log_marginals(leaf_logits: Tensor, taxonomy: Taxonomy) -> Tensor:
    """log P(node) of every node in the leaf family. leaf_logits: (B, L) in the order of `taxonomy.leaves`; (B, N)."""
    index = _tree_index(taxonomy, leaf_logits.device)
    return _log_sums_below(_leaf_energies(leaf_logits, index), index)


def leaf_evidence(leaf_logits: Tensor, taxonomy: Taxonomy) -> Tensor:
    """log of the summed exp(logit) of the leaves at or below every node, not normalised. (B, L) to (B, N)."""
    index = _tree_index(taxonomy, leaf_logits.device)
    return _LogSumsBelow.apply(_leaf_energies(leaf_logits, index), index)[index.row].t()


# --- the tree as index tensors ---------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class _Round:
    """One round of a sum along paths: rows `start:stop` meet an ancestor, row `above` of the slice `first:last`."""

    start: int
    stop: int
    first: int
    last: int
    above: Tensor


@dataclass(frozen=True, eq=False)
class _TreeIndex:
    """Index tensors of one taxonomy on one device. A *row* is the place of a node in level order (by depth)."""

    node: Tensor  # (N,) node of each row
    row: Tensor  # (N,) row of each node
    row_at_place: Tensor  # (N,) row of the node at each place of the pre-order
    start: Tensor  # (N,) pre-order interval of each node
    end: Tensor
    leaf_rows: Tensor  # (L,) row of each leaf, in the order of taxonomy.leaves
    leaf_start: Tensor  # (N,) interval of each node in taxonomy.leaves
    leaf_end: Tensor
    parent_rows: Tensor  # (N,) row of each row's parent; the root has itself
    rounds: tuple[_Round, ...]
    doubling: bool


@lru_cache(maxsize=16)
@torch.inference_mode(False)  # kept for later steps: a tensor made while predicting could not be learned with
def _tree_index(taxonomy: Taxonomy, device: torch.device) -> _TreeIndex:
    node = np.lexsort((taxonomy.preorder_start, taxonomy.depths))
    row = np.empty_like(node)
    row[node] = np.arange(len(node))
    parent_rows = row[taxonomy.parents[node]]
    parent_rows[0] = 0
    leaf_places = taxonomy.preorder_start[taxonomy.leaves]
    doubling = taxonomy.depth > DEEPEST_LEVEL_LOOP
    rounds = _doubling_rounds if doubling else _level_rounds

    def tensor(values: np.ndarray) -> Tensor:
        return torch.as_tensor(values, dtype=torch.int64, device=device)

    return _TreeIndex(
        node=tensor(node),
        row=tensor(row),
        row_at_place=tensor(row[np.argsort(taxonomy.preorder_start)]),
        start=tensor(taxonomy.preorder_start),
        end=tensor(taxonomy.preorder_end),
        leaf_rows=tensor(row[taxonomy.leaves]),
        leaf_start=tensor(np.searchsorted(leaf_places, taxonomy.preorder_start)),
        leaf_end=tensor(np.searchsorted(leaf_places, taxonomy.preorder_end)),
        parent_rows=tensor(parent_rows),
        rounds=tuple(
            _Round(start, stop, first, last, tensor(above - first))
            for start, stop, first, last, above in rounds(parent_rows, taxonomy.depths[node])
        ),
        doubling=doubling,
    )


def _level_rounds(parent_rows: np.ndarray, depths: np.ndarray) -> list[tuple[int, int, int, int, np.ndarray]]:
    """One round a level, the top first: every row meets its parent."""
    edges = [0, *np.searchsorted(depths, np.arange(1, depths[-1] + 2)).tolist()]
    levels = list(pairwise(edges))
    return [(a, b, first, last, parent_rows[a:b]) for (first, last), (a, b) in pairwise(levels)]


def _doubling_rounds(parent_rows: np.ndarray, depths: np.ndarray) -> list[tuple[int, int, int, int, np.ndarray]]:
    """Round k: every row at depth 2^k or more meets its ancestor 2^k levels up."""
    rounds, jump, stride = [], parent_rows, 1
    while stride <= depths[-1]:
        start = int(np.searchsorted(depths, stride))
        rounds.append((start, len(depths), 0, start + len(depths), jump[start:]))
        jump, stride = jump[jump], stride * 2
    return [(start, stop, first, int(above.max()) + 1, above) for start, stop, first, _, above in rounds]


# --- sums along the tree, node-major: (N, B) with rows in level order -------------------------------------------------


def _full_precision(values: Tensor) -> Tensor:
    """Half precisions as float32, so that the loss is exact under autocast; float32 and float64 as they are."""
    return values.float() if values.dtype in (torch.float16, torch.bfloat16) else values


def _path_energies(scores: Tensor, index: _TreeIndex) -> Tensor:
    """(B, N) scores to (N, B) energies of the states of the tree family, rows in level order."""
    return _PathSums.apply(_full_precision(scores), index)


def _leaf_energies(leaf_logits: Tensor, index: _TreeIndex) -> Tensor:
    """(B, L) leaf logits to (N, B) energies: as good as minus infinity for inner nodes, and free of inf - inf."""
    logits = _full_precision(leaf_logits).t()
    nothing = torch.finfo(logits.dtype).min / 4
    energies = logits.new_full((len(index.node), logits.shape[1]), nothing)
    return energies.index_copy(0, index.leaf_rows, logits)


def _log_sums_below(energies: Tensor, index: _TreeIndex) -> Tensor:
    """(N, B) energies to (B, N) log marginals in node order."""
    sums = _LogSumsBelow.apply(energies, index)
    return (sums - sums[:1])[index.row].t()


def _set_loss(energies: Tensor, row_at: Tensor, low: Tensor, high: Tensor, kinds: Tensor | None) -> Tensor:
    """-log of the share of the states in each image's set. energies: (K, B). row_at: (K,) the row at each place.

    low, high: (B,) the set as an interval of places; `is_not` means the two intervals around it.
    """
    columns = torch.arange(len(low), device=low.device)
    if kinds is not None:
        outside = kinds == IS_NOT
        low, high = (
            torch.cat([torch.where(outside, 0, low), high]),
            torch.cat([torch.where(outside, low, high), torch.where(outside, len(row_at), high)]),
        )
        columns = columns.repeat(2)
    sizes = high - low
    interval = torch.repeat_interleave(sizes)  # for each state in a set, the number of its interval
    first = torch.cumsum(sizes, 0) - sizes
    places = torch.arange(len(interval), device=low.device) + (low - first)[interval]
    return _SetLoss.apply(energies, row_at[places], columns[interval])


class _PathSums(torch.autograd.Function):
    """(B, N) scores in node order to (N, B) sums over the path from the top level, in level order."""

    @staticmethod
    def forward(ctx, scores: Tensor, index: _TreeIndex) -> Tensor:  # type: ignore[no-untyped-def]
        ctx.index = index
        sums = scores.t().contiguous().index_select(0, index.node)
        sums[0] = 0
        for step in index.rounds:
            sums[step.start : step.stop] += sums[step.first : step.last].index_select(0, step.above)
        return sums

    @staticmethod
    @once_differentiable
    def backward(ctx, grad: Tensor):  # type: ignore[no-untyped-def]
        """A score acts on every state below it: the sum over the subtree, bottom up."""
        index = ctx.index
        below = grad.clone(memory_format=torch.contiguous_format)
        for step in reversed(index.rounds):
            source = below[step.start : step.stop]
            # With a doubled stride the two slices overlap, and index_add_ must not read what it writes.
            below[step.first : step.last].index_add_(0, step.above, source.clone() if index.doubling else source)
        below[0] = 0
        return below.index_select(0, index.row).t(), None


class _SetLoss(torch.autograd.Function):
    """logsumexp of all states minus logsumexp of those in the set, per column of energies (K, B).

    rows, columns: (P,) int, the P pairs (state, image) where the state is in the image's set: few, as most labels are
    leaves, so the work beside one softmax is small.
    """

    @staticmethod
    def forward(ctx, energies: Tensor, rows: Tensor, columns: Tensor) -> Tensor:  # type: ignore[no-untyped-def]
        log_all = torch.logsumexp(energies, 0)
        inside = energies[rows, columns]
        top = torch.full_like(log_all, -torch.inf).scatter_reduce(0, columns, inside, "amax")
        total = torch.zeros_like(log_all).index_add_(0, columns, torch.exp(inside - top[columns]))
        log_inside = top + torch.log(total)
        ctx.save_for_backward(energies, rows, columns, log_all, log_inside)
        return (log_all - log_inside).clamp_min_(0)  # rounding could leave a trace below 0

    @staticmethod
    @once_differentiable
    def backward(ctx, grad: Tensor):  # type: ignore[no-untyped-def]
        """P(state) minus P(state | label)."""
        energies, rows, columns, log_all, log_inside = ctx.saved_tensors
        result = (energies - log_all).exp_()
        result[rows, columns] -= torch.exp(energies[rows, columns] - log_inside[columns])
        return result.mul_(grad), None, None


class _LogSumsBelow(torch.autograd.Function):
    """(N, B) energies to (N, B) logsumexp over each row's subtree, stable at any size of energy."""

    @staticmethod
    def forward(ctx, energies: Tensor, index: _TreeIndex) -> Tensor:  # type: ignore[no-untyped-def]
        sums = energies.clone(memory_format=torch.contiguous_format)
        for step in reversed(index.rounds):
            below, here = sums[step.start : step.stop], sums[step.first : step.last]
            where = step.above[:, None].expand_as(below)
            top = here.scatter_reduce(0, where, below, "amax")
            total = torch.exp(here - top)
            total.index_add_(0, step.above, torch.exp(below - top.index_select(0, step.above)))
            sums[step.first : step.last] = top.add_(total.log_())
        ctx.index = index
        ctx.save_for_backward(energies, sums)
        return sums

    @staticmethod
    @once_differentiable
    def backward(ctx, grad: Tensor):  # type: ignore[no-untyped-def]
        """What reaches a row is its own gradient and its share of what reaches its parent, top down."""
        energies, sums = ctx.saved_tensors
        share = torch.exp(sums - sums.index_select(0, ctx.index.parent_rows))
        reach = grad.clone(memory_format=torch.contiguous_format)
        for step in ctx.index.rounds:
            above = step.first + step.above
            reach[step.start : step.stop] += share[step.start : step.stop] * reach.index_select(0, above)
            if ctx.index.doubling:
                share[step.start : step.stop] *= share.index_select(0, above)
        return reach.mul_(torch.exp(energies - sums)), None
