"""`timm:NAME`: any net of timm that gives feature maps. Weight names are timm's, below `net.`"""

from typing import Any

import timm
from torch import Tensor, nn

from hmgc_core.errors import BadConfig, UnknownModel, WeightsError, nearest_names
from hmgc_core.models.backbones.borrowed import BorrowedTrunk, no_map
from hmgc_core.models.backbones.colours import Colours


class TimmTrunk(BorrowedTrunk):
    """A timm net up to its last map; transformers' maps are their patches after the last norm."""

    net: Any

    def __init__(self, name: str, net: Any, image_size: int) -> None:
        settings, maps = net.pretrained_cfg, net.feature_info
        self._norms = True
        super().__init__(
            f"timm:{name}",
            net,
            reductions=[one["reduction"] for one in maps],
            image_size=image_size,
            colours=Colours(settings["mean"], settings["std"]),
            any_side=not settings.get("fixed_input_size", False),
        )
        self._timm_name, self._image_size = name, image_size

    def earlier_layers(self) -> list[tuple[nn.Module, int]]:
        """The modules that timm names as the places of the maps before the last, where the net has them."""
        there = dict(self.net.named_modules())
        names = [self.net.feature_info[place]["module"] for place in self.taken[:-1]]
        return [(there[name], width) for name, width in zip(names, self.stage_channels, strict=False) if name in there]

    def fetch(self, weights: str) -> dict[str, Tensor]:
        """timm's weights for the net's name; a tag after a point in it chooses among several."""
        if not timm.is_model_pretrained(self._timm_name):
            raise WeightsError(f"timm has no weights for {self.name}", remedy="leave it blank, or give a file")
        try:
            net = _create(self._timm_name, self._image_size, pretrained=True)
        except Exception as error:  # the hub's client raises a dozen types, of several packages
            raise WeightsError(
                f"the weights {weights!r} of {self.name} could not be fetched: {error}",
                remedy="fetch them on a connected machine and give the file's path as the weights file",
            ) from error
        return dict(net.state_dict())

    def adopt(self, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
        """timm's own names, without the classifier, wherever that is, and what stands behind the last map."""
        classifier = self.net.pretrained_cfg.get("classifier") or ()
        heads = tuple(f"{head}." for head in ((classifier,) if isinstance(classifier, str) else classifier))
        return super().adopt({name: tensor for name, tensor in tensors.items() if not name.startswith(heads)})

    def _maps(self, images: Tensor) -> list[Tensor]:
        maps: list[Tensor] = self.net.forward_intermediates(
            images, indices=list(self.taken), norm=self._norms, intermediates_only=True, output_fmt="NCHW"
        )
        return maps

    def _try(self, side: int) -> list[Tensor]:
        try:
            return super()._try(side)
        except BadConfig as error:
            if not (self._norms and isinstance(error.__cause__, AssertionError)):
                raise
            self._norms = False  # some nets refuse to be asked for it
            return super()._try(side)

    def _prune(self) -> None:
        self.net.prune_intermediate_layers(list(self.taken), prune_norm=False, prune_head=True)


def timm_net(name: str, image_size: int) -> TimmTrunk:
    """The trunk of `timm:name`, with random weights.

    Raises UnknownModel where timm has no such net, BadConfig where it gives no map for pictures of this size.
    """
    _check_name(name)
    try:
        net = _create(name, image_size, pretrained=False)
    except (AssertionError, RuntimeError, ValueError) as error:
        raise BadConfig(
            f"timm:{name} cannot be made for pictures of {image_size} px: {error}",
            remedy="choose the picture size it was made for, often in its name, or another backbone",
        ) from error
    if not hasattr(net, "forward_intermediates") or not getattr(net, "feature_info", None):
        raise no_map(f"timm:{name}")
    return TimmTrunk(name, net, image_size)


def _check_name(name: str) -> None:
    base, _, tag = name.partition(".")
    known = timm.list_models() if not timm.is_model(base) else timm.list_models(f"{base}.*", pretrained=True)
    if not timm.is_model(base) or (tag and name not in known):
        nearest = ", ".join(f"timm:{one}" for one in nearest_names(name, known))
        raise UnknownModel(f"timm has no net {name!r}", remedy=f"choose one of {nearest or f'timm:{base}'}")


def _create(name: str, image_size: int, *, pretrained: bool) -> nn.Module:
    """The net without its classifier; for this picture size where it is made for one."""
    try:
        return timm.create_model(name, pretrained=pretrained, num_classes=0, img_size=image_size)
    except TypeError:  # convolutional nets know no size
        return timm.create_model(name, pretrained=pretrained, num_classes=0)
