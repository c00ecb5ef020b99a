"""What every model promises, on trees of every shape; and each model's own rules."""

import math

import numpy as np
import pytest
import safetensors.torch
import torch
from conftest import backbone_for
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode

from hmgc_core import losses
from hmgc_core.errors import WeightsError
from hmgc_core.metrics import deepest_answers
from hmgc_core.models.backbones.weights import load_backbone_weights
from hmgc_core.models.catalog import MODELS, READY_MADE, build_backbone, build_model
from hmgc_core.models.leaf_softmax import LeafScores
from hmgc_core.models.tree_sigmoids import SigmoidScores
from hmgc_core.records import IS, IS_NOT, NONE_HERE, RunConfig, Targets
from hmgc_core.taxonomy import Taxonomy

TREES = {
    "ragged": [("a", ""), ("b", ""), ("a1", "a"), ("a2", "a"), ("a11", "a1"), ("a12", "a1"), ("b1", "b")],
    "one level": [("a", ""), ("b", ""), ("c", "")],
    "one class": [("life", ""), ("cat", "life")],
    "chains": [("a", ""), ("b", "a"), ("c", "b"), ("d", "c"), ("e", ""), ("f", "e")],
    "one-node level": [("life", ""), ("animal", "life"), ("cat", "animal"), ("dog", "animal")],
}


@pytest.fixture(params=TREES)
def any_tree(request) -> Taxonomy:
    return Taxonomy.from_edges(TREES[request.param])


def small(model: str, tree: Taxonomy, **settings) -> nn.Module:
    torch.manual_seed(0)
    return build_model(model, tree, RunConfig(model=model, backbone=backbone_for(model), image_size=16, **settings))


LEARNING = [model for model in MODELS if model not in READY_MADE]


@pytest.mark.parametrize("model", LEARNING)
def test_every_model_learns_from_every_node_of_every_tree(model, any_tree):
    built = small(model, any_tree)
    images, targets = torch.randn(len(any_tree), 3, 16, 16), torch.arange(len(any_tree))

    loss = built.loss(built(images), targets)
    loss.backward()

    assert math.isfinite(loss.item()) and loss.ndim == 0
    gradients = [p.grad for p in built.parameters() if p.grad is not None]
    assert gradients and all(torch.isfinite(g).all() for g in gradients)


@pytest.mark.parametrize("model", LEARNING)
def test_every_model_trains_in_half_precision(model, tiny_tree):
    built = small(model, tiny_tree)
    nodes = torch.arange(len(tiny_tree))
    targets = Targets(nodes, torch.tensor([IS, IS_NOT, NONE_HERE]).repeat(3), torch.ones(len(nodes)))
    images = torch.randn(len(nodes), 3, 16, 16)
    targets.kinds[0] = IS  # to rule out the root would rule out everything

    with torch.no_grad():
        whole = built.loss(built(images), targets)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        loss = built.loss(built(images), targets)
    loss.backward()

    assert loss.item() == pytest.approx(whole.item(), rel=0.1)
    gradients = [p.grad for p in built.parameters() if p.grad is not None]
    assert gradients and all(torch.isfinite(g).all() for g in gradients)


@pytest.mark.parametrize("model", MODELS)
def test_log_probs_are_marginals_and_answers_one_node_per_level(model, any_tree):
    built = small(model, any_tree).eval()
    with torch.no_grad():
        scores = built(torch.randn(4, 3, 16, 16))
        log_probs, answers, evidence = built.log_probs(scores), built.answers(scores), built.evidence(scores)
        answer_log_probs = built.answer_log_probs(scores)

    assert log_probs.shape == evidence.shape == answer_log_probs.shape == (4, len(any_tree))
    for given in (log_probs, answer_log_probs):
        assert given[:, 0] == pytest.approx(torch.zeros(4), abs=1e-5)
        probs = given.exp()
        for node in range(len(any_tree)):
            assert (probs[:, any_tree.children(node)].sum(1) <= probs[:, node] + 1e-5).all()
    assert (log_probs[:, 0] == 0).all()
    assert answers.shape == (4, any_tree.depth)
    for row in answers.tolist():
        for level, node in enumerate(row, start=1):
            assert node == -1 or any_tree.depths[node] == level
        deepest = [node for node in row if node >= 0][-1]
        assert any_tree.is_leaf[deepest] and row == [n for n in row if n >= 0] + [-1] * row.count(-1)


