"""Every figure of the drawn tree, against slow code that says what it means; and what fits on the screen of it."""

import numpy as np
import pytest
from conftest import label
from random_trees import random_tree

from hmgc_core.querying import agreed_node, agreements
from hmgc_core.taxonomy import Taxonomy
from hmgc_core.workflow import embeddings, placings, seeing, taxonomies, tree, tree_statistics
from hmgc_core.workflow.placings import Said
from hmgc_core.workflow.seeing import PredictionTable
from hmgc_core.workflow.tree_statistics import TreeStatistics
from hmgc_core.workflow.workspaces import Workspace

SEEDS = range(12)


def at_or_below(taxonomy: Taxonomy, node: int, top: int) -> bool:
    while node > top:
        node = int(taxonomy.parents[node])
    return node == top


def random_words(rng: np.random.Generator, taxonomy: Taxonomy) -> dict[int, dict[int, int]]:
    """image -> {person: node}; most by one person, some by several, some the same."""
    words: dict[int, dict[int, int]] = {}
    for image in rng.choice(np.arange(1, 200), 60, replace=False):
        people = rng.choice(4, int(rng.choice([1, 1, 2, 3])), replace=False)
        few = rng.integers(0, len(taxonomy), 2)
        words[int(image)] = {int(by): int(rng.choice(few)) for by in people}
    return words


def as_said(taxonomy: Taxonomy, words: dict[int, dict[int, int]]) -> Said:
    rows = [(image, by, node) for image, by_person in words.items() for by, node in by_person.items()]
    return placings.in_order(taxonomy, Said(*np.array(rows, dtype=np.int64).reshape(-1, 3).T))


def random_table(rng: np.random.Generator, taxonomy: Taxonomy, words: dict[int, dict[int, int]]) -> PredictionTable:
    images = np.sort(rng.choice(np.arange(1, 200), 90, replace=False))
    labels = [agreed_node(taxonomy, words[i].values()) if i in words else -1 for i in images.tolist()]
    predicted = rng.integers(0, len(taxonomy), 90)
    copied = rng.random(90) < 0.4
    predicted[copied] = np.maximum(np.array(labels)[copied], 0)
    splits = np.array(["train", "val", "test"])[rng.integers(0, 3, 90)]
    return PredictionTable(taxonomy, images, splits, np.array(labels), predicted, rng.random(90))


@pytest.fixture(params=SEEDS)
def case(request: pytest.FixtureRequest) -> tuple[Taxonomy, dict[int, dict[int, int]], PredictionTable, TreeStatistics]:
    rng = np.random.default_rng(request.param)
    taxonomy = random_tree(rng, int(rng.integers(3, 40)))
    words = random_words(rng, taxonomy) if request.param else {}
    table = random_table(rng, taxonomy, words)
    return taxonomy, words, table, tree_statistics.statistics_of(taxonomy, as_said(taxonomy, words), table)


def mean(values: list[float]) -> float:
    return sum(values) / len(values) if values else float("nan")


def same(found: tree_statistics.Figure, node: int, expected: list[float]) -> None:
    assert found.of[node] == len(expected)
    assert found.value[node] == pytest.approx(mean(expected), nan_ok=True, abs=1e-12)


def test_what_people_said_is_counted_as_slow_code_counts_it(case) -> None:
    taxonomy, words, table, found = case
    heights = [max(taxonomy.depths[n] for n in range(len(taxonomy)) if at_or_below(taxonomy, n, top)) for top in
               range(len(taxonomy))]  # fmt: skip
    everything = [node for by in words.values() for node in by.values()]
    agreed = {image: agreed_node(taxonomy, by.values()) for image, by in words.items()}
    guessed = [int(p) for i, p in zip(table.image_ids.tolist(), table.predicted, strict=True) if i not in words]
    for top in range(len(taxonomy)):
        inside = [node for node in everything if at_or_below(taxonomy, node, top)]
        assert found.labels[top] == len(inside)
        assert found.labels_here[top] == everything.count(top)
        assert found.images[top] == sum(at_or_below(taxonomy, n, top) for n in [*agreed.values(), *guessed])
        same(found.level, top, [float(taxonomy.depths[node]) for node in inside])
        same(found.detail, top, [taxonomy.depths[node] / max(heights[node], 1) for node in inside])


