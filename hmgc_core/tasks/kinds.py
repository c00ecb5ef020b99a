"""The kinds of tasks. A new one is one file in this package and one line here."""

from collections.abc import Callable
from typing import Any

from hmgc_core.tasks import coarse_labels, picture_map
from hmgc_core.tasks.job import Job
from hmgc_core.workflow import picture_maps

# kind -> what carries it out and returns its result as plain JSON.
KINDS: dict[str, Callable[[Job], dict[str, Any]]] = {
    "coarse-labels": coarse_labels.compare,
    picture_maps.KIND: picture_map.make,
}
