"""GraphConvNet and ViG, isotropic and pyramid, in two sizes: trunks whose blocks connect cells that look alike.

ViG: "Vision GNN: An Image is Worth Graph of Nodes", Han et al., NeurIPS 2022. GraphConvNet (published as code) adds a
bottleneck of convolutions to each of its blocks, a second shortcut and a BatchNorm, and keeps 9 neighbours in pyramids.
Parameters, the order of the tensors and the output are the published nets'; dropout and drop path are 0, as there.
Where we differ: any picture from 32 px on, which `models.catalog` checks (position tables are resized, pooling takes
odd maps), a graph in float32, and by default relative positions whose pooling is two-dimensional (`rel_pos`, see
docs/models.md).
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice, pairwise

import torch
from torch import Tensor, nn

from hmgc_core.models.backbones.cell_graph import CellGraph
from hmgc_core.models.backbones.colours import Colours
from hmgc_core.models.backbones.graph_layers import GraphConvBlock, Grapher, convolution, vig_block
from hmgc_core.models.backbones.positions import resized_map
from hmgc_core.models.base import Trunk
from hmgc_core.records import OptionValue

NECK_CHANNELS = 1024
FEWEST = 9  # neighbours of a cell in the first block; where they grow, twice as many in the last


@dataclass(frozen=True)
class Plan:
    """The shape of one net. channels, blocks, pooling: of each of its four stages.

    halves: a stage's map is half as wide as the one before, from a quarter of the picture on; else all maps have a
    sixteenth. neighbours, dilations: of each block, from the first stage to the last. has_convolutions: GraphConvNet.
    """

    channels: tuple[int, ...]
    blocks: tuple[int, ...]
    pooling: tuple[int, ...]
    halves: bool
    neighbours: tuple[int, ...]
    dilations: tuple[int, ...]
    has_convolutions: bool


@dataclass(frozen=True)
class GraphView:
    """What one block saw in one forward pass; cells are counted row by row.

    neighbours: (B, h*w, k) candidates of each cell, nearest first; without pooling the first is the cell itself.
    grid: (h, w) of the cells. candidate_grid: (h', w'); a candidate is the mean of pooling x pooling cells.
    activation: (B, C, h, w), the 1x1 convolution after the graph, before its BatchNorm; its gradient can be asked for.
    cells, candidates: (B, C, h, w) and (B, C, h', w') features that the graph was built of, without their gradients.
    """

    neighbours: Tensor
    grid: tuple[int, int]
    candidate_grid: tuple[int, int]
    pooling: int
    activation: Tensor
    cells: Tensor
    candidates: Tensor


class GraphTrunk(Trunk):
    """A net of graph blocks by its plan. `pool` goes through the published neck, C to 1024.

    image_size: the side in pixels that the position table is made for; it is resized for others.
    rel_pos: "2d" or "vig", how pyramids count the distance on the map; others do not.
    """

    def __init__(self, plan: Plan, image_size: int, rel_pos: str = "2d") -> None:
        super().__init__()
        self.needs_adamw = True
        self.stage_channels, self.channels = plan.channels, plan.channels[-1]
        self.rel_pos = rel_pos if plan.halves else ""
        side = -(-image_size // (4 if plan.halves else 16))
        self.pos_embed = nn.Parameter(torch.zeros(1, plan.channels[0], side, side))
        self.stem = _stem(plan)
        self.parts = nn.ModuleList(_parts(plan, self.rel_pos))
        self.neck: nn.Sequential | None = nn.Sequential(*convolution(self.channels, NECK_CHANNELS), nn.GELU())
        # ViG was trained on pictures from -1 to 1, GraphConvNet on those of every other trunk.
        self.colours = nn.Identity() if plan.has_convolutions else Colours((0.5,) * 3, (0.5,) * 3)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight)
                if module.bias is not None:
                    nn.init.zeros_(module.bias)

    @property
    def vector_channels(self) -> int:
        """1024 with the neck, else those of the map."""
        return NECK_CHANNELS if self.neck else self.channels

    def stages(self, images: Tensor) -> list[Tensor]:
        """(B, 3, H, W) to the map after each stage; the isotropic nets' blocks are four equal stages."""
        cells = self.stem(self.colours(images))
        maps = [cells + resized_map(self.pos_embed, *cells.shape[2:])]
        for part in self.parts:
            maps.append(part(maps[-1]))
        return maps[1:]

    def pool(self, features: Tensor) -> Tensor:
        """The last map to its mean, (B, C), through the neck to (B, 1024)."""
        mean = features.mean((2, 3), keepdim=True)
        return (self.neck(mean) if self.neck else mean).flatten(1)

    def earlier_layers(self) -> list[tuple[nn.Module, int]]:
        """All stages but the last."""
        return list(zip(self.parts, self.stage_channels, strict=True))[:-1]

    def _cut(self, count: int) -> None:
        if count < len(self.parts):
            self.neck = None  # it was made for the last map
        self.parts = self.parts[:count]

    @contextmanager
    def graph_views(self) -> Iterator[list[GraphView]]:
        """While it is open, a forward pass of the trunk adds one view a block, in order; nothing stays behind."""
        views: list[GraphView] = []
        graphers = [module for module in self.modules() if isinstance(module, Grapher)]
        hooks = [hook for grapher in graphers for hook in _watch(grapher, views)]
        try:
            yield views
        finally:
            for hook in hooks:
                hook.remove()

    def adopt(self, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
        """A published file's tensors have other names in the same order; its fixed tables are made here anyway."""
        if self.rel_pos == "2d" and any(name.endswith("relative_pos") for name in tensors):
            self.remarks.append(
                "these weights were trained with the option rel_pos=vig, which fits them better than 2d"
            )
        wanted = [name for name in self.state_dict() if not name.startswith("colours.")]
        given = {
            name: tensor
            for name, tensor in tensors.items()
            if not name.endswith("relative_pos") and not name.startswith("prediction.4.")
        }
        is_published = "stem.convs.0.weight" in given and len(given) == len(wanted)
        return dict(zip(wanted, given.values(), strict=True)) if is_published else given


def _watch(grapher: Grapher, views: list[GraphView]) -> Iterator[torch.utils.hooks.RemovableHandle]:
    seen: list[tuple[Tensor, Tensor, Tensor]] = []

    def note(_module: nn.Module, _given: object, activation: Tensor) -> None:
        cells, candidates, neighbours = seen.pop()
        grid, candidate_grid = ((there.shape[2], there.shape[3]) for there in (activation, candidates))
        pooling = grapher.graph.pooling
        views.append(GraphView(neighbours, grid, candidate_grid, pooling, activation, cells, candidates))

    def see(_module: nn.Module, given: tuple[Tensor], made: tuple[Tensor, Tensor]) -> None:
        seen.append((given[0].detach(), made[0].detach(), made[1]))

    yield grapher.graph.register_forward_hook(see)
    yield grapher.leave[0].register_forward_hook(note)


def _stem(plan: Plan) -> nn.Sequential:
    """3x3 convolutions of stride 2, to a quarter or a sixteenth of the picture's side, and one of stride 1."""
    width = plan.channels[0]
    widths = [3, width // 2, width] if plan.halves else [3, width // 8, width // 4, width // 2, width]
    layers: list[nn.Module] = []
    for before, after in pairwise(widths):
        layers += [*convolution(before, after, side=3, stride=2), nn.GELU()]
    return nn.Sequential(*layers, *convolution(width, width, side=3))


def _parts(plan: Plan, rel_pos: str) -> Iterator[nn.Sequential]:
    """The stages; in a pyramid each but the first begins with a convolution that halves the map."""
    settings = zip(plan.neighbours, plan.dilations, strict=True)
    for stage, (channels, count, pooling) in enumerate(zip(plan.channels, plan.blocks, plan.pooling, strict=True)):
        part = nn.Sequential()
        if plan.halves and stage:
            part.append(convolution(plan.channels[stage - 1], channels, side=3, stride=2))
        for neighbours, dilation in islice(settings, count):
            graph = CellGraph(neighbours, dilation, pooling, rel_pos)
            part.append(GraphConvBlock(channels, graph) if plan.has_convolutions else vig_block(channels, graph))
        yield part


# --- the nets of the catalog ------------------------------------------------------------------------------------------


def isotropic(channels: int, blocks: int, *, has_convolutions: bool) -> Plan:
    """One width throughout; up to twice as many neighbours, and dilated further, towards the end."""
    return Plan(
        channels=(channels,) * 4,
        blocks=(blocks // 4,) * 4,
        pooling=(1, 1, 1, 1),
        halves=False,
        neighbours=tuple(FEWEST + FEWEST * i // (blocks - 1) for i in range(blocks)),
        dilations=tuple(i // 4 + 1 for i in range(blocks)),
        has_convolutions=has_convolutions,
    )


def pyramid(channels: tuple[int, int, int, int], *, has_convolutions: bool) -> Plan:
    """Stages of 2, 2, 6 and 2 blocks; on the large maps cells look for neighbours among means of cells."""
    blocks = 12
    return Plan(
        channels=channels,
        blocks=(2, 2, 6, 2),
        pooling=(4, 2, 1, 1),
        halves=True,
        neighbours=tuple(FEWEST if has_convolutions else FEWEST + FEWEST * i // (blocks - 1) for i in range(blocks)),
        dilations=tuple(min(i // 4 + 1, 3 if has_convolutions else 2) for i in range(blocks)),
        has_convolutions=has_convolutions,
    )


Options = Mapping[str, OptionValue]


def graphconvnet_ti(image_size: int, _options: Options) -> GraphTrunk:
    """192 channels, 12 blocks."""
    return GraphTrunk(isotropic(192, 12, has_convolutions=True), image_size)


def graphconvnet_s(image_size: int, _options: Options) -> GraphTrunk:
    """320 channels, 16 blocks."""
    return GraphTrunk(isotropic(320, 16, has_convolutions=True), image_size)


def vig_ti(image_size: int, _options: Options) -> GraphTrunk:
    """192 channels, 12 blocks."""
    return GraphTrunk(isotropic(192, 12, has_convolutions=False), image_size)


def vig_s(image_size: int, _options: Options) -> GraphTrunk:
    """320 channels, 16 blocks."""
    return GraphTrunk(isotropic(320, 16, has_convolutions=False), image_size)


def pyramid_graphconvnet_ti(image_size: int, options: Options) -> GraphTrunk:
    """48 to 384 channels, 12 blocks."""
    return GraphTrunk(pyramid((48, 96, 240, 384), has_convolutions=True), image_size, str(options["rel_pos"]))


def pyramid_graphconvnet_s(image_size: int, options: Options) -> GraphTrunk:
    """80 to 640 channels, 12 blocks."""
    return GraphTrunk(pyramid((80, 160, 400, 640), has_convolutions=True), image_size, str(options["rel_pos"]))


def pyramid_vig_ti(image_size: int, options: Options) -> GraphTrunk:
    """48 to 384 channels, 12 blocks."""
    return GraphTrunk(pyramid((48, 96, 240, 384), has_convolutions=False), image_size, str(options["rel_pos"]))


def pyramid_vig_s(image_size: int, options: Options) -> GraphTrunk:
    """80 to 640 channels, 12 blocks."""
    return GraphTrunk(pyramid((80, 160, 400, 640), has_convolutions=False), image_size, str(options["rel_pos"]))
