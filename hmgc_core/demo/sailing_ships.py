"""Draw a sailing ship from the side: the genus gives hull and rig, the species gives bands, flags and sail marks."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from hmgc_core.demo.canvas import Layer, Mask, shifted
from hmgc_core.demo.colours import BLUE, GOLD, GREEN, INK, RED, TEAL, WHITE, Colour, darker, lighter

CANVAS: Colour = (248, 238, 216)
SPAR: Colour = (104, 74, 50)
HULL: Colour = (58, 52, 60)
BOTTOM: Colour = (150, 62, 52)


@dataclass(frozen=True)
class _Marks:
    """What the species differ in. None leaves a mark out; the two flag colours stand side by side."""

    band: Colour
    flag: tuple[Colour, Colour]
    stripe: Colour | None = None
    disc: Colour | None = None
    hem: Colour | None = None  # a line along the lowest sails
    ports: Colour | None = None


def draw_sailing_ship(layer: Layer, leaf: str, rng: np.random.Generator) -> None:
    """Draw the species `leaf` with its waterline at y = 0; `rng` fills the sails more or less."""
    length, height, rig = _BUILDS[leaf.rpartition("/")[0]]
    rig(layer, _MARKS[leaf], rng.uniform(0.7, 1.3))
    _hull(layer, _MARKS[leaf], length, height)


def _cutter(layer: Layer, marks: _Marks, full: float) -> None:
    """One mast. full: how far the wind rounds the sails, about 1."""
    _jib(layer, (31, -13), (5, -58), full)
    _jib(layer, (20, -11), (4.5, -44), full)
    layer.stroke([(4, -6), (3.6, -70)], (2.0, 1.0), SPAR)
    main = _gaff_sail(layer, 4, wide=32, tall=34, full=full)
    _mark_sail(layer, marks, main, (-9, -29))
    top = _sail(layer, [(2.6, -48), (2.6, -48), (2.8, -66), (2.8, -66), (-17, -55), (-17, -55)])
    if marks.stripe:
        layer.stroke([(-20, -53), (6, -53.5)], 2.6, marks.stripe, inside=top)
    _flag(layer, marks, 3.6, -69)


def _schooner(layer: Layer, marks: _Marks, full: float) -> None:
    """Two masts, the after one higher."""
    _jib(layer, (43, -15), (17, -50), full)
    _jib(layer, (33, -12), (16.5, -40), full)
    for x, top in ((16.0, -56.0), (-8.0, -60.0)):
        layer.stroke([(x, -6), (x - 0.4, top)], (2.0, 1.0), SPAR)
    fore = _gaff_sail(layer, 16, wide=20, tall=30, full=full)
    main = _gaff_sail(layer, -8, wide=28, tall=33, full=full)
    _mark_sail(layer, marks, main, (-20, -28))
    if marks.stripe:
        _mark_sail(layer, marks, fore, (6, -26))
    _flag(layer, marks, -8.4, -59)


def _square_rigger(layer: Layer, marks: _Marks, full: float) -> None:
    """Three masts with three square sails each; the middle ones carry the marks."""
    _jib(layer, (45, -17), (25, -44), full)
    for x, tall in ((-23.0, 0.86), (0.0, 1.0), (23.0, 0.92)):
        layer.stroke([(x, -6), (x - 0.4, -66 * tall)], (2.0, 1.0), SPAR)
        course = _square_sail(layer, x, foot=-13.0, half=10.6, high=17.0 * tall, full=full)
        foot = -13.9 - 17.0 * tall
        topsail = _square_sail(layer, x, foot=foot, half=9.2, high=15.0 * tall, full=full)
        _square_sail(layer, x, foot=foot - 0.9 - 15.0 * tall, half=7.2, high=11.0 * tall, full=full)
        _mark_sail(layer, marks, topsail, (x + 1.3 * full, foot - 7.5 * tall))
        if marks.hem:
            layer.stroke([(x - 14, -20), (x + 14, -20)], 2.2, marks.hem, inside=course)
    _flag(layer, marks, -0.4, -65)


def _sail(layer: Layer, outline: list[tuple[float, float]]) -> Mask:
    """Canvas, bright above and shaded towards its foot."""
    return layer.blob(outline, (lighter(CANVAS, 0.5), darker(CANVAS, 0.14)))


def _gaff_sail(layer: Layer, x: float, *, wide: float, tall: float, full: float) -> Mask:
    """A four-cornered sail with its boom and its gaff, aft of the mast at x."""
    foot, top, peak = -12.0, -12.0 - tall, -12.0 - tall * 1.26
    tack, throat, head, clew = (x - 1, foot), (x - 1, top), (x - wide * 0.66, peak), (x - wide, foot + 0.6)
    belly = (x - wide * 0.92 - 2.4 * full, foot - tall * 0.6)
    sail = _sail(layer, [tack, tack, throat, throat, head, head, belly, clew, clew])
    layer.stroke([(x, foot + 1), (x - wide - 1.5, foot + 1.6)], 1.5, SPAR)
    layer.stroke([(x, top), (x - wide * 0.68, peak - 0.6)], 1.3, SPAR)
    return sail


def _jib(layer: Layer, bow: tuple[float, float], top: tuple[float, float], full: float) -> None:
    """A three-cornered sail between the bow and a mast head."""
    clew = (top[0] + 2.5, bow[1] + 1.5)
    belly = ((bow[0] + top[0]) / 2 - 0.5 + 2 * full, (bow[1] + top[1]) / 2 - 1)
    _sail(layer, [bow, bow, belly, top, top, (clew[0] + 1.0, (clew[1] + top[1]) / 2), clew, clew])


def _square_sail(layer: Layer, x: float, *, foot: float, half: float, high: float, full: float) -> Mask:
    """A sail across the mast at x, hung from its yard and rounded forward."""
    top, middle, bulge = foot - high, foot - high / 2, 2.2 * full
    a, b, c, d = (x - half, foot), (x - half * 0.88, top), (x + half * 0.88, top), (x + half, foot)
    aft, fore = (x - half * 0.9 + bulge, middle), (x + half * 0.9 + bulge, middle)
    sail = _sail(layer, [a, a, aft, b, b, c, c, fore, d, d, (x + bulge, foot - 2.0)])
    layer.stroke([(x - half * 0.95, top), (x + half * 0.95, top)], 1.3, SPAR)
    return sail


def _mark_sail(layer: Layer, marks: _Marks, sail: Mask, centre: tuple[float, float]) -> None:
    x, y = centre
    if marks.stripe:
        for drop in (-3.6, 3.6):
            layer.stroke([(x - 30, y + drop - 1.5), (x + 30, y + drop + 1.5)], 3.2, marks.stripe, inside=sail)
    if marks.disc:
        layer.dot(centre, 5.0, marks.disc, inside=sail)


def _flag(layer: Layer, marks: _Marks, x: float, top: float) -> None:
    layer.stroke([(x, top + 4), (x, top - 7)], 0.9, SPAR)
    for index, colour in enumerate(marks.flag):
        left, sag = x - 0.2 - 6.0 * index, 0.6 * index
        near, far = (
            [(left, top - 1 + sag), (left, top - 7 + sag)],
            [(left - 6.2, top - 6.4 + sag), (left - 6.2, top - 0.4 + sag)],
        )
        layer.polygon([*near, *far], colour)


def _hull(layer: Layer, marks: _Marks, length: float, height: float) -> None:
    half, deck = length / 2, -height
    layer.stroke([(half - 4, deck - 2.5), (half + 13, deck - 7.5)], (2.2, 1.2), SPAR)
    rail = [(-half - 1, deck - 3), (-half * 0.5, deck), (0, deck + 0.8), (half * 0.5, deck - 0.6), (half + 2, deck - 4)]
    keel = [(half - 3, deck * 0.3), (half - 8, 3), (-half + 5, 3), (-half + 1, deck * 0.4)]
    hull = layer.polygon([*rail, *keel], (lighter(HULL, 0.16), darker(HULL, 0.35)))
    layer.stroke(shifted(rail, 0, 1.0), 1.6, lighter(SPAR, 0.35), inside=hull)
    layer.stroke(shifted(rail, 0, height * 0.46), max(2.6, height * 0.3), marks.band, inside=hull)
    if marks.ports:
        xs, ys = zip(*rail, strict=True)
        for x in np.arange(-half + 8, half - 6, 6.4):
            y = float(np.interp(x, xs, ys)) + height * 0.46
            layer.box(x - 1.4, y - 1.4, x + 1.4, y + 1.4, marks.ports, inside=hull)
    layer.box(-half, -1.2, half, 3, BOTTOM, inside=hull)


# Length at the deck and height amidships in px, and what draws masts and sails.
_BUILDS: dict[str, tuple[float, float, Callable[[Layer, _Marks, float], None]]] = {
    "sailing-ship/cutter": (46, 9, _cutter),
    "sailing-ship/schooner": (64, 9, _schooner),
    "sailing-ship/square-rigger": (70, 11.5, _square_rigger),
}

_MARKS = {
    "sailing-ship/cutter/pilot": _Marks(WHITE, (WHITE, RED), disc=RED),
    "sailing-ship/cutter/customs": _Marks(BLUE, (BLUE, WHITE), stripe=BLUE),
    "sailing-ship/cutter/oyster": _Marks(GREEN, (GREEN, GOLD)),
    "sailing-ship/schooner/banks": _Marks(GOLD, (GOLD, INK), disc=INK),
    "sailing-ship/schooner/packet": _Marks(RED, (RED, WHITE), stripe=RED),
    "sailing-ship/schooner/pearl": _Marks(TEAL, (WHITE, TEAL)),
    "sailing-ship/square-rigger/tea-clipper": _Marks(GOLD, (GREEN, GOLD), disc=GREEN),
    "sailing-ship/square-rigger/frigate": _Marks(WHITE, (RED, RED), hem=RED, ports=INK),
    "sailing-ship/square-rigger/training": _Marks((110, 176, 232), (BLUE, GOLD), stripe=(70, 140, 214)),
}
