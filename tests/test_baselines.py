"""ps, per_level, soft_margin and hrn_logits against their definitions, written out in float64 on random trees."""

import math

import numpy as np
import pytest
import torch
from test_losses import random_forest
from torch import Tensor, nn

from hmgc_core.losses import log_marginals
from hmgc_core.models.base import Trunk
from hmgc_core.models.catalog import build_model
from hmgc_core.models.hrn import HRN
from hmgc_core.models.leaf_softmax import LeafScores
from hmgc_core.models.levels import LevelScores, level_classes
from hmgc_core.models.per_level import PerLevel
from hmgc_core.models.ps import ParameterSharing
from hmgc_core.models.soft_margin import SoftMargin, StateScores
from hmgc_core.models.tree_sigmoids import SigmoidScores
from hmgc_core.records import IS, IS_NOT, NONE_HERE, RunConfig, Targets
from hmgc_core.taxonomy import Taxonomy

TOLERANCE = 1e-10
SEEDS = range(8)


class NoTrunk(Trunk):
    """Pictures are their own map: for tests of what comes after the trunk."""

    def __init__(self, channels: int = 4) -> None:
        super().__init__()
        self.channels, self.stage_channels = channels, (channels,)

    def stages(self, images: Tensor) -> list[Tensor]:
        return [images]

    def _cut(self, count: int) -> None:
        """There is one stage, so nothing to cut."""


def random_targets(tree: Taxonomy, count: int) -> Targets:
    """Any node with any kind and weight, but for "it is not" where nothing else would be left."""
    nodes = torch.randint(0, len(tree), (count,))
    kinds = torch.randint(0, 3, (count,))
    rules_out_all = torch.as_tensor(tree.leaf_counts == len(tree.leaves))[nodes]
    return Targets(nodes, torch.where(rules_out_all & (kinds == IS_NOT), IS, kinds), torch.rand(count).double() + 0.1)


def gradient(value: Tensor, of: Tensor | tuple[Tensor, ...]) -> Tensor:
    parts = torch.autograd.grad(value, of, retain_graph=True)
    return torch.cat([part.flatten() for part in parts])


# --- ps ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", SEEDS)
def test_ps_sums_the_scores_on_each_leafs_path(seed):
    torch.manual_seed(seed)
    tree = random_forest(seed)
    model = ParameterSharing(tree, NoTrunk()).double()
    pooled = torch.randn(3, 4, dtype=torch.float64)
    scores = model.head(pooled)
    slow = torch.stack(
        [sum((scores[:, v - 1] for v in tree.path(int(leaf))), scores.new_zeros(3)) for leaf in tree.leaves], 1
    )
    assert torch.allclose(model.leaf_logits(pooled).double(), slow, atol=1e-5)


def test_ps_teaches_the_node_that_a_coarse_label_names(tiny_tree):
    model = ParameterSharing(tiny_tree, NoTrunk())
    scores = LeafScores(torch.zeros(2, 4), model.leaf_logits(torch.randn(2, 4)))
    model.loss(scores, torch.tensor([tiny_tree.index("bird")] * 2)).backward()
    learned = model.head.weight.grad.abs().sum(1) > 1e-6
    # The ship's side is pushed away as one: ship, steamer and tug share their gradient; birds gain as one.
    assert learned[tiny_tree.index("bird") - 1] and learned[tiny_tree.index("ship") - 1]


# --- per_level --------------------------------------------------------------------------------------------------------


def random_levels(tree: Taxonomy, count: int) -> LevelScores:
    sizes = [len(nodes) for nodes in level_classes(tree)]
    levels = tuple((torch.randn(count, size, dtype=torch.float64) * 3).requires_grad_() for size in sizes)
    return LevelScores(torch.zeros(count, 1), levels)


def leaves_of(tree: Taxonomy, node: int) -> set[int]:
    return {int(leaf) for leaf in tree.leaves if tree.is_ancestor[node, leaf]}


