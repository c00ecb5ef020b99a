"""Draw an owl, perched and seen from the front: the genus gives the build, the species the marks. Knows no scenery."""

from dataclasses import dataclass

import numpy as np

from hmgc_core.demo.canvas import Layer, Mask, mirrored, shifted
from hmgc_core.demo.colours import INK, Colour, darker, lighter, mix


@dataclass(frozen=True)
class _Build:
    """What the genera differ in; lengths in px as designed."""

    back: Colour
    front: Colour
    face: Colour
    half_width: float
    height: float
    shoulder: float  # where the body is widest, from the top of the head (0) to the feet (1)
    head: float  # half its width
    tufts: bool
    heart: bool  # the face is one heart, else two round discs
    legs: float
    tail: float


@dataclass(frozen=True)
class _Marks:
    """What the species differ in. None leaves a mark out."""

    eyes: Colour
    feet: Colour
    cap: Colour | None = None
    brow: Colour | None = None
    bib: Colour | None = None
    rim: Colour | None = None
    wing_bars: Colour | None = None
    spots: Colour | None = None
    streaks: Colour | None = None
    bars: Colour | None = None


_BUILDS = {
    "owl/eagle": _Build((134, 98, 66), (206, 172, 130), (196, 158, 116), 21, 58, 0.6, 18.0, True, False, 0, 6),
    "owl/barn": _Build((198, 152, 92), (250, 242, 224), (252, 248, 240), 14, 56, 0.42, 13.5, False, True, 11, 2),
    "owl/pygmy": _Build((124, 110, 98), (226, 214, 198), (196, 184, 168), 15.5, 38, 0.52, 15.0, False, False, 0, 17),
}

_PALE = (255, 253, 246)

_MARKS = {
    "owl/eagle/eurasian": _Marks((255, 140, 20), (214, 176, 130), streaks=(70, 44, 30)),
    "owl/eagle/great-horned": _Marks((255, 214, 50), (236, 210, 170), bib=_PALE, rim=(150, 70, 34), bars=(92, 60, 42)),
    "owl/eagle/spotted": _Marks(
        (255, 226, 90), (120, 110, 104), cap=(84, 78, 80), spots=_PALE, wing_bars=(240, 232, 218)
    ),
    "owl/barn/common": _Marks(INK, (240, 176, 160), cap=(222, 164, 84), spots=(112, 82, 58)),
    "owl/barn/grass": _Marks(INK, (226, 206, 150), cap=(74, 50, 40), wing_bars=(250, 240, 214)),
    "owl/barn/masked": _Marks(INK, (170, 120, 90), rim=(122, 54, 26), bars=(158, 98, 56)),
    "owl/pygmy/eurasian": _Marks((250, 206, 40), (240, 190, 60), brow=_PALE, bars=(112, 84, 62)),
    "owl/pygmy/ferruginous": _Marks((250, 216, 60), (206, 170, 90), cap=(186, 92, 42), streaks=(176, 88, 44)),
    "owl/pygmy/pearl-spotted": _Marks(
        (255, 226, 80), (150, 140, 130), brow=_PALE, spots=(96, 70, 52), wing_bars=(255, 252, 244)
    ),
}


def draw_owl(layer: Layer, leaf: str, rng: np.random.Generator) -> None:
    """Draw the species `leaf` with its feet at the origin; `rng` turns its head and its breast a little."""
    build, marks = _BUILDS[leaf.rpartition("/")[0]], _MARKS[leaf]
    turn, nod = rng.uniform(0.0, 3.6), rng.uniform(-1.0, 1.0)
    _tail(layer, build)
    _legs(layer, build, marks)
    body = _body(layer, build)
    _breast(layer, build, marks, body, turn * 0.6)
    _wings(layer, build, marks, body, turn * 0.4)
    _head(layer, build, marks, (turn, nod - build.legs - build.height + build.head * 0.74))
    for x in (-7.4, -4.9, -2.4, 2.4, 4.9, 7.4):
        layer.oval((x, 0.4), (1.5, 2.9), (lighter(marks.feet, 0.2), darker(marks.feet, 0.15)))


def _tail(layer: Layer, build: _Build) -> None:
    long, half = build.tail, 5.5
    outline = mirrored([(0, -8), (half, -8), (half * 0.9, long), (half * 0.5, long + 2), (0, long + 2)])
    tail = layer.blob(outline, (build.back, darker(build.back, 0.3)))
    for y in np.arange(long - 1.0, 1.0, -4.6):
        layer.stroke([(-9, y), (9, y)], 1.5, lighter(build.back, 0.55), inside=tail)


def _legs(layer: Layer, build: _Build, marks: _Marks) -> None:
    if build.legs:
        for x in (-4.5, 4.5):
            leg = [(x * 0.9, -build.legs - 6), (x, -build.legs * 0.5), (x, 0)]
            layer.stroke(leg, (6.5, 2.6), (build.front, marks.feet))


def _body(layer: Layer, build: _Build) -> Mask:
    wide, tall, base = build.half_width, build.height, -build.legs
    widest = base - tall * (1 - build.shoulder)
    upper = [(0, base - tall * 0.9), (build.head * 0.8, base - tall * 0.84), (wide * 0.96, widest - tall * 0.1)]
    lower = [(wide, widest + tall * 0.08), (wide * 0.72, base - tall * 0.1), (wide * 0.3, base + 1.5), (0, base + 1.5)]
    return layer.blob(mirrored([*upper, *lower]), (lighter(build.back, 0.12), darker(build.back, 0.14)))


