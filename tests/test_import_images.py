"""Pictures and labels come in; what is bad is counted and named, and nothing stops."""

import io
import shutil
from pathlib import Path

import numpy as np
import pytest
from conftest import write_picture, write_table
from PIL import Image

from hmgc_core.errors import TableError, UnknownImage
from hmgc_core.exchange.table import Columns
from hmgc_core.splits import split_of
from hmgc_core.store import annotations
from hmgc_core.taxonomy import NodeText, Taxonomy
from hmgc_core.workflow import labelling, pictures, taxonomies
from hmgc_core.workflow.import_plan import plan_import
from hmgc_core.workflow.pictures import ImportReport, import_images
from hmgc_core.workflow.workspaces import Workspace


@pytest.fixture
def ws(empty_workspace: Workspace, tiny_tree: Taxonomy) -> Workspace:
    taxonomies.store_taxonomy(empty_workspace, tiny_tree, source="tiny")
    return empty_workspace


def reasons(report: ImportReport) -> dict[str, str]:
    return {skip.path: skip.reason for skip in report.skipped}


def said(ws: Workspace) -> dict[int, list[tuple[str, str]]]:
    found: dict[int, list[tuple[str, str]]] = {}
    with ws.reading() as connection:
        for word in annotations.words(connection):
            found.setdefault(word.image_id, []).append((word.annotator, word.node))
    return found


def test_a_table_brings_pictures_splits_and_labels_at_any_level(ws: Workspace, tmp_path: Path) -> None:
    rows = []
    for number, (label, split) in enumerate([("owl", "train"), ("bird", "valid"), ("", "test"), ("life", "")]):
        write_picture(tmp_path / f"p{number}.png", number)
        rows.append({"path": f"p{number}.png", "label": label, "split": split})
    report = import_images(ws, write_table(tmp_path / "t.csv", rows), annotator="expert")
    assert (report.images, report.duplicates, report.annotations, report.skipped) == (4, 0, 3, [])
    assert said(ws) == {1: [("expert", "owl")], 2: [("expert", "bird")], 4: [("expert", "life")]}
    assert [pictures.image(ws, i).split for i in (1, 2, 3)] == ["train", "val", "test"]


def test_a_split_that_is_not_given_follows_from_the_content_alone(ws: Workspace, tmp_path: Path) -> None:
    for number in range(60):
        write_picture(tmp_path / "in" / f"{number}.png", number, side=16)
    import_images(ws, tmp_path / "in")
    images = [pictures.image(ws, i) for i in range(1, 61)]
    assert all(image.split == split_of(image.sha256) for image in images)
    assert {image.split for image in images} == {"train", "val", "test"}


def test_importing_again_is_harmless(ws: Workspace, tmp_path: Path) -> None:
    write_picture(tmp_path / "a.png", 1)
    table = write_table(tmp_path / "t.csv", [{"path": "a.png", "label": "owl"}])
    import_images(ws, table)
    again = import_images(ws, table)
    assert (again.images, again.duplicates, again.known, again.annotations, again.skipped) == (0, 0, 1, 0, [])
    assert labelling.label_counts(ws).by_kind == {"is": 1}


def test_the_same_content_twice_is_one_image_with_two_paths(ws: Workspace, tmp_path: Path) -> None:
    write_picture(tmp_path / "a.png", 1)
    shutil.copy(tmp_path / "a.png", tmp_path / "b.png")
    rows = [
        {"path": "a.png", "label": "owl", "split": "train"},
        {"path": "b.png", "label": "tug", "split": "test"},
    ]
    report = import_images(ws, write_table(tmp_path / "t.csv", rows))
    assert (report.images, report.duplicates, report.annotations) == (1, 1, 1)
    whys = [skip.reason for skip in report.skipped]
    assert [(one.path, one.split, one.asked) for one in report.stayed] == [("b.png", "train", "test")]
    assert any("already called this picture 'owl'" in why for why in whys)
    assert pictures.find_image(ws, str(tmp_path / "b.png")).id == 1
    assert said(ws) == {1: [("import", "owl")]}


def test_two_annotators_may_disagree_in_one_table(ws: Workspace, tmp_path: Path) -> None:
    write_picture(tmp_path / "a.png", 1)
    rows = [
        {"path": "a.png", "label": "owl", "annotator": "ada"},
        {"path": "a.png", "label": "bird", "annotator": "ben"},
    ]
    report = import_images(ws, write_table(tmp_path / "t.csv", rows))
    assert (report.images, report.annotations, report.skipped) == (1, 2, [])


