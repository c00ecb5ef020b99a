"""One node from the probabilities of all."""

import numpy as np
import pytest
from random_trees import random_probs, random_tree

from hmgc_core.decoding import decode
from hmgc_core.errors import BadConfig
from hmgc_core.metrics import evaluate, mistake_distance
from hmgc_core.taxonomy import Taxonomy


def probs_of(tree: Taxonomy, leaf_probs: dict[str, float]) -> np.ndarray:
    """(1, N) marginals of these leaf probabilities."""
    values = np.zeros(len(tree))
    for key, probability in leaf_probs.items():
        for node in [0, *tree.path(tree.index(key))]:
            values[node] += probability
    return values[None]


def test_the_leaf_rule_takes_the_most_probable_leaf_at_any_depth(tiny_tree):
    probs = probs_of(tiny_tree, {"owl": 0.4, "tug": 0.35, "black-footed": 0.25})
    assert tiny_tree.keys[decode(tiny_tree, probs)[0]] == "owl"


@pytest.mark.parametrize(
    ("threshold", "node"), [(0.2, "black-footed"), (0.5, "albatross"), (0.7, "bird"), (0.95, "life")]
)
def test_the_threshold_rule_climbs_until_it_is_sure_enough(tiny_tree, threshold, node):
    probs = probs_of(tiny_tree, {"black-footed": 0.4, "gull-like": 0.2, "owl": 0.2, "tug": 0.2})
    assert tiny_tree.keys[decode(tiny_tree, probs, "threshold", threshold=threshold)[0]] == node


def test_a_threshold_nobody_reaches_answers_the_root(tiny_tree):
    probs = np.full((2, len(tiny_tree)), 0.1)
    assert decode(tiny_tree, probs, "threshold", threshold=0.9).tolist() == [0, 0]


def test_no_image_gives_no_answer(tiny_tree):
    assert decode(tiny_tree, np.zeros((0, len(tiny_tree)))).shape == (0,)


def test_an_unknown_rule_is_named(tiny_tree):
    with pytest.raises(BadConfig, match="guess"):
        decode(tiny_tree, np.zeros((1, len(tiny_tree))), "guess")


@pytest.mark.parametrize("steps", [0, 3])
@pytest.mark.parametrize("seed", range(8))
def test_every_rule_walks_one_path_on_any_tree(seed, steps, monkeypatch):
    monkeypatch.setattr("hmgc_core.decoding.BLOCK", 60)
    rng = np.random.default_rng(seed)
    tree = random_tree(rng, 20)
    probs = random_probs(rng, tree, 30, steps=steps)
    targets = rng.integers(0, len(tree), 30)
    best = decode(tree, probs)
    for image, row in enumerate(probs):
        assert best[image] == max(tree.leaves, key=lambda leaf: row[leaf])
    for threshold in (0.0, 0.3, 0.5, 1.0, 2.0):
        told = decode(tree, probs, "threshold", threshold=threshold)
        assert evaluate(tree, targets, probs, told)["tice"] == 0
        for image, row in enumerate(probs):
            enough = [node for node in [0, *tree.path(best[image])] if node == 0 or row[node] >= threshold]
            assert told[image] == enough[-1]
    assert evaluate(tree, targets, probs, best)["tice"] == 0


@pytest.mark.parametrize("steps", [0, 3])
@pytest.mark.parametrize("seed", range(6))
def test_the_distance_rule_expects_the_smallest_distance_of_all_leaves(seed, steps):
    rng = np.random.default_rng(seed)
    tree = random_tree(rng, 16)
    probs = random_probs(rng, tree, 20, steps=steps)
    stays = probs.copy()  # how probable it is that the truth is this node itself
    for node in range(1, len(tree)):
        stays[:, tree.parents[node]] -= probs[:, node]
    every = np.arange(len(tree))
    cost = np.stack([stays @ mistake_distance(tree, every, np.full(len(tree), leaf)) for leaf in tree.leaves], axis=1)
    told = decode(tree, probs, "distance")
    assert tree.is_leaf[told].all()
    assert cost[np.arange(20), [tree.leaves.tolist().index(node) for node in told]] == pytest.approx(cost.min(1))
    measured = evaluate(tree, rng.choice(tree.leaves, 20), probs, told)
    assert measured["tice"] == 0
