"""Marked pictures labelled in one go, taken back, kept as a selection or as references; and the routes they go by."""

import json
from collections.abc import Iterator

import pytest
from conftest import label
from starlette.testclient import TestClient
from test_routes import browser

from app import security
from hmgc_core.errors import BadRequest, UnknownImage, UnknownNode
from hmgc_core.records import Annotation
from hmgc_core.store import checks
from hmgc_core.taxonomy import Taxonomy
from hmgc_core.workflow import (
    backups,
    glance,
    import_history,
    labelling,
    labelling_together,
    pictures,
    references,
    taxonomies,
    workspaces,
)
from hmgc_core.workflow.labelling_together import Group
from hmgc_core.workflow.workspaces import Workspace

GROUP = "0d6e4079-e36f-4c43-8b3c-000000000001"


def group(node: str = "bird", name: str = GROUP) -> Group:
    return Group(name, node, 1, seconds=0.5, pictures=3)


def standing(ws: Workspace, image_id: int) -> list[tuple[str, str]]:
    """(annotator, node) of what was said of a picture and not taken back."""
    return [(a.annotator, a.node) for a in labelling.image_history(ws, image_id) if not a.withdrawn]


def history(ws: Workspace, image_id: int) -> list[Annotation]:
    return labelling.image_history(ws, image_id)


def counts_are_right(ws: Workspace) -> bool:
    with ws.reading() as connection:
        return not checks.wrong_counts(connection)


# --- labels in one go -------------------------------------------------------------------------------------------------


def test_a_look_tells_what_would_happen_and_stores_nothing(workspace: Workspace) -> None:
    label(workspace, 1, "bird")
    label(workspace, 2, "owl")
    label(workspace, 3, "owl", kind="is_not")
    label(workspace, 4, "tug", by="ben")
    label(workspace, 5, "owl", by="ben")
    before = labelling.image_counts(workspace)
    look = labelling_together.look(workspace, "bird", 1, [6, 4, 5, 1, 2, 3, 999, 6], annotator="ada")
    assert look.new == (6, 4, 5)
    assert [(word.image_id, word.kind, word.node) for word in look.changed] == [(2, "is", "owl"), (3, "is_not", "owl")]
    assert look.already == (1,)
    assert [(one.image_id, one.why) for one in look.refused] == [(999, labelling_together.UNKNOWN)]
    # An owl is a bird, a tug is none.
    assert [(word.image_id, word.annotator, word.node) for word in look.others] == [(4, "ben", "tug")]
    assert labelling.image_counts(workspace) == before


def test_who_says_not_this_or_unusable_says_something_different(workspace: Workspace) -> None:
    label(workspace, 1, "bird", by="ben", kind="is_not")
    label(workspace, 2, "", by="ben", kind="unusable")
    label(workspace, 3, "tug", by="ben", kind="is_not")
    look = labelling_together.look(workspace, "albatross", 1, [1, 2, 3], annotator="ada")
    assert [word.image_id for word in look.others] == [1, 2]


def test_many_pictures_are_labelled_with_what_was_known_of_it(workspace: Workspace) -> None:
    label(workspace, 1, "bird")
    done = labelling_together.label(workspace, group(), [1, 2, 3], annotator="ada")
    assert (done.saved, done.new, done.already, done.refused) == (2, 2, 1, ())
    assert done.counts == labelling.image_counts(workspace)
    assert standing(workspace, 2) == [("ada", "bird")]
    assert len(history(workspace, 1)) == 1  # it said so already
    said = history(workspace, 2)[0]
    assert (said.seconds, said.kind, said.taxonomy) == (0.5, "is", 1)
    with workspace.reading() as connection:
        shown = connection.exec_driver_sql("SELECT shown FROM annotation WHERE image_id = 2").scalar_one()
    assert json.loads(shown) == {"source": "gallery", "group": GROUP, "together": 3}
    assert counts_are_right(workspace)


def test_the_same_again_stores_nothing_twice_and_answers_the_same(workspace: Workspace) -> None:
    label(workspace, 1, "bird")
    first = labelling_together.label(workspace, group(), [1, 2, 3], annotator="ada")
    again = labelling_together.label(workspace, group(), [1, 2, 3], annotator="ada")
    assert (again.saved, again.already, again.refused) == (first.saved, first.already, first.refused)
    assert again.new == 0
    more = labelling_together.label(workspace, group(), [2, 3, 4], annotator="ada")
    assert (more.saved, more.new) == (3, 1)
    assert [len(history(workspace, i)) for i in (1, 2, 3, 4)] == [1, 1, 1, 1]


