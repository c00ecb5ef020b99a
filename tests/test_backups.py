"""A backup made while others write, and a workspace that comes back from it whole or not at all."""

import json
import resource
import shutil
import sqlite3
import threading
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from conftest import label, write_picture, write_table
from typer.testing import CliRunner

from hmgc_core import inspection, worker
from hmgc_core.cli import app
from hmgc_core.errors import BackupError, HmgcError, OutputError, UnknownTask, WorkspaceError
from hmgc_core.exchange.backup_file import MANIFEST
from hmgc_core.records import RunConfig
from hmgc_core.store import annotations, checks, images, jobs, schema
from hmgc_core.taxonomy import Taxonomy
from hmgc_core.workflow import (
    coarse_labels,
    health,
    import_history,
    labelling,
    picture_maps,
    pictures,
    tasks,
    taxonomies,
    training,
    workspaces,
)
from hmgc_core.workflow.backups import backup, restore
from hmgc_core.workflow.workspaces import Workspace

SMALL = RunConfig(model="flat", backbone="resnet_mini", image_size=16, epochs=1, batch_size=4, lr=0.05)


@pytest.fixture
def full_workspace(labelled_workspace: Workspace, tmp_path: Path) -> Workspace:
    """Labels, six copied pictures beside the referenced ones, and one finished run."""
    for number in range(100, 106):
        write_picture(tmp_path / "more" / f"{number}.png", number)
    pictures.import_images(labelled_workspace, tmp_path / "more", copy=True)
    shutil.rmtree(tmp_path / "more")
    run_id = training.queue_run(labelled_workspace, SMALL)
    worker.wait_for(labelled_workspace, run_id, on_progress=lambda *_: None)
    assert training.run(labelled_workspace, run_id).status == "done"
    return labelled_workspace


def words_of(ws: Workspace) -> list[tuple[int, str, str, str]]:
    with ws.reading() as connection:
        return sorted((w.image_id, w.annotator, w.kind, w.node) for w in annotations.words(connection))


