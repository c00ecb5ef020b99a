"""Lay paint, sheets and blur over a picture: plain arithmetic on arrays, (SIDE, SIDE, 3) floats in [0, 1]."""

import numpy as np
from PIL import Image, ImageFilter

from hmgc_core.demo.canvas import SIDE, FloatArray
from hmgc_core.demo.colours import Colour

Y, X = np.mgrid[0:SIDE, 0:SIDE] + 0.5  # (SIDE, SIDE) each: where the middle of a pixel lies, in px


def lay_over(picture: FloatArray, paint: Colour | FloatArray, alpha: FloatArray) -> FloatArray:
    """Blend a colour, or another picture, over this one where alpha, (SIDE, SIDE) in [0, 1], says so."""
    values = np.array(paint) / 255.0 if isinstance(paint, tuple) else paint
    return picture + (values - picture) * alpha[..., None]


def lay_sheet(picture: FloatArray, sheet: FloatArray) -> FloatArray:
    """Blend a finished layer, (SIDE, SIDE, 4), over the picture."""
    return lay_over(picture, sheet[..., :3], sheet[..., 3])


def spread(start: Colour, end: Colour, share: FloatArray) -> FloatArray:
    """A picture that runs from one colour to the other; share, (SIDE, SIDE), is cut to [0, 1]."""
    first, last = np.array(start) / 255.0, np.array(end) / 255.0
    return first + (last - first) * share.clip(0, 1)[..., None]


def soft_disc(centre: tuple[float, float], widths: tuple[float, float]) -> FloatArray:
    """(SIDE, SIDE) in [0, 1]: 1 at the centre, falling off like a bell of these widths across and up, in px."""
    return np.exp(-(((X - centre[0]) / widths[0]) ** 2) - ((Y - centre[1]) / widths[1]) ** 2)


def blurred(picture: FloatArray, radius: float) -> FloatArray:
    """The picture, or a single channel (SIDE, SIDE), out of focus by a Gaussian of this radius in px."""
    image = Image.fromarray((picture.clip(0, 1) * 255).astype(np.uint8))
    return np.asarray(image.filter(ImageFilter.GaussianBlur(radius)), dtype=np.float64) / 255.0