def test_undo_takes_back_exactly_this_group(workspace: Workspace) -> None:
    label(workspace, 1, "owl")
    other = "0d6e4079-e36f-4c43-8b3c-000000000002"
    longer = GROUP + "1"  # begins with the other's name
    labelling_together.label(workspace, group(), [1, 2, 3], annotator="ada")
    labelling_together.label(workspace, group("ship", other), [4], annotator="ada")
    labelling_together.label(workspace, group("ship", longer), [5], annotator="ada")
    label(workspace, 3, "tug")  # said since: it stays
    assert labelling_together.undo(workspace, GROUP, annotator="ada")[0] == 3
    assert [standing(workspace, i) for i in (1, 2, 3, 4, 5)] == [
        [("ada", "owl")],
        [],
        [("ada", "tug")],
        [("ada", "ship")],
        [("ada", "ship")],
    ]
    assert labelling_together.undo(workspace, GROUP, annotator="ada")[0] == 0
    # A part that comes late, after the undo, does not bring back what was taken back.
    late = labelling_together.label(workspace, group(), [1, 2], annotator="ada")
    assert late.new == 0
    assert standing(workspace, 2) == []
    assert counts_are_right(workspace)


def test_nobody_takes_back_what_another_said(workspace: Workspace) -> None:
    labelling_together.label(workspace, group(), [1, 2], annotator="ada")
    assert labelling_together.undo(workspace, GROUP, annotator="ben")[0] == 0
    assert standing(workspace, 1) == [("ada", "bird")]


