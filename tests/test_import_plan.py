"""An import is looked at before it happens: the preview tells exactly what comes, and leaves nothing behind."""

import csv
import gc
import io
import os
import random
import resource
import signal
import subprocess
import sys
import zipfile
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path

import pytest
from conftest import TINY_LEAVES, label, upcoming, write_picture, write_table

from hmgc_core.errors import ArchiveError, HmgcError, TableError, WorkspaceError
from hmgc_core.exchange.table import Columns
from hmgc_core.store import checks, images
from hmgc_core.store.schema import image_path, now, picture_import
from hmgc_core.store.staging import Staging, sweep
from hmgc_core.taxonomy import Taxonomy
from hmgc_core.workflow import (
    backups,
    exports,
    import_history,
    import_plan,
    imports,
    labelling,
    pictures,
    taxonomies,
    workspaces,
)
from hmgc_core.workflow.import_steps import ImportReport
from hmgc_core.workflow.picture_sources import Upload
from hmgc_core.workflow.workspaces import Workspace


@pytest.fixture
def ws(empty_workspace: Workspace, tiny_tree: Taxonomy) -> Workspace:
    taxonomies.store_taxonomy(empty_workspace, tiny_tree, source="tiny")
    return empty_workspace


def written(path: Path, number: int) -> bytes:
    write_picture(path, number, side=16)
    return path.read_bytes()


def zipped(path: Path, members: dict[str, bytes | str]) -> Path:
    with zipfile.ZipFile(path, "w") as file:
        for name, content in members.items():
            file.writestr(name, content)
    return path


def rows_of(ws: Workspace) -> str:
    """Everything in the database, as text."""
    with ws.reading() as connection:
        return "\n".join(connection.connection.driver_connection.iterdump())  # type: ignore[union-attr]


def staged(ws: Workspace) -> list[Path]:
    return list(ws.staging.iterdir()) if ws.staging.exists() else []


def facts(report: ImportReport) -> dict[str, object]:
    return {**asdict(report), "number": 0}


