"""A damaged workspace is named, in plain words and with what to do, wherever it is opened; nothing is made worse."""

import json
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from conftest import label, write_picture
from reading_pages import MAIN, button, open_page, said
from streamlit.testing.v1 import AppTest
from typer.testing import CliRunner

from app import resources
from hmgc_core import worker
from hmgc_core.cli import app
from hmgc_core.errors import WorkspaceError
from hmgc_core.records import RunConfig
from hmgc_core.store import annotations, checks
from hmgc_core.workflow import health, labelling, pictures, training, workspaces
from hmgc_core.workflow.workspaces import Workspace

SMALL = RunConfig(model="flat", backbone="resnet_mini", image_size=16, epochs=1, batch_size=4, lr=0.05)


@pytest.fixture(autouse=True)
def _fresh_look() -> None:
    resources.look_again()


def closed(ws: Workspace) -> Path:
    """The database of a workspace that nobody has open, all of it in one file."""
    ws.engine.dispose()
    path = ws.folder / "hmgc.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return path


def overwrite_table(path: Path, table: str) -> None:
    """Noise over the pages of one table."""
    with closing(sqlite3.connect(path)) as connection:
        root = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = ?", (table,)).fetchone()[0]
        size = connection.execute("PRAGMA page_size").fetchone()[0]
    with path.open("r+b") as file:
        file.seek((root - 1) * size)
        file.write(b"\x5a" * size)


# --- a database that cannot be used -----------------------------------------------------------------------------------


def cut_in_half(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def cut_within_a_page(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1000])


def a_text(path: Path) -> None:
    path.write_bytes(b"these are my notes, not a database\n" * 300)


def of_another_program(path: Path) -> None:
    path.unlink()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE bookmarks (address TEXT)")
        connection.commit()


def of_another_program_that_migrates_too(path: Path) -> None:
    path.unlink()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE alembic_version (version_num TEXT)")
        connection.execute("INSERT INTO alembic_version VALUES ('0001')")
        connection.commit()


def emptied(path: Path) -> None:
    path.write_bytes(b"")


def removed(path: Path) -> None:
    path.unlink()


@pytest.mark.parametrize(
    ("harm", "words"),
    [
        (cut_in_half, "is damaged"),
        (cut_within_a_page, "is damaged"),
        (a_text, "is damaged, or another file has taken its place"),
        (of_another_program, "of another program"),
        (of_another_program_that_migrates_too, "of another program"),
        (emptied, "is empty, while images"),
        (removed, "is gone, while images"),
    ],
)
def test_a_database_that_cannot_be_used_is_named_and_left_as_it_is(
    labelled_workspace: Workspace, tmp_path: Path, harm: object, words: str
) -> None:
    pictures.import_images(labelled_workspace, copied_source(tmp_path), copy=True)
    path = closed(labelled_workspace)
    harm(path)  # type: ignore[operator]
    before = path.read_bytes() if path.exists() else None
    with pytest.raises(WorkspaceError, match=words) as caught:
        health.at_start(workspaces.open_workspace(labelled_workspace.folder))
    assert caught.value.remedy
    assert (path.read_bytes() if path.exists() else None) == before


def copied_source(tmp_path: Path) -> Path:
    write_picture(tmp_path / "more" / "a.png", 99)
    return tmp_path / "more"


@pytest.mark.parametrize("table", ["annotation", "image", "word"])
def test_noise_in_the_middle_of_the_database_is_found_before_the_work_begins(
    labelled_workspace: Workspace, table: str
) -> None:
    overwrite_table(closed(labelled_workspace), table)
    ws = workspaces.open_workspace(labelled_workspace.folder)  # its first pages are sound
    with pytest.raises(WorkspaceError, match="is damaged") as caught:
        health.at_start(ws)
    assert "restore a backup" in caught.value.remedy
    findings = {finding.what: finding for finding in health.doctor(ws)}  # says what it can, and does not give up
    assert "restore a backup" in findings["database"].remedy
    assert findings["disk"].state


@pytest.mark.parametrize("verb", ["serve", "doctor", "runs"])
def test_every_verb_says_it_in_one_line_with_a_remedy(labelled_workspace: Workspace, verb: str) -> None:
    cut_in_half(closed(labelled_workspace))
    command = [sys.executable, "-m", "hmgc_core", verb, "--workspace", str(labelled_workspace.folder)]
    result = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert result.returncode == 1
    assert "is damaged" in result.stderr and "remedy: " in result.stderr
    assert "Traceback" not in result.stderr


def test_serve_does_not_start_on_noise(labelled_workspace: Workspace) -> None:
    overwrite_table(closed(labelled_workspace), "annotation")
    command = [sys.executable, "-m", "hmgc_core", "serve", "--workspace", str(labelled_workspace.folder)]
    result = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert result.returncode == 1
    assert "is damaged" in result.stderr
    assert "HMGC Studio is at" not in result.stderr


@pytest.mark.parametrize("harm", [cut_in_half, a_text, of_another_program])
def test_the_app_says_it_instead_of_breaking(
    labelled_workspace: Workspace, monkeypatch: pytest.MonkeyPatch, harm: object
) -> None:
    path = closed(labelled_workspace)
    harm(path)  # type: ignore[operator]
    monkeypatch.setenv("HMGC_WORKSPACE", str(labelled_workspace.folder))
    page = AppTest.from_file(str(MAIN), default_timeout=30).run()
    assert not page.exception
    (error,) = page.error
    told = error.value.replace("\\", "")
    assert str(path) in told
    assert "restore a backup" in told or "Put the right file in its place" in told


