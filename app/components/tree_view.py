"""The class tree as boxes: the children of a box lie to its right, its colour says how well the class is known."""

import itertools
import math
from collections.abc import Sequence
from typing import Literal

import plotly.graph_objects as go

from app.components.charts import as_plain
from app.components.wording import number, percent
from hmgc_core.taxonomy import Taxonomy
from hmgc_core.workflow.tree import NodeCounts, TreeNode, tree_view

Colour = Literal["accuracy", "labels"]
Shade = tuple[int, int, int]
Stops = tuple[tuple[float, Shade], ...]

# Orange to teal: told apart by people who do not see red and green. Grey: nothing to say.
SCALES: dict[Colour, Stops] = {
    "accuracy": ((0.0, (214, 116, 38)), (0.5, (238, 222, 176)), (1.0, (24, 148, 134))),
    "labels": ((0.0, (222, 236, 240)), (1.0, (20, 118, 130))),
}
NOTHING: Shade = (195, 202, 209)
FRAME = "#f0b429"
LONGEST_NAME = 60
MOST_ROWS, ROW_PX = 32, 21


def outermost(taxonomy: Taxonomy, node: int) -> int:
    """The box that holds all others while `node` is shown: the node itself, or its parent where nothing is below it."""
    return node if len(taxonomy.children(node)) else max(0, int(taxonomy.parents[node]))


def boxes(taxonomy: Taxonomy, counts: NodeCounts, top: int) -> list[TreeNode]:
    """The boxes to draw below `top`: as many levels as leave room for their names."""
    for levels in (3, 2):
        drawn = tree_view(taxonomy, counts, top, levels=levels)
        if len(_tips(drawn)) <= MOST_ROWS:
            return drawn
    return tree_view(taxonomy, counts, top, levels=1)


def _tips(nodes: Sequence[TreeNode]) -> set[str]:
    return {node.id for node in nodes} - {node.parent for node in nodes}


def figure(nodes: Sequence[TreeNode], colour: Colour, *, chosen: str) -> go.Figure:
    """An icicle of `nodes`; the box `chosen` has a frame where it is not the outermost."""
    most = max((node.labels for node in nodes), default=0)
    values = _room(nodes)
    colours = [_colour(node, colour, most) for node in nodes]
    drawn = go.Figure(
        go.Icicle(
            ids=[node.id for node in nodes],
            parents=[node.parent for node in nodes],
            labels=[_name(node) for node in nodes],
            values=[values[node.id] for node in nodes],
            branchvalues="total",
            text=[_figure_of(node, colour) for node in nodes],
            texttemplate="%{label}  %{text}",
            hovertext=[_about(node) for node in nodes],
            hovertemplate="%{hovertext}<extra></extra>",
            textfont={"size": 12, "color": [_ink(shade) for shade in colours]},
            leaf={"opacity": 1},
            tiling={"orientation": "h", "pad": 2},
            pathbar={"visible": False},
            sort=False,
            marker={
                "colors": ["rgb({},{},{})".format(*shade) for shade in colours],
                "line": {"width": [3 if node.parent and node.id == chosen else 0 for node in nodes], "color": FRAME},
            },
        )
    )
    _add_scale(drawn, colour, most)
    drawn.update_layout(
        height=60 + max(160, min(28 * len(_tips(nodes)), ROW_PX * MOST_ROWS)),
        margin={"l": 0, "r": 0, "t": 0, "b": 0},
        uniformtext={"minsize": 11, "mode": "hide"},
    )
    return drawn


def _room(nodes: Sequence[TreeNode]) -> dict[str, float]:
    """How much room each box takes: the outermost drawn ones all the same, so that every name can be read."""
    tips = _tips(nodes)
    room = {node.id: float(node.id in tips) for node in nodes}
    for node in reversed(nodes):  # parents stand before their children
        if node.parent in room:
            room[node.parent] += room[node.id]
    return room


def _name(node: TreeNode) -> str:
    name = node.name if len(node.name) <= LONGEST_NAME else node.name[: LONGEST_NAME - 1] + "…"
    return as_plain(name)


def _figure_of(node: TreeNode, colour: Colour) -> str:
    if colour == "labels":
        return number(node.labels)
    return "" if node.accuracy is None or not node.parent else percent(node.accuracy)


def _about(node: TreeNode) -> str:
    lines = [f"<b>{_name(node)}</b>", f"{number(node.labels, 'label')} here or below"]
    if node.predictions:
        lines.append(f"{number(node.predictions, 'picture')} predicted here or below")
    if node.accuracy is not None:
        lines.append(f"{percent(node.accuracy)} of its test pictures found")
    if node.leaves > 1:
        lines.append(f"{number(node.leaves, 'finest class', 'finest classes')}")
    return "<br>".join(lines)


def _colour(node: TreeNode, colour: Colour, most: int) -> Shade:
    if colour == "labels":
        return _shade(SCALES[colour], math.log1p(node.labels) / math.log1p(most)) if node.labels else NOTHING
    return NOTHING if node.accuracy is None else _shade(SCALES[colour], node.accuracy)


def _ink(shade: Shade) -> str:
    """Black or white, whichever reads better on this shade."""
    red, green, blue = shade
    return "#10201e" if 0.299 * red + 0.587 * green + 0.114 * blue > 125 else "#ffffff"


def _shade(stops: Stops, place: float) -> Shade:
    for (low, first), (high, second) in itertools.pairwise(stops):
        if place <= high:
            share = (place - low) / (high - low)
            red, green, blue = (round(a + (b - a) * share) for a, b in zip(first, second, strict=True))
            return red, green, blue
    return stops[-1][1]


def _add_scale(drawn: go.Figure, colour: Colour, most: int) -> None:
    """The key to the colours, hung on points that are not drawn."""
    if colour == "labels" and not most:
        return
    top = math.log1p(most) if colour == "labels" else 1.0
    bar = {
        "orientation": "h",
        "thickness": 8,
        "len": 0.35,
        "x": 0.98,
        "xanchor": "right",
        "y": -0.02,
        "yanchor": "top",
        "outlinewidth": 0,
        "ticklabeloverflow": "allow",
    }
    if colour == "labels":
        ticks = [tick for tick in (0, 10, 100, 1000, 10_000, 100_000) if tick <= most]
        bar |= {"tickvals": [math.log1p(tick) for tick in ticks], "ticktext": [number(tick) for tick in ticks]}
    else:
        bar |= {"tickvals": [0, 0.5, 1], "tickformat": ".0%"}
    scale = [[place, "rgb({},{},{})".format(*shade)] for place, shade in SCALES[colour]]
    marker = {"color": [0], "colorscale": scale, "cmin": 0, "cmax": top, "showscale": True, "colorbar": bar}
    drawn.add_scatter(x=[None], y=[None], marker=marker, hoverinfo="skip", showlegend=False)
    drawn.update_xaxes(visible=False)
    drawn.update_yaxes(visible=False)
