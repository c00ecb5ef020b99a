"""GraphConvNet and ViG: the published sizes, steps against slow loops, every picture size, the graph seen."""

import numpy as np
import pytest
import torch
from torch import nn

from hmgc_core.errors import BadConfig
from hmgc_core.models.backbones import cell_graph
from hmgc_core.models.backbones.cell_graph import CellGraph, max_relative, pooled, position_distances
from hmgc_core.models.backbones.graph_layers import GraphConvBlock, Grapher, vig_block
from hmgc_core.models.backbones.graph_nets import GraphTrunk, Plan, isotropic, pyramid
from hmgc_core.models.backbones.weights import load_backbone_weights
from hmgc_core.models.catalog import build_model
from hmgc_core.models.flat import Flat
from hmgc_core.records import RunConfig
from hmgc_core.taxonomy import Taxonomy

PUBLISHED = {
    "graphconvnet_ti": 7_666_280,
    "graphconvnet_s": 24_514_152,
    "pyramid_graphconvnet_ti": 11_431_880,
    "pyramid_graphconvnet_s": 29_231_112,
    "vig_ti": 7_185_000,
    "vig_s": 22_748_000,
    "pyramid_vig_ti": 10_714_000,
    "pyramid_vig_s": 27_252_000,
}


def tiny_plan(kind: str, *, has_convolutions: bool = True) -> Plan:
    """One block a stage, a few channels."""
    is_pyramid = kind == "pyramid"
    return Plan(
        channels=(8, 8, 12, 16) if is_pyramid else (8,) * 4,
        blocks=(1, 1, 1, 1),
        pooling=(4, 2, 1, 1) if is_pyramid else (1,) * 4,
        halves=is_pyramid,
        neighbours=(9, 9, 12, 18),
        dilations=(1, 2, 2, 3),
        has_convolutions=has_convolutions,
    )


def tiny_trunk(kind: str, size: int = 64, **settings) -> GraphTrunk:
    torch.manual_seed(0)
    rel_pos = settings.pop("rel_pos", "2d")
    trunk = GraphTrunk(tiny_plan(kind, **settings), size, rel_pos)
    nn.init.normal_(trunk.pos_embed)
    return trunk


KINDS = ["isotropic", "pyramid"]


@pytest.mark.parametrize("name", PUBLISHED)
def test_classifying_a_thousand_classes_takes_the_published_number_of_parameters(name):
    tree = Taxonomy.from_edges((f"n{i}", "root") for i in range(1000))
    with torch.device("meta"):
        model = build_model("flat", tree, RunConfig(model="flat", backbone=name, image_size=224))
    total = sum(p.numel() for p in model.parameters() if p.requires_grad)
    assert total == PUBLISHED[name] or (name.endswith(("vig_ti", "vig_s")) and round(total, -3) == PUBLISHED[name])
    assert model.trunk.vector_channels == model.head.in_features == 1024


def test_neighbours_and_dilations_grow_as_published():
    tiny, small = isotropic(192, 12, has_convolutions=True), isotropic(320, 16, has_convolutions=False)
    assert tiny.neighbours == (9, 9, 10, 11, 12, 13, 13, 14, 15, 16, 17, 18)
    assert small.neighbours == (9, 9, 10, 10, 11, 12, 12, 13, 13, 14, 15, 15, 16, 16, 17, 18)
    assert tiny.dilations == (1,) * 4 + (2,) * 4 + (3,) * 4 and small.dilations[12:] == (4,) * 4
    assert pyramid((48, 96, 240, 384), has_convolutions=True).dilations == (1,) * 4 + (2,) * 4 + (3,) * 4
    assert pyramid((48, 96, 240, 384), has_convolutions=False).dilations == (1,) * 4 + (2,) * 8
    assert pyramid((48, 96, 240, 384), has_convolutions=True).neighbours == (9,) * 12


# --- one block against loops ------------------------------------------------------------------------------------------


def slow_neighbours(cells: np.ndarray, candidates: np.ndarray, far: np.ndarray, count: int, dilation: int) -> list:
    """Of one picture, cells (C, N) and candidates (C, M): for each cell every `dilation`-th of the nearest."""

    def unit(vector: np.ndarray) -> np.ndarray:
        return vector / np.sqrt((vector**2).sum())

    rows = []
    for i in range(cells.shape[1]):
        distances = [
            ((unit(cells[:, i]) - unit(candidates[:, j])) ** 2).sum() + far[i, j] for j in range(candidates.shape[1])
        ]
        rows.append(np.argsort(distances, kind="stable")[: count * dilation : dilation])
    return rows


