"""Score-CAM: what the model says of the picture seen through each channel. Hundreds of forward passes, no gradient.

Wang et al., "Score-CAM", CVPR workshops 2020, with pytorch-grad-cam's details. It is our own, because the library holds
all masked pictures of a layer at once, asks anew for each node, and can neither tell how far it is nor be stopped.
"""

from collections.abc import Callable, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from hmgc_core.learning.cam import NO_OTHER, Heatmaps, Look, look_into
from hmgc_core.learning.cam_layers import evaluating
from hmgc_core.models.base import HierarchicalModel

AT_ONCE = 16  # masked pictures
FLAT = 1e-8  # added to what a mask is divided by: a channel that is the same everywhere shows nothing


def score_cam(
    model: HierarchicalModel,
    image: NDArray[np.uint8],
    nodes: Sequence[int],
    *,
    against: int | Sequence[int] = NO_OTHER,
    layer: str = "",
    on_step: Callable[[int, int], None] = lambda _done, _total: None,
) -> Heatmaps:
    """`heatmaps` by Score-CAM. on_step: told (channels done, channels in all) before each batch; it may raise to stop.

    Nodes that share a layer share its passes. Raises BadConfig for a layer that the model does not have.
    """
    with evaluating(model), torch.no_grad():
        look = look_into(model, image, nodes, against=against, layer=layer)
        groups: dict[object, list[int]] = {}
        for place, one in enumerate(look.layers):
            groups.setdefault(one.module, []).append(place)
        total, done = sum(len(look.values(places[0])) for places in groups.values()), 0
        raw: dict[int, NDArray[np.float32]] = {}
        for places in groups.values():
            values = look.values(places[0])
            scores = []
            for some in torch.arange(len(values)).split(AT_ONCE):
                on_step(done, total)
                scores.append(_targets(model, look, values[some], places))
                done += len(some)
            weights = torch.cat(scores).softmax(0)
            maps = torch.einsum("chw,ck->khw", values, weights)
            raw |= {place: one.cpu().numpy() for place, one in zip(places, maps, strict=True)}
    return look.finish([raw[place] for place in range(len(nodes))])


def _targets(model: HierarchicalModel, look: Look, channels: Tensor, places: Sequence[int]) -> Tensor:
    """(b, K') for b channels (b, h, w): the evidence of the nodes at these places in the picture seen through each."""
    masks = F.interpolate(channels[:, None], look.images.shape[2:], mode="bilinear", align_corners=True)
    low, high = masks.amin((2, 3), keepdim=True), masks.amax((2, 3), keepdim=True)
    evidence = model.evidence(model(look.images * ((masks - low) / (high - low + FLAT))))
    targets = evidence[:, [look.nodes[place] for place in places]]
    held_against = [int(look.others[place]) for place in places]
    others = evidence[:, [max(other, 0) for other in held_against]]
    return targets - others * torch.tensor([other != NO_OTHER for other in held_against], device=others.device)
