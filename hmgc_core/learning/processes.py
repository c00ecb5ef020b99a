"""The processes that learn one model together: one alone, unless torchrun started several. Fabric stays in here.

Each of several learns its share of every batch; gradients are averaged before a step, so all have the same weights
after it. Only the first measures, writes and tells, and what it finds or fails in is handed to the others: all do the
same from the first step to the last. A single process needs no Fabric and does not load it.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Any, TypeVar

import torch
from torch import Tensor, nn

from hmgc_core.errors import BadConfig, DeviceError, OthersGone
from hmgc_core.learning.devices import ComputeDevice, pick_device
from hmgc_core.learning.shared_norms import share_norms
from hmgc_core.shared_batches import totals_by

if TYPE_CHECKING:
    from lightning_fabric import Fabric

# Who waits for the next training may wait for days; torchrun ends all processes when one of them dies.
PATIENCE = timedelta(days=365)
GONE = "gloo", "nccl", "connection closed", "connection reset"

T = TypeVar("T")


@dataclass(frozen=True)
class Share:
    """A part of a batch of `of` pictures: those from `start` up to `end`."""

    start: int
    end: int
    of: int

    @property
    def rows(self) -> slice:
        """Where the part lies in the batch."""
        return slice(self.start, self.end)

    def __len__(self) -> int:
        return self.end - self.start

    def split(self, parts: int) -> "list[Share]":
        """As many shares of the same batch, in order, of nearly equal size."""
        edges = [self.start + len(self) * part // parts for part in range(parts + 1)]
        return [Share(start, end, self.of) for start, end in pairwise(edges)]


def whole(count: int) -> Share:
    """All of a batch."""
    return Share(0, count, count)


class Processes:
    """One process, which learns alone. number: counted from 0."""

    number = 0
    count = 1

    @property
    def is_first(self) -> bool:
        """This is the process that measures, writes and tells."""
        return self.number == 0

    def share(self, count: int) -> Share:
        """This process's part of a batch of `count` pictures."""
        return whole(count).split(self.count)[self.number]

    def check(self, batch_size: int, compute: ComputeDevice) -> None:
        """Raise BadConfig or DeviceError where these processes cannot learn such batches on such a device."""

    def from_first(self, make: Callable[[], T]) -> T:
        """What `make` gives in the first process, in all of them; or its error, if that is one of ours or a stop."""
        return make()

    def mean(self, values: Tensor) -> Tensor:
        """The mean of the processes' tensors, elementwise."""
        return values

    def mean_row(self, rows: Tensor) -> Tensor:
        """The mean of (B, K) rows over those of all processes, (K,). There is at least one; here there may be none."""
        return rows.mean(0)

    @contextmanager
    def one_batch(self) -> Iterator[None]:
        """Within the block losses are means over the batches of all processes."""
        yield

    def share_norms(self, model: nn.Module) -> list[str]:
        """Let the norms of a model that train on a batch see all of it. Returns remarks for people."""
        del model
        return []

    def wrap(self, step: nn.Module) -> nn.Module:
        """A module from inputs to a loss, whose gradients become the mean over all processes."""
        return step

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Within the block it is told by OthersGone that another process is gone."""
        yield


ALONE = Processes()


def launched() -> Processes:
    """The processes that torchrun started, this one among them; alone where it did not.

    Raises DeviceError where there are fewer GPUs than processes on this machine, or Fabric is missing.
    """
    if int(os.environ.get("WORLD_SIZE", "1")) == 1:
        return ALONE
    compute = pick_device("auto")
    here = int(os.environ["LOCAL_WORLD_SIZE"])
    if compute.works_beside and torch.cuda.device_count() < here:
        raise DeviceError(
            f"{here} processes need as many GPUs, and this machine has {torch.cuda.device_count()}",
            remedy=f"start {torch.cuda.device_count()} processes",
        )
    return _Several(_fabric(compute.torch_device.type, here))


def _fabric(accelerator: str, here: int) -> "Fabric":
    """Fabric, launched: the processes know each other. here: how many of them are on this machine."""
    try:
        from lightning_fabric import Fabric  # noqa: PLC0415 - takes seconds to import, and only several need it
        from lightning_fabric.strategies import DDPStrategy  # noqa: PLC0415
    except ImportError:
        try:
            from lightning.fabric import Fabric  # type: ignore[no-redef]  # noqa: PLC0415 - its other package
            from lightning.fabric.strategies import DDPStrategy  # type: ignore[no-redef]  # noqa: PLC0415
        except ImportError as error:
            raise DeviceError(
                "several processes learn together by Lightning Fabric, which is not installed",
                remedy="pip install lightning-fabric",
            ) from error
    strategy = DDPStrategy(
        # Words between processes travel over the CPU: a GPU need not be waited for to say them.
        process_group_backend="gloo" if accelerator == "cpu" else "cpu:gloo,cuda:nccl",
        timeout=PATIENCE,
        broadcast_buffers=False,  # shared norms keep equal statistics by themselves
        find_unused_parameters=True,  # a model may leave a part of itself out of a step
    )
    nodes = int(os.environ["WORLD_SIZE"]) // here
    fabric = Fabric(accelerator=accelerator, devices=here, num_nodes=nodes, strategy=strategy)
    fabric.launch()
    return fabric


class _Several(Processes):
    """Several processes that Fabric has brought together."""

    def __init__(self, fabric: "Fabric") -> None:
        self.fabric = fabric
        self.number, self.count = fabric.global_rank, fabric.world_size

    def check(self, batch_size: int, compute: ComputeDevice) -> None:
        if compute.torch_device.type != self.fabric.device.type:
            raise DeviceError(
                f"the {self.count} processes learn on {self.fabric.device.type}, not on {compute.torch_device.type}",
                remedy="choose the device auto",
            )
        if batch_size < self.count:
            raise BadConfig(
                f"{self.count} processes cannot share out batches of {batch_size}",
                remedy=f"choose a batch size of {self.count} or more, or start fewer processes",
            )

    def from_first(self, make: Callable[[], T]) -> T:
        said: Any = None
        if self.is_first:
            try:
                said = (True, make())
            except Exception as error:
                self.fabric.broadcast((False, error))
                raise
        works, result = self.fabric.broadcast(said)
        if not works:
            raise result
        return result

    def mean(self, values: Tensor) -> Tensor:
        return self._over_all(values, "mean")

    def mean_row(self, rows: Tensor) -> Tensor:
        count = rows.new_tensor([len(rows)])
        sums = self._over_all(torch.cat([rows.sum(0), count]), "sum")
        return sums[:-1] / sums[-1]

    def _over_all(self, values: Tensor, operation: str) -> Tensor:
        result = self.fabric.all_reduce(values, reduce_op=operation)
        return result if isinstance(result, Tensor) else values

    @contextmanager
    def one_batch(self) -> Iterator[None]:
        with totals_by(lambda own: self.mean(own.detach())):
            yield

    def share_norms(self, model: nn.Module) -> list[str]:
        own = share_norms(model, self.fabric.device)
        if not own:
            return []
        return [f"{own} layers normalise each process's part of a batch by itself: a kind that cannot be shared"]

    def wrap(self, step: nn.Module) -> nn.Module:
        return self.fabric.setup_module(step, move_to_device=False)

    @contextmanager
    def watched(self) -> Iterator[None]:
        try:
            yield
        except RuntimeError as error:
            if not any(word in str(error).lower() for word in GONE):
                raise
            raise OthersGone(
                f"another of the {self.count} processes that learn together ended",
                remedy="its last words stand above, where the worker was started; then let the run go on",
            ) from error
