"""The methods that make a map of what a layer saw: from its values, and from how the evidence hangs on them.

Grad-CAM is our own and needs no more than torch. The others are pytorch-grad-cam's formulas, imported when one is used:
that takes seconds and brings OpenCV. Score-CAM asks the model anew for every channel and has a file of its own.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from hmgc_core.errors import BadConfig, nearest_names
from hmgc_core.records import HEAT_METHODS

Array = NDArray[np.float32]


@dataclass(frozen=True)
class Method:
    """find: values and gradients of a layer, (C, h, w) both, to a map (h, w). needs_gradient: else they are zeros."""

    find: Callable[[Tensor, Tensor], Array]
    needs_gradient: bool = True


def grad_cam(values: Tensor, gradient: Tensor) -> Array:
    """Channels weighted by their mean gradient. Selvaraju et al., "Grad-CAM", ICCV 2017, equations 1 and 2."""
    return torch.einsum("chw,c->hw", values, gradient.mean((1, 2))).cpu().numpy()


def layer_cam(values: Tensor, gradient: Tensor) -> Array:
    """Each place weighted by its own gradient where that is positive. Jiang et al., "LayerCAM", TIP 2021."""
    from pytorch_grad_cam import LayerCAM  # noqa: PLC0415

    # The formulas use neither the model nor hooks, so the library gets a model of no meaning to hold.
    return _only(LayerCAM(nn.Linear(1, 1), []).get_cam_image(None, None, None, _one(values), _one(gradient), False))


def hires_cam(values: Tensor, gradient: Tensor) -> Array:
    """Each place weighted by its own gradient. Draelos and Carin, "HiResCAM", 2020."""
    from pytorch_grad_cam import HiResCAM  # noqa: PLC0415

    return _only(HiResCAM(nn.Linear(1, 1), []).get_cam_image(None, None, None, _one(values), _one(gradient), False))


def eigen_cam(values: Tensor, _gradient: Tensor) -> Array:
    """The strongest pattern of the layer, whatever the node. Muhammad and Yeasin, "Eigen-CAM", IJCNN 2020.

    A pattern has no sign, so the library's rule is taken by which the map's largest value is positive.
    """
    from pytorch_grad_cam.utils.svd_on_activations import get_2d_projection_with_sign_correction  # noqa: PLC0415

    return _only(get_2d_projection_with_sign_correction(_one(values)))


METHODS = {
    "grad-cam": Method(grad_cam),
    "layer-cam": Method(layer_cam),
    "hires-cam": Method(hires_cam),
    "eigen-cam": Method(eigen_cam, needs_gradient=False),
}


def chosen_method(name: str) -> Method:
    """A method by its name. Raises BadConfig for Score-CAM, which is none of these, and for what is no method."""
    if name in METHODS:
        return METHODS[name]
    raise unknown_method(name)


def unknown_method(name: str) -> BadConfig:
    """The error for a name that is no method."""
    return BadConfig(
        f"there is no method {name!r} for heatmaps",
        remedy=f"choose one of {', '.join(nearest_names(name, HEAT_METHODS, 5))}",
    )


def _one(tensor: Tensor) -> Array:
    """(C, h, w) as the library takes it, (1, C, h, w)."""
    return tensor[None].cpu().numpy()


def _only(maps: Array) -> Array:
    """(1, h, w) back to (h, w)."""
    return np.asarray(maps[0], dtype=np.float32)
