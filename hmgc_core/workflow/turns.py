"""Long work in many small transactions that leaves the database to others in between."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa

from hmgc_core.store.workspace import Workspace


class Turns:
    """Transactions one after the other; after each, others have the database for about as long as it took.

    SQLite keeps no queue: who waits looks again every so often, up to ten times a second, and somebody who writes
    without a pause would nearly always be there first.
    """

    def __init__(self, ws: Workspace) -> None:
        self._ws = ws
        self._free_at = time.monotonic()

    @contextmanager
    def writing(self) -> Iterator[sa.Connection]:
        """As `Workspace.writing`, once others had their turn."""
        time.sleep(max(0.0, self._free_at - time.monotonic()))
        with self._ws.writing() as connection:
            begun = time.monotonic()
            yield connection
        ended = time.monotonic()
        self._free_at = ended + (ended - begun)
