"""What a batch weighs in all, where several processes learn one part of it each.

A loss is a mean over its batch: it divides by a total. That total is of the whole batch, wherever the rest of it is
learned, so losses ask here for it, and `learning` says, around a training step, how to find out.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from torch import Tensor

_batch_total: ContextVar[Callable[[Tensor], Tensor] | None] = ContextVar("batch_total", default=None)


def batch_total(own: Tensor) -> Tensor:
    """What to divide a sum over the pictures at hand by. own: the total of their weights, a scalar without gradient.

    The total itself where they are the whole batch; else such a share of the batch's total that the mean over the
    processes of the quotients is the mean over the batch. Every process has to ask as often as the others.
    """
    find = _batch_total.get()
    return own if find is None else find(own)


@contextmanager
def totals_by(find: Callable[[Tensor], Tensor]) -> Iterator[None]:
    """Let `find` answer `batch_total` within the block."""
    token = _batch_total.set(find)
    try:
        yield
    finally:
        _batch_total.reset(token)
