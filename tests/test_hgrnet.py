"""HGR-Net learns from labels at any level by the names of the classes; zero-shot CLIP is the same without learning."""

import math
from pathlib import Path

import numpy as np
import open_clip
import pytest
import torch
from PIL import Image
from torch import Tensor, nn

from hmgc_core.errors import BadConfig, NotTrainable, UnknownModel, WeightsError
from hmgc_core.learning.checkpoints import load_checkpoint
from hmgc_core.learning.inference import metrics_of, predict
from hmgc_core.learning.pixel_cache import decode_pictures
from hmgc_core.learning.training import FitResult, fit
from hmgc_core.models import clip_towers, hgrnet
from hmgc_core.models.backbones import colours
from hmgc_core.models.catalog import build_model, check_names
from hmgc_core.models.clip_towers import ClipTowers
from hmgc_core.models.hgrnet import ClipZeroShot, Contrast, HgrNet, prompts
from hmgc_core.records import IS, IS_NOT, NONE_HERE, RunConfig, Sample, Targets
from hmgc_core.taxonomy import NodeText, Taxonomy
from hmgc_core.workflow import training

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


def random_tree(seed: int, nodes: int = 24) -> Taxonomy:
    """Ragged, with chains and leaves at every level."""
    random = np.random.default_rng(seed)
    return Taxonomy.from_edges([(f"n{i}", f"n{random.integers(max(0, i - 6), i)}") for i in range(1, nodes)])


def model_of(tree: Taxonomy, **contrast) -> HgrNet:
    return HgrNet(tree, towers(), contrast=Contrast(**contrast)).double()


# --- the loss ---------------------------------------------------------------------------------------------------------


def published_loss(model: HgrNet, image: Tensor, label: int) -> Tensor:
    """The loop as published, for one picture: one pass over the names for each contrast."""
    tree, towers, contrast = model.taxonomy, model.towers, model.contrast
    vector = nn.functional.normalize(towers.pool(towers(image[None])), dim=-1)
    up = tree.path(label)[::-1]
    outer = up[: max(1, math.ceil(contrast.out_ratio * len(up)))]
    total = torch.zeros((), dtype=torch.float64)
    for k, positive in enumerate(outer):
        way = tree.path(positive)[::-1]
        inner = way[: max(1, math.ceil(contrast.in_ratio * len(way)))]
        for m, anchor in enumerate(inner):
            depth = int(tree.depths[anchor])
            levels = {max(1, depth - 1)} if contrast.window == "above" else {depth - 1, depth, depth + 1} - {0}
            negatives = [node for node in range(1, len(tree)) if tree.depths[node] in levels]
            negatives = [n for n in negatives if not (tree.is_ancestor[n, positive] or tree.is_ancestor[positive, n])]
            names = torch.stack([model.tokens[node] for node in [*negatives, positive]])
            texts = nn.functional.normalize(towers.embed_texts(names), dim=-1)
            logits = towers.clip.logit_scale.exp() * vector @ texts.t()
            entropy = nn.functional.cross_entropy(logits, torch.tensor([len(negatives)]))
            total = total + layer_weights(model, outer)[k] * layer_weights(model, inner)[m] * entropy
    return total


def layer_weights(model: HgrNet, nodes: list[int]) -> Tensor:
    if model.contrast.weighting == "equal":
        return torch.full((len(nodes),), 1 / len(nodes), dtype=torch.float64)
    if model.contrast.weighting == "increasing":
        ranks = torch.arange(1, len(nodes) + 1, dtype=torch.float64)
        return ranks / ranks.sum()
    return torch.stack([model.theta[model.taxonomy.depths[node]] for node in nodes]).softmax(0)


@pytest.mark.parametrize("weighting", ["learned", "equal", "increasing"])
@pytest.mark.parametrize(("window", "out_ratio", "in_ratio"), [("around", 0.25, 0.5), ("above", 0.6, 1.0)])
def test_one_pass_over_the_names_learns_what_the_published_loop_learns(window, out_ratio, in_ratio, weighting):
    tree = random_tree(seed=len(window))
    model = model_of(tree, window=window, out_ratio=out_ratio, in_ratio=in_ratio, weighting=weighting)
    labels = torch.tensor([*tree.leaves[:4], 1, 2, 0, int(tree.parents[tree.leaves[0]])])
    images = torch.randn(len(labels), 3, 16, 16, dtype=torch.float64)

    slow = torch.stack([published_loss(model, *pair) for pair in zip(images, labels.tolist(), strict=True)]).mean()
    slow_gradients = gradients(model, slow)
    fast = model.loss(model(images), labels)
    fast_gradients = gradients(model, fast)

    assert fast.item() == pytest.approx(slow.item(), rel=1e-12)
    for name, gradient in slow_gradients.items():
        assert torch.allclose(fast_gradients[name], gradient, rtol=1e-9, atol=1e-12), name


def gradients(model: nn.Module, loss: Tensor) -> dict[str, Tensor]:
    model.zero_grad()
    loss.backward()
    return {name: p.grad.clone() for name, p in model.named_parameters() if p.grad is not None}


@pytest.mark.parametrize(
    ("length", "out_ratio", "in_ratio", "expected"),
    [(8, 0.25, 0.5, 8), (8, 1.0, 1.0, 36), (8, 0.0, 0.0, 1), (1, 1.0, 1.0, 1), (10, 0.3, 0.1, 3)],
)
def test_the_ratios_say_how_many_contrasts_there_are(length, out_ratio, in_ratio, expected):
    chain = Taxonomy.from_edges([(f"n{i + 1}", f"n{i}") for i in range(length)] + [("other", "n0")])
    model = model_of(chain, out_ratio=out_ratio, in_ratio=in_ratio)
    rows, weights = model._contrasts(torch.tensor([chain.index(f"n{length}")]), torch.tensor([True]))
    assert len(rows.right) == expected
    assert weights.sum().item() == pytest.approx(1)


