"""The tree losses against their definition, written out state by state in float64."""

import random
import time

import pytest
import torch
from torch import Tensor

from hmgc_core import losses
from hmgc_core.losses import leaf_evidence, leaf_log_marginals, log_marginals, marginal_loss, tree_loss
from hmgc_core.records import IS, IS_NOT, NONE_HERE
from hmgc_core.taxonomy import Taxonomy

TOLERANCE = 1e-11


def random_forest(seed: int, *, largest: int = 40) -> Taxonomy:
    """Several roots, chains, bushes, in a random order of rows."""
    rng = random.Random(seed)
    edges = []
    for i in range(rng.randrange(2, largest)):
        parent = "" if i == 0 or rng.random() < 0.1 else f"n{i - 1 if rng.random() < 0.5 else rng.randrange(i)}"
        edges.append((f"n{i}", parent))
    rng.shuffle(edges)
    return Taxonomy.from_edges(edges)


def chain(length: int) -> Taxonomy:
    return Taxonomy.from_edges([("n0", ""), *((f"n{i}", f"n{i - 1}") for i in range(1, length))])


def state_log_probs(scores: Tensor, tree: Taxonomy) -> Tensor:
    """log P of every legal state. The state of node v has v and its ancestors on; its energy is their sum."""
    scores = torch.cat([torch.zeros_like(scores[:, :1]), scores[:, 1:]], 1)
    states = torch.tensor(tree.is_ancestor.T, dtype=scores.dtype)  # row v: the nodes that are on in the state of v
    return torch.log_softmax(scores @ states.T, 1)


def label_log_prob(of_states: Tensor, tree: Taxonomy, node: int, kind: int) -> Tensor:
    below = torch.tensor(tree.is_ancestor[node])
    if kind == IS_NOT:
        below = ~below
    if kind == NONE_HERE:
        below = torch.arange(len(tree)) == node
    return torch.logsumexp(of_states[:, below], 1)


@pytest.fixture(params=["by level", "by doubling"])
def either_way(request, monkeypatch):
    """Both ways to walk a tree: level by level, and the one for deep trees."""
    monkeypatch.setattr(losses, "REACH", 8 if request.param == "by level" else 2)
    losses._tree_index.cache_clear()
    yield
    losses._tree_index.cache_clear()


@pytest.mark.parametrize("seed", range(12))
def test_the_tree_loss_is_the_log_share_of_the_states_that_fit_the_label(seed, either_way):
    torch.manual_seed(seed)
    tree = random_forest(seed)
    scores = (torch.randn(5, len(tree), dtype=torch.float64) * 5).requires_grad_()
    targets = torch.randint(0, len(tree), (5,))

    loss = tree_loss(scores, targets, tree)

    of_states = state_log_probs(scores, tree)
    slow = torch.stack([-label_log_prob(of_states, tree, int(t), IS)[i] for i, t in enumerate(targets)])
    assert torch.allclose(loss, slow, atol=TOLERANCE)
    fast_grad, slow_grad = (torch.autograd.grad(value.sum(), scores)[0] for value in (loss, slow))
    assert torch.allclose(fast_grad, slow_grad, atol=TOLERANCE)


@pytest.mark.parametrize("seed", range(12))
def test_marginals_sum_the_states_at_or_below_each_node(seed, either_way):
    torch.manual_seed(seed)
    tree = random_forest(seed)
    scores = (torch.randn(4, len(tree), dtype=torch.float64) * 5).requires_grad_()
    upstream = torch.randn(4, len(tree), dtype=torch.float64)

    fast = log_marginals(scores, tree)

    of_states = state_log_probs(scores, tree)
    slow = torch.stack([label_log_prob(of_states, tree, node, IS) for node in range(len(tree))], 1)
    assert torch.allclose(fast, slow, atol=TOLERANCE)
    assert (fast[:, 0] == 0).all()
    fast_grad, slow_grad = (torch.autograd.grad((value * upstream).sum(), scores)[0] for value in (fast, slow))
    assert torch.allclose(fast_grad, slow_grad, atol=TOLERANCE)


