"""HGR-Net knows classes by their names, the ones without a picture too; zero-shot CLIP is the same without learning."""

from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from test_clip_towers import config
from test_contrasts import model_of
from torch import Tensor, nn

from hmgc_core.errors import BadConfig, NotTrainable
from hmgc_core.learning.checkpoints import load_checkpoint
from hmgc_core.learning.inference import metrics_of, predict
from hmgc_core.learning.pixel_cache import decode_pictures
from hmgc_core.learning.training import FitResult, fit
from hmgc_core.metrics import deepest_answers
from hmgc_core.models.catalog import build_model
from hmgc_core.models.clip_zero_shot import ClipZeroShot
from hmgc_core.models.hgrnet import HgrNet
from hmgc_core.models.named_classes import NamedClasses, prompts
from hmgc_core.records import RunConfig, Sample
from hmgc_core.taxonomy import NodeText, Taxonomy
from hmgc_core.workflow import training

# --- what it says -----------------------------------------------------------------------------------------------------


def test_a_class_takes_its_probability_from_its_sisters_alone(tiny_tree):
    model = model_of(tiny_tree).eval()
    more = ClipZeroShot(Taxonomy.from_edges([*tiny_edges(tiny_tree), ("penguin", "bird")]), model.towers).eval()
    images = torch.randn(3, 3, 16, 16, dtype=torch.float64)
    with torch.no_grad():
        before, after = (m.log_probs(m(images)).exp() for m in (model, more))
    for key in ("bird", "ship", "tug"):
        assert torch.allclose(before[:, tiny_tree.index(key)], after[:, more.taxonomy.index(key)])
    penguin = after[:, more.taxonomy.index("penguin")]
    assert (penguin > 0).all()
    kept = 1 - penguin / before[:, tiny_tree.index("bird")]
    assert torch.allclose(after[:, more.taxonomy.index("owl")], before[:, tiny_tree.index("owl")] * kept)


def tiny_edges(tree: Taxonomy) -> list[tuple[str, str]]:
    return [(tree.keys[node], tree.keys[tree.parents[node]]) for node in range(1, len(tree))]


def test_kept_names_follow_the_text_tower(tiny_tree):
    model = model_of(tiny_tree).eval()
    kept = model._texts()
    assert model._texts() is kept
    with torch.inference_mode():
        assert model._texts() is kept
    model.train()
    loss = model.loss(model(torch.randn(2, 3, 16, 16, dtype=torch.float64)), torch.tensor([1, 6]))
    loss.backward()
    torch.optim.SGD(model.parameters(), lr=1.0).step()
    model.eval()
    assert not torch.equal(model._texts(), kept)
    fresh = nn.functional.normalize(model.towers.embed_texts(model.tokens[1:]), dim=-1)
    assert torch.allclose(model._texts()[1:], fresh)


def test_a_name_is_told_with_that_of_its_parent():
    texts = {"m/crane": NodeText("crane"), "bird_of_prey": NodeText()}
    edges = [("machine", "all"), ("m/crane", "machine"), ("bird_of_prey", "all"), ("crane", "bird_of_prey")]
    tree = Taxonomy.from_edges(edges, texts)
    said = dict(zip(tree.keys, prompts(tree, "a photo of a {}"), strict=True))
    assert said["m/crane"] == "a photo of a crane, a kind of machine."
    assert said["crane"] == "a photo of a crane, a kind of bird of prey."
    assert said["machine"] == "a photo of a machine."


COLOURS = {"red": (2.0, -1.0, -1.0), "green": (-1.0, 2.0, -1.0), "blue": (-1.0, -1.0, 2.0)}
SHADES = {"white": 2.0, "grey": 0.0, "black": -2.0}


