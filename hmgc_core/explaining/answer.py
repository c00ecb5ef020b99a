"""The whole answer for one picture: the probability of every class, where predictions keep the best few."""

from typing import Any

import numpy as np

from hmgc_core.decoding import decode
from hmgc_core.explaining.asked import Asked
from hmgc_core.learning.inference import probabilities
from hmgc_core.workflow.relations import FILE


def answer(asked: Asked) -> dict[str, Any]:
    """`probabilities.npy`: (N,) float32 in the order of the run's tree; and the answer, the likeliest leaf.

    Question: {}.
    """
    taxonomy = asked.checkpoint.taxonomy
    shares = probabilities(asked.checkpoint, asked.pixels())
    draft = asked.folder / f"{FILE}.tmp"
    with draft.open("wb") as file:
        np.save(file, shares)
    draft.replace(asked.folder / FILE)
    return {"node": taxonomy.keys[int(decode(taxonomy, shares[None])[0])]}
