"""Draw an albatross: the genus gives the build, the species gives the marks. Knows no scenery."""

from dataclasses import dataclass

import numpy as np

from hmgc_core.demo.canvas import Layer, Mask, Paint, Points, shifted
from hmgc_core.demo.colours import INK, Colour, darker, lighter, mix


@dataclass(frozen=True)
class _Build:
    """What the genera differ in; lengths in px as designed."""

    body: Colour
    wing: Colour
    wing_length: float  # 1 is middling
    wing_width: float
    sweep: float  # how far the wing tip lies behind the shoulder
    girth: float  # 1 is middling
    bill: tuple[float, float]  # length and depth
    neck: float
    tail: Points  # its outline behind the body


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


_WEDGE = [(4, -4), (-6, -4), (-12, 0), (-12, 0), (-6, 4), (4, 4)]
_FAN = [(4, -3), (-8, -8), (-11, -4), (-12, 0), (-11, 4), (-8, 8), (4, 3)]
_FORK = [(4, -3), (-14, -7), (-14, -7), (-8, 0), (-14, 7), (-14, 7), (4, 3)]

_BUILDS = {
    "albatross/great": _Build((244, 240, 232), (84, 84, 96), 1.12, 9.0, 4.0, 1.2, (14.0, 6.4), 0.0, _WEDGE),
    "albatross/mollymawk": _Build((236, 238, 240), (104, 116, 134), 0.80, 14.0, 8.0, 1.1, (10.0, 4.6), 1.0, _FAN),
    "albatross/north-pacific": _Build((158, 142, 128), (92, 80, 76), 1.0, 8.0, 20.0, 0.85, (12.0, 4.2), 7.0, _FORK),
}

_PINK = (240, 140, 150)
_IVORY = (244, 214, 190)

_MARKS = {
    "albatross/great/wandering": _Marks(_PINK, (244, 172, 160), (236, 196, 170), cheek=(240, 150, 140)),
    "albatross/great/royal": _Marks((70, 108, 160), _IVORY, INK, brow=INK, bars=(250, 250, 250)),
    "albatross/great/antipodean": _Marks(_PINK, (244, 172, 160), _IVORY, cap=(120, 78, 50), spots=(140, 98, 68)),
    "albatross/mollymawk/black-browed": _Marks((150, 160, 176), (246, 132, 36), (232, 84, 40), brow=INK),
    "albatross/mollymawk/grey-headed": _Marks(
        (214, 140, 178), (48, 46, 54), (246, 204, 60), cap=(92, 100, 116), bars=(206, 214, 226)
    ),
    "albatross/mollymawk/yellow-nosed": _Marks((70, 128, 200), (250, 206, 40), INK, cheek=(250, 222, 120), tips=INK),
    "albatross/north-pacific/black-footed": _Marks((24, 22, 28), (58, 50, 52), INK, cheek=(250, 246, 238)),
    "albatross/north-pacific/laysan": _Marks(_PINK, (248, 166, 132), (120, 120, 134), brow=INK, bars=(246, 240, 230)),
    "albatross/north-pacific/short-tailed": _Marks(
        (84, 150, 214), (250, 178, 196), (110, 176, 226), cap=(242, 190, 70), tips=(248, 244, 236)
    ),
}


