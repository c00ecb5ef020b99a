"""coarse_fine: the published network at depth two, any depth and any shape beyond."""

import pytest
import safetensors.torch
import torch
from torch import nn

from hmgc_core.errors import BadConfig
from hmgc_core.models import coarse_fine
from hmgc_core.models.catalog import build_backbone, build_model
from hmgc_core.models.coarse_fine import CoarseFine, fitted
from hmgc_core.models.levels import level_classes
from hmgc_core.records import RunConfig
from hmgc_core.taxonomy import Taxonomy


def two_levels(coarse: int, fine: int) -> Taxonomy:
    return Taxonomy.from_edges([(f"f{i}", f"c{i % coarse}") for i in range(fine)])


def config(**options: bool) -> RunConfig:
    return RunConfig(model="coarse_fine", backbone="resnet_mini", image_size=32, label_smoothing=0.0, options=options)


def built(tree: Taxonomy, **options: bool) -> CoarseFine:
    torch.manual_seed(0)
    return build_model("coarse_fine", tree, config(**options)).eval()


def parameters(model: nn.Module) -> int:
    return sum(parameter.numel() for parameter in model.parameters())


@pytest.mark.parametrize(
    ("options", "millions"), [({}, 98.22), ({"share_trunk": True}, 73.35), ({"fine_only": True}, 67.04)]
)
def test_it_has_the_published_number_of_parameters(options, millions):
    published = RunConfig(model="coarse_fine", backbone="wide_resnet50_2", image_size=224, options=options)
    with torch.device("meta"):
        model = build_model("coarse_fine", two_levels(20, 100), published)
    assert round(parameters(model) / 1e6, 2) == millions
    if not options:
        assert parameters(model.coarse_trunks[0]) == 24_862_528
        assert parameters(model.trunk) == 66_834_240
        assert parameters(model.fusions) == 6_293_504
        assert [parameters(head) for head in model.heads] == [20_500, 204_900]


def test_at_depth_two_it_computes_what_was_published():
    tree = two_levels(3, 7)
    model, images = built(tree), torch.randn(2, 3, 32, 32)
    with torch.no_grad():
        scores = model(images)
        coarse, fine = model.coarse_trunks[0](images), model.trunk(images)
        assert coarse.shape[2:] == (8, 8) and fine.shape[2:] == (4, 4)
        pooled = nn.functional.max_pool2d(coarse, 3, stride=2, padding=1)
        joined = nn.functional.conv2d(torch.cat([fine, pooled], 1), model.fusions[0].weight, model.fusions[0].bias)
        by_hand = model.heads[0](coarse.mean((2, 3))), model.heads[1](joined.mean((2, 3)))
    for level, slow in zip(scores.levels, by_hand, strict=True):
        assert torch.allclose(level, slow, atol=1e-5)
    assert torch.allclose(scores.embedding, joined.mean((2, 3)), atol=1e-5)

    target = torch.tensor([tree.index("f2"), tree.index("c1")])
    cross_entropy = nn.functional.cross_entropy
    classes = [nodes.tolist() for nodes in level_classes(tree)]
    coarse_places = torch.tensor([classes[0].index(tree.index(key)) for key in ("c2", "c1")])
    fine_place = torch.tensor([classes[1].index(tree.index("f2"))])
    slow = cross_entropy(by_hand[0], coarse_places) + 2 * cross_entropy(by_hand[1][:1], fine_place)
    assert model.loss(scores, target).item() == pytest.approx(slow.item(), rel=1e-5)