def _breast(layer: Layer, build: _Build, marks: _Marks, body: Mask, turn: float) -> None:
    wide, base, top = build.half_width, -build.legs, -build.legs - build.height * 0.66
    paint = (lighter(build.front, 0.2), darker(build.front, 0.16))
    front = layer.oval((turn, (top + base) / 2 + 1), (wide * 0.66, (base - top) / 2 + 1), paint, inside=body)
    for row, y in enumerate(np.arange(top + build.height * 0.2, base - 1, 4.6)):
        if marks.bars:
            layer.stroke([(turn - 20, y - 1.2), (turn, y + 1), (turn + 20, y - 1.2)], 1.7, marks.bars, inside=front)
        for x in np.arange(-2, 3) * 5.0 + (2.5 if row % 2 else 0.0) + turn:
            if marks.spots:
                layer.dot((x, y), 1.35, marks.spots, inside=front)
            if marks.streaks:
                layer.stroke([(x, y - 3.4), (x, y + 2.6)], (2.2, 1.0), marks.streaks, inside=front)
    if marks.bib:
        layer.oval((turn, top + build.height * 0.13), (wide * 0.5, build.height * 0.075), marks.bib, inside=body)


def _wings(layer: Layer, build: _Build, marks: _Marks, body: Mask, turn: float) -> None:
    """The two folded wings, at the edges of the body."""
    size = (build.half_width, build.height)
    outer = [(0.62, -0.62), (1.1, -0.5), (1.12, -0.2), (0.5, -0.02), (0.5, -0.02)]
    inner = [(0.66, -0.2), (0.58, -0.44)]
    for side in (-1.0, 1.0):
        mirror, root = (side, 1.0), (turn, -build.legs)
        outline = np.array([*outer, *inner]) * size * mirror + root
        wing = layer.blob(outline, (lighter(build.back, 0.08), darker(build.back, 0.3)), inside=body)
        if marks.wing_bars:
            for share in (0.46, 0.33, 0.2):
                bar = np.array([(0.4, 0.04 - share), (1.2, -share)]) * size * mirror + root
                layer.stroke(bar, 2.0, marks.wing_bars, inside=wing)


def _head(layer: Layer, build: _Build, marks: _Marks, at: tuple[float, float]) -> None:
    x, y = at
    wide, high, gap = build.head, build.head * 0.82, build.head * 0.43
    if build.tufts:
        _tufts(layer, build, (x * 0.5, y))
    head = layer.oval((x * 0.5, y), (wide, high), (lighter(build.back, 0.2), build.back))
    if marks.cap:
        crown = [(x - wide, y - 2), (x - wide, y - high - 4), (x + wide, y - high - 4), (x + wide, y - 2)]
        layer.blob([*crown, (x, y - high * 0.42)], marks.cap, inside=head)
    _face(layer, build, marks, (x, y + 0.5), head)
    for side in (-1.0, 1.0):
        _eye(layer, build, marks, (x + gap * side, y))
        if marks.brow:
            arch = [(x + side * 1.2, y + 2), (x + side * gap * 0.7, y - 5.2), (x + side * (gap + 5), y - 6)]
            layer.stroke(arch, (2.6, 1.6), marks.brow)
    beak = shifted(mirrored([(0, 1.4), (1.7, 1.6), (1.1, 5), (0, 6.6)]), x, y)
    layer.blob(beak, (lighter(INK, 0.4), INK))


def _tufts(layer: Layer, build: _Build, at: tuple[float, float]) -> None:
    high = build.head * 0.82
    outer = [(5, -high * 0.8), (10.5, -high - 1), (18, -high - 8), (18, -high - 8)]
    inner = [(16.6, -high + 4), (16.5, -6), (9, -4)]
    for side in (-1.0, 1.0):
        tuft = shifted(np.array([*outer, *inner]) * (side, 1.0), *at)
        layer.blob(tuft, (darker(build.back, 0.25), build.back))


def _face(layer: Layer, build: _Build, marks: _Marks, at: tuple[float, float], head: Mask) -> None:
    wide = build.head
    heart = mirrored([(0, -0.4), (0.5, -0.72), (0.86, -0.2), (0.6, 0.44), (0, 0.82)]) * wide
    for grow, paint in ((1.0, marks.rim or mix(build.face, build.back, 0.75)), (0.84, build.face)):
        if build.heart:
            layer.blob(shifted(heart * grow, *at), (lighter(paint, 0.3), paint))
            continue
        for side in (-0.44, 0.44):
            disc = (wide * 0.52 * grow, wide * 0.56 * grow)
            layer.oval((at[0] + side * wide, at[1]), disc, (lighter(paint, 0.2), paint), inside=head)


def _eye(layer: Layer, build: _Build, marks: _Marks, at: tuple[float, float]) -> None:
    size = 2.6 if build.heart else build.head * 0.27
    layer.dot(at, size + 0.7, darker(build.back, 0.6))
    layer.dot(at, size, marks.eyes)
    layer.dot(at, size * 0.58, INK)
    layer.dot((at[0] + size * 0.3, at[1] - size * 0.35), size * 0.24, (255, 255, 255))
