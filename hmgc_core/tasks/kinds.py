"""The kinds of tasks. A new one is one file in this package and one line here."""

from collections.abc import Callable
from typing import Any

from hmgc_core.tasks import coarse_labels, new_pictures, picture_map, score_cam, sweep
from hmgc_core.tasks.job import Job
from hmgc_core.workflow import new_pictures as new_picture_verbs
from hmgc_core.workflow import picture_maps, sweeps

# kind -> what carries it out and returns its result as plain JSON.
KINDS: dict[str, Callable[[Job], dict[str, Any]]] = {
    "coarse-labels": coarse_labels.compare,
    new_picture_verbs.KIND: new_pictures.predict,
    picture_maps.KIND: picture_map.make,
    "score_cam": score_cam.carry_out,
    sweeps.KIND: sweep.search,
}

# Kinds that leave files -> how many of their tasks are kept, the newest; what they made can be made again. That is
# 75 MB of heatmaps, and of maps of 100,000 pictures with all their colours at most 400.
KEPT = {"score_cam": 500, picture_maps.KIND: 50}

# Kinds that take as long as a training; the others are done beside one, as somebody waits for them.
LONG = frozenset({"coarse-labels", sweeps.KIND})
