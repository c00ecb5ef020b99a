"""Metrics against small cases that can be counted by hand."""

import math
from itertools import pairwise

import numpy as np
import pytest
from hiclass import metrics as hiclass_metrics
from random_trees import random_probs, random_tree
from sklearn.metrics import average_precision_score

from hmgc_core.decoding import decode
from hmgc_core.errors import BadProbabilities
from hmgc_core.metrics import (
    ac_info,
    average_prc,
    deepest_answers,
    evaluate,
    info_recall_at,
    information,
    is_one_path,
    mistake_distance,
    operating_curve,
)
from hmgc_core.taxonomy import Taxonomy


@pytest.fixture
def node(tiny_tree):
    """Node indices by key, -1 for an empty one."""
    return lambda *keys: np.array([tiny_tree.index(key) if key else -1 for key in keys])


def sure(tree: Taxonomy, nodes: np.ndarray) -> np.ndarray:
    """(B, N) probabilities that are 1 along each node's path."""
    return tree.is_ancestor[:, nodes].T.astype(float)


def test_leaf_answers_are_one_path_and_full_path_equals_leaf_accuracy(tiny_tree, node):
    targets, predicted = node("owl", "tug", "gull-like"), node("owl", "tug", "black-footed")
    measured = evaluate(tiny_tree, targets, sure(tiny_tree, predicted), predicted)
    assert measured["answers"] == "one path"
    assert measured["leaf_accuracy"] == measured["full_path_accuracy"] == pytest.approx(2 / 3)
    assert measured["level_accuracy"] == pytest.approx([1.0, 1.0, 0.5])
    assert measured["tice"] == 0
    assert measured["severity"] == 1


def test_a_level_counts_only_images_labelled_that_deep(tiny_tree, node):
    targets, predicted = node("bird", "ship", "black-footed"), node("owl", "owl", "black-footed")
    measured = evaluate(tiny_tree, targets, sure(tiny_tree, predicted), predicted)
    assert measured["level_accuracy"] == pytest.approx([2 / 3, 1.0, 1.0])
    assert measured["leaf_accuracy"] == 1
    assert measured["h_recall"] == pytest.approx(4 / 5)


def test_answers_per_level_may_break_their_path(tiny_tree, node):
    answers = np.stack([node("bird", "steamer", "tug"), node("bird", "owl", ""), node("ship", "steamer", "tug")])
    targets = node("tug", "owl", "tug")
    measured = evaluate(tiny_tree, targets, None, answers)
    assert measured["answers"] == "per level"
    assert measured["tice"] == pytest.approx(1 / 3)
    assert measured["leaf_accuracy"] == 1
    assert measured["full_path_accuracy"] == pytest.approx(2 / 3)
    assert measured["level_accuracy"] == pytest.approx([2 / 3, 1, 1])
    assert math.isnan(measured["ece_leaf"])


def test_a_path_with_a_hole_is_not_one_path(tiny_tree, node):
    answers = np.stack([node("bird", "", "tug"), node("bird", "albatross", "")])
    assert is_one_path(tiny_tree, answers).tolist() == [False, True]


def test_mistake_distance_counts_edges_up_to_the_common_ancestor(tiny_tree, node):
    targets = node("black-footed", "black-footed", "black-footed", "bird", "owl")
    predicted = node("black-footed", "gull-like", "tug", "owl", "bird")
    assert mistake_distance(tiny_tree, targets, predicted).tolist() == [0, 1, 3, 0, 1]


def test_what_cannot_be_measured_is_nan(tiny_tree, node):
    nothing = np.zeros(0, dtype=np.int64)
    empty = evaluate(tiny_tree, nothing, np.zeros((0, len(tiny_tree))), nothing)
    assert all(math.isnan(empty[name]) for name in ("leaf_accuracy", "tice", "severity", "ece_leaf", "h_recall"))
    assert all(math.isnan(value) for value in empty["level_accuracy"])
    coarse = evaluate(tiny_tree, node("bird"), sure(tiny_tree, node("owl")), node("owl"))
    assert math.isnan(coarse["leaf_accuracy"])
    assert math.isnan(coarse["severity"])


