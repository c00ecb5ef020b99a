"""The models and backbones by name. Plain dicts of "module:function"; torch is imported when a model is built."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from hmgc_core.errors import BadConfig, UnknownModel, nearest_names
from hmgc_core.models.given_weights import weights_file
from hmgc_core.models.options import chosen_options, options_of
from hmgc_core.recipes import switches_of

if TYPE_CHECKING:
    from hmgc_core.models.base import HierarchicalModel, Trunk
    from hmgc_core.records import RunConfig
    from hmgc_core.taxonomy import Taxonomy

# name -> function(taxonomy, trunk, config) that gives the model
MODELS = {
    "flat": "hmgc_core.models.flat:build",
    "ps": "hmgc_core.models.ps:build",
    "per_level": "hmgc_core.models.per_level:build",
    "soft_margin": "hmgc_core.models.soft_margin:build",
    "hrn": "hmgc_core.models.hrn:build",
    "hrn_logits": "hmgc_core.models.hrn:build_with_logits",
    "coarse_fine": "hmgc_core.models.coarse_fine:build",
    "hmgn": "hmgc_core.models.hmgn:build",
    "hgrnet": "hmgc_core.models.hgrnet:build",
    "clip_zero_shot": "hmgc_core.models.clip_zero_shot:build",
}

# These read the names of classes, so their backbone is a CLIP.
READING_NAMES = frozenset({"hgrnet", "clip_zero_shot"})
# These have nothing to learn, so they need no label: they are measured, and predict.
READY_MADE = frozenset({"clip_zero_shot"})

# These cannot learn their head alone, and why. The head of all others reads one vector a picture.
NO_HEAD = {
    "coarse_fine": "its levels read whole maps of several layers",
    "hmgn": "it looks for every class in its own place of the map",
    "hgrnet": "it learns how to read names and pictures, and there is no head behind that",
    "clip_zero_shot": "it learns nothing",
}

# The heads of these read a vector of every level, which layers of their own make.
READS_LEVELS = frozenset({"hrn", "hrn_logits"})

# name -> function(image_size, options) that gives the trunk; options: those of models.options, each with its value
BACKBONES = {
    "resnet18": "hmgc_core.models.backbones.torchvision_nets:resnet18",
    "resnet34": "hmgc_core.models.backbones.torchvision_nets:resnet34",
    "resnet50": "hmgc_core.models.backbones.torchvision_nets:resnet50",
    "wide_resnet50_2": "hmgc_core.models.backbones.torchvision_nets:wide_resnet50_2",
    "resnet_mini": "hmgc_core.models.backbones.resnet_mini:resnet_mini",
    "graphconvnet_ti": "hmgc_core.models.backbones.graph_nets:graphconvnet_ti",
    "graphconvnet_s": "hmgc_core.models.backbones.graph_nets:graphconvnet_s",
    "pyramid_graphconvnet_ti": "hmgc_core.models.backbones.graph_nets:pyramid_graphconvnet_ti",
    "pyramid_graphconvnet_s": "hmgc_core.models.backbones.graph_nets:pyramid_graphconvnet_s",
    "vig_ti": "hmgc_core.models.backbones.graph_nets:vig_ti",
    "vig_s": "hmgc_core.models.backbones.graph_nets:vig_s",
    "pyramid_vig_ti": "hmgc_core.models.backbones.graph_nets:pyramid_vig_ti",
    "pyramid_vig_s": "hmgc_core.models.backbones.graph_nets:pyramid_vig_s",
}

# `family:name` stands for any net of that library -> function(name, image_size) that gives the trunk
FAMILIES = {
    "timm": "hmgc_core.models.backbones.timm_nets:timm_net",
    "clip": "hmgc_core.models.backbones.clip_image_tower:image_tower",
}

GRAPH_NETS = frozenset(name for name, place in BACKBONES.items() if ".graph_nets:" in place)
SMALLEST_GRAPH_SIDE = 32


def build_model(name: str, taxonomy: Taxonomy, config: RunConfig) -> HierarchicalModel:
    """The model `name` for this tree, on the backbone and with the weights the config names; on the CPU, to train.

    Raises UnknownModel for an unknown model or backbone, BadConfig where the config asks for another model or the
    backbone cannot serve, WeightsError where the weights do not fit or cannot be fetched.
    """
    if name != config.model:
        raise BadConfig(f"the config is for {config.model!r}, not {name!r}", remedy="use the config's own model name")
    check(config, taxonomy)
    model: HierarchicalModel = _load(MODELS[name])(taxonomy, build_backbone(config), config)
    return model


def build_backbone(config: RunConfig) -> Trunk:
    """The config's trunk, filled with its weights if it names some. Raises what `build_model` raises for a backbone."""
    if config.model in READING_NAMES:
        towers: Trunk = _load("hmgc_core.models.backbones.clip_both_towers:build")(config)
        return towers
    family, _, name = config.backbone.partition(":")
    trunk: Trunk
    if name:
        trunk = _load(FAMILIES[family])(name, config.image_size)
    else:
        trunk = _load(BACKBONES[config.backbone])(config.image_size, chosen_options(config))
    if config.weights:
        from hmgc_core.models.backbones.weights import load_backbone_weights  # noqa: PLC0415 - imports torch

        load_backbone_weights(trunk, config.backbone, config.weights)
    return trunk


