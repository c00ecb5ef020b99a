"""How pictures come to a trunk, and how a net that was trained on other values gets those."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

# Mean and spread per channel of ImageNet photos in [0, 1]: every picture is normalised by these, once.
MEAN = (0.485, 0.456, 0.406)
SPREAD = (0.229, 0.224, 0.225)


class Colours(nn.Module):
    """Pictures normalised by MEAN and SPREAD to pictures normalised by another mean and spread.

    Both are kept among the weights, so that a trunk whose published weights bring their own stays right.
    """

    scale: Tensor
    shift: Tensor

    def __init__(self, mean: Sequence[float], spread: Sequence[float]) -> None:
        super().__init__()
        self.register_buffer("scale", torch.ones(3))
        self.register_buffer("shift", torch.zeros(3))
        self.expect(mean, spread)

    def expect(self, mean: Sequence[float], spread: Sequence[float]) -> None:
        """From now on give pictures of this mean and spread, three values each, of pictures in [0, 1]."""
        ours, theirs = (torch.tensor(values, dtype=torch.float64) for values in (SPREAD, spread))
        self.scale.copy_(ours / theirs)
        self.shift.copy_((torch.tensor(MEAN, dtype=torch.float64) - torch.tensor(mean, dtype=torch.float64)) / theirs)

    def forward(self, images: Tensor) -> Tensor:
        """(B, 3, H, W) to the same in the other values."""
        return images * self.scale.view(1, 3, 1, 1) + self.shift.view(1, 3, 1, 1)