def files_of(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*"))


@contextmanager
def full_disk(at: int) -> Iterator[None]:
    """No file may grow beyond `at` bytes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (at, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


# --- there and back ---------------------------------------------------------------------------------------------------


def test_a_restored_workspace_has_every_label_and_its_models_predict_the_same(
    full_workspace: Workspace, tmp_path: Path
) -> None:
    said, _ = inspection.predict(full_workspace, training.run(full_workspace, 1), ["25", "1"])
    shown: list[tuple[int, int]] = []
    report = backup(
        full_workspace, tmp_path / "b.zip", on_progress=lambda done, total, _what: shown.append((done, total))
    )
    assert report.counts == {"images": 30, "labels": 20, "runs": 1, "pictures": 6}
    assert report.left_out == ("24 picture files lie outside the workspace: keep them yourself",)
    assert shown[-1][0] == shown[-1][1] > 0
    assert report.size == (tmp_path / "b.zip").stat().st_size
    before = words_of(full_workspace)
    full_workspace.engine.dispose()
    shutil.rmtree(full_workspace.folder)

    done = restore(tmp_path / "b.zip", tmp_path / "deep" / "elsewhere")
    ws = workspaces.open_workspace(tmp_path / "deep" / "elsewhere")
    assert (done.folder, done.missing) == (ws.folder, ())
    assert words_of(ws) == before
    assert pictures.image(ws, 25).path.is_relative_to(ws.folder)
    run = training.run(ws, 1)
    assert Path(run.checkpoint) == ws.run_folder(1) / "checkpoint"
    assert inspection.predict(ws, run, ["25", "1"]) == (said, [])
    assert (ws.run_folder(1) / "embeddings.npy").exists()
    with ws.reading() as connection:
        assert checks.damage(connection) == []
        assert checks.wrong_counts(connection) == []
        assert annotations.wrong_words(connection) == 0
    assert [finding for finding in health.at_start(ws) if finding.remedy] == []


def test_what_is_in_the_file_and_what_is_not(full_workspace: Workspace, tmp_path: Path) -> None:
    key = full_workspace.secret()
    backup(full_workspace, tmp_path / "b.zip")
    with zipfile.ZipFile(tmp_path / "b.zip") as archive:
        kinds = {info.filename: info.compress_type for info in archive.infolist()}
        manifest = json.loads(archive.read(MANIFEST))
    assert kinds["hmgc.db"] == zipfile.ZIP_DEFLATED
    assert kinds["runs/1/checkpoint/weights.safetensors"] == zipfile.ZIP_STORED  # as small as it gets
    copied = [name for name in kinds if name.startswith("images/")]
    assert len(copied) == 6 and {kinds[name] for name in copied} == {zipfile.ZIP_STORED}
    assert not {name.split("/")[0] for name in kinds} - {"hmgc.db", "images", "runs", MANIFEST}
    assert set(manifest["parts"]) == kinds.keys() - {MANIFEST}
    restore(tmp_path / "b.zip", tmp_path / "back")
    assert workspaces.open_workspace(tmp_path / "back").secret() != key


def test_a_backup_under_fire_holds_one_moment_and_no_label_is_lost(full_workspace: Workspace, tmp_path: Path) -> None:
    ws, stop = full_workspace, threading.Event()
    saved: list[list[str]] = [[], [], []]

    def hammer(person: int) -> None:
        while not stop.is_set():
            uid = f"fire-{person}-{len(saved[person]):05}"
            label(ws, 1 + len(saved[person]) % 24, "owl", by=f"person {person}", uid=uid)
            saved[person].append(uid)

    threads = [threading.Thread(target=hammer, args=(person,)) for person in range(3)]
    for thread in threads:
        thread.start()
    try:
        for number in range(5):
            known = [list(uids) for uids in saved]
            backup(ws, tmp_path / f"b{number}.zip")
            back = tmp_path / f"back{number}"
            restore(tmp_path / f"b{number}.zip", back)
            there = workspaces.open_workspace(back)
            with there.reading() as connection:
                uids = set(connection.exec_driver_sql("SELECT uid FROM annotation").scalars())
                assert checks.damage(connection) == []
                assert checks.wrong_counts(connection) == []
                assert annotations.wrong_words(connection) == 0
            # Whatever was saved before the backup began is in it, and of each person everything up to some moment.
            assert uids >= {uid for person in known for uid in person}
            for person in range(3):
                mine = sorted(uid for uid in uids if uid.startswith(f"fire-{person}-"))
                assert mine == [f"fire-{person}-{place:05}" for place in range(len(mine))]
            there.engine.dispose()
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert all(saved)
    with ws.reading() as connection:
        count = connection.exec_driver_sql("SELECT count(*) FROM annotation WHERE uid LIKE 'fire-%'").scalar()
    assert count == sum(map(len, saved))


def test_the_drawn_demo_travels_with_its_pictures(tmp_path: Path) -> None:
    ws = workspaces.init_demo(tmp_path / "first", pictures=20)
    report = backup(ws, tmp_path / "b.zip")
    assert (report.counts["pictures"], report.left_out) == (20, ())
    ws.engine.dispose()
    shutil.rmtree(ws.folder)
    restore(tmp_path / "b.zip", tmp_path / "second")
    back = workspaces.open_workspace(tmp_path / "second")
    with back.reading() as connection:
        assert all(
            record.path.is_relative_to(back.folder) and record.path.exists() for record in images.all_images(connection)
        )


def test_a_run_that_was_training_waits_again_after_a_restore(labelled_workspace: Workspace, tmp_path: Path) -> None:
    run_id = training.queue_run(labelled_workspace, SMALL)
    with labelled_workspace.writing() as connection:
        assert jobs.claim(connection, owner="w", lease_s=1000) == run_id
        jobs.beat(connection, role="worker", owner="w")
    backup(labelled_workspace, tmp_path / "b.zip")
    restore(tmp_path / "b.zip", tmp_path / "back")
    back = workspaces.open_workspace(tmp_path / "back")
    assert training.run(back, run_id).status == "queued"
    assert training.services(back) == {"worker": False, "inspector": False}
    assert training.run(labelled_workspace, run_id).status == "running"


def test_results_of_tasks_travel_but_not_those_whose_files_stay(labelled_workspace: Workspace, tmp_path: Path) -> None:
    whole, with_files = (tasks.ask(labelled_workspace, kind, {}) for kind in (coarse_labels.KIND, picture_maps.KIND))
    with labelled_workspace.writing() as connection:
        connection.execute(schema.task.update().values(status="done", result={"seed": 0}))
    backup(labelled_workspace, tmp_path / "b.zip")
    restore(tmp_path / "b.zip", tmp_path / "back")
    back = workspaces.open_workspace(tmp_path / "back")
    assert tasks.task(back, whole).result == {"seed": 0}
    with pytest.raises(UnknownTask):  # so that it is made anew when somebody asks
        tasks.task(back, with_files)


def test_a_workspace_that_was_moved_is_noticed_backed_up_whole_and_repaired(
    full_workspace: Workspace, tmp_path: Path
) -> None:
    full_workspace.engine.dispose()
    full_workspace.folder.rename(tmp_path / "moved")
    ws = workspaces.open_workspace(tmp_path / "moved")
    (finding,) = health.at_start(ws)
    assert (finding.what, finding.remedy) == ("place", health.REPAIR)
    assert str(full_workspace.folder) in finding.state
    report = backup(ws, tmp_path / "b.zip")
    assert (report.counts["runs"], report.counts["pictures"]) == (1, 6)
    health.repair(ws)
    assert health.at_start(ws) == []
    answers, problems = inspection.predict(ws, training.run(ws, 1), ["25"])
    assert answers and not problems
    # Copies made before the repair went to the new place already: the two become one.
    assert len(pictures.folders(ws)) == 2


def test_copies_made_after_a_move_and_before_its_repair_are_kept(full_workspace: Workspace, tmp_path: Path) -> None:
    full_workspace.engine.dispose()
    full_workspace.folder.rename(tmp_path / "moved")
    ws = workspaces.open_workspace(tmp_path / "moved")
    for number in (104, 105, 106, 107):  # two known, two new
        write_picture(tmp_path / "late" / f"{number}.png", number)
    pictures.import_images(ws, tmp_path / "late", copy=True)
    health.repair(ws)
    with ws.reading() as connection:
        records = images.all_images(connection)
        assert checks.damage(connection) == []
    assert len(records) == 32
    assert all(record.path.exists() for record in records)


def test_a_moved_workspace_whose_last_import_was_taken_back_is_repaired_and_backed_up(
    empty_workspace: Workspace, tmp_path: Path
) -> None:
    ws, place = empty_workspace, tmp_path / "moved"
    for name, number in (("one", 1), ("two", 2)):
        write_picture(tmp_path / name / "a.png", number)
        pictures.import_images(ws, tmp_path / name, copy=True)
    import_history.undo_import(ws)
    ws.engine.dispose()
    ws.folder.rename(place)
    ws = workspaces.open_workspace(place)
    write_picture(tmp_path / "three" / "a.png", 3)
    pictures.import_images(ws, tmp_path / "three", copy=True)
    assert backup(ws, tmp_path / "b.zip").counts["pictures"] == 2
    health.repair(ws)
    assert [folder.path for folder in pictures.folders(ws)] == [ws.copies]


# --- a backup that cannot be made -------------------------------------------------------------------------------------


def test_a_backup_takes_no_other_files_place(full_workspace: Workspace, tmp_path: Path) -> None:
    (tmp_path / "b.zip").write_text("precious")
    with pytest.raises(OutputError, match="exists already"):
        backup(full_workspace, tmp_path / "b.zip")
    assert (tmp_path / "b.zip").read_text() == "precious"
    with pytest.raises(OutputError, match="no folder"):
        backup(full_workspace, tmp_path / "nowhere" / "b.zip")


@pytest.mark.parametrize("fits", ["nothing", "the copy of the database"])
def test_a_full_disk_is_named_and_leaves_no_backup(full_workspace: Workspace, tmp_path: Path, fits: str) -> None:
    (full_workspace.run_folder(1) / "embeddings.npy").write_bytes(bytes(4_000_000))
    place = tmp_path / "backups"
    place.mkdir()
    with full_workspace.writing() as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
    at = 64 * 1024 if fits == "nothing" else pages * 4096 + 1_000_000
    with full_disk(at), pytest.raises(HmgcError) as caught:
        backup(full_workspace, place / "b.zip")
    assert caught.value.remedy
    assert list(place.iterdir()) == []
    backup(full_workspace, place / "b.zip")


def test_a_lost_model_and_a_lost_picture_are_said_and_the_rest_is_backed_up(
    full_workspace: Workspace, tmp_path: Path
) -> None:
    pictures.image(full_workspace, 25).path.unlink()
    (full_workspace.run_folder(1) / "checkpoint" / "checkpoint.json").unlink()
    report = backup(full_workspace, tmp_path / "b.zip")
    assert report.counts["runs"] == 0
    assert any("model of run 1" in words for words in report.left_out)
    assert any("1 files are missing" in words for words in report.left_out)
    restore(tmp_path / "b.zip", tmp_path / "back")
    assert words_of(workspaces.open_workspace(tmp_path / "back")) == words_of(full_workspace)


def test_a_damaged_database_is_not_backed_up(full_workspace: Workspace, tmp_path: Path) -> None:
    with sqlite3.connect(full_workspace.folder / "hmgc.db") as connection:
        connection.execute("PRAGMA foreign_keys=OFF")
        connection.execute("UPDATE word SET annotation_id = 99999 WHERE image_id = 1")
    with pytest.raises(BackupError, match="points to nothing"):
        backup(full_workspace, tmp_path / "b.zip")
    assert not (tmp_path / "b.zip").exists()


# --- a restore that must not happen -----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def good_backup(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A backup with one copied picture and one label."""
    place = tmp_path_factory.mktemp("good")
    ws = workspaces.open_workspace(place / "workspace")
    taxonomies.store_taxonomy(ws, Taxonomy.from_edges([("owl", "life"), ("tug", "life")]), source="t")
    write_picture(place / "p.png", 1)
    pictures.import_images(ws, write_table(place / "t.csv", [{"path": "p.png", "label": "owl"}]), copy=True)
    backup(ws, place / "b.zip")
    return place / "b.zip"


Entries = list[tuple[zipfile.ZipInfo, bytes]]


def forged(source: Path, target: Path, change: Callable[[Entries, dict], None]) -> Path:
    """A copy of a backup with its entries or its manifest changed, the manifest else made to fit."""
    with zipfile.ZipFile(source) as archive:
        entries = [(info, archive.read(info)) for info in archive.infolist() if info.filename != MANIFEST]
        manifest = json.loads(archive.read(MANIFEST))
    change(entries, manifest)
    with zipfile.ZipFile(target, "w") as archive:
        for info, content in entries:
            archive.writestr(info, content)
        archive.writestr(MANIFEST, json.dumps(manifest))
    return target


def listed(name: str, content: bytes = b"x") -> Callable[[Entries, dict], None]:
    """An entry of this name, in the manifest too."""
    import hashlib

    def change(entries: Entries, manifest: dict) -> None:
        entries.append((zipfile.ZipInfo(name), content))
        manifest["parts"][name] = {"size": len(content), "sha256": hashlib.sha256(content).hexdigest()}

    return change


def link(entries: Entries, manifest: dict) -> None:
    listed("images/link.png", b"/etc/passwd")(entries, manifest)
    entries[-1][0].external_attr = 0o120777 << 16


def stranger(entries: Entries, _manifest: dict) -> None:
    entries.append((zipfile.ZipInfo("images/stranger.png"), b"x"))


def flipped(entries: Entries, _manifest: dict) -> None:
    info, content = entries[-1]
    entries[-1] = (info, content[:-1] + bytes([content[-1] ^ 1]))


def longer(entries: Entries, _manifest: dict) -> None:
    info, content = entries[-1]
    entries[-1] = (info, content + bytes(1_000_000))


def without_database(entries: Entries, manifest: dict) -> None:
    del manifest["parts"]["hmgc.db"]
    entries[:] = [entry for entry in entries if entry[0].filename != "hmgc.db"]


def lacking(entries: Entries, _manifest: dict) -> None:
    entries.pop()


def of_the_future(_entries: Entries, manifest: dict) -> None:
    manifest["format"] = 2


def senseless(_entries: Entries, manifest: dict) -> None:
    manifest["parts"] = ["hmgc.db"]


def too_large(_entries: Entries, manifest: dict) -> None:
    manifest["parts"]["hmgc.db"]["size"] = 10**18


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (listed("../escaped.png"), "leads out"),
        (listed("/tmp/escaped.png"), "leads out"),
        (listed("images/../../escaped.png"), "leads out"),
        (listed("images\\..\\..\\escaped.png"), "leads out"),
        (listed("images//a.png"), "leads out"),
        (link, "leads out"),
        (stranger, "not in its manifest"),
        (listed("secret"), "no place in a workspace"),
        (listed("hmgc.db-wal"), "no place in a workspace"),
        (listed("runs/1/resume.pt"), "no place in a workspace"),
        (listed("runs/1/checkpoint/../../2"), "leads out"),
        (listed(".hidden/a.png"), "no place in a workspace"),
        (flipped, "not what was backed up"),
        (longer, "not what was backed up"),
        (without_database, "no database"),
        (lacking, "missing"),
        (of_the_future, "format 2"),
        (senseless, "manifest is damaged"),
        (too_large, "are free"),
    ],
)
def test_a_backup_that_is_not_ours_or_not_whole_changes_nothing(
    good_backup: Path, tmp_path: Path, change: Callable[[Entries, dict], None], words: str
) -> None:
    bad = forged(good_backup, tmp_path / "bad.zip", change)
    with pytest.raises(BackupError, match=words) as caught:
        restore(bad, tmp_path / "place" / "ws")
    assert caught.value.remedy
    assert not (tmp_path / "place" / "ws").exists()
    assert not [path for path in tmp_path.rglob("*") if "escaped" in path.name]


