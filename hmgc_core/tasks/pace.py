"""How long a task will still take, told from how fast it went so far."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from hmgc_core.records import Progress


@dataclass
class Pace:
    """Adds the time left to what a task reports. clock: seconds that only go up.

    A report that counts towards another total, or backwards, begins anew: it is about other work.
    """

    clock: Callable[[], float] = time.monotonic
    _first: tuple[int, float] = field(default=(0, 0.0), init=False)
    _last: tuple[int, int] = field(default=(0, -1), init=False)

    def with_time_left(self, progress: Progress) -> Progress:
        """The same with `left_s` where it is not given and something has been done since the first report."""
        now_s = self.clock()
        done, total = progress.done, progress.total
        if total != self._last[1] or done < self._last[0]:
            self._first = (done, now_s)
        self._last = (done, total)
        done_here = done - self._first[0]
        if progress.left_s is not None or done_here <= 0:
            return progress
        return replace(progress, left_s=(now_s - self._first[1]) * max(0, total - done) / done_here)
