"""Backbones of every kind: what they give, at which sizes, in which colours, with which weights; what they refuse."""

import json
import time

import pytest
import safetensors.torch
import torch
from conftest import write_picture
from torch import nn

from hmgc_core.errors import BadConfig, UnknownModel, WeightsError
from hmgc_core.learning.checkpoints import load_checkpoint
from hmgc_core.learning.training import fit
from hmgc_core.learning.transforms import normalise
from hmgc_core.models.backbones.borrowed import stage_places
from hmgc_core.models.backbones.colours import MEAN, SPREAD, Colours
from hmgc_core.models.backbones.weights import load_backbone_weights
from hmgc_core.models.catalog import build_backbone, build_model, check_names
from hmgc_core.models.given_weights import is_published
from hmgc_core.records import RunConfig, Sample

CLIP_TOWERS = {
    "tiny-resnet": {"layers": [1, 1, 1, 1], "width": 8, "image_size": 64, "patch_size": None, "head_width": 16},
    "tiny-vit": {"layers": 4, "width": 16, "head_width": 8, "image_size": 64, "patch_size": 16},
    "tiny-timm": {"timm_model_name": "test_convnext", "timm_pool": "avg", "timm_proj": "linear", "image_size": 64},
}


@pytest.fixture(scope="module")
def clip_towers(tmp_path_factory) -> list[str]:
    """Small architectures, made known to open_clip as its own are."""
    import open_clip

    folder = tmp_path_factory.mktemp("clip")
    text = {"context_length": 8, "vocab_size": 32, "width": 16, "heads": 2, "layers": 1}
    for name, vision in CLIP_TOWERS.items():
        (folder / f"{name}.json").write_text(json.dumps({"embed_dim": 24, "vision_cfg": vision, "text_cfg": text}))
    open_clip.add_model_config(folder)
    return list(CLIP_TOWERS)


def trunk_of(backbone: str, size: int = 64, **settings):
    torch.manual_seed(0)
    return build_backbone(RunConfig(backbone=backbone, image_size=size, **settings))


NETS = ["resnet_mini", "timm:test_resnet", "timm:test_convnext", "timm:test_vit", "clip:tiny-resnet", "clip:tiny-vit",
        "clip:tiny-timm"]  # fmt: skip


@pytest.mark.parametrize("backbone", NETS)
def test_a_trunk_gives_what_it_says(backbone, clip_towers):
    trunk = trunk_of(backbone).eval()
    images = torch.randn(2, 3, 64, 64)
    with torch.no_grad():
        maps = trunk.stages(images)
        assert torch.equal(trunk(images), maps[-1])
        assert tuple(one.shape[1] for one in maps) == trunk.stage_channels and trunk.channels == maps[-1].shape[1]
        assert trunk.pool(maps[-1]).shape == (2, trunk.vector_channels)
        # Views in training are smaller than the pictures, and no multiple of a patch.
        assert trunk.stages(torch.randn(2, 3, 40, 40))[-1].shape[1] == trunk.channels


@pytest.mark.parametrize("backbone", NETS)
def test_a_cut_trunk_keeps_the_maps_before_and_drops_parameters(backbone, clip_towers):
    trunk = trunk_of(backbone).eval()
    images = torch.randn(2, 3, 64, 64)
    parameters = sum(p.numel() for p in trunk.parameters())
    with torch.no_grad():
        whole = trunk.stages(images)
        trunk.cut(2)
        assert torch.allclose(trunk(images), whole[1], atol=1e-5)
        assert trunk.pool(trunk(images)).shape == (2, trunk.vector_channels) == (2, trunk.stage_channels[1])
    assert sum(p.numel() for p in trunk.parameters()) < parameters


@pytest.mark.parametrize("backbone", [*NETS, "clip:tiny"])
def test_flat_learns_on_every_family(backbone, clip_towers, tiny_tree):
    torch.manual_seed(0)
    model = build_model("flat", tiny_tree, RunConfig("flat", backbone, image_size=64))
    images, targets = torch.randn(4, 3, 64, 64), torch.tensor([1, 3, 4, 6])
    optimizer = torch.optim.SGD(model.parameters(), lr=0.005)
    before = model.loss(model(images), targets)
    before.backward()
    optimizer.step()
    assert model.loss(model(images), targets) < before


