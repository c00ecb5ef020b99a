"""Numbers behind the charts, each against slow and obvious code; and marks, which open exactly what a chart counts."""

import math

import numpy as np
import pytest
from random_trees import random_probs, random_tree

from hmgc_core.decoding import decode
from hmgc_core.errors import BadRequest, UnknownNode
from hmgc_core.metrics import climbing, confusion, information, reliability
from hmgc_core.metrics.shares import share_interval
from hmgc_core.taxonomy import Taxonomy
from hmgc_core.workflow import exploring, marks
from hmgc_core.workflow.marks import Mark, Sources
from hmgc_core.workflow.seeing import PredictionTable

SEEDS = range(8)


def drawn(seed: int, *, rows: int = 120) -> tuple[Taxonomy, np.ndarray, np.ndarray, np.ndarray]:
    """A tree, targets at any depth (-1: none), predicted leaves, and the probabilities along their paths."""
    rng = np.random.default_rng(seed)
    tree = random_tree(rng, int(rng.integers(3, 40)))
    probs = random_probs(rng, tree, rows)
    predicted = decode(tree, probs)
    targets = np.where(rng.random(rows) < 0.5, predicted, rng.integers(-1, len(tree), rows))
    paths = np.full((rows, tree.depth), np.nan)
    for row, leaf in enumerate(predicted):
        path = tree.path(int(leaf))
        paths[row, : len(path)] = np.round(probs[row, path], 2)  # rounded: many lie exactly on edges and thresholds
    return tree, targets, predicted, paths


def a_table(seed: int) -> tuple[PredictionTable, np.ndarray]:
    tree, targets, predicted, paths = drawn(seed)
    ids = np.arange(1, len(targets) + 1)
    splits = np.array(["train", "test"])[ids % 2]
    return PredictionTable(tree, ids, splits, targets, predicted, np.full(len(ids), 0.5)), paths


def slow_ancestors(tree: Taxonomy, node: int) -> list[int]:
    return [0, *tree.path(node)]


# --- careful answers --------------------------------------------------------------------------------------------------


def slow_climb(tree: Taxonomy, leaf: int, path: np.ndarray, threshold: float) -> int:
    for level, node in reversed(list(enumerate(tree.path(leaf)))):
        if path[level] >= threshold:
            return node
    return 0


@pytest.mark.parametrize("seed", SEEDS)
def test_a_careful_answer_is_the_deepest_class_that_is_sure_enough(seed: int) -> None:
    tree, _, predicted, paths = drawn(seed)
    for threshold in (0.0, 0.3, 0.5, 0.77, 1.0):
        slow = [slow_climb(tree, int(leaf), path, threshold) for leaf, path in zip(predicted, paths, strict=True)]
        assert climbing.climbed(tree, predicted, paths, threshold).tolist() == slow


def test_careful_answers_of_a_tree_fit_decode_by_threshold() -> None:
    rng = np.random.default_rng(5)
    tree = random_tree(rng, 30)
    probs = random_probs(rng, tree, 50)
    predicted = decode(tree, probs)
    paths = np.full((50, tree.depth), np.nan)
    for row, leaf in enumerate(predicted):
        paths[row, : tree.depths[leaf]] = probs[row, tree.path(int(leaf))]
    for threshold in (0.2, 0.6, 0.9):
        same = decode(tree, probs, "threshold", threshold=threshold)
        assert climbing.climbed(tree, predicted, paths, threshold).tolist() == same.tolist()


@pytest.mark.parametrize("seed", SEEDS)
def test_the_operating_curve_is_what_each_threshold_gives_by_itself(seed: int) -> None:
    tree, targets, predicted, paths = drawn(seed)
    curve = climbing.climbing_curve(tree, targets, predicted, paths)
    rows = [row for row, target in enumerate(targets) if target >= 0 and tree.is_leaf[target]]
    assert curve.images == len(rows)
    for place, threshold in enumerate(curve.thresholds):
        answers = [slow_climb(tree, int(predicted[row]), paths[row], threshold) for row in rows]
        above = [slow_ancestors(tree, int(targets[row])) for row in rows]
        right = [answer in ancestors for answer, ancestors in zip(answers, above, strict=True)]
        assert curve.right[place] == pytest.approx(np.mean(right))
        assert curve.told[place] == pytest.approx(np.mean(information(tree)[answers]))
        wrong = climbing.careful_mistakes(tree, targets, predicted, paths, float(threshold))
        assert wrong.sum() == len(rows) - sum(right)


