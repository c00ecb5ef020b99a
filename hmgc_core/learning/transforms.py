"""Pictures to what a model sees: normalised floats, and in training a random view of each. In batch, on the device.

Every random number comes from (seed, epoch, step), so a resumed run sees what a straight one would have seen.
"""

import numpy as np
import torch
from torch import Tensor

# Mean and spread per channel of ImageNet photos in [0, 1]: what published backbone weights expect.
MEAN = (0.485, 0.456, 0.406)
SPREAD = (0.229, 0.224, 0.225)

# The crop moves by up to this share of the side: 8 px of 64.
LARGEST_SHIFT = 1 / 8


def normalise(pixels: Tensor) -> Tensor:
    """(B, 3, S, S) uint8 to float32, channels-last, zero mean and unit spread over typical photos."""
    mean = torch.tensor(MEAN, device=pixels.device).view(1, 3, 1, 1) * 255
    spread = torch.tensor(SPREAD, device=pixels.device).view(1, 3, 1, 1) * 255
    return pixels.to(torch.float32, memory_format=torch.channels_last).sub_(mean).div_(spread)


def random_views(pixels: Tensor, *, seed: int, epoch: int, step: int) -> Tensor:
    """A reflect-padded random crop and a random mirroring of each picture. (B, 3, S, S) uint8 in and out."""
    batch, _, side, _ = pixels.shape
    random = np.random.default_rng([seed, epoch, step])
    reach = round(side * LARGEST_SHIFT)
    shifts = random.integers(-reach, reach + 1, size=(2, batch))
    mirrored = random.random(batch) < 0.5
    along = np.arange(side)
    rows = _reflected(along + shifts[0][:, None], side)
    columns = _reflected(np.where(mirrored[:, None], along[::-1], along) + shifts[1][:, None], side)
    # One gather does crop, reflection and mirroring.
    pictures = torch.arange(batch, device=pixels.device)[:, None, None]
    row_index = torch.as_tensor(rows, device=pixels.device)[:, :, None]
    column_index = torch.as_tensor(columns, device=pixels.device)[:, None, :]
    return pixels.movedim(1, -1)[pictures, row_index, column_index].movedim(-1, 1)


def _reflected(places: np.ndarray, side: int) -> np.ndarray:
    """Places outside 0..side-1 mirrored back in, without repeating the edge."""
    places = np.abs(places)
    return np.where(places > side - 1, 2 * (side - 1) - places, places)
