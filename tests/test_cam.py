"""Heatmaps say where, as pytorch-grad-cam would, and leave the model as it was."""

import threading
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import numpy as np
import pytest
import torch
from conftest import backbone_for
from pytorch_grad_cam import EigenCAM, GradCAM, HiResCAM, LayerCAM, ScoreCAM
from torch import Tensor, nn

from hmgc_core.errors import BadConfig
from hmgc_core.learning.cam import NO_OTHER, STRONGEST_SIBLING, heatmaps
from hmgc_core.learning.cam_layers import chosen_layers
from hmgc_core.learning.cam_methods import METHODS
from hmgc_core.learning.cam_score import score_cam
from hmgc_core.learning.transforms import normalise
from hmgc_core.models.catalog import MODELS, build_model
from hmgc_core.records import HEAT_METHODS, RunConfig

LIBRARY = {"grad-cam": GradCAM, "layer-cam": LayerCAM, "hires-cam": HiResCAM, "score-cam": ScoreCAM}
TRUNKS = {
    "resnet18": 64,
    "resnet50": 64,
    "vig_ti": 64,
    "pyramid_graphconvnet_ti": 64,
    "timm:convnext_atto": 64,
    "timm:vit_tiny_patch16_224": 64,
    "timm:swin_s3_tiny_224": 224,
    "clip:tiny": 64,
    "clip:RN50": 64,
}


def built(name: str, tree, *, backbone: str = "", side: int = 32):
    torch.manual_seed(0)
    config = RunConfig(model=name, backbone=backbone or backbone_for(name), image_size=side)
    model = build_model(name, tree, config).eval()
    for module in model.modules():
        # Fresh statistics and scales would make every channel alike.
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.running_var, 0.5, 2)
            nn.init.uniform_(module.weight, 0.5, 1.5)
    return model


@pytest.fixture(params=MODELS)
def model(request, tiny_tree):
    return built(request.param, tiny_tree)


def picture(side: int = 32, seed: int = 0) -> np.ndarray:
    """(3, S, S) uint8."""
    return np.random.default_rng(seed).integers(0, 256, (3, side, side), dtype=np.uint8)


class Evidence(nn.Module):
    """The model as the library wants it: (B, N) out."""

    def __init__(self, model) -> None:
        super().__init__()
        self.model = model

    def forward(self, images: Tensor) -> Tensor:
        return self.model.evidence(self.model(images))


def by_library(model, image, node: int, *, method: str = "grad-cam", layer=None, other: int = NO_OTHER, **more):
    """(S, S) by a plain use of the library."""

    def target(evidence: Tensor) -> Tensor:
        return evidence[node] - evidence[other] if other != NO_OTHER else evidence[node]

    layer = layer or model.target_layer
    with LIBRARY[method](model=Evidence(model), target_layers=[layer], **more) as cam:
        heat = cam(input_tensor=normalise(torch.tensor(image[None])), targets=[target])[0]
    model.zero_grad(set_to_none=True)
    return heat


def is_rounding(model, node: int, method: str) -> bool:
    """Whether no place speaks for the node by this method, but for what rounding leaves of sums."""
    features = []
    hook = model.target_layer.register_forward_hook(lambda *given: features.append(given[-1]))
    score = model.evidence(model(normalise(torch.tensor(picture()[None]))))[0, node]
    hook.remove()
    (gradient,) = torch.autograd.grad(score, features[0])
    weights = {"grad-cam": gradient.mean((2, 3), keepdim=True), "layer-cam": gradient.clamp(min=0)}.get(
        method, gradient
    )
    heat = (weights * features[0]).sum(1).max()
    return bool(heat <= 1e-4 * (gradient * features[0]).abs().sum(1).max())


@pytest.mark.parametrize("method", ["grad-cam", "layer-cam", "hires-cam"])
def test_every_model_has_the_heat_that_the_library_finds(model, tiny_tree, method):
    nodes = tiny_tree.path(tiny_tree.index("gull-like"))
    found = heatmaps(model, picture(), nodes, layer="last", method=method)
    assert found.maps.shape == (3, 32, 32) and found.maps.dtype == np.float32
    assert found.maps.min() >= 0 and found.maps.max() <= 1
    for heat, strength, node in zip(found.maps, found.strengths, nodes, strict=True):
        if strength > 0:
            np.testing.assert_allclose(heat, by_library(model, picture(), node, method=method), atol=1e-5)
        else:
            assert not heat.any() and is_rounding(model, node, method)


