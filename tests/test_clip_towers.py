"""Both towers of a CLIP as one trunk: what open_clip gives, at any size, with weights from anywhere."""

import copy

import open_clip
import pytest
import torch
from torch import nn

from hmgc_core.errors import BadConfig, UnknownModel, WeightsError
from hmgc_core.models import hgrnet
from hmgc_core.models.backbones import clip_both_towers, colours
from hmgc_core.models.backbones.clip_both_towers import ClipTowers
from hmgc_core.models.backbones.clip_image_tower import ClipTrunk
from hmgc_core.models.backbones.clip_published import published_weights
from hmgc_core.models.backbones.positions import resized_map, resized_rows
from hmgc_core.models.catalog import build_model, check_names
from hmgc_core.records import RunConfig

# One block and 16 channels a tower: enough to be exact with.
SMALLEST = {
    "embed_dim": 16,
    "vision_cfg": {"image_size": 16, "layers": 2, "width": 16, "head_width": 8, "patch_size": 4},
    "text_cfg": {"context_length": 24, "vocab_size": 49408, "width": 16, "heads": 2, "layers": 1},
}
RESNET = {**SMALLEST, "vision_cfg": {"image_size": 64, "layers": [1, 1, 1, 1], "width": 8}}


def towers(architecture: dict = SMALLEST) -> ClipTowers:
    torch.manual_seed(0)
    return ClipTowers(open_clip.CLIP(**architecture))


