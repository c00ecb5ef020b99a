"""What a net learned for each place of its map, for a map of another size: one rule for all nets."""

import torch
from torch import Tensor
from torch.nn import functional as F


def resized_map(table: Tensor, height: int, width: int) -> Tensor:
    """(1, C, h, w) to (1, C, height, width), bicubic; the table itself where it has that size.

    With antialiasing: where the map gets smaller, as the small views at the start of a training make it, a place takes
    the mean of the places that it stands for. Without it those between the sampled ones would count for nothing, and
    learn nothing.
    """
    if table.shape[2:] == (height, width):
        return table
    return F.interpolate(table, size=(height, width), mode="bicubic", antialias=True)


def resized_rows(table: Tensor, height: int, width: int, tokens: int = 1) -> Tensor:
    """(tokens + n², C) rows, the first ones of no place, to (tokens + height · width, C)."""
    side = round((len(table) - tokens) ** 0.5)
    if (side, side) == (height, width):
        return table
    cells = table[tokens:].t().reshape(1, -1, side, side)
    return torch.cat([table[:tokens], resized_map(cells, height, width)[0].flatten(1).t()])