def test_an_unknown_class_is_named_with_the_three_nearest_and_the_picture_stays(ws: Workspace, tmp_path: Path) -> None:
    write_picture(tmp_path / "a.png", 1)
    report = import_images(ws, write_table(tmp_path / "t.csv", [{"path": "a.png", "label": "albatros"}]))
    assert report.images == 1
    reason = reasons(report)["a.png"]
    assert "unknown class 'albatros'" in reason
    assert reason.split("nearest: ")[1].startswith("'albatross'")
    assert reason.count("'") == 2 + 6


def test_a_name_that_only_one_class_has_is_as_good_as_its_key(empty_workspace: Workspace, tmp_path: Path) -> None:
    texts = {"b1": NodeText("Barn owl"), "s1": NodeText("Crane"), "b2": NodeText("Crane"), "owl": NodeText("Hawk")}
    edges = [("b", "all"), ("s", "all"), ("b1", "b"), ("b2", "b"), ("s1", "s"), ("owl", "b")]
    taxonomies.store_taxonomy(empty_workspace, Taxonomy.from_edges(edges, texts), source="test")
    rows: list[dict[str, str]] = []
    for number, name in enumerate(["barn  OWL", "crane", "owl", "Hawk"]):
        write_picture(tmp_path / f"{number}.png", number)
        rows.append({"path": f"{number}.png", "label": name})
    report = import_images(empty_workspace, write_table(tmp_path / "t.csv", rows))
    assert said(empty_workspace) == {1: [("import", "b1")], 3: [("import", "owl")], 4: [("import", "owl")]}
    (reason,) = reasons(report).values()
    assert reason.startswith("2 classes are called 'crane'") and {"'b2'", "'s1'"} <= set(
        reason.replace(",", "").split()
    )


def test_labels_before_any_class_tree_are_counted_not_lost_silently(empty_workspace: Workspace, tmp_path: Path) -> None:
    write_picture(tmp_path / "a.png", 1)
    report = import_images(empty_workspace, write_table(tmp_path / "t.csv", [{"path": "a.png", "label": "owl"}]))
    assert report.images == 1
    assert "import the class tree first" in reasons(report)["a.png"]


def odd_pictures(folder: Path) -> None:
    folder.mkdir()
    rng = np.random.default_rng(0)
    rgb = Image.fromarray(rng.integers(0, 255, (20, 30, 3), dtype=np.uint8))
    rgb.convert("CMYK").save(folder / "cmyk.jpg")
    Image.fromarray(rng.integers(0, 65535, (20, 30), dtype=np.uint16)).save(folder / "deep.png")
    rgb.convert("L").save(folder / "grey.png")
    rgb.convert("P").save(folder / "palette.png")
    rgb.save(folder / "moving.gif", save_all=True, append_images=[rgb.rotate(90)])
    exif = Image.Exif()
    exif[0x0112] = 6
    rgb.save(folder / "turned.jpg", exif=exif)
    rgb.resize((1, 1)).save(folder / "dot.png")
    rgb.save(folder / "really_a_png.jpg", format="PNG")


def test_odd_but_good_pictures_all_come_in(ws: Workspace, tmp_path: Path) -> None:
    odd_pictures(tmp_path / "in")
    report = import_images(ws, tmp_path / "in")
    assert (report.images, report.skipped) == (8, [])
    turned = pictures.find_image(ws, str(tmp_path / "in" / "turned.jpg"))
    assert (turned.width, turned.height) == (20, 30)


def test_every_bad_picture_is_a_counted_skip_with_its_reason(ws: Workspace, tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    write_picture(folder / "good.png", 1)
    write_picture(tmp_path / "outside.png", 2)
    (folder / "empty.png").touch()
    whole = io.BytesIO()
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (60, 60, 3), dtype=np.uint8)).save(whole, "JPEG")
    (folder / "cut.jpg").write_bytes(whole.getvalue()[:800])
    (folder / "words.jpg").write_text("this is not a picture")
    Image.new("1", (11_000, 10_000)).save(folder / "bomb.png")  # 110 megapixels in 14 kB
    (folder / "link.png").symlink_to(tmp_path / "outside.png")
    names = ["good.png", "empty.png", "cut.jpg", "words.jpg", "bomb.png", "link.png", "gone.png", "../outside.png", ""]
    rows = [{"path": name, "label": "owl"} for name in names]
    report = import_images(ws, write_table(folder / "t.csv", rows))
    assert (report.images, report.annotations) == (1, 1)
    why = reasons(report)
    assert len(why) == len(names) - 1
    assert "empty" in why["empty.png"]
    assert "too large" in why["bomb.png"]
    assert "leaves its folder" in why["link.png"]
    assert "leaves its folder" in why["../outside.png"]
    assert "missing" in why["gone.png"]
    assert "blank" in why["line 10"]
    assert all(why.values())


