"""Heatmaps of one picture: where the model looked for each of some classes."""

from typing import Any

from hmgc_core.explaining.asked import Asked
from hmgc_core.learning.cam import heatmaps
from hmgc_core.learning.cam_told import held_against, tell
from hmgc_core.records import HEAT_METHODS


def answer(asked: Asked) -> dict[str, Any]:
    """The heat for each of these classes, to lay over the picture, and what `tell` says of each.

    Question: {"nodes": [key, ...]}; with "method", "layer", and "against" (a key) or "siblings" (true) where they are
    not the usual ones. Raises BadConfig, UnknownNode, PictureError.
    """
    question, checkpoint = asked.question, asked.checkpoint
    nodes = [asked.node(key) for key in question["nodes"]]
    found = heatmaps(
        checkpoint.model,
        asked.pixels(),
        nodes,
        against=held_against(checkpoint.taxonomy, question, nodes),
        layer=question.get("layer", ""),
        method=question.get("method", HEAT_METHODS[0]),
    )
    return tell(checkpoint, nodes, found, asked.folder)