# --- the preview ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("copy", [False, True])
def test_the_import_does_exactly_what_its_preview_says(
    ws: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int, copy: bool
) -> None:
    monkeypatch.setattr(import_plan, "CHUNK", 7)
    dice = random.Random(seed)
    folder = tmp_path / "in"
    for number in range(20):
        write_picture(folder / f"{number}.png", number // 2 if number % 3 else number, side=16)  # some are duplicates
    (folder / "broken.png").write_bytes(b"broken")
    names = [f"{number}.png" for number in range(20)] + ["broken.png", "missing.png", "", "../out.png"]
    labels = [*TINY_LEAVES, "bird", "life", "", "dragon", "albatros"]

    def table(rows: int) -> Path:
        chosen = [
            {
                "path": dice.choice(names),
                "label": dice.choice(labels),
                "split": dice.choice(["", "train", "val", "test", "odd"]),
                "annotator": dice.choice(["", "ada", "ben"]),
                "kind": dice.choice(["", "is", "is_not", "none_here", "unusable", "what"]),
            }
            for _ in range(rows)
        ]
        return write_table(folder / f"t{rows}.csv", chosen)

    for rows in (15, 40, 41):
        path = table(rows)
        before = rows_of(ws)
        plan = import_plan.plan_import(ws, path, copy=copy)
        assert rows_of(ws) == before
        assert facts(imports.carry_out(ws, plan)) == facts(plan.preview)
        with ws.reading() as connection:
            assert checks.wrong_counts(connection) == []


def test_a_preview_tells_splits_unknown_classes_and_conflicts(ws: Workspace, tmp_path: Path) -> None:
    for number in range(4):
        write_picture(tmp_path / f"{number}.png", number)
    rows = [
        {"path": "0.png", "label": "owl", "split": "train"},
        {"path": "1.png", "label": "albatros", "split": "val"},
        {"path": "2.png", "label": "albatros", "split": "val"},
        {"path": "3.png", "label": "heron", "split": "test"},
        {"path": "0.png", "label": "tug", "split": "test"},
    ]
    preview = import_plan.plan_import(ws, write_table(tmp_path / "t.csv", rows)).preview
    assert preview.by_split == {"train": 1, "val": 2, "test": 1}
    assert {name: found.labels for name, found in preview.unknown.items()} == {"albatros": 2, "heron": 1}
    assert preview.unknown["albatros"].nearest[0] == "albatross"
    assert sorted(skip.what for skip in preview.skipped) == ["class", "class", "class", "label"]
    assert "1 picture stays in the split it is in" in preview.stayed_in_words
    assert "0.png: train, not test" in preview.stayed_in_words
    assert (preview.images, preview.annotations, preview.known, preview.duplicates) == (4, 1, 0, 0)


def test_labels_of_pictures_that_are_in_another_split_come_in_and_one_line_says_so(
    ws: Workspace, tmp_path: Path
) -> None:
    for number in range(5):
        write_picture(tmp_path / f"{number}.png", number, side=16)
    imports.import_images(ws, tmp_path)
    rows = [{"path": f"{number}.png", "label": "owl", "split": "test"} for number in range(5)]
    report = imports.import_images(ws, write_table(tmp_path / "t.csv", rows))
    others = [number for number in range(5) if pictures.image(ws, number + 1).split != "test"]
    assert (report.annotations, report.skipped, len(report.stayed)) == (5, [], len(others))
    assert f"{len(others)} pictures stay in the split they are in" in report.stayed_in_words


def test_what_was_read_for_the_preview_is_not_read_again(ws: Workspace, tmp_path: Path) -> None:
    content = written(tmp_path / "in" / "a.png", 1)
    plan = import_plan.plan_import(ws, tmp_path / "in")
    file = tmp_path / "in" / "a.png"
    times = file.stat()
    file.write_bytes(bytes(len(content)))  # no picture any more, yet of the same size and time
    os.utime(file, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert imports.carry_out(ws, plan).images == 1
    assert pictures.image(ws, 1).sha256 == plan.pictures[0].sha256


def test_a_file_that_changed_since_the_preview_is_noticed(ws: Workspace, tmp_path: Path) -> None:
    for number in range(4):
        write_picture(tmp_path / "in" / f"{number}.png", number)
    plan = import_plan.plan_import(ws, tmp_path / "in")
    write_picture(tmp_path / "in" / "1.png", 11, side=20)
    (tmp_path / "in" / "2.png").write_bytes(b"no picture")
    (tmp_path / "in" / "3.png").unlink()
    report = imports.carry_out(ws, plan)
    assert (report.images, report.changed) == (2, 3)
    assert [skip.reason.split(":")[0] for skip in report.skipped] == ["it has changed since the preview"] * 2
    assert pictures.find_image(ws, str(tmp_path / "in" / "1.png")).width == 20


def test_a_table_that_changed_since_the_preview_is_an_error(ws: Workspace, tmp_path: Path) -> None:
    write_picture(tmp_path / "a.png", 1)
    table = write_table(tmp_path / "t.csv", [{"path": "a.png", "label": "owl"}])
    plan = import_plan.plan_import(ws, table)
    table.write_text("path,label\na.png,ship\n")
    with pytest.raises(TableError, match="has changed since the preview") as caught:
        imports.carry_out(ws, plan)
    assert caught.value.remedy
    assert import_history.history(ws) == []


# --- zips and uploads -------------------------------------------------------------------------------------------------


def test_a_zip_brings_its_pictures_and_the_labels_of_its_table(ws: Workspace, tmp_path: Path) -> None:
    a, b, c = (written(tmp_path / f"{number}.png", number) for number in range(3))
    members = {"set/photos/a.png": a, "set/photos/b.png": b, "set/c.png": c, "set/labels.csv": "path,label\nphotos/a.png,owl\n./photos/b.png,bird\ngone.png,owl\n"}  # fmt: skip  # noqa: E501
    plan = import_plan.plan_import(ws, zipped(tmp_path / "birds.zip", members))
    assert len(staged(ws)) == 1
    assert any("1 picture is not in the table" in remark for remark in plan.source.remarks)
    report = imports.carry_out(ws, plan, started_by="ada")
    assert (report.images, report.annotations) == (3, 2)
    assert [(skip.path, skip.reason) for skip in report.skipped] == [("set/gone.png", "the file is missing")]
    assert staged(ws) == []
    (tmp_path / "birds.zip").unlink()
    assert all(pictures.image(ws, number).path.is_relative_to(ws.copies) for number in (1, 2, 3))
    assert all(pictures.image(ws, number).path.is_file() for number in (1, 2, 3))
    with ws.reading() as connection:
        originals = connection.execute(image_path.select()).all()
    assert {row.original for row in originals} == {f"birds.zip/{name}" for name in members if name.endswith("png")}
    (record,) = import_history.history(ws)
    assert (record.source, record.how, record.started_by, record.copied) == ("birds.zip", "zip", "ada", True)
    assert (record.images, record.annotations, record.skips, record.done, record.total) == (3, 2, 1, 3, 3)


def exported(ws: Workspace) -> dict[str, str]:
    """label -> original_paths of what everybody says now."""
    exports.export_words(ws, ws.folder.parent / "out.csv")
    with (ws.folder.parent / "out.csv").open(newline="") as file:
        return {row["label"]: row["original_paths"] for row in csv.DictReader(file)}


def test_an_upload_keeps_the_names_of_its_files_on_screen_and_in_exports(ws: Workspace, tmp_path: Path) -> None:
    a, b = written(tmp_path / "mine" / "a.png", 1), written(tmp_path / "b.png", 2)
    packed = zipped(tmp_path / "set.zip", {"deep/b.png": b, "deep/again.png": b}).read_bytes()
    sent = [Upload("my heron.png", io.BytesIO(a)), Upload("set.zip", io.BytesIO(packed))]
    imports.carry_out(ws, import_plan.plan_uploads(ws, sent))
    by_name = {record.name: record for record in (pictures.image(ws, 1), pictures.image(ws, 2))}
    assert {*by_name} == {"my heron.png", "b.png"}
    assert by_name["b.png"].path.is_relative_to(ws.copies)
    label(ws, by_name["my heron.png"].id, "owl")
    label(ws, by_name["b.png"].id, "tug")
    assert exported(ws) == {"owl": "my heron.png", "tug": "set.zip/deep/b.png|set.zip/deep/again.png"}
    imports.carry_out(ws, import_plan.plan_uploads(ws, [Upload("other.png", io.BytesIO(a))]))
    assert exported(ws)["owl"] == "my heron.png|other.png"
    imports.import_images(ws, tmp_path / "mine")  # of pictures that stay where they lie, it is their path
    assert exported(ws)["owl"] == "my heron.png|other.png|mine/a.png"
    import_history.undo_import(ws)
    assert exported(ws)["owl"] == "my heron.png|other.png"


def test_names_of_an_upload_come_back_with_a_backup_and_with_pictures_taken_out(ws: Workspace, tmp_path: Path) -> None:
    a = written(tmp_path / "a.png", 1)
    imports.carry_out(ws, import_plan.plan_uploads(ws, [Upload("heron.png", io.BytesIO(a))]))
    import_history.undo_import(ws)
    label(ws, 1, "owl")  # from a page that was still open
    assert exported(ws) == {"owl": "heron.png"}
    backups.backup(ws, tmp_path / "whole.zip")
    backups.restore(tmp_path / "whole.zip", tmp_path / "back")
    assert exported(workspaces.open_workspace(tmp_path / "back")) == {"owl": "heron.png"}


def uploads(**files: bytes | str) -> list[Upload]:
    return [
        Upload(name.replace("_", "."), io.BytesIO(content.encode() if isinstance(content, str) else content))
        for name, content in files.items()
    ]


def test_files_zips_and_a_table_may_be_uploaded_together(ws: Workspace, tmp_path: Path) -> None:
    a, b, c = (written(tmp_path / f"{number}.png", number) for number in range(3))
    one = zipped(tmp_path / "one.zip", {"x/a.png": a}).read_bytes()
    two = zipped(tmp_path / "two.zip", {"x/a.png": b}).read_bytes()
    table = "path,label\nx/a.png,owl\ntwo.zip/x/a.png,tug\nc.png,bird\n"
    plan = import_plan.plan_uploads(ws, uploads(one_zip=one, two_zip=two, c_png=c, labels_csv=table))
    report = imports.carry_out(ws, plan)
    assert (report.images, report.annotations, report.skipped) == (3, 3, [])
    assert staged(ws) == []


@pytest.mark.parametrize(("content", "words"), [(b"", "x.zip is empty"), (b"no zip", "damaged")])
def test_a_zip_that_is_none_is_told_as_such(ws: Workspace, content: bytes, words: str) -> None:
    with pytest.raises(ArchiveError, match=words) as caught:
        import_plan.plan_uploads(ws, [Upload("x.zip", io.BytesIO(content))])
    assert caught.value.remedy
    assert staged(ws) == []


def test_a_table_that_cannot_be_read_is_told_and_the_pictures_come(ws: Workspace, tmp_path: Path) -> None:
    a = written(tmp_path / "a.png", 1)
    path = zipped(tmp_path / "a.zip", {"a.png": a, "notes.csv": "file,what\na.png,owl\n"})
    preview = import_plan.plan_import(ws, path).preview
    assert (preview.images, preview.annotations) == (1, 0)
    assert "no column 'path'" in preview.skipped[0].reason
    named = import_plan.plan_import(ws, path, columns=Columns(path="file", label="what")).preview
    assert (named.images, named.annotations, named.skipped) == (1, 1, [])


def test_two_tables_are_refused_because_nothing_is_guessed(ws: Workspace, tmp_path: Path) -> None:
    a = written(tmp_path / "a.png", 1)
    table = "path,label\na.png,owl\n"
    with pytest.raises(TableError, match=r"2 tables of pictures: one\.csv, two\.csv"):
        import_plan.plan_import(ws, zipped(tmp_path / "a.zip", {"a.png": a, "one.csv": table, "two.csv": table}))
    assert staged(ws) == []


@pytest.mark.parametrize("files", [{"notes.txt": b"x"}, {}])
def test_nothing_to_import_is_a_named_error(ws: Workspace, tmp_path: Path, files: dict[str, bytes]) -> None:
    with pytest.raises(TableError, match="holds no picture"):
        import_plan.plan_import(ws, zipped(tmp_path / "a.zip", dict(files)))
    with pytest.raises(TableError, match="no picture among"):
        import_plan.plan_uploads(ws, [Upload("notes.txt", io.BytesIO(b"x"))])
    assert staged(ws) == []


@pytest.mark.parametrize("text", ['path,label\n"a.png,owl\n', "path,label\n" + "x" * 200_000 + ",owl\n"])
def test_a_table_that_is_no_csv_is_a_named_error(ws: Workspace, tmp_path: Path, text: str) -> None:
    (tmp_path / "t.csv").write_text(text)
    try:
        plan = import_plan.plan_import(ws, tmp_path / "t.csv")
        assert plan.preview.images == 0
        assert plan.preview.skipped
    except HmgcError as error:
        assert error.remedy


# --- nothing is left behind -------------------------------------------------------------------------------------------


def test_a_plan_that_is_forgotten_leaves_nothing(ws: Workspace, tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.zip", {"a.png": written(tmp_path / "a.png", 1)})
    plan = import_plan.plan_import(ws, path)
    assert len(staged(ws)) == 1
    plan.drop()
    plan.drop()
    assert staged(ws) == []
    plan = import_plan.plan_import(ws, path)
    del plan
    gc.collect()
    assert staged(ws) == []


KILLED = """
import os, signal, sys
from pathlib import Path
from hmgc_core.workflow import import_plan, imports, workspaces
ws = workspaces.open_workspace(Path(sys.argv[1]))
import_plan.CHUNK = 5
plan = import_plan.plan_import(ws, Path(sys.argv[2]))
print("ready", flush=True)
sys.stdin.readline()
imports.carry_out(ws, plan, on_progress=lambda done, total: done == 10 and os.kill(os.getpid(), signal.SIGKILL))
"""


def killed_import(ws: Workspace, source: Path) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", KILLED, str(ws.folder), str(source)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def let_it_be_killed(process: subprocess.Popen[str]) -> None:
    process.communicate("go\n")
    assert process.returncode == -signal.SIGKILL


def test_an_import_that_is_killed_says_how_far_it_came_and_goes_on(ws: Workspace, tmp_path: Path) -> None:
    members = {f"{number}.png": written(tmp_path / "x" / f"{number}.png", number) for number in range(20)}
    path = zipped(tmp_path / "a.zip", members)
    process = killed_import(ws, path)
    sweep(ws.staging)
    assert len(staged(ws)) == 1  # another process that starts leaves what is in use
    let_it_be_killed(process)
    assert len(staged(ws)) == 1
    workspaces.open_workspace(ws.folder)
    assert staged(ws) == []
    (record,) = import_history.history(ws)
    assert (record.done, record.total, record.images, record.finished_at) == (10, 20, 10, None)
    assert import_history.is_running(record)
    with ws.writing() as connection:
        long_ago = now() - timedelta(seconds=import_history.SILENT_S + 1)
        connection.execute(picture_import.update().values(touched_at=long_ago))
    (record,) = import_history.history(ws)
    assert import_history.is_cut_off(record)
    again = imports.import_images(ws, path)
    assert (again.images, again.known) == (10, 10)
    assert labelling.label_counts(ws).images == 20


def test_an_import_that_was_killed_can_be_taken_back(ws: Workspace, tmp_path: Path) -> None:
    for number in range(20):
        write_picture(tmp_path / "in" / f"{number:02}.png", number)
    let_it_be_killed(killed_import(ws, tmp_path / "in"))
    assert labelling.label_counts(ws).images == 10
    assert import_history.undo_import(ws).images == 10
    assert labelling.label_counts(ws).images == 0


def test_a_disk_that_fills_in_the_middle_leaves_nothing(
    ws: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(import_plan, "CHUNK", 2)
    for number in range(6):
        write_picture(tmp_path / "in" / f"{number}.png", number, side=1500 if number == 5 else 16)
    plan = import_plan.plan_import(ws, tmp_path / "in", copy=True)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    limit = max(path.stat().st_size for path in ws.folder.glob("hmgc.db*")) + 1_000_000  # the database has room
    assert (tmp_path / "in" / "5.png").stat().st_size > limit
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, before[1]))
    try:
        with pytest.raises(WorkspaceError, match="disk is full; nothing of this import was kept"):
            imports.carry_out(ws, plan)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert labelling.label_counts(ws).images == 0
    assert [path for path in ws.copies.rglob("*") if path.is_file()] == []
    (record,) = import_history.history(ws)
    assert record.undone_at is not None


def test_what_was_left_out_is_kept_with_the_import(ws: Workspace, tmp_path: Path) -> None:
    write_picture(tmp_path / "in" / "a.png", 1)
    (tmp_path / "in" / "b.png").write_bytes(b"no picture")
    number = imports.import_images(ws, tmp_path / "in").number
    ((path, reason),) = import_history.left_out(ws, number)
    assert (path, bool(reason)) == ("b.png", True)
    assert not hasattr(import_history.history(ws)[0], "skipped")  # long lists, read for one import at a time


def test_caches_of_folders_notice_every_change_of_a_place(ws: Workspace, tmp_path: Path) -> None:
    stamps = [pictures.places_stamp(ws)]
    write_picture(tmp_path / "one" / "a.png", 1)
    write_picture(tmp_path / "two" / "a.png", 1)
    write_picture(tmp_path / "three" / "b.png", 2)
    for source in ("one", "two", "three"):  # the second brings only a duplicate
        imports.import_images(ws, tmp_path / source)
        stamps.append(pictures.places_stamp(ws))
    import_history.undo_import(ws)
    imports.import_images(ws, tmp_path / "three")
    stamps.append(pictures.places_stamp(ws))
    pictures.point_folder(ws, tmp_path / "two", tmp_path)
    stamps.append(pictures.places_stamp(ws))
    assert len(set(stamps)) == len(stamps)


def test_a_home_that_nobody_has_is_a_named_error(ws: Workspace, tmp_path: Path) -> None:
    nowhere = Path("~nobody-of-this-name/x.zip")
    for verb in (
        lambda: backups.backup(ws, nowhere),
        lambda: backups.restore(nowhere, tmp_path / "back"),
        lambda: exports.export_words(ws, nowhere),
        lambda: pictures.find_image(ws, str(nowhere)),
        lambda: pictures.point_folder(ws, tmp_path, nowhere),
        lambda: imports.import_images(ws, nowhere),
    ):
        with pytest.raises(HmgcError):
            verb()


def test_a_look_at_a_class_tree_waits_for_nobody_who_writes(ws: Workspace, tiny_tree: Taxonomy) -> None:
    with ws.writing():
        assert taxonomies.store_taxonomy(ws, tiny_tree, source="tiny", dry_run=True).nodes == len(tiny_tree)


def test_a_staging_folder_is_held_while_it_is_used(tmp_path: Path) -> None:
    one = Staging(tmp_path)
    two = Staging(tmp_path)
    sweep(tmp_path)
    assert one.folder.exists() and two.folder.exists()
    one.drop()
    assert not one.folder.exists()
    assert two.folder.exists()
    two.drop()
    (tmp_path / "left").mkdir()
    sweep(tmp_path)
    assert list(tmp_path.iterdir()) == []
    sweep(tmp_path / "nowhere")


def test_a_file_whose_content_was_replaced_leaves_the_queue_whole(ws: Workspace, tmp_path: Path) -> None:
    write_picture(tmp_path / "in" / "a.png", 1)
    write_picture(tmp_path / "in" / "b.png", 2)
    imports.import_images(ws, tmp_path / "in")
    write_picture(tmp_path / "in" / "a.png", 3)
    imports.import_images(ws, tmp_path / "in")
    assert sorted(item.image.id for item in upcoming(ws)) == [2, 3]
    assert labelling.label_counts(ws).images == 2
    label(ws, 2, "owl")
    with ws.reading() as connection:
        assert images.get(connection, 1) is None
        assert checks.wrong_counts(connection) == []
