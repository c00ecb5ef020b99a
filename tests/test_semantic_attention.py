"""The attention of `hmgn` gives the numbers of its authors' form, of slow and obvious code, without its memory."""

import pytest
import torch
from torch import Tensor

from hmgc_core.models import semantic_attention, work_blocks


@pytest.fixture(autouse=True)
def _fixed_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Blocks so small that every test needs several, the last of them not full."""
    torch.manual_seed(0)
    monkeypatch.setitem(work_blocks.NUMBERS, "cpu", 200)


def double(*shape: int, grad: bool = True) -> Tensor:
    return torch.randn(*shape, dtype=torch.float64, requires_grad=grad)


def assert_same(one: list[Tensor], other: list[Tensor]) -> None:
    for a, b in zip(one, other, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-11, atol=1e-11)


def attention_class_by_class(
    attention: semantic_attention.SemanticAttention, features: Tensor, words: Tensor
) -> Tensor:
    """The published form with both linear maps and the biases that we leave out, one class of one picture at a time."""
    bias_3, bias_a = torch.randn(attention.fc_3.out_features, dtype=torch.float64), 3.0
    rows = []
    for word in words:
        for picture in features:
            places = picture.flatten(1).t()
            product = torch.tanh(attention.of_features(places) * attention.of_words(word))
            logits = attention.fc_a(attention.fc_3(product) + bias_3) + bias_a
            rows.append((torch.softmax(logits, 0) * places).sum(0))
    return torch.stack(rows).view(len(words), len(features), -1)


@pytest.mark.parametrize("shape", [(2, 6, 3, 5), (1, 8, 1, 1), (3, 4, 7, 2)])
def test_attention_is_the_published_one_with_its_gradients(shape):
    attention = semantic_attention.SemanticAttention(shape[1]).double()
    features, words = double(*shape), double(19, 300, grad=False)
    wanted = [features, *attention.parameters()]
    fast, slow = attention(features, words), attention_class_by_class(attention, features, words)
    back = torch.randn_like(fast)
    assert_same([fast], [slow])
    assert_same([*torch.autograd.grad(fast, wanted, back)], [*torch.autograd.grad(slow, wanted, back)])


def test_attention_has_the_gradient_of_its_own_value():
    assert torch.autograd.gradcheck(semantic_attention.attention_logits, (double(2, 5), double(2, 9), double(2)))


def test_attention_keeps_nothing_of_positions_times_classes_times_width():
    attention = semantic_attention.SemanticAttention(32)
    kept = 0

    def count(tensor: Tensor) -> Tensor:
        nonlocal kept
        kept += tensor.numel()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(count, lambda tensor: tensor):
        attention(torch.randn(2, 32, 6, 6, requires_grad=True), torch.randn(200, 300))
    authors = 2 * 36 * 200 * 16
    assert kept < authors / 2
