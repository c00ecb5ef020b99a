"""What light and lens do: relief on a subject, colour cast, blur, and the loss of detail with distance.

Pictures are (SIDE, SIDE, 3) and sheets (SIDE, SIDE, 4) float arrays with values in [0, 1].
"""

import numpy as np
from PIL import Image

from hmgc_core.demo.blending import blurred
from hmgc_core.demo.canvas import SIDE, FloatArray


def light_up(sheet: FloatArray, tint: tuple[float, float, float], light: tuple[float, float]) -> FloatArray:
    """Give a flat sheet relief: brighter at the edge towards the light, darker opposite.

    tint: factors for red, green and blue. light: points to the light, x to the right and y down.
    """
    soft = blurred(sheet[..., 3], 2.6)
    across, down = round(3 * light[0]), round(3 * light[1])
    slope = np.roll(soft, (-down, -across), axis=(0, 1)) - np.roll(soft, (down, across), axis=(0, 1))
    relief = 1.0 - np.where(slope < 0, 0.30, 0.16) * slope
    lit = sheet.copy()
    lit[..., :3] = (sheet[..., :3] * relief[..., None] * tint).clip(0, 1)
    return lit


def expose(picture: FloatArray, rng: np.random.Generator) -> FloatArray:
    """A slight colour cast, brightness, contrast and blur, as cameras and days differ."""
    cast, contrast, brightness = 1.0 + rng.normal(0, 0.025, 3), rng.uniform(0.92, 1.08), rng.uniform(-0.03, 0.03)
    graded = (picture * cast - 0.5) * contrast + 0.5 + brightness
    return blurred(graded, max(0.0, rng.uniform(-0.5, 0.6)))


def degraded(picture: FloatArray, degrade: float, rng: np.random.Generator) -> FloatArray:
    """Lose detail as with distance and mist: resolution, colour, contrast; and gain blotches and grain.

    degrade in [0, 1]: at 1, twelve pixels across and a twelfth of the colours remain.
    """
    across = round(SIDE * 2.0 ** (-3.0 * degrade**0.62))
    image = Image.fromarray((picture.clip(0, 1) * 255).astype(np.uint8))
    coarse = np.asarray(image.resize((across, across), Image.Resampling.BOX), dtype=np.float64) / 255.0
    grey = coarse.mean(axis=2, keepdims=True)
    mood = (coarse - grey).mean(axis=(0, 1))  # the light of the whole scene stays, the colours of things go
    faded = grey + mood + (coarse - grey - mood) * (1.0 - 0.92 * degrade)
    hazy = faded + (faded.mean(axis=(0, 1)) - faded) * 0.18 * degrade
    # Blotches as large as what is left of the detail: finer noise would average out and hide nothing.
    blotchy = hazy + rng.normal(0, 0.017, (across, across, 1)) * degrade
    image = Image.fromarray((blotchy.clip(0, 1) * 255).astype(np.uint8))
    smooth = np.asarray(image.resize((SIDE, SIDE), Image.Resampling.BICUBIC), dtype=np.float64) / 255.0
    return (smooth + rng.normal(0, 0.02, (SIDE, SIDE, 1)) * degrade).clip(0, 1)