def test_calibration_compares_confidence_with_accuracy_of_leaf_labels_only(tiny_tree, node):
    targets, predicted = node("owl", "owl", "bird"), node("owl", "tug", "owl")
    probs = np.zeros((3, len(tiny_tree)))
    probs[:, node("owl")[0]] = [0.8, 0.3, 0.9]
    probs[1, node("tug")[0]] = 0.7
    measured = evaluate(tiny_tree, targets, probs, predicted)
    assert measured["ece_leaf"] == pytest.approx((0.2 + 0.7) / 2)


# --- answers, by hand -------------------------------------------------------------------------------------------------


def test_a_path_is_measured_by_the_classes_it_shares(tiny_tree, node):
    targets, predicted = node("black-footed", "owl", "tug"), node("gull-like", "owl", "owl")
    measured = evaluate(tiny_tree, targets, None, predicted)
    # Shared classes 2, 2, 0; answered 3, 2, 2; true 3, 2, 3.
    assert measured["h_precision"] == pytest.approx(4 / 7)
    assert measured["h_recall"] == pytest.approx(4 / 8)
    assert measured["h_f1"] == pytest.approx(8 / 15)
    assert measured["por"] == pytest.approx((2 / 3 + 1 + 0) / 3)
    # Neighbouring levels that are both right: 1 of 2, 1 of 1, 0 of 2.
    assert measured["tor_pair"] == pytest.approx((1 / 2 + 1 + 0) / 3)
    assert measured["ahd_at_1"] == pytest.approx((1 + 0 + 3) / 3)
    assert measured["severity"] == pytest.approx((1 + 3) / 2)
    # Levels have 2, 3 and 3 classes; 2 of 3, 2 of 3 and 0 of 2 images are right there.
    assert measured["wap"] == pytest.approx((2 * 2 / 3 + 3 * 2 / 3 + 3 * 0) / 8)


def test_nothing_is_known_below_a_coarse_label(tiny_tree, node):
    measured = evaluate(tiny_tree, node("bird", "bird", "life"), None, node("owl", "tug", "owl"))
    # bird and ship, steamer, tug are judged; the owls lie below their labels.
    assert measured["h_precision"] == pytest.approx(1 / 4)
    assert measured["h_recall"] == measured["por"] == measured["tor_pair"] == pytest.approx(1 / 2)
    assert measured["h_f1"] == pytest.approx(2 / 6)
    assert measured["coverage"] == 0
    assert measured["ahd_at_1"] == pytest.approx(1 / 3)


def test_a_broken_path_earns_what_is_right_in_it(tiny_tree, node):
    measured = evaluate(tiny_tree, node("tug"), None, node("bird", "steamer", "tug")[None])
    assert measured["h_precision"] == measured["por"] == pytest.approx(2 / 3)
    assert measured["tor_pair"] == pytest.approx(1 / 2)
    assert math.isnan(measured["coverage"]) and math.isnan(measured["mean_info"])


def test_hedged_answers_are_right_less_precisely(tiny_tree, node):
    targets, predicted = node("owl", "tug", "tug", "bird"), node("bird", "life", "bird", "albatross")
    measured = evaluate(tiny_tree, targets, None, predicted)
    assert measured["coverage"] == pytest.approx(2 / 3)
    assert information(tiny_tree)[node("life", "bird", "albatross", "ship", "tug")] == pytest.approx(
        [0, 1 - math.log(3) / math.log(4), 1 / 2, 1, 1]
    )
    assert measured["mean_info"] == pytest.approx((2 * (1 - math.log(3) / math.log(4)) + 0 + 1 / 2) / 4)


def test_a_tree_of_one_leaf_tells_all_at_its_root():
    chain = Taxonomy.from_edges([("b", "a"), ("c", "b")])
    assert information(chain).tolist() == [1, 1, 1]
    measured = evaluate(chain, np.array([2]), np.ones((1, 3)), np.array([2]))
    assert math.isnan(measured["ac_info"]) and measured["average_prc"] == measured["tor_hit"] == 1


