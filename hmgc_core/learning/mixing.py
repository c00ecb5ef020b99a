"""Two pictures in one, learned as both: however few labels there are, a step sees mixtures that it never saw before."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from hmgc_core.records import Targets


@dataclass(frozen=True)
class Mix:
    """How a batch is mixed with itself. partners: (B,) int, the other picture of each. share: of the first, in [0, 1].

    box: (top, bottom, left, right) in pixels of what comes from the other picture; None where all pixels are mixed.
    """

    partners: Tensor
    share: float
    box: tuple[int, int, int, int] | None

    @classmethod
    def drawn(cls, count: int, side: int, kind: str) -> "Mix":
        """From torch's random numbers. kind: `cutmix` (Yun et al., ICCV 2019) or `mixup` (Zhang et al., ICLR 2018).

        The share is uniform for cutmix, and for mixup of Beta(0.2, 0.2), as their authors choose for photos.
        """
        partners = torch.randperm(count)
        draw = np.random.default_rng(int(torch.randint(2**31, ())))
        if kind == "mixup":
            share = float(draw.beta(0.2, 0.2))
            return cls(partners, max(share, 1 - share), None)
        cut = np.sqrt(1 - draw.uniform())
        middle = draw.uniform(0, side, 2)
        top, left = (max(0, round(place - cut * side / 2)) for place in middle)
        bottom, right = (min(side, round(place + cut * side / 2)) for place in middle)
        return cls(partners, 1 - (bottom - top) * (right - left) / side**2, (top, bottom, left, right))

    def pictures(self, views: Tensor) -> Tensor:
        """(B, 3, S, S) views as mixtures, a new tensor."""
        others = views[self.partners.to(views.device)]
        if self.box is None:
            return torch.lerp(others, views, self.share)
        top, bottom, left, right = self.box
        mixed = views.clone()
        mixed[:, :, top:bottom, left:right] = others[:, :, top:bottom, left:right]
        return mixed

    def others(self, targets: Targets) -> Targets:
        """The targets of the other pictures."""
        partners = self.partners.to(targets.nodes.device)
        return Targets(targets.nodes[partners], targets.kinds[partners], targets.weights[partners])