def slow_level_loss(tree: Taxonomy, scores: LevelScores, targets: Targets) -> Tensor:
    """By sets of leaves: a class fits a label if it shares a leaf with what the label leaves possible."""
    total = torch.zeros((), dtype=torch.float64)
    for depth, (classes, logits) in enumerate(zip(level_classes(tree), scores.levels, strict=True), start=1):
        losses, weights = [], []
        for row, (node, kind, weight) in enumerate(
            zip(*(part.tolist() for part in vars(targets).values()), strict=True)
        ):
            named = leaves_of(tree, node)
            possible = set(tree.leaves.tolist()) - named if kind == IS_NOT else named
            fits = [i for i, c in enumerate(classes) if leaves_of(tree, int(c)) & possible]
            highest = next(a for a in [0, *tree.path(node)] if leaves_of(tree, a) == named)
            taught = tree.depths[highest] <= depth and len(fits) < len(classes) if kind == IS_NOT else len(fits) == 1
            if taught:
                losses.append(-torch.log(torch.softmax(logits[row], 0)[fits].sum()) * weight)
                weights.append(weight)
        if losses:
            total = total + torch.stack(losses).sum() / sum(weights)
    return total


@pytest.mark.parametrize("seed", SEEDS)
def test_per_level_is_cross_entropy_at_every_level_that_a_label_names(seed):
    torch.manual_seed(seed)
    tree = random_forest(seed, largest=25)
    scores, targets = random_levels(tree, 9), random_targets(tree, 9)
    loss, slow = PerLevel(tree, NoTrunk()).loss(scores, targets), slow_level_loss(tree, scores, targets)
    assert loss.item() == pytest.approx(slow.item(), abs=TOLERANCE)
    if slow.requires_grad:
        fast_grad = gradient(loss, scores.levels)
        slow_grad = torch.autograd.grad(slow, scores.levels, allow_unused=True, materialize_grads=True)
        assert torch.allclose(fast_grad, torch.cat([part.flatten() for part in slow_grad]), atol=TOLERANCE)


def test_per_level_passes_a_gradient_check_and_smooths_as_cross_entropy_does(tiny_tree):
    torch.manual_seed(0)
    scores, targets = random_levels(tiny_tree, 5), random_targets(tiny_tree, 5)
    model = PerLevel(tiny_tree, NoTrunk(), label_smoothing=0.2)
    assert torch.autograd.gradcheck(
        lambda *levels: model.loss(LevelScores(scores.embedding, levels), targets), scores.levels
    )
    owl = torch.full((5,), tiny_tree.index("owl"))
    named = [
        next(list(nodes).index(n) for n in (owl[0].item(), tiny_tree.index("bird")) if n in nodes)
        for nodes in level_classes(tiny_tree)
    ]
    slow = sum(
        nn.functional.cross_entropy(logits, torch.full((5,), place), label_smoothing=0.2)
        for logits, place in zip(scores.levels, named, strict=True)
    )
    assert model.loss(scores, owl).item() == pytest.approx(slow.item(), rel=1e-9)


def test_a_coarse_label_gives_the_finer_softmaxes_no_gradient(tiny_tree):
    scores = random_levels(tiny_tree, 3)
    loss = PerLevel(tiny_tree, NoTrunk()).loss(scores, torch.full((3,), tiny_tree.index("bird")))
    taught = [bool(part.abs().sum() > 0) for part in torch.autograd.grad(loss, scores.levels)]
    assert taught == [True, False, False]


def test_a_batch_that_names_no_class_has_no_loss_and_still_learns(tiny_tree):
    scores = random_levels(tiny_tree, 3)
    loss = PerLevel(tiny_tree, NoTrunk()).loss(scores, torch.zeros(3, dtype=torch.int64))
    assert loss.item() == 0
    assert gradient(loss, scores.levels).abs().sum() == 0


@pytest.mark.parametrize("seed", SEEDS)
def test_the_levels_make_one_distribution_from_the_top_down(seed):
    torch.manual_seed(seed)
    tree = random_forest(seed, largest=25)
    model, scores = PerLevel(tree, NoTrunk()), random_levels(tree, 3)
    classes = level_classes(tree)
    slow = torch.zeros(3, len(tree), dtype=torch.float64)
    for node in range(1, len(tree)):
        depth, parent = int(tree.depths[node]), int(tree.parents[node])
        places = [int(np.flatnonzero(classes[depth - 1] == child)[0]) for child in tree.children(parent)]
        shares = torch.softmax(scores.levels[depth - 1][:, places], 1)
        slow[:, node] = slow[:, parent] + torch.log(shares[:, list(tree.children(parent)).index(node)])
    fast = model.log_probs(scores)
    assert torch.allclose(fast, slow, atol=1e-8)
    assert torch.isfinite(gradient(fast.sum(), scores.levels)).all()
    assert model.evidence(scores)[:, 0].abs().sum() == 0
    leaf = torch.as_tensor(tree.leaves)[scores.levels[-1].argmax(1)]
    assert torch.as_tensor(tree.leaves)[model.answer_log_probs(scores)[:, tree.leaves].argmax(1)].equal(leaf)