def test_stages_are_the_last_maps_of_each_size_or_at_equal_distances():
    assert stage_places([2, 4, 8, 16, 32]) == (1, 2, 3, 4)
    assert stage_places([4, 8, 16]) == (0, 1, 2)
    assert stage_places([4, 4, 8, 16, 32]) == (1, 2, 3, 4)
    assert stage_places([16] * 12) == (2, 5, 8, 11)
    assert stage_places([2, 4, *[16] * 12]) == (2, 6, 9, 13)


# --- names and sizes --------------------------------------------------------------------------------------------------


def test_names_of_a_family_are_taken_and_looked_up_when_built():
    check_names("flat", "timm:anything")
    with pytest.raises(UnknownModel, match="there is no backbone 'timm:'"):
        check_names("flat", "timm:")
    with pytest.raises(UnknownModel, match="there is no backbone 'jax:resnet18'") as caught:
        check_names("flat", "jax:resnet18")
    assert "timm:NAME" in caught.value.remedy
    with pytest.raises(UnknownModel, match="'resnet81'") as caught:
        trunk_of("timm:resnet81")
    assert "timm:resnet18" in caught.value.remedy or "timm:resnet101" in caught.value.remedy
    with pytest.raises(UnknownModel, match=r"'resnet18\.no_such_tag'") as caught:
        trunk_of("timm:resnet18.no_such_tag")
    assert "timm:resnet18." in caught.value.remedy
    with pytest.raises(UnknownModel, match="'RN51'") as caught:
        trunk_of("clip:RN51")
    assert "clip:RN50" in caught.value.remedy


def test_a_net_without_a_map_is_refused_and_told_which_kind_can_serve(monkeypatch):
    import timm

    monkeypatch.setattr(timm, "create_model", lambda *_, **__: nn.Sequential(nn.Flatten(), nn.LazyLinear(3)))
    with pytest.raises(BadConfig, match="timm:test_resnet gives no feature map") as caught:
        trunk_of("timm:test_resnet")
    assert "convolutional" in caught.value.remedy


def test_a_size_that_a_net_cannot_take_is_named():
    with pytest.raises(BadConfig, match="timm:efficientformer_l1 cannot take pictures of 64 px") as caught:
        trunk_of("timm:efficientformer_l1")
    assert "size it was made for" in caught.value.remedy


def test_a_model_that_needs_more_stages_is_told_who_has_them():
    with pytest.raises(BadConfig, match="4 stages, and this one has 3") as caught:
        trunk_of("resnet_mini").check_stages(4)
    assert "resnet18" in caught.value.remedy


# --- colours ----------------------------------------------------------------------------------------------------------


def test_a_net_sees_pictures_in_the_colours_it_was_trained_on():
    pixels = torch.randint(0, 256, (2, 3, 8, 8), dtype=torch.uint8)
    mean, spread = (0.5, 0.4, 0.3), (0.5, 0.25, 0.2)
    expected = (pixels / 255 - torch.tensor(mean).view(1, 3, 1, 1)) / torch.tensor(spread).view(1, 3, 1, 1)
    assert torch.allclose(Colours(mean, spread)(normalise(pixels)), expected, atol=1e-5)
    assert torch.allclose(Colours(MEAN, SPREAD)(normalise(pixels)), normalise(pixels), atol=1e-6)


def test_clip_and_timm_nets_bring_their_colours(clip_towers):
    assert not torch.allclose(trunk_of("clip:tiny-vit").colours.scale, torch.ones(3), atol=1e-3)
    assert torch.allclose(trunk_of("timm:test_resnet").colours.scale, torch.tensor(SPREAD) / 0.5)


def test_a_clip_resnet_pools_to_its_own_image_embedding(clip_towers):
    trunk = trunk_of("clip:tiny-resnet").eval()
    images = torch.randn(2, 3, 64, 64)
    with torch.no_grad():
        embedding = trunk.net(trunk.colours(images))
        assert torch.allclose(trunk.pool(trunk(images)), embedding, atol=1e-5)
        assert trunk.pool(trunk(torch.randn(2, 3, 128, 96))).shape == (2, 24)


# --- weights ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("backbone", ["timm:test_resnet", "timm:test_vit", "timm:test_efficientnet"])
def test_a_file_of_timms_own_fits_without_its_classifier(backbone, tmp_path):
    import timm

    torch.manual_seed(3)
    whole = timm.create_model(backbone.removeprefix("timm:"))
    safetensors.torch.save_file(whole.state_dict(), tmp_path / "model.safetensors")
    trunk = trunk_of(backbone, size=96, weights=str(tmp_path / "model.safetensors"))

    given = whole.state_dict()
    for name, tensor in trunk.net.state_dict().items():
        assert name == "pos_embed" or torch.equal(tensor, given[name]), name
    if "vit" in backbone:  # made for 160 px: 100 cells, a class token and a register or none
        assert len(trunk.remarks) == 1 and "resized" in trunk.remarks[0]


