"""What to label next: the worst classes, and where their unlabelled pictures lie; on the overview and on a card."""

import numpy as np
import pytest
from conftest import label
from random_trees import random_tree
from reading_pages import open_page, said

from hmgc_core.taxonomy import Taxonomy
from hmgc_core.workflow import label_next
from hmgc_core.workflow.placings import Said, in_order
from hmgc_core.workflow.seeing import PredictionTable
from hmgc_core.workflow.tree_statistics import statistics_of
from hmgc_core.workflow.workspaces import Workspace


def made_table(tree: Taxonomy, seed: int, pictures: int = 120) -> PredictionTable:
    rng = np.random.default_rng(seed)
    labels = np.where(rng.random(pictures) < 0.3, -1, rng.integers(0, len(tree), pictures))
    predicted = rng.choice(tree.leaves, pictures)
    splits = rng.choice(["train", "test"], pictures)
    return PredictionTable(tree, np.arange(1, pictures + 1), splits, labels, predicted, rng.random(pictures))


@pytest.mark.parametrize("seed", range(8))
def test_the_worst_classes_are_those_of_slow_code(seed: int) -> None:
    tree = random_tree(np.random.default_rng(seed), 40)
    table = made_table(tree, seed)
    labelled = table.labels >= 0
    words = Said(table.image_ids[labelled], np.ones(labelled.sum(), dtype=np.int64), table.labels[labelled])
    known = statistics_of(tree, in_order(tree, words), table)

    def below(node: int, top: int) -> bool:
        return bool(node >= 0 and (top == 0 or top in tree.path(node)))

    expected = []
    for node in range(1, len(tree)):
        children = tree.children(node).tolist()
        is_genus = any(len(tree.children(child)) == 0 for child in children)
        is_top_leaf = not children and tree.parents[node] == 0
        rows = [i for i, one in enumerate(table.labels) if below(one, node) and table.splits[i] == "test"]
        missed = sum(not below(table.predicted[i], node) for i in rows)
        if (is_genus or is_top_leaf) and len(rows) >= label_next.FEWEST and missed:
            expected.append((-missed, len(rows), node))

    found = label_next.weakest(tree, known, table, count=5)

    assert [(weak.found - weak.measured, weak.measured, weak.node) for weak in found] == sorted(expected)[:5]
    for weak in found:
        answers = [table.predicted[i] for i, one in enumerate(table.labels) if below(one, weak.node)]
        most = [at for at in tree.path(weak.node) if 2 * sum(below(one, at) for one in answers) >= len(answers)]
        assert weak.among == (most[-1] if most else 0)
        unlabelled = table.predicted[table.labels < 0]
        assert weak.waiting == sum(below(one, weak.among) for one in unlabelled)


def test_before_a_training_nothing_is_recommended(
    labelled_workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "What to label next" not in said(open_page(monkeypatch, labelled_workspace, "overview"))


def test_the_overview_says_what_to_label_next(predicted_workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    text = said(open_page(monkeypatch, predicted_workspace, "overview"))
    assert "What to label next" in text
    assert "least sure first" in text


def test_a_weak_class_leads_to_the_pictures_that_may_help(
    predicted_workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    for image_id in (17, 18, 19, 21, 22):  # test pictures; the model takes 19 for a tug
        label(predicted_workspace, image_id, "owl")
    text = said(open_page(monkeypatch, predicted_workspace, "overview"))
    assert "5 of 6 test pictures found" in text
    assert "Label 1 picture taken for this class" in text
    assert "See the class" in text


def test_a_picture_can_be_labelled_from_its_page(
    predicted_workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    label(predicted_workspace, 3, "owl")
    page = open_page(monkeypatch, predicted_workspace, "predictions", image="3")
    next(button for button in page.button if button.label == "Label this picture").click().run()
    assert not page.exception
    assert page.session_state["annotate.reopen"].image == 3
