"""Work in blocks, and how much can be worked on at all: the memory of a device."""

import math
import os
from collections.abc import Iterator

import torch
from torch import Tensor

NUMBERS = {"cpu": 2**20, "other": 2**24}  # in one block: it stays in a processor's cache, it keeps a GPU busy


def block_numbers(values: Tensor) -> int:
    """How many numbers make one block where these values are."""
    return NUMBERS["cpu" if values.device.type == "cpu" else "other"]


def slices(total: int, size: int) -> Iterator[slice]:
    """Slices of `size`, at least 1, from 0 to `total`; the last may be shorter."""
    size = max(1, size)
    return (slice(start, min(total, start + size)) for start in range(0, total, size))


def device_memory(device: torch.device) -> float:
    """Bytes that a device has in all, used or not; infinity where nobody can say."""
    if device.type == "cuda":
        return float(torch.cuda.get_device_properties(device).total_memory)
    if device.type == "cpu" and hasattr(os, "sysconf"):
        return float(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    return math.inf
