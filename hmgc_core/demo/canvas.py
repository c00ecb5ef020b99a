"""A sheet four times the size of a picture, and the pose that places a subject on it. Knows no subject.

Subjects are designed in picture pixels around an origin of their own: x to the right, y down, facing right. The pose
turns, mirrors, scales and moves them. A sheet is drawn hard-edged and becomes smooth when it is made small.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import cos, sin

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageChops, ImageDraw, ImageFilter

from hmgc_core.demo.colours import Colour

SIDE = 96  # px, the side of a finished picture
SUPER = 4  # how many times larger a sheet is drawn

FloatArray = NDArray[np.float64]
Paint = Colour | tuple[Colour, Colour]  # one colour, or one at the top that runs into one at the bottom
Points = Sequence[tuple[float, float]] | FloatArray
Width = float | tuple[float, float]  # px, or px at the start and px at the end
Mask = Image.Image  # "L", as large as a sheet: 255 where something was drawn

# How much each of four neighbouring points weighs at six steps between the second and the third: (6, 4).
_STEPS = np.arange(6) / 6
_SPLINE = np.array([(0, 2, 0, 0), (-1, 0, 1, 0), (2, -5, 4, -1), (-1, 3, -3, 1)]) / 2
_WEIGHTS = _STEPS[:, None] ** np.arange(4) @ _SPLINE

_TURNS = np.linspace(0.0, 2 * np.pi, 28, endpoint=False)
_CIRCLE = np.stack([np.cos(_TURNS), np.sin(_TURNS)], axis=1)


@dataclass(frozen=True)
class Pose:
    """Where a subject stands. x, y: its origin in picture px. scale: 1 is as designed. tilt: radians, nose up > 0."""

    x: float = 0.0
    y: float = 0.0
    scale: float = 1.0
    tilt: float = 0.0
    faces_left: bool = False

    def place(self, points: Points) -> FloatArray:
        """(N, 2) points in the subject's own px to (N, 2) points in picture px."""
        side, along, across = -1 if self.faces_left else 1, self.scale * cos(self.tilt), self.scale * sin(self.tilt)
        turn = np.array([(side * along, -across), (side * across, along)])
        return np.asarray(points, dtype=np.float64) @ turn + (self.x, self.y)


