"""What a graph net connected in one picture, and where each of its blocks found evidence for a class.

The heatmaps are Grad-CAM (Selvaraju et al., ICCV 2017) at the 1x1 convolution behind each block's graph, as in the
published figures of GraphConvNet: the hottest patch is a block's most discriminative one, and its neighbours are those
of that very block in the same forward pass. One forward pass serves all classes and blocks, and one backward pass a
class all blocks.
"""

from collections.abc import Sequence
from itertools import groupby

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from hmgc_core.errors import NoGraph
from hmgc_core.learning.cam_layers import evaluating
from hmgc_core.learning.transforms import normalise
from hmgc_core.models.backbones.graph_nets import GraphTrunk, GraphView
from hmgc_core.models.base import HierarchicalModel
from hmgc_core.patch_graph import NO_PATCH, BlockGraph, PatchGraph

SHOWN = 3  # blocks of a net whose maps all have one size: of 12 the published figure shows 4, 8 and 12


def picture_graph(model: HierarchicalModel, image: NDArray[np.uint8], nodes: Sequence[int]) -> PatchGraph:
    """Every block's graph over the patches of a picture, and its evidence for each node.

    image: (3, S, S) uint8 RGB, as in the pixel cache. nodes: K node indices. The model's mode and gradients are left as
    they were found. Raises NoGraph where the backbone connects no patches.
    """
    trunk = graph_trunk(model)
    device = next(model.parameters()).device
    # Its gradient is asked for by nobody, but without it a frozen net would keep no path back to its blocks.
    images = normalise(torch.tensor(image[None], device=device)).requires_grad_()
    with evaluating(model), torch.enable_grad(), trunk.graph_views() as views:
        evidence = model.evidence(model(images))[0]
        slopes = _slopes(evidence, nodes, views)
    blocks = tuple(
        _block(number, view, [slope[number - 1] for slope in slopes]) for number, view in enumerate(views, 1)
    )
    keys = tuple(model.taxonomy.keys[node] for node in nodes)
    return PatchGraph(keys, blocks, tuple(_shown(views)))


def has_graph(model: HierarchicalModel) -> bool:
    """Its backbone connects patches."""
    return isinstance(model.trunk, GraphTrunk)


def graph_trunk(model: HierarchicalModel) -> GraphTrunk:
    """The model's trunk. Raises NoGraph where it connects no patches."""
    if not isinstance(model.trunk, GraphTrunk):
        raise NoGraph(
            "the backbone of this model connects no patches",
            remedy="train on a graphconvnet or vig backbone to see which patches belong together",
        )
    return model.trunk


def _slopes(evidence: Tensor, nodes: Sequence[int], views: list[GraphView]) -> list[list[Tensor]]:
    """For each node and block the gradient of the node's evidence, (1, C, h, w); 0 where it does not depend on it."""
    activations = [view.activation for view in views]
    found = []
    for node in nodes:
        given = torch.autograd.grad(evidence[node], activations, retain_graph=True, allow_unused=True)
        pairs = zip(given, activations, strict=True)
        found.append([torch.zeros_like(there) if slope is None else slope for slope, there in pairs])
    return found


def _block(number: int, view: GraphView, slopes: list[Tensor]) -> BlockGraph:
    maps = [_cam(view.activation.detach(), slope) for slope in slopes]
    heat = torch.stack(maps).cpu().numpy() if maps else np.zeros((0, *view.grid), dtype=np.float32)
    return BlockGraph(
        number=number,
        grid=view.grid,
        candidate_grid=view.candidate_grid,
        pooling=view.pooling,
        neighbours=view.neighbours[0].cpu().numpy().astype(np.int64),
        similarity=_similarity(view).cpu().numpy(),
        heat=heat,
        stars=tuple(int(one.argmax()) if one.max() > 0 else NO_PATCH for one in heat),
    )


def _cam(activation: Tensor, slope: Tensor) -> Tensor:
    """(1, C, h, w) twice to (h, w) in [0, 1]: the channels weighted by their mean gradients, below 0 cut off.

    Divided by the largest and nothing subtracted, as published; where nothing is above 0, or no number, all is 0.
    """
    weighted = (slope.mean((2, 3), keepdim=True) * activation).sum(1)[0].float()
    warm = torch.relu(torch.nan_to_num(weighted, posinf=0.0))
    largest = warm.max()
    return warm / largest if largest > 0 else torch.zeros_like(warm)


def _similarity(view: GraphView) -> Tensor:
    """(h*w, k) cosines between the features of each patch and its neighbours, those that the graph was built of."""
    cells = F.normalize(view.cells[0].flatten(1).float(), dim=0)
    candidates = F.normalize(view.candidates[0].flatten(1).float(), dim=0)
    neighbours = view.neighbours[0]
    # One neighbour a step: on large maps all at once would be k times the features.
    columns = [(cells * candidates[:, neighbours[:, place]]).sum(0) for place in range(neighbours.shape[1])]
    return torch.stack(columns, 1).clamp(-1, 1)


def _shown(views: list[GraphView]) -> list[int]:
    """The numbers of the blocks that stand for all: of a pyramid the last of each stage, else three at equal steps."""
    kinds = [(view.grid, view.activation.shape[1]) for view in views]
    stages = [len(list(same)) for _, same in groupby(kinds)]
    if len(stages) > 1:
        return np.cumsum(stages).tolist()
    steps = min(SHOWN, len(views))
    return [round(len(views) * step / steps) for step in range(1, steps + 1)]
