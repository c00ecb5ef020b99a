"""Where a heatmap may look: the layers of a model by name, and one forward pass that lays some of them open.

Nothing is left behind in the model: the hooks act for the calling thread alone and are gone when the pass is over.
"""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from hmgc_core.errors import BadConfig
from hmgc_core.models.base import HierarchicalModel

LEVELS, LAST = "levels", "last"
MOST_PREFIX_TOKENS = 16  # class and register tokens before those of the places

# A model's mode belongs to all threads, so one looks into a model at a time.
_one_looks = threading.RLock()


@dataclass(frozen=True, eq=False)
class Layer:
    """A layer whose output a heatmap can show. channels: of each place, None where it surely gives (B, C, h, w)."""

    module: nn.Module
    channels: int | None = None


@dataclass(frozen=True)
class Opened:
    """One pass through a model for one picture.

    evidence: (N,) with a graph that ends at the layers that were cut. cuts: what each of these gave, raw. as_map: how
    to read the raw output of a layer, or a gradient at it, as (1, C, h, w); layers that give no map are left out.
    grids: the (h, w) of these.
    """

    scores: Any
    evidence: Tensor
    cuts: dict[nn.Module, Tensor]
    as_map: dict[nn.Module, Callable[[Tensor], Tensor]]
    grids: dict[nn.Module, tuple[int, int]]


def named_layers(model: HierarchicalModel) -> dict[str, Sequence[Layer]]:
    """The layers by the names people choose, the model's own choice first.

    `levels`, where each level has a layer of its own: one for each level, the top first. Then `last`, the layer before
    the scores, and `last-1`, `last-2`, ... before it, with more places and less meaning.
    """
    named: dict[str, Sequence[Layer]] = {}
    if model.level_layers:
        named[LEVELS] = [Layer(module) for module in model.level_layers]
    named[LAST] = [Layer(model.target_layer)]
    for back, (module, channels) in enumerate(reversed(model.trunk.earlier_layers()), 1):
        named[f"{LAST}-{back}"] = [Layer(module, channels)]
    return named


def chosen_layers(model: HierarchicalModel, name: str, depths: Sequence[int]) -> list[Layer]:
    """For nodes at these depths the layer of this name, "" for the model's own choice. Raises BadConfig."""
    named = named_layers(model)
    if name and name not in named:
        raise BadConfig(f"this model has no layer {name!r}", remedy=f"choose one of {', '.join(named)}")
    layers = named[name or next(iter(named))]
    # The root belongs to no level; the first level's layer serves it.
    return [layers[min(max(depth - 1, 0), len(layers) - 1)] for depth in depths]


@contextmanager
def evaluating(model: nn.Module) -> Iterator[None]:
    """The model in evaluation mode for this thread alone; every module has its own mode back afterwards."""
    with _one_looks:
        learning = [module for module in model.modules() if module.training]
        try:
            for module in learning:
                module.training = False
            yield
        finally:
            for module in learning:
                module.training = True


def open_up(model: HierarchicalModel, images: Tensor, cut: Sequence[Layer], *, also: Sequence[Layer] = ()) -> Opened:
    """Run the model, in evaluation mode already, over one picture, (1, 3, S, S), and keep what its layers gave.

    Below the layers to `cut` nothing is recorded for gradients; none of them may lie above another. Of those to look
    at `also`, only the grids are told. Raises BadConfig where a layer to cut gives no map.
    """
    wanted = {layer.module: layer for layer in (*also, *cut)}
    wanted.setdefault(model.target_layer, Layer(model.target_layer))
    raw: dict[nn.Module, Any] = {}
    cuts: dict[nn.Module, Tensor] = {}
    with ExitStack() as hooks, torch.no_grad():
        for module in wanted:
            is_cut = any(layer.module is module for layer in cut)
            hook = module.register_forward_hook(_hook(raw, cuts if is_cut else None))
            hooks.callback(hook.remove)
        scores = model(images)
        evidence = model.evidence(scores)[0]
    last = raw.get(model.target_layer)
    grid = (last.shape[2], last.shape[3]) if isinstance(last, Tensor) and last.ndim == 4 else (0, 0)
    ways = {module: _as_map(wanted[module], output, grid) for module, output in raw.items()}
    as_map = {module: way for module, way in ways.items() if way}
    if any(layer.module not in as_map for layer in cut):
        raise BadConfig("this layer of the model gives no map of the picture", remedy="choose another layer")
    grids = {module: (shape[2], shape[3]) for module, way in as_map.items() if (shape := way(raw[module]).shape)}
    return Opened(scores, evidence, cuts, as_map, grids)


def _hook(raw: dict[nn.Module, Any], cuts: dict[nn.Module, Tensor] | None) -> Callable[..., Tensor | None]:
    """Notes what a layer gives; with `cuts`, the graph begins there, and goes on from a copy of it."""
    thread = threading.get_ident()

    def hook(module: nn.Module, _given: object, output: Any) -> Tensor | None:
        if threading.get_ident() != thread:
            return None
        raw[module] = output
        if cuts is None or not isinstance(output, Tensor):
            return None
        cuts[module] = output.detach().clone().requires_grad_()
        torch.set_grad_enabled(True)  # to the end of the pass, which is within `no_grad`
        # What follows may change its input in place, which the beginning of a graph does not allow.
        return cuts[module].clone()

    return hook


def _as_map(layer: Layer, output: Any, grid: tuple[int, int]) -> Callable[[Tensor], Tensor] | None:
    """How to read such an output as (1, C, h, w), None where it belongs to no places. grid: of the last map."""
    if not isinstance(output, Tensor):
        return None
    if output.ndim == 4:
        if layer.channels in (None, output.shape[1]):
            return lambda values: values
        return (lambda values: values.permute(0, 3, 1, 2)) if layer.channels == output.shape[3] else None
    places = grid[0] * grid[1]
    if output.ndim != 3 or not places or not 0 <= output.shape[1] - places <= MOST_PREFIX_TOKENS:
        return None
    return lambda values: values[:, -places:].transpose(1, 2).unflatten(2, grid)
