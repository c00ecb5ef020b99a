"""Pictures to what a model sees: normalised floats, and in training a random view of each. In batch, on the device.

Every random number comes from (seed, epoch, step), so a resumed run sees what a straight one would have seen.
"""

from functools import cache
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from hmgc_core.learning.processes import Share, whole
from hmgc_core.models.backbones.colours import MEAN, SPREAD

# A view shows at least this share of the picture's area, at most e^0.25 times wider or narrower, and may reach this
# share of half a side over the edge, where the picture is mirrored.
SMALLEST_AREA = 0.5
LARGEST_STRETCH = 0.25
REACH = 0.1
# Brightness, contrast and saturation each by a factor of 1 plus or minus this.
COLOUR_CHANGE = 0.3
# A strong view also hides a square of this share of the side, perhaps partly over the edge.
HIDDEN_SIDE = 0.5
# A weak view is moved by at most this share of half a side.
WEAK_SHIFT = 0.125
# HRN's authors cut 448 of 550 pixels, at most 8 of them over the edge, where it is black.
HRN_SIDE, HRN_REACH = 448 / 550, 16 / 550
ONE_BY_ONE_FROM = 128  # pixels
WEAK = 1  # beside (seed, epoch, step): a weak view is another one than the strong view of its step


def normalise(pixels: Tensor) -> Tensor:
    """(B, 3, S, S) of 0..255, uint8 or float, to float32, channels-last: mean 0 and spread 1 over typical photos."""
    floats = pixels.to(torch.float32, memory_format=torch.channels_last, copy=True)
    # Line by line and in place: broadcasting over three colours, or a second block of memory, would cost more.
    lines = floats.permute(0, 2, 3, 1).view(-1, 3 * pixels.shape[-1])
    factors, offsets = _colours_of_a_line(pixels.device, pixels.shape[-1])
    torch.addcmul(offsets, lines, factors, out=lines)
    return floats


@cache
def _colours(device: torch.device) -> tuple[Tensor, Tensor]:
    """(1, 3, 1, 1) mean and spread of 0..255; made once, since a copy to a GPU is waited for."""
    with torch.inference_mode(False):
        mean, spread = (torch.tensor(values, device=device).view(1, 3, 1, 1) * 255 for values in (MEAN, SPREAD))
    return mean, spread


@cache
def _colours_of_a_line(device: torch.device, width: int) -> tuple[Tensor, Tensor]:
    """(3 · width,) factors and offsets that normalise one line of a channels-last picture."""
    with torch.inference_mode(False):
        mean, spread = (colours.flatten().repeat(width) for colours in _colours(device))
        return 1 / spread, -mean / spread


def random_views(
    pixels: Tensor, *, side: int, seed: int, epoch: int, step: int, kind: str = "plain", share: Share | None = None
) -> Tensor:
    """A random view of each picture: of the whole square, by the switch `views`.

    plain: a part, stretched to the square, perhaps mirrored, in changed light. strong: with a square of it hidden too
    (DeVries and Taylor, 2017). hrn: a part of one size, perhaps mirrored.
    pixels: (B, 3, S, S) uint8. share: which part of the step's batch they are, None for all of it: a picture has the
    same view wherever the others are learned. Returns (B, 3, side, side) of 0..255, float32 or uint8.
    """
    random = np.random.default_rng([seed, epoch, step])
    share = whole(len(pixels)) if share is None else share
    count, rows = share.of, share.rows
    if kind == "hrn":
        parts = _parts(random, np.full((2, count), HRN_SIDE), reach=1 - HRN_SIDE + HRN_REACH)
        return _cut_out(pixels, parts[rows], side, beyond="zeros")
    views = _cut_out(pixels, _random_parts(random, count)[rows], side)
    views = views.to(torch.float32, memory_format=torch.contiguous_format)  # light is changed faster colour by colour
    factors = random.uniform(1 - COLOUR_CHANGE, 1 + COLOUR_CHANGE, (3, count, 1, 1, 1))
    views = _in_other_light(views, *_beside(pixels, factors[:, rows]))
    if kind == "strong":
        views = _with_a_square_hidden(views, *_beside(pixels, random.uniform(-1, 1, (2, count))[:, rows]))
    return views


def weak_views(pixels: Tensor, *, side: int, seed: int, epoch: int, step: int, share: Share | None = None) -> Tensor:
    """Each picture whole, perhaps mirrored, a little moved: what the guess of a pseudo-label is made from.

    Shapes and share as in `random_views`.
    """
    random = np.random.default_rng([seed, epoch, step, WEAK])
    share = whole(len(pixels)) if share is None else share
    parts = _parts(random, np.ones((2, share.of)), reach=WEAK_SHIFT)
    return _cut_out(pixels, parts[share.rows], side)


