"""For numbers that half precision would spoil: counted in float32 at least, whatever autocast asks for."""

from contextlib import AbstractContextManager, nullcontext

import torch
from torch import Tensor


def full_precision(values: Tensor) -> Tensor:
    """Half precisions as float32; float32 and float64 as they are, not copied."""
    if values.dtype in (torch.float32, torch.float64):
        return values
    return values.to(torch.promote_types(values.dtype, torch.float32))


def is_halved(device: torch.device) -> bool:
    """Whether autocast is on for this kind of device."""
    return torch.amp.is_autocast_available(device.type) and torch.is_autocast_enabled(device.type)


def for_products(values: Tensor) -> Tensor:
    """What several matrix products share, cast once: autocast would make, and keep, a copy for each."""
    kind = values.device.type
    return values.to(torch.get_autocast_dtype(kind)) if is_halved(values.device) else values


def without_autocast(device: torch.device) -> AbstractContextManager:
    """While it is open, products are of the precision of their factors.

    bfloat16 keeps three digits: too few for a cosine times 100, or to tell near neighbours apart.
    """
    kind = device.type
    return torch.autocast(kind, enabled=False) if torch.amp.is_autocast_available(kind) else nullcontext()