def test_a_name_twice_is_refused(good_backup: Path, tmp_path: Path) -> None:
    shutil.copy(good_backup, tmp_path / "bad.zip")
    with pytest.warns(UserWarning, match="Duplicate name"), zipfile.ZipFile(tmp_path / "bad.zip", "a") as archive:
        archive.writestr("hmgc.db", b"another")
    with pytest.raises(BackupError, match="twice"):
        restore(tmp_path / "bad.zip", tmp_path / "ws")


@pytest.mark.parametrize("cut", [0, 10, 1000, -1])
def test_a_file_that_was_cut_off_is_named(good_backup: Path, tmp_path: Path, cut: int) -> None:
    (tmp_path / "cut.zip").write_bytes(good_backup.read_bytes()[:cut])
    with pytest.raises(BackupError, match=r"cut off|is no backup|damaged"):
        restore(tmp_path / "cut.zip", tmp_path / "ws")
    assert not (tmp_path / "ws").exists()


def test_other_zips_and_missing_files_are_named(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "other.zip", "w") as archive:
        archive.writestr("hello.txt", "hello")
    with pytest.raises(BackupError, match="is no backup"):
        restore(tmp_path / "other.zip", tmp_path / "ws")
    with pytest.raises(BackupError, match="cannot read"):
        restore(tmp_path / "none.zip", tmp_path / "ws")


