"""Nets of other libraries as trunks: which of their maps are the stages, at what size, in what colours."""

from abc import abstractmethod
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from hmgc_core.errors import BadConfig
from hmgc_core.models.backbones.colours import Colours
from hmgc_core.models.base import Trunk

STAGES = 4
# A side that differs from the picture's by less than any net's stride: who takes both takes every side.
ODD_STEP = 8
# Nets that normalise each picture by itself, transformers and ConvNeXt, are published with AdamW.
NORMS_OF_ADAMW = ("layernorm", "rmsnorm", "groupnorm1")


class BorrowedTrunk(Trunk):
    """A net that can be asked for its maps; subclasses say how.

    name: as people write it. reductions: by how much each of the net's maps is smaller than the picture. any_side: it
    may take pictures of every size; others see each picture stretched to `image_size`, which views in training need.
    Raises BadConfig where the net gives no maps, or none for pictures of this size.
    """

    def __init__(
        self, name: str, net: nn.Module, *, reductions: Sequence[int], image_size: int, colours: Colours, any_side: bool
    ) -> None:
        super().__init__()
        self.name, self.net, self.colours = name, net, colours
        self.taken = stage_places(reductions)
        whole = set(net.state_dict())
        self._prune()
        norms = {type(module).__name__.casefold() for module in net.modules()}
        self.needs_adamw = any(norm.startswith(NORMS_OF_ADAMW) for norm in norms)
        self.left_out = frozenset(whole - set(net.state_dict()))
        self.side: int | None = None
        self.stage_channels = tuple(one.shape[1] for one in self._try(image_size))
        self.channels = self.stage_channels[-1]
        if not (any_side and self._takes(image_size - ODD_STEP)):
            self.side = image_size

    def stages(self, images: Tensor) -> list[Tensor]:
        """(B, 3, H, W) to the maps of up to four stages."""
        images = self.colours(images)
        if self.side and images.shape[2:] != (self.side, self.side):
            images = F.interpolate(images, size=(self.side, self.side), mode="bilinear")
        return self._maps(images)

    def adopt(self, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
        """The library's own names, without what stands behind the last map."""
        if any(name.startswith("net.") for name in tensors):
            return tensors
        return {f"net.{name}": tensor for name, tensor in tensors.items() if name not in self.left_out}

    @abstractmethod
    def fetch(self, weights: str) -> dict[str, Tensor]:
        """The published weights of this name. Raises WeightsError where there are none, or no way to them."""

    @abstractmethod
    def _maps(self, images: Tensor) -> list[Tensor]:
        """The net's maps at the places `taken`, (B, C, h, w) each."""

    @abstractmethod
    def _prune(self) -> None:
        """Throw away what the maps at the places `taken` do not need."""

    def _cut(self, count: int) -> None:
        self.taken = self.taken[:count]
        self._prune()

    @torch.no_grad()
    def _try(self, side: int) -> list[Tensor]:
        """The maps of a black picture. Raises BadConfig where it does not come through, or is no map then."""
        device = next(self.net.parameters()).device
        self.eval()
        try:
            maps = self.stages(torch.zeros(1, 3, side, side, device=device))
        except (AttributeError, NotImplementedError) as error:
            raise no_map(self.name) from error
        except (AssertionError, IndexError, RuntimeError, ValueError) as error:
            raise BadConfig(
                f"{self.name} cannot take pictures of {side} px: {error}",
                remedy="choose the picture size it was made for, often in its name, or another backbone",
            ) from error
        finally:
            self.train()
        if not all(one.ndim == 4 for one in maps):
            raise no_map(self.name)
        return maps

    def _takes(self, side: int) -> bool:
        try:
            return bool(self._try(side))
        except BadConfig:
            return False


def stage_places(reductions: Sequence[int]) -> tuple[int, ...]:
    """Which of a net's maps are its stages: the last one of each of its four smallest sizes, where it has so many;
    else four at equal distances, as of a transformer whose maps all have one size.
    """
    last = {reduction: place for place, reduction in enumerate(reductions)}
    if len(reductions) <= STAGES:
        return tuple(range(len(reductions)))
    if len(last) >= STAGES:
        return tuple(sorted(last.values()))[-STAGES:]
    return tuple((number + 1) * len(reductions) // STAGES - 1 for number in range(STAGES))


def no_map(name: str) -> BadConfig:
    """The error for a net that cannot be a trunk."""
    return BadConfig(
        f"{name} gives no feature map",
        remedy="convolutional nets and transformers over square patches can serve: "
        "timm:convnext_tiny, timm:vit_tiny_patch16_224, clip:RN50",
    )