def test_copied_pictures_need_their_source_no_more(ws: Workspace, tmp_path: Path) -> None:
    write_picture(tmp_path / "in" / "a.png", 1)
    import_images(ws, tmp_path / "in", copy=True)
    shutil.rmtree(tmp_path / "in")
    assert pictures.image(ws, 1).path.is_file()
    assert pictures.image(ws, 1).path.is_relative_to(ws.folder)


@pytest.mark.parametrize(
    ("content", "columns", "words"),
    [
        ("", None, "empty"),
        ("file,label\na,b\n", None, "no column 'path'"),
        ("path,label\na,b\n", Columns(label="leaf"), "no column 'leaf'"),
        ("file name,true_class\n", None, "'file name', 'true_class'"),
        ("root:x:0:0:,/root\n", None, "is no table of labels"),
        ("path,label\n", None, "holds no picture"),
    ],
)
def test_a_table_that_cannot_be_read_is_refused_with_a_remedy(
    ws: Workspace, tmp_path: Path, content: str, columns: Columns | None, words: str
) -> None:
    table = tmp_path / "t.csv"
    table.write_text(content)
    with pytest.raises(TableError, match=words) as caught:
        import_images(ws, table, columns=columns)
    assert caught.value.remedy


@pytest.mark.parametrize("content", ["path;label;split\na.png;owl;test\n", "Path,LABEL,Split\na.png,owl,test\n"])
def test_a_table_as_spreadsheets_write_it_is_read(ws: Workspace, tmp_path: Path, content: str) -> None:
    write_picture(tmp_path / "a.png", 1)
    (tmp_path / "t.csv").write_text(content)
    report = import_images(ws, tmp_path / "t.csv")
    assert (report.images, report.annotations, report.skipped, said(ws)) == (1, 1, [], {1: [("import", "owl")]})


def test_a_table_whose_labels_have_another_name_is_warned_of(ws: Workspace, tmp_path: Path) -> None:
    write_picture(tmp_path / "a.png", 1)
    (tmp_path / "t.csv").write_text("path,split,leaf,coarse\na.png,test,owl,bird\n")
    plan = plan_import(ws, tmp_path / "t.csv")
    assert (plan.preview.annotations, len(plan.source.warnings)) == (0, 1)
    assert "no column 'label'" in plan.source.warnings[0] and "'leaf', 'coarse'" in plan.source.warnings[0]
    assert not plan_import(ws, tmp_path / "t.csv", columns=Columns(label="leaf")).source.warnings
    (tmp_path / "t.csv").write_text("path,split\na.png,test\n")
    assert not plan_import(ws, tmp_path / "t.csv").source.warnings  # nothing in it could be a label


def test_a_missing_source_and_an_unknown_image_are_named(ws: Workspace, tmp_path: Path) -> None:
    with pytest.raises(TableError, match="no file or folder"):
        import_images(ws, tmp_path / "nowhere")
    with pytest.raises(UnknownImage):
        pictures.find_image(ws, "nothing.png")


@pytest.mark.slow
def test_a_folder_of_fifty_thousand_files_is_no_trouble(ws: Workspace, tmp_path: Path) -> None:
    folder = tmp_path / "many"
    folder.mkdir()
    pixel = io.BytesIO()
    Image.new("RGB", (2, 2)).save(pixel, "PNG")
    head, tail = pixel.getvalue()[:-12], pixel.getvalue()[-12:]
    for number in range(50_000):
        # A text chunk makes each content different without drawing 50,000 pictures.
        body = b"tEXtn\0" + str(number).encode()
        chunk = len(body[4:]).to_bytes(4) + body + _crc(body)
        (folder / f"{number}.png").write_bytes(head + chunk + tail)
    plan = plan_import(ws, folder)  # storing so many: see the zip of tests/test_archive.py
    assert (plan.preview.images, plan.left_out) == (50_000, [])


def _crc(body: bytes) -> bytes:
    import zlib

    return zlib.crc32(body).to_bytes(4)


@pytest.mark.parametrize("line", ["root:x:0:0:root:/root:/bin/sh", "secret", "a,b/c", "word " * 9 + ",x"])
def test_the_first_line_of_a_file_that_is_no_table_is_not_shown(ws: Workspace, tmp_path: Path, line: str) -> None:
    (tmp_path / "passwd").write_text(f"{line}\nmore\n")
    with pytest.raises(TableError) as caught:
        import_images(ws, tmp_path / "passwd")
    assert not any(part.strip() in f"{caught.value} {caught.value.remedy}" for part in line.split(",") if len(part) > 4)
    assert "is no table of labels" in str(caught.value)
