"""Classes that are parent and child exchange what they saw: the residual gated graph network of `hmgn`.

Bresson & Laurent, "Residual Gated Graph ConvNets", 2017. Edges are a list, not matrices of ones and zeros.
"""

import math
from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from hmgc_core.models.work_blocks import block_numbers, slices
from hmgc_core.precision import for_products, full_precision
from hmgc_core.taxonomy import IntArray, Taxonomy

sigmoid_backward = torch.ops.aten.sigmoid_backward.grad_input  # (grad, gate, grad_input=where to write)


def level_rows(taxonomy: Taxonomy) -> tuple[IntArray, IntArray]:
    """(K,) nodes of the graph's rows, level by level, and (E,) the parent's row of each of the last E rows.

    The first K - E rows are the top classes: the root is not in the graph, and neither are its links.
    """
    nodes = np.concatenate(taxonomy.levels)
    row = np.empty(len(taxonomy), dtype=np.int64)
    row[nodes] = np.arange(len(nodes))
    return nodes, row[taxonomy.parents[nodes[len(taxonomy.levels[0]) :]]]


class GatedCell(nn.Module):
    """Two gated convolutions on the tree's edges with a linear shortcut around both: (K, B, C) to the same shape.

    Bresson & Laurent 2017, section 3, with gates that are not normalised, as published.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first, self.second = GatedConvolution(channels), GatedConvolution(channels)
        self.first_norm, self.second_norm = nn.BatchNorm1d(channels), nn.BatchNorm1d(channels)
        self.shortcut = nn.Linear(channels, channels, bias=False)
        _init_uniform(self.shortcut.weight, channels)

    def forward(self, classes: Tensor, parents: Tensor) -> Tensor:
        """(K, B, C) class features; the last E rows have `parents`, (E,) rows."""
        hidden = self.first(classes, parents).flatten(0, 1)
        hidden = torch.relu(self.first_norm(hidden)).view(classes.shape)
        hidden = self.second(hidden, parents).flatten(0, 1)
        return torch.relu(self.second_norm(hidden).view(classes.shape) + self.shortcut(classes))


class GatedConvolution(nn.Module):
    """h_i = U_i x_i + b_u + sum over edges j -> i of sigmoid(V_i x_i + V_j x_j + b_v) ∘ U_j x_j.

    With own, message, end, start = U_i and b_u, U_j, V_i and b_v, V_j.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.own, self.end = nn.Linear(channels, channels), nn.Linear(channels, channels)
        self.message, self.start = (nn.Linear(channels, channels, bias=False) for _ in range(2))
        for linear in (self.own, self.message, self.end, self.start):
            _init_uniform(linear.weight, channels)
        for linear in (self.own, self.end):
            nn.init.zeros_(linear.bias)

    def forward(self, classes: Tensor, parents: Tensor) -> Tensor:
        """(K, B, C) with (E,) parents to (K, B, C), in float32 at least."""
        # One product for all four would lay the parts of a row side by side: gathering those takes ten times as long.
        rows = for_products(classes)
        return gated_sums(self.own(rows), self.message(rows), self.end(rows), self.start(rows), parents)


def gated_sums(own: Tensor, message: Tensor, end: Tensor, start: Tensor, parents: Tensor) -> Tensor:
    """own_i + sum over edges j -> i of sigmoid(end_i + start_j) ∘ message_j, in float32 at least.

    own, message, end, start: (K, B, C). parents: (E,) rows, of the last E of the K rows; the edges are parent
    to child, child to parent, and every row to itself. Returns (K, B, C).
    """
    return _GatedSums.apply(own, message, end, start, parents)


class _GatedSums(torch.autograd.Function):
    """A block of edges at a time; gates are made again on the way back, so nothing of E rows is kept.

    A child has one parent: only what is above is gathered, and only what goes up is scattered.
    """

    @staticmethod
    def forward(ctx, own, message, end, start, parents) -> Tensor:  # type: ignore[no-untyped-def]
        ctx.save_for_backward(message, end, start, parents)
        sums = _gate_in(full_precision(end).clone(), start).mul_(message).add_(own)
        for rows, above in _blocks_of_children(end, parents):
            message_above, end_above, start_above = _of_parents(above, message, end, start)
            sums[rows] += _gate_in(start_above, end[rows]).mul_(message_above)
            sums.index_add_(0, above, _gate_in(end_above, start[rows]).mul_(message[rows]))
        return sums

    @staticmethod
    @once_differentiable
    def backward(ctx, grad: Tensor):  # type: ignore[no-untyped-def]
        message, end, start, parents = ctx.saved_tensors
        gate = _gate_in(full_precision(end).clone(), start)
        to_message, to_end = grad * gate, grad * message
        sigmoid_backward(to_end, gate, grad_input=to_end)
        to_start = to_end.clone()
        for rows, above in _blocks_of_children(end, parents):
            gathered = _of_parents(above, message, end, start)  # becomes what goes back to it, in place
            message_above, end_above, start_above = gathered
            from_child, from_parent = grad[rows], grad.index_select(0, above)
            down = _gate_in(start_above, end[rows])
            to_message_above = down * from_child
            sigmoid_backward(message_above.mul_(from_child), down, grad_input=start_above)
            message_above.copy_(to_message_above)
            up = _gate_in(end_above, start[rows])
            to_message[rows].addcmul_(up, from_parent)
            sigmoid_backward(from_parent.mul_(message[rows]), up, grad_input=end_above)
            to_end[rows] += start_above
            to_start[rows] += end_above
            for to_part, part in zip((to_message, to_end, to_start), gathered, strict=True):
                to_part.index_add_(0, above, part)
        to_parts = (part.to(end.dtype) for part in (grad, to_message, to_end, to_start))
        return *to_parts, None


def _gate_in(values: Tensor, others: Tensor) -> Tensor:
    """The gates in the place of `values`."""
    return values.add_(others).sigmoid_()


def _of_parents(above: Tensor, *parts: Tensor) -> tuple[Tensor, ...]:
    """These rows of the parts, as copies."""
    return tuple(full_precision(part.index_select(0, above)) for part in parts)


def _blocks_of_children(classes: Tensor, parents: Tensor) -> Iterator[tuple[slice, Tensor]]:
    """Some rows that have parents, with their parents' rows."""
    first = len(classes) - len(parents)
    for some in slices(len(parents), block_numbers(classes) // classes[0].numel()):
        yield slice(first + some.start, first + some.stop), parents[some]


def _init_uniform(weight: Tensor, channels: int) -> None:
    """As published: 1.4 times as wide as torch would."""
    nn.init.uniform_(weight, -math.sqrt(2 / channels), math.sqrt(2 / channels))