@pytest.mark.parametrize("seed", range(12))
def test_the_leaf_family_sums_softmax_probabilities_of_leaves(seed, either_way):
    torch.manual_seed(seed)
    tree = random_forest(seed)
    logits = (torch.randn(4, len(tree.leaves), dtype=torch.float64) * 5).requires_grad_()
    targets = torch.randint(0, len(tree), (4,))
    below = torch.tensor(tree.is_ancestor[:, tree.leaves], dtype=torch.float64)

    marginals, loss = leaf_log_marginals(logits, tree), marginal_loss(logits, targets, tree)

    slow = torch.log(torch.softmax(logits, 1) @ below.T)
    assert torch.allclose(marginals, slow, atol=1e-8)
    assert torch.allclose(loss, -slow[torch.arange(4), targets], atol=1e-8)
    evidence = leaf_evidence(logits, tree)
    assert torch.allclose(evidence - torch.logsumexp(logits, 1, keepdim=True), slow, atol=1e-8)
    upstream = torch.randn(4, len(tree), dtype=torch.float64)
    fast_grad, slow_grad = (torch.autograd.grad((value * upstream).sum(), logits)[0] for value in (marginals, slow))
    assert torch.allclose(fast_grad, slow_grad, atol=1e-8)


def test_every_kind_of_statement_is_its_own_set_of_states(tiny_tree):
    torch.manual_seed(0)
    tree = tiny_tree
    nodes = torch.arange(1, len(tree)).repeat(3)
    kinds = torch.tensor([IS, IS_NOT, NONE_HERE]).repeat_interleave(len(tree) - 1)
    scores = torch.randn(len(nodes), len(tree), dtype=torch.float64, requires_grad=True)

    loss = tree_loss(scores, nodes, tree, kinds)

    of_states = state_log_probs(scores, tree)
    pairs = enumerate(zip(nodes.tolist(), kinds.tolist(), strict=True))
    slow = torch.stack([-label_log_prob(of_states, tree, node, kind)[i] for i, (node, kind) in pairs])
    assert torch.allclose(loss, slow, atol=TOLERANCE)
    assert torch.autograd.gradcheck(lambda s: tree_loss(s, nodes, tree, kinds), (scores,))


def test_in_the_leaf_family_is_not_is_the_complement_and_none_here_the_weaker_is(tiny_tree):
    logits = torch.randn(3, len(tiny_tree.leaves), dtype=torch.float64)
    bird = torch.full((3,), tiny_tree.index("bird"))

    is_bird, is_not, none_here = (
        marginal_loss(logits, bird, tiny_tree, torch.full((3,), kind)) for kind in (IS, IS_NOT, NONE_HERE)
    )

    assert torch.allclose(torch.exp(-is_bird) + torch.exp(-is_not), torch.ones(3, dtype=torch.float64))
    assert torch.equal(none_here, is_bird)


def test_a_tree_first_met_while_predicting_can_be_learned_with_afterwards():
    tree = Taxonomy.from_edges([("a", ""), ("b", "a"), ("c", "a"), ("unmet before", "a")])
    with torch.inference_mode():
        log_marginals(torch.zeros(1, len(tree)), tree)
    scores = torch.zeros(1, len(tree), requires_grad=True)
    log_marginals(scores, tree)[0, 2].backward()
    assert scores.grad.abs().sum() > 0


def test_the_root_as_a_label_costs_nothing_and_teaches_nothing(tiny_tree):
    scores = torch.randn(2, len(tiny_tree), requires_grad=True)
    loss = tree_loss(scores, torch.zeros(2, dtype=torch.long), tiny_tree)
    loss.sum().backward()
    assert loss.tolist() == pytest.approx([0, 0], abs=1e-6)
    assert scores.grad.abs().max() < 1e-6


