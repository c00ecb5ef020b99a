"""Draw an albatross: the genus gives the build, the species gives the marks. Knows no scenery."""

from dataclasses import dataclass

import numpy as np
from PIL import Image

from hmgc_core.demo.canvas import Colour, Layer, Paint, darker, lighter, mix

INK: Colour = (32, 30, 38)


@dataclass(frozen=True)
class _Build:
    """What the genera differ in; lengths in px as designed."""

    body: Colour
    wing: Colour
    wing_length: float  # 1 is middling
    wing_width: float  # px at the wrist
    sweep: float  # px the wing tip lies behind the shoulder
    girth: float  # 1 is middling
    bill: tuple[float, float]  # length and depth
    neck: float
    tail: str  # wedge, fan or fork


@dataclass(frozen=True)
class _Marks:
    """What the species differ in. None leaves a mark out."""

    feet: Colour
    bill: Colour
    bill_tip: Colour
    cap: Colour | None = None
    brow: Colour | None = None
    cheek: Colour | None = None
    bars: Colour | None = None
    tips: Colour | None = None
    spots: Colour | None = None


_BUILDS = {
    "albatross/great": _Build((244, 240, 232), (84, 84, 96), 1.12, 9.0, 4.0, 1.2, (14.0, 6.4), 0.0, "wedge"),
    "albatross/mollymawk": _Build((236, 238, 240), (104, 116, 134), 0.80, 14.0, 8.0, 1.1, (10.0, 4.6), 1.0, "fan"),
    "albatross/north-pacific": _Build((158, 142, 128), (92, 80, 76), 1.0, 8.0, 20.0, 0.85, (12.0, 4.2), 7.0, "fork"),
}

_MARKS = {
    "albatross/great/wandering": _Marks((238, 140, 150), (244, 172, 160), (236, 196, 170), cheek=(240, 150, 140)),
    "albatross/great/royal": _Marks((70, 108, 160), (238, 214, 190), INK, brow=INK, bars=(250, 250, 250)),
    "albatross/great/antipodean": _Marks(
        (238, 140, 150), (244, 172, 160), (236, 196, 170), cap=(120, 78, 50), spots=(140, 98, 68)
    ),
    "albatross/mollymawk/black-browed": _Marks((150, 160, 176), (246, 132, 36), (232, 84, 40), brow=INK),
    "albatross/mollymawk/grey-headed": _Marks(
        (214, 140, 178), (48, 46, 54), (246, 204, 60), cap=(92, 100, 116), bars=(206, 214, 226)
    ),
    "albatross/mollymawk/yellow-nosed": _Marks((70, 128, 200), (250, 206, 40), INK, cheek=(250, 222, 120), tips=INK),
    "albatross/north-pacific/black-footed": _Marks((24, 22, 28), (58, 50, 52), INK, cheek=(250, 246, 238)),
    "albatross/north-pacific/laysan": _Marks(
        (246, 140, 150), (248, 166, 132), (120, 120, 134), brow=INK, bars=(246, 240, 230)
    ),
    "albatross/north-pacific/short-tailed": _Marks(
        (84, 150, 214), (250, 178, 196), (110, 176, 226), cap=(242, 190, 70), tips=(248, 244, 236)
    ),
}


def draw_albatross(layer: Layer, leaf: str, rng: np.random.Generator, *, flying: bool) -> None:
    """Draw the species `leaf` around the origin: in flight seen from above, or standing with its soles at y = 27."""
    build, marks = _BUILDS[leaf.rsplit("/", 1)[0]], _MARKS[leaf]
    if flying:
        _draw_flying(layer, build, marks, rng)
    else:
        _draw_standing(layer, build, marks, rng)