def test_people_disagree_where_their_labels_lie_on_different_branches(case) -> None:
    taxonomy, words, _, found = case

    def apart(a: int, b: int) -> bool:
        return not at_or_below(taxonomy, a, b) and not at_or_below(taxonomy, b, a)

    for top in range(len(taxonomy)):
        shared = [
            [*by.values()]
            for by in words.values()
            if len(by) >= 2 and any(at_or_below(taxonomy, node, top) for node in by.values())
        ]
        same(found.disputed, top, [float(any(apart(a, b) for a in nodes for b in nodes)) for nodes in shared])


def test_how_a_run_does_is_counted_as_slow_code_counts_it(case) -> None:
    taxonomy, _, table, found = case
    rows = list(zip(table.splits, table.labels.tolist(), table.predicted.tolist(), table.probabilities, strict=True))
    for top in range(len(taxonomy)):
        answered = [row for row in rows if at_or_below(taxonomy, row[2], top)]
        labelled = [row for row in rows if row[1] >= 0 and at_or_below(taxonomy, row[1], top)]
        tested = [row for row in labelled if row[0] == "test"]
        judged = [
            row
            for row in answered
            if row[0] == "test" and row[1] >= 0 and (row[1] == row[2] or not at_or_below(taxonomy, row[2], row[1]))
        ]
        assert found.predictions[top] == len(answered)
        same(found.accuracy, top, [float(at_or_below(taxonomy, row[2], top)) for row in tested])
        same(found.confidence, top, [row[3] for row in answered])
        gaps = [row[3] - at_or_below(taxonomy, row[1], row[2]) for row in judged]
        same(found.calibration, top, gaps)
        apart = [not at_or_below(taxonomy, a, b) and not at_or_below(taxonomy, b, a) for _, a, b, _ in labelled]
        same(found.contradicted, top, [float(one) for one in apart])


def test_what_people_agree_on_is_what_the_rest_of_the_house_takes_it_for(case) -> None:
    taxonomy, words, _, found = case
    mixed = np.random.default_rng(0).permutation(len(found.said.images))
    pictures = agreements(taxonomy, found.said.images[mixed], found.said.nodes[mixed])
    slow = {image: agreed_node(taxonomy, by.values()) for image, by in words.items()}
    assert dict(zip(pictures.images.tolist(), pictures.nodes.tolist(), strict=True)) == slow
    assert pictures.people.tolist() == [len(words[image]) for image in sorted(words)]


def test_confusions_add_up_to_all_that_is_answered_elsewhere(case) -> None:
    taxonomy, _, table, _ = case

    def at(label: int, answer: int) -> int:
        return sum(
            low >= 0 and at_or_below(taxonomy, low, label) and at_or_below(taxonomy, high, answer)
            for low, high in zip(table.labels.tolist(), table.predicted.tolist(), strict=True)
        )

    for node in range(len(taxonomy)):
        on_the_path = {0, *taxonomy.path(node)}
        elsewhere = sum(
            low >= 0
            and at_or_below(taxonomy, low, node)
            and high not in on_the_path
            and not at_or_below(taxonomy, high, node)
            for low, high in zip(table.labels.tolist(), table.predicted.tolist(), strict=True)
        )
        found = tree.taken_for(table, node)
        assert sum(one.count for one in found) == elsewhere
        for one in [*found, *tree.mistaken_for_it(table, node), *tree.mixed_up_below(table, node)]:
            assert one.count == at(one.label, one.answer) > 0  # what a click opens
        for one in found:
            meeting = int(taxonomy.parents[one.answer])
            assert at_or_below(taxonomy, node, meeting)
            assert one.edges == taxonomy.depths[node] - taxonomy.depths[meeting]
        inside = {(one.label, one.answer): one.count for one in tree.mixed_up_below(table, node)}
        children = taxonomy.children(node).tolist()
        assert inside == {(a, b): at(a, b) for a in children for b in children if a != b and at(a, b)}


# --- what fits on the screen ------------------------------------------------------------------------------------------


def large_tree() -> Taxonomy:
    """Three branches of 5, 50 and 500 classes, each with three below."""
    edges = [(f"b{size}", "root") for size in (5, 50, 500)]
    edges += [(f"b{size}.{i}", f"b{size}") for size in (5, 50, 500) for i in range(size)]
    edges += [(f"b{size}.{i}.{j}", f"b{size}.{i}") for size in (5, 50, 500) for i in range(size) for j in range(3)]
    return Taxonomy.from_edges(edges)


