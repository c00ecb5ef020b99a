"""Heatmaps: which parts of a picture speak for a node, by Grad-CAM (Selvaraju et al., ICCV 2017) or another method.

One forward pass serves all nodes of one picture; each node then costs a way back from the scores to the layer that is
shown, and nothing below it is ever recorded. `docs/decisions/0016` has the reasons.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from hmgc_core.learning.cam_layers import Layer, Opened, chosen_layers, evaluating, named_layers, open_up
from hmgc_core.learning.cam_methods import Method, chosen_method
from hmgc_core.learning.transforms import normalise
from hmgc_core.models.base import HierarchicalModel
from hmgc_core.taxonomy import IntArray, Taxonomy

NO_OTHER = -1
STRONGEST_SIBLING = -2
# A map below this share of what goes into its sums is what rounding left of them: plain zeros tell the truth. Gradients
# at a layer that is normalised next cancel so in HiRes-CAM.
ROUNDING = 1e-4
SMALLEST = 1e-7  # added to what a map is divided by, as pytorch-grad-cam does: noise of rounding stays small


@dataclass(frozen=True)
class Heatmaps:
    """The heat of K nodes in one picture, and what else its pass through the model told.

    maps: (K, S, S) float32, each from 0 to 1, all 0 where nothing speaks for the node or all places speak alike.
    strengths: (K,) float64, the largest value of each map before it was scaled; 0 where nothing speaks for the node.
    others: (K,) int, the node that each was held against, NO_OTHER for none. grids: of each map, (h, w) places.
    layers: the layers that can be shown, the model's own choice first, with the (h, w) of each.
    scores: the model's own, for one picture.
    """

    maps: NDArray[np.float32]
    strengths: NDArray[np.float64]
    others: IntArray
    grids: list[tuple[int, int]]
    layers: dict[str, tuple[int, int]]
    scores: Any


@dataclass(frozen=True)
class Look:
    """What a method begins with: the open model, and for each of K nodes its layer and the one it is held against."""

    images: Tensor
    opened: Opened
    nodes: Sequence[int]
    layers: list[Layer]
    others: IntArray
    names: dict[str, tuple[int, int]]

    def values(self, place: int) -> Tensor:
        """(C, h, w): what the layer of the node at this place saw."""
        module = self.layers[place].module
        return self.opened.as_map[module](self.opened.cuts[module].detach())[0]

    def finish(self, raw: Sequence[NDArray[np.float32]]) -> Heatmaps:
        """The maps (h, w) of all nodes, as they came, as heat."""
        side = self.images.shape[2]
        above = [np.maximum(np.nan_to_num(one), 0) for one in raw]
        return Heatmaps(
            maps=np.array([scaled(one, side) for one in above], dtype=np.float32).reshape(-1, side, side),
            strengths=np.array([float(one.max()) for one in above]),
            others=self.others,
            grids=[self.opened.grids[layer.module] for layer in self.layers],
            layers=self.names,
            scores=self.opened.scores,
        )


def heatmaps(
    model: HierarchicalModel,
    image: NDArray[np.uint8],
    nodes: Sequence[int],
    *,
    against: int | Sequence[int] = NO_OTHER,
    layer: str = "",
    method: str = "grad-cam",
) -> Heatmaps:
    """For each node, where in the picture its evidence is. image: (3, S, S) uint8 RGB, as in the pixel cache.

    nodes: K node indices, usually the levels of one answer. against: for each node (or for all) the one that its
    evidence is held against, NO_OTHER for none, or STRONGEST_SIBLING. layer: one of `named_layers`, "" for the model's
    own choice. The model's mode, gradients and hooks are left as they were found, and threads never see each other's.
    Raises BadConfig for a layer that the model does not have, or an unknown method.
    """
    chosen = chosen_method(method)
    with evaluating(model), torch.inference_mode(False), torch.enable_grad():
        look = look_into(model, image, nodes, against=against, layer=layer)
        return look.finish([_raw_map(look, place, chosen) for place in range(len(nodes))])


def look_into(
    model: HierarchicalModel,
    image: NDArray[np.uint8],
    nodes: Sequence[int],
    *,
    against: int | Sequence[int],
    layer: str,
) -> Look:
    """The one pass through the model, in evaluation mode already, that all methods begin with. Raises BadConfig."""
    named = named_layers(model)
    layers = chosen_layers(model, layer, [int(model.taxonomy.depths[node]) for node in nodes])
    # A copy: the pixels may be a read-only memory map.
    images = normalise(torch.tensor(image[None], device=next(model.parameters()).device))
    opened = open_up(model, images, layers, also=[one for of in named.values() for one in of])
    grids = opened.grids
    return Look(
        images=images,
        opened=opened,
        nodes=nodes,
        layers=layers,
        others=_others(model.taxonomy, opened.evidence, nodes, against),
        names={name: grids[of[0].module] for name, of in named.items() if all(one.module in grids for one in of)},
    )


def scaled(heat: NDArray[np.float32], side: int) -> NDArray[np.float32]:
    """(h, w), nowhere below 0, to (S, S) from 0 to 1: its smallest value at 0, its largest at 1, between them lines."""
    small = torch.from_numpy(_spread(heat))
    large = F.interpolate(small[None, None], (side, side), mode="bilinear", align_corners=False)[0, 0]
    return _spread(large.numpy())


def _spread(heat: NDArray[np.float32]) -> NDArray[np.float32]:
    above = heat - heat.min()
    return np.asarray(above / (SMALLEST + above.max()), dtype=np.float32)


def _raw_map(look: Look, place: int, method: Method) -> NDArray[np.float32]:
    """(h, w) of the node at this place, as the method gives it."""
    values, gradient = look.values(place), _gradient(look, place, method)
    found = method.find(values, gradient)
    largest = float((values * gradient).abs().sum(0).max())
    return found if found.max() > ROUNDING * largest else np.zeros_like(found)


def _gradient(look: Look, place: int, method: Method) -> Tensor:
    """(C, h, w): how the evidence of the node at this place, less that of the other, hangs on what its layer saw."""
    module = look.layers[place].module
    cut = look.opened.cuts[module]
    if not method.needs_gradient:
        return torch.zeros_like(look.values(place))
    evidence, node, other = look.opened.evidence, look.nodes[place], int(look.others[place])
    target = evidence[node] - evidence[other] if other != NO_OTHER else evidence[node]
    (gradient,) = torch.autograd.grad(target, cut, retain_graph=True, allow_unused=True)
    return look.opened.as_map[module](torch.zeros_like(cut) if gradient is None else gradient)[0]


def _others(taxonomy: Taxonomy, evidence: Tensor, nodes: Sequence[int], against: int | Sequence[int]) -> IntArray:
    """(K,) the node that each is held against, NO_OTHER for none."""
    wanted = np.broadcast_to(np.asarray(against, dtype=np.int64), len(nodes)).copy()
    values = evidence.detach().cpu().numpy()
    for place, node in enumerate(nodes):
        if wanted[place] == STRONGEST_SIBLING:
            wanted[place] = strongest_sibling(taxonomy, values, node)
    return wanted


def counterpart(taxonomy: Taxonomy, node: int, other: int) -> int:
    """Who `node` is held against where somebody asks "and why not `other`": the class of its level that leads there.

    Where `other` is higher up, it itself. NO_OTHER where the two say the same at this level, as they share it.
    """
    path = taxonomy.path(other)
    held = path[min(int(taxonomy.depths[node]), len(path)) - 1] if path and node else NO_OTHER
    return held if held == NO_OTHER or not taxonomy.is_at_or_below(node, held) else NO_OTHER


def strongest_sibling(taxonomy: Taxonomy, values: NDArray[np.floating[Any]], node: int) -> int:
    """The other child of the node's parent with the largest of these (N,) values; NO_OTHER for an only child."""
    parent = int(taxonomy.parents[node])
    children = taxonomy.children(parent) if parent >= 0 else np.array([node])
    siblings = children[children != node]
    return int(siblings[values[siblings].argmax()]) if len(siblings) else NO_OTHER
