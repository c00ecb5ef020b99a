"""Heat as colours: to lay over a picture, or under which a picture lies. Knows no model."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

OVERLAY_SIDE = 320

# Heat from nothing to full as colours, dark violet over red to yellow; readable on light and dark pictures.
HEAT_STOPS = np.array([0.0, 0.25, 0.5, 0.75, 1.0])
HEAT_COLOURS = np.array([[40, 0, 80], [140, 20, 120], [220, 50, 60], [250, 150, 20], [255, 245, 120]], dtype=np.float64)

# Longest sides in pixels of a picture under its heat: large enough for a slide, and no larger than its file.
SMALLEST, LARGEST = 640, 1600


def overlay(heat: NDArray[np.float32]) -> Image.Image:
    """Colours to lay over the picture: heat (H, W) in [0, 1] to a square RGBA; where nothing speaks it is clear."""
    smooth = Image.fromarray((heat * 255).astype(np.uint8)).resize(
        (OVERLAY_SIDE, OVERLAY_SIDE), Image.Resampling.BICUBIC
    )
    value = np.asarray(smooth, dtype=np.float64) / 255
    colours = np.stack([np.interp(value, HEAT_STOPS, HEAT_COLOURS[:, channel]) for channel in range(3)], axis=-1)
    alpha = 255 * 0.8 * np.clip(value * 1.6, 0, 1)
    return Image.fromarray(np.dstack([colours, alpha]).round().astype(np.uint8), "RGBA")


def under_heat(picture: Image.Image, heat: Image.Image, *, strength: float = 1.0) -> Image.Image:
    """The picture, RGB, at a size for slides under the colours of `overlay`; strength from 0 (none) to 1 (full)."""
    longest = max(picture.size)
    factor = min(max(longest, SMALLEST), LARGEST) / longest
    size = (max(1, round(picture.width * factor)), max(1, round(picture.height * factor)))
    ground = picture.convert("RGBA").resize(size, Image.Resampling.LANCZOS)
    colours = heat.convert("RGBA").resize(size, Image.Resampling.BICUBIC)
    colours.putalpha(colours.getchannel("A").point(lambda alpha: round(alpha * strength)))
    return Image.alpha_composite(ground, colours).convert("RGB")


def file_name(key: str) -> str:
    """A class key as a part of a file's name, of at most 100 bytes: two of them and more fit into what disks take."""
    plain = "".join(letter if letter.isalnum() or letter in "-_ " else "_" for letter in key)
    return plain.encode()[:100].decode(errors="ignore")