def colours_on_shades(names: list[str], random: torch.Generator) -> Tensor:
    """(B, 3, 16, 16): the upper half in the colour, the lower in the shade, with noise."""
    images = torch.empty(len(names), 3, 16, 16)
    for image, name in zip(images, names, strict=True):
        colour, shade = name.split(" on ")
        image[:] = SHADES[shade]
        image[:, :8] = torch.tensor(COLOURS[colour]).view(3, 1, 1)
    return images + 0.3 * torch.randn(images.shape, generator=random)


EVERY = [f"{colour} on {shade}" for shade in SHADES for colour in COLOURS]
UNSEEN = "blue on black"
SEEN = [name for name in EVERY if name != UNSEEN]


def shades_tree(names: list[str]) -> Taxonomy:
    return Taxonomy.from_edges([(shade, "all") for shade in SHADES] + [(name, name.split(" on ")[1]) for name in names])


@cache
def taught_without_one(tree: Taxonomy, *, everyone_is_met: bool = False) -> HgrNet:
    """An hgrnet that saw pictures of all classes but one. everyone_is_met: that one is a negative, as published."""
    torch.manual_seed(0)
    model = build_model("hgrnet", tree, config(options={"out_ratio": 1.0}))
    model.taught.fill_(everyone_is_met)
    optimizer, random = model.optimizer(RunConfig(lr=1e-3)), torch.Generator().manual_seed(0)
    labels = torch.tensor([tree.index(name) for name in SEEN * 2])
    for _ in range(20):
        optimizer.zero_grad()
        model.loss(model(colours_on_shades(SEEN * 2, random)), labels).backward()
        optimizer.step()
    return model.eval()


def answered(model: NamedClasses) -> tuple[list[str], list[str]]:
    """(true leaf, answered leaf) of eight new pictures of each class, the unseen one included."""
    truth = EVERY * 8
    with torch.no_grad():
        scores = model(colours_on_shades(truth, torch.Generator().manual_seed(1)))
    return truth, [model.taxonomy.keys[node] for node in deepest_answers(model.answers(scores).numpy())]


def shares_right(truth: list[str], said: list[str]) -> tuple[float, float]:
    """(of pictures of the unseen class, of the others) that are answered right."""
    right = {
        unseen: [a == b for a, b in zip(truth, said, strict=True) if (a == UNSEEN) is unseen]
        for unseen in (True, False)
    }
    return np.mean(right[True]).item(), np.mean(right[False]).item()


def test_a_class_without_a_picture_is_found_by_its_name():
    model = taught_without_one(shades_tree(EVERY))
    unseen, seen = shares_right(*answered(model))
    assert unseen > 0.5 and seen > 0.5  # one in nine by chance

    tree = model.taxonomy
    assert [tree.keys[node] for node in (~model.taught).nonzero()[:, 0] if node > 0] == [UNSEEN]


def test_a_class_that_pictures_are_told_apart_from_and_that_has_none_is_never_found():
    # Why hgrnet differs from what is published.
    model = taught_without_one(shades_tree(EVERY), everyone_is_met=True)
    unseen, seen = shares_right(*answered(model))
    assert unseen == 0 and seen > 0.5


def test_a_class_added_after_the_training_is_found_with_the_weights_of_the_run(tmp_path):
    torch.save(taught_without_one(shades_tree(SEEN)).state_dict(), tmp_path / "weights.pt")
    asked = config(model="clip_zero_shot", weights=str(tmp_path / "weights.pt"))
    unseen, seen = shares_right(*answered(build_model("clip_zero_shot", shades_tree(EVERY), asked).eval()))
    assert unseen > 0.5 and seen > 0.5


def test_a_checkpoint_of_before_had_every_class_as_a_negative(tiny_tree):
    model = build_model("hgrnet", tiny_tree, config())
    model.load_state_dict({name: value for name, value in model.state_dict().items() if name != "taught"})
    assert model.taught.all()


def test_zero_shot_has_nothing_to_learn(tiny_tree):
    model = build_model("clip_zero_shot", tiny_tree, config(model="clip_zero_shot"))
    assert isinstance(model, ClipZeroShot) and "random" in model.trunk.remarks[0]
    with pytest.raises(NotTrainable, match="nothing to learn"):
        model.loss(model(torch.randn(1, 3, 16, 16)), torch.tensor([1]))


