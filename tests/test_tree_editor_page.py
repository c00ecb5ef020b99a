"""Changing the tree on the Class tree page: a preview first, then the change, then a way back."""

import pytest
from conftest import label
from reading_pages import button, open_page, said, tree_card
from streamlit.testing.v1 import AppTest
from test_labelling import words as words_of
from test_pages import EVIL, workspace_of_evil_names

from app import state
from hmgc_core.taxonomy import Taxonomy
from hmgc_core.tree_edits import Rename, Split
from hmgc_core.workflow import taxonomies, tree_edits
from hmgc_core.workflow.workspaces import Workspace


def choose(page: AppTest, verb: str, key: str) -> None:
    page.session_state[state.TREE_CHANGING] = key  # what the button of the card does
    page.session_state[field(page, "verb", key)] = verb
    page.run()
    assert not page.exception, page.exception


def field(page: AppTest, part: str, key: str) -> str:
    known = state.TREE_EDIT_ROUND in page.session_state
    made = page.session_state[state.TREE_EDIT_ROUND] if known else 0
    return f"{state.TREE_EDIT}.{part}.{made}.{key}"


def version(ws: Workspace) -> int:
    return taxonomies.current_taxonomy(ws)[0]


def test_retiring_tells_where_the_labels_go_before_it_happens_and_can_be_undone(
    predicted_workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = words_of(predicted_workspace)
    page = open_page(monkeypatch, predicted_workspace, "taxonomy", node="owl")
    choose(page, "retire", "owl")
    assert "Nobody can choose **owl** any more; its 5 labels of 1 person go to **bird**." in said(page)
    assert "Run 1 learned the tree as it is now" in said(page)
    assert version(predicted_workspace) == 1  # so far nothing has happened
    page.button(key=f"{state.TREE_EDIT}.do").click().run()
    assert not page.exception, page.exception
    assert version(predicted_workspace) == 2
    assert tree_card(page)["name"] == "bird"
    assert "**owl** was retired" in said(page)
    page.button(key=f"{state.TREE_CHANGES}.done").click().run()
    assert not page.exception, page.exception
    assert version(predicted_workspace) == 3
    assert words_of(predicted_workspace) == before
    assert "was retired" not in said(page)


def test_a_class_is_added_with_its_name_only(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    page = open_page(monkeypatch, workspace, "taxonomy", node="bird")
    choose(page, "add", "bird")
    assert "What will happen" not in said(page)
    page.text_input(key=field(page, "new.name", "bird")).set_value("Snow goose").run()
    assert "**Snow goose** can be chosen below **bird**" in said(page)
    button(page, "Add this class").click().run()
    assert "Snow goose" in taxonomies.current_taxonomy(workspace)[1]
    assert "What will happen" not in said(page)  # the form is empty again


def test_the_target_of_a_merge_is_found_by_name(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    label(workspace, 1, "owl")
    page = open_page(monkeypatch, workspace, "taxonomy", node="owl")
    choose(page, "merge", "owl")
    search = field(page, "search", "owl")
    page.text_input(key=search).set_value("gull").run()
    page.button(key=f"{search}-gull-like").click().run()
    assert "its 1 label of 1 person go to **gull-like**" in said(page)
    button(page, "Merge").click().run()
    assert words_of(workspace) == {(1, "ada"): ("is", "gull-like")}
    assert page.query_params["node"] in ("gull-like", ["gull-like"])


def test_a_class_cannot_move_below_itself(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    page = open_page(monkeypatch, workspace, "taxonomy", node="bird")
    choose(page, "move", "bird")
    search = field(page, "search", "bird")
    for name in ("owl", "bird"):
        page.text_input(key=search).set_value(name).run()
        assert not any(found.key == f"{search}-{name}" for found in page.button)
        assert ("owl lies below bird" if name == "owl" else "bird is this class itself") in said(page)
    page.text_input(key=search).set_value("ship").run()
    assert any(found.key == f"{search}-ship" for found in page.button)


def test_a_name_that_another_class_has_is_remarked_and_allowed(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = open_page(monkeypatch, workspace, "taxonomy", node="owl")
    choose(page, "rename", "owl")
    page.text_input(key=field(page, "old.name", "owl")).set_value("Bird").run()
    assert "Another class is called **bird** already" in said(page)
    button(page, "Save").click().run()
    assert taxonomies.current_taxonomy(workspace)[1].texts["owl"].name == "Bird"


def test_a_name_that_is_too_long_is_refused_in_words(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    page = open_page(monkeypatch, workspace, "taxonomy", node="bird")
    choose(page, "add", "bird")
    assert "Give it a name" in said(page)
    page.text_input(key=field(page, "new.name", "bird")).set_value("x" * 500).run()
    assert "500 letters" in page.error[0].value and "at most 120" in page.error[0].value


def test_a_split_offers_a_second_look(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    label(workspace, 1, "owl")
    page = open_page(monkeypatch, workspace, "taxonomy", node="owl")
    choose(page, "split", "owl")
    page.text_area(key=field(page, "children", "owl")).set_value("barn owl\n\n eagle owl ").run()
    assert "The picture of 1 label will wait for a second look" in said(page)
    button(page, "Split").click().run()
    assert tree_card(page)["links"] == [
        ["1 picture labelled here waits for a second look", "/annotate?queue=second-look"]
    ]


def test_the_second_of_two_people_sees_that_the_tree_has_changed(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = open_page(monkeypatch, workspace, "taxonomy", node="owl")
    choose(page, "retire", "owl")
    tree_edits.make_edit(workspace, Rename("owl", "Owls"), seen=1)
    page.button(key=f"{state.TREE_EDIT}.do").click().run()
    assert not page.exception, page.exception
    assert "has changed since you looked" in page.error[0].value
    assert version(workspace) == 2
    assert tree_card(page)["name"] == "Owls"
    assert "Nobody can choose **Owls** any more" in said(page)  # a fresh preview
    page.button(key=f"{state.TREE_EDIT}.do").click().run()
    assert version(workspace) == 3


def test_the_last_change_is_told_with_what_taking_it_back_would_do(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    label(workspace, 1, "owl")
    tree_edits.make_edit(workspace, Split("owl", ("barn owl", "eagle owl")), seen=1, by="eve")
    label(workspace, 1, "barn owl")
    page = open_page(monkeypatch, workspace, "taxonomy")
    assert not any(found.label == "Undo" for found in page.button)
    page.session_state[state.TREE_CHANGES] = True
    page.run()
    assert "**owl** was split into **barn owl**, **eagle owl**" in said(page)
    assert "by eve" in said(page)
    assert "1 label of 1 person read again as before" in said(page)
    page.button(key=f"{state.TREE_CHANGES}.later").click().run()
    assert words_of(workspace) == {(1, "ada"): ("is", "owl")}


def test_the_root_can_be_named_and_split_and_not_be_moved(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = open_page(monkeypatch, workspace, "taxonomy")
    page.session_state[state.TREE_CHANGING] = "life"
    page.run()
    (choices,) = [group for group in page.get("button_group") if "Rename" in str(group.proto.options)]
    assert "Retire" not in str(choices.proto.options)
    choose(page, "rename", "life")
    page.text_input(key=field(page, "old.name", "life")).set_value("Life").run()
    button(page, "Save").click().run()
    _, tree = taxonomies.current_taxonomy(workspace)
    assert tree.name(0) == "Life"


def test_names_stay_text_in_previews_and_changes(
    empty_workspace: Workspace, tmp_path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ws = workspace_of_evil_names(empty_workspace, tmp_path)
    page = open_page(monkeypatch, ws, "taxonomy", node=EVIL[0])
    choose(page, "retire", EVIL[0])
    shown = "\n".join(element.value for element in page.markdown)
    assert "\\!\\[x\\]" in shown
    assert "go to" in shown
    page.button(key=f"{state.TREE_EDIT}.do").click().run()
    assert not page.exception, page.exception
    shown = "\n".join(element.value for element in page.markdown)
    assert "![x" not in shown.replace("\\!\\[x", "")


def test_an_open_form_follows_when_the_class_is_gone(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    page = open_page(monkeypatch, workspace, "taxonomy", node="owl")
    taxonomies.store_taxonomy(workspace, Taxonomy.from_edges([("bird", "life"), ("ship", "life")]), source="smaller")
    choose(page, "retire", "owl")
    assert tree_card(page)["name"] == "life"


def test_counts_on_the_page_follow_labels_and_never_come_from_another_workspace(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = open_page(monkeypatch, workspace, "taxonomy", node="bird")
    assert figures(page)["Labels"] == "0"
    label(workspace, 1, "owl")
    assert figures(page.run())["Labels"] == "1"
    tree_edits.make_edit(workspace, Rename("owl", "Owls"), seen=1)
    assert figures(page.run())["Labels"] == "1"


def figures(page: AppTest) -> dict[str, str]:
    return {name: value for name, value, *_ in tree_card(page)["figures"]}
