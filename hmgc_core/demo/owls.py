"""Draw an owl, perched and seen from the front: the genus gives the build, the species the marks. Knows no scenery."""

from dataclasses import dataclass

import numpy as np
from PIL import Image

from hmgc_core.demo.canvas import Colour, Layer, darker, lighter, mix

INK: Colour = (34, 28, 30)


@dataclass(frozen=True)
class _Build:
    """What the genera differ in; lengths in px as designed."""

    back: Colour
    front: Colour
    face: Colour
    half_width: float
    height: float
    shoulder: float  # y of the widest place, from the top of the head (0) to the feet (1)
    head: float  # half the width of the head
    tufts: bool
    heart: bool  # a heart-shaped face, else two round discs
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

_MARKS = {
    "owl/eagle/eurasian": _Marks((255, 140, 20), (214, 176, 130), streaks=(70, 44, 30)),
    "owl/eagle/great-horned": _Marks(
        (255, 214, 50), (236, 210, 170), bib=(252, 250, 244), rim=(150, 70, 34), bars=(92, 60, 42)
    ),
    "owl/eagle/spotted": _Marks(
        (255, 226, 90), (120, 110, 104), cap=(84, 78, 80), spots=(252, 248, 240), wing_bars=(240, 232, 218)
    ),
    "owl/barn/common": _Marks(INK, (240, 176, 160), cap=(222, 164, 84), spots=(112, 82, 58)),
    "owl/barn/grass": _Marks(INK, (226, 206, 150), cap=(74, 50, 40), wing_bars=(250, 240, 214)),
    "owl/barn/masked": _Marks(INK, (170, 120, 90), rim=(122, 54, 26), bars=(158, 98, 56)),
    "owl/pygmy/eurasian": _Marks((250, 206, 40), (240, 190, 60), brow=(255, 253, 246), bars=(112, 84, 62)),
    "owl/pygmy/ferruginous": _Marks((250, 216, 60), (206, 170, 90), cap=(186, 92, 42), streaks=(176, 88, 44)),
    "owl/pygmy/pearl-spotted": _Marks(
        (255, 226, 80), (150, 140, 130), brow=(255, 253, 246), spots=(96, 70, 52), wing_bars=(255, 252, 244)
    ),
}


def draw_owl(layer: Layer, leaf: str, rng: np.random.Generator) -> None:
    """Draw the species `leaf` with its feet at the origin; a species' marks move with the turn of its head and body."""
    build, marks = _BUILDS[leaf.rsplit("/", 1)[0]], _MARKS[leaf]
    turn = rng.uniform(0.0, 3.6)
    nod = rng.uniform(-1.0, 1.0)
    _tail(layer, build)
    _legs(layer, build, marks)
    base = -build.legs
    body = _body(layer, build, base)
    _breast(layer, build, marks, body, turn * 0.6, base)
    _wings(layer, build, marks, body, turn * 0.6, base)
    _head(layer, build, marks, (turn, base - build.height + build.head * 0.74 + nod))
    _toes(layer, marks)


def _tail(layer: Layer, build: _Build) -> None:
    long, half = build.tail, 5.5
    tail = layer.blob(
        [(-half, -8), (half, -8), (half * 0.9, long), (half * 0.5, long + 2), (-half * 0.5, long + 2), (-half * 0.9, long)],
        (build.back, darker(build.back, 0.3)),
    )
    for y in np.arange(long - 1.0, 1.0, -4.6):
        layer.stroke([(-9, y), (9, y)], 1.5, lighter(build.back, 0.55), inside=tail)


def _legs(layer: Layer, build: _Build, marks: _Marks) -> None:
    if build.legs:
        for x in (-4.5, 4.5):
            layer.stroke([(x * 0.9, -build.legs - 6), (x, -build.legs * 0.5), (x, 0)], (6.5, 2.6), (build.front, marks.feet))


def _body(layer: Layer, build: _Build, base: float) -> Image.Image:
    wide, tall = build.half_width, build.height
    widest = base - tall * (1 - build.shoulder)
    half = [(0.0, base - tall * 0.9), (build.head * 0.8, base - tall * 0.84), (wide * 0.96, widest - tall * 0.1), (wide, widest + tall * 0.08),
            (wide * 0.72, base - tall * 0.1), (wide * 0.3, base + 1.5)]  # fmt: skip
    outline = [*half, *((-x, y) for x, y in half[:0:-1])]
    return layer.blob(outline, (lighter(build.back, 0.12), darker(build.back, 0.14)))