# --- certainty, by hand -----------------------------------------------------------------------------------------------


def probs_of(tree: Taxonomy, *images: dict[str, float]) -> np.ndarray:
    """(B, N) marginals of these leaf probabilities."""
    mass = np.array([[image.get(key, 0) for image in images] for key in tree.keys], dtype=float)
    return tree.sum_up(mass).T


def test_the_five_likeliest_leaves_are_all_where_there_are_fewer(tiny_tree, node):
    probs = probs_of(tiny_tree, {"owl": 0.7, "tug": 0.3})
    measured = evaluate(tiny_tree, node("owl"), probs, node("owl"))
    assert measured["ahd_at_1"] == 0
    assert measured["ahd_at_5"] == pytest.approx((0 + 1 + 1 + 2) / 4)


def test_the_likeliest_of_all_classes_is_on_the_path(tiny_tree, node):
    probs = probs_of(tiny_tree, {"owl": 0.3, "black-footed": 0.3, "tug": 0.4}, {"owl": 0.4, "tug": 0.6}, {"tug": 1})
    assert evaluate(tiny_tree, node("owl", "owl", "life"), probs, node("tug", "tug", "tug"))["tor_hit"] == 0.5


def test_average_prc_ranks_all_classes_of_all_images(tiny_tree, node):
    probs = probs_of(tiny_tree, {"owl": 0.6, "tug": 0.4})
    # Ranked: bird .6 and owl .6 (true), ship, steamer and tug .4, the albatrosses 0.
    assert average_prc(tiny_tree, node("owl"), probs) == 1
    # The same for a tug: three true ones at .4, below two others.
    assert average_prc(tiny_tree, node("tug"), probs) == pytest.approx(3 / 5)
    # A bird: nothing is known of the classes below it.
    assert average_prc(tiny_tree, node("bird"), probs) == 1
    assert math.isnan(average_prc(tiny_tree, node("life"), probs))


def test_the_answered_class_is_calibrated_as_deep_as_the_label_goes(tiny_tree, node):
    probs = probs_of(tiny_tree, {"owl": 0.5, "gull-like": 0.3, "tug": 0.2}, {"tug": 0.9, "owl": 0.1}, {"owl": 1})
    targets, predicted = node("bird", "owl", "life"), node("owl", "ship", "owl")
    # bird is right at .8; ship is wrong at .9; a label at the root tells nothing.
    assert evaluate(tiny_tree, targets, probs, predicted)["ece_node"] == pytest.approx((0.2 + 0.9) / 2)


def test_the_operating_curve_trades_detail_for_being_right(tiny_tree, node):
    bird, albatross = information(tiny_tree)[node("bird", "albatross")]
    probs = probs_of(
        tiny_tree, {"black-footed": 0.5, "gull-like": 0.1, "owl": 0.2, "tug": 0.2}, {"owl": 0.7, "tug": 0.3}
    )
    correct, recall = operating_curve(tiny_tree, node("gull-like", "owl"), probs)
    # Thresholds: .8 bird; .7 owl (right); .6 albatross; .5 black-footed (wrong).
    assert correct == pytest.approx([1, 1, 1, 1, 0.5])
    assert recall == pytest.approx([0, bird / 2, (bird + 1) / 2, (albatross + 1) / 2, (albatross + 1) / 2])
    assert ac_info(correct, recall) == pytest.approx((albatross + 1) / 2)
    assert info_recall_at(correct, recall, 0.95) == pytest.approx((albatross + 1) / 2)
    assert info_recall_at(np.array([1, 0.95, 0.9]), np.array([0, 0.4, 0.7]), 0.95) == 0.4


