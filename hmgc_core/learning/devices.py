"""Where a model runs, and in what precision."""

import warnings
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from hmgc_core.errors import DeviceError, OutOfMemory
from hmgc_core.records import RunConfig

FLOPS_PER_THREAD = 8e9  # forward, per step


@dataclass(frozen=True)
class ComputeDevice:
    """A device that works. half: bfloat16 autocast pays here. remark: why it is not the one hoped for, or empty."""

    torch_device: torch.device
    half: bool
    remark: str = ""

    def autocast(self) -> AbstractContextManager:
        """The precision to run a model's forward pass in; losses count in float32 by themselves."""
        return torch.autocast(self.torch_device.type, dtype=torch.bfloat16, enabled=self.half)

    def place(self, model: torch.nn.Module) -> torch.nn.Module:
        """The model on this device, laid out channels-last: convolutions are faster so on both kinds of device."""
        return model.to(self.torch_device, memory_format=torch.channels_last)  # type: ignore[call-overload]

    @property
    def works_beside(self) -> bool:
        """It works while the processor goes on: to look at a number there is to wait for all work before it."""
        return self.torch_device.type != "cpu"

    def ready(self, values: NDArray) -> Tensor:
        """An array as a tensor that `send` copies without anybody waiting: in pinned memory where there is a GPU."""
        tensor = torch.from_numpy(values)
        return tensor.pin_memory() if self.works_beside else tensor

    def send(self, values: Tensor) -> Tensor:
        """A tensor on this device; the copy runs beside the work where it can."""
        return values.to(self.torch_device, non_blocking=True)

    def free_memory(self) -> None:
        """Give back what torch keeps of the device's memory for later."""
        if self.works_beside:
            torch.cuda.empty_cache()

    @contextmanager
    def random_from(self, *key: int) -> Iterator[None]:
        """Random numbers, of dropout and the like, that follow from the key; the caller's go on as before."""
        seed = int(np.random.SeedSequence(key).generate_state(1, np.uint64)[0])
        with torch.random.fork_rng([self.torch_device] if self.works_beside else []):
            torch.default_generator.manual_seed(seed)
            if self.works_beside:
                torch.cuda.manual_seed(seed)
            yield


def pick_device(wanted: str = "auto") -> ComputeDevice:
    """The device for `auto`, `cpu` or `cuda`. `auto` takes a CUDA device that works, else the CPU, and says why not.

    Raises DeviceError where `cuda` is asked for and cannot be used.
    """
    if wanted == "cpu":
        return _cpu("")
    trouble = _cuda_trouble()
    if not trouble:
        return ComputeDevice(torch.device("cuda"), half=torch.cuda.is_bf16_supported())
    if wanted == "cuda":
        raise DeviceError(f"CUDA cannot be used: {trouble}", remedy="choose device auto or cpu, or mend the driver")
    return _cpu("" if not torch.backends.cuda.is_built() or trouble == NO_CUDA else f"on the CPU: {trouble}")


NO_CUDA = "this machine has no CUDA device"


def _cuda_trouble() -> str:
    """Why CUDA cannot be used, or an empty text. A device that is seen but does not compute is trouble too."""
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        seen = torch.cuda.is_available()
    if not seen:
        return str(heard[0].message).splitlines()[0] if heard else NO_CUDA
    try:
        torch.ones(8, device="cuda").sum().item()
    except RuntimeError as error:
        return str(error).splitlines()[0]
    return ""


def _cpu(remark: str) -> ComputeDevice:
    return ComputeDevice(torch.device("cpu"), half=_cpu_has_bf16(), remark=remark)


@contextmanager
def memory_told(what: str, remedy: str) -> Iterator[None]:
    """Where the memory of the device or of the machine does not suffice for `what`, raise OutOfMemory."""
    try:
        yield
    except Exception as error:
        if is_out_of_memory(error):
            raise OutOfMemory(f"there is not enough memory for {what}", remedy=remedy) from error
        raise


def is_out_of_memory(error: Exception) -> bool:
    """The error says that the memory of the device or of the machine did not suffice."""
    # On the processor torch has no type of its own for it.
    on_processor = isinstance(error, RuntimeError) and "can't allocate memory" in str(error)
    return on_processor or isinstance(error, torch.OutOfMemoryError | MemoryError)


@contextmanager
def fitting_threads(model: torch.nn.Module, config: RunConfig, compute: ComputeDevice) -> Iterator[None]:
    """As many processor threads as the work of a training step keeps busy; afterwards as many as before.

    The steps of a small net are so short that threads wait for each other longer than they help, above all beside
    other programs.
    """
    on_processor = compute.torch_device.type == "cpu"
    work = _flops(model, config.image_size) * config.batch_size if on_processor else 0
    with threads_for(work, compute):
        yield


@contextmanager
def threads_for(work: float, compute: ComputeDevice) -> Iterator[None]:
    """As `fitting_threads`. work: floating-point operations of a step's forward pass."""
    before = torch.get_num_threads()
    if compute.torch_device.type == "cpu":
        torch.set_num_threads(max(1, min(before, round(work / FLOPS_PER_THREAD))))
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _flops(model: torch.nn.Module, size: int) -> int:
    """Floating-point operations of a forward pass of one picture; leaves the model in evaluation mode."""
    model.eval()
    with torch.inference_mode(), FlopCounterMode(display=False) as counter:
        model(torch.zeros(1, 3, size, size))
    return counter.get_total_flops()


@cache
def _cpu_has_bf16() -> bool:
    """The processor multiplies bfloat16 in hardware; without it autocast is slower than float32."""
    try:
        flags = set(Path("/proc/cpuinfo").read_text(encoding="utf-8").split())
    except OSError:
        return False
    return bool(flags & {"avx512_bf16", "amx_bf16"})
