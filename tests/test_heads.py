"""A head that learns alone: on what a trained trunk sees, looked at once, in the same way as a whole model learns."""

import json
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from small_trainings import StopAfter, assert_same_weights, weights_of

from hmgc_core import feature_files
from hmgc_core.checkpoint_files import read_manifest, trunk_of
from hmgc_core.errors import BadConfig, CheckpointError, WorkspaceError
from hmgc_core.learning.checkpoints import load_checkpoint
from hmgc_core.learning.devices import pick_device
from hmgc_core.learning.features import Features, features_of
from hmgc_core.learning.heads import fit_head
from hmgc_core.learning.inference import predict
from hmgc_core.learning.pixel_cache import decode_pictures
from hmgc_core.models.catalog import MODELS, NO_HEAD, build_model
from hmgc_core.records import IS_NOT, NONE_HERE, RunConfig, Sample, Stopped
from hmgc_core.taxonomy import Taxonomy

WITH_HEAD = [model for model in MODELS if model not in NO_HEAD]


def config_of(model="flat", **given):
    settings = {"model": model, "backbone": "resnet_mini", "image_size": 16, "epochs": 4, "batch_size": 8, "lr": 0.05}
    return RunConfig(**{**settings, "device": "cpu", "freeze_backbone": True, "start_from": 1, **given})


@pytest.fixture
def head(tmp_path, tiny_tree, samples):
    """Train a head in tmp_path/NAME on the trunk of a result; the last six samples are for validation."""

    def start(name, of, *, labels=None, tree=tiny_tree, told=None, **given):
        return fit_head(
            config_of(**given),
            tree,
            samples[:18] if labels is None else labels,
            samples[18:],
            start=of.checkpoint,
            folder=tmp_path / name,
            cache=tmp_path / "cache",
            **(told or {}),
        )

    return start


def look(checkpoint, paths, cache, **told) -> Features:
    model = load_checkpoint(checkpoint)
    given = {"trunk": model.trunk, "size": model.config.image_size, "cache": cache, "batch_size": 4}
    return features_of(model.model, paths, compute=pick_device("cpu"), **given, **told)


def kept(cache: Path) -> int:
    """How many vectors lie on the disk, counted from the shards themselves."""
    return sum(len(json.loads(index.read_text())["contents"]) for index in cache.glob("features/v*/*.json"))


# --- two halves of a model --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("model", MODELS)
def test_the_catalog_tells_which_models_have_a_head(model, tiny_tree):
    config = RunConfig(model=model, backbone="clip:tiny" if model in ("hgrnet", "clip_zero_shot") else "resnet_mini")
    assert build_model(model, tiny_tree, config).has_head == (model not in NO_HEAD)


@pytest.mark.parametrize("model", WITH_HEAD)
def test_the_head_gives_from_features_what_the_whole_model_gives_from_pictures(model, tiny_tree):
    built = build_model(model, tiny_tree, config_of(model)).eval()
    images = torch.randn(5, 3, 16, 16)
    with torch.no_grad():
        whole = built(images)
        features = built.features(images)
        built.take_out_frozen()
        scores = built(features)
        assert features.ndim == 2
        for name, value in vars(whole).items():
            pairs = (
                zip(value, vars(scores)[name], strict=True)
                if isinstance(value, tuple)
                else [(value, scores.__dict__[name])]
            )
            assert all(torch.equal(a, b) for a, b in pairs), name
        assert torch.equal(built.log_probs(scores), built.log_probs(whole))


@pytest.mark.parametrize("model", WITH_HEAD)
def test_every_weight_is_either_frozen_or_learns(model, tiny_tree):
    built = build_model(model, tiny_tree, config_of(model))
    names, frozen = set(built.state_dict()), built.frozen_names()
    features = built.features(torch.randn(6, 3, 16, 16)).detach()
    built.take_out_frozen()
    assert set(built.state_dict()) == names - frozen and frozen
    built.loss(built.from_features(features), torch.tensor([3, 4, 5, 6, 7, 8])).backward()
    assert [name for name, weights in built.named_parameters() if weights.grad is None] == []


