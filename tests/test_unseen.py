"""Leaves with and without a training label are measured apart, as counting picture by picture does."""

import math

import numpy as np
import pytest
from random_trees import random_tree

from hmgc_core.metrics import unseen_metrics
from hmgc_core.taxonomy import Taxonomy


def leaves_below(tree: Taxonomy, node: int) -> list[int]:
    return [leaf for leaf in tree.leaves.tolist() if node in [0, *tree.path(leaf)]]


def counted(tree: Taxonomy, targets: list[int], leaves: list[int], taught: list[int]) -> dict[str, float]:
    named = {leaves_below(tree, node)[0] for node in taught if len(leaves_below(tree, node)) == 1}
    right: dict[bool, list[bool]] = {True: [], False: []}
    for target, leaf in zip(targets, leaves, strict=True):
        if target in tree.leaves:
            right[target in named].append(target == leaf)
    seen, unseen = (sum(right[key]) / len(right[key]) if right[key] else math.nan for key in (True, False))
    if not right[False]:
        return {"seen_accuracy": math.nan, "unseen_accuracy": math.nan, "seen_and_unseen": math.nan}
    both = 0.0 if seen + unseen == 0 else 2 / (1 / seen + 1 / unseen) if seen and unseen else seen * unseen
    return {"seen_accuracy": seen, "unseen_accuracy": unseen, "seen_and_unseen": both}


@pytest.mark.parametrize("seed", range(30))
def test_seen_and_unseen_leaves_are_counted_apart(seed):
    rng = np.random.default_rng(seed)
    tree = random_tree(rng, int(rng.integers(2, 20)))
    targets = rng.integers(0, len(tree), 40)
    leaves = np.where(rng.random(40) < 0.5, targets, rng.choice(tree.leaves, 40))
    leaves = np.where(tree.is_leaf[leaves], leaves, tree.leaves[0])
    taught = rng.integers(0, len(tree), int(rng.integers(0, 6))).tolist()
    expected = counted(tree, targets.tolist(), leaves.tolist(), taught)
    for predicted in (leaves, tree.ancestors_by_depth[leaves]):
        assert unseen_metrics(tree, targets, predicted, taught) == pytest.approx(expected, nan_ok=True)


def test_a_coarse_label_names_a_leaf_only_where_there_is_one(tiny_tree):
    owl, tug, gull = (tiny_tree.index(key) for key in ("owl", "tug", "gull-like"))
    taught = [tiny_tree.index("bird"), tiny_tree.index("ship")]  # ship has one leaf below it, the tug
    measured = unseen_metrics(tiny_tree, np.array([owl, gull, tug]), np.array([owl, owl, tug]), taught)
    assert measured == pytest.approx({"seen_accuracy": 1.0, "unseen_accuracy": 0.5, "seen_and_unseen": 2 / 3})
