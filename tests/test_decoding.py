"""One node from the probabilities of all."""

import numpy as np
import pytest

from hmgc_core.decoding import decode
from hmgc_core.errors import BadConfig
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