def test_per_level_answers_each_level_for_itself(tiny_tree):
    model, classes = PerLevel(tiny_tree, NoTrunk()), level_classes(tiny_tree)
    wanted = ["ship", "albatross", "gull-like"]
    levels = []
    for nodes, key in zip(classes, wanted, strict=True):
        levels.append(torch.as_tensor(nodes == tiny_tree.index(key)).double()[None])
    answers = model.answers(LevelScores(torch.zeros(1, 1), tuple(levels)))
    assert [tiny_tree.keys[node] for node in answers[0]] == wanted
    levels[-1] = torch.as_tensor(classes[-1] == tiny_tree.index("owl")).double()[None]  # a leaf above the last level
    answers = model.answers(LevelScores(torch.zeros(1, 1), tuple(levels)))
    assert answers.tolist() == [[tiny_tree.index("ship"), tiny_tree.index("owl"), -1]]


# --- soft_margin ------------------------------------------------------------------------------------------------------


def slow_margin_loss(tree: Taxonomy, states: Tensor, targets: Targets, margin: float) -> Tensor:
    losses = []
    for row, node, kind in zip(states, targets.nodes.tolist(), targets.kinds.tolist(), strict=True):
        below, above = tree.is_ancestor[node], tree.is_ancestor[:, node]  # both hold the node itself
        fits, contradicts = {
            IS: (below, ~below & ~above),
            NONE_HERE: (np.arange(len(tree)) == node, ~above),
            IS_NOT: (~below, below),
        }[kind]
        kept_away = row + margin * torch.as_tensor(contradicts).to(row.dtype)
        losses.append(torch.logsumexp(kept_away, 0) - torch.logsumexp(row[torch.as_tensor(fits)], 0))
    return (torch.stack(losses) * targets.weights).sum() / targets.weights.sum()


@pytest.mark.parametrize("seed", SEEDS)
def test_soft_margin_is_its_formula_for_every_kind_of_label(seed):
    torch.manual_seed(seed)
    tree = random_forest(seed)
    states = (torch.randn(9, len(tree), dtype=torch.float64) * 3).requires_grad_()
    rooted = states * (torch.arange(len(tree)) > 0)
    targets = random_targets(tree, 9)
    loss = SoftMargin(tree, NoTrunk(), margin=5.0).loss(StateScores(torch.zeros(9, 1), rooted), targets)
    slow = slow_margin_loss(tree, rooted, targets, 5.0)
    assert loss.item() == pytest.approx(slow.item(), abs=TOLERANCE)
    assert torch.allclose(gradient(loss, (states,)), gradient(slow, (states,)), atol=TOLERANCE)


def test_soft_margin_is_as_published_at_a_leaf(tiny_tree):
    torch.manual_seed(0)
    states = torch.randn(1, len(tiny_tree), dtype=torch.float64)
    states[:, 0] = 0
    owl = tiny_tree.index("owl")
    model = SoftMargin(tiny_tree, NoTrunk(), margin=5.0)
    ancestors = [0, *tiny_tree.path(owl)]
    costs = torch.tensor([0.0 if node in ancestors else 5.0 for node in range(len(tiny_tree))]).double()
    published = -states[0, owl] + torch.logsumexp(states[0] + costs, 0)
    scores = StateScores(torch.zeros(1, 1), states)
    assert model.loss(scores, torch.tensor([owl])).item() == pytest.approx(published.item(), abs=TOLERANCE)
    inner = Targets(torch.tensor([tiny_tree.index("bird")]), torch.tensor([NONE_HERE]), torch.ones(1))
    assert model.loss(scores, inner).item() > 0


@pytest.mark.parametrize("seed", SEEDS)
def test_soft_margins_nodes_have_the_states_below_them(seed):
    torch.manual_seed(seed)
    tree = random_forest(seed)
    states = torch.randn(3, len(tree), dtype=torch.float64) * 4
    states[:, 0] = 0
    below = torch.as_tensor(tree.is_ancestor).double()
    model, scores = SoftMargin(tree, NoTrunk(), margin=5.0), StateScores(torch.zeros(3, 1), states)
    slow = torch.log(torch.softmax(states, 1) @ below.T)
    assert torch.allclose(model.log_probs(scores), slow, atol=1e-8)
    assert torch.allclose(model.evidence(scores), torch.log(torch.exp(states) @ below.T), atol=1e-8)


