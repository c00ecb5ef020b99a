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
from hmgc_core.precision import full_precision
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

    The four maps are one matrix product: rows of the weight are U_i, U_j, V_i, V_j.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.parts = nn.Linear(channels, 4 * channels, bias=False)
        self.bias = nn.Parameter(torch.zeros(channels))
        self.gate_bias = nn.Parameter(torch.zeros(channels))
        _init_uniform(self.parts.weight, channels)

    def forward(self, classes: Tensor, parents: Tensor) -> Tensor:
        """(K, B, C) with (E,) parents to (K, B, C), in float32 at least."""
        # Side by side in memory, rows of one part would lie far apart: gathering them took ten times as long.
        parts = self.parts(classes).unflatten(-1, (4, -1)).movedim(-2, 0).contiguous()
        return gated_sums(parts, self.gate_bias, parents) + self.bias


def gated_sums(parts: Tensor, gate_bias: Tensor, parents: Tensor) -> Tensor:
    """own_i + sum over edges j -> i of sigmoid(end_i + start_j + gate_bias) ∘ message_j, in float32 at least.

    parts: (4, K, B, C) = own, message, end, start. parents: (E,) rows, of the last E of the K rows; the
    edges are parent to child, child to parent, and every row to itself. Returns (K, B, C).
    """
    return _GatedSums.apply(parts, gate_bias, parents)


class _GatedSums(torch.autograd.Function):
    """A block of edges at a time; gates are made again on the way back, so nothing of E rows is kept.

    A child has one parent: only what is above is gathered, and only what goes up is scattered.
    """

    @staticmethod
    def forward(ctx, parts: Tensor, gate_bias: Tensor, parents: Tensor) -> Tensor:  # type: ignore[no-untyped-def]
        ctx.save_for_backward(parts, gate_bias, parents)
        own, message, end, start = parts
        sums = _gate_in(full_precision(end).clone(), start, gate_bias).mul_(message).add_(own)
        for rows, above in _blocks_of_children(parts, parents):
            message_above, end_above, start_above = _of_parents(parts, above)
            sums[rows] += _gate_in(start_above, end[rows], gate_bias).mul_(message_above)
            sums.index_add_(0, above, _gate_in(end_above, start[rows], gate_bias).mul_(message[rows]))
        return sums

    @staticmethod
    @once_differentiable
    def backward(ctx, grad: Tensor):  # type: ignore[no-untyped-def]
        parts, gate_bias, parents = ctx.saved_tensors
        _, message, end, start = parts
        to_parts = torch.empty(parts.shape, dtype=grad.dtype, device=grad.device)
        to_own, to_message, to_end, to_start = to_parts
        gate = _gate_in(full_precision(end).clone(), start, gate_bias)
        to_own.copy_(grad)
        torch.mul(grad, gate, out=to_message)
        sigmoid_backward(grad * message, gate, grad_input=to_end)
        to_start.copy_(to_end)
        for rows, above in _blocks_of_children(parts, parents):
            gathered = _of_parents(parts, above)  # becomes what goes back to it, in place
            message_above, end_above, start_above = gathered
            from_child, from_parent = grad[rows], grad.index_select(0, above)
            down = _gate_in(start_above, end[rows], gate_bias)
            to_message_above = down * from_child
            sigmoid_backward(message_above.mul_(from_child), down, grad_input=start_above)
            message_above.copy_(to_message_above)
            up = _gate_in(end_above, start[rows], gate_bias)
            to_message[rows].addcmul_(up, from_parent)
            sigmoid_backward(from_parent.mul_(message[rows]), up, grad_input=end_above)
            to_end[rows] += start_above
            to_start[rows] += end_above
            for to_part, part in zip((to_message, to_end, to_start), gathered, strict=True):
                to_part.index_add_(0, above, part)
        return to_parts.to(parts.dtype), to_end.sum((0, 1)), None


def _gate_in(values: Tensor, others: Tensor, gate_bias: Tensor) -> Tensor:
    """The gates in the place of `values`."""
    return values.add_(others).add_(gate_bias).sigmoid_()


def _of_parents(parts: Tensor, above: Tensor) -> tuple[Tensor, ...]:
    """Message, end and start of these rows, as a copy."""
    return tuple(full_precision(part.index_select(0, above)) for part in parts[1:])


def _blocks_of_children(parts: Tensor, parents: Tensor) -> Iterator[tuple[slice, Tensor]]:
    """Some rows that have parents, with their parents' rows."""
    first = parts.shape[1] - len(parents)
    for some in slices(len(parents), block_numbers(parts) // parts[0, 0].numel()):
        yield slice(first + some.start, first + some.stop), parents[some]


def _init_uniform(weight: Tensor, channels: int) -> None:
    """As published: 1.4 times as wide as torch would."""
    nn.init.uniform_(weight, -math.sqrt(2 / channels), math.sqrt(2 / channels))
