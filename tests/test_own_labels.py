"""My labels: what one person said, newest first, by class, level, kind, moment and what became of it."""

from datetime import timedelta

import pytest
from conftest import label

from hmgc_core.errors import BadRequest, UnknownNode
from hmgc_core.store.schema import now
from hmgc_core.workflow import labelling, own_labels, taxonomies
from hmgc_core.workflow.own_labels import OwnFilter
from hmgc_core.workflow.workspaces import Workspace


def said(ws: Workspace, *, by: str = "ada", **wanted: object) -> list[tuple[int, str, str]]:
    page = own_labels.page(ws, OwnFilter(**wanted), annotator=by)  # type: ignore[arg-type]
    return [(one.image_id, one.kind, one.node) for one in page]


@pytest.fixture
def spoken(workspace: Workspace) -> Workspace:
    """Ada: 1 owl, 2 albatross, 3 tug then steamer, 4 owl (taken back), 5 not ship, 6 unusable, 7 root. Ben: 1 ship."""
    label(workspace, 1, "owl")
    label(workspace, 2, "albatross")
    label(workspace, 3, "tug")
    label(workspace, 3, "steamer")
    labelling.withdraw(workspace, label(workspace, 4, "owl"), annotator="ada")
    label(workspace, 5, "ship", kind="is_not")
    label(workspace, 6, "", kind="unusable")
    label(workspace, 7, "life")
    label(workspace, 1, "ship", by="ben")
    return workspace


def test_what_stands_comes_newest_first_and_only_ones_own(spoken: Workspace) -> None:
    assert said(spoken) == [
        (7, "is", "life"), (6, "unusable", ""), (5, "is_not", "ship"),
        (3, "is", "steamer"), (2, "is", "albatross"), (1, "is", "owl"),
    ]  # fmt: skip
    assert said(spoken, by="ben") == [(1, "is", "ship")]
    assert said(spoken, by="nobody") == []


def test_what_was_changed_or_taken_back_can_be_seen(spoken: Workspace) -> None:
    assert said(spoken, state="changed") == [(3, "is", "tug")]
    assert said(spoken, state="taken back") == [(4, "is", "owl")]


def test_a_label_taken_back_can_be_said_again(spoken: Workspace) -> None:
    label_of_2 = next(one for one in own_labels.page(spoken, OwnFilter(), annotator="ada") if one.image_id == 2)
    own_labels.take_back(spoken, label_of_2, annotator="ada")
    assert (2, "is", "albatross") not in said(spoken)
    own_labels.say_again(spoken, label_of_2, annotator="ada")
    assert said(spoken)[0] == (2, "is", "albatross")
    with pytest.raises(BadRequest):
        own_labels.take_back(spoken, label_of_2, annotator="ben")


def test_by_class_level_and_kind(spoken: Workspace) -> None:
    assert said(spoken, node="bird") == [(2, "is", "albatross"), (1, "is", "owl")]
    assert said(spoken, level=0) == [(7, "is", "life")]
    assert said(spoken, level=2) == [(3, "is", "steamer"), (2, "is", "albatross"), (1, "is", "owl")]
    assert said(spoken, level=2, node="ship") == [(3, "is", "steamer")]
    assert said(spoken, kind="unusable") == [(6, "unusable", "")]
    assert said(spoken, state="changed", node="bird") == []
    with pytest.raises(UnknownNode):
        said(spoken, node="dragon")


def test_by_moment(spoken: Workspace) -> None:
    with spoken.writing() as connection:  # all but the last two of ada's labels were made a day ago
        yesterday = (now() - timedelta(days=1)).strftime("%Y-%m-%d %H:%M:%S.%f")
        connection.exec_driver_sql("UPDATE annotation SET created_at = ? WHERE id <= 7", (yesterday,))
    today = now() - timedelta(hours=1)
    assert said(spoken, since=today) == [(7, "is", "life"), (6, "unusable", "")][: len(said(spoken, since=today))]
    assert said(spoken, since=today) + said(spoken, before=today) == said(spoken)
    assert said(spoken, since=now() + timedelta(days=1)) == []


def test_pages(spoken: Workspace) -> None:
    pages = [own_labels.page(spoken, OwnFilter(), annotator="ada", offset=o, count=4) for o in (0, 4, 8)]
    assert [len(page) for page in pages] == [4, 2, 0]


def test_a_class_that_moved_is_found_under_its_new_name(spoken: Workspace) -> None:
    _, tree = taxonomies.current_taxonomy(spoken)
    edges = [(key, tree.keys[p]) for key, p in zip(tree.keys[1:], tree.parents[1:], strict=True) if key != "owl"]
    taxonomies.store_taxonomy(spoken, type(tree).from_edges(edges), source="newer", to_ancestor=True)
    assert said(spoken, node="bird") == [(2, "is", "albatross"), (1, "is", "bird")]
    (one,) = own_labels.page(spoken, OwnFilter(state="taken back"), annotator="ada")
    assert (one.node, one.taxonomy) == ("owl", 1)  # as it was said


def test_taking_back_brings_the_earlier_word_to_stand_again(spoken: Workspace) -> None:
    newest = next(one for one in own_labels.page(spoken, OwnFilter(), annotator="ada") if one.image_id == 3)
    labelling.withdraw(spoken, newest.uid, annotator="ada")
    assert (3, "is", "tug") in said(spoken)
    assert (3, "is", "steamer") in said(spoken, state="taken back")