@pytest.mark.parametrize("model", MODELS)
def test_what_is_shown_beside_an_answer_is_surest_of_the_leaf_that_is_answered(model, any_tree):
    built = small(model, any_tree).eval()
    with torch.no_grad():
        scores = built(torch.randn(12, 3, 16, 16))
        shown, answers = built.answer_log_probs(scores), built.answers(scores)

    leaves = torch.as_tensor(any_tree.leaves)
    deepest = torch.as_tensor(deepest_answers(answers.numpy()))
    assert leaves[shown[:, leaves].argmax(1)].tolist() == deepest.tolist()
    probs = shown.exp()
    for node in np.flatnonzero(~any_tree.is_leaf):
        assert (probs[:, any_tree.children(node)].sum(1) <= probs[:, node] + 1e-5).all()


class NeverWaiting(TorchDispatchMode):
    """Refuses what makes a processor wait for a GPU: to ask for a number, or for a tensor as long as a number says."""

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        name = function.overloadpacket.__name__
        asks = name in {"_local_scalar_dense", "nonzero", "masked_select", "unique", "_unique2"}
        masks = name in {"index", "index_put", "index_put_"} and any(
            index is not None and index.dtype == torch.bool for index in args[1]
        )
        assert not asks and not masks, name
        return function(*args, **kwargs or {})


@pytest.mark.parametrize("model", LEARNING)
def test_a_step_of_training_waits_for_no_number(model, tiny_tree, monkeypatch):
    monkeypatch.setattr(losses, "_at_hand", lambda _values: False)  # as on a GPU
    built = small(model, tiny_tree)
    nodes = torch.arange(1, len(tiny_tree))
    targets = Targets(nodes, torch.tensor([IS, IS_NOT, NONE_HERE, IS] * 2), torch.ones(len(nodes)))
    images = torch.randn(len(nodes), 3, 16, 16)
    built.loss(built(images), targets)  # tables that are made once may be counted
    with NeverWaiting():
        built.loss(built(images), targets).backward()


@pytest.mark.parametrize("model", MODELS)
def test_a_model_moves_to_a_device_with_all_it_needs(model, any_tree):
    # The meta device refuses to work with a tensor that stayed behind, as a GPU would.
    built = small(model, any_tree).eval().to("meta")
    scores = built(torch.zeros(2, 3, 16, 16, device="meta"))
    for given in (built.log_probs(scores), built.answers(scores), built.evidence(scores)):
        assert given.device.type == "meta" and len(given) == 2


@pytest.mark.parametrize("model", LEARNING)
def test_weights_weigh_the_mean_and_kinds_change_the_loss(model, tiny_tree):
    built = small(model, tiny_tree).eval()
    scores = built(torch.randn(2, 3, 16, 16))
    nodes = torch.tensor([tiny_tree.index("owl"), tiny_tree.index("ship")])

    def loss(kinds: list[int], weights: list[float]) -> float:
        return built.loss(scores, Targets(nodes, torch.tensor(kinds), torch.tensor(weights))).item()

    assert loss([IS, IS], [1, 1]) == pytest.approx(built.loss(scores, nodes).item())
    assert loss([IS, IS], [2, 2]) == pytest.approx(loss([IS, IS], [1, 1]))
    assert loss([IS, IS], [1, 1e-9]) != pytest.approx(loss([IS, IS], [1e-9, 1]))
    assert loss([IS_NOT, IS_NOT], [1, 1]) != pytest.approx(loss([IS, IS], [1, 1]))
    assert math.isfinite(loss([NONE_HERE, IS_NOT], [1, 1]))


# --- flat -------------------------------------------------------------------------------------------------------------


def flat_scores(tree: Taxonomy, **leaf_logits: float) -> LeafScores:
    values = torch.zeros(1, len(tree.leaves))
    for key, logit in leaf_logits.items():
        values[0, np.flatnonzero(tree.leaves == tree.index(key))[0]] = logit
    return LeafScores(torch.zeros(1, 1), values)


def test_flat_learns_a_coarse_label_as_the_sum_of_its_leaves(tiny_tree):
    built = small("flat", tiny_tree, label_smoothing=0.0)
    scores = flat_scores(tiny_tree, owl=math.log(3))  # of 4 leaves: owl 3/6, the others 1/6 each
    assert built.loss(scores, torch.tensor([tiny_tree.index("bird")])).item() == pytest.approx(-math.log(5 / 6))


