"""`hmgn`: "Hierarchical Multi-Granularity Classification based on Residual Gated GCN", by HRN's authors (public code
MonsterZhZh/HMGN), on any tree, any trunk and any map size.

As published: the words of a class's name say where to look for it (semantic-guided attention, as in SSGRL, Chen et
al., ICCV 2019); three cells of a gated graph network (Bresson & Laurent, "Residual Gated Graph ConvNets", 2017) let
classes that are parent and child exchange what they saw; one score per class. Losses and answers are `hrn`'s, but one
leaf head serves both: the leaf scores are sigmoids for the tree loss and logits for the cross-entropy.
Where we differ:
- The attention's width is C/2 for the trunk's C channels, the published 1024 at ResNet-50's 2048.
- The biases of the attention's two last linear maps are left out: a softmax over positions cancels them.
- The root is no class of the graph, as published, where a tree has levels only; so top classes are not linked.
- A class without word vectors gets one from the letters of its name (`word_vectors`), never a row of zeros.
- Learning rates: two groups, as published, but `hrn`'s for a trunk that starts at random: all but the trunk learns at a
  fifth of its rate. Taken over, not tuned for this model.
- BatchNorm, labels of other kinds and only children: as in our `hrn`.

The same numbers as the authors' form, at a fraction of its time and memory: their tanh of (pictures · positions ·
classes · width) is never kept, and two linear maps without anything between are one vector; edges are a list, not
matrices of ones and zeros.
"""

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from hmgc_core.models.base import Trunk
from hmgc_core.models.options import chosen_options
from hmgc_core.models.tree_sigmoids import SigmoidScores, TreeSigmoidModel
from hmgc_core.models.word_vectors import WORD_WIDTH, ClassVectors, class_vectors
from hmgc_core.records import RunConfig
from hmgc_core.taxonomy import IntArray, Taxonomy

sigmoid_backward = torch.ops.aten.sigmoid_backward.grad_input  # (grad, gate, grad_input=where to write)

CELLS = 3
REST_LR_FACTOR = 0.2
CLASSES_AT_ONCE = 8
# Numbers in one block of work: one that stays in a processor's cache, one that keeps a GPU busy.
BLOCK = {"cpu": 2**20, "other": 2**24}


class HMGN(TreeSigmoidModel):
    """Attention per class, three gated cells on the edges of the tree, one score per class.

    words: the vectors of the classes. They are part of the checkpoint, so the file they came from may be gone.
    """

    words: Tensor
    word_rows: Tensor
    column: Tensor
    parents: Tensor

    def __init__(self, taxonomy: Taxonomy, trunk: Trunk, words: ClassVectors, *, label_smoothing: float = 0.0) -> None:
        super().__init__(taxonomy, trunk, label_smoothing=label_smoothing)
        self.word_remarks = words.remarks
        self.register_buffer("words", torch.tensor(words.vectors))
        self.attention = SemanticAttention(trunk.channels)
        self.cells = nn.ModuleList(GatedCell(trunk.channels) for _ in range(CELLS))
        self.classifier = ElementWiseClassifier(len(taxonomy) - 1, trunk.channels)
        nodes, parents = level_rows(taxonomy)
        self.keep(word_rows=nodes - 1, column=nodes.argsort(), parents=parents)

    def forward(self, images: Tensor) -> SigmoidScores:
        """(B, 3, H, W) to a score for every class."""
        features = self.trunk(images)
        classes = self.attention(features, self.words[self.word_rows])
        for cell in self.cells:
            classes = cell(classes, self.parents)
        below_root = self.classifier(classes).float()[:, self.column]
        logits = nn.functional.pad(below_root, (1, 0))
        return SigmoidScores(
            embedding=features.mean((2, 3)),
            nodes=nn.functional.pad(torch.sigmoid(below_root), (1, 0)),
            node_logits=logits,
            leaves=logits[:, self.leaf_nodes],
        )

    @property
    def remarks(self) -> tuple[str, ...]:
        """What the file of word vectors lacks."""
        return (*super().remarks, *self.word_remarks)

    def parameter_groups(self) -> list[dict[str, Any]]:
        """The trunk at the run's learning rate; attention, cells and classifier at REST_LR_FACTOR of it."""
        trunk = list(self.trunk.parameters())
        rest = [p for name, p in self.named_parameters() if not name.startswith("trunk.")]
        return [{"params": trunk, "lr_factor": 1.0}, {"params": rest, "lr_factor": REST_LR_FACTOR}]


def level_rows(taxonomy: Taxonomy) -> tuple[IntArray, IntArray]:
    """(K,) nodes of the graph's rows, level by level, and (E,) the parent's row of each of the last E rows.

    The first K - E rows are the top classes: the root is not in the graph, and neither are its links.
    """
    nodes = np.concatenate(taxonomy.levels)
    row = np.empty(len(taxonomy), dtype=np.int64)
    row[nodes] = np.arange(len(nodes))
    return nodes, row[taxonomy.parents[nodes[len(taxonomy.levels[0]) :]]]


# --- semantic-guided attention ----------------------------------------------------------------------------------------


