"""Charts on the Predictions page: what stands in the address, what a mark leaves in the gallery, what is missing."""

import json
from typing import Any

import pytest
from conftest import label
from reading_pages import button, gallery, open_page, said
from streamlit.testing.v1 import AppTest

from app import state
from app.components.prediction_charts import CHARTS
from hmgc_core.records import Prediction, RunConfig
from hmgc_core.store import jobs, predictions
from hmgc_core.taxonomy import Taxonomy
from hmgc_core.workflow import taxonomies, training
from hmgc_core.workflow.workspaces import Workspace


def sent(page: AppTest, field: str) -> dict[str, Any]:
    """What the component with this field in its data was sent; {} where there is none."""
    data = [json.loads(component.proto.json) for component in page.get("bidi_component")]
    return next((entry for entry in data if field in entry), {})


def chart(page: AppTest) -> dict[str, Any]:
    return sent(page, "trained")


def words(page: AppTest) -> str:
    """What the bar above the gallery says of the mark."""
    return str(sent(page, "words")["words"])


def all_marks(value: Any) -> list[str]:
    """Every mark that stands in the data of a chart, with how many pictures it says it opens."""
    if isinstance(value, dict):
        return [mark for part in value.values() for mark in all_marks(part)]
    if isinstance(value, list):
        marks = [one for one in value if isinstance(one, str) and one.partition(":")[0] in KINDS]
        return marks + [mark for part in value if isinstance(part, (dict, list)) for mark in all_marks(part)]
    return []


KINDS = ("taken-for", "node-wrong", "node-right", "height", "meets", "sure", "threshold", "got-better", "got-worse")


def add_run(ws: Workspace, wrong: set[int]) -> int:
    """A second finished run, that answers as people say but for these images."""
    run_id = training.queue_run(ws, RunConfig(model="flat", backbone="resnet_mini", image_size=16, epochs=1))
    _, tree = taxonomies.current_taxonomy(ws)
    leaves = ["black-footed", "gull-like", "owl", "tug"]
    made = []
    for image_id in range(1, 25):
        leaf = tree.index(leaves[(image_id + (image_id in wrong)) % 4])
        path = tuple((tree.keys[node], 0.9 - 0.1 * depth) for depth, node in enumerate(tree.path(leaf)))
        made.append(Prediction(run_id, image_id, tree.keys[leaf], path[-1][1], path, ()))
    with ws.writing() as connection:
        jobs.claim(connection, owner="test", lease_s=60)
        predictions.replace_all(connection, run_id, made)
        jobs.finish(connection, run_id, owner="test", status="done")
    return run_id


