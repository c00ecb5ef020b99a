"""Predictions on screen: filters, the gallery, one picture in full, and its heatmaps."""

from typing import get_args

import pytest
from conftest import label
from reading_pages import button, gallery, open_page, said

from app import state
from app.components import prediction_gallery
from hmgc_core.querying import Filter, Verdict
from hmgc_core.store import inspections
from hmgc_core.workflow import labelling, questions, seeing
from hmgc_core.workflow.workspaces import Workspace

VERDICTS = get_args(Verdict)

# --- predictions ------------------------------------------------------------------------------------------------------


def test_filters_change_the_gallery(predicted_workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    page = open_page(monkeypatch, predicted_workspace, "predictions")
    assert len(gallery(page)) == 24
    page.segmented_control(key=state.FILTER_VERDICT).set_value("wrong").run()
    assert {card[0] for card in gallery(page)} == {1, 2}
    page.selectbox(key=state.FILTER_LEVEL).set_value(1).run()
    first_level = {card[0] for card in gallery(page)}
    assert first_level < {1, 2} or first_level == set()
    button(page, "Clear all filters").click().run()
    assert len(gallery(page)) == 24
    page.segmented_control(key=state.FILTER_SPLIT).set_value("val").run()
    assert {card[0] for card in gallery(page)} == {13, 14, 15, 16}


def test_a_label_made_meanwhile_counts_at_the_next_look(
    predicted_workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = open_page(monkeypatch, predicted_workspace, "predictions")
    page.segmented_control(key=state.FILTER_VERDICT).set_value("wrong").run()
    assert {card[0] for card in gallery(page)} == {1, 2}
    label(predicted_workspace, 3, "owl", uid="a-change-of-mind")
    page.run()
    assert {card[0] for card in gallery(page)} == {1, 2, 3}


def test_a_filter_that_nothing_passes_can_be_cleared(
    predicted_workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = open_page(monkeypatch, predicted_workspace, "predictions")
    page.slider(key=state.FILTER_SURENESS).set_range(0, 1).run()
    assert gallery(page) == []
    button(page, "Clear all filters").click().run()
    assert len(gallery(page)) == 24


def test_where_only_the_split_is_in_the_way_one_click_leads_on(
    predicted_workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = open_page(monkeypatch, predicted_workspace, "predictions", show="wrong", split="test")
    assert "No test picture passes these filters; of the other splits, 2 pictures do." in said(page)
    button(page, "Look in all splits").click().run()
    assert {card[0] for card in gallery(page)} == {1, 2}


def test_only_below_a_class(predicted_workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    page = open_page(monkeypatch, predicted_workspace, "predictions")
    page.text_input(key=state.FILTER_SEARCH).set_value("ship").run()
    button(page, "ship").click().run()
    ships = {card[0] for card in gallery(page)}
    assert 0 < len(ships) < 24
    button(page, "Only below ship").click().run()
    assert len(gallery(page)) == 24


def test_the_address_opens_a_picture_of_a_run(predicted_workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    page = open_page(monkeypatch, predicted_workspace, "predictions", run="1", image="3")
    text = said(page)
    assert "The model says" in text
    assert "ada: is" in text
    assert "of 24" in text
    button(page, "Next").click().run()
    assert page.query_params["image"] != "3"
    button(page, "All pictures").click().run()
    assert len(gallery(page)) == 24


def test_below_a_wrong_class_every_class_is_wrong_and_below_a_coarse_label_nothing_is_known(
    predicted_workspace: Workspace,
) -> None:
    def agreed(image_id: int) -> list[bool | None]:
        view = seeing.image_view(predicted_workspace, 1, image_id)
        assert view is not None
        return [level.agrees for level in view.levels]

    # People say tug, two levels down; the answer is black-footed, three levels down on another branch.
    label(predicted_workspace, 24, "tug", by="bo")
    assert agreed(24) == [False] * len(agreed(24))
    label(predicted_workspace, 21, "bird", by="bo")
    assert agreed(21) == [True, None, None]


def test_a_picture_on_which_people_part_at_the_top_is_neither_right_nor_wrong(
    predicted_workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    ws, picture = predicted_workspace, 21

    def found(verdict: Verdict) -> list[int]:
        return seeing.matching_images(seeing.prediction_table(ws, 1), Filter(verdict=verdict)).tolist()

    before = {one: found(one) for one in VERDICTS}
    assert (before["open"], picture in before["unlabelled"]) == ([], True)
    label(ws, picture, "owl", by="ada")
    label(ws, picture, "tug", by="bob")
    before["unlabelled"].remove(picture)
    assert {one: found(one) for one in VERDICTS} == {**before, "open": [picture]}
    card = seeing.find_predictions(seeing.prediction_table(ws, 1), Filter(verdict="open"))[1][0]
    assert (card.verdict, card.wrong_level) == ("open", 0)
    page = open_page(monkeypatch, ws, "predictions", run="1", image=str(picture))
    assert "No class agreed on" in said(page)


def test_stepping_keeps_to_the_filters(predicted_workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    page = open_page(monkeypatch, predicted_workspace, "predictions")
    page.segmented_control(key=state.FILTER_VERDICT).set_value("wrong").run()
    page.query_params["image"] = "1"
    page.run()
    assert "of 2" in said(page)


def test_a_label_that_was_taken_back_is_shown_as_such(
    predicted_workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    uid = label(predicted_workspace, 22, "owl", by="bo")
    labelling.withdraw(predicted_workspace, uid, annotator="bo")
    page = open_page(monkeypatch, predicted_workspace, "predictions", image="22")
    assert "~~bo: is **owl**~~ (taken back)" in said(page)


def test_an_image_that_is_not_there_is_told(predicted_workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "no image 999" in open_page(monkeypatch, predicted_workspace, "predictions", image="999").error[0].value


def test_without_a_run_a_picture_still_shows_what_people_said(
    labelled_workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "People say" in said(open_page(monkeypatch, labelled_workspace, "predictions", image="1"))


def test_heatmaps_are_asked_for_and_their_failure_is_told(
    predicted_workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = open_page(monkeypatch, predicted_workspace, "predictions", run="1", image="3")
    assert "The inspector is not running" in said(page)
    assert questions.inspection(predicted_workspace, 1).status == "queued"
    with predicted_workspace.writing() as connection:
        inspections.finish(connection, 1, error="the checkpoint is gone", remedy="train again")
    page.run()
    assert "The checkpoint is gone" in page.error[0].value
    button(page, "Try again").click().run()
    assert questions.inspection(predicted_workspace, 2).status == "queued"
    with predicted_workspace.writing() as connection:
        inspections.finish(connection, 2)
        assert inspections.forget(connection, keep=1) == [1]
        assert inspections.forget(connection, keep=1) == []


def test_the_last_page_shrinks_with_what_was_labelled_on_it(
    predicted_workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(prediction_gallery, "PER_PAGE", 5)
    page = open_page(monkeypatch, predicted_workspace, "predictions", show="right")
    (key,) = (one.key for one in page.get("pagination"))
    page.session_state[key] = 4
    assert len(gallery(page.run())) == 3
    for image_id, *_ in gallery(page):  # all are wrong now
        label(predicted_workspace, image_id, "tug" if image_id % 4 != 3 else "owl", uid=f"said-anew-{image_id}")
    page.run()
    assert len(gallery(page)) == 5
    assert page.session_state[key] == 3


def test_a_picture_of_a_run_that_is_not_there_says_whose_answer_is_shown(
    predicted_workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = said(open_page(monkeypatch, predicted_workspace, "predictions", run="99", image="3"))
    assert "Run 99 has no predictions. What follows is of run 1." in text
