"""What the worker and the inspector share as processes: a name, a sign of life in the database, manners."""

import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from hmgc_core.errors import HmgcError
from hmgc_core.store import jobs
from hmgc_core.store.workspace import Workspace

BEAT_S = 2.0


@contextmanager
def present(ws: Workspace, role: jobs.Role, owner: str) -> Iterator[None]:
    """Tell the database that this process is there, until the block ends."""
    end = threading.Event()

    def beat() -> None:
        while True:
            try:
                with ws.writing() as connection:
                    jobs.beat(connection, role=role, owner=owner)
            except HmgcError:
                pass  # busy or full: the next beat tries again
            if end.wait(BEAT_S):
                return

    thread = threading.Thread(target=beat, daemon=True)
    thread.start()
    try:
        yield
    finally:
        end.set()
        thread.join()
        with ws.writing() as connection:
            jobs.leave(connection, owner=owner)


def be_polite() -> None:
    """Leave the processor to the app whenever it wants it: labelling must stay instant while a training runs."""
    if hasattr(os, "nice"):
        os.nice(10)


def owner_name() -> str:
    """A name for this process that no other has or had."""
    return f"{socket.gethostname()}:{os.getpid()}:{time.time_ns()}"