def test_a_large_group_is_taken_back_in_parts(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(labelling_together, "MOST_AT_ONCE", 5)
    for start in range(1, 24, 5):
        labelling_together.label(workspace, group(), list(range(start, min(start + 5, 24))), annotator="ada")
    assert labelling.image_counts(workspace).labelled == 23
    count, counts = labelling_together.undo(workspace, GROUP, annotator="ada")
    assert (count, counts.labelled) == (23, 0)
    assert counts_are_right(workspace)


def test_a_picture_whose_file_is_gone_is_not_labelled(workspace: Workspace) -> None:
    pictures.image(workspace, 2).path.unlink()
    done = labelling_together.label(workspace, group(), [1, 2, 777], annotator="ada")
    assert [(one.image_id, one.why) for one in done.refused] == [
        (2, labelling_together.GONE),
        (777, labelling_together.UNKNOWN),
    ]
    assert done.saved == 1
    assert standing(workspace, 2) == []


def test_a_picture_that_was_taken_out_is_not_labelled(workspace: Workspace) -> None:
    import_history.undo_import(workspace)
    done = labelling_together.label(workspace, group(), [1], annotator="ada")
    assert [one.why for one in done.refused] == [labelling_together.GONE]


def test_a_class_that_is_unknown_or_retired_is_refused(workspace: Workspace, tiny_tree: Taxonomy) -> None:
    with pytest.raises(UnknownNode):
        labelling_together.label(workspace, group("dodo"), [1], annotator="ada")
    without_owls = Taxonomy.from_edges(
        [(key, tiny_tree.keys[tiny_tree.parents[i]]) for i, key in enumerate(tiny_tree.keys) if i and key != "owl"]
    )
    taxonomies.store_taxonomy(workspace, without_owls, source="without.csv")
    with pytest.raises(BadRequest, match="'owl' was retired"):
        labelling_together.label(workspace, group("owl"), [1], annotator="ada")
    # A page with the old tree still labels what both have.
    assert labelling_together.label(workspace, group("bird"), [1], annotator="ada").new == 1


@pytest.mark.parametrize("name", ["", "short", "../../../../etc/passwd", "G" * 20, "a" * 41, "%" * 20])
def test_a_group_has_a_name_of_its_own(workspace: Workspace, name: str) -> None:
    with pytest.raises(BadRequest, match="name of a group"):
        labelling_together.label(workspace, group(name=name), [1], annotator="ada")
    with pytest.raises(BadRequest, match="name of a group"):
        labelling_together.undo(workspace, name, annotator="ada")


def test_likely_classes_come_from_the_newest_run(predicted_workspace: Workspace) -> None:
    found = labelling_together.likely(predicted_workspace, [4, 8, 12, 3, 7, 5])
    assert found == [("black-footed", 3), ("tug", 2), ("gull-like", 1)]


def test_before_the_first_training_no_class_is_likely(workspace: Workspace) -> None:
    assert labelling_together.likely(workspace, [1]) == []


# --- references -------------------------------------------------------------------------------------------------------


def ids(marks: list[references.ReferenceMark]) -> list[int]:
    return [mark.image_id for mark in marks]


def test_pictures_are_marked_for_a_class_once_and_taken_back(workspace: Workspace) -> None:
    assert references.mark(workspace, "owl", [3, 1], annotator="ada") == references.Marked((3, 1), 0, 0)
    assert references.mark(workspace, "owl", [1, 24], annotator="ben") == references.Marked((24,), 1, 1)
    assert references.mark(workspace, "bird", [2], annotator="ada").new == (2,)
    assert ids(references.of_class(workspace, "owl")) == [1, 3, 24]
    assert ids(references.of_class(workspace, "bird", below=True)) == [2, 1, 3, 24]
    (mark,) = references.of_image(workspace, 24)
    assert (mark.node, mark.annotator, mark.is_test) == ("owl", "ben", True)
    assert references.unmark(workspace, "owl", [1, 2, 24]) == (1, 24)
    assert references.unmark(workspace, "owl", [1]) == ()
    assert ids(references.of_class(workspace, "owl")) == [3]


def test_what_cannot_be_marked_is_refused_whole(workspace: Workspace) -> None:
    with pytest.raises(UnknownNode):
        references.mark(workspace, "dodo", [1], annotator="ada")
    with pytest.raises(UnknownImage):
        references.mark(workspace, "owl", [1, 999], annotator="ada")
    with pytest.raises(BadRequest, match="whole tree"):
        references.mark(workspace, "life", [1], annotator="ada")
    with pytest.raises(BadRequest):
        references.mark(workspace, "owl", [], annotator="ada")
    assert references.of_image(workspace, 1) == []


def test_a_reference_follows_its_class(workspace: Workspace) -> None:
    references.mark(workspace, "owl", [1], annotator="ada")
    references.mark(workspace, "tug", [2], annotator="ada")
    _, tree = taxonomies.current_taxonomy(workspace)
    edges = [(key, tree.keys[tree.parents[i]]) for i, key in enumerate(tree.keys) if i and key not in ("owl", "tug")]
    taxonomies.store_taxonomy(
        workspace, Taxonomy.from_edges([*edges, ("night bird", "bird")]), source="new.csv", moves={"owl": "night bird"}
    )
    assert ids(references.of_class(workspace, "night bird")) == [1]
    assert [(mark.node, mark.said) for mark in references.of_image(workspace, 1)] == [("night bird", "owl")]
    assert references.mark(workspace, "night bird", [1], annotator="ben").already == 1
    # No label was at the tug and nothing leads on from it: the mark stays, and says that its class is gone.
    assert [(mark.node, mark.said) for mark in references.of_image(workspace, 2)] == [("", "tug")]
    assert ids(references.homeless(workspace)) == [2]
    assert references.unmark(workspace, "night bird", [1]) == (1,)
    assert references.unmark(workspace, "tug", [2]) == (2,)


def test_a_class_at_a_glance_begins_with_its_references_but_for_test_pictures(workspace: Workspace) -> None:
    for image_id in (1, 2, 3):
        label(workspace, image_id, "owl")
    references.mark(workspace, "owl", [9, 3, 24], annotator="ada")
    found = glance.glance(workspace, "owl").own
    assert found.images == (3, 9, 1, 2)
    assert found.references == 2
    # The class above shows them too, and leaves out the picture that is on screen.
    assert glance.glance(workspace, "bird", without=9).own.images[:1] == (3,)
    sibling = next(s for s in glance.glance(workspace, "albatross").siblings if s.node == "owl")
    assert sibling.images == (3, 9)


def test_a_backup_keeps_references(workspace: Workspace, tmp_path_factory: pytest.TempPathFactory) -> None:
    references.mark(workspace, "owl", [1], annotator="ada")
    folder = tmp_path_factory.mktemp("backup")
    backups.backup(workspace, folder / "all.zip")
    backups.restore(folder / "all.zip", folder / "again")
    assert ids(references.of_class(workspaces.open_workspace(folder / "again"), "owl")) == [1]


# --- routes -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def client(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> Iterator[TestClient]:
    with browser(workspace, monkeypatch) as client:
        yield client


def body(**changes: object) -> dict[str, object]:
    return {"group": GROUP, "node": "bird", "taxonomy": 1, "seconds": 1, "together": 2, "images": [1, 2]} | changes


def test_marked_pictures_are_looked_at_labelled_and_taken_back(client: TestClient, workspace: Workspace) -> None:
    about = client.post("/api/marked/about", json={"images": [1, 2]}).json()
    assert about["taxonomy"]["version"] == 1
    look = client.post("/api/marked/look", json=body()).json()
    assert look == {"new": [1, 2], "changed": [], "already": [], "refused": [], "others": []}
    done = client.post("/api/marked/labels", json=body(images=[1, 2, 999])).json()
    assert (done["saved"], done["new"], done["refused"]) == (2, 2, [[999, labelling_together.UNKNOWN]])
    assert done["counts"]["labelled"] == 2
    back = client.post("/api/marked/labels/undo", json={"group": GROUP}).json()
    assert (back["withdrawn"], back["counts"]["labelled"]) == (2, 0)
    assert standing(workspace, 1) == []


def test_marked_pictures_become_a_selection(client: TestClient) -> None:
    saved = client.post("/api/marked/selection", json={"name": " My  owls ", "images": [3, 1, 3]})
    assert saved.json() == {"queue": "selection:1", "name": "My owls", "total": 2}
    again = client.post("/api/marked/selection", json={"name": "My owls", "images": [3]})
    assert again.status_code == 400
    assert "already" in again.json()["error"]


def test_marked_pictures_become_references(client: TestClient, workspace: Workspace) -> None:
    done = client.post("/api/marked/references", json={"node": "owl", "images": [24, 1]}).json()
    assert done == {"new": [24, 1], "already": 0, "test": 1}
    assert client.post("/api/marked/references/remove", json={"node": "owl", "images": [24]}).json() == {
        "removed": [24]
    }
    assert ids(references.of_class(workspace, "owl")) == [1]


PATHS = ["about", "look", "labels", "labels/undo", "selection", "references", "references/remove"]
COMPLETE = body(name="all")


@pytest.mark.parametrize("path", PATHS)
def test_every_act_needs_a_token_json_and_our_own_page(client: TestClient, workspace: Workspace, path: str) -> None:
    address = f"/api/marked/{path}"
    assert client.post(address, json=COMPLETE, headers={security.TOKEN_HEADER: "no"}).status_code == 401
    assert client.post(address, json=COMPLETE, headers={"origin": "http://evil.example"}).status_code == 403
    assert client.post(address, json=COMPLETE, headers={"host": "evil.example"}).status_code == 400
    assert client.post(address, content=json.dumps(COMPLETE)).status_code == 415
    assert client.get(address).status_code == 405
    for response in (client.get(address), client.post(address, content="{")):
        assert set(response.json()) == {"error", "remedy"}
    assert history(workspace, 1) == []
    assert references.of_image(workspace, 1) == []


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("what", [[], 7, "x", {}, {"images": "1"}, {"images": [True]}, {"images": [0]}])
def test_what_is_no_request_is_named(client: TestClient, path: str, what: object) -> None:
    response = client.post(f"/api/marked/{path}", json=what)
    assert response.status_code == 400
    assert response.json()["remedy"]


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"images": [2**53]}, 400),
        ({"images": [1.5]}, 400),
        ({"images": []}, 400),
        ({"images": list(range(1, 502))}, 400),
        ({"node": 3}, 400),
        ({"node": "dodo"}, 422),
        ({"taxonomy": 99}, 422),
        ({"taxonomy": -1}, 400),
        ({"seconds": -1}, 400),
        ({"group": "me"}, 400),
        ({"together": 0}, 400),
    ],
)
def test_a_label_for_many_that_cannot_be_is_refused_whole(
    client: TestClient, workspace: Workspace, changes: dict[str, object], status: int
) -> None:
    response = client.post("/api/marked/labels", json=body(**changes))
    assert response.status_code == status, response.text
    assert set(response.json()) == {"error", "remedy"}
    assert history(workspace, 1) == []


def test_the_script_is_kept_for_good_under_its_own_name_only(client: TestClient) -> None:
    from app.components.gallery.script import SCRIPT

    own = client.get(f"/api/scripts/{SCRIPT.name}")
    assert own.headers["content-type"].startswith("text/javascript")
    assert "immutable" in own.headers["cache-control"]
    assert own.content == SCRIPT.text
    plain = client.get(f"/api/scripts/{SCRIPT.name}", headers={"accept-encoding": "identity"})
    assert plain.content == SCRIPT.text
    older = client.get("/api/scripts/gallery-0.js")
    assert older.headers["cache-control"] == "no-store"
    assert client.get("/api/scripts/x.js").status_code == 404