def test_a_fine_label_never_reaches_a_coarser_branch():
    tree = Taxonomy.from_edges([("b", "a"), ("c", "b"), ("d", "b"), ("e", "a"), ("f", "e"), ("g", "h"), ("i", "g")])
    model = built(tree)
    model.weights = (0.0, 0.0, 2.0)
    model.loss(model(torch.randn(2, 3, 32, 32)), torch.tensor([tree.index("c"), tree.index("d")])).backward()
    learned = {
        name.split(".")[0] + "." + name.split(".")[1]
        for name, p in model.named_parameters()
        if p.grad is not None and p.grad.abs().sum() > 0
    }
    assert not any(name.startswith(("coarse_trunks", "heads.0", "heads.1", "fusions.0")) for name in learned)
    assert {"fusions.1", "heads.2", "trunk.stem"} <= learned


def test_heads_start_as_published():
    heads = built(two_levels(20, 100)).heads
    assert all((head.bias == 0).all() for head in heads)
    assert heads[1].weight.std().item() == pytest.approx((2 / 96) ** 0.5, rel=0.05)  # kaiming, of 96 channels


@pytest.mark.parametrize("options", [{}, {"share_trunk": True}, {"fine_only": True}])
def test_it_learns_on_a_ragged_tree_whatever_is_chosen(options, tiny_tree):
    model = built(tiny_tree, **options).train()
    scores = model(torch.randn(len(tiny_tree), 3, 32, 32))
    model.loss(scores, torch.arange(len(tiny_tree))).backward()
    assert all(torch.isfinite(p.grad).all() for p in model.parameters() if p.grad is not None)
    assert model.answers(scores).shape == (len(tiny_tree), 3)
    assert model.target_layer in list(model.modules())


def test_a_shared_trunk_is_seen_from_its_last_stage_but_one():
    tree = two_levels(3, 7)
    model, images = built(tree, share_trunk=True), torch.randn(2, 3, 32, 32)
    with torch.no_grad():
        stages = model.trunk.stages(images)
        coarse = model.heads[0](stages[-2].mean((2, 3)))
    assert torch.allclose(model(images).levels[0], coarse, atol=1e-5)
    assert len(model.coarse_trunks) == 0 and parameters(model) < parameters(built(tree))


def test_given_weights_fill_every_trunk(tmp_path, tiny_tree):
    torch.manual_seed(7)
    given = build_backbone(RunConfig(backbone="resnet_mini")).state_dict()
    path = tmp_path / "weights.safetensors"
    safetensors.torch.save_file(given, path)
    model = build_model("coarse_fine", tiny_tree, RunConfig.from_dict({**config().to_dict(), "weights": str(path)}))
    for trunk in (*model.coarse_trunks, model.trunk):
        assert all(torch.equal(value, given[name]) for name, value in trunk.state_dict().items())
    assert all(parameter.requires_grad for parameter in model.parameters())


@pytest.mark.parametrize(("side", "wanted"), [(8, 8), (8, 4), (7, 4), (7, 3), (9, 2), (1, 1)])
def test_the_coarse_map_comes_at_the_size_of_the_next(side, wanted):
    assert fitted(torch.randn(1, 2, side, side), torch.zeros(1, 5, wanted, wanted)).shape == (1, 2, wanted, wanted)


def test_a_trunk_without_a_stage_for_the_coarse_levels_is_refused(tiny_tree):
    only_one = build_backbone(RunConfig(backbone="resnet_mini"))
    only_one.cut(1)
    for share_trunk in (False, True):
        with pytest.raises(BadConfig, match="2 stages, and this one has 1") as caught:
            coarse_fine.build(tiny_tree, only_one, config(share_trunk=share_trunk))
        assert "resnet18" in caught.value.remedy
    assert coarse_fine.build(tiny_tree, only_one, config(fine_only=True))
    assert coarse_fine.build(Taxonomy.from_edges([("a", ""), ("b", "")]), only_one, config())


def test_one_level_needs_one_trunk():
    model = built(Taxonomy.from_edges([("a", ""), ("b", ""), ("c", "")]))
    assert len(model.coarse_trunks) == len(model.fusions) == 0
    assert model(torch.randn(2, 3, 32, 32)).levels[0].shape == (2, 3)
