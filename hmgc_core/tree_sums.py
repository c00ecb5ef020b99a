"""Sums along the paths and over the subtrees of a class tree, and their logarithms. Knows the tree, no loss, no model.

Tensors are node-major here, (N, B): B numbers lie side by side at each node, and one kernel, `embedding_bag`, adds up
rows. In the pre-order of the tree a subtree is one interval, so a sum over a subtree is a sum over an interval of rows:
whole blocks of them and what sticks out, two calls whatever the tree's shape. A path is a few hops of REACH levels.
"""

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from hmgc_core.taxonomy import IntArray, Taxonomy

REACH = 8  # levels that one round of sums over paths looks over, its own included; see _met_on_the_way_up
LONGEST_SUM = 256  # terms added up in one go without blocks: few are exact, and on a GPU each sum has one thread


@dataclass(frozen=True, eq=False)
class Bags:
    """Sums of rows: sum i is over the rows `rows[offsets[i]:offsets[i + 1]]`."""

    rows: Tensor  # (P,)
    offsets: Tensor  # (M + 1,) for M sums
    number: Tensor  # (P,) which sum each of the rows goes into

    @classmethod
    def of(cls, rows: IntArray, counts: IntArray, device: torch.device) -> "Bags":
        """rows: (P,), one sum after the other. counts: (M,) how many rows each sum has."""
        columns = rows, np.concatenate([[0], np.cumsum(counts)]), np.repeat(np.arange(len(counts)), counts)
        return cls(*(torch.as_tensor(column, dtype=torch.int64, device=device) for column in columns))


@dataclass(frozen=True, eq=False)
class SubtreeSums:
    """For each of N nodes the sum over the interval of states at or below it, out of K states in pre-order.

    first: N sums, and after them those of the blocks of states. A long interval has here only what sticks out of the
    blocks; `of_blocks` adds up its blocks and that, as rows of what `first` gives.
    """

    nodes: int
    has_blocks: bool
    first: Bags
    long: Tensor  # (M,) nodes with a long interval, may be none
    of_blocks: Bags  # M sums


@dataclass(frozen=True, eq=False)
class TreeIndex:
    """Index tensors of one taxonomy on one device. A place is one in the pre-order of the nodes."""

    paths: tuple[Bags, ...]  # one after the other: rows by node to the sum over each node's path, by place
    leaf_places: Tensor  # (L,) places of taxonomy.leaves
    intervals: Tensor  # (2, N) interval of places at or below each node
    leaf_intervals: Tensor  # (2, N) the same as an interval of taxonomy.leaves
    subtrees: SubtreeSums  # of N rows by place
    leaf_sums: SubtreeSums  # of L rows, one for each leaf


@lru_cache(maxsize=16)
@torch.inference_mode(False)  # kept for later steps: a tensor made while predicting could not be learned with
def tree_index(taxonomy: Taxonomy, device: torch.device) -> TreeIndex:
    """Built once for a taxonomy and a device."""
    intervals = np.stack([taxonomy.preorder_start, taxonomy.preorder_end])
    leaf_places = taxonomy.preorder_start[taxonomy.leaves]
    leaf_intervals = np.searchsorted(leaf_places, intervals)
    return TreeIndex(
        paths=tuple(Bags.of(*each, device) for each in _met_on_the_way_up(taxonomy)),
        leaf_places=torch.as_tensor(leaf_places, device=device),
        intervals=torch.as_tensor(intervals, device=device),
        leaf_intervals=torch.as_tensor(leaf_intervals, device=device),
        subtrees=_subtree_sums(intervals, device),
        leaf_sums=_subtree_sums(leaf_intervals, device),
    )


def joined_ranges(starts: IntArray, ends: IntArray) -> tuple[IntArray, IntArray]:
    """The numbers from each start up to its end, one range after the other, and (the same shape as starts) how many."""
    sizes = ends - starts
    flat = sizes.ravel()
    return np.repeat(ends.ravel() - flat.cumsum(), flat) + np.arange(flat.sum()), sizes


def _met_on_the_way_up(taxonomy: Taxonomy) -> list[tuple[IntArray, IntArray]]:
    """Rounds of sums as (rows, counts); after the last, each row has the sum over the path below the root to a node.

    In round k a node meets itself and those 1 to REACH - 1 times REACH^k levels up, so a depth under REACH takes one
    round and a depth of 200 three. There is a round even for a lone root. The root counts as 0. The last round gives
    rows by place, those before it by node.
    """
    nobody = len(taxonomy)
    jump = np.append(np.where(taxonomy.parents < 0, nobody, taxonomy.parents), nobody)  # a stride up, above the root
    tables: list[IntArray] = []
    while not tables or REACH ** len(tables) <= taxonomy.depth:
        met = [np.arange(nobody)]
        for _ in range(1, REACH):
            met.append(jump[met[-1]])
        tables.append(np.stack(met, 1))  # (N, REACH)
        jump = np.append(jump[met[-1]], nobody)
    tables[0][tables[0] == 0] = nobody
    tables[-1] = tables[-1][np.argsort(taxonomy.preorder_start)]
    return [(table[table < nobody], (table < nobody).sum(1)) for table in tables]