@pytest.mark.parametrize(
    ("probs", "told"),
    [(np.full((1, 9), np.nan), "nan"), (np.full((1, 9), -0.5), "-0.5"), (np.full((1, 9), 37.0), "37"),
     (np.zeros((1, 4)), "9 classes"), (np.zeros(9), "9 classes")],
)  # fmt: skip
def test_what_is_no_probability_is_refused(tiny_tree, node, probs, told):
    for measure in (lambda: decode(tiny_tree, probs), lambda: evaluate(tiny_tree, node("owl"), probs, node("owl"))):
        with pytest.raises(BadProbabilities, match=told):
            measure()


# --- against others, and against slow and obvious versions ------------------------------------------------------------


def padded(tree: Taxonomy, answers: np.ndarray) -> np.ndarray:
    """Answers as hiclass reads them: names, empty where there is none."""
    return np.where(answers >= 0, np.array(tree.keys)[answers], "")


@pytest.mark.parametrize("seed", range(5))
def test_path_metrics_are_those_of_hiclass(seed):
    rng = np.random.default_rng(seed)
    tree = random_tree(rng, 30)
    targets = rng.choice(tree.leaves, 50)
    one_path, per_level = rng.integers(1, len(tree), 50), tree.ancestors_by_depth[rng.integers(1, len(tree), 50)]
    per_level[:, 0] = rng.choice(tree.levels[0], 50)
    for predicted in (one_path, per_level):
        answers = tree.ancestors_by_depth[predicted] if predicted.ndim == 1 else predicted
        told, wanted = padded(tree, answers), padded(tree, tree.ancestors_by_depth[targets])
        measured = evaluate(tree, targets, None, predicted)
        assert measured["h_precision"] == pytest.approx(hiclass_metrics.precision(wanted, told), abs=1e-12)
        assert measured["h_recall"] == pytest.approx(hiclass_metrics.recall(wanted, told), abs=1e-12)
        zero = {"zero_division": 0.0}
        assert measured["h_f1"] == pytest.approx(hiclass_metrics.f1(wanted, told, **zero), abs=1e-12)


@pytest.mark.parametrize("kind", ["float64", "float32"])
@pytest.mark.parametrize("steps", [0, 4])
@pytest.mark.parametrize("seed", range(4))
def test_average_prc_is_that_of_scikit_learn(seed, steps, kind, monkeypatch):
    monkeypatch.setattr("hmgc_core.decoding.BLOCK", 300)
    rng = np.random.default_rng(seed)
    tree = random_tree(rng, 40)
    leaves, anywhere = rng.choice(tree.leaves, 60), rng.integers(1, len(tree), 60)
    probs = random_probs(rng, tree, 60, steps=steps).astype(kind)
    multi_hot = tree.is_ancestor[:, leaves].T[:, 1:]
    expected = average_precision_score(multi_hot, probs[:, 1:], average="micro")
    assert average_prc(tree, leaves, probs) == pytest.approx(expected, abs=1e-12)
    # Of coarse labels, the classes strictly below are left out.
    is_true, is_known = (
        tree.is_ancestor[:, anywhere].T,
        (~tree.is_ancestor[anywhere] | np.eye(len(tree), dtype=bool)[anywhere]),
    )
    is_known[:, 0] = False
    expected = average_precision_score(is_true[is_known], probs[is_known])
    assert average_prc(tree, anywhere, probs) == pytest.approx(expected, abs=1e-12)


def slow_curve(tree: Taxonomy, targets: np.ndarray, probs: np.ndarray) -> tuple[list[float], list[float]]:
    """The answer of every image at every threshold, one after the other."""
    info = [math.log(len(tree.leaves) / n) / math.log(len(tree.leaves)) for n in tree.leaf_counts]
    above = tree.is_ancestor.tolist()
    every = range(len(tree))
    shared = [[max(info[n] for n in every if above[n][a] and above[n][b]) for b in every] for a in every]
    correct, recall = [1.0], [0.0]
    for threshold in sorted(set(probs[:, 1:].ravel().tolist()), reverse=True):
        right = told = 0.0
        for target, row in zip(targets.tolist(), probs.tolist(), strict=True):
            sure = [0, *(node for node in range(1, len(tree)) if row[node] >= threshold)]
            answer = max(sure, key=lambda node: (-tree.leaf_counts[node], node == 0 or row[node], -node))
            right += above[answer][target]
            told += shared[answer][target]
        correct.append(right / len(targets))
        recall.append(told / len(targets))
    return correct, recall


