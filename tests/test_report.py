"""Reports and model cards: whole in themselves, no text of users is more than text, figures are the run's."""

import base64
import io
import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from conftest import label, write_picture, write_table
from PIL import Image
from reading_pages import open_page
from typer.testing import CliRunner

from hmgc_core import __version__, report, worker
from hmgc_core.cli import app
from hmgc_core.errors import CheckpointError, OutputError, UnknownRun
from hmgc_core.metrics.shares import share_interval
from hmgc_core.metrics.words import figures
from hmgc_core.records import NewAnnotation, RunConfig, Sample
from hmgc_core.report import drawing
from hmgc_core.report.facts import data_hash
from hmgc_core.store import schema
from hmgc_core.taxonomy import NodeText, Taxonomy
from hmgc_core.workflow import coarse_labels, labelling, pictures, taxonomies, training, workspaces
from hmgc_core.workflow.training import RunLabels
from hmgc_core.workflow.workspaces import Workspace

EVIL = "![x](http://evil.example/x.png)<img src=http://evil.example/y.png onerror=a()>|`*{{ 7*7 }}"
SMALL = RunConfig(model="flat", backbone="resnet_mini", image_size=16, epochs=2, batch_size=4, lr=0.05, device="cpu")
VOID = {"meta", "img", "line", "rect", "polyline", "circle"}


EDGES = [("bird", "life"), ("ship", "life"), ("owl", "bird"), ("evil", "bird"), ("tug", "ship"), ("ark", "ship")]


