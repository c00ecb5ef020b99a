"""`hmgn` as a whole: its size, its loss, its answers, its words; the parts have tests of their own."""

import math

import numpy as np
import pytest
import torch
from PIL import Image
from test_gated_graph import ragged_tree
from torch import Tensor

from hmgc_core.errors import BadConfig
from hmgc_core.learning.checkpoints import load_checkpoint, save_checkpoint
from hmgc_core.learning.training import fit
from hmgc_core.models import hmgn, work_blocks
from hmgc_core.models.catalog import build_model
from hmgc_core.models.tree_sigmoids import SigmoidScores
from hmgc_core.models.word_vectors import ClassVectors
from hmgc_core.records import IS, IS_NOT, NONE_HERE, RunConfig, Sample, Targets
from hmgc_core.taxonomy import Taxonomy
from hmgc_core.workflow import training


@pytest.fixture(autouse=True)
def _fixed_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Blocks so small that every test needs several, the last of them not full."""
    torch.manual_seed(0)
    monkeypatch.setitem(work_blocks.NUMBERS, "cpu", 200)


def small(tree: Taxonomy, **settings) -> hmgn.HMGN:
    return build_model("hmgn", tree, RunConfig(model="hmgn", backbone="resnet_mini", image_size=16, **settings))


def test_a_class_has_its_own_weights_in_the_classifier():
    classifier, nodes = hmgn.ElementWiseClassifier(4, 3).double(), torch.randn(4, 2, 3, dtype=torch.float64)
    slow = [[(classifier.weight[k] * nodes[k, b]).sum() + classifier.bias[k] for k in range(4)] for b in range(2)]
    torch.testing.assert_close(classifier(nodes), torch.stack([torch.stack(row) for row in slow]))


def test_it_has_the_published_number_of_parameters_on_a_tree_like_cub():
    edges = [(f"o{i}", "root") for i in range(13)]
    edges += [(f"f{i}", f"o{i % 13}") for i in range(38)] + [(f"s{i}", f"f{i % 38}") for i in range(200)]
    tree = Taxonomy.from_edges(edges)
    with torch.device("meta"):
        built = build_model("hmgn", tree, RunConfig(model="hmgn", backbone="resnet50", image_size=448))
    assert round(sum(p.numel() for p in built.parameters()) / 1e6, 1) == 140.8


def log_prob_by_states(tree: Taxonomy, f: np.ndarray, node: int, kind: int) -> float:
    """log P(label) over all states, a path from the top or nothing, by their definition."""
    inside = total = 0.0
    for end in range(len(tree)):
        path = tree.path(end)
        weight = math.exp(sum(f[i] for i in path))
        total += weight
        is_below = node == 0 or node in path
        inside += weight * {IS: is_below, IS_NOT: not is_below, NONE_HERE: end == node}[kind]
    return math.log(inside / total)


@pytest.mark.parametrize("seed", range(4))
def test_the_loss_is_the_papers_on_ragged_trees_with_mixed_kinds_and_weights(seed):
    tree = ragged_tree(seed, 17)
    built = small(tree, label_smoothing=0.0)
    rng = np.random.default_rng(seed)
    nodes, kinds = rng.integers(1, len(tree), 12), rng.integers(0, 3, 12)
    weights = rng.uniform(0.5, 2, 12)
    with torch.no_grad():
        scores = built.eval()(torch.randn(12, 3, 16, 16))
        loss = built.loss(scores, Targets(*map(torch.as_tensor, (nodes, kinds, weights)))).item()

    logits = scores.node_logits.double().numpy()
    hierarchy = entropy = named_weight = 0.0
    for f, node, kind, weight in zip(1 / (1 + np.exp(-logits)), nodes, kinds, weights, strict=True):
        f[0] = 0
        hierarchy -= weight * log_prob_by_states(tree, f, node, kind) / weights.sum()
    for row, node, kind, weight in zip(logits, nodes, kinds, weights, strict=True):
        below = [leaf for leaf in tree.leaves if tree.is_at_or_below(leaf, node)]
        if len(below) == 1 and kind != IS_NOT:
            entropy -= weight * (row[below[0]] - np.log(np.exp(row[tree.leaves]).sum()))
            named_weight += weight
    assert loss == pytest.approx(hierarchy + (entropy / named_weight if named_weight else 0), rel=1e-5)


def test_leaves_have_one_head_for_both_losses_and_every_level_its_largest_score(tiny_tree):
    scores = small(tiny_tree).eval()(torch.randn(2, 3, 16, 16))
    torch.testing.assert_close(scores.leaves, scores.node_logits[:, tiny_tree.leaves.tolist()])
    torch.testing.assert_close(scores.nodes[:, 1:], torch.sigmoid(scores.node_logits[:, 1:]))
    assert (scores.nodes[:, 0] == 0).all()

    logits = torch.zeros(1, len(tiny_tree))
    for key, value in {"ship": 3.0, "albatross": 2.0, "gull-like": 1.0}.items():
        logits[0, tiny_tree.index(key)] = value
    made = SigmoidScores(torch.zeros(1, 1), torch.sigmoid(logits), logits, logits[:, tiny_tree.leaves.tolist()])
    answer = small(tiny_tree).answers(made)[0].tolist()
    assert [tiny_tree.keys[node] for node in answer] == ["ship", "albatross", "gull-like"]


def test_the_certainty_of_an_answer_is_that_of_its_softmax(tiny_tree):
    built = small(tiny_tree).eval()
    scores = built(torch.randn(3, 3, 16, 16))
    log_probs, leaves = built.answer_log_probs(scores), tiny_tree.leaves.tolist()
    torch.testing.assert_close(log_probs[:, leaves].exp(), torch.softmax(scores.leaves, 1))
    answered = [[node for node in row if node >= 0][-1] for row in built.answers(scores).tolist()]
    assert [leaves[place] for place in log_probs[:, leaves].argmax(1)] == answered


def test_half_precision_stays_near_and_learns(tiny_tree):
    built = small(tiny_tree)
    images, targets = torch.randn(4, 3, 16, 16), torch.tensor([1, 2, 3, 4])
    exact = built(images).node_logits
    with torch.autocast("cpu", dtype=torch.bfloat16):
        scores = built(images)
        loss = built.loss(scores, targets)
    loss.backward()
    assert scores.node_logits.dtype == torch.float32
    assert (scores.node_logits - exact).abs().max() < 0.2
    assert all(torch.isfinite(p.grad).all() for p in built.parameters())


def test_every_parameter_learns(tiny_tree):
    built = small(tiny_tree)
    built.loss(built(torch.randn(4, 3, 16, 16)), torch.tensor([1, 2, 3, 4])).backward()
    assert [name for name, p in built.named_parameters() if p.grad is None or not p.grad.any()] == []


# --- memory -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("half", [False, True])
def test_the_memory_of_a_step_is_estimated_from_tree_and_map(half, monkeypatch):
    built = small(Taxonomy.from_edges((f"n{i}", f"top{i % 9}") for i in range(300)))
    kept: dict[int, Tensor] = {}

    def keep(tensor: Tensor) -> Tensor:
        kept[tensor.untyped_storage().data_ptr()] = tensor
        return tensor

    monkeypatch.setitem(work_blocks.NUMBERS, "cpu", 2**20)
    features = torch.randn(16, 96, 2, 2, requires_grad=True)
    with torch.autocast("cpu", dtype=torch.bfloat16, enabled=half):
        estimated = hmgn.step_memory(features, 309)
        with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
            built._class_scores(features)
    parameters = {p.untyped_storage().data_ptr() for p in built.parameters()}
    forward = sum(t.untyped_storage().nbytes() for place, t in kept.items() if place not in parameters)
    way_back = 36 * 16 * 309 * 96  # eight gradients of the size of the class features, and one copy of these
    assert forward + way_back == pytest.approx(estimated, rel=0.1)


def test_a_tree_too_large_for_the_machine_is_refused_before_it_is_tried(tiny_tree, monkeypatch):
    built = small(tiny_tree)
    images = torch.randn(4, 3, 16, 16)
    needed = hmgn.step_memory(built.trunk(images), len(tiny_tree) - 1)
    monkeypatch.setattr(hmgn, "device_memory", lambda _: needed * 0.6)
    with pytest.raises(BadConfig, match="8 classes and 4 pictures needs about") as caught:
        built(images)
    assert "batches of at most 2 pictures" in caught.value.remedy and "hrn" in caught.value.remedy
    built.eval()(images)  # predictions take what they need
    monkeypatch.setattr(hmgn, "device_memory", lambda _: needed * 0.1)
    with pytest.raises(BadConfig) as caught:
        built.train()(images)
    assert "pictures" not in caught.value.remedy

    many = torch.empty(64, 512, 4, 4, device="meta")  # resnet18 on 64 pixels, 16,344 nodes
    assert 90e9 < hmgn.step_memory(many, 16_343) < 100e9
    assert work_blocks.device_memory(torch.device("cpu")) > 1e9


def test_predictions_on_large_trees_are_made_a_few_pictures_at_a_time(tiny_tree, monkeypatch):
    built = small(tiny_tree).eval()
    images = torch.randn(5, 3, 16, 16)
    seen: list[int] = []
    built.cells[0].register_forward_pre_hook(lambda _module, given: seen.append(given[0].shape[1]))
    whole = built(images).node_logits
    monkeypatch.setattr(hmgn, "PREDICTED_AT_ONCE", 2 * 8 * 96)
    torch.testing.assert_close(built(images).node_logits, whole)
    assert seen == [5, 2, 2, 1]


# --- word vectors -----------------------------------------------------------------------------------------------------


def test_word_vectors_are_in_the_checkpoint_and_their_file_may_be_gone(tmp_path, tiny_tree):
    file = tmp_path / "glove.txt"
    file.write_text("owl " + " ".join(str(i / 300) for i in range(300)) + "\n")
    config = RunConfig(
        model="hmgn", backbone="resnet_mini", image_size=16, weights="", options={"word_vectors": str(file)}
    )
    built = build_model("hmgn", tiny_tree, config)
    row = tiny_tree.index("owl") - 1
    torch.testing.assert_close(built.words[row], torch.arange(300) / 300)
    assert any("bird" in remark for remark in built.remarks)

    folder = save_checkpoint(
        tmp_path / "kept", config=config, taxonomy=tiny_tree, weights=built.state_dict(), epoch=0, metrics={}
    )
    file.unlink()
    back = load_checkpoint(folder)
    assert torch.equal(back.model.words, built.words)
    assert back.config == config


def test_a_run_tells_which_words_are_missing(tmp_path, tiny_tree):
    file = tmp_path / "glove.txt"
    file.write_text("owl " + " ".join(["1"] * 300) + "\n")
    samples = []
    for number in range(2):
        path = tmp_path / f"{number}.png"
        Image.new("RGB", (16, 16), (90 * number, 50, 120)).save(path)
        samples.append(Sample(path, tiny_tree.index("owl") - number))
    settings = {"epochs": 1, "batch_size": 2, "device": "cpu", "options": {"word_vectors": str(file)}}
    config = RunConfig(model="hmgn", backbone="resnet_mini", image_size=16, **settings)
    result = fit(config, tiny_tree, samples, [], folder=tmp_path / "run", cache=tmp_path / "cache")
    assert any("not in glove.txt: albatross, bird, black, footed" in remark for remark in result.remarks)


def test_a_file_that_is_not_there_is_told_before_the_run_waits(labelled_workspace):
    config = RunConfig(model="hmgn", options={"word_vectors": "/gone/glove.txt"})
    with pytest.raises(BadConfig, match=r"/gone/glove\.txt \(word_vectors\)"):
        training.queue_run(labelled_workspace, config)


def test_the_words_say_where_to_look():
    tree = Taxonomy.from_edges([("a", ""), ("b", "")])
    built = small(tree)
    other = hmgn.HMGN(tree, built.trunk, ClassVectors(np.ones((2, 300), np.float32))).eval()
    other.load_state_dict({**built.state_dict(), "words": torch.ones(2, 300)})
    images = torch.randn(1, 3, 32, 32)
    assert not torch.allclose(built.eval()(images).node_logits, other(images).node_logits, atol=1e-6)