def test_a_database_in_a_backup_that_is_none_is_refused(good_backup: Path, tmp_path: Path) -> None:
    def change(entries: Entries, manifest: dict) -> None:
        entries[:] = [entry for entry in entries if entry[0].filename != "hmgc.db"]
        listed("hmgc.db", b"no database at all" * 100)(entries, manifest)

    with pytest.raises(WorkspaceError, match="damaged"):
        restore(forged(good_backup, tmp_path / "bad.zip", change), tmp_path / "ws")
    assert not (tmp_path / "ws").exists()


def test_a_used_workspace_is_never_restored_over(good_backup: Path, workspace: Workspace, tmp_path: Path) -> None:
    label(workspace, 1, "owl")
    before = files_of(workspace.folder)
    with pytest.raises(BackupError, match="already holds a workspace") as caught:
        restore(good_backup, workspace.folder)
    assert "--workspace" in caught.value.remedy
    assert files_of(workspace.folder) == before
    assert labelling.label_counts(workspace).labelled == 1

    (tmp_path / "half" / "images").mkdir(parents=True)
    with pytest.raises(BackupError, match="in the way"):
        restore(good_backup, tmp_path / "half")
    assert files_of(tmp_path / "half") == ["images"]


def test_a_folder_with_other_files_takes_a_workspace_in_and_keeps_them(good_backup: Path, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "README.md").write_text("read me")
    (tmp_path / "data" / ".restoring" / "images").mkdir(parents=True)  # an attempt that was killed
    restore(good_backup, tmp_path / "data")
    assert labelling.label_counts(workspaces.open_workspace(tmp_path / "data")).labelled == 1
    assert (tmp_path / "data" / "README.md").read_text() == "read me"
    assert not (tmp_path / "data" / ".restoring").exists()


def test_a_full_disk_leaves_no_half_of_a_workspace(full_workspace: Workspace, tmp_path: Path) -> None:
    backup(full_workspace, tmp_path / "b.zip")
    with full_disk(64 * 1024), pytest.raises(OutputError, match="the disk is full"):
        restore(tmp_path / "b.zip", tmp_path / "back")
    assert not (tmp_path / "back").exists()
    restore(tmp_path / "b.zip", tmp_path / "back")


def test_the_command_line_goes_there_and_back(good_backup: Path, tmp_path: Path) -> None:
    def hmgc(*arguments: str) -> str:
        result = CliRunner().invoke(app, list(arguments))
        assert result.exit_code == 0, result.output
        return result.output

    ws, out = tmp_path / "ws", tmp_path / "again.zip"
    assert "1 image, 1 label" in hmgc("restore", str(good_backup), "--workspace", str(ws))
    assert "1 image, 1 label and the models of 0 runs" in hmgc("backup", str(out), "--workspace", str(ws))
    assert zipfile.is_zipfile(out)
