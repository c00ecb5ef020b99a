"""Draw a heron, standing and seen from the side: the genus gives the build, the species the marks."""

from dataclasses import dataclass

import numpy as np

from hmgc_core.demo.canvas import FloatArray, Layer, ribbon, shifted, smooth
from hmgc_core.demo.colours import INK, Colour, darker, lighter


@dataclass(frozen=True)
class _Build:
    """What the genera differ in; lengths in px as designed."""

    body: Colour
    wing: Colour
    legs: float
    neck: float
    neck_width: tuple[float, float]  # at the breast and at the head
    girth: float  # 1 is middling
    length: float  # of the body; 1 is middling
    bill: tuple[float, float]  # length and depth
    head: float  # half its length
    crest: bool  # a drooping plume behind the head
    plumes: bool  # loose plumes over the back


@dataclass(frozen=True)
class _Marks:
    """What the species differ in. None leaves a mark out."""

    bill: Colour
    legs: Colour
    feet: Colour
    bill_tip: Colour | None = None
    cap: Colour | None = None
    mask: Colour | None = None
    cheek: Colour | None = None
    nape: Colour | None = None
    throat: Colour | None = None
    shoulder: Colour | None = None
    bars: Colour | None = None


_GREAT_BLUE, _GREAT_WING = (178, 190, 204), (122, 138, 160)
_EGRET_WHITE, _EGRET_WING = (248, 246, 240), (226, 228, 232)
_NIGHT_GREY, _NIGHT_WING = (208, 210, 212), (146, 152, 164)

_BUILDS = {
    "heron/great": _Build(_GREAT_BLUE, _GREAT_WING, 30, 34, (9.0, 4.6), 1.05, 1.0, (19, 4.6), 4.6, True, False),
    "heron/egret": _Build(_EGRET_WHITE, _EGRET_WING, 36, 27, (6.0, 3.0), 0.74, 0.95, (14, 2.8), 3.7, False, True),
    "heron/night": _Build(_NIGHT_GREY, _NIGHT_WING, 20, 14, (11.0, 10.5), 1.2, 0.8, (12, 5.2), 6.6, True, False),
}

_BROWN, _YELLOW, _ORANGE = (150, 120, 90), (250, 206, 60), (246, 150, 50)
_SLATE, _OLIVE, _RUFOUS = (84, 112, 150), (140, 158, 70), (184, 94, 56)

_MARKS = {
    "heron/great/grey": _Marks((250, 190, 60), _BROWN, _BROWN, mask=INK, throat=INK),
    "heron/great/purple": _Marks(_ORANGE, _YELLOW, _YELLOW, cap=INK, nape=_RUFOUS, shoulder=(140, 50, 60)),
    "heron/great/black-headed": _Marks((84, 84, 96), INK, INK, cap=INK, nape=INK, bars=(236, 240, 244)),
    "heron/egret/little": _Marks(INK, INK, (252, 212, 30)),
    "heron/egret/reddish": _Marks((244, 150, 160), _SLATE, _SLATE, bill_tip=INK, cap=_RUFOUS, nape=_RUFOUS),
    "heron/egret/chinese": _Marks((252, 190, 40), _OLIVE, _OLIVE, mask=(64, 140, 216), bars=(250, 214, 130)),
    "heron/night/black-crowned": _Marks(INK, _YELLOW, _YELLOW, cap=(26, 34, 48), shoulder=(44, 54, 72)),
    "heron/night/yellow-crowned": _Marks(
        (60, 60, 70), _ORANGE, _ORANGE, cap=(252, 224, 110), mask=INK, cheek=(255, 255, 255)
    ),
    "heron/night/rufous": _Marks((70, 76, 80), _OLIVE, _OLIVE, cap=_RUFOUS, bars=_RUFOUS),
}


def draw_heron(layer: Layer, leaf: str, rng: np.random.Generator) -> None:
    """Draw the species `leaf` with its soles at the origin; `rng` sets its step and how far its neck leans."""
    build, marks = _BUILDS[leaf.rpartition("/")[0]], _MARKS[leaf]
    hip, step, lean = -build.legs, rng.uniform(4.5, 9.0), rng.uniform(-0.5, 1.0)
    for x, shade in ((-1.0 + step * 0.5, 0.25), (-1.0 - step * 0.5, 0.0)):
        _leg(layer, marks, hip, x, shade)
    if build.plumes:
        for drop, out in ((0, -31), (4, -30), (8, -27), (11, -22)):
            plume = [(-6, hip - 8), (-18, hip - 3 + drop * 0.6), (out, hip + 3 + drop)]
            layer.stroke(plume, (4.0, 0.8), (build.body, build.wing))
    neck = _neck_line(build, (11.0 * build.girth, hip - 6.0), lean)
    _neck(layer, build, marks, neck)
    _body(layer, build, marks, hip)
    _head(layer, build, marks, (float(neck[-1, 0]), float(neck[-1, 1])))


def _leg(layer: Layer, marks: _Marks, hip: float, x: float, shade: float) -> None:
    """One leg with its sole at x; hip: y in px. shade in [0, 1] darkens the far leg."""
    thin = 1.7 if hip < -20 else 2.4
    leg, foot = darker(marks.legs, shade), darker(marks.feet, shade)
    layer.stroke([(0.0, hip - 6), (x * 0.6, hip), (x - 1.2, hip * 0.5), (x, -0.5)], (3.4, thin), leg)
    layer.dot((x - 1.2, hip * 0.5), thin * 0.62, leg)
    layer.stroke([(x - 0.4, max(-6.0, hip * 0.3)), (x, -0.5)], thin + 0.7, foot)
    layer.stroke([(x - 4, 0), (x, -1.0), (x + 7, 0)], 1.9, foot)