def _cut_out(pixels: Tensor, parts: NDArray[np.float64], side: int, beyond: str = "reflection") -> Tensor:
    """The parts of (B, 3, S, S) uint8 pictures as (B, 3, side, side); `beyond` the edge it mirrors or is zero.

    Float32 of 0..255, or uint8 where nothing between whole numbers comes of it.

    A processor cuts larger ones out one by one and in whole pixels, by what torchvision resizes with:
    docs/decisions/0025 has why.
    """
    if pixels.device.type == "cpu" and pixels.shape[-1] >= ONE_BY_ONE_FROM:
        return _each_cut_out(pixels, parts, side, mode="reflect" if beyond == "reflection" else "constant")
    grid = nn.functional.affine_grid(_beside(pixels, parts), [len(pixels), 3, side, side], align_corners=False)
    return nn.functional.grid_sample(pixels.float(), grid, padding_mode=beyond, align_corners=False)


def _each_cut_out(
    pixels: Tensor, parts: NDArray[np.float64], side: int, mode: Literal["reflect", "constant"]
) -> Tensor:
    size = pixels.shape[-1]
    # (B, 2) across and down, in whole pixels, at least two.
    lengths = np.maximum(np.rint(np.abs(parts[:, [0, 1], [0, 1]]) * size).astype(int), 2)
    starts = np.rint((parts[:, :, 2] + 1) * size / 2 - lengths / 2).astype(int)
    views = torch.empty(len(pixels), 3, side, side, dtype=torch.uint8, memory_format=torch.channels_last)
    for i, ((left, top), (width, height)) in enumerate(zip(starts.tolist(), lengths.tolist(), strict=True)):
        # A batch of one, channels-last all along: so torch cuts it in half the time.
        part = pixels[i : i + 1, :, max(top, 0) : top + height, max(left, 0) : left + width]
        over = [(max(-top, 0), max(top + height - size, 0)), (max(-left, 0), max(left + width - size, 0))]
        if any(map(any, over)):
            padded = np.pad(part.permute(0, 2, 3, 1).numpy(), [(0, 0), *over, (0, 0)], mode=mode)
            part = torch.from_numpy(padded).permute(0, 3, 1, 2)
        view = nn.functional.interpolate(part, (side, side), mode="bilinear", antialias=True)
        views[i] = (view.flip(3) if parts[i, 0, 0] < 0 else view)[0]
    return views


def _beside(pixels: Tensor, numbers: NDArray[np.float64]) -> Tensor:
    """The numbers as float32 where the pixels are; a GPU gets them without anybody waiting."""
    tensor = torch.from_numpy(numbers.astype(np.float32))
    return (tensor.pin_memory() if pixels.is_cuda else tensor).to(pixels.device, non_blocking=True)


def _random_parts(random: np.random.Generator, count: int) -> NDArray[np.float64]:
    """(count, 2, 3) maps from the square of a view, -1..1, to that of its picture: scale, mirror, shift."""
    area = random.uniform(SMALLEST_AREA, 1.0, count)
    stretch = np.exp(random.uniform(-LARGEST_STRETCH, LARGEST_STRETCH, count))
    scale = np.sqrt([area * stretch, area / stretch])
    return _parts(random, scale, reach=np.maximum(1 - scale, REACH))


def _parts(
    random: np.random.Generator, scale: NDArray[np.float64], *, reach: float | NDArray[np.float64]
) -> NDArray[np.float64]:
    """(count, 2, 3) of these scales, (2, count), moved by at most `reach`, every other one mirrored."""
    count = scale.shape[1]
    shift = random.uniform(-1, 1, (2, count)) * reach
    parts = np.zeros((count, 2, 3))
    parts[:, 0, 0] = scale[0] * random.choice([-1.0, 1.0], count)
    parts[:, 1, 1] = scale[1]
    parts[:, :, 2] = shift.T
    return parts


def _with_a_square_hidden(views: Tensor, across: Tensor, down: Tensor) -> Tensor:
    """A square around a place of each view, (B,) in -1..1 both ways, in the mean colour of photos."""
    side = views.shape[-1]
    places = (torch.arange(side, device=views.device) + 0.5) * 2 / side - 1
    inside_x = (places - across[:, None]).abs() <= HIDDEN_SIDE
    inside_y = (places - down[:, None]).abs() <= HIDDEN_SIDE
    hidden = inside_y[:, None, :, None] & inside_x[:, None, None, :]
    return torch.where(hidden, _colours(views.device)[0], views)


def _in_other_light(views: Tensor, brightness: Tensor, contrast: Tensor, saturation: Tensor) -> Tensor:
    """Brighter or darker; nearer to or farther from the picture's mean; nearer to or farther from grey.

    The three one after the other are a multiple of the picture, a multiple of its grey, and a number: few passes.
    """
    grey = views.mean(1, keepdim=True)
    middle = brightness * grey.mean((2, 3), keepdim=True)
    coloured = brightness * contrast
    rest = grey * (coloured * (1 - saturation)) + middle * (1 - contrast)
    return torch.addcmul(rest, views, coloured * saturation).clamp_(0, 255)
