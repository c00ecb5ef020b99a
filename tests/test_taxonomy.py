"""The class tree: what a value is, checked against slow obvious code on random forests."""

import numpy as np
import pytest

from hmgc_core.errors import TaxonomyError, UnknownNode
from hmgc_core.taxonomy import NodeText, Taxonomy


def random_forest(seed: int) -> Taxonomy:
    rng = np.random.default_rng(seed)
    size = int(rng.integers(1, 40))
    names = [f"n{i}" for i in rng.permutation(size)]
    edges = [(names[i], "" if i == 0 or rng.random() < 0.1 else names[rng.integers(0, i)]) for i in range(size)]
    return Taxonomy.from_edges([edges[i] for i in rng.permutation(size)])


def slow_ancestors(tree: Taxonomy, node: int) -> list[int]:
    steps = [node]
    while tree.parents[steps[-1]] >= 0:
        steps.append(int(tree.parents[steps[-1]]))
    return steps


@pytest.mark.parametrize("seed", range(30))
def test_everything_derived_agrees_with_walking_up_the_tree(seed: int) -> None:
    tree = random_forest(seed)
    above = [slow_ancestors(tree, node) for node in range(len(tree))]
    for node in range(len(tree)):
        below = [other for other in range(len(tree)) if node in above[other]]
        start, end = tree.preorder_start[node], tree.preorder_end[node]
        assert sorted(below) == [o for o in range(len(tree)) if start <= tree.preorder_start[o] < end]
        assert tree.depths[node] == len(above[node]) - 1
        assert tree.path(node) == above[node][-2::-1]
        assert tree.subtree_sizes[node] == len(below)
        assert tree.leaf_counts[node] == sum(1 for other in below if tree.is_leaf[other])
        assert [int(c) for c in tree.children(node)] == [c for c in range(len(tree)) if tree.parents[c] == node]
        for other in range(len(tree)):
            assert tree.is_ancestor[node, other] == (node in above[other])
            assert tree.lca(node, other) == next(step for step in above[node] if step in above[other])
    assert sorted(tree.leaves) == [node for node in range(len(tree)) if node not in tree.parents]


def test_levels_and_ancestors_by_depth_tell_the_same(tiny_tree: Taxonomy) -> None:
    assert [sorted(tiny_tree.keys[i] for i in level) for level in tiny_tree.levels] == [
        ["bird", "ship"],
        ["albatross", "owl", "steamer"],
        ["black-footed", "gull-like", "tug"],
    ]
    row = tiny_tree.ancestors_by_depth[tiny_tree.index("owl")]
    assert [tiny_tree.keys[i] if i >= 0 else "" for i in row] == ["bird", "owl", ""]


def test_parents_stand_before_their_children_whatever_the_order_of_the_rows() -> None:
    tree = Taxonomy.from_edges([("c", "b"), ("b", "a"), ("d", "a")])
    assert tree.keys == ("a", "b", "c", "d")
    assert all(tree.parents[i] < i for i in range(len(tree)))


def test_several_top_classes_get_one_root_with_a_free_name() -> None:
    assert Taxonomy.from_edges([("a", ""), ("b", "")]).keys[0] == "root"
    assert Taxonomy.from_edges([("root", "x"), ("b", "y")]).keys[0] == "root_"


@pytest.mark.parametrize(
    ("edges", "words"),
    [
        ([], "empty"),
        ([("a", "b"), ("a", "c")], "two parents"),
        ([("a", "b"), ("b", "a")], "cycle"),
        ([("a", "a")], "cycle"),
        ([("", "b")], "empty key"),
        ([("x", "y"), ("a", "b"), ("b", "c"), ("c", "a")], "'a' -> 'b' -> 'c' -> 'a'"),
    ],
)
def test_what_is_not_a_tree_is_refused_with_a_remedy(edges: list[tuple[str, str]], words: str) -> None:
    with pytest.raises(TaxonomyError, match=words) as caught:
        Taxonomy.from_edges(edges)
    assert caught.value.remedy


def test_homonyms_under_two_parents_are_two_nodes_when_given_as_paths() -> None:
    tree = Taxonomy.from_paths([("bird", "crane"), ("machine", "crane")])
    assert {"bird/crane", "machine/crane"} <= set(tree.keys)
    assert [tree.name(tree.index(k)) for k in ("bird/crane", "machine/crane")] == ["crane", "crane"]


def test_paths_whose_joined_keys_collide_are_refused() -> None:
    with pytest.raises(TaxonomyError, match="two parents"):
        Taxonomy.from_paths([("a/b", "c"), ("a", "b", "d")])


def test_an_unknown_key_names_the_three_nearest(tiny_tree: Taxonomy) -> None:
    with pytest.raises(UnknownNode) as caught:
        tiny_tree.index("albatros")
    assert caught.value.nearest[0] == "albatross"
    assert len(caught.value.nearest) == 3


def test_names_fall_back_to_the_key_without_its_systematic_prefix() -> None:
    assert Taxonomy.from_edges([("fine/Apple", "coarse/Fruit"), ("coarse/Fruit", "root")]).name(2) == "Apple"
    assert Taxonomy.from_edges([("AC/DC", "band"), ("Abba", "band")]).name(1) == "AC/DC"
    assert Taxonomy.from_edges([("k1", "r")], {"k1": NodeText("Grey heron")}).name(1) == "Grey heron"


def test_the_hash_tells_trees_apart_by_every_part() -> None:
    edges = [("a", "r"), ("b", "r")]
    base = Taxonomy.from_edges(edges)
    assert base == Taxonomy.from_edges(edges)
    assert base != Taxonomy.from_edges([*edges, ("c", "r")])
    assert base != Taxonomy.from_edges(edges, {"a": NodeText(name="A")})
    assert base != Taxonomy.from_edges(edges, {"a": NodeText(note="look at the beak")})


def test_twenty_thousand_nodes_and_a_chain_of_thousands_are_no_trouble() -> None:
    wide = Taxonomy.from_edges((f"n{i}", f"n{(i - 1) // 3}") for i in range(1, 20_000))
    assert len(wide) == 20_000
    assert wide.leaf_counts[0] == len(wide.leaves)
    chain = Taxonomy.from_edges((f"n{i}", f"n{i - 1}") for i in range(1, 3_000))
    assert chain.depth == 2_999
    assert chain.lca(2_999, 1_500) == 1_500


@pytest.mark.parametrize("seed", range(6))
def test_sums_over_subtrees_are_those_of_slow_code_to_the_last_bit(seed: int) -> None:
    rng = np.random.default_rng(seed)
    tree = random_forest(seed)
    for values in (rng.integers(0, 9, len(tree)), rng.random(len(tree)), rng.random((len(tree), 3))):
        slow = values.copy()
        for node in range(len(tree) - 1, 0, -1):
            slow[tree.parents[node]] += slow[node]
        assert np.array_equal(tree.sum_up(values), slow)
        assert tree.sum_up(values).dtype == values.dtype


def test_indices_of_many_keys_are_those_of_each_and_minus_one_for_a_stranger(tiny_tree: Taxonomy) -> None:
    keys = [tiny_tree.keys[2], "nobody", tiny_tree.keys[0], tiny_tree.keys[2]]
    assert tiny_tree.indices(keys).tolist() == [2, -1, 0, 2]
    assert tiny_tree.indices([]).tolist() == []