def _draw_flying(layer: Layer, build: _Build, marks: _Marks, rng: np.random.Generator) -> None:
    bank = rng.uniform(0.78, 1.0)  # how much of the near wing is seen
    _wing(layer, build, marks, side=-1.0, reach=1.0)
    for y in (-2.6, 3.2):
        layer.blob([(-20, y * 0.5), (-24, y - 1.4), (-30.5, y - 2.4), (-30, y + 2.4), (-24, y + 1.4)], marks.feet)
    _tail(layer, build, (-15.0, 0.0))
    _wing(layer, build, marks, side=1.0, reach=bank)
    girth = 5.6 * build.girth
    front = 12 + build.neck
    body = layer.blob(
        [(-20, 0), (-12, -girth * 0.8), (0, -girth), (front, -4.2), (front + 6, -2), (front, 3.4), (0, girth), (-12, girth * 0.8)],
        (lighter(build.body, 0.3), darker(build.body, 0.16)),
    )
    if marks.spots:
        for x, y in ((-11, -2), (-7, 1.8), (-3, -2.4), (1, 1.4), (5, -2), (8, 2)):
            layer.dot((x, y), 1.35, marks.spots, inside=body)
    _head(layer, build, marks, (front + 4.0, -1.4))


def _wing(layer: Layer, build: _Build, marks: _Marks, *, side: float, reach: float) -> None:
    """One spread wing; side -1 is the far one, up in the picture."""
    span, width, back = 44 * build.wing_length * reach, build.wing_width, build.sweep
    lead = [(7.0, 2.0), (11.0, span * 0.24), (10.0 - back * 0.25, span * 0.5), (2.0 - back * 0.7, span * 0.84)]
    tip = (-6.0 - back, span)
    trail = [(-7.0 - back * 0.6, span * 0.8), (9.0 - width * 1.05 - back * 0.25, span * 0.48), (8 - width * 1.25, span * 0.2), (-9.0, 2.0)]
    outline = np.array([*lead, tip, tip, *trail]) * (1.0, side)
    wing = layer.blob(outline, _tone(build.wing, side))
    inner = np.array([(8, 1), (10, span * 0.2), (9 - back * 0.2, span * 0.4), (1 - back * 0.2, span * 0.34), (-8, 1)])
    layer.blob(inner * (1.0, side), _tone(lighter(build.wing, 0.2), side), inside=wing)
    edge = np.array(trail) * (1.0, side)
    layer.stroke([tip * np.array((1.0, side)), *edge], 1.6, darker(build.wing, 0.35), inside=wing)
    if marks.tips:
        ends = np.array([(-16 - back, span * 0.74), (12, span * 0.7), (12, span * 1.1), (-16 - back, span * 1.1)])
        layer.polygon(ends * (1.0, side), marks.tips, inside=wing)
    if marks.bars:
        for share in (0.42, 0.58):
            bar = np.array([(16.0, span * share), (-20.0, span * (share - 0.05))])
            layer.stroke(bar * (1.0, side), 3.0, marks.bars, inside=wing)


def _tone(colour: Colour, side: float) -> Paint:
    """The far wing catches the light, the near one turns from it."""
    return (lighter(colour, 0.22), colour) if side < 0 else (colour, darker(colour, 0.2))


def _tail(layer: Layer, build: _Build, root: tuple[float, float]) -> Image.Image:
    shapes = {
        "wedge": [(4, -4), (-6, -4), (-12, 0), (-12, 0), (-6, 4), (4, 4)],
        "fan": [(4, -3), (-8, -8), (-11, -4), (-12, 0), (-11, 4), (-8, 8), (4, 3)],
        "fork": [(4, -3), (-14, -7), (-14, -7), (-8, 0), (-14, 7), (-14, 7), (4, 3)],
    }
    return layer.blob(np.array(shapes[build.tail]) + root, (build.wing, darker(build.wing, 0.25)))


