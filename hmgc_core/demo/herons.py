"""Draw a heron, standing and seen from the side: the genus gives the build, the species the marks."""

from dataclasses import dataclass

import numpy as np
from PIL import Image

from hmgc_core.demo.canvas import Colour, FloatArray, Layer, darker, lighter, mix, smooth

INK: Colour = (34, 34, 44)


@dataclass(frozen=True)
class _Build:
    """What the genera differ in; lengths in px as designed."""

    body: Colour
    wing: Colour
    legs: float
    neck: float
    neck_width: tuple[float, float]  # at the breast and at the head
    girth: float  # 1 is middling
    bill: tuple[float, float]  # length and depth
    head: float
    crest: bool  # a drooping plume behind the head
    plumes: bool  # loose plumes over the back


@dataclass(frozen=True)
class _Marks:
    """What the species differ in. None leaves a mark out."""

    bill: Colour
    legs: Colour
    feet: Colour
    cap: Colour | None = None
    mask: Colour | None = None
    nape: Colour | None = None
    throat: Colour | None = None
    shoulder: Colour | None = None
    bars: Colour | None = None
    bill_tip: Colour | None = None


_BUILDS = {
    "heron/great": _Build((178, 190, 204), (122, 138, 160), 30, 34, (9.0, 4.6), 1.05, (19, 4.6), 4.6, True, False),
    "heron/egret": _Build((248, 246, 240), (226, 228, 232), 36, 27, (6.0, 3.0), 0.74, (14, 2.8), 3.7, False, True),
    "heron/night": _Build((208, 210, 212), (146, 152, 164), 15, 13, (16.0, 11.0), 1.28, (13, 5.6), 7.2, True, False),
}

_MARKS = {
    "heron/great/grey": _Marks((250, 190, 60), (150, 120, 90), (150, 120, 90), mask=INK, throat=INK),
    "heron/great/purple": _Marks(
        (240, 160, 50), (236, 180, 60), (236, 180, 60), cap=INK, nape=(176, 84, 50), shoulder=(140, 50, 60)
    ),
    "heron/great/black-headed": _Marks((84, 84, 96), (44, 44, 52), (44, 44, 52), cap=INK, nape=INK, bars=(236, 240, 244)),
    "heron/egret/little": _Marks(INK, INK, (252, 212, 30)),
    "heron/egret/reddish": _Marks(
        (244, 150, 160), (84, 112, 150), (84, 112, 150), cap=(190, 100, 66), nape=(190, 100, 66), bill_tip=INK
    ),
    "heron/egret/chinese": _Marks(
        (252, 190, 40), (130, 150, 70), (130, 150, 70), mask=(64, 140, 216), bars=(250, 214, 130)
    ),
    "heron/night/black-crowned": _Marks(INK, (250, 206, 60), (250, 206, 60), cap=(26, 34, 48), shoulder=(44, 54, 72)),
    "heron/night/yellow-crowned": _Marks(
        (60, 60, 70), (246, 150, 50), (246, 150, 50), cap=(252, 224, 110), mask=INK, throat=(255, 255, 255)
    ),
    "heron/night/rufous": _Marks(
        (70, 76, 80), (160, 170, 70), (160, 170, 70), cap=(176, 88, 46), bars=(184, 98, 54), nape=(176, 88, 46)
    ),
}


def draw_heron(layer: Layer, leaf: str, rng: np.random.Generator) -> None:
    """Draw the species `leaf` with its soles at the origin, its neck stretched, bent or leaning forward."""
    build, marks = _BUILDS[leaf.rsplit("/", 1)[0]], _MARKS[leaf]
    hip = -build.legs
    lean = rng.uniform(-0.5, 1.0)
    _legs(layer, build, marks, rng)
    neck = _neck_line(build, (11.0 * build.girth, hip - 6.0), lean)
    if build.plumes:
        _plumes(layer, build, hip)
    body = _body(layer, build, hip)
    _wing(layer, build, marks, hip, body)
    shape = layer.polygon(_tapered(neck, build.neck_width), (lighter(build.body, 0.3), build.body))
    _neck_marks(layer, marks, neck, shape, build)
    _head(layer, build, marks, (float(neck[-1, 0]), float(neck[-1, 1])))


def _legs(layer: Layer, build: _Build, marks: _Marks, rng: np.random.Generator) -> None:
    step = rng.uniform(4.5, 9.0)
    hip, thin = -build.legs, 1.7 if build.legs > 20 else 2.4
    for x, shade in ((-1.0 + step * 0.5, 0.25), (-1.0 - step * 0.5, 0.0)):
        leg = darker(marks.legs, shade)
        layer.stroke([(0.0, hip - 6), (x * 0.6, hip), (x - 1.2, hip * 0.5), (x, -0.5)], (3.4, thin), leg)
        layer.dot((x - 1.2, hip * 0.5), thin * 0.62, leg)
        foot = darker(marks.feet, shade)
        tall = min(6.0, build.legs * 0.3)
        layer.stroke([(x - 0.4, -tall), (x, -0.5)], thin + 0.7, foot)
        layer.stroke([(x - 4, 0), (x, -1.0), (x + 7, 0)], 1.9, foot)


