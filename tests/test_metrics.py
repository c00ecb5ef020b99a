"""Metrics against small cases that can be counted by hand."""

import math

import numpy as np
import pytest

from hmgc_core.metrics import evaluate, is_one_path, mistake_distance
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