def _neck_line(build: _Build, root: tuple[float, float], lean: float) -> FloatArray:
    """The middle of the neck from the breast to the head, (M, 2); a long neck bends like an S."""
    x, y = root
    long, reach = build.neck, 2.0 + lean * build.neck * 0.3
    bend = 6.5 if long > 15 else 1.0
    lower = [(x - 6, y + 4), (x + 2, y - long * 0.08), (x + bend * 0.8 + reach * 0.3, y - long * 0.3)]
    upper = [(x - bend * 0.5 + reach * 0.5, y - long * 0.62), (x - bend * 0.2 + reach * 0.9, y - long * 0.92)]
    return smooth([*lower, *upper, (x + 2.5 + reach, y - long)], closed=False)


def _neck(layer: Layer, build: _Build, marks: _Marks, line: FloatArray) -> None:
    shape = layer.polygon(ribbon(line, build.neck_width), (lighter(build.body, 0.3), lighter(build.body, 0.2)))
    half = build.neck_width[1] * 0.5
    if marks.nape:
        layer.stroke(shifted(line, -half, 0)[6::3], (2.0, half * 1.8), marks.nape, inside=shape)
    if marks.throat:
        for share in (0.3, 0.42, 0.54, 0.66, 0.78):
            x, y = line[int(share * len(line))]
            layer.oval((x + half * 0.7, y), (1.1, 1.9), marks.throat, inside=shape)


def _body(layer: Layer, build: _Build, marks: _Marks, hip: float) -> None:
    deep, long = build.girth, build.length
    back = [(-27 * long, hip + 5), (-16 * long, hip - 7 * deep), (-2, hip - 13 * deep), (10 * deep, hip - 13 * deep)]
    breast = [(15 * deep, hip - 5), (9, hip + 3 * deep), (-5, hip + 4 * deep), (-18 * long, hip + 5)]
    body = layer.blob([*back, *breast], (lighter(build.body, 0.35), darker(build.body, 0.16)))
    tip = (-29 * long, hip + 6)
    upper = [(7 * deep, hip - 9 * deep), (-4, hip - 11 * deep), (-17 * long, hip - 5 * deep), tip, tip]
    lower = [(-14 * long, hip + 3), (-1, hip + 2), (7, hip - 3)]
    wing = layer.blob([*upper, *lower], (lighter(build.wing, 0.15), darker(build.wing, 0.12)))
    for y in (hip, hip + 3.4):
        layer.stroke([(2, y - 4), (-10, y - 3), (-24, y + 3)], 0.8, darker(build.wing, 0.28), inside=wing)
    if marks.bars:
        for x in (0.0, -7.0, -14.0):
            layer.stroke([(x + 2, hip - 16), (x, hip - 5), (x - 3, hip + 8)], 2.5, marks.bars, inside=wing)
    if marks.shoulder:
        layer.oval((1.5, hip - 7 * deep), (8.5, 4.6), marks.shoulder, inside=body)


def _head(layer: Layer, build: _Build, marks: _Marks, at: tuple[float, float]) -> None:
    x, y = at
    size, depth = build.head, build.bill[1]
    _bill(layer, build, marks, (x + size * 0.8, y))
    if build.crest:
        for dip in (0.0, 3.0):
            plume = [(x - size * 0.4, y - 2), (x - size - 6, y - 1 + dip), (x - size - 14, y + 4 + dip * 1.4)]
            layer.stroke(plume, (2.6, 0.5), marks.cap or marks.mask or build.body)
    crown = [(x - size * 1.25, y + 0.6), (x - size * 0.6, y - size * 0.75), (x + size * 0.5, y - size * 0.7)]
    chin = [(x + size * 1.35, y - depth * 0.3), (x + size * 1.3, y + depth * 0.5), (x, y + size * 0.75)]
    skull = [*crown, *chin, (x - size, y + size * 0.55)]
    head = layer.blob(skull, (lighter(build.body, 0.4), build.body))
    if marks.cap:
        cap = [(x - size * 1.6, y + 1), (x - size, y - size * 1.2), (x + size, y - size * 1.2)]
        layer.blob([*cap, (x + size * 1.4, y - size * 0.4), (x, y - size * 0.1)], marks.cap, inside=head)
    if marks.mask:
        stripe = [(x - size * 1.2, y - 0.8), (x + size * 0.4, y), (x + size * 1.5, y + 0.3)]
        layer.stroke(stripe, size * 0.66, marks.mask, inside=head)
    if marks.cheek:
        stripe = [(x - size, y + size * 0.5), (x + size * 1.1, y + size * 0.42)]
        layer.stroke(stripe, size * 0.5, marks.cheek, inside=head)
    layer.dot((x + size * 0.45, y - size * 0.1), max(1.1, size * 0.22), (255, 220, 60))
    layer.dot((x + size * 0.45, y - size * 0.1), max(0.6, size * 0.12), INK)


def _bill(layer: Layer, build: _Build, marks: _Marks, root: tuple[float, float]) -> None:
    """A straight dagger."""
    x, y = root
    length, depth = build.bill
    edge = [(x, y - depth * 0.5), (x + length * 0.5, y - depth * 0.3), (x + length, y + depth * 0.25)]
    bill = layer.polygon([*edge, (x, y + depth * 0.55)], (lighter(marks.bill, 0.2), marks.bill))
    if marks.bill_tip:
        layer.box(x + length * 0.55, y - 9, x + 30, y + 9, marks.bill_tip, inside=bill)
