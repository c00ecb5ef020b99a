"""The kinds of tasks. A new one is one file in this package and one line here."""

from collections.abc import Callable
from typing import Any

from hmgc_core.tasks import coarse_labels, picture_map, score_cam
from hmgc_core.tasks.job import Job
from hmgc_core.workflow import picture_maps

# kind -> what carries it out and returns its result as plain JSON.
KINDS: dict[str, Callable[[Job], dict[str, Any]]] = {
    "coarse-labels": coarse_labels.compare,
    picture_maps.KIND: picture_map.make,
    "score_cam": score_cam.carry_out,
}

# Kinds that take as long as a training; the others are done beside one, as somebody waits for them.
LONG = frozenset({"coarse-labels"})