# --- what is learned --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("model", WITH_HEAD)
def test_only_the_head_changes_and_the_whole_model_says_what_the_head_says(model, train, head, samples, tmp_path):
    whole = train("whole", model=model)
    after = head("head", whole, model=model)
    before, now = weights_of(whole), weights_of(after)
    checkpoint = load_checkpoint(after.checkpoint)
    frozen = checkpoint.model.frozen_names()
    assert all(torch.equal(before[name], now[name]) for name in frozen)
    assert any(not torch.equal(before[name], now[name]) for name in set(now) - frozen)
    paths = [sample.path for sample in samples]
    by_features = predict(checkpoint, look(after.checkpoint, paths, tmp_path / "cache"), device="cpu")
    pixels = decode_pictures(paths, size=16, folder=tmp_path / "cache")
    pairs = list(zip(by_features, predict(checkpoint, pixels, device="cpu"), strict=True))
    assert len(pairs) == 24
    for ours, whole_model in pairs:  # vectors are rounded to half precision
        assert ours.probability == pytest.approx(whole_model.probability, abs=4e-3)
        assert np.allclose(ours.embedding, whole_model.embedding, atol=2e-3)


def test_it_learns_as_a_linear_layer_on_fixed_vectors_does(train, head, samples, tiny_tree, tmp_path):
    """One step over all labels, made by hand from the vectors."""
    whole = train("whole")
    labels = [replace(sample, kind=kind) for sample, kind in zip(samples[:18], [0, NONE_HERE, IS_NOT] * 6, strict=True)]
    given = {"epochs": 1, "batch_size": 32, "lr": 0.3, "label_smoothing": 0.0, "weight_decay": 0.0}
    after = head("head", whole, labels=labels, **given)
    model = load_checkpoint(whole.checkpoint).model
    vectors = torch.from_numpy(look(whole.checkpoint, [s.path for s in labels], tmp_path / "cache").take(range(18)))
    from hmgc_core.records import Targets

    model.label_smoothing = 0.0
    targets = Targets(*(torch.tensor([getattr(s, n) for s in labels]) for n in ("node", "kind", "weight")))
    loss = model.loss(model.from_features(vectors.float()), targets)
    (slope,) = torch.autograd.grad(loss, model.head.weight)
    # The schedule's only step is at the peak; Nesterov's first one goes 1.9 times the slope.
    expected = model.head.weight - 0.3 * 1.9 * slope
    half = pick_device("cpu").half  # where steps are counted in bfloat16
    assert torch.allclose(weights_of(after)["head.weight"], expected, atol=5e-3 if half else 1e-5)


def test_a_run_from_a_run_of_a_head_reads_the_same_vectors(train, head, tmp_path):
    whole = train("whole")
    first = head("first", whole)
    written = kept(tmp_path / "cache")
    second = head("second", first)
    assert kept(tmp_path / "cache") == written == 24
    manifests = [read_manifest(result.checkpoint) for result in (whole, first, second)]
    assert len({trunk_of(manifest) for manifest in manifests}) == 1
    assert load_checkpoint(second.checkpoint).config.freeze_backbone


def test_another_model_learns_on_the_same_trunk(train, head):
    whole = train("whole")
    after = head("other", whole, model="per_level")
    assert after.remarks[0].startswith("the head started anew: the run before it is of flat")
    before, now = weights_of(whole), weights_of(after)
    assert all(torch.equal(before[name], now[name]) for name in now if name.startswith("trunk."))
    assert load_checkpoint(after.checkpoint).config.model == "per_level"


def test_a_class_added_since_is_learned(train, head, samples, tiny_tree):
    whole = train("whole")
    edges = [
        (key, tiny_tree.keys[parent]) for key, parent in zip(tiny_tree.keys[1:], tiny_tree.parents[1:], strict=True)
    ]
    grown = Taxonomy.from_edges([*edges, ("eagle", "bird")])
    moved = [replace(sample, node=grown.index(tiny_tree.keys[sample.node])) for sample in samples[:18]]
    labels = [*moved[:-3], *(replace(sample, node=grown.index("eagle")) for sample in moved[-3:])]
    after = head("grown", whole, labels=labels, tree=grown)
    assert any("class tree has changed" in remark for remark in after.remarks)
    assert "eagle" in load_checkpoint(after.checkpoint).taxonomy