def _neck_line(build: _Build, root: tuple[float, float], lean: float) -> FloatArray:
    x, y = root
    long = build.neck
    bend = 6.5 if long > 15 else 1.0
    reach = 2.0 + lean * long * 0.3
    return smooth(
        [(x - 6, y + 4), (x + 2, y - long * 0.08), (x + bend * 0.8 + reach * 0.3, y - long * 0.3),
         (x - bend * 0.5 + reach * 0.5, y - long * 0.62), (x - bend * 0.2 + reach * 0.9, y - long * 0.92), (x + 2.5 + reach, y - long)],
        closed=False,
    )  # fmt: skip


def _tapered(line: FloatArray, width: tuple[float, float]) -> FloatArray:
    from hmgc_core.demo.canvas import ribbon

    return ribbon(line, width)


def _plumes(layer: Layer, build: _Build, hip: float) -> None:
    for drop, out in ((0, -31), (4, -30), (8, -27), (11, -22)):
        layer.stroke([(-6, hip - 8), (-18, hip - 3 + drop * 0.6), (out, hip + 3 + drop)], (4.0, 0.8), (build.body, build.wing))


def _body(layer: Layer, build: _Build, hip: float) -> Image.Image:
    deep = build.girth
    return layer.blob(
        [(-27, hip + 5), (-16, hip - 7 * deep), (-2, hip - 13 * deep), (10 * deep, hip - 13 * deep), (15 * deep, hip - 5), (9, hip + 3 * deep),
         (-5, hip + 4 * deep), (-18, hip + 5)],
        (lighter(build.body, 0.35), darker(build.body, 0.16)),
    )  # fmt: skip


def _wing(layer: Layer, build: _Build, marks: _Marks, hip: float, body: Image.Image) -> None:
    deep = build.girth
    wing = layer.blob(
        [(7 * deep, hip - 9 * deep), (-4, hip - 11 * deep), (-17, hip - 5 * deep), (-29, hip + 6), (-29, hip + 6), (-14, hip + 3), (-1, hip + 2), (7, hip - 3)],
        (lighter(build.wing, 0.15), darker(build.wing, 0.12)),
    )
    for drop in (0.0, 3.4):
        layer.stroke([(2, hip - 4 + drop), (-10, hip - 3 + drop), (-24, hip + 3 + drop)], 0.8, darker(build.wing, 0.28), inside=wing)
    if marks.bars:
        for x in (0.0, -7.0, -14.0):
            layer.stroke([(x + 2, hip - 16), (x, hip - 5), (x - 3, hip + 8)], 2.5, marks.bars, inside=wing)
    if marks.shoulder:
        layer.oval((1.5, hip - 7 * deep), (8.5, 4.6), marks.shoulder, inside=body)


def _neck_marks(layer: Layer, marks: _Marks, neck: FloatArray, shape: Image.Image, build: _Build) -> None:
    half = build.neck_width[1] * 0.5
    if marks.nape:
        layer.stroke((neck - (half, 0))[6::3], (2.0, half * 1.8), marks.nape, inside=shape)
    if marks.throat:
        for share in (0.3, 0.42, 0.54, 0.66, 0.78):
            x, y = neck[int(share * len(neck))]
            layer.oval((x + half * 0.7, y), (1.1, 1.9), marks.throat, inside=shape)


def _head(layer: Layer, build: _Build, marks: _Marks, at: tuple[float, float]) -> None:
    x, y = at
    size = build.head
    length, depth = build.bill
    start = x + size * 0.8
    bill = layer.polygon(
        [(start, y - depth * 0.5), (start + length * 0.5, y - depth * 0.3), (start + length, y + depth * 0.25), (start, y + depth * 0.55)],
        (lighter(marks.bill, 0.2), marks.bill),
    )
    if marks.bill_tip:
        layer.polygon([(start + length * 0.55, y - 9), (start + 30, y - 9), (start + 30, y + 9), (start + length * 0.55, y + 9)], marks.bill_tip, inside=bill)
    if build.crest:
        plume = marks.cap or marks.mask or build.body
        for dip in (0.0, 3.0):
            layer.stroke([(x - size * 0.4, y - 2), (x - size - 6, y - 1 + dip), (x - size - 14, y + 4 + dip * 1.4)], (2.6, 0.5), plume)
    head = layer.blob(
        [(x - size * 1.25, y + 0.6), (x - size * 0.6, y - size * 0.75), (x + size * 0.5, y - size * 0.7), (x + size * 1.35, y - depth * 0.3),
         (x + size * 1.3, y + depth * 0.5), (x, y + size * 0.75), (x - size, y + size * 0.55)],
        (lighter(build.body, 0.4), build.body),
    )  # fmt: skip
    if marks.cap:
        layer.blob([(x - size * 1.6, y + 1), (x - size, y - size * 1.2), (x + size, y - size * 1.2), (x + size * 1.4, y - size * 0.4), (x, y - size * 0.1)],
                   marks.cap, inside=head)  # fmt: skip
    if marks.mask:
        layer.stroke([(x - size * 1.2, y - 0.8), (x + size * 0.4, y), (x + size * 1.5, y + 0.3)], size * 0.66, marks.mask, inside=head)
    layer.dot((x + size * 0.45, y - size * 0.1), max(1.1, size * 0.22), mix((255, 220, 60), INK, 0.0))
    layer.dot((x + size * 0.45, y - size * 0.1), max(0.6, size * 0.12), INK)