def draw_flying_albatross(layer: Layer, leaf: str, rng: np.random.Generator) -> None:
    """Draw the species `leaf` from above, gliding to the right, its body around the origin."""
    build, marks = _BUILDS[leaf.rpartition("/")[0]], _MARKS[leaf]
    front, girth = 12 + build.neck, 5.6 * build.girth
    _spread_wing(layer, build, marks, side=-1.0, reach=1.0)
    for y in (-2.6, 3.2):
        foot = [(-20, y * 0.5), (-24, y - 1.4), (-30.5, y - 2.4), (-30, y + 2.4), (-24, y + 1.4)]
        layer.blob(foot, marks.feet)
    _tail(layer, build, (-15.0, 0.0))
    _spread_wing(layer, build, marks, side=1.0, reach=rng.uniform(0.78, 1.0))
    back = [(-20, 0), (-12, -girth * 0.8), (0, -girth), (front, -4.2), (front + 6, -2)]
    breast = [(front, 3.4), (0, girth), (-12, girth * 0.8)]
    body = layer.blob([*back, *breast], (lighter(build.body, 0.3), darker(build.body, 0.16)))
    _spots(layer, marks, body, [(-11, -2), (-7, 1.8), (-3, -2.4), (1, 1.4), (5, -2), (8, 2)])
    _head(layer, build, marks, (front + 4.0, -1.4))


def draw_standing_albatross(layer: Layer, leaf: str, rng: np.random.Generator) -> None:
    """Draw the species `leaf` from the side, its soles at y = 27 and its body around the origin."""
    build, marks = _BUILDS[leaf.rpartition("/")[0]], _MARKS[leaf]
    lean, lift = rng.uniform(-2.0, 2.0), build.neck * 0.9
    for x in (-3.0, 4.0):
        _leg(layer, marks.feet, x)
    _tail(layer, build, (-22.0, 8.0))
    top, bottom = -3.0 * build.girth, 14.0 + 2.0 * build.girth
    back = [(-27, 6), (-14, top), (0, top), (8, -6), (11 + lean, -14 - lift), (20 + lean, -15 - lift)]
    breast = [(20, -5), (16 + build.girth, 5), (8, bottom), (-6, bottom + 0.5), (-18, 12)]
    body = layer.blob([*back, *breast], (lighter(build.body, 0.3), darker(build.body, 0.2)))
    _spots(layer, marks, body, [(11, -3), (15, 1), (10, 4), (14, 7), (8, 10), (4, 13)])
    _folded_wing(layer, build, marks)
    _head(layer, build, marks, (16.0 + lean, -17.0 - lift))


def _spread_wing(layer: Layer, build: _Build, marks: _Marks, *, side: float, reach: float) -> None:
    """One wing; side -1 is the far one, up in the picture. reach: how much of its length is seen."""
    span, width, back, mirror = 44 * build.wing_length * reach, build.wing_width, build.sweep, (1.0, side)
    lead = [(7.0, 2.0), (11.0, span * 0.24), (10.0 - back * 0.25, span * 0.5), (2.0 - back * 0.7, span * 0.84)]
    tip = (-6.0 - back, span)
    trail = [(-7.0 - back * 0.6, span * 0.8), (9.0 - width * 1.05 - back * 0.25, span * 0.48)]
    trail += [(8.0 - width * 1.25, span * 0.2), (-9.0, 2.0)]
    wing = layer.blob(np.array([*lead, tip, tip, *trail]) * mirror, _tone(build.wing, side))
    arm = [(8, 1), (10, span * 0.2), (9 - back * 0.2, span * 0.4), (1 - back * 0.2, span * 0.34), (-8, 1)]
    layer.blob(np.array(arm) * mirror, _tone(lighter(build.wing, 0.2), side), inside=wing)
    layer.stroke(np.array([tip, *trail]) * mirror, 1.6, darker(build.wing, 0.35), inside=wing)
    if marks.tips:
        layer.box(-60, span * 0.72 * side, 20, span * 1.1 * side, marks.tips, inside=wing)
    if marks.bars:
        for share in (0.42, 0.58):
            bar = np.array([(16.0, span * share), (-20.0, span * (share - 0.05))])
            layer.stroke(bar * mirror, 3.0, marks.bars, inside=wing)


def _tone(colour: Colour, side: float) -> Paint:
    """The far wing catches the light, the near one turns from it."""
    return (lighter(colour, 0.22), colour) if side < 0 else (colour, darker(colour, 0.2))


def _tail(layer: Layer, build: _Build, root: tuple[float, float]) -> None:
    layer.blob(shifted(build.tail, *root), (build.wing, darker(build.wing, 0.25)))


