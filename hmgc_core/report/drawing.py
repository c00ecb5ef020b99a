"""The plots of a report as SVG that stands in the page: text stays text, and colours follow light and dark.

Drawn here rather than by a plotting library, whose pictures have colours of their own and letters that are outlines.
"""

from collections.abc import Mapping, Sequence

from markupsafe import Markup

WIDTH, HEIGHT = 460, 220
LEFT, RIGHT, TOP, BOTTOM = 46, 12, 12, 30
SERIES = 6  # colours in the style sheet

_SVG = Markup('<svg viewBox="0 0 {} {}" role="img" aria-label="{}">{}</svg>')
_LINE = Markup('<line class="{}" x1="{:.1f}" y1="{:.1f}" x2="{:.1f}" y2="{:.1f}"/>')
_TEXT = Markup('<text class="{}" x="{:.1f}" y="{:.1f}">{}</text>')
_PATH = Markup('<polyline class="line s{}" points="{}"/>')
_DOT = Markup('<circle class="dot s{}" cx="{:.1f}" cy="{:.1f}" r="{:.1f}"><title>{}</title></circle>')
_BAR = Markup('<rect class="bar s{}" x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}"><title>{}</title></rect>')


def curves(series: Mapping[str, Sequence[float | None]], *, shares: bool, alt: str) -> Markup:
    """Lines over epochs 1, 2, …. shares: from 0 to 100 %; else from 0 to the largest value. A None leaves a gap out."""
    known = [value for values in series.values() for value in values if value is not None]
    most = 1.0 if shares else max([*known, 1e-9])
    length = max((len(values) for values in series.values()), default=1)
    parts = [_frame(most, shares=shares, x_ends=("epoch 1", f"epoch {length}" if length > 1 else ""))]
    for number, values in enumerate(series.values()):
        points = [(_x(i / max(1, length - 1)), _y(v / most)) for i, v in enumerate(values) if v is not None]
        parts.append(_PATH.format(number % SERIES, " ".join(f"{x:.1f},{y:.1f}" for x, y in points)))
        last = f"{values[-1]:.1%}" if shares and values and values[-1] is not None else ""
        parts += [_DOT.format(number % SERIES, x, y, 3, last) for x, y in points[-1:]]
    return _SVG.format(WIDTH, HEIGHT, alt, Markup("").join(parts))


def reliability(bins: Sequence[tuple[float, float, int]], *, alt: str) -> Markup:
    """Share of right answers over mean certainty, (x, y, pictures) in [0, 1]; the straight line is where they agree."""
    most = max((count for *_, count in bins), default=1)
    parts = [_frame(1.0, shares=True, x_ends=("0% sure", "100% sure"))]
    parts.append(_LINE.format("guide", _x(0), _y(0), _x(1), _y(1)))
    for sure, right, count in bins:
        said = f"{count:,} pictures: {sure:.0%} sure, {right:.0%} right"
        parts.append(_DOT.format(0, _x(sure), _y(right), 3 + 5 * (count / most) ** 0.5, said))
    return _SVG.format(WIDTH, HEIGHT, alt, Markup("").join(parts))


def bars(values: Sequence[tuple[str, int]], *, alt: str) -> Markup:
    """One bar a row with its name and count."""
    most = max((count for _, count in values), default=0) or 1
    parts = []
    for row, (name, count) in enumerate(values):
        top = 8 + 34 * row
        parts.append(_TEXT.format("name", 0, top + 10, name))
        parts.append(_BAR.format(0, 0, top + 15, (WIDTH - 70) * count / most, 9, f"{name}: {count:,}"))
        parts.append(_TEXT.format("count", (WIDTH - 70) * count / most + 6, top + 23.5, f"{count:,}"))
    return _SVG.format(WIDTH, 12 + 34 * len(values), alt, Markup("").join(parts))


def _frame(most: float, *, shares: bool, x_ends: tuple[str, str]) -> Markup:
    parts = []
    for step in range(5):
        at = step / 4
        parts.append(_LINE.format("grid", LEFT, _y(at), WIDTH - RIGHT, _y(at)))
        parts.append(_TEXT.format("tick", LEFT - 6, _y(at) + 4, f"{at:.0%}" if shares else f"{at * most:.3g}"))
    parts.append(_TEXT.format("start", LEFT, HEIGHT - 8, x_ends[0]))
    parts.append(_TEXT.format("end", WIDTH - RIGHT, HEIGHT - 8, x_ends[1]))
    return Markup("").join(parts)


def _x(share: float) -> float:
    return LEFT + share * (WIDTH - LEFT - RIGHT)


def _y(share: float) -> float:
    return HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM)
