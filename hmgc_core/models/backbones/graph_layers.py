"""The layers of GraphConvNet and ViG: a graph step, feed-forward and bottleneck, each with its shortcut."""

import torch
from torch import Tensor, nn

from hmgc_core.models.backbones.cell_graph import CellGraph, max_relative


class Residual(nn.Sequential):
    """Layers one after the other, and what came in added to what comes out."""

    def forward(self, features: Tensor) -> Tensor:
        """(B, C, h, w) to (B, C, h, w)."""
        added: Tensor = features + super().forward(features)
        return added


class Grapher(nn.Module):
    """Each cell beside the largest difference to its neighbours, mixed by 1x1 convolutions; with a shortcut."""

    def __init__(self, channels: int, graph: CellGraph) -> None:
        super().__init__()
        self.enter = convolution(channels, channels)
        self.graph = graph
        self.mix = nn.Sequential(*convolution(2 * channels, 2 * channels, groups=4), nn.GELU())
        self.leave = convolution(2 * channels, channels)

    def forward(self, features: Tensor) -> Tensor:
        """(B, C, h, w) to (B, C, h, w)."""
        cells = self.enter(features)
        candidates, neighbours = self.graph(cells)
        differences = max_relative(cells, candidates, neighbours)
        # Channel by channel: the cell, its difference, the next channel's cell, ...
        both = torch.stack((cells, differences), 2).flatten(1, 2)
        left: Tensor = features + self.leave(self.mix(both))
        return left


class GraphConvBlock(nn.Module):
    """GraphConvNet's block: graph, feed-forward, convolutions, then the block's shortcut and a BatchNorm."""

    def __init__(self, channels: int, graph: CellGraph) -> None:
        super().__init__()
        self.layers = nn.Sequential(Grapher(channels, graph), _feed_forward(channels), _bottleneck(channels))
        self.norm = nn.BatchNorm2d(channels)

    def forward(self, features: Tensor) -> Tensor:
        """(B, C, h, w) to (B, C, h, w)."""
        normed: Tensor = self.norm(features + self.layers(features))
        return normed


def vig_block(channels: int, graph: CellGraph) -> nn.Sequential:
    """ViG's block: graph, then feed-forward."""
    return nn.Sequential(Grapher(channels, graph), _feed_forward(channels))


def convolution(
    channels: int, out: int, *, side: int = 1, stride: int = 1, groups: int = 1, bias: bool = True
) -> nn.Sequential:
    """A convolution of `side` x `side` that keeps the map's size (or divides it by the stride), and its BatchNorm."""
    layer = nn.Conv2d(channels, out, side, stride=stride, padding=side // 2, groups=groups, bias=bias)
    return nn.Sequential(layer, nn.BatchNorm2d(out))


def _feed_forward(channels: int) -> Residual:
    return Residual(*convolution(channels, 4 * channels), nn.GELU(), *convolution(4 * channels, channels))


def _bottleneck(channels: int) -> Residual:
    """ResNet's bottleneck of a quarter of the width, without a ReLU after the sum."""
    quarter = channels // 4
    return Residual(
        *convolution(channels, quarter, bias=False),
        nn.ReLU(inplace=True),
        *convolution(quarter, quarter, side=3, bias=False),
        nn.ReLU(inplace=True),
        *convolution(quarter, channels, bias=False),
    )
