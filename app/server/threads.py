"""Where the routes do their blocking work: in threads, few of them for writes, and for queues apart from labels."""

import functools
from collections.abc import Callable
from typing import ParamSpec, TypeVar

import anyio

P = ParamSpec("P")
T = TypeVar("T")

# The database takes one write at a time: more threads would only wait inside it, each with a connection and its memory
# of its own. Queues do not wait behind labels, nor pictures behind either: while another program holds the database,
# they still come.
LABELS = anyio.CapacityLimiter(4)
QUEUES = anyio.CapacityLimiter(4)
READS = anyio.CapacityLimiter(8)


async def in_thread(limiter: anyio.CapacityLimiter, verb: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Carry out `verb` in a thread, as soon as the limiter has room."""
    return await anyio.to_thread.run_sync(functools.partial(verb, *args, **kwargs), limiter=limiter)
