"""The kinds of questions. A new one is one file in this package and one line here."""

from collections.abc import Callable
from typing import Any

from hmgc_core.explaining import answer, heatmaps, patches
from hmgc_core.explaining.asked import Asked

# kind -> what writes the files of the answer and returns the rest of it as plain JSON (`answer.json`).
KINDS: dict[str, Callable[[Asked], dict[str, Any]]] = {
    "heatmaps": heatmaps.answer,
    "patches": patches.answer,
    "answer": answer.answer,
}