def without_repeats(points: list[tuple[float, float]]) -> list[tuple[float, float]]:
    kept = points[:1]
    for point in points[1:]:
        if point != pytest.approx(kept[-1], abs=1e-12):
            kept.append(point)
    return kept


@pytest.mark.parametrize("steps", [0, 4])
@pytest.mark.parametrize("seed", range(6))
def test_the_operating_curve_is_that_of_a_sweep_over_all_thresholds(seed, steps, monkeypatch):
    monkeypatch.setattr("hmgc_core.decoding.BLOCK", 100)
    rng = np.random.default_rng(100 + seed)
    tree = random_tree(rng, 14)
    if len(tree.leaves) == 1:  # nothing to tell
        tree = Taxonomy.from_edges([(key, "hub") for key in tree.keys])
    targets, probs = rng.choice(tree.leaves, 12), random_probs(rng, tree, 12, steps=steps)
    correct, recall = operating_curve(tree, targets, probs)
    slow = list(zip(*slow_curve(tree, targets, probs), strict=True))
    # The slow sweep repeats a point where a threshold changes no answer.
    expected = without_repeats(slow)
    measured = without_repeats(list(zip(correct, recall, strict=True)))
    assert len(measured) == len(expected)
    np.testing.assert_allclose(measured, expected, rtol=0, atol=1e-12)
    slow_right, slow_told = (np.array(column) for column in zip(*slow, strict=True))
    assert ac_info(correct, recall) == pytest.approx(np.trapezoid(slow_right, slow_told), abs=1e-12)
    coarse = np.append(targets, 0), np.vstack([probs, probs[:1]])
    np.testing.assert_equal(operating_curve(tree, *coarse), (correct, recall))


@pytest.mark.parametrize("seed", range(6))
def test_metrics_are_those_of_a_loop_over_images(seed):
    rng = np.random.default_rng(seed)
    tree = random_tree(rng, 25)
    targets, probs = rng.integers(0, len(tree), 40), random_probs(rng, tree, 40, steps=3)
    answers = tree.ancestors_by_depth[rng.integers(0, len(tree), 40)]
    answers[:, 0] = rng.choice(tree.levels[0], 40)
    measured = evaluate(tree, targets, probs, answers)
    shares, pairs, hits, far, gaps = [], [], [], [], []
    for target, row, answer in zip(targets.tolist(), probs, answers, strict=True):
        path = tree.path(target)
        order = sorted(tree.leaves.tolist(), key=lambda leaf: -row[leaf])[:5]
        far += [sum(step not in tree.path(leaf) for step in path) for leaf in order] if len(order) == 5 else []
        if not path:
            continue
        right = [answer[level] == step for level, step in enumerate(path)]
        shares.append(np.mean(right))
        pairs.append(np.mean([a and b for a, b in pairwise(right)]) if len(right) > 1 else right[0])
        hits.append(1 + row[1:].argmax() in path)
        told = tree.path(int(deepest_answers(answer[None])[0]))
        told = told if tree.is_leaf[target] else told[: len(path)]
        gaps.append((row[told[-1]], told[-1] in path))
    bins = [[(p, ok) for p, ok in gaps if min(int(p * 15), 14) == b] for b in range(15)]
    ece = sum(abs(sum(ok for _, ok in found) - sum(p for p, _ in found)) for found in bins) / len(gaps)
    assert measured["por"] == pytest.approx(np.mean(shares))
    assert measured["tor_pair"] == pytest.approx(np.mean(pairs))
    assert measured["tor_hit"] == pytest.approx(np.mean(hits))
    assert measured["ece_node"] == pytest.approx(ece)
    assert not far or measured["ahd_at_5"] == pytest.approx(np.mean(far))