class SemanticAttention(nn.Module):
    """Where to look for each class: features (B, C, h, w) and words (K, 300) to class features (K, B, C).

    logit[k, p] = w · tanh(W1 x_p ∘ W2 word_k) with w = W_a W_3, a softmax over the positions p of one picture, and
    the mean of the features x_p under it.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        width = channels // 2
        self.of_features = nn.Linear(channels, width, bias=False)
        self.of_words = nn.Linear(WORD_WIDTH, width, bias=False)
        self.fc_3 = nn.Linear(width, width, bias=False)
        self.fc_a = nn.Linear(width, 1, bias=False)

    def forward(self, features: Tensor, words: Tensor) -> Tensor:
        """(B, C, h, w) and (K, 300) to (K, B, C)."""
        positions = features.flatten(2).transpose(1, 2)  # (B, P, C)
        batch, count, _ = positions.shape
        weights = (self.fc_a.weight @ self.fc_3.weight)[0]
        logits = attention_logits(self.of_features(positions).flatten(0, 1).t(), self.of_words(words).t(), weights)
        shares = torch.softmax(logits.view(-1, batch, count), 2)
        return (shares.transpose(0, 1).to(positions.dtype) @ positions).transpose(0, 1)


def attention_logits(features: Tensor, words: Tensor, weights: Tensor) -> Tensor:
    """sum_d weights[d] · tanh(features[d, r] · words[d, k]) as (K, R), in float32 at least.

    features: (D, R) of all positions of all pictures. words: (D, K). weights: (D,).
    """
    return _AttentionLogits.apply(*(_full_precision(values).contiguous() for values in (features, words, weights)))


class _AttentionLogits(torch.autograd.Function):
    """A block of classes and positions at a time; tanh is made again on the way back, so (D, K, R) is never there."""

    @staticmethod
    def forward(ctx, features: Tensor, words: Tensor, weights: Tensor) -> Tensor:  # type: ignore[no-untyped-def]
        ctx.save_for_backward(features, words, weights)
        logits = features.new_empty(words.shape[1], features.shape[1])
        for classes, places in _blocks_of_attention(features, words):
            tanh = (features[:, None, places] * words[:, classes, None]).tanh_()
            # `out` also keeps autocast from rounding here.
            sums = torch.mv(tanh.flatten(1).t(), weights, out=weights.new_empty(tanh[0].numel()))
            logits[classes, places] = sums.view(tanh.shape[1:])
        return logits

    @staticmethod
    @once_differentiable
    def backward(ctx, grad: Tensor):  # type: ignore[no-untyped-def]
        features, words, weights = ctx.saved_tensors
        to_features, to_words, to_weights = map(torch.zeros_like, ctx.saved_tensors)
        for classes, places in _blocks_of_attention(features, words):
            u, v, g = features[:, places], words[:, classes], grad[classes, places]
            tanh = (u[:, None] * v[:, :, None]).tanh_()
            to_weights.addmv_(tanh.flatten(1), g.flatten())
            slope = torch.ops.aten.tanh_backward(g.expand_as(tanh), tanh)  # g · (1 - tanh²)
            to_features[:, None, places].baddbmm_(v[:, None], slope)
            to_words[:, classes, None].baddbmm_(slope, u[:, :, None])
        return to_features.mul_(weights[:, None]), to_words.mul_(weights[:, None]), to_weights


def _blocks_of_attention(features: Tensor, words: Tensor) -> Iterator[tuple[slice, slice]]:
    (width, places), classes = features.shape, words.shape[1]
    for some in _slices(classes, CLASSES_AT_ONCE):
        for part in _slices(places, _block(features) // (width * CLASSES_AT_ONCE)):
            yield some, part


# --- residual gated graph network -------------------------------------------------------------------------------------


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
        sums = _gate_in(_full_precision(end).clone(), start, gate_bias).mul_(message).add_(own)
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
        gate = _gate_in(_full_precision(end).clone(), start, gate_bias)
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
    return tuple(_full_precision(part.index_select(0, above)) for part in parts[1:])


def _blocks_of_children(parts: Tensor, parents: Tensor) -> Iterator[tuple[slice, Tensor]]:
    """Some rows that have parents, with their parents' rows."""
    first = parts.shape[1] - len(parents)
    for some in _slices(len(parents), _block(parts) // parts[0, 0].numel()):
        yield slice(first + some.start, first + some.stop), parents[some]


# --- classifier and what the parts share ------------------------------------------------------------------------------


class ElementWiseClassifier(nn.Module):
    """A weight vector and a bias of its own for every class: (K, B, C) to (B, K)."""

    def __init__(self, classes: int, channels: int) -> None:
        super().__init__()
        self.weight, self.bias = nn.Parameter(torch.empty(classes, channels)), nn.Parameter(torch.empty(classes))
        for parameter in (self.weight, self.bias):
            nn.init.uniform_(parameter, -1 / math.sqrt(channels), 1 / math.sqrt(channels))

    def forward(self, nodes: Tensor) -> Tensor:
        """(K, B, C) to (B, K)."""
        return (nodes @ self.weight[:, :, None])[..., 0].t() + self.bias


def _init_uniform(weight: Tensor, channels: int) -> None:
    nn.init.uniform_(weight, -math.sqrt(2 / channels), math.sqrt(2 / channels))


def _full_precision(values: Tensor) -> Tensor:
    """Half precisions as float32; float32 and float64 as they are."""
    return values.to(torch.promote_types(values.dtype, torch.float32))


def _block(values: Tensor) -> int:
    return BLOCK["cpu" if values.device.type == "cpu" else "other"]


def _slices(total: int, size: int) -> Iterator[slice]:
    size = max(1, size)
    return (slice(start, min(total, start + size)) for start in range(0, total, size))


def build(taxonomy: Taxonomy, trunk: Trunk, config: RunConfig) -> HMGN:
    """The model of the catalog's entry `hmgn`. Raises WeightsError where its file of word vectors cannot be used."""
    words = class_vectors(taxonomy, str(chosen_options(config)["word_vectors"]))
    return HMGN(taxonomy, trunk, words, label_smoothing=config.label_smoothing)
