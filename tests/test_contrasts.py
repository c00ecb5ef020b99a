"""HGR-Net's loss against the loop as published, in float64 on random trees, and what it contrasts."""

import math

import numpy as np
import pytest
import torch
from test_clip_towers import towers
from torch import Tensor, nn

from hmgc_core.models import hgrnet
from hmgc_core.models.contrasts import Contrast, Contrasts, random_order
from hmgc_core.models.hgrnet import HgrNet
from hmgc_core.records import IS, IS_NOT, NONE_HERE, Targets
from hmgc_core.taxonomy import Taxonomy


def ragged_tree(seed: int, nodes: int = 24) -> Taxonomy:
    """Ragged, with chains and leaves at every level."""
    random = np.random.default_rng(seed)
    return Taxonomy.from_edges([(f"n{i}", f"n{random.integers(max(0, i - 6), i)}") for i in range(1, nodes)])


def model_of(tree: Taxonomy, **contrast) -> HgrNet:
    return HgrNet(tree, towers(), contrast=Contrast(**contrast)).double()


def published_loss(model: HgrNet, vector: Tensor, label: int, order: list[int], taught: set[int]) -> Tensor:
    """The loop as published, for one picture: one pass over the names for each contrast.

    order: who is met first. taught: who is met at all.
    """
    tree, towers, contrast = model.taxonomy, model.towers, model.tables.contrast
    up = tree.path(label)[::-1]
    outer = up[: max(1, math.ceil(contrast.out_ratio * len(up)))]
    total = torch.zeros((), dtype=torch.float64)
    for k, positive in enumerate(outer):
        way = tree.path(positive)[::-1]
        inner = way[: max(1, math.ceil(contrast.in_ratio * len(way)))]
        for m, anchor in enumerate(inner):
            depth = int(tree.depths[anchor])
            levels = {max(1, depth - 1)} if contrast.window == "above" else {depth - 1, depth, depth + 1} - {0}
            negatives = [node for node in order if node in taught and tree.depths[node] in levels]
            negatives = [n for n in negatives if not (tree.is_ancestor[n, positive] or tree.is_ancestor[positive, n])]
            met = negatives[: contrast.negatives]
            names = torch.stack([model.tokens[node] for node in [*met, positive]])
            texts = nn.functional.normalize(towers.embed_texts(names), dim=-1)
            logits = towers.clip.logit_scale.exp() * vector @ texts.t()
            entropy = nn.functional.cross_entropy(logits[None], torch.tensor([len(met)]))
            total = total + layer_weights(model, outer)[k] * layer_weights(model, inner)[m] * entropy
    return total


def layer_weights(model: HgrNet, nodes: list[int]) -> Tensor:
    if model.tables.contrast.weighting == "equal":
        return torch.full((len(nodes),), 1 / len(nodes), dtype=torch.float64)
    if model.tables.contrast.weighting == "increasing":
        ranks = torch.arange(1, len(nodes) + 1, dtype=torch.float64)
        return ranks / ranks.sum()
    return torch.stack([model.theta[model.taxonomy.depths[node]] for node in nodes]).softmax(0)


def slow_loss(model: HgrNet, images: Tensor, targets: Targets) -> Tensor:
    """Picture by picture."""
    tree, scores = model.taxonomy, model(images)
    order = random_order(len(tree), model.tables.contrast.seed, targets.nodes).tolist()
    taught = {
        n
        for node, kind in zip(targets.nodes.tolist(), targets.kinds.tolist(), strict=True)
        if kind != IS_NOT
        for n in tree.path(node)
    }
    losses = []
    for row, (node, kind) in enumerate(zip(targets.nodes.tolist(), targets.kinds.tolist(), strict=True)):
        if kind == IS_NOT:
            losses.append(-torch.log1p(-model.log_probs(scores)[row, node].exp()))
        else:
            vector = nn.functional.normalize(scores.embedding[row], dim=0)
            losses.append(published_loss(model, vector, node, order, taught))
    return (torch.stack(losses) * targets.weights).sum() / targets.weights.sum()


