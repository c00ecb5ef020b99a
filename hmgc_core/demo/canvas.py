"""A drawing surface four times the size of a picture, and the pose that places a subject on it. Knows no subject.

Subjects are designed in picture pixels around an origin of their own: x to the right, y down, facing right. The pose
turns, mirrors, scales and moves them; the surface is drawn hard-edged and becomes smooth when it is made small.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import cos, sin
from typing import cast

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageChops, ImageDraw

SIDE = 96  # px, the side of a finished picture
SUPER = 4  # how many times larger a layer is drawn

FloatArray = NDArray[np.float64]
Colour = tuple[int, int, int]  # red, green, blue in 0..255
Paint = Colour | tuple[Colour, Colour]  # one colour, or one at the top that runs into one at the bottom
Points = Sequence[tuple[float, float]] | FloatArray

_STEPS = np.linspace(0.0, 1.0, 7)[:-1, None]  # how finely a curve is walked from one point to the next


@dataclass(frozen=True)
class Pose:
    """Where a subject stands. x, y: its origin in picture px. scale: 1 is as designed. tilt: radians, nose up > 0."""

    x: float = SIDE / 2
    y: float = SIDE / 2
    scale: float = 1.0
    tilt: float = 0.0
    faces_left: bool = False

    def place(self, points: Points) -> FloatArray:
        """(N, 2) points of the subject's own px to (N, 2) px of the large layer."""
        own = np.asarray(points, dtype=np.float64)
        x = own[:, 0] * cos(self.tilt) + own[:, 1] * sin(self.tilt)
        y = own[:, 1] * cos(self.tilt) - own[:, 0] * sin(self.tilt)
        if self.faces_left:
            x = -x
        return SUPER * (np.stack([x, y], axis=1) * self.scale + (self.x, self.y))


class Layer:
    """One transparent sheet, `SUPER * SIDE` px wide, on which a subject is drawn part by part, back to front."""

    def __init__(self, pose: Pose | None = None) -> None:
        self.pose = pose or Pose(0.0, 0.0)
        self._sheet = Image.new("RGBA", (SUPER * SIDE, SUPER * SIDE))

    def blob(self, points: Points, paint: Paint, *, inside: Image.Image | None = None) -> Image.Image:
        """Fill the smooth closed curve through `points`; a point given twice makes a corner. Returns its mask."""
        return self.polygon(smooth(points, closed=True), paint, inside=inside)

    def polygon(self, points: Points, paint: Paint, *, inside: Image.Image | None = None) -> Image.Image:
        """Fill straight from point to point, within the mask `inside` if there is one. Returns the filled mask."""
        mask = Image.new("L", self._sheet.size)
        ImageDraw.Draw(mask).polygon(self.pose.place(points).ravel().tolist(), fill=255)
        if inside is not None:
            mask = ImageChops.darker(mask, inside)
        self._fill(mask, paint)
        return mask

    def stroke(
        self, points: Points, width: float | tuple[float, float], paint: Paint, *, inside: Image.Image | None = None
    ) -> Image.Image:
        """Draw the smooth line through `points`; `width` in px, or at its start and its end. Returns its mask."""
        return self.polygon(ribbon(smooth(points, closed=False), width), paint, inside=inside)

    def dot(
        self, centre: tuple[float, float], radius: float, paint: Paint, *, inside: Image.Image | None = None
    ) -> Image.Image:
        """Fill a circle; `radius` in px. Returns its mask."""
        return self.oval(centre, (radius, radius), paint, inside=inside)

    def oval(
        self, centre: tuple[float, float], radii: tuple[float, float], paint: Paint, *, inside: Image.Image | None = None
    ) -> Image.Image:
        """Fill an ellipse that turns with the pose; `radii` in px along x and y. Returns its mask."""
        return self.polygon(np.array(centre) + _CIRCLE * radii, paint, inside=inside)

    def veil(self, centre: tuple[float, float], radius: float, colour: Colour, alpha: float) -> None:
        """Lay a see-through disc over the sheet; alpha in [0, 1] is how much it hides."""
        (x, y), size = self.pose.place([centre])[0], SUPER * radius * self.pose.scale
        disc = Image.new("RGBA", self._sheet.size, (*colour, 0))
        ImageDraw.Draw(disc).ellipse((x - size, y - size, x + size, y + size), fill=(*colour, round(255 * alpha)))
        self._sheet.alpha_composite(disc)

    def finished(self) -> FloatArray:
        """The sheet at picture size: (SIDE, SIDE, 4) float, red, green, blue and alpha in [0, 1]."""
        small = self._sheet.resize((SIDE, SIDE), Image.Resampling.LANCZOS)
        return np.asarray(small, dtype=np.float64) / 255.0

    def _fill(self, mask: Image.Image, paint: Paint) -> None:
        box = mask.getbbox()
        if box is None:
            return
        if isinstance(paint[0], int):
            self._sheet.paste((*cast(Colour, paint), 255), box, mask.crop(box))
            return
        top, bottom = cast(tuple[Colour, Colour], paint)
        column = Image.new("RGBA", (1, 2))
        column.putpixel((0, 0), (*top, 255))
        column.putpixel((0, 1), (*bottom, 255))
        size = (box[2] - box[0], box[3] - box[1])
        self._sheet.paste(column.resize(size, Image.Resampling.BILINEAR), box, mask.crop(box))


def smooth(points: Points, *, closed: bool) -> FloatArray:
    """The Catmull-Rom curve through (N, 2) points, as (M, 2) points with M > N."""
    own = np.asarray(points, dtype=np.float64)
    if closed:
        before, start, end, after = (np.roll(own, shift, axis=0) for shift in (1, 0, -1, -2))
    else:
        padded = np.concatenate([own[:1], own, own[-1:]])
        before, start, end, after = padded[:-3], padded[1:-2], padded[2:-1], padded[3:]
    t = _STEPS[None]
    before, start, end, after = (part[:, None, :] for part in (before, start, end, after))
    curve = 0.5 * (
        2 * start
        + (end - before) * t
        + (2 * before - 5 * start + 4 * end - after) * t**2
        + (3 * start - before - 3 * end + after) * t**3
    )
    walked = curve.reshape(-1, 2)
    return walked if closed else np.concatenate([walked, own[-1:]])


def ribbon(line: Points, width: float | tuple[float, float]) -> FloatArray:
    """The outline, (2 M, 2), of a line of (M, 2) points with this width in px, or tapering from one to another."""
    own = np.asarray(line, dtype=np.float64)
    start, end = width if isinstance(width, tuple) else (width, width)
    along = np.gradient(own, axis=0)
    along /= np.maximum(np.linalg.norm(along, axis=1, keepdims=True), 1e-9)
    across = along[:, ::-1] * (-0.5, 0.5) * np.linspace(start, end, len(own))[:, None]
    return np.concatenate([own + across, (own - across)[::-1]])


def mix(a: Colour, b: Colour, share: float) -> Colour:
    """The colour `share` of the way from a to b; share in [0, 1]."""
    red, green, blue = (round(x + (y - x) * share) for x, y in zip(a, b, strict=True))
    return red, green, blue


def lighter(colour: Colour, share: float = 0.25) -> Colour:
    """This colour, part of the way to a warm white."""
    return mix(colour, (255, 252, 244), share)


def darker(colour: Colour, share: float = 0.25) -> Colour:
    """This colour, part of the way to a deep blue shadow."""
    return mix(colour, (18, 22, 38), share)


_TURNS = np.linspace(0.0, 2 * np.pi, 28, endpoint=False)
_CIRCLE = np.stack([np.cos(_TURNS), np.sin(_TURNS)], axis=1)