class Reader(HTMLParser):
    """A page as a browser reads it: its tags with what they point at, and its text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.pointers: list[str] = []
        self.attributes: set[str] = set()
        self.open: list[str] = []
        self.texts: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes.update(name for name, _ in attrs)
        self.pointers += [str(value) for name, value in attrs if name in ("src", "href", "srcset", "data", "action")]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.texts).split())


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """A trained run 1 on 30 pictures, whose tree, file names and annotator are markup where they can be."""
    folder = tmp_path_factory.mktemp("told")
    ws = workspaces.open_workspace(folder / "workspace")
    taxonomies.store_taxonomy(ws, Taxonomy.from_edges(EDGES, {"evil": NodeText(name=EVIL, note=EVIL)}), source="t.csv")
    rows = ["path,label,split"]
    for number in range(30):
        name = f"<b>{number}&.png"
        write_picture(folder / name, number)
        key = ("owl", "evil", "tug", "bird")[number % 4]
        rows.append(f"{name},{key},{('train', 'train', 'test', 'train', 'val')[number % 5]}")
    (folder / "labels.csv").write_text("\n".join(rows))
    pictures.import_images(ws, folder / "labels.csv")
    training.queue_run(ws, SMALL)
    worker.work(ws, once=True)
    coarse_labels.ask(ws, 1)
    worker.work(ws, once=True)
    return ws


@pytest.fixture(scope="module")
def facts(told: Workspace) -> report.Facts:
    return report.gather(told, 1)


# --- the report -------------------------------------------------------------------------------------------------------


def test_a_report_is_whole_in_itself(facts: report.Facts) -> None:
    page = Reader(report.html(facts))
    assert page.open == []
    assert not page.tags & {"script", "link", "iframe", "object", "embed", "form", "a", "base", "video", "audio"}
    assert not any(name.startswith("on") or name == "style" for name in page.attributes)
    assert page.pointers and all(pointer.startswith("data:image/jpeg;base64,") for pointer in page.pointers)
    style = report.html(facts).partition("<style>")[2].partition("</style>")[0]
    assert "url(" not in style and "@import" not in style


def test_names_that_are_markup_are_text_in_a_report(facts: report.Facts) -> None:
    text = report.html(facts)
    assert EVIL in Reader(text).text
    assert "<img src=http" not in text and "49" not in EVIL
    assert re.search(r"<b>\d+&\.png", Reader(text).text)
    assert not re.search(r"<b>\d+&", text)


def test_the_figures_of_a_report_are_those_of_the_run(told: Workspace, facts: report.Facts) -> None:
    run = training.run(told, 1)
    text = Reader(report.html(facts)).text
    for split in ("test", "val"):
        for figure in figures(run.metrics[split]):
            value = "–" if figure.value is None else f"{figure.value:.4f}"
            assert f"{figure.name} {figure.text} {figure.exact} {value} {figure.measure.meaning}" in text
    assert facts.exam is not None and facts.exam.split == "test"
    assert facts.exam.right / facts.exam.fine == run.metrics["test"]["leaf_accuracy"]
    assert sum(facts.exam.first_wrong) == run.metrics["test"]["images"]
    assert sum(one.of for one in facts.exam.classes) == sum(count for *_, count in facts.exam.bins) == facts.exam.fine
    assert sum(one.count for one in facts.exam.confusions) == facts.exam.fine - facts.exam.right
    found = coarse_labels.bought(told, 1)
    assert found is not None and found.headline in text
    assert facts.taxonomy.content_hash in text and __version__ in text
    assert dict(facts.splits) == {"train": (18, 18), "val": (6, 6), "test": (6, 6)}
    assert sum(count for _, count in facts.levels) == 18


def test_examples_are_small_pictures_with_what_was_said(told: Workspace, facts: report.Facts) -> None:
    assert facts.exam is not None
    for one in (*facts.exam.right_examples, *facts.exam.wrong_examples):
        picture = Image.open(io.BytesIO(base64.b64decode(one.thumbnail.partition(",")[2])))
        original = Image.open(pictures.image(told, one.image_id).path)
        assert max(picture.size) <= 144
        assert np.abs(np.asarray(picture).mean((0, 1)) - np.asarray(original.convert("RGB")).mean((0, 1))).max() < 12
    assert all(one.label == one.answer for one in facts.exam.right_examples)
    assert all(one.label != one.answer for one in facts.exam.wrong_examples)


def test_a_picture_that_is_gone_is_said_to_be_gone(labelled_workspace: Workspace) -> None:
    ws = labelled_workspace
    training.queue_run(ws, SMALL)
    worker.work(ws, once=True)
    for number in range(16, 24):
        (ws.folder.parent / "photos" / f"{number:02d}.png").unlink()
    text = report.html(report.gather(ws, 1))
    assert "the file is missing" in text and "<img" not in text


def test_a_run_that_was_not_measured_says_so(workspace: Workspace) -> None:
    for image_id in range(1, 13):
        label(workspace, image_id, ("owl", "tug", "bird")[image_id % 3])
    training.queue_run(workspace, SMALL)
    worker.work(workspace, once=True)
    facts = report.gather(workspace, 1)
    assert "was not measured" in report.html(facts)
    assert "Nothing is known of how often it is right" in report.card(facts)
    assert "was not calibrated" in report.card(facts)


# --- the model card ---------------------------------------------------------------------------------------------------


def test_a_model_card_says_what_for_and_where_it_ends(facts: report.Facts) -> None:
    text = report.card(facts)
    for heading in ("What it is for", "What it learned from", "How good it is", "Where it ends", "How it was made"):
        assert f"\n## {heading}\n" in text
    assert "4 finest classes of one class tree" in text
    assert "1 of the finest classes is named by no training label: ark" in text
    assert facts.hashes[0][1] in text
    assert "{{" not in text.replace(r"\`\*{{ 7\*7 }}", "")


def test_classes_of_one_name_are_told_apart(told: Workspace, facts: report.Facts) -> None:
    assert facts.untested == ["ark"]
    version, tree = taxonomies.current_taxonomy(told)
    named = tree.from_edges(EDGES, {"ark": NodeText(name="tug"), "evil": NodeText(name=EVIL, note=EVIL)})
    assert taxonomies.store_taxonomy(told, named, source="names.csv") != version
    with told.writing() as connection:
        connection.execute(schema.run.update().values(taxonomy_id=version + 1))
    try:
        assert report.gather(told, 1).untested == ["tug"]  # the ark, though the tug was tested
    finally:
        with told.writing() as connection:
            connection.execute(schema.run.update().values(taxonomy_id=version))


def test_names_that_are_markup_are_text_in_a_model_card(facts: report.Facts) -> None:
    text = report.card(facts)
    assert "evil" in text
    assert "http://" not in text and "<img" not in text.replace("\\<img", "") and "![x]" not in text
    # No name makes a row of a table longer: every row has as many cells as its head.
    for table in re.findall(r"(?:^\|.*\n)+", text, re.M):
        cells = {len(re.findall(r"(?<!\\)\|", row)) for row in table.splitlines()}
        assert len(cells) == 1, table


# --- what they are made of --------------------------------------------------------------------------------------------


def test_the_data_hash_follows_the_labels_and_not_their_order(told: Workspace) -> None:
    labels = training.run_labels(told, training.run(told, 1))
    parts = (labels.taxonomy, labels.train, labels.val, labels.test, labels.images, labels.remarks)
    turned = RunLabels(parts[0], parts[1][::-1], parts[2], parts[3], parts[4][::-1], ())
    assert data_hash(turned) == data_hash(labels)
    first = labels.train[0]
    changed = [Sample(first.path, 1 + first.node % 2, first.kind, first.weight), *labels.train[1:]]
    assert data_hash(RunLabels(parts[0], changed, parts[2], parts[3], parts[4], ())) != data_hash(labels)


def test_later_labels_and_pictures_do_not_change_a_report(labelled_workspace: Workspace, tmp_path: Path) -> None:
    ws = labelled_workspace
    training.queue_run(ws, SMALL)
    worker.work(ws, once=True)
    before = report.gather(ws, 1)
    version, _ = taxonomies.current_taxonomy(ws)
    labelling.annotate(ws, [NewAnnotation("a-later-one", 17, "tug", "is", version)], annotator="ada")
    write_picture(tmp_path / "later.png", 1234)
    pictures.import_images(ws, write_table(tmp_path / "later.csv", [{"path": "later.png"}]))
    after = report.gather(ws, 1)
    assert (after.hashes, after.exam, after.levels) == (before.hashes, before.exam, before.levels)


def test_a_share_of_few_pictures_is_told_with_its_range() -> None:
    # Against the definition: where the score test of the share is exactly at its border.
    for right, of in ((7, 145), (0, 5), (5, 5), (40, 41)):
        for end in share_interval(right, of):
            if 0 < end < 1:
                assert abs(right / of - end) / np.sqrt(end * (1 - end) / of) == pytest.approx(1.959964, abs=1e-4)
    assert share_interval(0, 0) == (0.0, 1.0)
    assert share_interval(0, 5)[0] == 0.0 and share_interval(5, 5)[1] == 1.0


def test_a_drawing_shows_its_values_and_escapes_its_names() -> None:
    drawn = Reader(drawing.bars([("<i>a</i>", 3), ("b", 0)], alt='"quoted" & more'))
    assert drawn.tags == {"svg", "text", "rect", "title"} and "<i>a</i>" in drawn.text
    line = drawing.curves({"a": [0.0, None, 1.0], "b": []}, shares=True, alt="x")
    first, last = re.findall(r"[\d.]+,[\d.]+", str(line))
    assert float(first.split(",")[1]) > float(last.split(",")[1])  # up is more
    assert drawing.curves({"a": []}, shares=False, alt="x").count("<circle") == 0


# --- command and page -------------------------------------------------------------------------------------------------


def test_the_command_writes_what_the_ending_says(told: Workspace, tmp_path: Path) -> None:
    for name, start in (("r.html", "<!doctype html>"), ("card.MD", "# Model card: Run 1")):
        done = CliRunner().invoke(app, ["report", "1", str(tmp_path / name), "--workspace", str(told.folder)])
        assert done.exit_code == 0, done.output
        assert (tmp_path / name).read_text().startswith(start)


def test_what_cannot_be_written_is_a_named_error(
    told: Workspace, labelled_workspace: Workspace, tmp_path: Path
) -> None:
    with pytest.raises(UnknownRun, match="no run 9"):
        report.write(told, 9, tmp_path / "r.html")
    with pytest.raises(OutputError, match="neither a report nor a model card"):
        report.write(told, 1, tmp_path / "r.pdf")
    with pytest.raises(OutputError, match="no folder"):
        report.write(told, 1, tmp_path / "nowhere" / "r.html")
    training.queue_run(labelled_workspace, SMALL)
    with pytest.raises(CheckpointError, match="no model"):
        report.write(labelled_workspace, 1, tmp_path / "r.html")
    assert list(tmp_path.glob("*.html")) == []


def test_the_page_of_a_run_offers_both(told: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    page = open_page(monkeypatch, told, "runs", run="1")
    assert [found.label for found in page.get("download_button")] == ["Report", "Model card"]