def test_the_overview_says_it_of_noise_in_the_middle(
    labelled_workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    overwrite_table(closed(labelled_workspace), "annotation")
    page = open_page(monkeypatch, labelled_workspace, "overview")
    assert "is damaged" in said(page)


# --- what lies beside the database ------------------------------------------------------------------------------------


def spoil_counts(ws: Workspace) -> None:
    with ws.writing() as connection:
        connection.exec_driver_sql("UPDATE image_tally SET total = 99 WHERE split = 'train' AND labelled = 1")
        connection.exec_driver_sql("UPDATE label_tally SET total = total + 1 WHERE node_key = 'owl'")


def test_kept_counts_that_disagree_are_told_at_the_start_and_made_anew(labelled_workspace: Workspace) -> None:
    before = labelling.label_counts(labelled_workspace)
    assert health.at_start(labelled_workspace) == []
    spoil_counts(labelled_workspace)
    (finding,) = health.at_start(labelled_workspace)
    assert (finding.what, finding.remedy) == ("kept counts", health.REPAIR)
    assert "train pictures with a label: kept 99, counted 12" in finding.state
    assert "1 classes differ" in finding.state
    with labelled_workspace.reading() as connection:
        assert len(checks.wrong_counts(connection)) == 2
    health.repair(labelled_workspace)
    assert health.at_start(labelled_workspace) == []
    assert labelling.label_counts(labelled_workspace) == before


def test_words_that_are_not_the_last_statement_are_found_by_the_doctor_and_made_anew(
    labelled_workspace: Workspace,
) -> None:
    ws = labelled_workspace
    label(ws, 1, "tug")
    taken = label(ws, 2, "tug")
    labelling.withdraw(ws, taken, annotator="ada")
    with ws.reading() as connection:
        assert annotations.wrong_words(connection) == 0
    with ws.writing() as connection:
        connection.exec_driver_sql("UPDATE word SET annotation_id = 1 WHERE image_id = 1")
        connection.exec_driver_sql("DELETE FROM word WHERE image_id = 3")
    findings = {finding.what: finding for finding in health.doctor(ws)}
    assert findings["words"].state == "2 are not the last statement of their annotator"
    health.repair(ws)
    assert {f.what: f.remedy for f in health.doctor(ws)}["words"] == ""


def test_a_folder_of_pictures_that_is_gone_is_told_at_the_start(labelled_workspace: Workspace, tmp_path: Path) -> None:
    pictures.import_images(labelled_workspace, copied_source(tmp_path))
    shutil.rmtree(tmp_path / "more")
    (finding,) = health.at_start(labelled_workspace)
    assert (finding.what, finding.state) == (f"folder {tmp_path / 'more'}", "gone")
    assert "point the workspace to its new place" in finding.remedy


def test_a_missing_model_is_told_at_the_start_and_a_damaged_one_by_the_doctor(labelled_workspace: Workspace) -> None:
    ws = labelled_workspace
    run_id = training.queue_run(ws, SMALL)
    worker.wait_for(ws, run_id, on_progress=lambda *_: None)
    assert health.at_start(ws) == []
    weights = ws.run_folder(run_id) / "checkpoint" / "weights.safetensors"
    content = bytearray(weights.read_bytes())
    content[len(content) // 2] ^= 1
    weights.write_bytes(content)
    told = {finding.what: finding for finding in health.doctor(ws)}["model of run 1"]
    assert "damaged" in told.state and "restore" in told.remedy
    shutil.rmtree(ws.run_folder(run_id))
    (finding,) = health.at_start(ws)
    assert finding.what == "model of run 1" and "missing" in finding.state


def test_the_overview_shows_what_is_wrong_and_mends_it(
    labelled_workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    spoil_counts(labelled_workspace)
    page = open_page(monkeypatch, labelled_workspace, "overview")
    assert "Kept counts: train pictures with a label: kept 99, counted 12" in said(page)
    button(page, "Make the counts and paths anew").click()
    page.run()
    assert not page.exception
    assert "wrong with this workspace" not in said(page)
    assert health.at_start(labelled_workspace) == []


def test_the_doctor_repairs_from_the_command_line(labelled_workspace: Workspace) -> None:
    spoil_counts(labelled_workspace)
    result = CliRunner().invoke(app, ["doctor", "--repair", "--json", "--workspace", str(labelled_workspace.folder)])
    findings = {finding["what"]: finding for finding in json.loads(result.stdout)}
    assert findings["kept counts"]["remedy"] == ""
    assert findings["words"] == {"what": "words", "state": "are the last statements", "remedy": ""}


def test_a_sound_workspace_shows_nothing(labelled_workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    page: AppTest = open_page(monkeypatch, labelled_workspace, "overview")
    assert "wrong with this workspace" not in said(page)


def test_the_overview_tells_of_picture_files_that_went_since_the_app_began(
    labelled_workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "wrong with this workspace" not in said(open_page(monkeypatch, labelled_workspace, "overview"))
    pictures.image(labelled_workspace, 3).path.unlink()
    resources._missing_pictures.clear()  # half a minute later
    text = said(open_page(monkeypatch, labelled_workspace, "overview"))
    assert "wrong with this workspace" in text
    assert "1 of 24 are missing" in text


def test_of_many_pictures_some_are_looked_at(labelled_workspace: Workspace) -> None:
    for image_id in range(1, 25):
        pictures.image(labelled_workspace, image_id).path.unlink()
    (found,) = health.missing_pictures(labelled_workspace, most=5)
    assert found.state.startswith("5 of 5 are missing")