def slow_means(cells: np.ndarray, pooling: int) -> np.ndarray:
    """(C, h, w) to the means of what each square of `pooling` x `pooling` covers of the map."""
    _, height, width = cells.shape
    ups, lefts = range(0, height, pooling), range(0, width, pooling)
    means = [[cells[:, u : u + pooling, x : x + pooling].mean((1, 2)) for x in lefts] for u in ups]
    return np.array(means).transpose(2, 0, 1)


def slow_far(channels: int, height: int, width: int, pooling: int) -> np.ndarray:
    """(N, M) by its definition: each candidate's distance is the mean over the cells that it is the mean of."""
    quarter = channels // 4
    frequencies = [10_000 ** (-i / quarter) for i in range(quarter)]
    far = np.zeros((height * width, height, width))
    for a in range(height * width):
        for y in range(height):
            for x in range(width):
                near = sum(np.cos(f * (a % width - x)) + np.cos(f * (a // width - y)) for f in frequencies)
                far[a, y, x] = -2 / channels * near
    return slow_means(far, pooling).reshape(height * width, -1)


def slow_grapher(
    grapher: Grapher, features: torch.Tensor, *, count: int, dilation: int, far: np.ndarray
) -> torch.Tensor:
    cells = grapher.enter(features).numpy()
    both = np.zeros((len(cells), 2 * cells.shape[1], *cells.shape[2:]))
    for b, one in enumerate(cells):
        candidates = slow_means(one, grapher.graph.pooling)
        flat, others = one.reshape(len(one), -1), candidates.reshape(len(one), -1)
        nearest = slow_neighbours(flat, others, far, count, dilation)
        for i in range(flat.shape[1]):
            at = divmod(i, one.shape[2])
            for c in range(len(one)):
                both[b, 2 * c, *at] = flat[c, i]
                both[b, 2 * c + 1, *at] = max(others[c, j] - flat[c, i] for j in nearest[i])
    return features + grapher.leave(grapher.mix(torch.from_numpy(both)))


@pytest.mark.parametrize(("pooling", "positions", "side"), [(1, "", 4), (1, "2d", 4), (2, "2d", 5), (4, "2d", 6)])
@pytest.mark.parametrize("make", [vig_block, GraphConvBlock])
def test_a_block_is_what_slow_loops_make_of_it(make, pooling, positions, side):
    torch.manual_seed(1)
    count, dilation = (3, 2) if pooling < 4 else (2, 2)
    block = make(8, CellGraph(count, dilation, pooling, positions)).double().eval()
    features = torch.randn(2, 8, side, side, dtype=torch.float64)
    far = slow_far(8, side, side, pooling) if positions else np.zeros((side * side, side * side))

    with torch.no_grad():
        given = block(features)
        layers = block if make is vig_block else block.layers
        slow = slow_grapher(layers[0], features, count=count, dilation=dilation, far=far)
        for layer in layers[1:]:
            inside = slow
            for step in layer:
                inside = step(inside)
            slow = slow + inside
        if make is GraphConvBlock:
            slow = block.norm(features + slow)

    assert (given - slow).abs().max() < 1e-6


def obvious_max_relative(cells: torch.Tensor, candidates: torch.Tensor, neighbours: torch.Tensor) -> torch.Tensor:
    batch, channels = cells.shape[:2]
    flat, others = cells.flatten(2), candidates.flatten(2)
    count = neighbours.shape[2]
    wanted = neighbours.flatten(1)[:, None].expand(-1, channels, -1)
    differences = others.gather(2, wanted).view(batch, channels, -1, count) - flat[..., None]
    return differences.max(3)[0].view_as(cells)


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_the_largest_difference_is_bit_equal_to_the_obvious_one_and_so_is_its_gradient(layout):
    torch.manual_seed(2)
    cells = torch.randn(3, 8, 6, 6).contiguous(memory_format=layout).requires_grad_()
    candidates = torch.randn(3, 8, 3, 3).contiguous(memory_format=layout).requires_grad_()
    neighbours = torch.rand(3, 36, 9).topk(5)[1]
    weights = torch.randn(3, 8, 6, 6)

    results = []
    for function in (max_relative, obvious_max_relative):
        made = function(cells, candidates, neighbours)
        results.append((made, *torch.autograd.grad((made * weights).sum(), (cells, candidates))))
    with torch.no_grad():
        without_gradient = max_relative(cells, candidates, neighbours)

    assert torch.equal(results[0][0], results[1][0]) and torch.equal(results[0][0], without_gradient)
    assert torch.equal(results[0][1], results[1][1])
    assert torch.allclose(results[0][2], results[1][2], rtol=1e-6, atol=1e-7)  # the order of summing is free


# --- positions --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("side", "pooling"), [(56, 4), (28, 2), (14, 1), (7, 2)])
def test_the_own_cell_is_the_nearest_for_every_node_in_two_dimensions(side, pooling):
    far = position_distances(48, side, side, pooling, "2d", "cpu")
    rows, columns = torch.meshgrid(torch.arange(side), torch.arange(side), indexing="ij")
    own = (rows // pooling * -(-side // pooling) + columns // pooling).flatten()
    assert (far.argmin(1) == own).all()


@pytest.mark.parametrize(("side", "pooling", "share"), [(56, 4, 0.072), (28, 2, 0.071)])
def test_the_published_table_misses_the_own_cell_of_most_nodes(side, pooling, share):
    far = position_distances(48 if pooling == 4 else 96, side, side, pooling, "vig", "cpu")
    rows, columns = torch.meshgrid(torch.arange(side), torch.arange(side), indexing="ij")
    own = (rows // pooling * (side // pooling) + columns // pooling).flatten()
    assert (far.argmin(1) == own).float().mean().item() == pytest.approx(share, abs=0.002)


def test_the_published_table_is_the_interpolated_full_one():
    full = torch.from_numpy(slow_far(8, 6, 6, 1))
    shorter = nn.functional.interpolate(full[None, None], size=(36, 9), mode="bicubic")[0, 0]
    assert torch.allclose(position_distances(8, 6, 6, 2, "vig", "cpu").double(), shorter, atol=1e-6)


def test_rel_pos_changes_pyramids_and_nothing_else(tiny_tree):
    images = torch.randn(2, 3, 64, 64)
    with torch.no_grad():
        for kind, differs in (("pyramid", True), ("isotropic", False)):
            maps = [tiny_trunk(kind, rel_pos=rel_pos).eval()(images) for rel_pos in ("2d", "vig")]
            assert torch.equal(*maps) is not differs
    with torch.device("meta"):
        given = RunConfig("flat", "pyramid_vig_ti", options={"rel_pos": "vig"}, image_size=32)
        assert build_model("flat", tiny_tree, given).trunk.rel_pos == "vig"
    with pytest.raises(BadConfig, match="rel_pos"):
        build_model("flat", tiny_tree, RunConfig("flat", "pyramid_vig_ti", options={"rel_pos": "3d"}, image_size=32))


# --- sizes ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("size", [32, 40, 64, 96, 100, 224])
def test_pictures_of_any_size_give_four_maps(kind, size):
    trunk = tiny_trunk(kind, size)
    for seen in {size, 48}:
        with torch.no_grad():
            maps = trunk.stages(torch.randn(2, 3, seen, seen))
        halvings = [2, 3, 4, 5] if kind == "pyramid" else [4] * 4
        sides = [-(-seen // 2**n) for n in halvings]
        assert [tuple(one.shape[1:]) for one in maps] == [
            (c, side, side) for c, side in zip(trunk.stage_channels, sides, strict=True)
        ]
        assert all(torch.isfinite(one).all() for one in maps)
        assert trunk.pool(maps[-1]).shape == (2, 1024)


def test_pictures_too_small_for_a_graph_are_refused_by_name(tiny_tree):
    with pytest.raises(BadConfig, match="16 px") as caught:
        build_model("flat", tiny_tree, RunConfig(model="flat", backbone="vig_ti", image_size=16))
    assert "32" in caught.value.remedy


def test_few_cells_shrink_the_dilation_first_then_the_neighbours():
    cells = torch.randn(1, 8, 4, 4)
    for count, dilation, given in ((9, 2, 9), (8, 4, 8), (18, 1, 16)):
        assert CellGraph(count, dilation)(cells)[1].shape == (1, 16, given)


@pytest.mark.parametrize("kind", KINDS)
def test_a_trunk_is_cut_after_any_stage(kind):
    trunk = tiny_trunk(kind).eval()
    images = torch.randn(2, 3, 64, 64)
    with torch.no_grad():
        whole = trunk.stages(images)
        trunk.cut(2)
        assert torch.equal(trunk(images), whole[1])
        assert trunk.pool(trunk(images)).shape == (2, trunk.vector_channels) == (2, trunk.channels)
    with pytest.raises(BadConfig, match="4 stages"):
        trunk.cut(4)


@pytest.mark.parametrize(("pooling", "positions"), [(1, ""), (2, "2d")])
def test_of_the_distances_on_a_large_map_no_more_than_a_block_is_there(pooling, positions, monkeypatch):
    torch.manual_seed(3)
    graph, cells = CellGraph(5, 2, pooling, positions), torch.randn(3, 8, 9, 7)
    candidates, whole = graph(cells)
    seen = []
    nearness = CellGraph._nearness
    monkeypatch.setattr(CellGraph, "_nearness", lambda *given: seen.append(nearness(*given)) or seen[-1])
    monkeypatch.setattr(cell_graph, "DISTANCES", 10 * 3 * candidates[0, 0].numel())
    assert torch.equal(graph(cells)[1], whole)
    assert len(seen) == 7 and all(block.shape[1] <= 10 for block in seen)


# --- the graph, seen --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_a_forward_pass_shows_each_blocks_graph(kind, tiny_tree):
    trunk = tiny_trunk(kind)
    model = Flat(tiny_tree, trunk).eval()
    with trunk.graph_views() as views:
        evidence = model.evidence(model(torch.randn(2, 3, 64, 64)))[:, 1].sum()
    model(torch.randn(2, 3, 64, 64))

    assert len(views) == 4
    assert not any(module._forward_hooks for module in trunk.modules())
    slopes = torch.autograd.grad(evidence, [view.activation for view in views])
    for view, slope in zip(views, slopes, strict=True):
        cells, candidates = (one[0] * one[1] for one in (view.grid, view.candidate_grid))
        assert slope.shape == view.activation.shape and view.activation.shape[2:] == view.grid
        assert view.neighbours.shape[:2] == (2, cells) and view.neighbours.max() < candidates
        assert view.candidate_grid == tuple(-(-side // view.pooling) for side in view.grid)
        if view.pooling == 1:
            assert (view.neighbours[:, :, 0] == torch.arange(cells)).all()


def test_the_neighbours_seen_are_those_used():
    grapher = Grapher(8, CellGraph(3, 1, 2)).eval()
    trunk = tiny_trunk("pyramid")
    features = torch.randn(1, 8, 6, 6)
    with torch.no_grad():
        cells = grapher.enter(features)
        candidates, neighbours = grapher.graph(cells)
        assert torch.equal(candidates, pooled(cells, 2))
        far = np.zeros((36, 9))
        slow = slow_neighbours(
            cells[0].flatten(1).double().numpy(), candidates[0].flatten(1).double().numpy(), far, 3, 1
        )
    assert neighbours[0].tolist() == [row.tolist() for row in slow]
    assert sum(isinstance(module, Grapher) for module in trunk.modules()) == 4


# --- weights and learning ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("has_convolutions", [True, False])
def test_published_files_are_read_by_the_order_of_their_tensors(tmp_path, has_convolutions):
    given = tiny_trunk("pyramid", size=96, has_convolutions=has_convolutions)
    tensors = {}
    for place, (name, tensor) in enumerate(given.state_dict().items()):
        if not name.startswith("colours."):
            published = {"pos_embed": "pos_embed", "stem.0.weight": "stem.convs.0.weight"}.get(
                name, f"backbone.{place}"
            )
            tensors[published] = tensor
            tensors[f"backbone.{place}.relative_pos"] = torch.zeros(1, 4, 4)
    tensors["prediction.4.weight"] = torch.zeros(10, 1024, 1, 1)
    torch.save(tensors, tmp_path / "published.pth")
    trunk = tiny_trunk("pyramid", size=64, has_convolutions=has_convolutions)

    load_backbone_weights(trunk, "pyramid", str(tmp_path / "published.pth"))

    resized = {"pos_embed"}
    for name, tensor in given.state_dict().items():
        assert name in resized or torch.equal(tensor, trunk.state_dict()[name]), name
    assert trunk.pos_embed.shape[2:] == (16, 16)
    assert any("rel_pos=vig" in remark for remark in trunk.remarks)
    assert any("resized" in remark for remark in trunk.remarks)


@pytest.mark.parametrize("kind", KINDS)
def test_flat_learns_on_a_graph_trunk(kind, tiny_tree):
    model = Flat(tiny_tree, tiny_trunk(kind, 32))
    images, targets = torch.randn(8, 3, 32, 32), torch.arange(8) % len(tiny_tree)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    before = model.loss(model(images), targets)
    before.backward()
    optimizer.step()
    assert all(torch.isfinite(p.grad).all() for p in model.parameters() if p.grad is not None)
    assert model.loss(model(images), targets) < before


@pytest.mark.parametrize("kind", KINDS)
def test_half_precision_keeps_the_graph_of_full_precision(kind):
    trunk = tiny_trunk(kind).eval()
    images = torch.randn(2, 3, 64, 64)
    cells = torch.randn(2, 8, 8, 8)
    graph = CellGraph(4, 1, 2, trunk.rel_pos)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert torch.isfinite(trunk(images).float()).all()
        in_half = graph(cells)[1]
    assert torch.equal(in_half, graph(cells)[1])


def test_a_table_made_while_predicting_serves_training():
    position_distances.cache_clear()
    trunk = tiny_trunk("pyramid")
    with torch.inference_mode():
        trunk.eval()(torch.randn(1, 3, 64, 64))
    trunk.train()(torch.randn(2, 3, 64, 64)).sum().backward()
    assert trunk.stem[0].weight.grad is not None
