"""Graphs over the cells of a feature map: which cells look alike, and the largest difference to them.

"Vision GNN: An Image is Worth Graph of Nodes", Han et al., NeurIPS 2022. Where we differ: the graph is always built in
float32; on maps with few cells the dilation shrinks first, then the number of neighbours.
"""

from functools import lru_cache

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from hmgc_core.models.work_blocks import slices
from hmgc_core.precision import without_autocast

DISTANCES = 2**26  # 256 MB


class CellGraph(nn.Module):
    """The `count` nearest candidates of every cell, of the nearest `count * dilation` every `dilation`-th.

    Candidates are the cells themselves, or means of `pooling` x `pooling` of them. positions: how the distance on the
    map counts beside the distance of the features: "" not at all, "2d" or "vig" (see `position_distances`).
    """

    def __init__(self, count: int, dilation: int, pooling: int = 1, positions: str = "") -> None:
        super().__init__()
        self.count, self.dilation, self.pooling, self.positions = count, dilation, pooling, positions

    def forward(self, cells: Tensor) -> tuple[Tensor, Tensor]:
        """(B, C, h, w) to the candidates (B, C, h', w') and, per cell, (B, h*w, k) indices of them, nearest first."""
        candidates = pooled(cells, self.pooling)
        return candidates, self._nearest(cells.detach(), candidates.detach())

    @torch.no_grad()
    def _nearest(self, cells: Tensor, candidates: Tensor) -> Tensor:
        """A part of the cells after the other, so that of their distances to all candidates no more than a block is
        there at a time.
        """
        with without_autocast(cells.device):
            from_cells = F.normalize(cells.flatten(2).float(), dim=1).transpose(1, 2)
            to_candidates = F.normalize(candidates.flatten(2).float(), dim=1)
            batch, total = len(cells), to_candidates.shape[2]
            count = min(self.count, total)
            dilation = min(self.dilation, total // count)
            nearest = []
            for some in slices(from_cells.shape[1], DISTANCES // max(1, batch * total)):
                nearness = self._nearness(from_cells[:, some], to_candidates, some, cells.shape)
                nearest.append(nearness.topk(count * dilation)[1][:, :, ::dilation])
        return torch.cat(nearest, 1)

    def _nearness(self, from_cells: Tensor, to_candidates: Tensor, some: slice, grid: torch.Size) -> Tensor:
        """(B, n, M): the larger the nearer, for these n cells of the (B, C, h, w) grid."""
        # Between unit vectors the squared distance is 2 - 2 * product: the largest product is the nearest.
        if not self.positions:
            return torch.bmm(from_cells, to_candidates)
        far = position_distances(*grid[1:], self.pooling, self.positions, str(from_cells.device))
        return torch.baddbmm(far[some], from_cells, to_candidates, beta=-1, alpha=2)


def pooled(cells: Tensor, pooling: int) -> Tensor:
    """Means of `pooling` x `pooling` cells; at the right and lower edge of whatever is left there."""
    return F.avg_pool2d(cells, pooling, pooling, ceil_mode=True) if pooling > 1 else cells


def max_relative(cells: Tensor, candidates: Tensor, neighbours: Tensor) -> Tensor:
    """For every cell and channel the largest of (neighbour - cell): (B, C, h, w), (B, C, h', w'), (B, N, k) to
    (B, C, h, w).

    The largest difference is the difference to the largest, to the last bit, as rounding keeps order: so no tensor of
    k differences a cell is needed. In training the maximum is an embedding bag, which keeps none for the gradient
    either: half the time of gather and maximum; without gradients gather and maximum take half the time of the bag.
    """
    batch, channels, total = len(cells), cells.shape[1], candidates.shape[2] * candidates.shape[3]
    rows = candidates.flatten(2).transpose(1, 2).reshape(batch * total, channels)
    wanted = neighbours + torch.arange(0, batch * total, total, device=neighbours.device).view(batch, 1, 1)
    if torch.is_grad_enabled() and rows.requires_grad:
        largest = F.embedding_bag(wanted.flatten(0, 1), rows, mode="max").view(batch, -1, channels)
    else:
        largest = F.embedding(wanted, rows).amax(2)
    return largest.transpose(1, 2).reshape(cells.shape) - cells


@lru_cache(maxsize=64)
def position_distances(channels: int, height: int, width: int, pooling: int, kind: str, device: str) -> Tensor:
    """(N, M) float32: what is added to the squared distance of a cell and a candidate for being apart on the map.

    -2/C * P Q^T, where P are the cells' fixed codes of C sines and cosines and Q those of the candidates: with "2d" the
    mean code of the cells that the candidate is the mean of; with "vig" the codes in a row, shortened by bicubic
    interpolation across the ends of lines, as published: there the nearest candidate is seldom the own one.
    """
    # Made once for each grid, perhaps under inference mode, and used in training later.
    with torch.inference_mode(mode=False), torch.no_grad():
        codes = _position_codes(channels, height, width, device)
        if kind == "2d":
            shorter = pooled(codes, pooling).flatten(2)
        else:
            total = pooled(codes[:, :1], pooling).numel()
            shorter = F.interpolate(codes.flatten(2)[None], size=(channels, total), mode="bicubic")[0]
        return (-2 / channels * codes.flatten(2)[0].T @ shorter[0]).float()


def _position_codes(channels: int, height: int, width: int, device: str) -> Tensor:
    """(1, C, h, w) float64 sines and cosines: the column in the first half of the channels, the row in the second."""
    quarter = channels // 4
    frequencies = 10_000.0 ** -(torch.arange(quarter, dtype=torch.float64, device=device) / quarter)

    def along(length: int) -> Tensor:
        angles = frequencies[:, None] * torch.arange(length, dtype=torch.float64, device=device)
        return torch.cat([angles.sin(), angles.cos()])

    columns = along(width)[:, None, :].expand(-1, height, -1)
    rows = along(height)[:, :, None].expand(-1, -1, width)
    return torch.cat([columns, rows])[None]