@pytest.mark.parametrize("backbone", TRUNKS)
def test_every_kind_of_trunk_has_the_heat_that_the_library_finds(tiny_tree, backbone):
    side = TRUNKS[backbone]
    model = built("flat", tiny_tree, backbone=backbone, side=side)
    (heat,) = heatmaps(model, picture(side), [5]).maps
    np.testing.assert_allclose(heat, by_library(model, picture(side), 5), atol=1e-5)


@pytest.mark.parametrize("backbone", TRUNKS)
def test_earlier_layers_show_more_places_and_agree_with_the_library(tiny_tree, backbone):
    side = TRUNKS[backbone]
    model = built("flat", tiny_tree, backbone=backbone, side=side)
    found = heatmaps(model, picture(side), [5], layer="last-1")
    assert list(found.layers) == ["last", "last-1", "last-2", "last-3"][: len(found.layers)] and len(found.layers) > 2
    grids = list(found.layers.values())
    assert grids == sorted(grids) and found.grids == [found.layers["last-1"]]
    (layer,) = chosen_layers(model, "last-1", [1])
    rows, columns = found.grids[0]

    def as_map(output: Tensor) -> Tensor:
        if output.ndim == 3:
            return output[:, -rows * columns :].transpose(1, 2).unflatten(2, (rows, columns))
        return output if output.shape[1] == layer.channels else output.permute(0, 3, 1, 2)

    slow = by_library(model, picture(side), 5, layer=layer.module, reshape_transform=as_map)
    np.testing.assert_allclose(found.maps[0], slow, atol=1e-5)


def test_each_level_of_hrn_has_its_own_block(tiny_tree):
    model = built("hrn", tiny_tree)
    nodes = tiny_tree.path(tiny_tree.index("gull-like"))
    found = heatmaps(model, picture(), nodes)
    assert next(iter(found.layers)) == "levels"
    for heat, node, block in zip(found.maps, nodes, model.blocks, strict=True):
        np.testing.assert_allclose(heat, by_library(model, picture(), node, layer=block.convolutions), atol=1e-5)
    assert "levels" not in heatmaps(built("flat", tiny_tree), picture(), nodes).layers


def test_held_against_another_class_the_difference_of_evidence_is_explained(model, tiny_tree):
    node, other = tiny_tree.index("owl"), tiny_tree.index("albatross")
    found = heatmaps(model, picture(), [node], against=other, layer="last")
    slow = by_library(model, picture(), node, other=other)
    np.testing.assert_allclose(found.maps[0], slow, atol=1e-5)
    assert list(heatmaps(model, picture(), [node], against=STRONGEST_SIBLING).others) == [other]


def test_the_strongest_sibling_is_that_with_most_evidence_and_an_only_child_has_none(tiny_tree):
    model = built("soft_margin", tiny_tree)
    found = heatmaps(model, picture(), tiny_tree.path(tiny_tree.index("tug")), against=STRONGEST_SIBLING)
    assert [tiny_tree.keys[other] if other >= 0 else None for other in found.others] == ["bird", None, None]
    assert heatmaps(model, picture(), [0], against=STRONGEST_SIBLING).others[0] == NO_OTHER


def test_the_eigen_map_is_the_librarys_and_the_same_for_every_class(tiny_tree):
    model = built("flat", tiny_tree)
    one, two = heatmaps(model, picture(), [1, 5], method="eigen-cam").maps
    assert (one == two).all()
    with EigenCAM(model=Evidence(model), target_layers=[model.target_layer]) as cam:
        plain = cam(input_tensor=normalise(torch.tensor(picture()[None])), targets=None)[0]
    # The library's plain form leaves the sign open.
    turned = np.corrcoef(one.ravel(), plain.ravel())[0, 1] < 0
    assert turned or np.allclose(one, plain, atol=1e-5)


@pytest.mark.parametrize("name", ["flat", "hrn"])
def test_score_cam_is_the_librarys_tells_how_far_it_is_and_can_be_stopped(tiny_tree, name):
    model = built(name, tiny_tree)
    nodes, told = tiny_tree.path(tiny_tree.index("gull-like")), []
    found = score_cam(model, picture(), nodes, layer="last", on_step=lambda *step: told.append(step))
    for heat, node in zip(found.maps, nodes, strict=True):
        np.testing.assert_allclose(heat, by_library(model, picture(), node, method="score-cam"), atol=1e-5)
    assert told == [(done, 96) for done in range(0, 96, 16)]  # one round for all nodes

    def stop(_done: int, _total: int) -> None:
        raise InterruptedError

    with pytest.raises(InterruptedError):
        score_cam(model, picture(), nodes, on_step=stop)
    assert_untouched(model)


