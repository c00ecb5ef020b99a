"""The catalog finds models by name and imports no torch until one is built."""

import subprocess
import sys

import pytest
import torch
from conftest import backbone_for

from hmgc_core.errors import BadConfig, UnknownModel
from hmgc_core.models.catalog import BACKBONES, MODELS, build_model, check_names
from hmgc_core.records import RunConfig


def test_looking_into_the_catalog_imports_no_torch():
    code = "import sys, hmgc_core.models.catalog as c; assert c.MODELS and 'torch' not in sys.modules, 'torch'"
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("model", MODELS)
def test_every_model_can_be_built_by_name(model, tiny_tree):
    built = build_model(model, tiny_tree, RunConfig(model=model, backbone=backbone_for(model), image_size=16))
    assert built.taxonomy == tiny_tree


@pytest.mark.parametrize("backbone", BACKBONES)
def test_every_backbone_can_be_built_by_name(backbone, tiny_tree):
    with torch.device("meta"):  # nothing is allocated
        built = build_model("flat", tiny_tree, RunConfig(model="flat", backbone=backbone, image_size=32))
    assert built.trunk.channels > 0


def test_an_unknown_name_is_told_with_the_nearest_ones():
    with pytest.raises(UnknownModel, match="'hrm'") as caught:
        check_names("hrm", "resnet18")
    assert caught.value.remedy.startswith("choose one of 'hrn', ")
    assert all(f"'{name}'" in caught.value.remedy for name in MODELS)
    with pytest.raises(UnknownModel, match="'resnet81'") as caught:
        check_names("hrn", "resnet81")
    assert "'resnet18'" in caught.value.remedy
    with pytest.raises(UnknownModel) as caught:
        check_names("hrn", "vit")
    assert all(f"'{name}'" in caught.value.remedy for name in BACKBONES)


def test_the_name_must_be_the_configs_own(tiny_tree):
    with pytest.raises(BadConfig, match="hrn"):
        build_model("flat", tiny_tree, RunConfig(model="hrn"))
