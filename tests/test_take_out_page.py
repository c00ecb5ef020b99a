"""The Pictures page gives data out: a table at any cut, a backup, and errors where they were caused."""

import csv
import threading
import time
import zipfile
from pathlib import Path
from typing import Any

import pytest
from conftest import label
from reading_pages import button, open_page, said
from streamlit.testing.v1 import AppTest

from app import state
from hmgc_core.workflow import backups, exports
from hmgc_core.workflow.workspaces import Workspace


def made_table(page: AppTest) -> list[dict[str, str]]:
    with page.session_state[state.EXPORT_REPORT].file.open(newline="") as file:
        return list(csv.DictReader(file))


def press(page: AppTest, text: str, *, wait: bool = True) -> AppTest:
    button(page, text).click()
    page.run()
    for key in (state.EXPORT_WORK, state.BACKUP_WORK):
        if key in page.session_state and wait:
            wait_for(page, key)
    assert not page.exception, page.exception[0].value
    return page


def test_a_table_of_labels_is_made_and_offered(predicted_workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    page = open_page(monkeypatch, predicted_workspace, "data")
    assert not page.get("download_button")
    press(page, "Make the table")
    assert "20 rows" in said(page)
    assert len(page.get("download_button")) == 1
    assert {row["state"] for row in made_table(page)} == {"current"}
    first = page.session_state[state.EXPORT_REPORT].file
    press(page, "Make the table")
    assert not first.exists()  # one table at a time


def test_a_table_at_a_level_and_at_single_classes(
    predicted_workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    label(predicted_workspace, 1, "owl", kind="is_not", by="ben")
    page = open_page(monkeypatch, predicted_workspace, "data")
    page.selectbox(key=state.EXPORT_LEVEL).select(1)
    press(page, "Make the table")
    assert {row["level"] for row in made_table(page)} <= {"0", "1"}
    assert "1 label says what a picture is not" in said(page)

    page.selectbox(key=state.EXPORT_LEVEL).select(0)
    page.text_input(key=f"{state.EXPORT_AT}.search").input("albatross")
    page.run()
    press(page, "albatross")
    page.selectbox(key=state.EXPORT_TABLE).select("1")
    press(page, "Make the table")
    keys = {row["key"] for row in made_table(page)}
    assert keys == {"albatross", "owl", "tug"}
    press(page, "albatross")  # taken back
    press(page, "Make the table")
    assert "black-footed" in {row["key"] for row in made_table(page)}


def test_all_that_was_ever_said(predicted_workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    label(predicted_workspace, 1, "tug")
    page = open_page(monkeypatch, predicted_workspace, "data")
    page.selectbox(key=state.EXPORT_TABLE).select("ever")
    press(page, "Make the table")
    assert "21 rows" in said(page)
    assert {row["state"] for row in made_table(page)} == {"current", "earlier"}


def test_a_backup_is_written_where_one_says(
    predicted_workspace: Workspace, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    page = open_page(monkeypatch, predicted_workspace, "data")
    page.text_input(key=state.BACKUP_FILE).input(str(tmp_path / "b.zip"))
    press(page, "Back up")
    assert "The backup is written: 20 labels, 0 picture files, 0 trained models" in said(page).replace("*", "")
    assert "24 picture files lie outside the workspace" in said(page)
    assert zipfile.is_zipfile(tmp_path / "b.zip")
    press(page, "Back up")
    assert "exists already" in said(page)


def test_a_backup_to_a_useless_place_is_an_error_on_the_page(
    predicted_workspace: Workspace, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    page = open_page(monkeypatch, predicted_workspace, "data")
    for name, words in ((str(tmp_path / "b.txt"), "ends in .zip"), (str(tmp_path / "none" / "b.zip"), "no folder")):
        page.text_input(key=state.BACKUP_FILE).input(name)
        press(page, "Back up")
        assert words in said(page)


def wait_for(page: AppTest, key: str) -> AppTest:
    while not page.session_state[key].is_over:
        time.sleep(0.05)
    page.run()
    assert not page.exception
    return page


def held_up(monkeypatch: pytest.MonkeyPatch, module: Any, name: str) -> threading.Event:
    """The verb begins once this is set."""
    gate, verb = threading.Event(), getattr(module, name)
    monkeypatch.setattr(module, name, lambda *args, **kwargs: gate.wait(30) and verb(*args, **kwargs))
    return gate


def test_a_table_is_made_whatever_is_clicked_meanwhile(
    predicted_workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = open_page(monkeypatch, predicted_workspace, "data")
    press(page, "Make the table")
    first = page.session_state[state.EXPORT_REPORT].file
    gate = held_up(monkeypatch, exports, "place_for_download")
    press(page, "Make the table", wait=False)
    assert button(page, "Make the table").disabled
    assert "Looking for what to write" in said(page)
    page.switch_page("pages/overview.py").run()
    page.switch_page("pages/data.py").run()
    assert first.exists()  # until there is another
    gate.set()
    wait_for(page, state.EXPORT_WORK)
    assert "20 rows" in said(page)
    assert not first.exists()


def test_a_backup_is_made_whatever_is_clicked_meanwhile(
    predicted_workspace: Workspace, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    gate = held_up(monkeypatch, backups, "backup")
    page = open_page(monkeypatch, predicted_workspace, "data")
    page.text_input(key=state.BACKUP_FILE).input(str(tmp_path / "b.zip"))
    press(page, "Back up", wait=False)
    assert button(page, "Back up").disabled
    page.run()
    gate.set()
    wait_for(page, state.BACKUP_WORK)
    assert "The backup is written" in said(page)
    assert zipfile.is_zipfile(tmp_path / "b.zip")


def test_an_empty_workspace_offers_nothing_to_take_out(
    empty_workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = open_page(monkeypatch, empty_workspace, "data")
    assert "Take data out" not in said(page)
    assert "Keep it safe" not in said(page)