def _breast(layer: Layer, build: _Build, marks: _Marks, body: Image.Image, turn: float, base: float) -> None:
    wide, tall = build.half_width, build.height
    top = base - tall * 0.66
    front = layer.oval(
        (turn, (top + base) / 2 + 1), (wide * 0.66, (base - top) / 2 + 1), (lighter(build.front, 0.2), darker(build.front, 0.16)), inside=body
    )
    rows = np.arange(top + tall * 0.2, base - 1, 4.6)
    for row, y in enumerate(rows):
        xs = np.arange(-2, 3) * 5.0 + (2.5 if row % 2 else 0.0) + turn
        if marks.bars:
            layer.stroke([(turn - 20, y - 1.2), (turn, y + 1), (turn + 20, y - 1.2)], 1.7, marks.bars, inside=front)
        for x in xs:
            if marks.spots:
                layer.dot((x, y), 1.35, marks.spots, inside=front)
            if marks.streaks:
                layer.stroke([(x, y - 3.4), (x, y + 2.6)], (2.2, 1.0), marks.streaks, inside=front)
    if marks.bib:
        layer.oval((turn, top + tall * 0.13), (wide * 0.5, tall * 0.075), marks.bib, inside=body)


def _wings(layer: Layer, build: _Build, marks: _Marks, body: Image.Image, turn: float, base: float) -> None:
    wide, tall = build.half_width, build.height
    for side in (-1.0, 1.0):
        lower = np.array([(wide * 0.62, -tall * 0.62), (wide * 1.1, -tall * 0.5), (wide * 1.12, -tall * 0.2), (wide * 0.5, -1.0),
                          (wide * 0.5, -1.0), (wide * 0.66, -tall * 0.2), (wide * 0.58, -tall * 0.44)])  # fmt: skip
        wing = layer.blob(lower * (side, 1) + (turn * 0.7, base), (lighter(build.back, 0.08), darker(build.back, 0.3)), inside=body)
        if marks.wing_bars:
            for share in (0.46, 0.33, 0.2):
                bar = np.array([(wide * 0.4, -tall * (share - 0.04)), (wide * 1.2, -tall * share)])
                layer.stroke(bar * (side, 1) + (turn * 0.7, base), 2.0, marks.wing_bars, inside=wing)


def _head(layer: Layer, build: _Build, marks: _Marks, at: tuple[float, float]) -> None:
    turn, y = at
    wide = build.head
    high = wide * 0.82
    if build.tufts:
        for side in (-1.0, 1.0):
            tuft = np.array([(3, -high * 0.7), (9, -high - 1), (16, -high - 8), (16, -high - 8), (15.4, -high + 3), (16.5, -5), (8, -2)])
            layer.blob(tuft * (side, 1) + (turn * 0.5, y), (darker(build.back, 0.25), build.back))
    head = layer.oval((turn * 0.5, y), (wide, high), (lighter(build.back, 0.2), build.back))
    if marks.cap:
        layer.blob([(turn - wide, y - 2), (turn - wide, y - high - 4), (turn + wide, y - high - 4), (turn + wide, y - 2), (turn, y - high * 0.42)],
                   marks.cap, inside=head)  # fmt: skip
    _face(layer, build, marks, (turn, y + 0.5), head)
    gap = wide * 0.43
    for side in (-1.0, 1.0):
        _eye(layer, marks, (turn + gap * side, y), build)
        if marks.brow:
            layer.stroke([(turn + side * 1.2, y + 2), (turn + side * gap * 0.7, y - 5.2), (turn + side * (gap + 5), y - 6)], (2.6, 1.6), marks.brow)
    layer.blob([(turn - 1.7, y + 1.6), (turn + 1.7, y + 1.6), (turn + 1.1, y + 5), (turn, y + 6.6), (turn - 1.1, y + 5)], (lighter(INK, 0.4), INK))


def _face(layer: Layer, build: _Build, marks: _Marks, at: tuple[float, float], head: Image.Image) -> None:
    x, y = at
    wide = build.head
    rim = marks.rim or mix(build.face, build.back, 0.75)
    for grow, paint in ((1.0, rim), (0.84, build.face)):
        if build.heart:
            half = np.array([(0, -wide * 0.4), (wide * 0.5, -wide * 0.72), (wide * 0.86, -wide * 0.2), (wide * 0.6, wide * 0.44), (0, wide * 0.82)])
            heart = np.concatenate([half, half[-2:0:-1] * (-1, 1)]) * grow + (x, y)
            layer.blob(heart, (lighter(paint, 0.3), paint))
        else:
            for side in (-1.0, 1.0):
                layer.oval((x + side * wide * 0.44, y), (wide * 0.52 * grow, wide * 0.56 * grow), (lighter(paint, 0.2), paint), inside=head)


def _eye(layer: Layer, marks: _Marks, at: tuple[float, float], build: _Build) -> None:
    x, y = at
    size = 2.6 if build.heart else build.head * 0.27
    layer.dot((x, y), size + 0.7, darker(build.back, 0.6))
    layer.dot((x, y), size, marks.eyes)
    layer.dot((x, y), size * 0.58, INK)
    layer.dot((x + size * 0.3, y - size * 0.35), size * 0.24, (255, 255, 255))


def _toes(layer: Layer, marks: _Marks) -> None:
    for x in (-7.4, -4.9, -2.4, 2.4, 4.9, 7.4):
        layer.oval((x, 0.4), (1.5, 2.9), (lighter(marks.feet, 0.2), darker(marks.feet, 0.15)))