class Layer:
    """One transparent sheet on which a subject is drawn part by part, back to front.

    Every drawing method takes the subject's own px, fills within the mask `inside` if one is given, and returns the
    mask of what it filled, so that a mark can be kept inside its feather, sail or hull.
    """

    def __init__(self, pose: Pose | None = None) -> None:
        self.pose = pose or Pose()
        self._sheet = Image.new("RGBA", (SUPER * SIDE, SUPER * SIDE))
        self._haze: Image.Image | None = None  # soft things behind all others, at picture size

    def polygon(self, points: Points, paint: Paint, *, inside: Mask | None = None) -> Mask:
        """Fill straight from point to point."""
        mask = Image.new("L", self._sheet.size)
        outline = self.pose.place(points) * SUPER
        ImageDraw.Draw(mask).polygon(outline.ravel().tolist(), fill=255)
        if inside is not None:
            mask = ImageChops.darker(mask, inside)
        self._fill(mask, paint)
        return mask

    def blob(self, points: Points, paint: Paint, *, inside: Mask | None = None) -> Mask:
        """Fill the smooth closed curve through `points`; a point given twice makes a corner."""
        return self.polygon(smooth(points, closed=True), paint, inside=inside)

    def stroke(self, points: Points, width: Width, paint: Paint, *, inside: Mask | None = None) -> Mask:
        """Draw the smooth line through `points`."""
        return self.polygon(ribbon(smooth(points, closed=False), width), paint, inside=inside)

    def box(
        self, left: float, top: float, right: float, bottom: float, paint: Paint, *, inside: Mask | None = None
    ) -> Mask:
        """Fill a rectangle that turns with the pose."""
        return self.polygon([(left, top), (right, top), (right, bottom), (left, bottom)], paint, inside=inside)

    def oval(
        self, centre: tuple[float, float], radii: tuple[float, float], paint: Paint, *, inside: Mask | None = None
    ) -> Mask:
        """Fill an ellipse that turns with the pose; `radii` in px along x and y."""
        return self.polygon(np.array(centre) + _CIRCLE * radii, paint, inside=inside)

    def dot(self, centre: tuple[float, float], radius: float, paint: Paint, *, inside: Mask | None = None) -> Mask:
        """Fill a circle; `radius` in px."""
        return self.oval(centre, (radius, radius), paint, inside=inside)

    def puff(self, centre: tuple[float, float], radius: float, colour: Colour, alpha: float) -> None:
        """Lay a soft disc behind everything on the sheet; alpha in [0, 1] is how much it hides."""
        (x, y), size = self.pose.place([centre])[0], radius * self.pose.scale
        clear = Image.new("RGBA", (SIDE, SIDE), (*colour, 0))
        self._haze = self._haze or clear.copy()
        ImageDraw.Draw(clear).ellipse((x - size, y - size, x + size, y + size), fill=(*colour, round(255 * alpha)))
        self._haze.alpha_composite(clear)

    def finished(self) -> FloatArray:
        """The sheet at picture size: (SIDE, SIDE, 4) float, red, green, blue and alpha in [0, 1]."""
        small = self._sheet.resize((SIDE, SIDE), Image.Resampling.LANCZOS, reducing_gap=2.0)
        if self._haze is not None:
            behind = self._haze.filter(ImageFilter.GaussianBlur(1.5))
            behind.alpha_composite(small)
            small = behind
        return np.asarray(small, dtype=np.float64) / 255.0

    def _fill(self, mask: Mask, paint: Paint) -> None:
        box = mask.getbbox()
        if box is None:
            return
        if isinstance(paint[0], int):
            self._sheet.paste((*paint, 255), box, mask.crop(box))
            return
        top, bottom = paint
        column = Image.new("RGBA", (1, 2), (*top, 255))
        column.putpixel((0, 1), (*bottom, 255))
        blend = column.resize((box[2] - box[0], box[3] - box[1]), Image.Resampling.BILINEAR)
        self._sheet.paste(blend, box, mask.crop(box))


def smooth(points: Points, *, closed: bool) -> FloatArray:
    """The Catmull-Rom curve through (N, 2) points, as (M, 2) points with M > N."""
    own = np.asarray(points, dtype=np.float64)
    count = len(own)
    around = np.arange(count)[:, None] + (-1, 0, 1, 2)  # the point before, the two between which we walk, the one after
    if closed:
        return (_WEIGHTS @ own[around % count]).reshape(-1, 2)
    walked = _WEIGHTS @ own[around[:-1].clip(0, count - 1)]
    return np.concatenate([walked.reshape(-1, 2), own[-1:]])


def ribbon(line: Points, width: Width) -> FloatArray:
    """The outline, (2 M, 2), of a line of (M, 2) points that is this wide."""
    own = np.asarray(line, dtype=np.float64)
    start, end = width if isinstance(width, tuple) else (width, width)
    along = np.empty_like(own)
    along[1:-1] = own[2:] - own[:-2]
    along[0], along[-1] = own[1] - own[0], own[-1] - own[-2]
    along /= np.maximum(np.hypot(along[:, 0], along[:, 1]), 1e-9)[:, None]
    across = along[:, ::-1] * (-0.5, 0.5) * np.linspace(start, end, len(own))[:, None]
    return np.concatenate([own + across, (own - across)[::-1]])


def shifted(points: Points, x: float, y: float) -> FloatArray:
    """(N, 2) points, moved by x and y px."""
    return np.asarray(points, dtype=np.float64) + np.array((x, y))


def mirrored(half: Points) -> FloatArray:
    """A closed outline, left and right alike, from the right half given from its top to its bottom on x = 0."""
    right = np.asarray(half, dtype=np.float64)
    return np.concatenate([right, right[-2:0:-1] * (-1.0, 1.0)])
