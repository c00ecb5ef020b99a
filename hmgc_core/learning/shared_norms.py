"""BatchNorm over a batch that several processes learn: mean and variance are those of the whole batch."""

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from hmgc_core.precision import full_precision

EXACT = (nn.BatchNorm1d, nn.BatchNorm2d)


def share_norms(model: nn.Module, device: torch.device) -> int:
    """Turn the model's BatchNorms, in place, into shared ones. Returns how many of other kinds stay as they are.

    Names, weights and statistics stay too, so checkpoints do not tell how many processes learned.
    """
    shared = _SharedOnProcessors if device.type == "cpu" else _SharedOnGpus
    own = 0
    for module in model.modules():
        if type(module) in EXACT:
            module.__class__ = shared  # the class alone: whoever holds the layer goes on holding it
            module.process_group = None  # type: ignore[assignment]
        own += isinstance(module, _BatchNorm) and not isinstance(module, shared)
    return own


class _SharedOnGpus(nn.SyncBatchNorm, nn.BatchNorm2d):
    """PyTorch's own, which is for GPUs; a model that looks for its BatchNorm2d still finds it."""


class _SharedOnProcessors(nn.BatchNorm2d):
    """The same for processors, where PyTorch has none."""

    def _check_input_dim(self, input: Tensor) -> None:
        """It stands for BatchNorm1d too."""

    def forward(self, input: Tensor) -> Tensor:
        """(B, C, ...) to the same shape. Processes may hold unequal numbers of pictures, but none."""
        if not self.training:
            return super().forward(input)
        across = [0, *range(2, input.ndim)]
        values = full_precision(input)
        count = values.new_tensor([values.numel() / values.shape[1]])
        sums = _over_all(torch.cat([values.sum(across), count]))
        count = sums[-1].detach()
        mean = sums[:-1] / count
        centred = values - _beside(values, mean)
        # From centred values: a difference of large sums would lose the variance.
        variance = _over_all(centred.square().sum(across)) / count
        if self.track_running_stats:
            self._follow(mean.detach(), variance.detach() * count / (count - 1))
        result = centred * _beside(values, torch.rsqrt(variance + self.eps))
        if self.affine:
            result = result * _beside(values, self.weight) + _beside(values, self.bias)
        return result.to(input.dtype)

    @torch.no_grad()
    def _follow(self, mean: Tensor, variance: Tensor) -> None:
        """One more step of the running statistics, as BatchNorm takes it."""
        if self.running_mean is None or self.running_var is None or self.num_batches_tracked is None:
            return
        self.num_batches_tracked.add_(1)
        share = 1 / float(self.num_batches_tracked) if self.momentum is None else self.momentum
        self.running_mean.lerp_(mean.to(self.running_mean.dtype), share)
        self.running_var.lerp_(variance.to(self.running_var.dtype), share)


def _over_all(values: Tensor) -> Tensor:
    """The sum over the processes, with its gradient."""
    from torch.distributed.nn.functional import all_reduce  # noqa: PLC0415 - of no use to a single process

    return all_reduce(values)


def _beside(values: Tensor, channels: Tensor) -> Tensor:
    """(C,) in the shape that goes with (B, C, ...)."""
    return channels.view(1, -1, *[1] * (values.ndim - 2))