def _head(layer: Layer, build: _Build, marks: _Marks, at: tuple[float, float]) -> None:
    x, y = at
    length, depth = build.bill
    start, end = x + 3.6, x + 4.0 + length
    bill = layer.blob(
        [(start, y - depth * 0.5), (start + length * 0.5, y - depth * 0.34), (end - 1.5, y - depth * 0.42), (end + 0.6, y + 0.4),
         (end, y + depth * 0.75), (end - 1.8, y + depth * 0.3), (start, y + depth * 0.5)],
        (lighter(marks.bill, 0.25), marks.bill),
    )  # fmt: skip
    layer.polygon([(end - length * 0.3, y - 9), (end + 4, y - 9), (end + 4, y + 9), (end - length * 0.3, y + 9)], marks.bill_tip, inside=bill)
    layer.stroke([(start, y + 0.5), (end - 2, y + 0.7)], 0.6, darker(marks.bill, 0.5), inside=bill)
    head = layer.oval((x, y), (6.2, 5.2), (lighter(build.body, 0.4), build.body))
    if marks.cap:
        layer.blob([(x - 8, y + 3), (x - 6, y - 6), (x + 2, y - 8), (x + 8, y - 3), (x + 4, y - 0.4), (x - 2, y - 0.2)], marks.cap, inside=head)
    if marks.cheek:
        layer.oval((x + 0.2, y + 2.2), (3.6, 2.3), marks.cheek, inside=head)
    if marks.brow:
        layer.blob([(x - 4, y - 0.4), (x + 1, y - 2.6), (x + 6, y - 1.4), (x + 5, y + 0.8), (x + 1, y + 0.6)], marks.brow, inside=head)
    layer.dot((x + 2.2, y - 0.7), 1.0, INK)
    layer.dot((x + 2.5, y - 1.1), 0.35, (255, 255, 255))


def _draw_standing(layer: Layer, build: _Build, marks: _Marks, rng: np.random.Generator) -> None:
    girth, lift = build.girth, build.neck * 0.9
    lean = rng.uniform(-2.0, 2.0)
    for x in (-3.0, 4.0):
        _leg(layer, marks.feet, x)
    _tail(layer, build, (-22.0, 8.0))
    back, breast = 2.0 - 3.0 * girth, 14.0 + 2.0 * girth
    body = layer.blob(
        [(-27, 6), (-14, back - 2), (0, back - 2), (8, -6), (11 + lean, -14 - lift), (20 + lean, -15 - lift), (20, -5), (16 + girth, 5),
         (8, breast), (-6, breast + 0.5), (-18, 12)],
        (lighter(build.body, 0.3), darker(build.body, 0.2)),
    )  # fmt: skip
    if marks.spots:
        for x, y in ((11, -3), (15, 1), (10, 4), (14, 7), (8, 10), (4, 13)):
            layer.dot((x, y), 1.4, marks.spots, inside=body)
    _folded_wing(layer, build, marks)
    _head(layer, build, marks, (16.0 + lean, -17.0 - lift))


def _leg(layer: Layer, colour: Colour, x: float) -> None:
    layer.stroke([(x, 13), (x - 0.6, 20), (x, 25)], 2.4, (colour, darker(colour, 0.2)))
    layer.blob([(x - 1.5, 23.6), (x + 2, 24), (x + 7, 26), (x + 7, 27.4), (x + 1, 27.4), (x - 2.5, 27)], colour)


def _folded_wing(layer: Layer, build: _Build, marks: _Marks) -> None:
    reach, deep = 34 * build.wing_length, build.wing_width * 0.55 + 4
    wing = layer.blob(
        [(8, -2), (-4, -3), (-18, 1), (-reach, 9), (-reach, 9), (-16, 4 + deep), (-2, 3 + deep), (8, 6)],
        (lighter(build.wing, 0.2), darker(build.wing, 0.1)),
    )
    layer.stroke([(4, 3 + deep * 0.4), (-10, 3 + deep * 0.6), (-26, 8)], 1.2, darker(build.wing, 0.35), inside=wing)
    if marks.tips:
        layer.polygon([(-18, -20), (-60, -20), (-60, 40), (-22, 40)], marks.tips, inside=wing)
    if marks.bars:
        for x in (-3.0, -10.0):
            layer.stroke([(x + 3, -8), (x, 3), (x - 6, 20)], 2.8, marks.bars, inside=wing)
    layer.blob([(9, -3), (3, -4), (-2, 1), (4, 7), (10, 5)], mix(build.wing, build.body, 0.45), inside=wing)
