"""Where to look for each class, by the words of its name: the attention of `hmgn`.

Semantic-guided attention as in SSGRL, Chen et al., ICCV 2019. The same numbers as its authors' form, at a fraction of
its time and memory: their tanh of (pictures · positions · classes · width) is never kept, and two linear maps without
anything between are one vector.
"""

from collections.abc import Iterator

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from hmgc_core.models.word_vectors import WORD_WIDTH
from hmgc_core.models.work_blocks import block_numbers, slices
from hmgc_core.precision import full_precision

CLASSES_AT_ONCE = 8


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
    return _AttentionLogits.apply(*(full_precision(values).contiguous() for values in (features, words, weights)))


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
    for some in slices(classes, CLASSES_AT_ONCE):
        for part in slices(places, block_numbers(features) // (width * CLASSES_AT_ONCE)):
            yield some, part