@pytest.mark.parametrize(
    ("recipe", "switch"),
    [("plain", {"exact_share": 0.9}), ("plain", {"averaged": True}), ("self_taught", {"sure_from": 0.3})],
)
def test_the_switches_of_a_recipe_work_on_a_head(recipe, switch, train, head):
    whole = train("whole")
    plain, after = head("plain", whole), head("recipe", whole, recipe=recipe, switches=switch)
    assert not torch.equal(weights_of(plain)["head.weight"], weights_of(after)["head.weight"])


def test_a_stopped_head_goes_on_exactly_where_it_was(train, head):
    whole = train("whole")
    straight = head("straight", whole, recipe="self_taught")
    seen = []
    stopped = head("stopped", whole, recipe="self_taught", told={"should_stop": StopAfter(9)})
    assert stopped.stopped
    on = head("stopped", whole, recipe="self_taught", told={"on_epoch": seen.append})
    assert 0 < len(seen) < 4  # it did not start over
    assert_same_weights(straight, on)


# --- what is looked at ------------------------------------------------------------------------------------------------


def test_only_new_pictures_are_looked_at(train, samples, tmp_path):
    cache, whole = tmp_path / "cache", train("whole")
    paths = [sample.path for sample in samples]
    told = []
    look(whole.checkpoint, paths[:20], cache)
    assert kept(cache) == 20
    look(whole.checkpoint, paths, cache, on_progress=told.append)
    assert kept(cache) == 24
    assert [(step.done, step.total) for step in told if step.stage == "looking at pictures"] == [(4, 4)]
    assert feature_files.count(cache, load_checkpoint(whole.checkpoint).trunk) == 24
    look(whole.checkpoint, paths, cache, on_progress=lambda _: pytest.fail("nothing is new"))


def test_a_moved_picture_is_known_and_a_changed_one_is_looked_at_anew(train, samples, tmp_path):
    cache, whole = tmp_path / "cache", train("whole")
    paths = [sample.path for sample in samples[:6]]
    before = look(whole.checkpoint, paths, cache).take(range(6))
    paths[0] = paths[0].rename(tmp_path / "moved.png")
    os.utime(paths[1])  # touched, and the same
    Image.new("RGB", (16, 16), (255, 0, 255)).save(paths[2])
    after = look(whole.checkpoint, paths, cache).take(range(6))
    assert kept(cache) == 7
    assert [bool((a == b).all()) for a, b in zip(before, after, strict=True)] == [True, True, False, True, True, True]


def test_what_was_seen_before_a_stop_is_not_looked_at_again(train, samples, tmp_path):
    cache, whole = tmp_path / "cache", train("whole")
    paths = [sample.path for sample in samples]
    with pytest.raises(Stopped):
        look(whole.checkpoint, paths, cache, should_stop=StopAfter(4))
    assert 0 < (seen := kept(cache)) < 24
    told = []
    look(whole.checkpoint, paths, cache, on_progress=told.append)
    assert [step.total for step in told if step.stage == "looking at pictures"][-1] == 24 - seen
    assert kept(cache) == 24


@pytest.mark.parametrize("harm", ["cut", "changed", "index", "memory", "unfinished"])
def test_damaged_files_are_made_anew(harm, train, samples, tmp_path):
    cache, whole = tmp_path / "cache", train("whole")
    paths = [sample.path for sample in samples[:6]]
    before = look(whole.checkpoint, paths, cache).take(range(6))
    (vectors,) = cache.glob("features/*/*.vectors")
    content = vectors.read_bytes()
    if harm == "cut":
        vectors.write_bytes(content[:-2])
    elif harm == "changed":
        vectors.write_bytes(bytes([content[0] ^ 1]) + content[1:])
    elif harm == "index":
        vectors.with_suffix(".json").write_text("{")
    elif harm == "memory":
        (cache / "features" / "contents.json").write_text('{"format": 0, "sha256": {}}')
    else:
        vectors.with_suffix(".json").unlink()
    assert np.array_equal(look(whole.checkpoint, paths, cache).take(range(6)), before)


def test_a_picture_that_cannot_be_read_is_skipped_and_told(train, samples, tmp_path):
    cache, whole = tmp_path / "cache", train("whole")
    paths = [sample.path for sample in samples[:4]]
    paths[1].write_bytes(b"no picture")
    paths[3].unlink()
    features = look(whole.checkpoint, paths, cache)
    assert features.readable == [0, 2]
    assert [skipped.path for skipped in features.skipped] == [paths[1], paths[3]]
    assert all(skipped.reason for skipped in features.skipped)