def test_a_file_of_a_whole_clip_fits_its_image_tower(clip_towers, tmp_path):
    import open_clip

    whole = open_clip.create_model("tiny-vit")
    torch.save(whole.state_dict(), tmp_path / "clip.pt")
    trunk = trunk_of("clip:tiny-vit", size=96, weights=str(tmp_path / "clip.pt"))
    assert torch.equal(trunk.net.conv1.weight, whole.visual.conv1.weight)
    assert trunk.net.positional_embedding.shape == (37, 16)
    assert torch.equal(trunk.net.positional_embedding[0], whole.visual.positional_embedding[0])
    assert "resized" in trunk.remarks[0]


@pytest.mark.parametrize("backbone", NETS)
def test_the_trunk_of_a_checkpoint_fits(backbone, clip_towers, tmp_path):
    trunk = trunk_of(backbone)
    safetensors.torch.save_file(
        {f"trunk.{name}": tensor.contiguous().clone() + 1 for name, tensor in trunk.state_dict().items()},
        tmp_path / "weights.safetensors",
    )
    again = trunk_of(backbone, weights=str(tmp_path / "weights.safetensors"))
    for name, tensor in trunk.state_dict().items():
        assert torch.equal(again.state_dict()[name], tensor + 1), name


def test_names_that_ask_for_published_weights():
    assert is_published("resnet18", "imagenet") and is_published("timm:resnet18", "imagenet")
    assert is_published("clip:RN50", "openai") and is_published("clip:ViT-B-32", "laion2b_s34b_b79k")
    assert not is_published("resnet18", "openai") and not is_published("clip:RN50", "/some/openai.pt")


FETCHED = [("resnet18", "imagenet"), ("timm:test_resnet.r160_in1k", "imagenet"), ("clip:RN50-quickgelu", "openai")]


@pytest.mark.parametrize(("backbone", "weights"), FETCHED)
def test_published_weights_that_cannot_be_fetched_are_said_plainly(backbone, weights, monkeypatch, tmp_path):
    # A port nobody listens on: every fetch is refused at once, by the machine itself.
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("urllib.request._opener", None)  # the first fetch keeps its proxies for the process
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setattr(time, "sleep", lambda _: None)  # clients would wait before they try again
    trunk = trunk_of(backbone)
    with pytest.raises(WeightsError, match="could not be fetched") as caught:
        load_backbone_weights(trunk, backbone, weights)
    assert "connected machine" in caught.value.remedy


def test_published_weights_that_there_are_not_are_said_plainly():
    tower = trunk_of("clip:RN50")
    with pytest.raises(WeightsError, match="no weights 'openia'") as caught:
        load_backbone_weights(tower, "clip:RN50", "openia")
    assert "openai" in caught.value.remedy
    with pytest.raises(WeightsError, match="another activation") as caught:
        load_backbone_weights(tower, "clip:RN50", "openai")
    assert "clip:RN50-quickgelu" in caught.value.remedy


def test_a_timm_net_without_weights_says_so(monkeypatch):
    import timm

    monkeypatch.setattr(timm, "is_model_pretrained", lambda _: False)
    trunk = trunk_of("timm:test_resnet")
    with pytest.raises(WeightsError, match="timm has no weights for timm:test_resnet"):
        load_backbone_weights(trunk, trunk.name, "imagenet")


def test_a_run_says_what_its_weights_were_made_for(tmp_path, tiny_tree):
    trunk = trunk_of("timm:test_vit", size=64)
    safetensors.torch.save_file(trunk.state_dict(), tmp_path / "weights.safetensors")
    samples = []
    for number in range(6):
        write_picture(tmp_path / f"{number}.png", number)
        samples.append(Sample(tmp_path / f"{number}.png", 1 + number))
    config = RunConfig(
        "flat", "timm:test_vit", image_size=32, epochs=1, batch_size=3, device="cpu",
        weights=str(tmp_path / "weights.safetensors"),
    )  # fmt: skip
    result = fit(config, tiny_tree, samples, [], folder=tmp_path / "run", cache=tmp_path / "cache")
    assert any("positions was resized" in remark for remark in result.remarks)
    assert result.checkpoint and load_checkpoint(result.checkpoint).model.trunk.side == 32