def _spots(layer: Layer, marks: _Marks, body: Mask, places: list[tuple[float, float]]) -> None:
    if marks.spots:
        for place in places:
            layer.dot(place, 1.4, marks.spots, inside=body)


def _head(layer: Layer, build: _Build, marks: _Marks, at: tuple[float, float]) -> None:
    x, y = at
    _bill(layer, build, marks, (x + 3.6, y))
    head = layer.oval((x, y), (6.2, 5.2), (lighter(build.body, 0.4), build.body))
    if marks.cap:
        crown = [(x - 8, y + 3), (x - 6, y - 6), (x + 2, y - 8), (x + 8, y - 3), (x + 4, y - 0.4), (x - 2, y - 0.2)]
        layer.blob(crown, marks.cap, inside=head)
    if marks.cheek:
        layer.oval((x + 0.2, y + 2.2), (3.6, 2.3), marks.cheek, inside=head)
    if marks.brow:
        stripe = [(x - 4, y - 0.4), (x + 1, y - 2.6), (x + 6, y - 1.4), (x + 5, y + 0.8), (x + 1, y + 0.6)]
        layer.blob(stripe, marks.brow, inside=head)
    layer.dot((x + 2.2, y - 0.7), 1.0, INK)
    layer.dot((x + 2.5, y - 1.1), 0.35, (255, 255, 255))


def _bill(layer: Layer, build: _Build, marks: _Marks, root: tuple[float, float]) -> None:
    """A long bill with a hook at its end."""
    x, y = root
    length, depth = build.bill
    end = x + 0.4 + length
    ridge = [(x, y - depth * 0.5), (x + length * 0.5, y - depth * 0.34), (end - 1.5, y - depth * 0.42)]
    hook = [(end + 0.6, y + 0.4), (end, y + depth * 0.75), (end - 1.8, y + depth * 0.3), (x, y + depth * 0.5)]
    bill = layer.blob([*ridge, *hook], (lighter(marks.bill, 0.25), marks.bill))
    layer.box(end - length * 0.3, y - 9, end + 4, y + 9, marks.bill_tip, inside=bill)
    layer.stroke([(x, y + 0.5), (end - 2, y + 0.7)], 0.6, darker(marks.bill, 0.5), inside=bill)


def _leg(layer: Layer, colour: Colour, x: float) -> None:
    layer.stroke([(x, 13), (x - 0.6, 20), (x, 25)], 2.4, (colour, darker(colour, 0.2)))
    layer.blob([(x - 1.5, 23.6), (x + 2, 24), (x + 7, 26), (x + 7, 27.4), (x + 1, 27.4), (x - 2.5, 27)], colour)


def _folded_wing(layer: Layer, build: _Build, marks: _Marks) -> None:
    reach, deep = 34 * build.wing_length, build.wing_width * 0.55 + 4
    upper = [(8, -2), (-4, -3), (-18, 1), (-reach, 9), (-reach, 9)]
    lower = [(-16, 4 + deep), (-2, 3 + deep), (8, 6)]
    wing = layer.blob([*upper, *lower], (lighter(build.wing, 0.2), darker(build.wing, 0.1)))
    fold = [(4, 3 + deep * 0.4), (-10, 3 + deep * 0.6), (-26, 8)]
    layer.stroke(fold, 1.2, darker(build.wing, 0.35), inside=wing)
    if marks.tips:
        layer.polygon([(-18, -20), (-60, -20), (-60, 40), (-22, 40)], marks.tips, inside=wing)
    if marks.bars:
        for x in (-3.0, -10.0):
            layer.stroke([(x + 3, -8), (x, 3), (x - 6, 20)], 2.8, marks.bars, inside=wing)
    layer.blob([(9, -3), (3, -4), (-2, 1), (4, 7), (10, 5)], mix(build.wing, build.body, 0.45), inside=wing)