def test_the_root_column_counts_as_zero_whatever_it_holds(tiny_tree):
    scores = torch.randn(2, len(tiny_tree), requires_grad=True)
    other = scores.detach().clone()
    other[:, 0] = 1e6
    targets = torch.tensor([3, 5])
    assert torch.equal(tree_loss(scores, targets, tiny_tree), tree_loss(other, targets, tiny_tree))
    tree_loss(scores, targets, tiny_tree).sum().backward()
    assert (scores.grad[:, 0] == 0).all()


@pytest.mark.parametrize("size", [1e4, -1e4, 1e30])
def test_raw_logits_of_any_size_give_finite_numbers(tiny_tree, size):
    scores = (torch.randn(8, len(tiny_tree)).abs() * size).requires_grad_()
    targets = torch.arange(8)
    loss = tree_loss(scores, targets, tiny_tree)
    loss.sum().backward()
    assert torch.isfinite(loss).all() and torch.isfinite(scores.grad).all()
    assert not torch.isnan(log_marginals(scores.detach(), tiny_tree)).any()


def test_half_precision_is_counted_in_float32(tiny_tree):
    scores, targets = torch.randn(4, len(tiny_tree)).bfloat16(), torch.tensor([0, 2, 4, 8])
    with torch.autocast("cpu", torch.bfloat16):
        loss, marginals = tree_loss(scores, targets, tiny_tree), log_marginals(scores, tiny_tree)
    assert loss.dtype == marginals.dtype == torch.float32
    assert torch.equal(loss, tree_loss(scores.float(), targets, tiny_tree))


def test_the_hand_written_gradients_pass_gradcheck(either_way):
    tree = random_forest(3, largest=12)
    scores = torch.randn(3, len(tree), dtype=torch.float64, requires_grad=True)
    logits = torch.randn(3, len(tree.leaves), dtype=torch.float64, requires_grad=True)
    targets = torch.arange(3) % len(tree)
    assert torch.autograd.gradcheck(lambda s: tree_loss(s, targets, tree), (scores,))
    assert torch.autograd.gradcheck(lambda s: log_marginals(s, tree), (scores,))
    assert torch.autograd.gradcheck(lambda s: leaf_log_marginals(s, tree), (logits,))


def test_children_never_sum_to_more_than_their_parent():
    tree = random_forest(5)
    probs = log_marginals(torch.randn(6, len(tree)) * 3, tree).exp()
    for node in range(len(tree)):
        assert (probs[:, tree.children(node)].sum(1) <= probs[:, node] + 1e-5).all()


def test_a_chain_of_two_thousand_levels_is_right_and_quick():
    tree = chain(2000)
    scores = (torch.randn(16, len(tree), dtype=torch.float64) * 0.1).requires_grad_()
    targets = torch.randint(0, len(tree), (16,))
    energies = torch.cat([torch.zeros(16, 1, dtype=torch.float64), scores[:, 1:].cumsum(1)], 1)
    slow = torch.stack(
        [torch.logsumexp(e, 0) - torch.logsumexp(e[t:], 0) for e, t in zip(energies, targets, strict=True)]
    )

    started_at_s = time.process_time()
    loss = tree_loss(scores, targets, tree)
    loss.sum().backward()
    took_s = time.process_time() - started_at_s

    assert torch.allclose(loss, slow, atol=1e-9)
    assert took_s < 2


def test_a_tree_of_sixteen_thousand_nodes_needs_no_square_of_them():
    rng = random.Random(0)
    tree = Taxonomy.from_edges([("n0", ""), *((f"n{i}", f"n{rng.randrange(i)}") for i in range(1, 16_000))])
    scores = torch.randn(8, len(tree), requires_grad=True)
    targets = torch.randint(0, len(tree), (8,))
    tree_loss(scores, targets, tree)  # builds the index

    started_at_s = time.process_time()
    tree_loss(scores, targets, tree).sum().backward()

    assert time.process_time() - started_at_s < 1
    assert "is_ancestor" not in vars(tree)