def check(config: RunConfig, taxonomy: Taxonomy) -> None:
    """Raise what `build_model` would, as far as it can be known at once: without torch, and without reading a file."""
    check_names(config.model, config.backbone)
    chosen_options(config)
    switches_of(config)
    if config.weights:
        weights_file(config.backbone, config.weights)
    if config.backbone in GRAPH_NETS and config.image_size < SMALLEST_GRAPH_SIDE:
        raise BadConfig(
            f"pictures of {config.image_size} px leave graphs no cells to connect",
            remedy=f"choose an image size of at least {SMALLEST_GRAPH_SIDE}; the published nets see 224",
        )
    names = [taxonomy.name(node) for node in range(1, len(taxonomy))]
    if config.model in READING_NAMES and not any(letter.isalpha() for name in names for letter in name):
        raise BadConfig(
            f"{config.model} reads the names of the classes, and these have none: {', '.join(map(repr, names[:3]))}",
            remedy="give the classes names on the taxonomy page, or choose another model",
        )


def check_head(config: RunConfig, start: RunConfig) -> None:
    """Raise BadConfig where the config's head cannot learn alone on what a model of `start` sees in pictures."""
    if config.model in NO_HEAD:
        others = ", ".join(name for name in MODELS if name not in NO_HEAD)
        raise BadConfig(
            f"{config.model} cannot learn its head alone: {NO_HEAD[config.model]}",
            remedy=f"train all of it, or choose one of {others}",
        )
    if config.weights:
        raise BadConfig(
            "a head learns on the weights of the run it starts from, and a weights file is given",
            remedy="leave the weights file out, or train all of it",
        )
    if start.model in READING_NAMES:
        raise BadConfig(f"no head reads what {start.model} sees", remedy="start from a run of another model")
    if config.model in READS_LEVELS and start.model not in READS_LEVELS:
        raise BadConfig(
            f"{config.model} has layers for each level that {start.model} has not",
            remedy=f"start from a run of {' or '.join(sorted(READS_LEVELS))}, or train all of it",
        )
    names = {option.name for option in options_of("", start.backbone)}
    wanted, there = (
        (one.backbone, one.image_size, {name: chosen_options(one)[name] for name in names & set(chosen_options(one))})
        for one in (config, start)
    )
    if wanted != there:
        raise BadConfig(
            f"the run to start from is on {start.backbone} with pictures of {start.image_size} px, and this one is to "
            f"be on {config.backbone} with {config.image_size} px",
            remedy="leave backbone, its options and the picture size out: they follow from the run to start from",
        )


def check_names(model: str, backbone: str) -> None:
    """Raise UnknownModel with all names, the nearest first, if the catalog has no such model or backbone.

    Of `timm:` and `clip:` only the family is looked at here; the name behind it when the net is built. Raises BadConfig
    where a model that reads names gets a backbone that does not.
    """
    if model in READING_NAMES and not backbone.startswith("clip:"):
        raise BadConfig(
            f"{model} reads the names of the classes, which {backbone!r} cannot",
            remedy="choose a CLIP: clip:RN50-quickgelu, clip:ViT-B-32-quickgelu, …, or clip:tiny to try it out",
        )
    for what, name, known in (("model", model, MODELS), ("backbone", backbone, BACKBONES)):
        if name not in known and not (what == "backbone" and _is_of_a_family(name)):
            nearest = ", ".join(map(repr, nearest_names(name, known, len(known))))
            others = "; timm:NAME and clip:NAME take any of those libraries' nets" if what == "backbone" else ""
            raise UnknownModel(f"there is no {what} {name!r}", remedy=f"choose one of {nearest}{others}")


def _is_of_a_family(backbone: str) -> bool:
    family, _, name = backbone.partition(":")
    return family in FAMILIES and bool(name)


def _load(dotted: str) -> Any:
    module, function = dotted.split(":")
    return getattr(import_module(module), function)
