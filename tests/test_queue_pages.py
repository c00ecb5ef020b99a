"""Choosing a queue, saving a selection and looking through one's own labels, up to the components."""

import json

import pytest
from conftest import label, upcoming
from reading_pages import button, open_page, said
from streamlit.testing.v1 import AppTest

from app import state
from hmgc_core.records import QueueRules
from hmgc_core.workflow import queues, selections
from hmgc_core.workflow.workspaces import Workspace


def handed_over(page: AppTest, name: str) -> dict[str, object]:
    """What the component that is given `name` was given."""
    found = [json.loads(component.proto.json) for component in page.get("bidi_component")]
    return next(data for data in found if name in data)


def annotate(monkeypatch: pytest.MonkeyPatch, ws: Workspace, **address: str) -> AppTest:
    """The annotate page, for Ada."""
    monkeypatch.setenv("HMGC_WORKSPACE", str(ws.folder))
    page = open_page(monkeypatch, ws, "overview")
    page.session_state[state.ANNOTATOR] = "ada"
    page.switch_page("pages/annotate.py")
    for key, value in address.items():
        page.query_params[key] = value
    page.run()
    assert not page.exception, page.exception[0].value
    return page


def choosing(page: AppTest) -> AppTest:
    """The page with the dialog open, as after the key Q."""
    page.session_state[state.QUEUE_ASKED] = True
    page.run()
    assert not page.exception, page.exception[0].value
    return page


def test_the_address_names_the_queue(labelled_workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    page = annotate(monkeypatch, labelled_workspace, queue="class:albatross")
    assert handed_over(page, "queue")["queue"] == {"choice": "class:albatross", "name": "Called albatross", "round": 0}


@pytest.mark.parametrize("queue", ["class:dragon", "nonsense", "selection:7", "unsure", "folder:9/x"])
def test_a_queue_that_is_not_there_gives_way_with_a_word(
    labelled_workspace: Workspace, monkeypatch: pytest.MonkeyPatch, queue: str
) -> None:
    page = annotate(monkeypatch, labelled_workspace, queue=queue)
    assert page.warning
    assert handed_over(page, "queue")["queue"]["choice"] == "unlabelled"  # type: ignore[index]
    assert not page.run().warning


def test_the_dialog_counts_and_starts_over(predicted_workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    upcoming(predicted_workspace, "contradicted")
    label(predicted_workspace, 1, "tug", uid="a-second-look-1")
    page = choosing(annotate(monkeypatch, predicted_workspace, queue="contradicted"))
    radio = page.radio(key=state.QUEUE_KIND)
    assert any("4 pictures" in caption for caption in radio.proto.captions)
    assert (radio.value, "1 picture of 2 left" in said(page)) == ("contradicted", True)
    button(page, "Start over").click().run()
    assert "2 pictures to label" in said(choosing(page))
    button(page, "Label these").click().run()
    assert handed_over(page, "queue")["queue"]["choice"] == "contradicted"  # type: ignore[index]


def test_without_a_model_the_dialog_offers_what_needs_none(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = choosing(annotate(monkeypatch, workspace))
    assert len(page.radio(key=state.QUEUE_KIND).options) == 3
    assert "More to choose from" in said(page)


def test_the_rules_are_changed_for_everyone(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    page = choosing(annotate(monkeypatch, workspace))
    page.number_input(key=state.PEOPLE).set_value(3)
    page.number_input(key=state.MINUTES).set_value(5)
    button(page, "Save for everyone").click().run()
    assert queues.rules(workspace) == QueueRules(3, 300)


def test_a_selection_is_saved_from_the_predictions_and_deleted_in_the_dialog(
    predicted_workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = open_page(monkeypatch, predicted_workspace, "predictions")
    page.segmented_control(key=state.FILTER_VERDICT).set_value("wrong").run()
    page.session_state["pictures"] = {"save": True}  # the button of the gallery
    page.run()
    page.text_input(key=state.SELECTION_NAME).set_value("Wrong ones")
    button(page, "Save 2 pictures").click().run()
    (saved,) = selections.all_selections(predicted_workspace)
    assert (saved.name, saved.total) == ("Wrong ones", 2)
    page = choosing(annotate(monkeypatch, predicted_workspace, queue=f"selection:{saved.id}"))
    assert handed_over(page, "queue")["queue"]["name"] == "Wrong ones"  # type: ignore[index]
    button(page, "Delete").click().run()
    assert selections.all_selections(predicted_workspace) == []
    assert not page.exception


def test_my_labels_show_what_i_said_as_text(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    label(workspace, 1, "owl")
    label(workspace, 2, "bird", kind="none_here")
    label(workspace, 3, "ship", by="ben")
    page = annotate(monkeypatch, workspace, way="mine")
    shown = handed_over(page, "said")["said"]
    assert [row[:3] for row in shown] == [[2, "bird, none below", "just now"], [1, "owl", "just now"]]  # type: ignore[attr-defined]
    page.segmented_control(key=state.OWN_STATE).set_value("taken back").run()
    assert handed_over(page, "said")["said"] == []
    button(page, "Show all that stands").click().run()
    assert len(handed_over(page, "said")["said"]) == 2  # type: ignore[arg-type]


def test_my_labels_filter_by_class_level_and_kind(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    label(workspace, 1, "owl")
    label(workspace, 2, "tug")
    label(workspace, 3, "", kind="unusable")
    page = annotate(monkeypatch, workspace, way="mine")
    page.text_input(key=state.OWN_SEARCH).set_value("bird").run()
    button(page, "bird").click().run()
    assert [row[0] for row in handed_over(page, "said")["said"]] == [1]  # type: ignore[attr-defined]
    button(page, "Only bird").click().run()
    page.selectbox(key=state.OWN_KIND).set_value("unusable").run()
    assert [row[0] for row in handed_over(page, "said")["said"]] == [3]  # type: ignore[attr-defined]
    page.selectbox(key=state.OWN_KIND).set_value("").run()
    page.selectbox(key=state.OWN_LEVEL).set_value(3).run()
    assert [row[0] for row in handed_over(page, "said")["said"]] == [2]  # type: ignore[attr-defined]


def test_without_a_label_my_labels_lead_to_labelling(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    page = annotate(monkeypatch, workspace, way="mine")
    assert "You have not labelled anything yet." in said(page)
    button(page, "Start labelling").click().run()
    assert handed_over(page, "queue")
