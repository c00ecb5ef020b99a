"""Paint what lies behind a subject: sky, clouds, hills, sea, marsh, meadow and wood. Knows no subject.

A picture is a (SIDE, SIDE, 3) float array of red, green and blue in [0, 1], painted from the far to the near.
"""

import numpy as np
from PIL import Image, ImageDraw

from hmgc_core.demo.blending import X, Y, blurred, lay_over, lay_sheet, soft_disc, spread
from hmgc_core.demo.canvas import SIDE, FloatArray, Layer
from hmgc_core.demo.colours import Colour, darker, lighter, mix
from hmgc_core.demo.hours import Hour
from hmgc_core.demo.staging import Place


def backdrop(place: Place, hour: Hour, horizon: float, rng: np.random.Generator) -> FloatArray:
    """The scenery of `place`, a picture with its horizon at y = horizon px, a little out of focus."""
    if place == "wood":
        return blurred(_wood(hour, rng), 1.6)
    picture = _sky(hour, horizon, rng)
    if place == "sky":
        return blurred(_sea(picture, hour, horizon, rng), 0.6)
    picture = _hills(picture, hour, horizon, rng, ranges=int(rng.integers(0, 2 if place == "sea" else 3)))
    if place == "meadow":
        return blurred(_meadow(picture, hour, horizon, rng), 0.5)
    picture = _sea(picture, hour, horizon, rng)
    if place == "marsh":
        picture = _reeds(picture, hour, horizon, rng)
    return blurred(picture, 0.5)


def reed_blade(
    sheet: Layer, foot: tuple[float, float], *, tall: float, bend: float, width: float, paint: Colour
) -> None:
    """Draw one blade from its foot upwards; lengths in px, `bend` in parts of its height."""
    x, y = foot
    sheet.stroke([(x, y), (x + bend * tall * 0.3, y - tall * 0.6), (x + bend * tall, y - tall)], (width, 0.4), paint)


def _sky(hour: Hour, horizon: float, rng: np.random.Generator) -> FloatArray:
    """Three colours from the zenith down, a glow, often its sun or moon, and clouds."""
    stops = np.array(hour.sky) / 255.0
    at = np.clip((np.arange(SIDE) + 0.5) / max(horizon, 40.0), 0, 1)
    column = np.stack([np.interp(at, (0, 0.55, 1), stops[:, band]) for band in range(3)], axis=1)
    picture = np.repeat(column[:, None, :], SIDE, axis=1)
    x, y = rng.uniform(-5, SIDE + 5), horizon * rng.uniform(0.1, 0.95)
    picture = lay_over(picture, hour.glow, 0.55 * soft_disc((x, y), (38, 26)))
    if rng.random() < 0.4:
        picture = lay_over(picture, lighter(hour.glow, 0.5), np.clip(5.5 - np.hypot(X - x, Y - y), 0, 1) * 0.9)
    for _ in range(rng.integers(0, 5)):
        picture = _cloud(picture, hour, horizon, rng)
    return picture


def _cloud(picture: FloatArray, hour: Hour, horizon: float, rng: np.random.Generator) -> FloatArray:
    """A heap of discs on a flat foot, lit from above."""
    x, y, size = rng.uniform(0, SIDE), horizon * rng.uniform(0.12, 0.85), rng.uniform(8, 19)
    across = np.linspace(-1, 1, 7) + rng.uniform(-0.1, 0.1, 7)
    radii = size * (0.16 + 0.36 * np.sqrt((1 - across**2).clip(0)) * rng.uniform(0.55, 1.1, 7))
    lenses = [
        (x + shift * size, y - radius * 0.35, radius, radius) for shift, radius in zip(across, radii, strict=True)
    ]
    foot = np.clip((y + 1.0 - Y) * 0.45 + 0.5, 0, 1)
    paint = spread(mix(hour.cloud, hour.sky[1], 0.45), lighter(hour.cloud, 0.25), (y - Y) / size * 1.8)
    return lay_over(picture, paint, _ovals(lenses) * foot * rng.uniform(0.5, 0.92))


def _hills(picture: FloatArray, hour: Hour, horizon: float, rng: np.random.Generator, *, ranges: int) -> FloatArray:
    """Ranges of hills on the horizon, each nearer one lower and richer in colour."""
    for near in range(ranges):
        waves = np.zeros(SIDE)
        for width, share in ((24, 1.0), (11, 0.45), (5, 0.16)):
            waves += share * np.sin(X[0] / width + rng.uniform(0, 6.3))
        crest = horizon - (9 - 4 * near) * (1 + 0.55 * waves)
        haze = mix(mix(hour.far, hour.sky[2], 0.35), hour.leaf, 0.45 * near)
        picture = lay_over(picture, haze, np.clip(Y - crest[None], 0, 1))
    return picture


