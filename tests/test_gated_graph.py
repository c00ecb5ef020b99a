"""The gated graph of `hmgn` gives the numbers of dense matrices, without them."""

import math

import numpy as np
import pytest
import torch
from test_semantic_attention import assert_same, double
from torch import Tensor, nn

from hmgc_core.models import gated_graph, work_blocks
from hmgc_core.taxonomy import Taxonomy


@pytest.fixture(autouse=True)
def _fixed_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Blocks so small that every test needs several, the last of them not full."""
    torch.manual_seed(0)
    monkeypatch.setitem(work_blocks.NUMBERS, "cpu", 200)


def ragged_tree(seed: int, nodes: int) -> Taxonomy:
    """Ragged, with several tops and chains of only children."""
    rng = np.random.default_rng(seed)
    return Taxonomy.from_edges((f"n{i}", f"n{rng.integers(-2, i)}".replace("n-", "top")) for i in range(1, nodes))


def test_rows_stand_level_by_level_and_know_their_parents(tiny_tree):
    nodes, parents = gated_graph.level_rows(tiny_tree)
    assert sorted(nodes) == list(range(1, len(tiny_tree)))
    assert (np.diff(tiny_tree.depths[nodes]) >= 0).all()
    below = nodes[len(nodes) - len(parents) :]
    assert (nodes[parents] == tiny_tree.parents[below]).all()
    assert (tiny_tree.depths[nodes[: -len(parents)]] == 1).all()


def cell_by_dense_matrices(cell: gated_graph.GatedCell, nodes: Tensor, tree: Taxonomy) -> Tensor:
    """Node by node over a dense table of neighbours, with the four maps apart and batch norm written out."""
    of_rows = gated_graph.level_rows(tree)[0]
    is_parent = torch.as_tensor(tree.parents[of_rows][:, None] == of_rows)
    linked = is_parent | is_parent.t() | torch.eye(len(nodes), dtype=torch.bool)
    hidden = nodes
    for convolution, norm in ((cell.first, cell.first_norm), (cell.second, cell.second_norm)):
        parts = (convolution.own, convolution.message, convolution.end, convolution.start)
        u_i, u_j, v_i, v_j = (linear.weight for linear in parts)
        sums = []
        for end, x in enumerate(hidden):
            total = x @ u_i.t() + convolution.own.bias
            for start in linked[end].nonzero()[:, 0].tolist():
                y = hidden[start]
                total = total + torch.sigmoid(x @ v_i.t() + y @ v_j.t() + convolution.end.bias) * (y @ u_j.t())
            sums.append(total)
        hidden = torch.stack(sums)
        mean, var = hidden.mean((0, 1)), hidden.var((0, 1), unbiased=False)
        hidden = (hidden - mean) / (var + norm.eps).sqrt() * norm.weight + norm.bias
        hidden = torch.relu(hidden if norm is cell.first_norm else hidden + nodes @ cell.shortcut.weight.t())
    return hidden


@pytest.mark.parametrize(("seed", "count"), [(0, 14), (1, 23), (2, 2)])
def test_a_cell_is_the_published_one_with_its_gradients(seed, count):
    tree, channels = ragged_tree(seed, count), 5
    cell = gated_graph.GatedCell(channels).double()
    for parameter in (p for name, p in cell.named_parameters() if "bias" in name or "norm" in name):
        nn.init.normal_(parameter, 1)
    nodes = double(len(tree) - 1, 3, channels)
    fast, slow = (
        cell(nodes, torch.as_tensor(gated_graph.level_rows(tree)[1])),
        cell_by_dense_matrices(cell, nodes, tree),
    )
    wanted, back = [nodes, *cell.parameters()], torch.randn_like(fast)
    assert_same([fast], [slow])
    assert_same([*torch.autograd.grad(fast, wanted, back)], [*torch.autograd.grad(slow, wanted, back)])


def test_gated_sums_have_the_gradient_of_their_own_value(tiny_tree):
    parents = torch.as_tensor(gated_graph.level_rows(tiny_tree)[1])

    def sums(*parts: Tensor) -> Tensor:
        return gated_graph.gated_sums(*parts, parents)

    assert torch.autograd.gradcheck(sums, [double(len(tiny_tree) - 1, 1, 2) for _ in range(4)])


def test_weights_of_the_graph_start_as_published():
    cell = gated_graph.GatedCell(32)
    maps = [module for module in cell.modules() if isinstance(module, nn.Linear)]
    assert len(maps) == 9
    for weight in (linear.weight for linear in maps):
        assert 0.9 * math.sqrt(2 / 32) < weight.abs().max() <= math.sqrt(2 / 32)
