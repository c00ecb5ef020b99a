"""Heatmaps: which parts of a picture speak for a node. Grad-CAM, Selvaraju et al., ICCV 2017."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from hmgc_core.learning.transforms import normalise
from hmgc_core.models.base import HierarchicalModel


class _Evidence(nn.Module):
    """The model as Grad-CAM wants it: one tensor out, (B, N) evidence for each node."""

    def __init__(self, model: HierarchicalModel) -> None:
        super().__init__()
        self.model = model

    def forward(self, images: Tensor) -> Tensor:
        return self.model.evidence(self.model(images))


def heatmaps(model: HierarchicalModel, image: NDArray[np.uint8], nodes: Sequence[int]) -> NDArray[np.float32]:
    """For each node, where in the picture its evidence is. image: (3, S, S) uint8 RGB, as in the pixel cache.

    nodes: K node indices, usually the levels of one answer. Returns (K, S, S) float32, each map from 0 to 1; a map in
    which nothing speaks for the node is 0 everywhere. The model's mode and gradients are left as they were found.
    """
    # Imported here: it takes a second and brings OpenCV, which nothing but a heatmap needs.
    from pytorch_grad_cam import GradCAM  # noqa: PLC0415
    from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget  # noqa: PLC0415

    if not len(nodes):
        return np.zeros((0, *image.shape[1:]), dtype=np.float32)
    device = next(model.parameters()).device
    # A copy: the pixels may be a read-only memory map.
    images = normalise(torch.tensor(image[None], device=device)).expand(len(nodes), -1, -1, -1)
    targets: list[Any] = [ClassifierOutputTarget(node) for node in nodes]
    was_training = model.training
    try:
        with GradCAM(model=_Evidence(model).eval(), target_layers=[model.target_layer]) as cam:
            maps = cam(input_tensor=images, targets=targets)
    finally:
        model.train(was_training)
        model.zero_grad(set_to_none=True)
    return np.clip(np.nan_to_num(maps), 0.0, 1.0).astype(np.float32)
