"""Draw a sailing ship from the side: the genus gives hull and rig, the species gives bands, flags and sail marks."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from PIL import Image

from hmgc_core.demo.canvas import Colour, Layer, darker, lighter

CANVAS: Colour = (248, 238, 216)
SPAR: Colour = (104, 74, 50)
HULL: Colour = (58, 52, 60)


@dataclass(frozen=True)
class _Build:
    """What the genera differ in. length: px at the deck; height: px from the water to the deck amidships."""

    length: float
    height: float
    rig: Callable[[Layer, "_Marks", float], None]


@dataclass(frozen=True)
class _Marks:
    """What the species differ in. None leaves a mark out; two flag colours stand side by side."""

    band: Colour
    flag: tuple[Colour, Colour]
    stripe: Colour | None = None
    disc: Colour | None = None
    ports: Colour | None = None


def draw_sailing_ship(layer: Layer, leaf: str, rng: np.random.Generator) -> None:
    """Draw the species `leaf` with its waterline at y = 0; `rng` fills the sails more or less."""
    build, marks = _BUILDS[leaf.rsplit("/", 1)[0]], _MARKS[leaf]
    build.rig(layer, marks, rng.uniform(0.7, 1.3))
    _hull(layer, build, marks)


def _hull(layer: Layer, build: _Build, marks: _Marks) -> None:
    half, deck = build.length / 2, -build.height
    layer.stroke([(half - 4, deck - 2.5), (half + 13, deck - 7.5)], (2.2, 1.2), SPAR)
    hull = layer.polygon(
        [*_sheer(half, deck), (half - 3, deck * 0.3), (half - 8, 3), (-half + 5, 3), (-half + 1, deck * 0.4)],
        (lighter(HULL, 0.16), darker(HULL, 0.35)),
    )
    sheer = np.array(_sheer(half, deck))
    layer.stroke(sheer + (0, 1.0), 1.6, lighter(SPAR, 0.35), inside=hull)
    layer.stroke(sheer + (0, -deck * 0.46), max(2.6, build.height * 0.3), marks.band, inside=hull)
    if marks.ports:
        for x in np.arange(-half + 8, half - 6, 6.4):
            y = float(np.interp(x, sheer[:, 0], sheer[:, 1])) - deck * 0.46
            layer.polygon([(x - 1.4, y - 1.4), (x + 1.4, y - 1.4), (x + 1.4, y + 1.4), (x - 1.4, y + 1.4)], marks.ports, inside=hull)
    layer.polygon([(-half, -1.2), (half, -1.2), (half, 3), (-half, 3)], (150, 62, 52), inside=hull)


def _sheer(half: float, deck: float) -> list[tuple[float, float]]:
    return [(-half - 1, deck - 3), (-half * 0.5, deck), (0, deck + 0.8), (half * 0.5, deck - 0.6), (half + 2, deck - 4)]


def _mast(layer: Layer, x: float, foot: float, top: float) -> None:
    layer.stroke([(x, foot), (x - 0.4, top)], (2.0, 1.0), SPAR)


def _sail(layer: Layer, points: list[tuple[float, float]]) -> Image.Image:
    """A sail with doubled corners in `points`, light above and warm in the shade of its foot."""
    return layer.blob(points, (lighter(CANVAS, 0.5), darker(CANVAS, 0.14)))


def _flag(layer: Layer, marks: _Marks, x: float, top: float) -> None:
    layer.stroke([(x, top + 4), (x, top - 7)], 0.9, SPAR)
    for index, colour in enumerate(marks.flag):
        left = x - 0.2 - 6.0 * index
        layer.polygon([(left, top - 7), (left - 6.2, top - 6.4 + index), (left - 6.2, top - 0.4 + index), (left, top - 1 + index * 0.6)], colour)


def _gaff_sail(layer: Layer, x: float, foot: float, *, wide: float, tall: float, full: float) -> Image.Image:
    """A four-cornered sail that stretches aft, to the left, of the mast at x."""
    a, b, c, d = (x - 1, foot), (x - 1, foot - tall), (x - wide * 0.66, foot - tall * 1.26), (x - wide, foot + 0.6)
    belly = (x - wide * 0.92 - 2.4 * full, foot - tall * 0.6)
    sail = _sail(layer, [a, a, b, b, c, c, belly, d, d])
    layer.stroke([(x, foot + 1), (x - wide - 1.5, foot + 1.6)], 1.5, SPAR)
    layer.stroke([(x, foot - tall), (x - wide * 0.68, foot - tall * 1.28)], 1.3, SPAR)
    return sail


def _jib(layer: Layer, bow: tuple[float, float], top: tuple[float, float], *, full: float) -> Image.Image:
    """A three-cornered sail between the bow and a mast head; its loose corner hangs aft of the bow."""
    clew = (top[0] + 2.5, bow[1] + 1.5)
    belly = ((bow[0] + top[0]) / 2 - 0.5 + 2 * full, (bow[1] + top[1]) / 2 - 1)
    return _sail(layer, [bow, bow, belly, top, top, (clew[0] + 1.0, (clew[1] + top[1]) / 2), clew, clew])


def _marks_on(layer: Layer, marks: _Marks, sail: Image.Image, centre: tuple[float, float]) -> None:
    x, y = centre
    if marks.stripe:
        for drop in (-3.6, 3.6):
            layer.stroke([(x - 30, y + drop - 1.5), (x, y + drop), (x + 30, y + drop + 1.5)], 3.2, marks.stripe, inside=sail)
    if marks.disc:
        layer.dot((x, y), 5.0, marks.disc, inside=sail)


def _cutter_rig(layer: Layer, marks: _Marks, full: float) -> None:
    _jib(layer, (31, -13), (5, -58), full=full)
    _jib(layer, (20, -11), (4.5, -44), full=full)
    _mast(layer, 4, -6, -70)
    sail = _gaff_sail(layer, 4, -12, wide=32, tall=34, full=full)
    _marks_on(layer, marks, sail, (-9, -29))
    top = _sail(layer, [(2.6, -48), (2.6, -48), (2.8, -66), (2.8, -66), (-17, -55), (-17, -55)])
    if marks.stripe:
        layer.stroke([(-20, -53), (6, -53.5)], 2.6, marks.stripe, inside=top)
    _flag(layer, marks, 3.6, -69)


def _schooner_rig(layer: Layer, marks: _Marks, full: float) -> None:
    _jib(layer, (43, -15), (17, -50), full=full)
    _jib(layer, (33, -12), (16.5, -40), full=full)
    for x, top in ((16.0, -56.0), (-8.0, -60.0)):
        _mast(layer, x, -6, top)
    fore = _gaff_sail(layer, 16, -12, wide=20, tall=30, full=full)
    main = _gaff_sail(layer, -8, -12, wide=28, tall=33, full=full)
    _marks_on(layer, marks, main, (-20, -28))
    if marks.stripe:
        _marks_on(layer, marks, fore, (6, -26))
    _flag(layer, marks, -8.4, -59)


def _square_rig(layer: Layer, marks: _Marks, full: float) -> None:
    _jib(layer, (45, -17), (25, -44), full=full)
    for x, tall in ((-23.0, 0.86), (0.0, 1.0), (23.0, 0.92)):
        _mast(layer, x, -6, -66 * tall)
        foot = -13.0
        for row, (half, high) in enumerate(((10.6, 17.0), (9.2, 15.0), (7.2, 11.0))):
            top = foot - high * tall
            a, b, c, d = (x - half, foot), (x - half * 0.88, top), (x + half * 0.88, top), (x + half, foot)
            bulge = 2.2 * full
            sail = _sail(layer, [a, a, (x - half * 0.9 + bulge, (foot + top) / 2), b, b, c, c, (x + half * 0.9 + bulge, (foot + top) / 2), d, d,
                                 (x + bulge, foot - 2.0)])  # fmt: skip
            layer.stroke([(x - half * 0.95, top), (x + half * 0.95, top)], 1.3, SPAR)
            if row == 1:
                _marks_on(layer, marks, sail, (x + bulge * 0.6, (foot + top) / 2))
            foot = top - 0.9
    _flag(layer, marks, -0.4, -65)


RED: Colour = (206, 52, 46)
BLUE: Colour = (40, 98, 190)
GREEN: Colour = (36, 142, 96)
GOLD: Colour = (246, 190, 48)
WHITE: Colour = (252, 250, 244)
INK: Colour = (30, 30, 40)

_BUILDS = {
    "sailing-ship/cutter": _Build(46, 9, _cutter_rig),
    "sailing-ship/schooner": _Build(64, 9, _schooner_rig),
    "sailing-ship/square-rigger": _Build(70, 11.5, _square_rig),
}

_MARKS = {
    "sailing-ship/cutter/pilot": _Marks(WHITE, (WHITE, RED), disc=RED),
    "sailing-ship/cutter/customs": _Marks(BLUE, (BLUE, WHITE), stripe=BLUE),
    "sailing-ship/cutter/oyster": _Marks(GREEN, (GREEN, GOLD)),
    "sailing-ship/schooner/banks": _Marks(GOLD, (GOLD, INK), disc=INK),
    "sailing-ship/schooner/packet": _Marks(RED, (RED, WHITE), stripe=RED),
    "sailing-ship/schooner/pearl": _Marks((70, 190, 190), (WHITE, (70, 190, 190))),
    "sailing-ship/square-rigger/tea-clipper": _Marks(GOLD, (GREEN, GOLD), disc=GREEN),
    "sailing-ship/square-rigger/frigate": _Marks(WHITE, (RED, RED), ports=INK),
    "sailing-ship/square-rigger/training": _Marks((110, 176, 232), (BLUE, GOLD), stripe=(70, 140, 214)),
}