def test_a_curve_of_no_leaf_label_is_not_a_number(tiny_tree: Taxonomy) -> None:
    bird, owl = tiny_tree.index("bird"), tiny_tree.index("owl")
    paths = np.array([[0.9, 0.8, np.nan]])
    curve = climbing.climbing_curve(tiny_tree, np.array([bird]), np.array([owl]), paths)
    assert curve.images == 0
    assert np.isnan(curve.right).all()


# --- how sure ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", SEEDS)
def test_reliability_is_counted_level_by_level(seed: int) -> None:
    tree, targets, predicted, paths = drawn(seed)
    for level, found in enumerate(reliability.level_reliability(tree, targets, predicted, paths), start=1):
        bins: list[list[tuple[float, bool]]] = [[] for _ in range(10)]
        for target, leaf, path in zip(targets.tolist(), predicted.tolist(), paths, strict=True):
            steps = tree.path(leaf)
            if target < 0 or len(steps) < level:
                continue
            node = steps[level - 1]
            if node != target and target in slow_ancestors(tree, node):
                continue  # below the label: nobody knows
            place = next(i for i in reversed(range(10)) if path[level - 1] >= i / 10)
            bins[place].append((path[level - 1], node in slow_ancestors(tree, target)))
        assert found.images.tolist() == [len(members) for members in bins]
        gap = total = 0.0
        for place, members in enumerate(bins):
            if members:
                sure, right = np.mean(members, axis=0)
                assert found.sure[place] == pytest.approx(sure)
                assert found.right[place] == pytest.approx(right)
                gap += abs(sure - right) * len(members)
                total += len(members)
        assert (math.isnan(found.error) and not total) or found.error == pytest.approx(gap / total)


# --- which for which --------------------------------------------------------------------------------------------------


def slow_standing(tree: Taxonomy, node: int, level: int) -> int:
    path = tree.path(node)
    if len(path) >= level:
        return path[level - 1]
    return node if tree.is_leaf[node] else -1


@pytest.mark.parametrize("seed", SEEDS)
def test_a_confusion_counts_every_pair_at_every_cut(seed: int) -> None:
    tree, targets, predicted, _ = drawn(seed)
    for level in range(1, tree.depth + 1):
        for below in range(0, len(tree), 5):
            found = confusion.confusion(tree, targets, predicted, level=level, below=below)
            slow: dict[tuple[int, int], int] = {}
            for target, leaf in zip(targets.tolist(), predicted.tolist(), strict=True):
                if target < 0 or below not in slow_ancestors(tree, target) or slow_standing(tree, target, level) < 0:
                    continue
                label = slow_standing(tree, target, level)
                if below not in slow_ancestors(tree, label):
                    continue
                is_inside = below in slow_ancestors(tree, leaf)
                pair = label, slow_standing(tree, leaf, level) if is_inside else -1
                slow[pair] = slow.get(pair, 0) + 1
            names = found.classes.tolist()
            cells = zip(found.labels, found.answers, found.images, strict=True)
            assert {(names[r], names[c] if c >= 0 else -1): n for r, c, n in cells} == slow
            assert np.all(np.diff(tree.preorder_start[found.classes]) > 0)
            assert found.every == len(names)


def test_of_too_many_classes_the_most_mixed_up_are_kept() -> None:
    tree = Taxonomy.from_edges([(f"n{i}", "root") for i in range(30)])
    rng = np.random.default_rng(0)
    targets, predicted = rng.integers(1, 31, 400), rng.integers(1, 31, 400)
    found = confusion.confusion(tree, targets, predicted, level=1, most=7)
    mistakes = {
        node: int(((targets == node) ^ (predicted == node)).sum()) for node in range(1, 31)
    }  # as label or as answer, not both
    least_kept = min(mistakes[node] for node in found.classes.tolist())
    assert len(found.classes) == 7
    assert found.every == 30
    assert least_kept >= max(count for node, count in mistakes.items() if node not in found.classes.tolist())
    names = found.classes.tolist()
    for row, column, images in zip(found.labels, found.answers, found.images, strict=True):
        assert images == ((targets == names[row]) & (predicted == names[column])).sum()