def _subtree_sums(intervals: IntArray, device: torch.device) -> SubtreeSums:
    """intervals: (2, N) states at or below each node; node 0 has all."""
    low, high = intervals
    states, size = int(high[0]), _block_size(int(high[0]))
    long = np.flatnonzero(high - low >= 2 * size)  # longer than that, there is a whole block in it wherever it starts
    first_block, end_block = -(-low[long] // size), high[long] // size
    starts, ends = np.stack([low, high], 1), np.stack([high, high], 1)  # (N, 2): all of it, and nothing
    ends[long, 0], starts[long, 1] = first_block * size, end_block * size
    blocks = np.arange(states // size if len(long) else 0)
    rows, sizes = joined_ranges(starts, ends)
    block_rows, block_sizes = joined_ranges(blocks * size, (blocks + 1) * size)
    row_of_block = len(low)
    long_rows, long_sizes = joined_ranges(
        np.stack([long, row_of_block + first_block], 1), np.stack([long + 1, row_of_block + end_block], 1)
    )
    return SubtreeSums(
        nodes=len(low),
        has_blocks=bool(len(long)),
        first=Bags.of(np.append(rows, block_rows), np.append(sizes.sum(1), block_sizes), device),
        long=torch.as_tensor(long, device=device),
        of_blocks=Bags.of(long_rows, long_sizes.sum(1), device),
    )


def _block_size(states: int) -> int:
    """Near the root of their number, so that neither a block nor the blocks of the whole are many."""
    return 2 ** round(math.log2(states) / 2) if states > LONGEST_SUM else states


# --- sums -------------------------------------------------------------------------------------------------------------


def path_sums(values: Tensor, index: TreeIndex) -> Tensor:
    """(N, B) rows by node to (N, B) sums over the path from the top level down to each node, rows by place."""
    for bags in index.paths:
        values = _in_bags(values, bags)
    return values


def subtree_sums(values: Tensor, sums: SubtreeSums) -> Tensor:
    """(K, B) rows by place to (N, B) sums over each node's subtree, rows by node; always a new tensor."""
    found = _in_bags(values, sums.first)
    if not sums.has_blocks:
        return found
    found.index_copy_(0, sums.long, _in_bags(found, sums.of_blocks))
    return found[: sums.nodes]


def log_subtree_sums(energies: Tensor, sums: SubtreeSums) -> Tensor:
    """log of `subtree_sums` of exp(energies), (K, B) to (N, B), at any range: every sum has its own largest term."""
    found = _LogSums.apply(energies, sums.first)
    if sums.has_blocks:
        found = found.index_copy(0, sums.long, _LogSums.apply(found, sums.of_blocks))
    return found[: sums.nodes]


def _in_bags(values: Tensor, bags: Bags) -> Tensor:
    if not values.is_contiguous():
        values = transposed(values.t())
    # Spelled out: on few numbers the names of arguments cost as much as the sums. The last True: offsets have an end.
    return torch.embedding_bag(values, bags.rows, bags.offsets, False, 0, False, None, True)[0]


def exp_(values: Tensor) -> Tensor:
    """exp, in place, of numbers up to 0. Where it would underflow it stays twice the smallest normal number.

    That is lost in rounding beside the 1 of the largest, and processors take up to 200 times as long to underflow.
    """
    values.clamp_min_(math.log(2 * torch.finfo(values.dtype).tiny))
    if not values.is_cpu:
        return values.exp_()
    numbers = values.numpy()  # which takes half of torch's time for it
    np.exp(numbers, numbers)
    return values


def transposed(values: Tensor) -> Tensor:
    """(R, C) to (C, R), contiguous. Not always a copy."""
    rows, columns = values.shape
    if not (values.is_cpu and values.numel()):
        return values.t().contiguous()
    # To shuffle the channels of a picture of one pixel is to transpose them, and unlike `contiguous`, which goes number
    # by number, torch does it in registers: three times as fast.
    pixel = values.reshape(1, 1, 1, rows * columns).permute(0, 3, 1, 2)
    return torch.channel_shuffle(pixel, rows).view(columns, rows)


class _LogSums(torch.autograd.Function):
    """log of the sums of exp(energies) in bags; the terms are made again on the way back, so nothing of P rows is kept.

    A sum of nothing is minus infinity.
    """

    @staticmethod
    def forward(ctx, energies: Tensor, bags: Bags) -> Tensor:  # type: ignore[no-untyped-def]
        terms = energies.index_select(0, bags.rows)
        nothing = terms.new_full((len(bags.offsets) - 1, energies.shape[1]), -torch.inf)
        top = nothing.scatter_reduce(0, bags.number[:, None].expand_as(terms), terms, "amax")
        shares = exp_(terms.sub_(top.index_select(0, bags.number)))
        logs = torch.zeros_like(top).index_add_(0, bags.number, shares).log_().add_(top)
        ctx.bags = bags
        ctx.save_for_backward(energies, logs)
        return logs

    @staticmethod
    @once_differentiable
    def backward(ctx, grad: Tensor):  # type: ignore[no-untyped-def]
        energies, logs = ctx.saved_tensors
        rows, number = ctx.bags.rows, ctx.bags.number
        shares = exp_(energies.index_select(0, rows).sub_(logs.index_select(0, number)))
        return torch.zeros_like(energies).index_add_(0, rows, shares.mul_(grad.index_select(0, number))), None
