"""The tree losses against their definition, written out state by state in float64."""

import random
import time

import pytest
import torch
from torch import Tensor

from hmgc_core import losses, tree_sums
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


@pytest.fixture(params=["whole", "in pieces", "without asking", "without asking, in pieces"])
def either_way(request, monkeypatch):
    """Every way through: long sums whole or in blocks and rounds, and the one for devices that are not to be asked."""
    if "in pieces" in request.param:
        monkeypatch.setattr(tree_sums, "REACH", 2)
        monkeypatch.setattr(tree_sums, "LONGEST_SUM", 3)
    if "without asking" in request.param:
        monkeypatch.setattr(losses, "_at_hand", lambda _: False)
    tree_sums.tree_index.cache_clear()
    yield
    tree_sums.tree_index.cache_clear()


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
    pairs = ((loss, -slow[torch.arange(4), targets]), (marginals * upstream, slow * upstream))
    for pair in pairs:
        fast_grad, slow_grad = (torch.autograd.grad(value.sum(), logits, retain_graph=True)[0] for value in pair)
        assert torch.allclose(fast_grad, slow_grad, atol=1e-8)


def test_every_kind_of_statement_is_its_own_set_of_states(tiny_tree, either_way):
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
    fast_grad, slow_grad = (torch.autograd.grad(value.sum(), scores)[0] for value in (loss, slow))
    assert torch.allclose(fast_grad, slow_grad, atol=TOLERANCE)


def test_what_leaves_no_state_costs_infinitely_much(tiny_tree, either_way):
    scores = torch.randn(2, len(tiny_tree), requires_grad=True)
    loss = tree_loss(scores, torch.tensor([0, 1]), tiny_tree, torch.tensor([IS_NOT, IS]))
    loss.sum().backward()
    assert torch.isinf(loss).tolist() == [True, False]
    assert not torch.isnan(scores.grad).any()


def test_in_the_leaf_family_is_not_is_the_complement_and_none_here_the_weaker_is(tiny_tree, either_way):
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


def test_another_device_is_never_asked_for_a_number(tiny_tree, monkeypatch):
    monkeypatch.setattr(losses, "_at_hand", lambda _: False)
    nodes = torch.tensor([1, 2, 3])
    for loss_of, shares_of, states in (
        (tree_loss, log_marginals, len(tiny_tree)),
        (marginal_loss, leaf_log_marginals, len(tiny_tree.leaves)),
    ):
        values = torch.zeros(3, states, requires_grad=True)
        with torch.autograd.profiler.profile() as profile:
            loss = loss_of(values, nodes, tiny_tree, torch.tensor([IS, IS_NOT, NONE_HERE]))
            (loss.sum() + shares_of(values, tiny_tree).sum()).backward()
        called = {event.key.removeprefix("aten::") for event in profile.key_averages()}
        assert "logsumexp" in called
        assert not called & {"_local_scalar_dense", "nonzero", "masked_select", "repeat_interleave"}


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


@pytest.mark.parametrize("size", [100, 1e4, -1e4])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_raw_logits_of_any_size_give_exact_numbers(size, dtype, either_way):
    torch.manual_seed(0)
    for seed in range(4):
        tree = random_forest(seed, largest=13)
        scores = (torch.randn(len(tree), len(tree)).abs() * size).double().requires_grad_()
        targets, upstream = torch.arange(len(tree)), torch.randn(len(tree), len(tree)).double()
        same = scores.detach().to(dtype).requires_grad_()

        loss, marginals = tree_loss(same, targets, tree), log_marginals(same, tree)

        of_states = state_log_probs(scores, tree)
        slow = torch.stack([label_log_prob(of_states, tree, node, IS) for node in range(len(tree))], 1)
        rounding = 8 * torch.finfo(dtype).eps * abs(size) * len(tree)  # of the energies
        assert torch.allclose(marginals.double(), slow, rtol=0, atol=rounding)
        assert torch.allclose(loss.double(), -slow.diagonal(), rtol=0, atol=rounding)
        for fast_value, slow_value in (
            (loss.sum(), -slow.trace()),
            ((marginals * upstream).sum(), (slow * upstream).sum()),
        ):
            fast_grad, slow_grad = (
                torch.autograd.grad(v, s, retain_graph=True)[0] for v, s in ((fast_value, same), (slow_value, scores))
            )
            assert torch.allclose(fast_grad.double(), slow_grad, rtol=0, atol=10 * rounding)


def test_scores_beyond_all_reason_give_finite_numbers(tiny_tree, either_way):
    scores = (torch.randn(8, len(tiny_tree)).abs() * 1e30).requires_grad_()
    loss = tree_loss(scores, torch.arange(8), tiny_tree)
    loss.sum().backward()
    assert torch.isfinite(loss).all() and torch.isfinite(scores.grad).all()
    assert not torch.isnan(log_marginals(scores.detach(), tiny_tree)).any()


