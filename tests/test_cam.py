"""Heatmaps say where, and leave the model as it was."""

import numpy as np
import pytest
import torch
from conftest import backbone_for
from torch import Tensor

from hmgc_core.learning.cam import heatmaps
from hmgc_core.learning.transforms import normalise
from hmgc_core.models.catalog import MODELS, build_model
from hmgc_core.records import RunConfig


@pytest.fixture(params=MODELS)
def model(request, tiny_tree):
    torch.manual_seed(0)
    config = RunConfig(model=request.param, backbone=backbone_for(request.param), image_size=32)
    return build_model(request.param, tiny_tree, config).eval()


@pytest.fixture
def image() -> np.ndarray:
    """(3, 32, 32) uint8."""
    return np.random.default_rng(0).integers(0, 256, (3, 32, 32), dtype=np.uint8)


def grad_cam_by_hand(model, image: np.ndarray, node: int) -> Tensor:
    """(h, w), before scaling: ReLU of the feature map weighted by the mean gradient of the node's evidence."""
    features = []
    hook = model.target_layer.register_forward_hook(lambda *given: features.append(given[-1]))
    score = model.evidence(model(normalise(torch.tensor(image[None]))))[0, node]
    hook.remove()
    (gradient,) = torch.autograd.grad(score, features[0])
    return torch.relu((gradient.mean((2, 3), keepdim=True) * features[0]).sum(1))[0].detach()


def scaled(heat: Tensor) -> Tensor:
    """From 0 to 1; a map of zeros stays as it is."""
    above = heat - heat.min()
    return above / above.max().clamp_min(1e-7)


def test_a_heatmap_is_the_grad_cam_of_its_nodes_evidence(model, image, tiny_tree):
    nodes = tiny_tree.path(tiny_tree.index("gull-like"))
    maps = heatmaps(model, image, nodes)
    assert maps.shape == (3, 32, 32) and maps.dtype == np.float32
    assert maps.min() >= 0 and maps.max() <= 1
    for heat, node in zip(maps, nodes, strict=True):
        slow = grad_cam_by_hand(model, image, node)
        large = torch.nn.functional.interpolate(scaled(slow)[None, None], (32, 32), mode="bilinear")[0, 0]
        np.testing.assert_allclose(heat, scaled(large), atol=0.01)
        if slow.max() > 0:
            assert heat.max() > 0.9


def test_a_map_in_which_nothing_speaks_for_the_node_stays_zero(model, image):
    for parameter in model.trunk.parameters():
        parameter.data.zero_()
    maps = heatmaps(model, image, [1, 2])
    assert (maps == 0).all()


def test_hooks_gradients_and_mode_are_left_as_they_were(model, image):
    model.train()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    heatmaps(model, image, [1])
    assert model.training
    assert all(not module._forward_hooks and not module._backward_hooks for module in model.modules())
    assert all(parameter.grad is None for parameter in model.parameters())
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())


def test_no_node_gives_no_map_and_read_only_pixels_are_fine(model, image):
    image.flags.writeable = False
    assert heatmaps(model, image, []).shape == (0, 32, 32)
    assert heatmaps(model, image, [1]).shape == (1, 32, 32)
