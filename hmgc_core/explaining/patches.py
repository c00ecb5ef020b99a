"""The graph of one picture: which patches each block connected, and where it found evidence for some classes."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from hmgc_core.explaining.asked import Asked, write_text
from hmgc_core.learning.checkpoints import Checkpoint
from hmgc_core.learning.graph_view import graph_trunk, has_graph, picture_graph
from hmgc_core.patch_figure import KINDS, draw
from hmgc_core.workflow.graph import FILE


def answer(asked: Asked) -> dict[str, Any]:
    """`patches.json`, a `PatchGraph`. Question: {"nodes": [key, ...]}. Raises NoGraph, before a picture is read."""
    graph_trunk(asked.checkpoint.model)
    nodes = [asked.node(key) for key in asked.question["nodes"]]
    graph = picture_graph(asked.checkpoint.model, asked.pixels(), nodes)
    write_text(asked.folder / FILE, json.dumps(graph.to_json(), allow_nan=False, separators=(",", ":")))
    return {"blocks": len(graph.blocks), "shown": list(graph.shown)}


def write_figures(
    checkpoint: Checkpoint, pixels: NDArray[np.uint8], nodes: Sequence[int], picture: Image.Image, out: Path
) -> list[Path]:
    """`graph.png` and `graph.svg` in `out`: the figure for the last of these nodes. Nothing without a graph.

    pixels: (3, S, S) uint8 of the picture as the model sees it.
    """
    if not has_graph(checkpoint.model):
        return []
    graph = picture_graph(checkpoint.model, pixels, nodes[-1:])
    name = checkpoint.taxonomy.name(nodes[-1])
    written = []
    for kind in KINDS:
        file = out / f"graph.{kind}"
        file.write_bytes(draw(graph, picture, place=0, blocks=graph.shown, name=name, kind=kind))
        written.append(file)
    return written