def test_layer_weights_start_as_one_over_the_size_of_the_level_and_learn(tiny_tree):
    model = model_of(tiny_tree, out_ratio=1.0, in_ratio=0.0)
    gull = torch.tensor([tiny_tree.index("gull-like")])
    _, weights = model._contrasts(gull, torch.tensor([True]))
    sizes = torch.tensor([3.0, 3.0, 2.0], dtype=torch.float64)  # nodes at depth 3, 2, 1
    assert torch.allclose(weights, (1 / sizes) / (1 / sizes).sum())
    model.loss(model(torch.randn(1, 3, 16, 16, dtype=torch.float64)), gull).backward()
    assert model.theta.grad is not None and (model.theta.grad[1:] != 0).all()


def test_at_most_so_many_negatives_are_drawn_and_the_seed_says_which():
    wide = Taxonomy.from_edges([(f"n{i}", "root") for i in range(40)])
    nodes = torch.tensor([3, 17])
    drawn = [
        model_of(wide, negatives=7, seed=seed)._contrasts(nodes, torch.tensor([True, True]))[0].candidates
        for seed in (0, 0, 1)
    ]
    assert drawn[0].sum(1).tolist() == [8, 8]
    assert drawn[0][[0, 1], nodes].all() and not drawn[0][:, 0].any()
    assert torch.equal(drawn[0], drawn[1]) and not torch.equal(drawn[0], drawn[2])


@pytest.mark.parametrize("seed", range(4))
def test_is_not_is_learned_as_the_probability_of_everything_else(seed):
    tree = random_tree(seed)
    model = model_of(tree)
    alone = {node for node in range(1, len(tree)) if tree.leaf_counts[node] == tree.leaf_counts[0]}
    nodes = torch.tensor([node for node in range(1, len(tree)) if node not in alone])
    scores = model(torch.randn(len(nodes), 3, 16, 16, dtype=torch.float64))
    probs = model.log_probs(scores).exp()[torch.arange(len(nodes)), nodes]
    for row, node in enumerate(nodes):
        one = type(scores)(scores.embedding[row : row + 1])
        target = Targets(node[None], torch.tensor([IS_NOT]), torch.ones(1, dtype=torch.float64))
        assert model.loss(one, target).item() == pytest.approx(-math.log1p(-probs[row].item()), rel=1e-8)


def test_a_sure_mistake_is_still_unlearned(tiny_tree):
    # In float32 the probability of the node is 1, but that of everything else is not 0.
    model = HgrNet(tiny_tree, towers())
    similarities = torch.zeros(1, len(tiny_tree))
    similarities[0, tiny_tree.index("bird")] = 40
    similarities.requires_grad_()
    columns = hgrnet._Columns(similarities, torch.ones(len(tiny_tree), dtype=torch.bool))
    families = model._families(torch.tensor([tiny_tree.index("bird")]), torch.tensor([True]))
    loss = hgrnet._complement(columns, *families, tiny_tree.depth)
    loss.backward()
    assert loss.item() == pytest.approx(40)
    assert similarities.grad[0, tiny_tree.index("bird")] == pytest.approx(1)


def test_none_here_is_learned_as_is_and_the_root_teaches_nothing(tiny_tree):
    model = model_of(tiny_tree)
    scores = model(torch.randn(2, 3, 16, 16, dtype=torch.float64))
    nodes = torch.full((2,), tiny_tree.index("bird"))
    one = torch.ones(2, dtype=torch.float64)
    here, stops = (model.loss(scores, Targets(nodes, torch.full((2,), kind), one)) for kind in (IS, NONE_HERE))
    assert here == stops > 0
    nothing = model.loss(scores, torch.zeros(2, dtype=torch.int64))
    nothing.backward()
    assert nothing == 0


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


def test_a_long_name_keeps_its_beginning():
    long = " ".join(["very"] * 50)
    tokens = towers().tokenise([f"a photo of a crane, {long}", "a dog"])
    assert tokens.shape == (2, 24) and tokens[0, -1] == tokens.max()


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


# --- the towers -------------------------------------------------------------------------------------------------------


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


def test_loaded_statistics_of_a_resnet_stay_frozen():
    both = towers(RESNET)
    images = torch.randn(4, 3, 64, 64)
    for is_random in (False, True):
        both.pretrained = not is_random
        before = both.clip.visual.bn1.running_mean.clone()
        both.train()(images)
        assert torch.equal(both.clip.visual.bn1.running_mean, before) is not is_random


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
    with pytest.raises(WeightsError, match="QuickGELU") as caught:
        clip_towers._published("RN50", "openai")
    assert "clip:RN50-quickgelu" in caught.value.remedy

    def offline(*_, **__):
        raise OSError("no network")

    monkeypatch.setattr(open_clip, "download_pretrained", offline)
    published = clip_towers._published("RN50-quickgelu", "openai")
    with pytest.raises(WeightsError, match="could not be fetched from https://"):
        clip_towers._fetched(published, "RN50-quickgelu", "openai")


def test_pictures_too_small_for_a_patch_and_other_backbones_are_refused(tiny_tree):
    with pytest.raises(BadConfig, match="too small"):
        build_model("hgrnet", tiny_tree, config(backbone="clip:ViT-B-32"))
    for model in ("hgrnet", "clip_zero_shot"):
        with pytest.raises(BadConfig, match="reads the names") as caught:
            check_names(model, "resnet18")
        assert "clip:tiny" in caught.value.remedy
    with pytest.raises(BadConfig, match=r"no \{\}"):
        build_model("hgrnet", tiny_tree, config(options={"prompt": "a bird"}))


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
