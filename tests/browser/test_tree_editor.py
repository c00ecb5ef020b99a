"""Changing the tree in a real browser, by keyboard, and an annotator's page that goes on with the old tree."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import label
from playwright.sync_api import Page, expect

from browser.app_server import AppServer
from browser.screen import Screen, make_workspace
from hmgc_core.store import annotations
from hmgc_core.taxonomy import Taxonomy
from hmgc_core.tree_edits import Merge
from hmgc_core.workflow import taxonomies, tree_edits
from hmgc_core.workflow.workspaces import Workspace


@pytest.fixture
def edited(
    tmp_path: Path, tree: Taxonomy, open_page: Callable[..., Page], app_server: Callable[[Path], AppServer]
) -> tuple[Page, Workspace, AppServer]:
    ws = make_workspace(tmp_path, 14, tree)
    for image_id in range(1, 6):
        label(ws, image_id, "owl")
    return open_page(), ws, app_server(ws.folder)


def words(ws: Workspace) -> dict[int, str]:
    with ws.reading() as connection:
        return {word.image_id: word.node for word in annotations.words(connection)}


def test_a_class_is_retired_by_keyboard_after_a_preview_and_brought_back(
    edited: tuple[Page, Workspace, AppServer],
) -> None:
    page, ws, server = edited
    page.goto(f"{server.url}/taxonomy?node=owl")
    fold = page.get_by_role("button", name="Change this class")
    fold.focus()
    page.keyboard.press("Enter")
    retire = page.get_by_role("radio", name="Retire")
    expect(retire).to_be_visible()
    retire.focus()
    page.keyboard.press("Space")
    expect(page.get_by_text("Nobody can choose owl any more; its 5 labels of 1 person go to Bird.")).to_be_visible()
    assert taxonomies.current_taxonomy(ws)[0] == 1
    button = page.get_by_role("button", name=re.compile("Retire$"))
    button.last.focus()
    page.keyboard.press("Enter")
    undo = page.get_by_role("button", name="Undo")
    expect(undo).to_be_visible()
    expect(page.get_by_role("heading", name="Bird", exact=True)).to_be_visible()
    assert set(words(ws).values()) == {"bird"}
    undo.focus()
    page.keyboard.press("Enter")
    expect(undo).to_be_hidden()
    assert set(words(ws).values()) == {"owl"}


def test_a_page_that_shows_the_old_tree_labels_on_and_nothing_is_lost(
    edited: tuple[Page, Workspace, AppServer],
) -> None:
    page, ws, server = edited
    screen = Screen(page, ws).open(server)
    image = screen.image
    tree_edits.make_edit(ws, Merge("owl", "gull-like"), seen=1)
    page.keyboard.press("/")
    page.keyboard.type("owl")
    page.keyboard.press("Enter")
    expect(screen.part("status")).to_contain_text("saved", ignore_case=True)
    assert words(ws)[image] == "gull-like"
    tree_edits.undo_edit(ws, seen=2)
    assert words(ws)[image] == "owl"
