"""The figure of a graph net for one picture, as a file: three rows, a column for each block.

As the authors of GraphConvNet show their net: where a block found evidence, its most discriminative patch as a star,
and the patches it is connected with in that block's own graph. The published code draws dots; here the edges, their
order and the star are drawn too. No torch.
"""

import io
import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from hmgc_core.patch_graph import NO_PATCH, BlockGraph, PatchGraph

if TYPE_CHECKING:
    from matplotlib.axes import Axes

FigureKind = Literal["png", "svg"]
KINDS: tuple[FigureKind, ...] = ("png", "svg")
NEIGHBOURS = 8  # in the published figure: the nearest nine, of which the first is the patch itself
PANEL_INCHES, NAMES_INCHES, TITLE_INCHES = 2.1, 0.32, 0.52
DOTS_PER_INCH = 200
PICTURE_SIDE = 420
EDGE, STAR, PAPER, INK = "#ff3d2e", "#ffd60a", "#ffffff", "#1f2328"
ROWS = ("Evidence", "Strongest patch", "Connected with")

# matplotlib promises nothing about two threads at once.
_ONE_AT_A_TIME = threading.Lock()


def draw(
    graph: PatchGraph, picture: Image.Image, *, place: int, blocks: Sequence[int], name: str, kind: FigureKind
) -> bytes:
    """The figure for one class as a PNG or SVG file. place: of the class in `graph.nodes`; name: what people call it.

    blocks: numbers of the columns, counted from 1. Raises NoGraph where the net has no such block.
    """
    # Imported here: it takes half a second and 30 MB, for a file that few ask for.
    import matplotlib as mpl  # noqa: PLC0415
    from matplotlib.figure import Figure  # noqa: PLC0415

    shown = [graph.block(number) for number in blocks]
    pixels = _pixels(picture)
    tall = pixels.shape[0] / pixels.shape[1]
    width = NAMES_INCHES + PANEL_INCHES * max(1, len(shown))
    height = TITLE_INCHES + len(ROWS) * (PANEL_INCHES * tall)
    settings: Any = {"svg.fonttype": "none", "svg.hashsalt": "patches", "font.size": 9, "text.color": INK}
    with _ONE_AT_A_TIME, mpl.rc_context(settings):
        figure = Figure(figsize=(width, height), facecolor=PAPER)
        places = figure.subplots(len(ROWS), len(shown), squeeze=False)
        figure.subplots_adjust(
            left=NAMES_INCHES / width, right=0.995, bottom=0.01, top=1 - TITLE_INCHES / height, wspace=0.04, hspace=0.04
        )
        # A name is no formula, whatever signs are in it.
        figure.text(NAMES_INCHES / width, 1 - 0.14 / height, name, va="top", fontsize=11, parse_math=False)
        for column, block in enumerate(shown):
            _column(places[:, column], graph, block, place, pixels)
        for row, words in enumerate(ROWS):
            places[row, 0].set_ylabel(words, labelpad=5)
        return _file(figure, kind)


def _column(axes: NDArray[Any], graph: PatchGraph, block: BlockGraph, place: int, pixels: NDArray[np.uint8]) -> None:
    star = block.stars[place]
    axes[0].set_title(f"Block {block.number} of {len(graph.blocks)}", fontsize=9, pad=4)
    for panel in axes:
        _picture(panel, pixels, veil=0.0 if panel is axes[0] else 0.25)
        if star == NO_PATCH:
            panel.text(0.5, 0.5, "no evidence", ha="center", va="center", bbox={"facecolor": PAPER, "alpha": 0.8})
    if star == NO_PATCH:
        return
    _heat(axes[0], block.heat[place], smooth=True)
    _heat(axes[1], block.heat[place], smooth=False)
    for panel in axes[1:]:
        _grid(panel, block.grid)
    _edges(axes[2], block, star)
    for panel in axes[1:]:
        panel.plot(*_middle(block.place(star)), marker="*", markersize=13, color=STAR, markeredgecolor=INK, zorder=9)


def _picture(panel: "Axes", pixels: NDArray[np.uint8], *, veil: float) -> None:
    """The picture from (0, 0) at its upper left to (1, 1); veil: how much of it is covered with white."""
    paler = (pixels * (1 - veil) + 255 * veil).astype(np.uint8)
    panel.imshow(paler, extent=(0, 1, 1, 0), aspect="auto", interpolation="bilinear")
    panel.set(xlim=(0, 1), ylim=(1, 0), xticks=[], yticks=[])
    panel.spines[:].set_visible(False)


def _heat(panel: "Axes", heat: NDArray[np.float32], *, smooth: bool) -> None:
    # Where there is little, the picture is to be seen.
    panel.imshow(
        heat,
        extent=(0, 1, 1, 0),
        aspect="auto",
        cmap="inferno",
        vmin=0,
        vmax=1,
        alpha=0.5 if smooth else np.clip(heat, 0.0, 0.75),
        interpolation="bicubic" if smooth else "nearest",
    )


def _grid(panel: "Axes", grid: tuple[int, int]) -> None:
    rows, columns = grid
    width = 0.7 if max(grid) <= 16 else 0.25
    panel.hlines(np.arange(1, rows) / rows, 0, 1, colors=PAPER, linewidths=width)
    panel.vlines(np.arange(1, columns) / columns, 0, 1, colors=PAPER, linewidths=width)


def _edges(panel: "Axes", block: BlockGraph, star: int) -> None:
    """Lines to what the star is connected with, the nearest the thickest, and the rank at each end."""
    from matplotlib.patches import Rectangle  # noqa: PLC0415

    start = _middle(block.place(star))
    for one in block.connected(star)[:NEIGHBOURS]:
        left, top, wide, tall = block.candidate_place(one.candidate)
        end = _middle((left, top, wide, tall))
        panel.add_patch(Rectangle((left, top), wide, tall, fill=False, edgecolor=EDGE, linewidth=1.1, zorder=4))
        panel.plot(*zip(start, end, strict=True), color=EDGE, linewidth=2.6 - 0.22 * one.rank, zorder=5)
        mark = {"boxstyle": "circle,pad=0.12", "facecolor": PAPER, "edgecolor": EDGE, "linewidth": 0.8}
        panel.text(*end, str(one.rank), ha="center", va="center", fontsize=6, bbox=mark, zorder=8)


def _middle(place: tuple[float, float, float, float]) -> tuple[float, float]:
    left, top, wide, tall = place
    return left + wide / 2, top + tall / 2


def _pixels(picture: Image.Image) -> NDArray[np.uint8]:
    """(H, W, 3), no larger than the panels need; very long pictures are shortened to what a page can hold."""
    small = picture.convert("RGB")
    small.thumbnail((PICTURE_SIDE, PICTURE_SIDE))
    longest = 2
    if max(small.size) > longest * min(small.size):
        small = small.resize((min(small.width, longest * small.height), min(small.height, longest * small.width)))
    return np.asarray(small)


def _file(figure: Any, kind: FigureKind) -> bytes:
    buffer = io.BytesIO()
    # No date: the same figure is the same file.
    metadata = {"Date": None} if kind == "svg" else {}
    figure.savefig(buffer, format=kind, dpi=DOTS_PER_INCH, metadata=metadata)
    return buffer.getvalue()
