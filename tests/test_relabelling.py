"""Making labels coarser: each protocol against its words, carried out one picture at a time."""

import math
from fractions import Fraction

import numpy as np
import pytest
from random_trees import random_tree

from hmgc_core import relabelling
from hmgc_core.errors import BadRequest
from hmgc_core.taxonomy import Taxonomy


def grown(seed: int) -> Taxonomy:
    return random_tree(np.random.default_rng(seed), 12)


def parent_or_same(tree: Taxonomy, node: int) -> int:
    return int(tree.parents[node]) if tree.parents[node] > 0 else node


def one_by_one(tree: Taxonomy, nodes: list[int], order: list[int], shares: list[Fraction]) -> list[int]:
    """The slow and obvious judge: go through the classes, count, and climb step by step."""
    result = list(nodes)
    for leaf in dict.fromkeys(nodes):
        if not tree.is_leaf[leaf]:
            continue
        places = [place for place in order if nodes[place] == leaf]
        ends = [math.ceil(sum(shares[: k + 1]) * len(places)) for k in range(len(shares))]
        for turn, place in enumerate(places):
            for _ in range(next(k for k, end in enumerate(ends) if turn < end)):
                result[place] = parent_or_same(tree, result[place])
    return result


def drawn(tree: Taxonomy, seed: int, count: int = 60) -> list[int]:
    """Labels at any node below the root, most of them at leaves."""
    rng = np.random.default_rng(seed)
    leaves = rng.choice(tree.leaves, count)
    return np.where(rng.random(count) < 0.8, leaves, rng.integers(1, len(tree), count)).tolist()


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("tenths", range(11))
def test_hrn_is_its_words_on_any_tree(seed: int, tenths: int) -> None:
    tree = grown(seed)
    nodes = drawn(tree, seed)
    kept = Fraction(10 - tenths, 10)

    said = relabelling.hrn(tree, np.array(nodes), coarse=tenths / 10)

    assert said.tolist() == one_by_one(tree, nodes, list(range(len(nodes))), [kept, 1 - kept])


@pytest.mark.parametrize("count", [10, 20, 30, 50, 70, 100])
def test_hrn_keeps_exactly_the_ceiling(tiny_tree: Taxonomy, count: int) -> None:
    owl = tiny_tree.index("owl")
    for hundredths in range(101):
        said = relabelling.hrn(tiny_tree, np.full(count, owl), coarse=hundredths / 100)
        assert (said == owl).sum() == math.ceil(Fraction(100 - hundredths, 100) * count)


def test_hrn_goes_by_the_order_of_the_file(tiny_tree: Taxonomy) -> None:
    keys = ["owl", "tug", "owl", "tug", "owl", "albatross", "owl"]

    said = relabelling.hrn(tiny_tree, tiny_tree.indices(keys), coarse=0.5)

    assert [tiny_tree.keys[node] for node in said] == ["owl", "tug", "owl", "steamer", "bird", "albatross", "bird"]


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("tenths", [(10,), (1, 4, 5), (0, 0, 10), (3, 0, 7), (2, 2, 2, 2, 2)])
def test_the_hardest_get_the_coarsest(seed: int, tenths: tuple[int, ...]) -> None:
    tree = grown(seed)
    nodes = drawn(tree, seed)
    hardness = np.random.default_rng(seed).integers(0, 9, len(nodes)).astype(float)
    order = sorted(range(len(nodes)), key=lambda place: (hardness[place], place))

    said = relabelling.ambiguous(tree, np.array(nodes), hardness, shares=[part / 10 for part in tenths])

    assert said.tolist() == one_by_one(tree, nodes, order, [Fraction(part, 10) for part in tenths])


@pytest.mark.parametrize("seed", range(10))
def test_free_labels_stand_at_every_level_in_their_shares(seed: int) -> None:
    tree = grown(seed)
    nodes = np.array(drawn(tree, seed))

    said = relabelling.free(tree, nodes, shares=(0.1, 0.4, 0.5), seed=seed)

    assert sorted(zip(nodes.tolist(), said.tolist(), strict=True)) == sorted(
        zip(
            nodes.tolist(),
            one_by_one(tree, nodes.tolist(), list(range(len(nodes))), [Fraction(k, 10) for k in (1, 4, 5)]),
            strict=True,
        )
    )
    assert (said > 0).all()
    assert np.array_equal(said, relabelling.free(tree, nodes, shares=(0.1, 0.4, 0.5), seed=seed))


def test_free_labels_follow_the_seed(tiny_tree: Taxonomy) -> None:
    nodes = np.repeat(tiny_tree.leaves, 20)

    one, other = (relabelling.free(tiny_tree, nodes, shares=(0.5, 0.5), seed=seed) for seed in (0, 1))

    assert not np.array_equal(one, other)


def test_one_number_is_shared_by_the_levels_above(tiny_tree: Taxonomy) -> None:
    assert relabelling.even_shares(tiny_tree, 0.5) == pytest.approx((0.5, 0.25, 0.25))
    one_level = Taxonomy.from_edges([("a", "all"), ("b", "all")])
    nodes = np.array([1, 2, 1])
    shares = relabelling.even_shares(one_level, 0.9)
    assert relabelling.free(one_level, nodes, shares=shares).tolist() == [1, 2, 1]


def test_no_labels_stay_no_labels(tiny_tree: Taxonomy) -> None:
    none = np.array([], dtype=np.int64)
    assert relabelling.hrn(tiny_tree, none, coarse=0.9).tolist() == []
    assert relabelling.ambiguous(tiny_tree, none, none.astype(float), shares=(0.5, 0.5)).tolist() == []


@pytest.mark.parametrize("coarse", [-0.1, 1.1, math.nan])
def test_a_share_that_is_none_is_refused(tiny_tree: Taxonomy, coarse: float) -> None:
    with pytest.raises(BadRequest, match="share"):
        relabelling.hrn(tiny_tree, tiny_tree.leaves, coarse=coarse)


@pytest.mark.parametrize("shares", [(), (0.5, 0.4), (1.5, -0.5), (math.nan, 1.0)])
def test_shares_must_sum_to_one(tiny_tree: Taxonomy, shares: tuple[float, ...]) -> None:
    with pytest.raises(BadRequest, match="sum to 1"):
        relabelling.free(tiny_tree, tiny_tree.leaves, shares=shares)


def test_every_label_needs_its_hardness(tiny_tree: Taxonomy) -> None:
    for hardness in ([1.0, 2.0], [1.0, 2.0, math.nan, 3.0]):
        with pytest.raises(BadRequest, match="hardness"):
            relabelling.ambiguous(tiny_tree, tiny_tree.leaves, np.array(hardness), shares=(0.5, 0.5))
