"""Heatmaps as files for the screen, and what is to be said about each as plain JSON."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from hmgc_core.heat_pictures import overlay
from hmgc_core.learning.cam import NO_OTHER, STRONGEST_SIBLING, Heatmaps, counterpart
from hmgc_core.learning.checkpoints import Checkpoint
from hmgc_core.learning.temperature import tempered
from hmgc_core.taxonomy import Taxonomy


def held_against(taxonomy: Taxonomy, question: dict[str, Any], nodes: Sequence[int]) -> list[int]:
    """For each node the one that a question holds it against, as `heatmaps` takes it. Raises UnknownNode."""
    if question.get("siblings"):
        return [STRONGEST_SIBLING] * len(nodes)
    if not question.get("against"):
        return [NO_OTHER] * len(nodes)
    other = taxonomy.index(question["against"])
    return [counterpart(taxonomy, node, other) for node in nodes]


def tell(checkpoint: Checkpoint, nodes: Sequence[int], found: Heatmaps, folder: Path) -> dict[str, Any]:
    """Write `0.png`, `1.png`, ... to lay over the picture, and return what is to be said of them.

    {"maps": [{node, other, says, grid, probability, other_probability}], "layers": {name: [h, w]}}. says: `places`, or
    `nothing` where no place speaks for the node, `everywhere` where all do alike. other: None where there is none.
    """
    for place, heat in enumerate(found.maps):
        draft = folder / f"{place}.tmp"
        overlay(heat).save(draft, format="PNG")
        draft.replace(folder / f"{place}.png")
    probs = _probabilities(checkpoint, found)
    keys = checkpoint.taxonomy.keys
    maps = [
        {
            "node": keys[node],
            "other": keys[other] if other != NO_OTHER else None,
            "says": "places" if heat.any() else "everywhere" if strength > 0 else "nothing",
            "grid": list(grid),
            "probability": float(probs[node]),
            "other_probability": float(probs[other]) if other != NO_OTHER else None,
        }
        for node, other, heat, strength, grid in zip(
            nodes, found.others.tolist(), found.maps, found.strengths, found.grids, strict=True
        )
    ]
    return {"maps": maps, "layers": {name: list(grid) for name, grid in found.layers.items()}}


@torch.no_grad()
def _probabilities(checkpoint: Checkpoint, found: Heatmaps) -> NDArray[np.float32]:
    """(N,) as people are shown them beside the answer."""
    log_probs = checkpoint.model.answer_log_probs(found.scores)
    probs = tempered(log_probs, checkpoint.taxonomy, checkpoint.temperature).exp()[0]
    return np.asarray(probs.clamp(max=1).cpu().numpy(), dtype=np.float32)