@pytest.mark.parametrize(("weighting", "most"), [("learned", 256), ("equal", 3), ("increasing", 256), ("learned", 4)])
@pytest.mark.parametrize(("window", "out_ratio", "in_ratio"), [("around", 0.25, 0.5), ("above", 0.6, 1.0)])
def test_one_pass_over_the_names_learns_what_the_published_loop_learns(
    window, out_ratio, in_ratio, most, weighting, monkeypatch
):
    if most == 4:
        monkeypatch.setattr(hgrnet, "ALL_NAMES", 0)  # as on a large tree
    tree = ragged_tree(seed=len(window) + most)
    model = model_of(tree, window=window, out_ratio=out_ratio, in_ratio=in_ratio, weighting=weighting, negatives=most)
    sure = [node for node in range(1, len(tree)) if tree.leaf_counts[node] < tree.leaf_counts[0]]
    nodes = torch.tensor(
        [*tree.leaves[:4], 1, 2, 0, int(tree.parents[tree.leaves[0]]), *sure[:2], int(tree.leaves[-1])]
    )
    kinds = torch.tensor([IS] * 6 + [NONE_HERE] * 2 + [IS_NOT] * 3)
    targets = Targets(nodes, kinds, torch.rand(len(nodes), dtype=torch.float64) + 0.1)
    images = torch.randn(len(nodes), 3, 16, 16, dtype=torch.float64)

    slow = slow_loss(model, images, targets)
    slow_gradients = gradients(model, slow)
    fast = model.loss(model(images), targets)
    fast_gradients = gradients(model, fast)

    assert fast.item() == pytest.approx(slow.item(), rel=1e-11)
    for name, gradient in slow_gradients.items():
        assert torch.allclose(fast_gradients[name], gradient, rtol=1e-8, atol=1e-12), name


def gradients(model: nn.Module, loss: Tensor) -> dict[str, Tensor]:
    model.zero_grad()
    loss.backward()
    return {name: p.grad.clone() for name, p in model.named_parameters() if p.grad is not None}


def contrasts_of(model: HgrNet, nodes: list[int]) -> Contrasts:
    everyone = torch.ones(len(model.taxonomy), dtype=torch.bool)
    return model.tables(torch.tensor(nodes), torch.ones(len(nodes), dtype=torch.bool), everyone, model.theta)


@pytest.mark.parametrize(
    ("length", "out_ratio", "in_ratio", "expected"),
    [(8, 0.25, 0.5, 8), (8, 1.0, 1.0, 36), (8, 0.0, 0.0, 1), (1, 1.0, 1.0, 1), (10, 0.3, 0.1, 3)],
)
def test_the_ratios_say_how_many_contrasts_there_are(length, out_ratio, in_ratio, expected):
    chain = Taxonomy.from_edges([(f"n{i + 1}", f"n{i}") for i in range(length)] + [("other", "n0")])
    model = model_of(chain, out_ratio=out_ratio, in_ratio=in_ratio)
    made = contrasts_of(model, [chain.index(f"n{length}")])
    assert made.is_there.sum() == expected
    assert made.weights.sum().item() == pytest.approx(1)


def test_layer_weights_start_as_one_over_the_size_of_the_level_and_learn(tiny_tree):
    model = model_of(tiny_tree, out_ratio=1.0, in_ratio=0.0)
    gull = tiny_tree.index("gull-like")
    sizes = torch.tensor([3.0, 3.0, 2.0], dtype=torch.float64)  # nodes at depth 3, 2, 1
    assert torch.allclose(contrasts_of(model, [gull]).weights.flatten(), (1 / sizes) / (1 / sizes).sum())
    model.taught.fill_(True)
    model.loss(model(torch.randn(1, 3, 16, 16, dtype=torch.float64)), torch.tensor([gull])).backward()
    assert model.theta.grad is not None and (model.theta.grad[1:] != 0).all()


def test_at_most_so_many_negatives_are_drawn_and_the_seed_says_which():
    wide = Taxonomy.from_edges([(f"n{i}", "root") for i in range(40)])
    drawn = [
        contrasts_of(model_of(wide, negatives=7, seed=seed), nodes).candidates[:, 0, 0]
        for seed, nodes in ((0, [3, 17]), (0, [3, 17]), (1, [3, 17]), (0, [17, 3]))
    ]
    assert drawn[0].sum(1).tolist() == [8, 8]
    assert drawn[0][[0, 1], [3, 17]].all() and not drawn[0][:, 0].any()
    assert torch.equal(drawn[0], drawn[1])
    assert not torch.equal(drawn[0], drawn[2]) and not torch.equal(drawn[0], drawn[3].flip(0))