@pytest.mark.parametrize("seed", SEEDS)
def test_what_is_drawn_is_a_small_tree_in_which_nothing_is_lost(seed: int) -> None:
    rng = np.random.default_rng(seed)
    taxonomy = large_tree() if seed % 2 else random_tree(rng, 400)
    use = rng.integers(0, 50, len(taxonomy))
    for top in rng.choice(len(taxonomy), 20):
        boxes = tree.visible_part(taxonomy, use, int(top), levels=4, tips=30)
        assert boxes[0] == tree.Box(int(top), -1)
        parents = {box.parent for box in boxes}
        assert sum(place not in parents for place in range(len(boxes))) <= 30
        for place in parents - {-1}:
            below = [box for box in boxes if box.parent == place]
            hidden = sum(box.hidden for box in below)
            shown = [box.node for box in below if not box.hidden]
            children = taxonomy.children(boxes[place].node).tolist()
            assert set(shown) <= set(children)
            assert len(shown) + hidden == len(children)
            left = set(children) - set(shown)
            assert not left or min(use[shown], default=0) >= max(use[list(left)])


def test_seven_more_leads_through_all_children_and_each_comes_once() -> None:
    taxonomy = large_tree()
    use = np.arange(len(taxonomy))
    seen: list[int] = []
    first, top = 0, taxonomy.index("b500")
    for _ in range(100):
        boxes = tree.visible_part(taxonomy, use, top, levels=3, tips=48, first=first)
        seen += [box.node for box in boxes if box.parent == 0 and not box.hidden]
        rest = [box for box in boxes if box.parent == 0 and box.hidden]
        if not rest:
            break
        first = rest[0].first
    assert sorted(seen) == taxonomy.children(top).tolist()


# --- from a workspace -------------------------------------------------------------------------------------------------


def test_the_words_of_a_workspace_are_counted(labelled_workspace: Workspace) -> None:
    version, taxonomy = taxonomies.current_taxonomy(labelled_workspace)
    label(labelled_workspace, 1, "owl", by="ben")
    label(labelled_workspace, 2, "owl", kind="is_not", by="ben")
    known = tree_statistics.tree_statistics(labelled_workspace, version, None)
    at = {key: int(known.labels[i]) for i, key in enumerate(taxonomy.keys)}
    assert at == {
        "life": 21, "bird": 16, "albatross": 10, "black-footed": 0, "gull-like": 5, "owl": 6,
        "ship": 5, "steamer": 5, "tug": 5,
    }  # fmt: skip
    assert known.disputed.of[0] == 1
    assert known.disputed.value[taxonomy.index("gull-like")] == 1
    assert np.isnan(known.accuracy.value).all()
    makeup = tree.makeup(labelled_workspace, taxonomy, known.said, taxonomy.index("bird"))
    assert makeup == {"ada": {2: 10, 3: 5}, "ben": {2: 1}}
    assert tree.makeup(labelled_workspace, taxonomy, known.said, taxonomy.index("black-footed")) == {}
    assert len(tree.labelled_images(taxonomy, known.said, taxonomy.index("albatross"))) == 10


def test_typical_pictures_lie_near_the_mean_of_their_class_and_odd_ones_far(predicted_workspace: Workspace) -> None:
    ws = predicted_workspace
    table = seeing.prediction_table(ws, 1)
    owl = table.taxonomy.index("owl")
    assert tree.from_typical_to_odd(ws, 1, table, owl) is None  # the run left nothing
    vectors = np.random.default_rng(3).normal(size=(24, 6)).astype(np.float16)
    ws.run_folder(1).mkdir(parents=True)
    embeddings.keep(ws.run_folder(1), np.arange(1, 25)[::-1], vectors)
    found = tree.from_typical_to_odd(ws, 1, table, owl)
    seen = embeddings.embeddings(ws.run_folder(1))
    owls = [image for image in range(1, 25) if table.labels[image - 1] == owl]
    at = {image: seen.vectors[image - 1] for image in owls}
    middle = sum(at.values())
    cosine = {i: float(v @ middle / np.linalg.norm(v) / np.linalg.norm(middle)) for i, v in at.items()}
    assert found.tolist() == sorted(owls, key=lambda image: -cosine[image])
    assert tree.from_typical_to_odd(ws, 1, table, table.taxonomy.index("black-footed")).tolist() == []
