"""The kinds of tasks. A new one is one file in this package and one line here."""

from collections.abc import Callable
from typing import Any

from hmgc_core.tasks import score_cam
from hmgc_core.tasks.job import Job

# kind -> what carries it out and returns its result as plain JSON.
KINDS: dict[str, Callable[[Job], dict[str, Any]]] = {"score_cam": score_cam.carry_out}
