"""The map and the look-alikes on screen: what is drawn, what the address says, what is said of what is missing."""

import json
from typing import Any

import numpy as np
import pytest
from conftest import TINY_EDGES, label
from reading_pages import button, gallery, open_page, said
from streamlit.testing.v1 import AppTest

from hmgc_core import worker
from hmgc_core.store import predictions
from hmgc_core.taxonomy import Taxonomy
from hmgc_core.workflow import map_colours, picture_maps, tasks, taxonomies
from hmgc_core.workflow.embeddings import keep
from hmgc_core.workflow.workspaces import Workspace

WHOLE = "0.0.65535.0.65535.65535.0.65535"


@pytest.fixture
def seen(predicted_workspace: Workspace) -> Workspace:
    leave_vectors(predicted_workspace, 24)
    return predicted_workspace


@pytest.fixture
def mapped(seen: Workspace) -> Workspace:
    picture_maps.ask(seen, 1)
    worker.work(seen, once=True)
    return seen


def leave_vectors(ws: Workspace, count: int) -> None:
    ws.run_folder(1).mkdir(parents=True, exist_ok=True)
    vectors = np.random.default_rng(0).normal(size=(count, 8)).astype(np.float16)
    keep(ws.run_folder(1), np.arange(1, count + 1), vectors)


def component(page: AppTest, word: str) -> dict[str, Any]:
    """The data of the component that has this word among it; {} where there is none."""
    for found in page.get("bidi_component"):
        data = json.loads(found.proto.json)
        if word in data:
            return dict(data)
    return {}


# --- the map ----------------------------------------------------------------------------------------------------------


