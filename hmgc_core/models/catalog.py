"""The models and backbones by name. Plain dicts of "module:function"; torch is imported when a model is built."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from hmgc_core.errors import BadConfig, UnknownModel, nearest_names

if TYPE_CHECKING:
    from hmgc_core.models.base import HierarchicalModel, Trunk
    from hmgc_core.records import RunConfig
    from hmgc_core.taxonomy import Taxonomy

# name -> function(taxonomy, trunk, config) that gives the model
MODELS = {
    "flat": "hmgc_core.models.flat:build",
    "hrn": "hmgc_core.models.hrn:build",
}

# name -> function(image_size) that gives the trunk
BACKBONES = {
    "resnet18": "hmgc_core.models.backbones.torchvision_nets:resnet18",
    "resnet34": "hmgc_core.models.backbones.torchvision_nets:resnet34",
    "resnet50": "hmgc_core.models.backbones.torchvision_nets:resnet50",
    "resnet_mini": "hmgc_core.models.backbones.resnet_mini:resnet_mini",
}


def build_model(name: str, taxonomy: Taxonomy, config: RunConfig) -> HierarchicalModel:
    """The model `name` for this tree, on the backbone and with the weights the config names; on the CPU, to train.

    Raises UnknownModel for an unknown model or backbone, BadConfig where the config asks for another model,
    WeightsError where the weights do not fit.
    """
    check_names(name, config.backbone)
    if name != config.model:
        raise BadConfig(f"the config is for {config.model!r}, not {name!r}", remedy="use the config's own model name")
    model: HierarchicalModel = _load(MODELS[name])(taxonomy, build_backbone(config), config)
    return model


def build_backbone(config: RunConfig) -> Trunk:
    """The config's trunk, filled with its weights if it names some."""
    trunk: Trunk = _load(BACKBONES[config.backbone])(config.image_size)
    if config.weights:
        from hmgc_core.models.backbones.weights import load_backbone_weights  # noqa: PLC0415 - imports torch

        load_backbone_weights(trunk, config.backbone, config.weights)
    return trunk


def check_names(model: str, backbone: str) -> None:
    """Raise UnknownModel with all names, the nearest first, if the catalog has no such model or backbone."""
    for what, name, known in (("model", model, MODELS), ("backbone", backbone, BACKBONES)):
        if name not in known:
            nearest = ", ".join(map(repr, nearest_names(name, known, len(known))))
            raise UnknownModel(f"there is no {what} {name!r}", remedy=f"choose one of {nearest}")


def _load(dotted: str) -> Any:
    module, function = dotted.split(":")
    return getattr(import_module(module), function)