@pytest.mark.parametrize("architecture", [SMALLEST, RESNET], ids=["transformer", "resnet"])
def test_the_towers_give_what_open_clip_gives(architecture):
    both = towers(architecture).eval()
    if both.is_resnet:
        for module in both.modules():  # they start at 0, which would hide the blocks
            if isinstance(module, nn.BatchNorm2d):
                nn.init.uniform_(module.weight, 0.5, 1.5)
    side = architecture["vision_cfg"]["image_size"]
    pixels = torch.rand(2, 3, side, side)
    ours = (pixels - torch.tensor(colours.MEAN).view(3, 1, 1)) / torch.tensor(colours.SPREAD).view(3, 1, 1)
    mean, spread = open_clip.OPENAI_DATASET_MEAN, open_clip.OPENAI_DATASET_STD
    theirs = (pixels - torch.tensor(mean).view(3, 1, 1)) / torch.tensor(spread).view(3, 1, 1)
    texts = ["a photo of a crane, a kind of bird.", "a dog"]
    with torch.no_grad():
        assert torch.allclose(both.pool(both(ours)), both.clip.encode_image(theirs), atol=1e-5)
        whole = open_clip.tokenize(texts, context_length=24)
        assert torch.allclose(both.embed_texts(both.tokenise(texts)), both.clip.encode_text(whole), atol=1e-5)
        for other in (side // 2, side * 2):
            assert both.pool(both(torch.randn(1, 3, other, other))).shape == (1, 16)


def test_a_long_name_keeps_its_beginning():
    long = " ".join(["very"] * 50)
    tokens = towers().tokenise([f"a photo of a crane, {long}", "a dog"])
    assert tokens.shape == (2, 24) and tokens[0, -1] == tokens.max()


def test_loaded_statistics_of_a_resnet_stay_frozen():
    both = towers(RESNET)
    images = torch.randn(4, 3, 64, 64)
    for both.pretrained in (True, False):
        before = both.clip.visual.bn1.running_mean.clone()
        both.train()(images)
        assert torch.equal(both.clip.visual.bn1.running_mean, before) is both.pretrained


def config(**given) -> RunConfig:
    return RunConfig(**{"model": "hgrnet", "backbone": "clip:tiny", "image_size": 16, **given})


def test_weights_come_from_a_file_of_open_clip_or_one_of_our_checkpoints(tmp_path, tiny_tree):
    given = build_model("hgrnet", tiny_tree, config(seed=1))
    given.towers.colours.expect((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))
    torch.save(given.towers.clip.state_dict(), tmp_path / "open_clip.pt")
    torch.save(given.state_dict(), tmp_path / "ours.pt")
    for name, ours in (("open_clip.pt", False), ("ours.pt", True)):
        filled = build_model("hgrnet", tiny_tree, config(weights=str(tmp_path / name)))
        assert torch.equal(filled.towers.clip.text_projection, given.towers.clip.text_projection)
        assert torch.equal(filled.towers.colours.scale, given.towers.colours.scale) is ours
        assert not filled.trunk.remarks and filled.parameter_groups()[0]["lr_factor"] == hgrnet.PRETRAINED_LR_FACTOR


@pytest.mark.parametrize(
    ("backbone", "weights", "error", "words"),
    [
        ("clip:ViT-B-23", "", UnknownModel, "ViT-B-32"),
        ("clip:ViT-B-16-SigLIP", "", BadConfig, "OpenAI's kind"),
        ("clip:tiny", "openai", WeightsError, "give a file"),
    ],
)
def test_what_cannot_be_built_is_said_plainly(tiny_tree, backbone, weights, error, words):
    with pytest.raises(error) as caught:
        build_model("hgrnet", tiny_tree, config(backbone=backbone, weights=weights))
    assert words in caught.value.remedy


def test_published_weights_are_for_one_network_and_may_be_out_of_reach(monkeypatch):
    with pytest.raises(WeightsError, match="another activation") as caught:
        published_weights("RN50", "openai")
    assert "clip:RN50-quickgelu" in caught.value.remedy

    def offline(*_, **__):
        raise OSError("no network")

    monkeypatch.setattr(open_clip, "download_pretrained", offline)
    published = published_weights("RN50-quickgelu", "openai")
    with pytest.raises(WeightsError, match="could not be fetched from https://"):
        clip_both_towers._fetched(published, "RN50-quickgelu", "openai")


def test_pictures_too_small_for_a_patch_and_other_backbones_are_refused(tiny_tree):
    with pytest.raises(BadConfig, match="too small"):
        build_model("hgrnet", tiny_tree, config(backbone="clip:ViT-B-32"))
    for model in ("hgrnet", "clip_zero_shot"):
        with pytest.raises(BadConfig, match="reads the names") as caught:
            check_names(model, "resnet18")
        assert "clip:tiny" in caught.value.remedy
    with pytest.raises(BadConfig, match=r"no \{\}"):
        build_model("hgrnet", tiny_tree, config(options={"prompt": "a bird"}))


def test_a_picture_of_another_size_looks_alike_to_the_image_tower_alone_and_to_both():
    both = towers(RESNET).eval()
    alone = ClipTrunk("RN", copy.deepcopy(both.clip.visual), 64).eval()
    images = torch.randn(1, 3, 96, 160)
    with torch.no_grad():
        assert torch.allclose(alone.pool(alone(images)), both.pool(both(images)), atol=1e-5)


@pytest.mark.parametrize("tokens", [0, 1, 2])
def test_a_table_of_positions_is_resized_by_one_rule(tokens):
    table = torch.randn(tokens + 36, 5)
    assert resized_rows(table, 6, 6, tokens) is table
    resized = resized_rows(table, 3, 4, tokens)
    as_map = table[tokens:].t().reshape(1, 5, 6, 6)
    assert torch.equal(resized[:tokens], table[:tokens])
    assert torch.equal(resized[tokens:].t().reshape(1, 5, 3, 4), resized_map(as_map, 3, 4))


def test_a_smaller_table_is_a_mean_of_what_it_stands_for():
    rows, columns = torch.meshgrid(torch.arange(32), torch.arange(32), indexing="ij")
    board = (1 - 2 * ((rows // 2 + columns // 2) % 2)).float()[None, None]  # squares of 2 x 2, mean 0
    assert resized_map(board, 8, 8)[..., 2:-2, 2:-2].abs().max() < 0.05
    assert torch.allclose(resized_map(torch.full((1, 3, 7, 7), 2.5), 3, 11), torch.tensor(2.5))