@pytest.mark.parametrize("seed", SEEDS)
def test_heights_meetings_and_found_against_the_paths(seed: int) -> None:
    tree, targets, predicted, _ = drawn(seed)
    below = {node: [n for n in range(len(tree)) if node in slow_ancestors(tree, n)] for node in range(len(tree))}
    slow = [max(int(tree.depths[n] - tree.depths[node]) for n in below[node]) for node in range(len(tree))]
    assert tree.heights.tolist() == slow
    meeting = confusion.meetings(tree, targets, predicted)
    for target, leaf, met in zip(targets.tolist(), predicted.tolist(), meeting.tolist(), strict=True):
        if target < 0 or target in slow_ancestors(tree, leaf) or leaf in slow_ancestors(tree, target):
            assert met == -1
        else:
            shared = [n for n in slow_ancestors(tree, target) if n in slow_ancestors(tree, leaf)]
            assert met == shared[-1]
    images, right = confusion.found(tree, targets, predicted)
    for node in range(len(tree)):
        rows = [row for row, target in enumerate(targets.tolist()) if target in below[node]]
        assert images[node] == len(rows)
        assert right[node] == sum(int(predicted[row]) in below[node] for row in rows)


def test_wilsons_interval_is_that_of_the_books() -> None:
    low, high = share_interval(np.array([0, 8, 10, 0]), np.array([10, 10, 10, 0]))
    assert low == pytest.approx([0, 0.4902, 0.7225, 0], abs=1e-4)
    assert high == pytest.approx([0.2775, 0.9433, 1, 1], abs=1e-4)


# --- marks ------------------------------------------------------------------------------------------------------------


def behind(text: str, table: PredictionTable, paths: np.ndarray, other: PredictionTable | None = None) -> int:
    sources = Sources(paths=lambda: paths, other=lambda _run: other or table)
    return int(marks.rows(marks.parse(text), table, sources).sum())


@pytest.mark.parametrize("seed", SEEDS)
def test_a_mark_opens_exactly_the_pictures_its_chart_counts(seed: int) -> None:
    table, paths = a_table(seed)
    tree, kept = table.taxonomy, (table.image_ids, paths)
    key = tree.keys
    far = exploring.distances(table)
    for height, images in enumerate(far.by_height, 1):
        assert behind(f"height:{height}", table, paths) == images
    for node, images in far.meetings:
        assert behind(str(Mark("meets", (key[node],))), table, paths) == images
    level = exploring.readable_level(tree)
    mixed = exploring.mixed_up(table, level=level, below=0)
    for row, column, images in zip(mixed.labels, mixed.answers, mixed.images, strict=True):
        pair = (key[mixed.classes[row]], key[mixed.classes[column]])
        assert behind(str(Mark("taken-for", pair)), table, paths) == images
    worst, best, _ = exploring.worst_and_best(table, level=level)
    for score in worst + best:
        assert behind(str(Mark("node-right", (key[score.node],))), table, paths) == score.right
        assert behind(str(Mark("node-wrong", (key[score.node],))), table, paths) == score.images - score.right
    for one in exploring.how_sure(table, kept):
        for place, images in enumerate(one.images):
            assert behind(f"sure:{one.level}:{place / 10}:{(place + 1) / 10}", table, paths) == images
    curve = exploring.how_careful(table, kept)
    for threshold, right in zip(curve.thresholds, curve.right, strict=True):
        if curve.images:
            assert behind(f"threshold:{threshold}", table, paths) == round((1 - right) * curve.images)


@pytest.mark.parametrize("seed", SEEDS)
def test_inside_a_class_the_answers_outside_of_it_are_one_column(seed: int) -> None:
    table, paths = a_table(seed)
    tree = table.taxonomy
    for below in np.flatnonzero(~tree.is_leaf).tolist():
        found = exploring.mixed_up(table, level=exploring.readable_level(tree, below), below=below)
        for row, column, images in zip(found.labels, found.answers, found.images, strict=True):
            if column < 0:
                pair = (tree.keys[found.classes[row]], tree.keys[below])
                assert behind(str(Mark("taken-away", pair)), table, paths) == images