def test_without_a_model_there_is_a_way_to_one(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "No model was trained yet" in said(open_page(monkeypatch, workspace, "map"))


def test_a_run_that_kept_nothing_has_no_map(predicted_workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    page = open_page(monkeypatch, predicted_workspace, "map")
    assert "kept nothing to compare pictures by" in "\n".join(str(info.value) for info in page.info)
    assert not [found for found in page.button if found.label == "Make the map"]


def test_the_map_is_asked_for_awaited_and_drawn(seen: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    page = open_page(monkeypatch, seen, "map")
    button(page, "Make the map").click().run()
    assert "The map of all pictures" in said(page)
    assert not component(page, "points")
    worker.work(seen, once=True)
    page.run()
    data = component(page, "points")
    assert sum(tone["count"] for tone in data["tones"]) == 24
    assert {tone["name"] for tone in data["tones"]} == {"bird", "ship"}
    assert "Made with" in said(page)


def test_a_failed_map_says_why_and_an_older_one_stays(mapped: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("embeddings.npy", "likeness.npy"):
        (mapped.run_folder(1) / name).write_bytes(b"")
    picture_maps.ask(mapped, 1, anew=True)
    worker.work(mapped, once=True)
    page = open_page(monkeypatch, mapped, "map")
    assert "kept nothing to compare pictures by" in "\n".join(str(error.value) for error in page.error)
    assert component(page, "points")


def test_colour_and_level_stand_in_the_address(mapped: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    page = open_page(monkeypatch, mapped, "map", colour="label", level="2")
    names = {tone["name"] for tone in component(page, "points")["tones"]}
    assert names == {"albatross", "owl", "steamer", "Not labelled"}
    assert [level for level, _ in component(page, "points")["levels"]] == ["1", "2", "3"]
    page = open_page(monkeypatch, mapped, "map", colour="verdict", level="2")
    assert {tone["name"] for tone in component(page, "points")["tones"]} >= {"Right", "Not labelled"}
    assert component(page, "points")["levels"] == []
    strange = open_page(monkeypatch, mapped, "map", colour="magic", level="99")
    assert {tone["name"] for tone in component(strange, "points")["tones"]} >= {"bird", "ship"}
    assert "was left out: colour=magic" in said(strange) and "was left out: level=99" in said(strange)


def test_a_line_in_the_address_opens_its_pictures(mapped: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    page = open_page(monkeypatch, mapped, "map", lasso=WHOLE)
    assert "24 pictures inside the line" in said(page)
    assert {card[0] for card in gallery(page)} == set(range(1, 25))
    made = picture_maps.newest_map(mapped, 1)
    assert made is not None
    x, y = (int(value) for value in made.places[6])
    around = f"{x - 1}.{y - 1}.{x + 2}.{y - 1}.{x + 2}.{y + 2}.{x - 1}.{y + 2}"
    page = open_page(monkeypatch, mapped, "map", lasso=around)
    assert 7 in {card[0] for card in gallery(page)}
    assert len(gallery(page)) < 24


def test_a_line_holds_the_rows_of_the_legend_that_were_looked_at(
    mapped: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = open_page(monkeypatch, mapped, "map", colour="labelled")
    tones = [tone["name"] for tone in component(page, "points")["tones"]]
    only = str(tones.index("Not labelled"))
    page = open_page(monkeypatch, mapped, "map", colour="labelled", lasso=WHOLE, only=only)
    assert {card[0] for card in gallery(page)} == {21, 22, 23, 24}


@pytest.mark.parametrize("line", ["1.2.3", "0.0.70000.0.0.9", "a.b.c.d.e.f", "1.1." * 300 + "2.2", "-1.0.1.1.2.2"])
def test_a_line_that_is_none_is_passed_over(mapped: Workspace, monkeypatch: pytest.MonkeyPatch, line: str) -> None:
    page = open_page(monkeypatch, mapped, "map", lasso=line, only="99")
    assert "inside the line" not in said(page)
    assert component(page, "points")["lasso"] == []


def test_an_empty_corner_says_so(mapped: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    page = open_page(monkeypatch, mapped, "map", lasso="0.0.1.0.1.1")
    assert "No picture lies inside this line" in said(page)


def test_newer_vectors_and_newer_pictures_are_told(mapped: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    leave_vectors(mapped, 22)
    page = open_page(monkeypatch, mapped, "map")
    assert "has seen its pictures anew" in said(page)
    button(page, "Make the map anew").click().run()
    assert "The map of all pictures" in said(page)
    assert component(page, "points")  # the old one stays until then
    worker.work(mapped, once=True)
    page.run()
    assert "has seen its pictures anew" not in said(page)
    assert "2 pictures of the workspace are not on this map" in said(page)


def test_lost_files_can_be_made_again(mapped: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    made = picture_maps.newest_map(mapped, 1)
    assert made is not None
    (tasks.task_folder(mapped, made.task) / picture_maps.FILE).unlink()
    page = open_page(monkeypatch, mapped, "map")
    assert "The files of the map are gone" in said(page)
    button(page, "Make the map").click().run()
    worker.work(mapped, once=True)
    page.run()
    assert component(page, "points")


def test_colours_that_were_deleted_are_left_again(mapped: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    page = open_page(monkeypatch, mapped, "map")
    name = component(page, "points")["colours"].split("/")[-1].partition("?")[0]
    (mapped.task_folder(1) / "colours" / name).unlink()
    page.run()
    assert len(map_colours.kept_codes(mapped, 1, name)) > 0


def test_a_map_without_predictions_is_empty_but_stands(mapped: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    with mapped.writing() as connection:
        predictions.replace_all(connection, 1, [])
    page = open_page(monkeypatch, mapped, "map", lasso=WHOLE)
    assert component(page, "points")["tones"] == []
    assert "No picture lies inside this line" in said(page)


# --- labelled pictures like one ---------------------------------------------------------------------------------------


def test_look_alikes_stand_level_by_level_with_their_labels(seen: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    page = open_page(monkeypatch, seen, "predictions", run="1", image="3", why="alike")
    rows = component(page, "rows")["rows"]
    assert [row["title"].partition(",")[0] for row in rows] == [
        "Nearest of all", "Level 1 (coarsest): ship", "Level 2: steamer", "Level 3 (finest): tug"
    ]  # fmt: skip
    assert "carry the model's answer" in rows[0]["told"]
    sign, by, near, exact = rows[0]["tiles"][0][2:]
    assert by == "by ada" and exact.startswith("cosine distance ") and sign in (0, 1, 2)
    assert near in ("nearly the same", "very alike", "alike", "a little alike", "not alike")
    assert rows[1]["otherTitle"] == "The nearest of another class: bird"
    assert all(tile[2] == 2 for tile in rows[1]["other"])
    assert "15 labelled pictures" in component(page, "rows")["note"]  # 16 outside the test split, less itself


def test_many_people_are_named_in_short(seen: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    for image in range(1, 17):
        for by in ("ben", "cid", "dee"):
            label(seen, image, "bird", by=by)
    page = open_page(monkeypatch, seen, "predictions", run="1", image="3", why="alike")
    assert component(page, "rows")["rows"][0]["tiles"][0][3] == "by ada, ben and 2 more"


def test_a_run_that_kept_no_vectors_says_so(predicted_workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    page = open_page(monkeypatch, predicted_workspace, "predictions", run="1", image="3", why="alike")
    assert "kept nothing to compare this picture by" in said(page)


def test_a_run_of_an_earlier_tree_says_what_it_does_not_know(seen: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    later = Taxonomy.from_edges([*TINY_EDGES, ("tern", "bird")])
    taxonomies.store_taxonomy(seen, later, source="later.csv")
    label(seen, 5, "tern", by="ben", uid="in-a-new-class")
    page = open_page(monkeypatch, seen, "predictions", run="1", image="3", why="alike")
    assert "an earlier version of the class tree" in said(page)
    assert component(page, "rows")["rows"]


def test_where_nothing_is_labelled_the_way_to_label_is_shown(seen: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    from hmgc_core.store.schema import word

    with seen.writing() as connection:
        connection.execute(word.delete())
    page = open_page(monkeypatch, seen, "predictions", run="1", image="3", why="alike")
    assert "is labelled yet" in said(page)
    assert "Label some" in said(page)
