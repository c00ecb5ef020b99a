"""Both towers of a CLIP by open_clip: a trunk that reads pictures and texts into one space (Radford et al., ICML 2021).

Built by name with random weights, or filled from a file or from weights that are published under a tag. Read are
CLIP's own two families, the ResNets with attention pooling and the plain vision transformers, with CLIP's own
tokenizer, which needs no network. Networks that open_clip borrows from timm or Hugging Face are not.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

import open_clip
import torch
from open_clip.modified_resnet import ModifiedResNet
from torch import Tensor, nn

from hmgc_core.errors import BadConfig, UnknownModel, WeightsError, nearest_names
from hmgc_core.given_paths import given_path
from hmgc_core.models.backbones.clip_published import TINY, published_weights
from hmgc_core.models.backbones.colours import Colours
from hmgc_core.models.backbones.positions import resized_rows
from hmgc_core.models.backbones.weights import load_backbone_weights
from hmgc_core.models.base import Trunk
from hmgc_core.records import RunConfig

# What may be said of a network of the two families; anything else asks for code that is not here.
PLAIN = {"embed_dim", "vision_cfg", "text_cfg", "quick_gelu"}
PLAIN_VISION = {"image_size", "layers", "width", "head_width", "patch_size", "mlp_ratio", "ls_init_value"}
PLAIN_TEXT = {"context_length", "vocab_size", "width", "heads", "layers", "mlp_ratio", "ls_init_value"}


class ClipTowers(Trunk):
    """Both towers of a CLIP. Pictures: (B, 3, H, W) of any size to a map, and by `pool` to CLIP's embedding, (B, E).

    The map of a ResNet is its last one. That of a transformer is what goes into its last block, on which the patches
    still act: the C channels of each patch, then the C of the class token, the same at every place; so `pool` can
    finish the picture from the map alone. Positions learned for other picture sizes are resized (bicubic).

    `looked_at` sees the map's own part only: that is where a heatmap looks.
    With loaded weights BatchNorm's statistics stay frozen in training, as in HGR-Net.
    """

    def __init__(self, clip: open_clip.CLIP) -> None:
        super().__init__()
        self.clip = clip
        self.looked_at = nn.Identity()
        self.is_resnet = isinstance(clip.visual, ModifiedResNet)
        width = clip.visual.attnpool.c_proj.in_features if self.is_resnet else 2 * clip.visual.conv1.out_channels
        self.channels, self.stage_channels = width, (width,)
        self.colours = Colours(open_clip.OPENAI_DATASET_MEAN, open_clip.OPENAI_DATASET_STD)

    @property
    def vector_channels(self) -> int:
        """E, the width of the space that pictures and texts share."""
        return int(self.clip.visual.output_dim)

    def train(self, mode: bool = True) -> Self:
        """As of any module, but BatchNorm's statistics stay as they were loaded."""
        super().train(mode)
        for module in self.modules():
            if isinstance(module, nn.BatchNorm2d) and self.pretrained:
                module.eval()
        return self

    def stages(self, images: Tensor) -> list[Tensor]:
        """(B, 3, H, W) to the one map, (B, channels, h, w)."""
        images = self.colours(images)
        visual = self.clip.visual
        if not self.is_resnet:
            return [self._tokens_as_map(images)]
        features = visual.stem(images)
        for layer in (visual.layer1, visual.layer2, visual.layer3, visual.layer4):
            features = layer(features)
        return [self.looked_at(features)]

    def earlier_layers(self) -> list[tuple[nn.Module, int]]:
        """A ResNet's stages before the last; of a transformer the blocks at a quarter, half and three quarters."""
        visual = self.clip.visual
        if self.is_resnet:
            return [(visual.get_submodule(f"layer{stage}"), self.channels // 2 ** (4 - stage)) for stage in (1, 2, 3)]
        # The last block comes after the map, and the one before it makes the map.
        blocks = list(visual.transformer.resblocks[:-2])
        places = sorted({len(blocks) * quarter // 4 for quarter in (1, 2, 3)}) if blocks else []
        return [(blocks[place], self.channels // 2) for place in places]

    def _cut(self, count: int) -> None:
        """There is one stage, so nothing to cut."""

    def adopt(self, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
        """open_clip's names of a whole CLIP; a checkpoint of ours has our names, and says which colours it expects."""
        if any(name.startswith("clip.") for name in tensors):
            return tensors
        colours = {f"colours.{name}": value for name, value in self.colours.state_dict().items()}
        return {**colours, **{f"clip.{name}": value for name, value in tensors.items()}}

    def _tokens_as_map(self, images: Tensor) -> Tensor:
        visual = self.clip.visual
        patches = visual.conv1(images)
        height, width = patches.shape[-2:]
        patches = patches.flatten(2).transpose(1, 2)
        tokens = torch.cat([visual.class_embedding.expand(len(patches), 1, -1), patches], 1)
        tokens = visual.ln_pre(tokens + resized_rows(visual.positional_embedding, height, width))
        for block in visual.transformer.resblocks[:-1]:
            tokens = block(tokens)
        places = tokens[:, 1:].transpose(1, 2).unflatten(2, (height, width))
        return torch.cat([self.looked_at(places), tokens[:, 0, :, None, None].expand_as(places)], 1)

    def pool(self, features: Tensor) -> Tensor:
        """(B, channels, h, w) to CLIP's embedding of the picture, (B, E), not normalised."""
        visual = self.clip.visual
        if self.is_resnet:
            positions = resized_rows(visual.attnpool.positional_embedding, *features.shape[-2:])
            pooled: Tensor = torch.func.functional_call(
                visual.attnpool, {"positional_embedding": positions}, (features,)
            )
            return pooled
        places, token = features.chunk(2, 1)
        tokens = torch.cat([token[:, :, 0, 0, None], places.flatten(2)], 2).transpose(1, 2)
        tokens = visual.transformer.resblocks[-1](tokens)
        return visual.ln_post(tokens[:, 0]) @ visual.proj

    def tokenise(self, texts: Sequence[str]) -> Tensor:
        """(K, T) int tokens, T those of the longest text; what does not fit into CLIP's context is cut off."""
        tokens = open_clip.tokenize(list(texts), context_length=self.clip.context_length)
        return tokens[:, : int(tokens.argmax(1).max()) + 1]  # the end of a text is its largest token

    def embed_texts(self, tokens: Tensor) -> Tensor:
        """(K, T) tokens to CLIP's embeddings of the texts, (K, E), not normalised.

        A token sees only those before it, so leaving out what comes after every end changes nothing.
        """
        clip, length = self.clip, tokens.shape[1]
        hidden = clip.token_embedding(tokens) + clip.positional_embedding[:length]
        hidden = clip.ln_final(clip.transformer(hidden, attn_mask=clip.attn_mask[:length, :length]))
        ends = hidden[torch.arange(len(tokens), device=tokens.device), tokens.argmax(1)]
        return ends @ clip.text_projection

    def text_parameters(self) -> list[nn.Parameter]:
        """All parameters on which `embed_texts` depends."""
        apart = ("visual.", "logit_scale")
        return [parameter for name, parameter in self.clip.named_parameters() if not name.startswith(apart)]


# --- from a name ------------------------------------------------------------------------------------------------------


def build(config: RunConfig) -> ClipTowers:
    """The towers of the backbone `clip:NAME`, with the config's weights if it names some.

    Raises UnknownModel where open_clip has no such model, BadConfig where it cannot be read here or the pictures are
    too small for it, WeightsError where the weights do not fit or cannot be fetched.
    """
    name = config.backbone.removeprefix("clip:")
    architecture = _architecture(name)
    vision = architecture["vision_cfg"]
    smallest = 32 if isinstance(vision["layers"], list) else vision["patch_size"]
    if config.image_size < smallest:
        raise BadConfig(
            f"pictures of {config.image_size} px are too small for {config.backbone}",
            remedy=f"choose at least {smallest} px; it was made for {vision['image_size']} px",
        )
    towers = ClipTowers(open_clip.CLIP(**architecture))
    if config.weights:
        _load_weights(towers, name, config.weights)
    else:
        towers.remarks.append(
            "both towers of CLIP started at random: only for trying out, names meant nothing at first"
        )
    return towers


def _architecture(name: str) -> dict[str, Any]:
    known = {**{listed: open_clip.get_model_config(listed) for listed in open_clip.list_models()}, "tiny": TINY}
    if name not in known:
        nearest = ", ".join(f"'clip:{near}'" for near in nearest_names(name, known))
        raise UnknownModel(f"there is no backbone 'clip:{name}'", remedy=f"choose one of {nearest}")
    readable = {listed: architecture for listed, architecture in known.items() if _is_plain(architecture)}
    if name not in readable:
        nearest = ", ".join(f"'clip:{near}'" for near in nearest_names(name, readable))
        raise BadConfig(
            f"the texts of 'clip:{name}' cannot be read here: its network or tokenizer is not CLIP's own",
            remedy=f"choose a CLIP of OpenAI's kind, such as {nearest}",
        )
    return readable[name]


def _is_plain(architecture: dict[str, Any]) -> bool:
    return (
        architecture.keys() <= PLAIN
        and architecture["vision_cfg"].keys() <= PLAIN_VISION
        and architecture["text_cfg"].keys() <= PLAIN_TEXT
    )


def _load_weights(towers: ClipTowers, name: str, weights: str) -> None:
    """Fill both towers from a file (of open_clip, or a checkpoint of ours), or from what is published as `weights`."""
    path = given_path(weights)
    if not path.is_file():
        published = published_weights(name, weights)
        path = _fetched(published, name, weights)
        towers.colours.expect(published["mean"], published["std"])
    load_backbone_weights(towers, f"clip:{name}", str(path))


def _fetched(published: dict[str, Any], name: str, tag: str) -> Path:
    try:
        return Path(open_clip.download_pretrained(published))
    except Exception as error:  # its two ways of fetching raise a dozen types
        place = published.get("url") or f"https://huggingface.co/{published.get('hf_hub', '')}"
        raise WeightsError(
            f"the weights {tag!r} of clip:{name} could not be fetched from {place}: {type(error).__name__}",
            remedy="download them on a connected machine and give the file's path instead",
        ) from error