def test_flat_smooths_labels_that_name_one_leaf_and_no_others(tiny_tree):
    plain, smooth = small("flat", tiny_tree, label_smoothing=0.0), small("flat", tiny_tree, label_smoothing=0.2)
    scores = flat_scores(tiny_tree, owl=2.0, tug=1.0)
    for key, differs in (("owl", True), ("ship", True), ("bird", False)):  # ship has one leaf below it, the tug
        target = torch.tensor([tiny_tree.index(key)])
        assert (plain.loss(scores, target) != smooth.loss(scores, target)).item() is differs
    expected = nn.functional.cross_entropy(scores.leaves, torch.tensor([2]), label_smoothing=0.2)
    assert tiny_tree.keys[tiny_tree.leaves[2]] == "owl"
    assert smooth.loss(scores, torch.tensor([tiny_tree.index("owl")])).item() == pytest.approx(expected.item())


def test_flat_answers_the_path_of_its_best_leaf(tiny_tree):
    answer = small("flat", tiny_tree).answers(flat_scores(tiny_tree, owl=2.0))
    assert answer.tolist() == [[tiny_tree.index("bird"), tiny_tree.index("owl"), -1]]


# --- hrn --------------------------------------------------------------------------------------------------------------


def test_hrn_has_the_published_number_of_parameters_on_a_tree_like_cub():
    # 13 orders, 38 families, 200 species; on the meta device nothing is allocated.
    edges = [(f"o{i}", "root") for i in range(13)]
    edges += [(f"f{i}", f"o{i % 13}") for i in range(38)] + [(f"s{i}", f"f{i % 38}") for i in range(200)]
    tree = Taxonomy.from_edges(edges)
    with torch.device("meta"):
        built = build_model("hrn", tree, RunConfig(model="hrn", backbone="resnet50", image_size=448))
    assert round(sum(p.numel() for p in built.parameters()) / 1e6, 2) == 94.56


def hrn_scores(tree: Taxonomy, nodes: dict[str, float], leaves: dict[str, float]) -> SigmoidScores:
    logits = torch.zeros(1, len(tree))
    for key, value in nodes.items():
        logits[0, tree.index(key)] = value
    return SigmoidScores(torch.zeros(1, 1), torch.sigmoid(logits), logits, flat_scores(tree, **leaves).leaves)


def test_hrn_answers_leaves_from_the_softmax_and_levels_from_the_sigmoids(tiny_tree):
    built = small("hrn", tiny_tree)
    scores = hrn_scores(tiny_tree, {"ship": 3.0, "albatross": 2.0, "tug": 9.0}, {"gull-like": 1.0})
    assert [tiny_tree.keys[n] for n in built.answers(scores)[0]] == ["ship", "albatross", "gull-like"]


def test_hrn_stops_at_the_depth_of_its_leaf(tiny_tree):
    built = small("hrn", tiny_tree)
    scores = hrn_scores(tiny_tree, {"ship": 3.0}, {"owl": 1.0})
    assert built.answers(scores).tolist() == [[tiny_tree.index("ship"), tiny_tree.index("owl"), -1]]


def test_hrn_teaches_its_leaf_head_with_every_label_that_names_one_leaf(tiny_tree):
    built = small("hrn", tiny_tree)
    for key, kind, teaches in (
        ("owl", IS, True),
        ("ship", IS, True),  # one leaf below
        ("ship", IS_NOT, False),
        ("bird", IS, False),
        ("life", IS, False),
    ):
        built.zero_grad()
        scores = built(torch.randn(2, 3, 16, 16))
        targets = Targets(torch.full((2,), tiny_tree.index(key)), torch.full((2,), kind), torch.ones(2))
        built.loss(scores, targets).backward()
        assert built.leaf_head.weight.grad.any().item() is teaches, key


def test_hrn_adds_the_cross_entropy_of_leaf_labelled_images_only(tiny_tree):
    built = small("hrn", tiny_tree, label_smoothing=0.0)
    scores = built(torch.randn(3, 3, 16, 16))
    owl, bird = tiny_tree.index("owl"), tiny_tree.index("bird")
    tree_part = built.loss(scores, torch.tensor([bird, bird, bird]))
    assert tree_part.item() == pytest.approx(-built.log_probs(scores)[:, bird].mean().item(), rel=1e-5)
    mixed = built.loss(scores, torch.tensor([owl, bird, bird]))
    tree_mixed = -built.log_probs(scores)[[0, 1, 2], [owl, bird, bird]].mean()
    entropy = nn.functional.cross_entropy(scores.leaves[:1], torch.tensor([2]))
    assert mixed.item() == pytest.approx((tree_mixed + entropy).item(), rel=1e-5)