@pytest.mark.parametrize("name", [name for name in CHARTS if name])
def test_every_chart_is_drawn_from_its_address(
    predicted_workspace: Workspace, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    add_run(predicted_workspace, {1, 5})
    page = open_page(monkeypatch, predicted_workspace, "predictions", run="1", chart=name)
    assert all_marks(chart(page)) or chart(page)["parts"][0]["cells"]
    assert len(gallery(page)) == 24


def test_a_chart_is_chosen_and_stands_in_the_address(
    predicted_workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = open_page(monkeypatch, predicted_workspace, "predictions")
    assert not chart(page)
    page.segmented_control(key=state.CHART_CONTROL).set_value("far").run()
    assert page.query_params["chart"] in ("far", ["far"])
    assert chart(page)["panels"][0]["title"] == "How far off mistakes are"


def test_every_mark_of_every_chart_opens_the_pictures_it_counts(
    predicted_workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_run(predicted_workspace, {1, 5})
    seen = 0
    for name in ("classes", "far", "runs"):
        page = open_page(monkeypatch, predicted_workspace, "predictions", run="1", chart=name)
        parts = [part for panel in chart(page)["panels"] for row in panel["rows"] for part in row[2] if part[0]]
        for count, _, mark, _ in parts[:6]:
            page.query_params["mark"] = mark
            page.run()
            assert len(gallery(page)) == count, mark
            assert words(page)
            seen += 1
    assert seen > 8


def test_a_mark_filters_the_gallery_and_is_named(
    predicted_workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = open_page(monkeypatch, predicted_workspace, "predictions", run="1", mark="taken-for:gull-like:owl")
    assert [card[0] for card in gallery(page)] == [1]
    assert words(page) == "Labelled gull-like, answered owl"
    page.query_params["image"] = "1"
    page.run()
    assert "1 of 1" in said(page)
    button(page, "All pictures").click().run()
    assert [card[0] for card in gallery(page)] == [1]


@pytest.mark.parametrize("mark", ["nonsense", "taken-for:a:b", "sure:9:0:1", "got-better:99", "height:x"])
def test_a_mark_that_means_nothing_is_told_and_ignored(
    predicted_workspace: Workspace, monkeypatch: pytest.MonkeyPatch, mark: str
) -> None:
    page = open_page(monkeypatch, predicted_workspace, "predictions", run="1", mark=mark, chart="mixed")
    assert "All pictures are shown" in words(page)
    assert len(gallery(page)) == 24


def test_charts_are_of_the_pictures_that_pass_the_filters(
    predicted_workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = open_page(monkeypatch, predicted_workspace, "predictions", chart="far")
    assert sum(row[2][0][0] for row in chart(page)["panels"][0]["rows"]) == 2
    assert "training pictures" in chart(page)["trained"]
    page.segmented_control(key=state.FILTER_SPLIT).set_value("val").run()
    assert chart(page)["panels"][0]["rows"] == []
    assert chart(page)["trained"] == ""
    page.segmented_control(key=state.FILTER_VERDICT).set_value("unlabelled").run()
    assert "No labelled picture passes" in said(page)


def test_without_a_second_run_there_is_nothing_to_compare_with(
    predicted_workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = open_page(monkeypatch, predicted_workspace, "predictions", chart="runs")
    assert "no other finished run" in said(page)


def test_a_run_of_an_older_tree_is_compared_by_key_and_it_is_said(
    predicted_workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    version, tree = taxonomies.current_taxonomy(predicted_workspace)
    edges = [(tree.keys[node], tree.keys[tree.parents[node]]) for node in range(1, len(tree))]
    taxonomies.store_taxonomy(predicted_workspace, Taxonomy.from_edges([*edges, ("barge", "steamer")]), source="new")
    add_run(predicted_workspace, {5})
    assert taxonomies.current_taxonomy(predicted_workspace)[0] != version
    page = open_page(monkeypatch, predicted_workspace, "predictions", run="2", chart="runs", **{"with": "1"})
    assert "different versions of the class tree" in chart(page)["panels"][0]["about"]
    assert [row[2][0][0] for row in chart(page)["panels"][0]["rows"]][1:3] == [2, 1]


def test_charts_follow_a_label_made_meanwhile(predicted_workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    page = open_page(monkeypatch, predicted_workspace, "predictions", chart="far")
    label(predicted_workspace, 3, "owl", uid="a-change-of-mind")
    page.run()
    assert sum(row[2][0][0] for row in chart(page)["panels"][0]["rows"]) == 3


def test_the_first_chart_begins_with_pictures_that_the_model_was_not_trained_on(
    predicted_workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = open_page(monkeypatch, predicted_workspace, "predictions")
    assert len(gallery(page)) == 24
    page.segmented_control(key=state.CHART_CONTROL).set_value("mixed").run()
    split = page.segmented_control(key=state.FILTER_SPLIT)
    assert split.value in ("test", "val")
    assert page.query_params["split"] in (split.value, [split.value])
    assert 0 < len(gallery(page)) < 24
    split.set_value("").run()  # who wants all pictures gets them, also with the next chart
    page.segmented_control(key=state.CHART_CONTROL).set_value("").run()
    page.segmented_control(key=state.CHART_CONTROL).set_value("far").run()
    assert len(gallery(page)) == 24
    assert chart(page)


def test_a_split_that_was_chosen_before_stays(predicted_workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    page = open_page(monkeypatch, predicted_workspace, "predictions", split="train")
    page.segmented_control(key=state.CHART_CONTROL).set_value("mixed").run()
    assert page.segmented_control(key=state.FILTER_SPLIT).value == "train"


def test_another_runs_answers_travel_as_numbers_where_both_have_the_same_tree(
    predicted_workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = add_run(predicted_workspace, {1, 5})
    page = open_page(monkeypatch, predicted_workspace, "predictions", run="1", mark=f"both-wrong:{other}")
    _, tree = taxonomies.current_taxonomy(predicted_workspace)
    ((image, answer, *_, theirs),) = gallery(page)
    assert (image, tree.keys[answer], tree.keys[theirs]) == (1, "owl", "owl")
    assert "others" not in sent(page, "cards")
