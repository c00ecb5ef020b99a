"""Draw a steamship from the side: the genus gives hull and funnels, the species gives rings, bands and flags."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from hmgc_core.demo.canvas import Colour, Layer, darker, lighter, mix

WHITE: Colour = (250, 248, 242)
INK: Colour = (34, 34, 42)
GLASS: Colour = (74, 96, 118)
SMOKE: Colour = (222, 220, 222)


@dataclass(frozen=True)
class _Marks:
    """What the species differ in. rings: one colour for each ring of the funnel, from the top down."""

    rings: tuple[Colour, ...]
    band: Colour
    flag: tuple[Colour, Colour]
    star: Colour | None = None


def draw_steamship(layer: Layer, leaf: str, rng: np.random.Generator) -> None:
    """Draw the species `leaf` with its waterline at y = 0; `rng` bends the smoke."""
    _BUILDS[leaf.rsplit("/", 1)[0]](layer, _MARKS[leaf], rng)


def _hull(layer: Layer, marks: _Marks, *, stern: float, bow: float, deck: float, rise: float, hull: Colour) -> None:
    """From stern to bow in px along x; the bow stands `rise` px above the deck, which is at y = deck."""
    sheer = np.array([(stern, deck - rise * 0.35), (stern * 0.4, deck), (bow * 0.45, deck - rise * 0.15), (bow + 2, deck - rise)])
    shape = layer.polygon(
        [*sheer, (bow - 2, deck * 0.3), (bow - 5, 3), (stern + 4, 3), (stern + 0.5, deck * 0.3)], (lighter(hull, 0.18), darker(hull, 0.3))
    )
    layer.stroke(sheer + (0, -deck * 0.42), max(2.8, -deck * 0.24), marks.band, inside=shape)
    layer.stroke(sheer + (0, 0.8), 1.5, lighter(hull, 0.6), inside=shape)
    layer.polygon([(stern, -1.4), (bow + 4, -1.4), (bow + 4, 3), (stern, 3)], (152, 58, 50), inside=shape)


def _funnel(layer: Layer, marks: _Marks, x: float, *, foot: float, tall: float, wide: float, body: Colour) -> None:
    half, rake = wide / 2, -tall * 0.10
    top = foot - tall
    funnel = layer.polygon([(x - half, foot), (x - half * 0.94 + rake, top), (x + half * 0.94 + rake, top), (x + half, foot)], body)
    layer.polygon([(x - 30, top), (x + 30, top), (x + 30, top + tall * 0.17), (x - 30, top + tall * 0.17)], INK, inside=funnel)
    depth = tall * (0.26 if len(marks.rings) == 1 else 0.17)
    y = top + tall * 0.27
    for ring in marks.rings:
        layer.polygon([(x - 30, y), (x + 30, y), (x + 30, y + depth), (x - 30, y + depth)], ring, inside=funnel)
        y += depth + tall * 0.09


def _smoke(layer: Layer, x: float, y: float, size: float, rng: np.random.Generator) -> None:
    drift = rng.uniform(0.5, 1.0)
    for step in range(6):
        grow = size * (0.5 + 0.22 * step)
        at = (x - step * size * 1.1 * drift, y - step * size * (0.75 - 0.3 * drift) + rng.uniform(-1, 1))
        layer.veil(at, grow, SMOKE, 0.62 - 0.085 * step)


def _flag(layer: Layer, marks: _Marks, x: float, top: float, foot: float) -> None:
    layer.stroke([(x, foot), (x, top)], (1.5, 0.9), (110, 84, 60))
    for index, colour in enumerate(marks.flag):
        left = x - 0.2 - 5.6 * index
        layer.polygon([(left, top), (left - 5.8, top + 0.6 + index * 0.6), (left - 5.8, top + 6.6 + index * 0.6), (left, top + 6 + index * 0.6)], colour)


def _house(layer: Layer, left: float, right: float, top: float, foot: float, *, panes: float = 5.0) -> None:
    """A white deck house with a row of windows `panes` px apart."""
    layer.polygon([(left, top), (right, top), (right, foot), (left, foot)], (WHITE, darker(WHITE, 0.14)))
    layer.polygon([(left - 1.2, top - 1), (right + 1.2, top - 1), (right + 1.2, top + 0.6), (left - 1.2, top + 0.6)], darker(WHITE, 0.22))
    for x in np.arange(left + panes * 0.55, right - 1.0, panes):
        layer.polygon([(x - 1.2, top + 2), (x + 1.2, top + 2), (x + 1.2, top + 4.6), (x - 1.2, top + 4.6)], GLASS)


def _tug(layer: Layer, marks: _Marks, rng: np.random.Generator) -> None:
    _smoke(layer, -8, -50, 6.0, rng)
    _flag(layer, marks, 24, -40, -14)
    _funnel(layer, marks, -5, foot=-18, tall=30, wide=13, body=(236, 214, 170))
    _house(layer, -14, 16, -23, -11)
    _house(layer, 3, 16, -35, -22, panes=4.2)
    _hull(layer, marks, stern=-30, bow=30, deck=-12, rise=7, hull=(50, 56, 70))
    for x in (-22.0, -10.0, 2.0, 14.0):
        layer.dot((x, -5.2), 2.3, INK)
        layer.dot((x, -5.2), 1.0, (120, 116, 116))


def _paddler(layer: Layer, marks: _Marks, rng: np.random.Generator) -> None:
    _smoke(layer, 12, -45, 4.5, rng)
    for x, tall in ((-27.0, -30.0), (30.0, -34.0)):
        layer.stroke([(x, -8), (x - 1, tall)], (1.6, 0.9), (110, 84, 60))
    _flag(layer, marks, -26, -32, -8)
    _funnel(layer, marks, 14, foot=-14, tall=31, wide=7, body=(240, 228, 200))
    _house(layer, -24, 26, -17, -8)
    _hull(layer, marks, stern=-42, bow=42, deck=-8, rise=4, hull=(244, 240, 230))
    hub = (-4.0, -8.0)
    box = layer.polygon([(-19, 1), *((hub[0] + 15 * np.cos(t), hub[1] + 15 * np.sin(t)) for t in np.linspace(np.pi, 2 * np.pi, 20)), (11, 1)],
                        (WHITE, darker(WHITE, 0.2)))  # fmt: skip
    for t in np.linspace(np.pi * 1.1, np.pi * 1.9, 5):
        layer.stroke([hub, (hub[0] + 12.5 * np.cos(t), hub[1] + 12.5 * np.sin(t))], (1.0, 3.0), marks.star or marks.band, inside=box)
    layer.dot(hub, 3.0, marks.band, inside=box)
    layer.stroke([(-19, 0.5), (11, 0.5)], 3.0, INK, inside=box)


def _liner(layer: Layer, marks: _Marks, rng: np.random.Generator) -> None:
    for x in (-18.0, -1.0, 16.0):
        _smoke(layer, x - 2, -46, 3.6, rng)
    for x in (-34.0, 34.0):
        layer.stroke([(x, -12), (x - 1, -44)], (1.5, 0.8), (110, 84, 60))
    _flag(layer, marks, -35, -43, -14)
    for x in (-18.0, -1.0, 16.0):
        _funnel(layer, marks, x, foot=-22, tall=21, wide=8.4, body=(226, 150, 76))
    _house(layer, -26, 26, -24, -18, panes=4.4)
    _house(layer, -33, 31, -18.5, -11, panes=4.4)
    _hull(layer, marks, stern=-45, bow=45, deck=-12, rise=4.5, hull=(42, 46, 60))
    for x in np.arange(-39, 40, 4.6):
        layer.dot((x, -9.6), 0.8, (246, 226, 160))


RED: Colour = (210, 48, 44)
BLUE: Colour = (36, 96, 196)
GREEN: Colour = (30, 142, 92)
GOLD: Colour = (250, 196, 50)
TEAL: Colour = (64, 188, 190)

_BUILDS: dict[str, Callable[[Layer, _Marks, np.random.Generator], None]] = {
    "steamship/tug": _tug,
    "steamship/paddler": _paddler,
    "steamship/liner": _liner,
}

_MARKS = {
    "steamship/tug/harbour": _Marks((RED,), RED, (RED, WHITE)),
    "steamship/tug/salvage": _Marks((BLUE, BLUE), GOLD, (BLUE, GOLD)),
    "steamship/tug/pilot": _Marks((GREEN,), WHITE, (WHITE, GREEN)),
    "steamship/paddler/excursion": _Marks((RED, RED), RED, (RED, GOLD), star=(250, 170, 60)),
    "steamship/paddler/mail": _Marks((BLUE,), BLUE, (WHITE, BLUE)),
    "steamship/paddler/lake": _Marks((GREEN, GOLD), GREEN, (GREEN, WHITE)),
    "steamship/liner/atlantic": _Marks((RED,), WHITE, (RED, RED)),
    "steamship/liner/polar": _Marks((WHITE, WHITE), TEAL, (BLUE, WHITE)),
    "steamship/liner/orient": _Marks((GREEN,), GOLD, (GOLD, GREEN)),
}
