"""HGR-Net knows classes by their names, the ones without a picture too; zero-shot CLIP is the same without learning."""

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
from hmgc_core.models.catalog import build_model
from hmgc_core.models.clip_zero_shot import ClipZeroShot
from hmgc_core.models.named_classes import prompts
from hmgc_core.records import RunConfig, Sample
from hmgc_core.taxonomy import NodeText, Taxonomy
from hmgc_core.workflow import training

# --- what it says -----------------------------------------------------------------------------------------------------


def test_a_class_takes_its_probability_from_its_sisters_alone(tiny_tree):
    model = model_of(tiny_tree).eval()
    more = model.retarget(Taxonomy.from_edges([*tiny_edges(tiny_tree), ("penguin", "bird")]))
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
    loss = model.loss(model(torch.randn(2, 3, 16, 16, dtype=torch.float64)), torch.tensor([1, 2]))
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


def test_a_class_added_after_the_training_is_found_by_its_name():
    names = [f"{colour} on {shade}" for shade in SHADES for colour in COLOURS]
    late, known = "blue on black", [name for name in names if name != "blue on black"]
    tops = [(shade, "all") for shade in SHADES]
    tree = Taxonomy.from_edges(tops + [(name, name.split(" on ")[1]) for name in known])
    torch.manual_seed(0)
    model = build_model("hgrnet", tree, config(options={"out_ratio": 1.0}))
    optimizer, random = model.optimizer(RunConfig(lr=1e-3)), torch.Generator().manual_seed(0)
    labels = torch.tensor([tree.index(name) for name in known * 2])
    for _ in range(30):
        optimizer.zero_grad()
        model.loss(model(colours_on_shades(known * 2, random)), labels).backward()
        optimizer.step()

    more = model.eval().retarget(Taxonomy.from_edges(tops + [(name, name.split(" on ")[1]) for name in names]))
    with torch.no_grad():
        probs = more.log_probs(more(colours_on_shades([late] * 8, random))).exp()[:, more.taxonomy.leaves]
    place = [more.taxonomy.keys[leaf] for leaf in more.taxonomy.leaves].index(late)
    assert probs[:, place].mean() > 2 / len(names)
    assert (probs > probs[:, [place]]).sum(1).float().mean() <= 2  # classes that are thought likelier


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
    assert training.queue_run(workspace, config(model="clip_zero_shot", weights="openai")) == 2