def _sea(picture: FloatArray, hour: Hour, horizon: float, rng: np.random.Generator) -> FloatArray:
    """Water from the horizon down, with ripples that grow towards the shore."""
    depth = np.clip((Y - horizon) / max(SIDE - horizon, 12.0), 0, 1)
    picture = lay_over(picture, spread(*hour.water, depth**0.7), np.clip(Y - horizon + 0.5, 0, 1))
    room = max(SIDE - horizon, 0.0)
    for colour, alpha in ((lighter(hour.water[0], 0.55), 0.5), (darker(hour.water[1], 0.3), 0.32)):
        lenses = []
        for nearness in rng.random(int(10 + room * 0.5)):
            x, y = rng.uniform(-6, SIDE + 6), horizon + 1.5 + room * nearness**1.4
            lenses.append((x, y, 2.0 + 9.0 * nearness * rng.uniform(0.5, 1.2), 0.3 + 0.6 * nearness))
        picture = lay_over(picture, colour, alpha * _ovals(lenses))
    return picture


def _ovals(ovals: list[tuple[float, float, float, float]]) -> FloatArray:
    """(SIDE, SIDE) in [0, 1]: 1 within any oval of centre x, y and radii across and up, all in px."""
    mask = Image.new("L", (2 * SIDE, 2 * SIDE))
    pen = ImageDraw.Draw(mask)
    for x, y, across, up in ovals:
        pen.ellipse((2 * (x - across), 2 * (y - up), 2 * (x + across), 2 * (y + up)), fill=255)
    return np.asarray(mask.reduce(2), dtype=np.float64) / 255.0


def _meadow(picture: FloatArray, hour: Hour, horizon: float, rng: np.random.Generator) -> FloatArray:
    """A gentle slope with tufts of grass."""
    slope = horizon + 2.5 * np.sin(X[0] / rng.uniform(16, 30) + rng.uniform(0, 6.3))
    depth = (Y - horizon) / (SIDE - horizon + 1)
    picture = lay_over(
        picture, spread(lighter(hour.land, 0.18), darker(hour.land, 0.32), depth), np.clip(Y - slope[None], 0, 1)
    )
    sheet = Layer()
    for nearness in rng.random(18) ** 0.7:
        foot = (rng.uniform(0, SIDE), horizon + 5 + (SIDE - horizon) * nearness)
        shade = mix(lighter(hour.land, 0.3), darker(hour.leaf, 0.2), rng.random())
        for bend in (-0.4, 0.05, 0.45):
            reed_blade(sheet, foot, tall=2.0 + 6.0 * nearness, bend=bend, width=1.1, paint=shade)
    return lay_sheet(picture, sheet.finished())


def _reeds(picture: FloatArray, hour: Hour, horizon: float, rng: np.random.Generator) -> FloatArray:
    """A belt of reeds on the far bank, thicker at one side."""
    sheet = Layer()
    side = float(rng.choice([0.0, SIDE]))
    for _ in range(22):
        x = abs(side - abs(rng.normal(0, 34)))
        tall = rng.uniform(8, 30) * (1.2 - abs(x - side) / 130)
        shade = mix(hour.leaf, mix(hour.land, hour.sky[2], 0.45), rng.random())
        foot = (x, horizon + rng.uniform(1.0, 5.0))
        reed_blade(sheet, foot, tall=tall, bend=rng.uniform(-0.3, 0.3), width=1.5, paint=shade)
    return lay_sheet(picture, sheet.finished())


def _wood(hour: Hour, rng: np.random.Generator) -> FloatArray:
    """Trunks, and light between the leaves."""
    picture = spread(mix(hour.leaf, hour.sky[1], 0.6), darker(hour.leaf, 0.15), Y / SIDE)
    bark = darker(mix(hour.leaf, (92, 70, 56), 0.5), 0.25)
    for _ in range(rng.integers(1, 4)):
        x, half = rng.uniform(0, SIDE), rng.uniform(2, 6)
        picture = lay_over(picture, bark, 0.65 * np.clip((half - np.abs(X - x)) / 2, 0, 1))
    for _ in range(16):
        x, y, size = rng.uniform(0, SIDE), SIDE * rng.beta(1.2, 1.8), rng.uniform(3, 9)
        light = mix(lighter(hour.leaf, 0.35), hour.glow, rng.random() * 0.7)
        picture = lay_over(picture, light, rng.uniform(0.12, 0.45) * np.clip(size - np.hypot(X - x, Y - y), 0, 1))
    return picture