def test_a_map_in_which_nothing_speaks_for_the_node_stays_zero(model):
    for parameter in model.trunk.parameters():
        parameter.data.zero_()
    found = heatmaps(model, picture(), [1, 2])
    assert (found.maps == 0).all()


def test_evidence_that_is_the_same_everywhere_is_told_from_none(tiny_tree):
    model = built("flat", tiny_tree, backbone="resnet18", side=16)
    model.head.weight.data.abs_()
    found = heatmaps(model, picture(16), [1])
    assert found.grids == [(1, 1)] and (found.maps == 0).all() and found.strengths[0] > 0
    model.head.weight.data.neg_()
    assert heatmaps(model, picture(16), [1]).strengths[0] == 0


def assert_untouched(model) -> None:
    assert all(not module._forward_hooks and not module._backward_hooks for module in model.modules())
    assert all(parameter.grad is None for parameter in model.parameters())


@pytest.mark.parametrize("method", METHODS)
def test_hooks_gradients_and_modes_are_left_as_they_were(model, method):
    model.train()
    frozen = next(model.trunk.children())
    frozen.eval()
    weights = next(model.parameters())
    weights.grad = torch.ones_like(weights)
    modes = [module.training for module in model.modules()]
    before = {name: value.clone() for name, value in model.state_dict().items()}
    heatmaps(model, picture(), [1], method=method)
    assert [module.training for module in model.modules()] == modes and True in modes and False in modes
    assert (weights.grad == 1).all()
    weights.grad = None
    assert_untouched(model)
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())
    assert torch.is_grad_enabled()


def test_a_frozen_model_and_a_caller_without_gradients_get_the_same_heat(model):
    usual = heatmaps(model, picture(), [1, 2]).maps
    for parameter in model.parameters():
        parameter.requires_grad_(False)
    with torch.no_grad():
        assert np.array_equal(heatmaps(model, picture(), [1, 2]).maps, usual)
    with torch.inference_mode():
        assert np.array_equal(heatmaps(model, picture(), [1, 2]).maps, usual)


def test_nothing_below_the_layer_is_recorded(tiny_tree):
    model = built("flat", tiny_tree)
    recorded = []
    model.trunk.blocks[1].register_forward_hook(lambda *given: recorded.append(given[-1].requires_grad))
    heatmaps(model, picture(), [1])
    heatmaps(model, picture(), [1], layer="last-2")
    assert recorded == [False, True]


def test_no_node_gives_no_map_and_read_only_pixels_are_fine(model):
    image = picture()
    image.flags.writeable = False
    assert heatmaps(model, image, []).maps.shape == (0, 32, 32)
    assert heatmaps(model, image, [1]).maps.shape == (1, 32, 32)


def test_unknown_layers_and_methods_are_named(tiny_tree):
    model = built("flat", tiny_tree)
    with pytest.raises(BadConfig, match="'last-9'") as caught:
        heatmaps(model, picture(), [1], layer="last-9")
    assert "last-2" in caught.value.remedy
    with pytest.raises(BadConfig, match="'grad'") as caught:
        heatmaps(model, picture(), [1], method="grad")
    assert "grad-cam" in caught.value.remedy
    assert {*METHODS, "score-cam"} == set(HEAT_METHODS)


def test_people_who_look_at_once_get_their_own_heat(tiny_tree):
    """Two models and several pictures, classes, layers and methods, in eight threads, while others predict."""
    models = [built("flat", tiny_tree), built("hrn", tiny_tree)]
    looks = [
        partial(heatmaps, models[n % 2], picture(seed=n % 5), [1 + n % 7, 2], layer=layer, method=method)
        for n, (layer, method) in enumerate([("last", "grad-cam"), ("last-1", "layer-cam"), ("", "hires-cam")] * 14)
    ]
    images = normalise(torch.tensor(picture()[None]))

    def predict(model) -> np.ndarray:
        with torch.inference_mode():
            return model.evidence(model(images)).numpy()

    asked = [*looks, *(partial(predict, models[n % 2]) for n in range(42))]
    alone = [np.asarray(getattr(answer := ask(), "maps", answer)) for ask in asked]
    at_once = threading.Barrier(8)

    def together(place: int) -> np.ndarray:
        if place % 42 < 8 and place < 42:
            at_once.wait(timeout=30)
        answer = asked[place]()
        return np.asarray(getattr(answer, "maps", answer))

    with ThreadPoolExecutor(8) as pool:
        for answer, expected in zip(pool.map(together, range(len(asked))), alone, strict=True):
            np.testing.assert_array_equal(answer, expected)
    for model in models:
        assert_untouched(model)
