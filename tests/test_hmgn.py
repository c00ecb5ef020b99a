"""`hmgn` gives the numbers of its authors' form, and of slow and obvious code, without that form's memory."""

import math

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor, nn

from hmgc_core.errors import BadConfig
from hmgc_core.learning.checkpoints import load_checkpoint, save_checkpoint
from hmgc_core.learning.training import fit
from hmgc_core.models import hmgn
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
    monkeypatch.setitem(hmgn.BLOCK, "cpu", 200)


def random_tree(seed: int, nodes: int) -> Taxonomy:
    """Ragged, with several tops and chains of only children."""
    rng = np.random.default_rng(seed)
    return Taxonomy.from_edges((f"n{i}", f"n{rng.integers(-2, i)}".replace("n-", "top")) for i in range(1, nodes))


def double(*shape: int, grad: bool = True) -> Tensor:
    return torch.randn(*shape, dtype=torch.float64, requires_grad=grad)


def assert_same(one: list[Tensor], other: list[Tensor]) -> None:
    for a, b in zip(one, other, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-11, atol=1e-11)


def small(tree: Taxonomy, **settings) -> hmgn.HMGN:
    return build_model("hmgn", tree, RunConfig(model="hmgn", backbone="resnet_mini", image_size=16, **settings))


# --- attention --------------------------------------------------------------------------------------------------------


def attention_class_by_class(attention: hmgn.SemanticAttention, features: Tensor, words: Tensor) -> Tensor:
    """The published form with both linear maps and the biases that we leave out, one class of one picture at a time."""
    bias_3, bias_a = torch.randn(attention.fc_3.out_features, dtype=torch.float64), 3.0
    rows = []
    for word in words:
        for picture in features:
            places = picture.flatten(1).t()
            product = torch.tanh(attention.of_features(places) * attention.of_words(word))
            logits = attention.fc_a(attention.fc_3(product) + bias_3) + bias_a
            rows.append((torch.softmax(logits, 0) * places).sum(0))
    return torch.stack(rows).view(len(words), len(features), -1)


@pytest.mark.parametrize("shape", [(2, 6, 3, 5), (1, 8, 1, 1), (3, 4, 7, 2)])
def test_attention_is_the_published_one_with_its_gradients(shape):
    attention = hmgn.SemanticAttention(shape[1]).double()
    features, words = double(*shape), double(19, 300, grad=False)
    wanted = [features, *attention.parameters()]
    fast, slow = attention(features, words), attention_class_by_class(attention, features, words)
    back = torch.randn_like(fast)
    assert_same([fast], [slow])
    assert_same([*torch.autograd.grad(fast, wanted, back)], [*torch.autograd.grad(slow, wanted, back)])


def test_attention_has_the_gradient_of_its_own_value():
    assert torch.autograd.gradcheck(hmgn.attention_logits, (double(2, 5), double(2, 9), double(2)))


def test_attention_keeps_nothing_of_positions_times_classes_times_width():
    attention = hmgn.SemanticAttention(32)
    kept = 0

    def count(tensor: Tensor) -> Tensor:
        nonlocal kept
        kept += tensor.numel()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(count, lambda tensor: tensor):
        attention(torch.randn(2, 32, 6, 6, requires_grad=True), torch.randn(200, 300))
    authors = 2 * 36 * 200 * 16
    assert kept < authors / 2


# --- the gated graph --------------------------------------------------------------------------------------------------


def test_rows_stand_level_by_level_and_know_their_parents(tiny_tree):
    nodes, parents = hmgn.level_rows(tiny_tree)
    assert sorted(nodes) == list(range(1, len(tiny_tree)))
    assert (np.diff(tiny_tree.depths[nodes]) >= 0).all()
    below = nodes[len(nodes) - len(parents) :]
    assert (nodes[parents] == tiny_tree.parents[below]).all()
    assert (tiny_tree.depths[nodes[: -len(parents)]] == 1).all()


def cell_by_dense_matrices(cell: hmgn.GatedCell, nodes: Tensor, tree: Taxonomy) -> Tensor:
    """Node by node over a dense table of neighbours, with the four maps apart and batch norm written out."""
    of_rows = hmgn.level_rows(tree)[0]
    is_parent = torch.as_tensor(tree.parents[of_rows][:, None] == of_rows)
    linked = is_parent | is_parent.t() | torch.eye(len(nodes), dtype=torch.bool)
    hidden = nodes
    for convolution, norm in ((cell.first, cell.first_norm), (cell.second, cell.second_norm)):
        u_i, u_j, v_i, v_j = convolution.parts.weight.chunk(4)
        sums = []
        for end, x in enumerate(hidden):
            total = x @ u_i.t() + convolution.bias
            for start in linked[end].nonzero()[:, 0].tolist():
                y = hidden[start]
                total = total + torch.sigmoid(x @ v_i.t() + y @ v_j.t() + convolution.gate_bias) * (y @ u_j.t())
            sums.append(total)
        hidden = torch.stack(sums)
        mean, var = hidden.mean((0, 1)), hidden.var((0, 1), unbiased=False)
        hidden = (hidden - mean) / (var + norm.eps).sqrt() * norm.weight + norm.bias
        hidden = torch.relu(hidden if norm is cell.first_norm else hidden + nodes @ cell.shortcut.weight.t())
    return hidden


@pytest.mark.parametrize(("seed", "count"), [(0, 14), (1, 23), (2, 2)])
def test_a_cell_is_the_published_one_with_its_gradients(seed, count):
    tree, channels = random_tree(seed, count), 5
    cell = hmgn.GatedCell(channels).double()
    for parameter in (p for name, p in cell.named_parameters() if "bias" in name or "norm" in name):
        nn.init.normal_(parameter, 1)
    nodes = double(len(tree) - 1, 3, channels)
    fast, slow = cell(nodes, torch.as_tensor(hmgn.level_rows(tree)[1])), cell_by_dense_matrices(cell, nodes, tree)
    wanted, back = [nodes, *cell.parameters()], torch.randn_like(fast)
    assert_same([fast], [slow])
    assert_same([*torch.autograd.grad(fast, wanted, back)], [*torch.autograd.grad(slow, wanted, back)])


def test_gated_sums_have_the_gradient_of_their_own_value(tiny_tree):
    parents = torch.as_tensor(hmgn.level_rows(tiny_tree)[1])

    def sums(parts: Tensor, gate_bias: Tensor) -> Tensor:
        return hmgn.gated_sums(parts, gate_bias, parents)

    assert torch.autograd.gradcheck(sums, (double(4, len(tiny_tree) - 1, 1, 2), double(2)))


def test_weights_of_the_graph_start_as_published():
    cell = hmgn.GatedCell(32)
    for weight in (cell.shortcut.weight, cell.first.parts.weight, cell.second.parts.weight):
        assert 0.9 * math.sqrt(2 / 32) < weight.abs().max() <= math.sqrt(2 / 32)


def test_a_class_has_its_own_weights_in_the_classifier():
    classifier, nodes = hmgn.ElementWiseClassifier(4, 3).double(), double(4, 2, 3)
    slow = [[(classifier.weight[k] * nodes[k, b]).sum() + classifier.bias[k] for k in range(4)] for b in range(2)]
    assert_same([classifier(nodes)], [torch.stack([torch.stack(row) for row in slow])])


# --- the whole model --------------------------------------------------------------------------------------------------


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
    tree = random_tree(seed, 17)
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