def test_the_margin_is_an_option(tiny_tree):
    config = RunConfig(model="soft_margin", backbone="resnet_mini", image_size=16, options={"margin": 0.0})
    assert build_model("soft_margin", tiny_tree, config).margin == 0
    assert build_model("soft_margin", tiny_tree, RunConfig(model="soft_margin", backbone="resnet_mini")).margin == 5


# --- hrn and hrn_logits -----------------------------------------------------------------------------------------------


def cub_like() -> Taxonomy:
    """13 orders, 38 families, 200 species, spread evenly."""
    edges = [(f"o{i}", "root") for i in range(13)]
    edges += [(f"f{i}", f"o{i % 13}") for i in range(38)] + [(f"s{i}", f"f{i % 38}") for i in range(200)]
    return Taxonomy.from_edges(edges)


def highest_leaf_probability(tree: Taxonomy) -> float:
    """Of HRN's tree marginals, over all sigmoids: 1 on the path to the leaf and 0 elsewhere is the best for it.

    d log P(leaf) / d f_v is 1 - P(v) >= 0 on the path and -P(v) <= 0 elsewhere, so the maximum lies in that corner.
    """
    sigmoids = torch.as_tensor(tree.is_ancestor[:, tree.leaves].T).double()
    return (
        log_marginals(sigmoids, tree).exp()[torch.arange(len(tree.leaves)), torch.as_tensor(tree.leaves)].max().item()
    )


def test_hrns_probabilities_are_capped_as_the_page_on_models_says(request):
    tree = cub_like()
    cap = highest_leaf_probability(tree)
    words = (request.config.rootpath / "docs/models.md").read_text()
    assert f"no leaf can pass {cap:.3f}" in " ".join(words.split())
    torch.manual_seed(0)
    sigmoids = (torch.rand(200, len(tree)).double() * 4).clamp(max=1).round()  # many at the ends
    assert log_marginals(sigmoids, tree).exp()[:, tree.leaves].max() <= cap + 1e-12


def test_hrn_logits_is_hrn_with_raw_logits_in_the_tree_loss_and_can_be_sure(tiny_tree):
    config = RunConfig(backbone="resnet_mini", image_size=16)
    models = {}
    for name in ("hrn", "hrn_logits"):
        torch.manual_seed(0)
        models[name] = build_model(name, tiny_tree, RunConfig.from_dict({**config.to_dict(), "model": name})).eval()
    images = torch.randn(2, 3, 16, 16)
    squashed, raw = (models[name](images) for name in models)
    assert torch.equal(squashed.nodes, torch.sigmoid(raw.nodes)) and torch.equal(squashed.leaves, raw.leaves)
    owl = tiny_tree.index("owl")
    sure = torch.where(torch.as_tensor(tiny_tree.is_ancestor[:, owl]), 20.0, -20.0)[None]
    scores = SigmoidScores(torch.zeros(1, 1), sure, sure, raw.leaves[:1])
    assert models["hrn_logits"].log_probs(scores)[0, owl].exp() > 0.999
    assert models["hrn"].answers(squashed).equal(models["hrn_logits"].answers(raw))


def test_the_probabilities_of_hrns_answers_are_those_of_its_softmax(tiny_tree):
    torch.manual_seed(0)
    model = HRN(tiny_tree, NoTrunk(8))
    logits = torch.randn(3, len(tiny_tree))
    scores = SigmoidScores(torch.zeros(3, 1), torch.sigmoid(logits), logits, torch.randn(3, 4) * 3)
    probs = model.answer_log_probs(scores).exp()
    assert torch.allclose(probs[:, tiny_tree.leaves], torch.softmax(scores.leaves, 1), atol=1e-6)
    below = torch.as_tensor(tiny_tree.is_ancestor[:, tiny_tree.leaves]).float()
    assert torch.allclose(probs, torch.softmax(scores.leaves, 1) @ below.T, atol=1e-6)
    assert math.isclose(probs[0, 0].item(), 1, abs_tol=1e-6)
    deepest = [[node for node in row if node >= 0][-1] for row in model.answers(scores).tolist()]
    assert tiny_tree.leaves[probs[:, tiny_tree.leaves].argmax(1)].tolist() == deepest
