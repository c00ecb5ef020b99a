"""Galleries as pages mount them: what is sent, marks, and the filters of Predictions in the address."""

import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from reading_pages import button, data_of_gallery, gallery, open_page, said, tree_card
from streamlit.testing.v1 import AppTest

from app import state
from app.components.gallery.packing import packed, unpacked
from app.components.gallery.script import SCRIPT
from hmgc_core.taxonomy import Taxonomy
from hmgc_core.workflow import references, taxonomies
from hmgc_core.workflow.workspaces import Workspace

# --- what is sent -----------------------------------------------------------------------------------------------------


def test_the_joined_script_is_one_that_a_browser_can_read(tmp_path: Path) -> None:
    node = shutil.which("node")
    if node is None:
        pytest.skip("no node here; the browser tests read the script too")
    file = tmp_path / "gallery.mjs"
    file.write_bytes(SCRIPT.text)
    assert subprocess.run([node, "--check", file], capture_output=True).stderr == b""


def test_a_gallery_sends_its_marks_but_no_script(
    predicted_workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = open_page(monkeypatch, predicted_workspace, "predictions")
    data = data_of_gallery(page)
    assert data["marks"] == "predictions"
    assert data["link"] == {}  # the address names the run: the link adds nothing
    assert data["token"] == ""  # nobody said who they are
    (component,) = (one for one in page.get("bidi_component") if one.proto.component_name == "hmgc_gallery")
    assert len(component.proto.js_content) < 300
    assert component.proto.css_content == ""


def test_a_gallery_carries_who_is_labelling(predicted_workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    page = open_page(monkeypatch, predicted_workspace, "predictions")
    page.session_state[state.ANNOTATOR] = "ada"
    first = data_of_gallery(page.run())["token"]
    assert first
    assert data_of_gallery(page.run())["token"] == first  # the same one: a new one would have to be sent
    page.session_state[state.ANNOTATOR] = "ben"
    assert data_of_gallery(page.run())["token"] not in ("", first)


# --- a view is a link -------------------------------------------------------------------------------------------------


def test_filters_stand_in_the_address(predicted_workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    page = open_page(monkeypatch, predicted_workspace, "predictions")
    assert dict(page.query_params) == {"run": "1"}  # the run one looks at stays, and no filter is named
    page.segmented_control(key=state.FILTER_VERDICT).set_value("wrong").run()
    page.slider(key=state.FILTER_SURENESS).set_range(10, 80).run()
    page.selectbox(key=state.ORDER).set_value("surest first").run()
    assert page.query_params["show"] == "wrong"
    assert page.query_params["sure"] == "10-80"
    assert page.query_params["order"] == "surest"
    button(page, "Clear all filters").click().run()
    assert dict(page.query_params) == {"run": "1", "order": "surest"}


def test_an_address_opens_with_its_filters(predicted_workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    address = {"show": "right", "split": "val", "sure": "0-100", "class": "bird", "order": "imported"}
    page = open_page(monkeypatch, predicted_workspace, "predictions", **address)
    assert [card[0] for card in gallery(page)] == [13, 14, 16]
    assert page.segmented_control(key=state.FILTER_SPLIT).value == "val"
    assert "sure" not in page.query_params  # all of them is no filter
    assert "Only below bird" in said(page)
    # Another link, opened on the same page: what it does not name is not filtered.
    for name in ("show", "split", "class", "order"):
        page.query_params.pop(name, None)
    page.query_params["wrong-at"] = "1"
    page.run()
    assert {card[0] for card in gallery(page)} == {2}
    assert page.segmented_control(key=state.FILTER_VERDICT).value == ""


def test_filters_are_found_again_after_another_page_but_a_link_says_it_all(
    predicted_workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = open_page(monkeypatch, predicted_workspace, "predictions", show="wrong")
    _come_from_elsewhere(page)
    assert len(gallery(page)) == 2
    assert page.query_params["show"] == "wrong"
    _come_from_elsewhere(page, mark="anything")
    assert page.segmented_control(key=state.FILTER_VERDICT).value == ""


def _come_from_elsewhere(page: AppTest, **address: str) -> None:
    """What main.py leaves behind after another page, and a link from there."""
    page.session_state[state.ON_PAGE] = "runs"
    page.query_params.clear()
    page.query_params.update(address)
    page.run()


def test_the_browsers_way_back_leads_to_the_filters_before(
    predicted_workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = open_page(monkeypatch, predicted_workspace, "predictions")
    page.segmented_control(key=state.FILTER_VERDICT).set_value("wrong").run()
    page.query_params.clear()
    page.run()
    assert len(gallery(page)) == 24
    # Two filters in a moment: the second comes with the address of before the first.
    page.segmented_control(key=state.FILTER_VERDICT).set_value("wrong").run()
    page.query_params.clear()
    page.segmented_control(key=state.FILTER_SPLIT).set_value("train").run()
    assert len(gallery(page)) == 2
    assert dict(page.query_params) == {"run": "1", "show": "wrong", "split": "train"}


@pytest.mark.parametrize(
    "part",
    ["show=best", "split=?", "wrong-at=0", "wrong-at=x", "sure=80-20", "sure=0-200", "sure=all", "order=random"],
)
def test_words_of_an_address_that_mean_nothing_are_told_and_left_out(
    predicted_workspace: Workspace, monkeypatch: pytest.MonkeyPatch, part: str
) -> None:
    name, _, text = part.partition("=")
    page = open_page(monkeypatch, predicted_workspace, "predictions", **{name: text})
    assert part in said(page).replace("\u2060", "")
    assert len(gallery(page)) == 24
    assert name not in page.query_params


def test_a_class_that_the_runs_tree_does_not_have_is_told(
    predicted_workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = open_page(monkeypatch, predicted_workspace, "predictions", **{"class": "dodo"})
    assert "has no class dodo" in said(page)
    assert len(gallery(page)) == 24


# --- references on pages ----------------------------------------------------------------------------------------------


def test_a_picture_tells_what_it_is_a_reference_for_and_the_mark_is_taken_back_there(
    predicted_workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    references.mark(predicted_workspace, "owl", [3], annotator="ben")
    page = open_page(monkeypatch, predicted_workspace, "predictions", run="1", image="3")
    assert "Reference for **owl**" in said(page)
    button(page, "Take back").click().run()
    assert "Reference for" not in said(page)
    assert references.of_image(predicted_workspace, 3) == []


def test_a_reference_for_a_class_that_is_gone_says_so(
    workspace: Workspace, tiny_tree: Taxonomy, monkeypatch: pytest.MonkeyPatch
) -> None:
    references.mark(workspace, "tug", [3], annotator="ben")
    edges = [(key, tiny_tree.keys[tiny_tree.parents[i]]) for i, key in enumerate(tiny_tree.keys) if i and key != "tug"]
    taxonomies.store_taxonomy(workspace, Taxonomy.from_edges(edges), source="new.csv")
    page = open_page(monkeypatch, workspace, "predictions", image="3")
    assert "Reference for tug, a class that the tree no longer has" in said(page)
    button(page, "Take back").click().run()
    assert references.of_image(workspace, 3) == []


def test_a_class_shows_its_references_and_there_they_can_be_taken_back(
    predicted_workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = open_page(monkeypatch, predicted_workspace, "taxonomy", node="owl")
    assert ["references", "References"] not in tree_card(page)["tabs"]
    assert "node" not in data_of_gallery(page)
    references.mark(predicted_workspace, "owl", [9, 4], annotator="ben")
    page = open_page(monkeypatch, predicted_workspace, "taxonomy", node="owl", pictures="references")
    assert ["references", "References"] in tree_card(page)["tabs"]
    assert gallery(page) == [[4], [9]]
    assert data_of_gallery(page)["node"] == "owl"
    assert data_of_gallery(page)["marks"] == "node-owl"


# --- numbers as text --------------------------------------------------------------------------------------------------


def test_rows_of_numbers_come_out_as_they_went_in() -> None:
    rng = np.random.default_rng(0)
    for most in (1, 63, 64, 4096, 10**9):
        rows = rng.integers(-1, most, size=(200, 4), endpoint=True).tolist()
        assert unpacked(packed(rows)) == rows
    assert packed([[100, -1, 7], [37, 63, 7]]) == "2|64 37,65 -1,1 7|10_00"
    for few in ([], [[5]], [[0], [0], [0]], [[np.int32(2**31 - 1), -1], [0, 2**52]]):
        assert unpacked(packed(few)) == few
    with pytest.raises(ValueError, match="argument 2 is"):
        packed([[1, 2], [3]])


def test_a_page_of_sixty_of_a_large_set_is_short() -> None:
    rng = np.random.default_rng(0)
    cards = [
        [int(rng.integers(1, 100_000)), *rng.integers(-1, 16_344, size=2).tolist(), 15 + int(rng.integers(3))]
        for _ in range(60)
    ]
    assert len(packed(cards)) < 540