# --- backbones --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("size", "side"), [(32, 2), (33, 3), (64, 4), (96, 6), (97, 4), (128, 4)])
def test_the_stem_follows_the_picture_size(size, side):
    trunk = build_backbone(RunConfig(backbone="resnet18", image_size=size)).eval()
    with torch.no_grad():
        assert trunk(torch.zeros(1, 3, size, size)).shape == (1, 512, side, side)


def test_resnet_mini_needs_about_ten_million_multiply_adds_at_32_px():
    trunk = build_backbone(RunConfig(backbone="resnet_mini", image_size=32)).eval()
    total = 0

    def count(layer: nn.Conv2d, _, output: torch.Tensor) -> None:
        nonlocal total
        total += output[0].numel() * layer.weight[0].numel()

    for layer in trunk.modules():
        if isinstance(layer, nn.Conv2d):
            layer.register_forward_hook(count)
    trunk(torch.zeros(1, 3, 32, 32))
    assert 8e6 < total < 12e6


@pytest.mark.parametrize("suffix", [".pt", ".safetensors"])
def test_weights_come_from_a_file_without_its_classifier(tmp_path, suffix):
    config = RunConfig(backbone="resnet_mini", image_size=16)
    given, trunk = build_backbone(config), build_backbone(config)
    tensors = {**given.state_dict(), "fc.weight": torch.zeros(10, 96), "fc.bias": torch.zeros(10)}
    path = tmp_path / f"weights{suffix}"
    torch.save(tensors, path) if suffix == ".pt" else safetensors.torch.save_file(tensors, path)

    load_backbone_weights(trunk, "resnet_mini", str(path))

    assert all(torch.equal(a, b) for a, b in zip(given.state_dict().values(), trunk.state_dict().values(), strict=True))


def test_weights_come_from_the_trunk_of_one_of_our_checkpoints(tmp_path, tiny_tree):
    trained = small("hrn", tiny_tree)
    path = tmp_path / "weights.safetensors"
    safetensors.torch.save_file(trained.state_dict(), path)
    fresh = build_model(
        "flat", tiny_tree, RunConfig(model="flat", backbone="resnet_mini", image_size=16, weights=str(path))
    )
    assert torch.equal(fresh.trunk.stem[0].weight, trained.trunk.stem[0].weight)


def test_weights_that_do_not_fit_are_named(tmp_path):
    tensors = build_backbone(RunConfig(backbone="resnet_mini")).state_dict()
    tensors["stem.0.weight"] = torch.zeros(8, 3, 7, 7)
    tensors["extra"] = tensors.pop("blocks.0.conv1.weight")
    torch.save(tensors, tmp_path / "other.pt")
    trunk = build_backbone(RunConfig(backbone="resnet_mini"))
    with pytest.raises(WeightsError, match=r"(?s)blocks\.0\.conv1\.weight is missing.*extra.*\(8, 3, 7, 7\)") as caught:
        load_backbone_weights(trunk, "resnet_mini", str(tmp_path / "other.pt"))
    assert caught.value.remedy


@pytest.mark.parametrize("content", [None, b"", b"not a file of weights", "list"])
def test_a_missing_or_broken_weights_file_is_said_plainly(tmp_path, content):
    path = tmp_path / "weights.pt"
    if content == "list":
        torch.save([1, 2], path)
    elif content is not None:
        path.write_bytes(content)
    trunk = build_backbone(RunConfig(backbone="resnet_mini"))
    with pytest.raises(WeightsError, match=r"weights\.pt") as caught:
        load_backbone_weights(trunk, "resnet_mini", str(path))
    assert caught.value.remedy


def test_imagenet_weights_that_cannot_be_fetched_are_said_plainly(monkeypatch):
    def offline(*_, **__):
        raise OSError("no network")

    monkeypatch.setattr(torch.hub, "download_url_to_file", offline)
    monkeypatch.setenv("TORCH_HOME", "/nonexistent-cache")
    trunk = build_backbone(RunConfig(backbone="resnet18", image_size=224))
    with pytest.raises(WeightsError, match="could not be fetched"):
        load_backbone_weights(trunk, "resnet18", "imagenet")
    with pytest.raises(WeightsError, match="no ImageNet weights"):
        load_backbone_weights(trunk, "resnet_mini", "imagenet")
