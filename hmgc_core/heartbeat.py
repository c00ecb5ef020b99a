"""The lease of a job that is worked on: a thread keeps it alive, reports the progress, and learns of a stop."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa

from hmgc_core import settings
from hmgc_core.errors import HmgcError
from hmgc_core.store import jobs
from hmgc_core.store.workspace import Workspace

LOOK_S = 0.3  # how often it is looked whether the job should stop


class Heart:
    """Keeps the lease of one job alive, and learns of cancellation or loss."""

    def __init__(self, ws: Workspace, job_id: int, owner: str, *, of: sa.Table) -> None:
        self.ws, self.job_id, self.owner, self.of = ws, job_id, owner, of
        self.columns: dict[str, Any] = {"stage": "starting"}  # of the job, to be written with the next beat
        self.cancelled = self.lost = False
        self._end = threading.Event()

    @contextmanager
    def beating(self) -> Iterator[None]:
        """Beat while the block runs."""
        thread = threading.Thread(target=self._beat, daemon=True)
        thread.start()
        try:
            yield
        finally:
            self._end.set()
            thread.join()

    def _beat(self) -> None:
        last_written = 0.0
        while not self._end.wait(LOOK_S):
            try:
                if time.monotonic() - last_written >= min(1.0, lease_s() / 4):
                    last_written = time.monotonic()
                    self._renew()
                else:
                    with self.ws.reading() as connection:
                        self.cancelled |= jobs.cancel_asked(connection, self.job_id, owner=self.owner, of=self.of)
            except HmgcError:
                continue  # the database is busy or full: the next beat tries again, the lease has room for it

    def _renew(self) -> None:
        with self.ws.writing() as connection:
            state = jobs.renew(
                connection, self.job_id, owner=self.owner, lease_s=lease_s(), progress=self.columns, of=self.of
            )
        self.cancelled |= state == "cancel"
        self.lost |= state == "lost"


def lease_s() -> float:
    """How long a worker may be silent before its job is somebody else's."""
    return float(settings.setting("HMGC_LEASE_S"))
