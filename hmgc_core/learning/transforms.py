"""Pictures to what a model sees: normalised floats, and in training a random view of each. In batch, on the device.

Every random number comes from (seed, epoch, step), so a resumed run sees what a straight one would have seen.
"""

from functools import cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from hmgc_core.models.backbones.colours import MEAN, SPREAD

# A view shows at least this share of the picture's area, at most e^0.25 times wider or narrower, and may reach this
# share of half a side over the edge, where the picture is mirrored.
SMALLEST_AREA = 0.5
LARGEST_STRETCH = 0.25
REACH = 0.1
# Brightness, contrast and saturation each by a factor of 1 plus or minus this.
COLOUR_CHANGE = 0.3


def normalise(pixels: Tensor) -> Tensor:
    """(B, 3, S, S) of 0..255, uint8 or float, to float32, channels-last: mean 0 and spread 1 over typical photos."""
    mean, spread = _colours(pixels.device)
    return pixels.to(torch.float32, memory_format=torch.channels_last, copy=True).sub_(mean).div_(spread)


@cache
def _colours(device: torch.device) -> tuple[Tensor, Tensor]:
    """(1, 3, 1, 1) mean and spread of 0..255; made once, since a copy to a GPU is waited for."""
    with torch.inference_mode(False):
        mean, spread = (torch.tensor(values, device=device).view(1, 3, 1, 1) * 255 for values in (MEAN, SPREAD))
    return mean, spread


def random_views(pixels: Tensor, *, side: int, seed: int, epoch: int, step: int) -> Tensor:
    """A random part of each picture, stretched to the whole square, perhaps mirrored, in changed light.

    pixels: (B, 3, S, S) uint8. Returns (B, 3, side, side) float32 of 0..255.
    """
    random = np.random.default_rng([seed, epoch, step])
    places = _beside(pixels, _random_parts(random, len(pixels)))
    grid = nn.functional.affine_grid(places, [len(pixels), 3, side, side], align_corners=False)
    views = nn.functional.grid_sample(pixels.float(), grid, padding_mode="reflection", align_corners=False)
    factors = random.uniform(1 - COLOUR_CHANGE, 1 + COLOUR_CHANGE, (3, len(pixels), 1, 1, 1))
    return _in_other_light(views, *_beside(pixels, factors))


def _beside(pixels: Tensor, numbers: NDArray[np.float64]) -> Tensor:
    """The numbers as float32 where the pixels are; a GPU gets them without anybody waiting."""
    tensor = torch.from_numpy(numbers.astype(np.float32))
    return (tensor.pin_memory() if pixels.is_cuda else tensor).to(pixels.device, non_blocking=True)


def _random_parts(random: np.random.Generator, count: int) -> NDArray[np.float64]:
    """(count, 2, 3) maps from the square of a view, -1..1, to that of its picture: scale, mirror, shift."""
    area = random.uniform(SMALLEST_AREA, 1.0, count)
    stretch = np.exp(random.uniform(-LARGEST_STRETCH, LARGEST_STRETCH, count))
    scale = np.sqrt([area * stretch, area / stretch])
    shift = random.uniform(-1, 1, (2, count)) * np.maximum(1 - scale, REACH)
    parts = np.zeros((count, 2, 3))
    parts[:, 0, 0] = scale[0] * random.choice([-1.0, 1.0], count)
    parts[:, 1, 1] = scale[1]
    parts[:, :, 2] = shift.T
    return parts


def _in_other_light(views: Tensor, brightness: Tensor, contrast: Tensor, saturation: Tensor) -> Tensor:
    """Brighter or darker; nearer to or farther from the picture's mean; nearer to or farther from grey."""
    views = views * brightness
    views = torch.lerp(views.mean((1, 2, 3), keepdim=True), views, contrast)
    views = torch.lerp(views.mean(1, keepdim=True), views, saturation)
    return views.clamp_(0, 255)
