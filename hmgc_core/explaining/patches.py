"""The graph of one picture: which patches each block connected, and where it found evidence for some classes."""

import json
from typing import Any

from hmgc_core.explaining.asked import Asked, write_text
from hmgc_core.learning.graph_view import graph_trunk, picture_graph

FILE = "patches.json"


def answer(asked: Asked) -> dict[str, Any]:
    """`patches.json`, a `PatchGraph`. Question: {"nodes": [key, ...]}. Raises NoGraph, before a picture is read."""
    graph_trunk(asked.checkpoint.model)
    nodes = [asked.node(key) for key in asked.question["nodes"]]
    graph = picture_graph(asked.checkpoint.model, asked.pixels(), nodes)
    write_text(asked.folder / FILE, json.dumps(graph.to_json(), allow_nan=False, separators=(",", ":")))
    return {"blocks": len(graph.blocks), "shown": list(graph.shown)}