@pytest.mark.parametrize("seed", SEEDS)
def test_two_runs_are_compared_picture_by_picture(seed: int) -> None:
    table, paths = a_table(seed)
    rng = np.random.default_rng(seed + 100)
    keep = np.flatnonzero(rng.random(len(table.image_ids)) < 0.8)
    tree = table.taxonomy
    other = PredictionTable(
        tree, table.image_ids[keep], table.splits[keep], table.labels[keep],
        rng.choice(tree.leaves, len(keep)), table.probabilities[keep],
    )  # fmt: skip
    level = exploring.readable_level(tree)
    found = exploring.compared(table, other, level=level)

    def is_right(label: int, answer: int) -> bool:
        return label in slow_ancestors(tree, answer) or answer in slow_ancestors(tree, label)

    theirs = dict(zip(other.image_ids.tolist(), other.predicted.tolist(), strict=True))
    counts = {"both-right": 0, "got-better": 0, "got-worse": 0, "both-wrong": 0}
    names = {(True, True): "both-right", (True, False): "got-better", (False, True): "got-worse"}
    for image_id, label, answer in zip(
        table.image_ids.tolist(), table.labels.tolist(), table.predicted.tolist(), strict=True
    ):
        # Where every finest class lies below the label, no answer can be told wrong.
        if label >= 0 and image_id in theirs and any(label not in slow_ancestors(tree, leaf) for leaf in tree.leaves):
            pair = is_right(label, answer), is_right(label, theirs[image_id])
            counts[names.get(pair, "both-wrong")] += 1
    assert [found.both_right, found.better, found.worse, found.both_wrong] == list(counts.values())
    for kind, images in counts.items():
        assert behind(f"{kind}:7", table, paths, other) == images
    told = [exploring.difference(table, other, split=split) for split in ("train", "val", "test")]
    assert sum(one.gained for one in told if one) == found.better
    assert sum(one.lost for one in told if one) == found.worse
    assert sum(one.pictures for one in told if one) == sum(counts.values())
    assert exploring.difference(table, other, split="elsewhere") is None
    for node, better, worse in found.classes:
        assert behind(str(Mark("got-better", (7, tree.keys[node]))), table, paths, other) == better
        assert behind(str(Mark("got-worse", (7, tree.keys[node]))), table, paths, other) == worse


def test_a_run_of_another_tree_is_judged_in_its_own(tiny_tree: Taxonomy) -> None:
    coarse = Taxonomy.from_edges([("bird", "life"), ("ship", "life")])
    ids, splits, sure = np.array([1, 2]), np.array(["test", "test"]), np.array([0.5, 0.5])
    owl, tug = tiny_tree.index("owl"), tiny_tree.index("tug")
    table = PredictionTable(tiny_tree, ids, splits, np.array([owl, tug]), np.array([tug, tug]), sure)
    other = PredictionTable(coarse, ids, splits, np.array([1, 2]), np.array([1, 1]), sure)
    found = exploring.compared(table, other, level=2)
    assert (found.better, found.worse, found.same_tree) == (1, 1, False)


@pytest.mark.parametrize(
    "text",
    ["", "height", "height:x", "height:-1", "height:1:2", "sure:1:0.2", "sure:1:0.2:2", "sure:1:nan:1", "threshold:",
     "taken-for:a", "taken-for:a:", "what:1", "got-better", "got-better:1:a:b", "height:" + "9" * 40],
)  # fmt: skip
def test_a_text_that_is_no_mark_is_refused(text: str) -> None:
    with pytest.raises(BadRequest):
        marks.parse(text)


def test_a_mark_of_a_class_that_is_not_there_is_refused(tiny_tree: Taxonomy) -> None:
    table, paths = a_table(0)
    with pytest.raises(UnknownNode):
        behind("node-wrong:nobody", table, paths)
    with pytest.raises(BadRequest):
        behind("sure:99:0:1", table, paths)


@pytest.mark.parametrize("key", ["a:b", "a/b c", "ü%25", "<img>", "x" * 80])
def test_a_mark_comes_back_from_its_text(key: str) -> None:
    for mark in (Mark("taken-for", (key, "owl")), Mark("sure", (2, 0.3, 0.4)), Mark("got-worse", (12345678, key))):
        assert marks.parse(str(mark)) == mark
