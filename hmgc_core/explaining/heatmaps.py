"""Heatmaps of one picture: where the model looked for each of some classes."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from hmgc_core.explaining.asked import Asked, write_picture
from hmgc_core.learning.cam import heatmaps

OVERLAY_SIDE = 320

# Heat from nothing to full as colours, dark violet over red to yellow; readable on light and dark pictures.
HEAT_STOPS = np.array([0.0, 0.25, 0.5, 0.75, 1.0])
HEAT_COLOURS = np.array([[40, 0, 80], [140, 20, 120], [220, 50, 60], [250, 150, 20], [255, 245, 120]], dtype=np.float64)


def answer(asked: Asked) -> dict[str, Any]:
    """The heat for each of these classes, to lay over the picture: `0.png`, `1.png`, ...

    Question: {"nodes": [key, ...]}.
    """
    nodes = [asked.node(key) for key in asked.question["nodes"]]
    for place, heat in enumerate(heatmaps(asked.checkpoint.model, asked.pixels(), nodes)):
        write_picture(asked.folder / f"{place}.png", overlay(heat))
    return {}


def overlay(heat: NDArray[np.float32]) -> Image.Image:
    """Colours to lay over the picture: heat (H, W) in [0, 1] to a square RGBA; where nothing speaks it is clear."""
    smooth = Image.fromarray((heat * 255).astype(np.uint8)).resize(
        (OVERLAY_SIDE, OVERLAY_SIDE), Image.Resampling.BICUBIC
    )
    value = np.asarray(smooth, dtype=np.float64) / 255
    colours = np.stack([np.interp(value, HEAT_STOPS, HEAT_COLOURS[:, channel]) for channel in range(3)], axis=-1)
    alpha = 255 * 0.8 * np.clip(value * 1.6, 0, 1)
    return Image.fromarray(np.dstack([colours, alpha]).round().astype(np.uint8), "RGBA")