# --- as a run ---------------------------------------------------------------------------------------------------------


def picture_files(folder: Path, tree: Taxonomy) -> list[Sample]:
    """Eight plain pictures, two a leaf."""
    folder.mkdir()
    made = []
    for number in range(8):
        leaf = int(tree.leaves[number % 4])
        Image.new("RGB", (16, 16), (60 * (number % 4), 30, 200 - 40 * (number % 4))).save(folder / f"{number}.png")
        made.append(Sample(folder / f"{number}.png", int(tree.parents[leaf]) if number > 5 else leaf))
    return made


def run_of(tmp_path: Path, tree: Taxonomy, train: list[Sample], valid: list[Sample], name: str, **given) -> FitResult:
    passed = {key: given.pop(key) for key in ("should_stop",) if key in given}
    settings = config(device="cpu", epochs=2, batch_size=4, **given)
    return fit(settings, tree, train, valid, folder=tmp_path / name, cache=tmp_path / "cache", **passed)


def test_a_stopped_run_goes_on_to_the_very_same_weights(tmp_path, tiny_tree):
    samples = picture_files(tmp_path / "photos", tiny_tree)
    questions = iter([False, False, False, True])
    straight = run_of(tmp_path, tiny_tree, samples, samples[:4], "straight")
    assert run_of(tmp_path, tiny_tree, samples, samples[:4], "broken", should_stop=lambda: next(questions)).stopped
    resumed = run_of(tmp_path, tiny_tree, samples, samples[:4], "broken")

    kept, again = (load_checkpoint(one.checkpoint).model for one in (straight, resumed))
    assert all(torch.equal(a, b) for a, b in zip(kept.state_dict().values(), again.state_dict().values(), strict=True))
    fresh = build_model("hgrnet", tiny_tree, config())
    for learned in ("theta", "trunk.clip.text_projection", "trunk.clip.visual.proj", "trunk.clip.logit_scale"):
        assert not torch.equal(kept.state_dict()[learned], fresh.state_dict()[learned]), learned
    assert any("started at random" in remark for remark in straight.remarks)


def test_a_zero_shot_run_takes_no_label_and_leaves_a_checkpoint(tmp_path, tiny_tree):
    samples = picture_files(tmp_path / "photos", tiny_tree)
    result = run_of(tmp_path, tiny_tree, [], samples, "run", model="clip_zero_shot")

    assert not result.stopped and 0 <= result.metrics["leaf_accuracy"] <= 1
    checkpoint = load_checkpoint(result.checkpoint)
    pixels = decode_pictures([sample.path for sample in samples], size=16, folder=tmp_path / "cache")
    said = list(predict(checkpoint, pixels, device="cpu"))
    measured = metrics_of(tiny_tree, [sample.node for sample in samples], said)
    calibrated = {"ece_leaf"}  # told before the temperature was fitted
    assert measured.keys() == result.metrics.keys()
    for name in measured.keys() - calibrated:
        np.testing.assert_equal(measured[name], result.metrics[name])
    assert any("started at random" in remark for remark in result.remarks)
    assert run_of(tmp_path, tiny_tree, [], [], "nothing measured", model="clip_zero_shot").metrics == {}


def test_zero_shot_is_queued_before_the_first_label(workspace):
    assert training.queue_run(workspace, config(model="clip_zero_shot")) == 1
    with pytest.raises(NotTrainable):
        training.queue_run(workspace, config())
    with pytest.raises(BadConfig, match="reads the names"):
        training.queue_run(workspace, config(model="clip_zero_shot", backbone="resnet18"))
    published = config(model="clip_zero_shot", backbone="clip:RN50-quickgelu", weights="openai")
    assert training.queue_run(workspace, published) == 2
