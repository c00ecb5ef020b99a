"""`clip:NAME`: the image tower alone of any open_clip architecture, as a trunk like any other.

Weight names are open_clip's, below `net.`"""

from typing import Any

import open_clip
import torch
from open_clip.model import _build_vision_tower
from open_clip.modified_resnet import ModifiedResNet
from open_clip.timm_model import TimmModel
from torch import Tensor, nn

from hmgc_core.errors import UnknownModel, WeightsError, nearest_names
from hmgc_core.models.backbones.borrowed import BorrowedTrunk, no_map
from hmgc_core.models.backbones.clip_published import TINY, published_weights
from hmgc_core.models.backbones.colours import Colours
from hmgc_core.models.backbones.positions import resized_rows

VISUAL = "visual."
OF_BOTH = "clip.visual."  # in a checkpoint of a model that has both towers


class ClipTrunk(BorrowedTrunk):
    """An image tower up to its last map: of a ResNet its last stage, of a transformer the patches after the last norm.

    `pool` of a ResNet is the tower's own image embedding; of others the mean, as theirs is not made from the map.
    """

    net: Any

    def __init__(self, name: str, tower: nn.Module, image_size: int) -> None:
        reductions = _reductions(tower)
        self._is_resnet = isinstance(tower, ModifiedResNet)
        super().__init__(
            f"clip:{name}",
            tower,
            reductions=reductions,
            image_size=image_size,
            colours=Colours(open_clip.OPENAI_DATASET_MEAN, open_clip.OPENAI_DATASET_STD),
            any_side=self._is_resnet,
        )
        self._clip_name = name

    @property
    def vector_channels(self) -> int:
        """The length of CLIP's image embeddings for a ResNet, else the channels of the map."""
        attention = self.net.attnpool if self._is_resnet else None
        return int(attention.c_proj.out_features) if attention is not None else self.channels

    def pool(self, features: Tensor) -> Tensor:
        """The last map to CLIP's image embedding, not normalised, or to its mean."""
        attention = self.net.attnpool if self._is_resnet else None
        if attention is None:
            return features.mean((2, 3))
        table = {"positional_embedding": resized_rows(attention.positional_embedding, *features.shape[2:])}
        vectors: Tensor = torch.func.functional_call(attention, table, (features,))
        return vectors

    def earlier_layers(self) -> list[tuple[nn.Module, int]]:
        """The stages of a ResNet, or the blocks of a transformer, whose maps come before the last; of others none."""
        if isinstance(self.net, TimmModel):
            return []
        widths = zip(self.taken[:-1], self.stage_channels, strict=False)
        name = "layer{}" if self._is_resnet else "transformer.resblocks.{}"
        return [(self.net.get_submodule(name.format(place)), width) for place, width in widths]

    def adopt(self, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
        """open_clip's names of the tower or, less the text tower, of a whole CLIP; or our names of both towers."""
        ours = {name.removeprefix(OF_BOTH): one for name, one in tensors.items() if name.startswith(OF_BOTH)}
        if ours:
            colours = {name: one for name, one in tensors.items() if name.startswith("colours.")}
            return {**super().adopt(ours), **colours}
        inside = {name.removeprefix(VISUAL): one for name, one in tensors.items() if name.startswith(VISUAL)}
        return super().adopt(inside or tensors)

    def fetch(self, weights: str) -> dict[str, Tensor]:
        """open_clip's weights of this tag, and the colours they were trained on."""
        published = published_weights(self._clip_name, weights)
        try:
            tower = open_clip.create_model(self._clip_name, pretrained=weights).visual
        except Exception as error:  # the hub's client raises a dozen types, of several packages
            raise WeightsError(
                f"the weights {weights!r} of {self.name} could not be fetched: {error}",
                remedy="fetch them on a connected machine and give the file's path as the weights file",
            ) from error
        colours = Colours(published.get("mean") or tower.image_mean, published.get("std") or tower.image_std)
        tensors = super().adopt(tower.state_dict())
        return {**tensors, **{f"colours.{name}": one for name, one in colours.state_dict().items()}}

    def _maps(self, images: Tensor) -> list[Tensor]:
        maps: list[Tensor] = self.net.forward_intermediates(
            images, indices=list(self.taken), normalize_intermediates=True, intermediates_only=True
        )["image_intermediates"]
        return maps

    def _prune(self) -> None:
        last, net = self.taken[-1], self.net
        if isinstance(net, ModifiedResNet):
            for number in range(last + 1, 5):
                setattr(net, f"layer{number}", nn.Identity())
            net.attnpool = net.attnpool if last == 4 else None
        elif isinstance(net, TimmModel):
            net.trunk.prune_intermediate_layers(list(self.taken), prune_norm=False, prune_head=True)
            net.head = nn.Identity()
        else:
            net.transformer.resblocks = net.transformer.resblocks[: last + 1]
            net.proj = None


def image_tower(name: str, image_size: int) -> ClipTrunk:
    """The trunk of `clip:name`, with random weights.

    Raises UnknownModel where open_clip has no such architecture, BadConfig where its tower gives no map.
    """
    settings = TINY if name == "tiny" else open_clip.get_model_config(name)
    if settings is None:
        nearest = ", ".join(f"clip:{one}" for one in nearest_names(name, [*open_clip.list_models(), "tiny"]))
        raise UnknownModel(f"open_clip has no architecture {name!r}", remedy=f"choose one of {nearest}")
    vision = {**settings["vision_cfg"], "timm_model_pretrained": False}
    if not isinstance(vision.get("layers"), list):  # a ResNet has four numbers there, and takes every size
        vision["image_size"] = image_size
    # open_clip's public function would also make the text tower, which may be larger, and be fetched from a hub.
    tower = _build_vision_tower(settings["embed_dim"], vision, quick_gelu=settings.get("quick_gelu", False))
    if not hasattr(tower, "forward_intermediates"):
        raise no_map(f"clip:{name}")
    return ClipTrunk(name, tower, image_size)


def _reductions(tower: Any) -> list[int]:
    """By how much each of the tower's maps is smaller than the picture."""
    if isinstance(tower, ModifiedResNet):
        return [4, 4, 8, 16, 32]
    if isinstance(tower, TimmModel):
        return [one["reduction"] for one in tower.trunk.feature_info]
    return [tower.patch_size[0]] * len(tower.transformer.resblocks)