@pytest.mark.parametrize("learning", [False, True])
@pytest.mark.parametrize("spread", [1, 40, 400])
def test_every_range_of_scores_takes_a_way_that_keeps_its_digits(spread, learning, monkeypatch):
    """Plain sums, plain sums in float64, sums as logarithms: the wider the scores, the later the one that serves."""
    ways = []

    def watched(name, way):
        function = getattr(losses, name)
        monkeypatch.setattr(losses, name, lambda *given: (ways.append(way(given)), function(*given))[1])

    watched("_plain_log_shares", lambda given: given[2])
    watched("log_subtree_sums", lambda given: "logarithms")
    torch.manual_seed(0)
    tree = random_forest(2)
    scores = (torch.randn(3, len(tree)) * spread).requires_grad_(learning)
    slow = state_log_probs(scores.detach().double(), tree)

    fast = log_marginals(scores, tree)

    assert fast.dtype == torch.float32 and fast.requires_grad == learning
    slow = torch.stack([label_log_prob(slow, tree, node, IS) for node in range(len(tree))], 1)
    assert torch.allclose(fast.double(), slow, rtol=1e-6, atol=1e-5)
    assert ways == [torch.float32, torch.float64, "logarithms"][: {1: 1, 40: 2, 400: 3}[spread]]


def test_not_a_number_stays_one(tiny_tree, either_way):
    scores = torch.zeros(2, len(tiny_tree))
    scores[1, 3] = torch.nan
    assert torch.isnan(log_marginals(scores, tiny_tree)[1]).any()
    assert torch.isnan(tree_loss(scores, torch.tensor([2, 3]), tiny_tree))[1]


def test_float32_sums_over_wide_nodes_keep_their_digits():
    tree = Taxonomy.from_edges([*((f"t{i}", "") for i in range(3)), *((f"n{i}", f"t{i % 3}") for i in range(6_000))])
    scores = torch.randn(2, len(tree))
    error = log_marginals(scores, tree).double() - log_marginals(scores.double(), tree)
    assert error.abs().max() < 4e-6


def test_a_lone_root_has_nothing_to_learn(either_way):
    tree = Taxonomy.from_edges([("all", "")])
    scores = torch.full((3, 1), 5.0, requires_grad=True)
    loss = tree_loss(scores, torch.zeros(3, dtype=torch.long), tree)
    loss.sum().backward()
    assert loss.tolist() == [0, 0, 0] and log_marginals(scores, tree).tolist() == [[0], [0], [0]]
    assert scores.grad.abs().max() == 0


def test_a_batch_of_one_or_none_leaves_its_scores_as_they_were(tiny_tree, either_way):
    one = torch.ones(1, len(tiny_tree))
    tree_loss(one, torch.tensor([1]), tiny_tree)
    assert (one == 1).all()
    none = torch.ones(0, len(tiny_tree))
    assert tree_loss(none, torch.zeros(0, dtype=torch.long), tiny_tree).shape == (0,)
    assert log_marginals(none, tiny_tree).shape == none.shape


def test_the_gradient_can_be_asked_for_twice(tiny_tree):
    scores = torch.randn(2, len(tiny_tree), requires_grad=True)
    loss = tree_loss(scores, torch.tensor([2, 3]), tiny_tree).sum()
    first, second = (torch.autograd.grad(loss, scores, retain_graph=True)[0] for _ in range(2))
    assert torch.equal(first, second)


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
    targets, kinds = torch.arange(1, 4), torch.tensor([IS, IS_NOT, NONE_HERE])
    assert torch.autograd.gradcheck(lambda s: tree_loss(s, targets, tree, kinds), (scores,))
    assert torch.autograd.gradcheck(lambda s: marginal_loss(s, targets, tree, kinds), (logits,))
    assert torch.autograd.gradcheck(lambda s: log_marginals(s, tree), (scores,))
    assert torch.autograd.gradcheck(lambda s: leaf_log_marginals(s, tree), (logits,))


def test_children_never_sum_to_more_than_their_parent():
    tree = random_forest(5)
    probs = log_marginals(torch.randn(6, len(tree)) * 3, tree).exp()
    for node in range(len(tree)):
        assert (probs[:, tree.children(node)].sum(1) <= probs[:, node] + 1e-5).all()


@pytest.mark.parametrize("levels", [200, 2000])
def test_a_long_chain_is_right_and_quick(levels):
    tree = chain(levels)
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
    assert torch.allclose(-log_marginals(scores, tree).gather(1, targets[:, None])[:, 0], slow, atol=1e-9)
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
