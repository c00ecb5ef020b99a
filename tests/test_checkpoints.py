"""A checkpoint comes back whole, or says that it is not."""

import json
import math

import pytest
import torch

from hmgc_core.errors import CheckpointError
from hmgc_core.learning.checkpoints import load_checkpoint, save_checkpoint
from hmgc_core.models.catalog import build_model
from hmgc_core.records import RunConfig
from hmgc_core.taxonomy import NodeText, Taxonomy

FILES = ["checkpoint.json", "taxonomy.json", "weights.safetensors"]


@pytest.fixture
def tree() -> Taxonomy:
    texts = {"owl": NodeText("Barn owl", ("screecher", "Schleiereule"), "white face")}
    return Taxonomy.from_edges([("bird", ""), ("owl", "bird"), ("gull", "bird"), ("ship", "")], texts)


@pytest.fixture
def saved(tmp_path, tree):
    """A folder with a checkpoint, and the model that is in it."""
    config = RunConfig(model="hrn", backbone="resnet_mini", image_size=16, weights="/gone/by/now.pt", seed=3)
    model = build_model("hrn", tree, RunConfig(model="hrn", backbone="resnet_mini", image_size=16))
    metrics = {"leaf_accuracy": 0.5, "level_accuracy": [0.75, math.nan], "answers": "per level"}
    folder = save_checkpoint(
        tmp_path / "run" / "checkpoint",
        config=config,
        taxonomy=tree,
        weights=model.state_dict(),
        epoch=7,
        metrics=metrics,
    )
    return folder, model, config


def test_all_of_it_comes_back(saved, tree):
    folder, model, config = saved
    back = load_checkpoint(folder)
    assert (back.config, back.epoch, back.metrics["leaf_accuracy"]) == (config, 7, 0.5)
    assert back.taxonomy == tree and back.taxonomy.keys == tree.keys
    assert back.taxonomy.synonyms(tree.index("owl")) == ("screecher", "Schleiereule")
    assert not back.model.training
    images = torch.randn(2, 3, 16, 16)
    with torch.no_grad():
        before, after = model.eval()(images), back.model(images)
    assert torch.equal(before.nodes, after.nodes) and torch.equal(before.leaves, after.leaves)


def test_saving_again_replaces_the_old_one(saved, tree):
    folder, model, config = saved
    save_checkpoint(folder, config=config, taxonomy=tree, weights=model.state_dict(), epoch=8, metrics={})
    assert load_checkpoint(folder).epoch == 8
    assert sorted(path.name for path in folder.parent.iterdir()) == ["checkpoint"]


@pytest.mark.parametrize("name", FILES)
def test_a_flipped_bit_is_found(saved, name):
    path = saved[0] / name
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match=name) as caught:
        load_checkpoint(saved[0])
    assert caught.value.remedy


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("damage", ["missing", "cut off", "empty"])
def test_a_missing_or_cut_file_is_found(saved, name, damage):
    path = saved[0] / name
    content = path.read_bytes()
    path.unlink()
    if damage != "missing":
        path.write_bytes(content[: len(content) // 2 if damage == "cut off" else 0])
    with pytest.raises(CheckpointError) as caught:
        load_checkpoint(saved[0])
    assert caught.value.remedy


def test_no_checkpoint_at_all_is_said(tmp_path):
    with pytest.raises(CheckpointError, match="no checkpoint"):
        load_checkpoint(tmp_path / "nothing")


def test_an_unfinished_draft_is_no_checkpoint_and_does_not_hinder_the_next(saved, tree):
    folder, model, config = saved
    draft = folder.with_name("checkpoint.draft")
    draft.mkdir()
    (draft / "weights.safetensors").write_bytes(b"half")
    assert load_checkpoint(folder).epoch == 7
    save_checkpoint(folder, config=config, taxonomy=tree, weights=model.state_dict(), epoch=9, metrics={})
    assert load_checkpoint(folder).epoch == 9


def test_a_manifest_that_lies_about_its_content_is_found(saved):
    path = saved[0] / "checkpoint.json"
    manifest = json.loads(path.read_text())
    manifest["metrics"]["leaf_accuracy"] = 0.99
    path.write_text(json.dumps(manifest))
    with pytest.raises(CheckpointError, match="damaged"):
        load_checkpoint(saved[0])
