"""Draw a steamship from the side: the genus gives hull and funnels, the species gives rings, bands and flags."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from hmgc_core.demo.canvas import Layer, shifted
from hmgc_core.demo.colours import BLUE, GOLD, GREEN, INK, RED, TEAL, WHITE, Colour, darker, lighter

BOTTOM: Colour = (152, 58, 50)
BRASS: Colour = (246, 226, 160)
GLASS: Colour = (74, 96, 118)
MAST: Colour = (110, 84, 60)
SMOKE: Colour = (222, 220, 222)


@dataclass(frozen=True)
class _Marks:
    """What the species differ in. rings: one colour for each ring of a funnel, from the top down."""

    rings: tuple[Colour, ...]
    band: Colour
    flag: tuple[Colour, Colour]
    star: Colour | None = None  # the spokes on a paddle box


def draw_steamship(layer: Layer, leaf: str, rng: np.random.Generator) -> None:
    """Draw the species `leaf` with its waterline at y = 0; `rng` drives the smoke."""
    _BUILDS[leaf.rpartition("/")[0]](layer, _MARKS[leaf], rng)


def _tug(layer: Layer, marks: _Marks, rng: np.random.Generator) -> None:
    """Short and high, with one stout funnel and fenders along the side."""
    _smoke(layer, (-8, -50), 6.0, rng)
    _flag(layer, marks, 24, -40)
    _funnel(layer, marks, -5, foot=-18, tall=30, wide=13, paint=(236, 214, 170))
    _house(layer, -14, 16, -23, -11, panes=5.0)
    _house(layer, 3, 16, -35, -22, panes=4.2)
    _hull(layer, marks, half=30, deck=-12, rise=7, paint=(50, 56, 70))
    for x in (-22.0, -10.0, 2.0, 14.0):
        layer.dot((x, -5.2), 2.3, INK)
        layer.dot((x, -5.2), 1.0, (120, 116, 116))


def _paddler(layer: Layer, marks: _Marks, rng: np.random.Generator) -> None:
    """Long and low and white, with one thin funnel and a round box over the wheel."""
    _smoke(layer, (12, -45), 4.5, rng)
    layer.stroke([(30, -8), (29, -34)], (1.6, 0.9), MAST)
    _flag(layer, marks, -26, -32)
    _funnel(layer, marks, 14, foot=-14, tall=31, wide=7, paint=(240, 228, 200))
    _house(layer, -24, 26, -17, -8, panes=5.0)
    _hull(layer, marks, half=42, deck=-8, rise=4, paint=(244, 240, 230))
    hub, turns = np.array((-4.0, -8.0)), np.linspace(np.pi, 2 * np.pi, 20)
    rim = hub + 15 * np.stack([np.cos(turns), np.sin(turns)], axis=1)
    box = layer.polygon([(-19, 1), *map(tuple, rim), (11, 1)], (WHITE, darker(WHITE, 0.2)))
    for turn in np.linspace(np.pi * 1.1, np.pi * 1.9, 5):
        spoke = [hub, hub + 12.5 * np.array((np.cos(turn), np.sin(turn)))]
        layer.stroke(np.array(spoke), (1.0, 3.0), marks.star or marks.band, inside=box)
    layer.dot((-4, -8), 3.0, marks.band, inside=box)
    layer.stroke([(-19, 0.5), (11, 0.5)], 3.0, INK, inside=box)


def _liner(layer: Layer, marks: _Marks, rng: np.random.Generator) -> None:
    """Very long, with three funnels, two decks of windows and a row of portholes."""
    for x in (-34.0, 34.0):
        layer.stroke([(x, -12), (x - 1, -44)], (1.5, 0.8), MAST)
    _flag(layer, marks, -35, -43)
    for x in (-18.0, -1.0, 16.0):
        _smoke(layer, (x - 2, -46), 3.6, rng)
        _funnel(layer, marks, x, foot=-22, tall=21, wide=8.4, paint=(226, 150, 76))
    _house(layer, -26, 26, -24, -18, panes=4.4)
    _house(layer, -33, 31, -18.5, -11, panes=4.4)
    _hull(layer, marks, half=45, deck=-12, rise=4.5, paint=(42, 46, 60))
    for x in np.arange(-39, 40, 4.6):
        layer.dot((x, -9.6), 0.8, BRASS)


def _hull(layer: Layer, marks: _Marks, *, half: float, deck: float, rise: float, paint: Colour) -> None:
    """half: half the length. deck: its y amidships. rise: how much higher the bow is; all in px."""
    rail = [
        (-half, deck - rise * 0.35),
        (-half * 0.4, deck),
        (half * 0.45, deck - rise * 0.15),
        (half + 2, deck - rise),
    ]
    keel = [(half - 2, deck * 0.3), (half - 5, 3), (-half + 4, 3), (-half + 0.5, deck * 0.3)]
    hull = layer.polygon([*rail, *keel], (lighter(paint, 0.18), darker(paint, 0.3)))
    layer.stroke(shifted(rail, 0, -deck * 0.42), max(2.8, -deck * 0.24), marks.band, inside=hull)
    layer.stroke(shifted(rail, 0, 0.8), 1.5, lighter(paint, 0.6), inside=hull)
    layer.box(-half, -1.4, half + 4, 3, BOTTOM, inside=hull)


def _funnel(layer: Layer, marks: _Marks, x: float, *, foot: float, tall: float, wide: float, paint: Colour) -> None:
    """A raked funnel with a black top; one ring is broad, two are narrow."""
    half, top, rake = wide / 2, foot - tall, -tall * 0.10
    shape = [(x - half, foot), (x - half + rake, top), (x + half + rake, top), (x + half, foot)]
    funnel = layer.polygon(shape, (lighter(paint, 0.12), darker(paint, 0.12)))
    layer.box(x - 30, top, x + 30, top + tall * 0.17, INK, inside=funnel)
    deep, y = tall * (0.26 if len(marks.rings) == 1 else 0.17), top + tall * 0.27
    for ring in marks.rings:
        layer.box(x - 30, y, x + 30, y + deep, ring, inside=funnel)
        y += deep + tall * 0.09


def _smoke(layer: Layer, mouth: tuple[float, float], size: float, rng: np.random.Generator) -> None:
    """Puffs that grow, drift aft and thin out."""
    drift = rng.uniform(0.5, 1.0)
    for step in range(6):
        x = mouth[0] - step * size * 1.1 * drift
        y = mouth[1] - step * size * (0.75 - 0.3 * drift) + rng.uniform(-1, 1)
        layer.puff((x, y), size * (0.5 + 0.22 * step), SMOKE, 0.62 - 0.085 * step)


def _flag(layer: Layer, marks: _Marks, x: float, top: float) -> None:
    layer.stroke([(x, -10), (x, top)], (1.5, 0.9), MAST)
    for index, colour in enumerate(marks.flag):
        left, sag = x - 0.2 - 5.6 * index, top + 0.6 * index
        layer.polygon([(left, sag), (left - 5.8, sag + 0.6), (left - 5.8, sag + 6.6), (left, sag + 6)], colour)


def _house(layer: Layer, left: float, right: float, top: float, foot: float, *, panes: float) -> None:
    """A white deck house with a row of windows `panes` px apart."""
    layer.box(left, top, right, foot, (WHITE, darker(WHITE, 0.14)))
    layer.box(left - 1.2, top - 1, right + 1.2, top + 0.6, darker(WHITE, 0.22))
    for x in np.arange(left + panes * 0.55, right - 1.0, panes):
        layer.box(x - 1.2, top + 2, x + 1.2, top + 4.6, GLASS)


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