def test_the_same_picture_in_two_places_is_looked_at_once(train, samples, tmp_path):
    whole, copy = train("whole"), tmp_path / "copy.png"
    copy.write_bytes(samples[0].path.read_bytes())
    features = look(whole.checkpoint, [samples[0].path, copy], tmp_path / "cache")
    assert kept(tmp_path / "cache") == 1
    assert np.array_equal(*features.take([0, 1]))


def test_a_full_disk_is_told_and_leaves_nothing_half_written(train, samples, tmp_path, monkeypatch):
    cache, whole = tmp_path / "cache", train("whole")
    monkeypatch.setattr(feature_files, "BYTES_TO_SPARE", 2**70)
    with pytest.raises(WorkspaceError, match="no room for what the model sees") as caught:
        look(whole.checkpoint, [samples[0].path], cache)
    assert caught.value.remedy
    assert not list(cache.glob("features/*/*"))


def test_numbers_too_large_for_half_precision_are_kept_whole(tmp_path):
    vectors = {"a": np.array([1.0, 1e6], dtype=np.float32), "b": np.array([2.0, 3.0], dtype=np.float32)}
    rows = feature_files.write_shard(tmp_path, vectors)
    small = feature_files.write_shard(tmp_path, {"c": vectors["b"]})
    opened = feature_files.open_shard(rows["a"].shard, 2)
    assert opened.dtype == np.float32 and np.array_equal(opened, list(vectors.values()))
    assert feature_files.open_shard(small["c"].shard, 2).dtype == np.float16
    found, width = feature_files.known_rows(tmp_path)
    assert (set(found), width) == ({"a", "b", "c"}, 2)


def test_old_trunks_are_let_go(tmp_path):
    for number in range(feature_files.TRUNKS_KEPT + 3):
        folder = feature_files.folder_of(tmp_path, reads="pooled", precision="full", trunk=f"{number}")
        feature_files.write_shard(folder, {"a": np.zeros(4, dtype=np.float32)})
        os.utime(folder, (number, number))
    feature_files.let_old_go(feature_files.folder_of(tmp_path, reads="pooled", precision="full", trunk="0"))
    names = {folder.name.rpartition("-")[2] for folder in (tmp_path / "features").iterdir()}
    assert names == {"0", "6", "5", "4"}


# --- what cannot be ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"model": "hmgn"}, "hmgn cannot learn its head alone"),
        ({"model": "hrn"}, "hrn has layers for each level that flat has not"),
        ({"image_size": 32}, "pictures of 16 px"),
        ({"backbone": "resnet18"}, "on resnet_mini"),
        ({"weights": "imagenet"}, "a weights file is given"),
    ],
)
def test_what_does_not_fit_the_run_before_is_a_named_error(given, words, train, head):
    with pytest.raises(BadConfig, match=words) as caught:
        head("bad", train("whole"), **given)
    assert caught.value.remedy


def test_a_tree_of_more_levels_is_too_much_for_the_layers_of_hrn(train, head, samples, tiny_tree):
    edges = [
        (key, tiny_tree.keys[parent]) for key, parent in zip(tiny_tree.keys[1:], tiny_tree.parents[1:], strict=True)
    ]
    deeper = Taxonomy.from_edges([*edges, ("chick", "gull-like"), ("adult", "gull-like")])
    labels = [Sample(sample.path, deeper.index(tiny_tree.keys[sample.node])) for sample in samples[:18]]
    with pytest.raises(BadConfig, match="has no blocks") as caught:
        head("deeper", train("whole", model="hrn"), labels=labels, tree=deeper, model="hrn")
    assert caught.value.remedy


def test_a_whole_training_is_not_made_of_it(train):
    with pytest.raises(BadConfig, match="only the head is to learn"):
        train("whole", freeze_backbone=True)


def test_a_missing_checkpoint_is_told(train, head, tmp_path):
    whole = train("whole")
    (whole.checkpoint / "weights.safetensors").unlink()
    with pytest.raises(CheckpointError):
        head("head", whole)
