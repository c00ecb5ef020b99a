"""Which patches a graph net connected, and which of them speak for a class: as slow, obvious code finds them."""

import json

import numpy as np
import pytest
import torch
from test_graph_nets import KINDS, tiny_trunk

from hmgc_core.errors import NoGraph
from hmgc_core.learning.graph_view import picture_graph
from hmgc_core.learning.transforms import normalise
from hmgc_core.models.backbones.graph_layers import Grapher
from hmgc_core.models.catalog import build_model
from hmgc_core.models.flat import Flat
from hmgc_core.models.hrn import HRN
from hmgc_core.patch_graph import NO_PATCH, PatchGraph
from hmgc_core.records import RunConfig

SIDE = 64


@pytest.fixture(params=[(kind, model) for kind in KINDS for model in (Flat, HRN)], ids=str)
def model(request, tiny_tree):
    torch.manual_seed(1)
    kind, make = request.param
    return make(tiny_tree, tiny_trunk(kind)).eval()


@pytest.fixture
def image() -> np.ndarray:
    """(3, 64, 64) uint8: noise on four fields of other colours, so that patches differ."""
    random = np.random.default_rng(2)
    fields = np.kron(random.integers(0, 200, (3, 2, 2)), np.ones((1, SIDE // 2, SIDE // 2)))
    return (fields + random.integers(0, 56, (3, SIDE, SIDE))).astype(np.uint8)


def seen_by_hand(model, image: np.ndarray, number: int, node: int) -> tuple[np.ndarray, np.ndarray, torch.Tensor]:
    """A pass of its own for one block and node: (h, w) heat before scaling, (cells, k) neighbours and cosines."""
    grapher = [module for module in model.modules() if isinstance(module, Grapher)][number - 1]
    kept: dict[str, torch.Tensor] = {}
    hooks = [
        grapher.graph.register_forward_hook(lambda _m, given, made: kept.update(cells=given[0], graph=made)),
        grapher.leave[0].register_forward_hook(lambda _m, _given, made: kept.update(activation=made)),
    ]
    score = model.evidence(model(normalise(torch.tensor(image[None]))))[0, node]
    (slope,) = torch.autograd.grad(score, kept["activation"])
    for hook in hooks:
        hook.remove()
    activation = kept["activation"][0].detach().numpy()
    heat = np.zeros(activation.shape[1:])
    for channel in range(len(activation)):
        heat += float(slope[0, channel].mean()) * activation[channel]
    candidates, neighbours = kept["graph"]
    cells, there = kept["cells"][0].flatten(1).T, candidates[0].flatten(1).T
    cosines = torch.nn.functional.cosine_similarity(cells[:, None], there[neighbours[0]], dim=2)
    return np.maximum(heat, 0), neighbours[0].numpy(), cosines.detach()


def test_every_block_is_as_a_pass_of_its_own_finds_it(model, image, tiny_tree) -> None:
    nodes = tiny_tree.path(tiny_tree.index("gull-like"))
    graph = picture_graph(model, image, nodes)
    assert graph.nodes == ("bird", "albatross", "gull-like") and len(graph.blocks) == 4
    evidence = 0
    for block in graph.blocks:
        for place, node in enumerate(nodes):
            heat, neighbours, cosines = seen_by_hand(model, image, block.number, node)
            assert np.array_equal(block.neighbours, neighbours)
            np.testing.assert_allclose(block.similarity, cosines, atol=1e-5)
            assert heat.shape == block.grid
            if heat.max() > 0:
                np.testing.assert_allclose(block.heat[place], heat / heat.max(), atol=1e-4)
                assert heat.flat[block.stars[place]] == pytest.approx(heat.max(), rel=1e-4)
                evidence += 1
    assert evidence >= 6, "most maps say something"


def test_the_patch_itself_is_no_neighbour_and_ranks_have_no_gap(model, image) -> None:
    for block in picture_graph(model, image, [1]).blocks:
        for patch in range(block.grid[0] * block.grid[1]):
            found = block.connected(patch)
            assert [one.rank for one in found] == list(range(1, len(found) + 1))
            if block.pooling == 1:
                assert patch not in [one.candidate for one in found]
                assert [one.candidate for one in found] == block.neighbours[patch, 1:].tolist()
                alike = [one.similarity for one in found]
                # In a pyramid the distance on the map counts too, so less alike may be nearer.
                if not model.trunk.rel_pos:
                    assert alike == sorted(alike, reverse=True)


def test_where_nothing_speaks_for_a_class_there_is_no_star(model, image) -> None:
    for grapher in (module for module in model.modules() if isinstance(module, Grapher)):
        grapher.leave[0].weight.data.zero_()
    graph = picture_graph(model, image, [1, 2])
    for block in graph.blocks:
        assert not block.heat.any() and block.stars == (NO_PATCH, NO_PATCH)
        assert block.connected(0), "the graph is there all the same"


def test_hooks_gradients_and_mode_are_left_as_they_were_and_a_frozen_net_is_fine(model, image) -> None:
    before = picture_graph(model, image, [1, 3])
    for weights in model.parameters():
        weights.requires_grad_(False)
    model.train()
    model.trunk.eval()
    modes = [module.training for module in model.modules()]
    after = picture_graph(model, image, [1, 3])
    assert [module.training for module in model.modules()] == modes
    assert not any(module._forward_hooks or module._backward_hooks for module in model.modules())
    assert all(weights.grad is None for weights in model.parameters())
    for one, other in zip(before.blocks, after.blocks, strict=True):
        np.testing.assert_allclose(one.heat, other.heat, atol=1e-6)


def test_one_forward_pass_serves_all_classes_and_blocks(model, image) -> None:
    calls = []
    hook = model.trunk.stem.register_forward_hook(lambda *_: calls.append(1))
    with torch.inference_mode(False), torch.no_grad():
        picture_graph(model, image, [1, 2, 3])
    hook.remove()
    assert calls == [1]


def test_of_a_pyramid_the_last_block_of_each_stage_is_shown_else_three_at_equal_steps(tiny_tree, image) -> None:
    for backbone, shown in (
        ("vig_ti", (4, 8, 12)),
        ("graphconvnet_s", (5, 11, 16)),
        ("pyramid_vig_ti", (2, 4, 10, 12)),
    ):
        model = build_model("flat", tiny_tree, RunConfig(model="flat", backbone=backbone, image_size=SIDE))
        assert picture_graph(model, image, []).shown == shown


def test_a_backbone_without_a_graph_is_told_with_what_to_do(tiny_tree, image) -> None:
    model = build_model("flat", tiny_tree, RunConfig(model="flat", backbone="resnet_mini", image_size=SIDE))
    with pytest.raises(NoGraph) as caught:
        picture_graph(model, image, [1])
    assert "graphconvnet" in caught.value.remedy


def test_the_graph_travels_as_json(model, image) -> None:
    graph = picture_graph(model, image, [1, 2])
    back = PatchGraph.from_json(json.loads(json.dumps(graph.to_json())))
    assert (back.nodes, back.shown) == (graph.nodes, graph.shown)
    for one, other in zip(graph.blocks, back.blocks, strict=True):
        assert np.array_equal(one.neighbours, other.neighbours)
        assert (one.grid, one.candidate_grid, one.pooling, one.stars, one.number) == (
            other.grid,
            other.candidate_grid,
            other.pooling,
            other.stars,
            other.number,
        )
        np.testing.assert_allclose(one.similarity, other.similarity, atol=0.0051)
        np.testing.assert_allclose(one.heat, other.heat, atol=0.002)
    with pytest.raises(NoGraph):
        PatchGraph.from_json({"format": 0})
    with pytest.raises(NoGraph, match="no block 5"):
        back.block(5)


def test_candidates_cover_the_picture_without_a_gap(tiny_tree) -> None:
    random = np.random.default_rng(0)
    model = Flat(tiny_tree, tiny_trunk("pyramid", size=96)).eval()
    odd = random.integers(0, 256, (3, 72, 72), dtype=np.uint8)
    for block in picture_graph(model, odd, [1]).blocks:
        covered = np.zeros(block.grid)
        height, width = block.grid
        for candidate in range(block.candidate_grid[0] * block.candidate_grid[1]):
            left, top, wide, tall = block.candidate_place(candidate)
            rows = slice(round(top * height), round((top + tall) * height))
            covered[rows, round(left * width) : round((left + wide) * width)] += 1
        assert (covered == 1).all()
