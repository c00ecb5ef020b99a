"""What is kept of people's words, brought up to now after whatever happened, against reading all of them again."""

import numpy as np
import pytest
from conftest import label

from hmgc_core.errors import HmgcError
from hmgc_core.querying import agreed_node
from hmgc_core.store import annotations, placings
from hmgc_core.store.schema import word
from hmgc_core.taxonomy import Taxonomy
from hmgc_core.tree_edits import Add, Merge, Retire
from hmgc_core.workflow import health, labelling, seeing, taxonomies, tree_edits
from hmgc_core.workflow import placings as verbs
from hmgc_core.workflow.workspaces import Workspace

IMAGES = np.arange(1, 25)
KINDS = ("is", "is", "is", "none_here", "is_not", "unusable")
PEOPLE = ("ada", "ben", "cy")


@pytest.fixture(autouse=True)
def few_are_many(monkeypatch: pytest.MonkeyPatch) -> None:
    """Small workspaces take the way of large ones."""
    monkeypatch.setattr(verbs, "FEW_IMAGES", 3)


def read_again(ws: Workspace, tree: Taxonomy) -> list[tuple[int, int, int]]:
    """(image, person, node) of all words now, from nothing."""
    with ws.reading() as connection:
        rows = annotations.places_said(connection)
    return sorted((image, by, tree.index(key)) for image, by, key in rows if key in tree)


def assert_up_to_now(ws: Workspace, tree: Taxonomy) -> None:
    said = verbs.said(ws, tree)
    expected = read_again(ws, tree)
    assert sorted(zip(said.images.tolist(), said.people.tolist(), said.nodes.tolist(), strict=True)) == expected
    places = tree.preorder_start[said.nodes].tolist()
    order = list(zip(said.images.tolist(), places, said.people.tolist(), strict=True))
    assert order == sorted(order)
    by_image: dict[int, list[int]] = {}
    for image, _, node in expected:
        by_image.setdefault(image, []).append(node)
    agreed = [agreed_node(tree, by_image[i]) if i in by_image else -1 for i in IMAGES.tolist()]
    assert verbs.reference_nodes(ws, tree, IMAGES).tolist() == agreed
    assert verbs.reference_nodes(ws, tree, IMAGES[4:6]).tolist() == agreed[4:6]


def change_the_tree(ws: Workspace, rng: np.random.Generator, step: int) -> None:
    version, tree = taxonomies.current_taxonomy(ws)
    below = [key for key in tree.keys if key != tree.keys[0]]
    one, other = rng.choice(below, 2).tolist()
    change = rng.integers(0, 4)
    try:
        if change == 0:
            tree_edits.undo_edit(ws, seen=version)
        elif change == 1:
            tree_edits.make_edit(ws, Add(one, f"new {step}"), seen=version)
        elif change == 2:
            tree_edits.make_edit(ws, Retire(one), seen=version)
        else:
            tree_edits.make_edit(ws, Merge(one, other), seen=version)
    except HmgcError:
        return  # this tree allows no such change; the next step tries another


@pytest.mark.parametrize("seed", range(4))
def test_words_are_those_of_now_after_labels_withdrawals_and_changes_of_the_tree(
    workspace: Workspace, tiny_tree: Taxonomy, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    said: list[tuple[str, str]] = []
    for step in range(40):
        _, tree = taxonomies.current_taxonomy(workspace)
        chance = rng.random()
        if chance < 0.15:
            change_the_tree(workspace, rng, step)
        elif chance < 0.3 and said:
            uid, by = said.pop(int(rng.integers(0, len(said))))
            labelling.withdraw(workspace, uid, annotator=by)
        else:
            for turn in range(rng.integers(1, 5)):
                by, kind = str(rng.choice(PEOPLE)), str(rng.choice(KINDS))
                node = "" if kind == "unusable" else str(rng.choice(tree.keys[1:] if kind == "is_not" else tree.keys))
                label(workspace, int(rng.integers(1, 25)), node, kind=kind, by=by, uid=f"statement-{step}-{turn}")
                said.append((f"statement-{step}-{turn}", by))
        if rng.random() < 0.7:  # else several things happen between two looks
            assert_up_to_now(workspace, taxonomies.current_taxonomy(workspace)[1])
            assert_up_to_now(workspace, tiny_tree)
    assert taxonomies.current_taxonomy(workspace)[0] > 2


def test_after_one_label_only_the_words_on_its_picture_are_read(
    labelled_workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    ws = labelled_workspace
    _, tree = taxonomies.current_taxonomy(ws)
    read: list[int] = []
    from_nothing = placings.all_placings

    def counted(*given):
        found = from_nothing(*given)
        read.append(len(found.images))
        return found

    monkeypatch.setattr(placings, "all_placings", counted)
    assert_up_to_now(ws, tree)
    label(ws, 22, tree.keys[1], by="ben")
    assert_up_to_now(ws, tree)
    with ws.reading() as connection:
        spoken_of, anew = placings.placings_since(connection, tree, annotations.last_id(connection) - 1)
    assert (spoken_of.tolist(), anew.images.tolist()) == ([22], [22])
    assert read == [20]


def test_nothing_new_is_answered_by_what_is_kept(labelled_workspace: Workspace) -> None:
    _, tree = taxonomies.current_taxonomy(labelled_workspace)
    assert verbs.said(labelled_workspace, tree) is verbs.said(labelled_workspace, tree)


def test_words_that_were_repaired_are_heard_without_a_new_label(labelled_workspace: Workspace) -> None:
    ws = labelled_workspace
    _, tree = taxonomies.current_taxonomy(ws)
    with ws.writing() as connection:
        connection.execute(word.delete().where(word.c.image_id < 5))
    assert_up_to_now(ws, tree)
    assert len(verbs.said(ws, tree).images) == 16
    health.repair(ws)
    assert_up_to_now(ws, tree)
    assert len(verbs.said(ws, tree).images) == 20


def test_predictions_get_the_labels_of_now(predicted_workspace: Workspace) -> None:
    ws = predicted_workspace
    table = seeing.answers(ws, 1)
    assert set(table.labels.tolist()) == {-1}
    label(ws, 24, table.taxonomy.keys[2])
    assert seeing.with_labels(ws, table).labels.tolist() == seeing.prediction_table(ws, 1).labels.tolist()
    assert seeing.with_labels(ws, table).labels[23] == 2


def test_before_there_is_a_tree_nothing_was_said(empty_workspace: Workspace, tiny_tree: Taxonomy) -> None:
    assert verbs.reference_nodes(empty_workspace, tiny_tree, IMAGES).tolist() == [-1] * 24
    assert len(verbs.said(empty_workspace, tiny_tree).images) == 0