def test_a_class_is_a_negative_from_its_first_label_on(tiny_tree):
    model = model_of(tiny_tree)
    scores = model(torch.randn(2, 3, 16, 16, dtype=torch.float64))
    bird, owl, tug = (tiny_tree.index(key) for key in ("bird", "owl", "tug"))

    def loss(*nodes: int, kind: int = IS) -> float:
        kinds = torch.full((len(nodes),), kind)
        one = type(scores)(scores.embedding[: len(nodes)])
        return model.loss(one, Targets(torch.tensor(nodes), kinds, torch.ones(len(nodes)))).item()

    assert loss(bird) == 0  # nobody is known to tell it apart from
    loss(tug, kind=IS_NOT)
    assert loss(bird) == 0
    loss(owl)
    assert loss(bird) == 0  # what is below it may well be it
    loss(tug)
    assert loss(bird) > 0
    taught = {tiny_tree.keys[node] for node in model.taught.nonzero()[:, 0] if node > 0}
    assert taught == {"bird", "owl", "ship", "steamer", "tug"}


def test_every_negative_has_the_same_chance():
    first = torch.stack([random_order(50, 0, torch.tensor([batch, 7]))[:10] for batch in range(500)])
    met = torch.bincount(first.flatten(), minlength=50)
    assert ((met - 100) ** 2 / 100).sum() < 95  # chi-squared with 49 degrees of freedom: 1 in 10,000


def test_no_step_asks_the_device_for_a_number(tiny_tree):
    # The meta device has none: whoever waits for one fails here, as a GPU would stand still.
    model = HgrNet(tiny_tree, towers(), contrast=Contrast(negatives=2)).to("meta")
    targets = Targets(
        *(torch.zeros(4, dtype=torch.int64, device="meta") for _ in range(2)), torch.ones(4, device="meta")
    )
    loss = model.loss(model(torch.zeros(4, 3, 16, 16, device="meta")), targets)
    loss.backward()
    assert loss.shape == () and model.theta.grad is not None


@pytest.mark.parametrize("seed", range(4))
def test_is_not_is_learned_as_the_probability_of_everything_else(seed):
    tree = ragged_tree(seed)
    model = model_of(tree)
    alone = {node for node in range(1, len(tree)) if tree.leaf_counts[node] == tree.leaf_counts[0]}
    nodes = torch.tensor([node for node in range(1, len(tree)) if node not in alone])
    scores = model(torch.randn(len(nodes), 3, 16, 16, dtype=torch.float64))
    probs = model.log_probs(scores).exp()[torch.arange(len(nodes)), nodes]
    for row, node in enumerate(nodes):
        one = type(scores)(scores.embedding[row : row + 1])
        target = Targets(node[None], torch.tensor([IS_NOT]), torch.ones(1, dtype=torch.float64))
        assert model.loss(one, target).item() == pytest.approx(-math.log1p(-probs[row].item()), rel=1e-8)


def test_a_sure_mistake_is_still_unlearned(tiny_tree):
    # In float32 the probability of the node is 1, but that of everything else is not 0.
    similarities = torch.zeros(1, len(tiny_tree))
    similarities[0, tiny_tree.index("bird")] = 40
    similarities.requires_grad_()
    bird = torch.tensor([[tiny_tree.index("bird"), 0, 0]])
    sisters = torch.as_tensor(tiny_tree.parents == 0).expand(1, 3, -1) & (bird > 0)[..., None]
    said = hgrnet._Said(similarities, torch.arange(len(tiny_tree)), len(tiny_tree))
    loss = said.complement(bird, sisters, bird > 0)
    loss.backward()
    assert loss.item() == pytest.approx(40)
    assert similarities.grad[0, tiny_tree.index("bird")] == pytest.approx(1)


def test_none_here_is_learned_as_is_and_the_root_teaches_nothing(tiny_tree):
    model = model_of(tiny_tree)
    model.taught.fill_(True)
    scores = model(torch.randn(2, 3, 16, 16, dtype=torch.float64))
    nodes = torch.full((2,), tiny_tree.index("bird"))
    one = torch.ones(2, dtype=torch.float64)
    here, stops = (model.loss(scores, Targets(nodes, torch.full((2,), kind), one)) for kind in (IS, NONE_HERE))
    assert here == stops > 0
    nothing = model.loss(scores, torch.zeros(2, dtype=torch.int64))
    nothing.backward()
    assert nothing == 0


def test_a_temperature_at_its_bound_can_fall_again(tiny_tree):
    model = model_of(tiny_tree)
    scores, scale = model(torch.randn(2, 3, 16, 16, dtype=torch.float64)), model.towers.clip.logit_scale
    said = []
    for start in (math.log(100), 5.0):  # exp(5) is beyond 100
        with torch.no_grad():
            scale.fill_(start)
        scale.grad = None
        loss = model.loss(scores, torch.tensor([2, 5]))
        loss.backward(retain_graph=True)
        said.append(loss.item())
        assert scale.grad is not None and scale.grad != 0
    assert said[0] == pytest.approx(said[1])
