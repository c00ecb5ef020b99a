"""Tables that go out: every statement with all that is known of it, at any cut of the tree, and back in exactly."""

import csv
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from conftest import TINY_LEAVES, label, write_picture, write_table
from typer.testing import CliRunner

from hmgc_core.cells import guarded, unguarded
from hmgc_core.cli import app
from hmgc_core.durable_files import written_whole
from hmgc_core.errors import BadRequest, OutputError, TaxonomyError, UnknownNode, UnknownRun
from hmgc_core.exchange.table import read_table
from hmgc_core.querying import Cut, cut_nodes
from hmgc_core.records import KINDS, RunConfig
from hmgc_core.store import annotations, exports, images
from hmgc_core.taxonomy import NodeText, Taxonomy
from hmgc_core.taxonomy_io import read_taxonomy
from hmgc_core.workflow import labelling, pictures, taxonomies, training, tree_imports, workspaces
from hmgc_core.workflow.exports import export_annotations, export_predictions, export_words
from hmgc_core.workflow.workspaces import Workspace

EVIL = ["=HYPERLINK(evil)", "'=quoted", "+1", "@x", "-dash", "comma, name", 'say "hi"', "line\u2028break", "Zoë"]


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def words_of(ws: Workspace) -> set[tuple[str, str, str, str]]:
    """(annotator, content of the picture, kind, class) of every word."""
    with ws.reading() as connection:
        shas = {record.id: record.sha256 for record in images.all_images(connection)}
        return {(w.annotator, shas[w.image_id], w.kind, w.node) for w in annotations.words(connection)}


@contextmanager
def full_disk(at: int) -> Iterator[None]:
    """No file may grow beyond `at` bytes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (at, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


# --- statements -------------------------------------------------------------------------------------------------------


def test_every_statement_is_a_row_that_says_who_when_what_and_whether_it_stands(
    workspace: Workspace, tmp_path: Path
) -> None:
    label(workspace, 1, "owl")
    label(workspace, 1, "albatross")
    taken = label(workspace, 2, "tug", by="ben")
    labelling.withdraw(workspace, taken, annotator="ben")
    label(workspace, 3, "", kind="unusable")
    report = export_annotations(workspace, tmp_path / "out.csv")
    rows = rows_of(tmp_path / "out.csv")
    assert (report.rows, report.left_out, len(rows)) == (4, 0, 4)
    assert [row["state"] for row in rows] == ["earlier", "current", "withdrawn", "current"]
    said = rows[1]
    assert (said["path"], said["split"], said["annotator"], said["kind"]) == ("photos/00.png", "train", "ada", "is")
    assert (said["label"], said["level"], said["class_path"]) == ("albatross", "2", "bird > albatross")
    assert (said["said_as"], said["tree_version"], said["seconds"]) == ("albatross", "1", "0.0")
    assert said["said_at"].endswith("+00:00") and said["withdrawn_at"] == ""
    assert rows[2]["withdrawn_at"] > rows[2]["said_at"]
    assert (rows[3]["label"], rows[3]["level"], rows[3]["kind"]) == ("", "", "unusable")


def test_only_what_people_say_now(workspace: Workspace, tmp_path: Path) -> None:
    label(workspace, 1, "owl")
    label(workspace, 1, "albatross")
    taken = label(workspace, 1, "tug", by="ben")
    labelling.withdraw(workspace, taken, annotator="ben")
    assert export_words(workspace, tmp_path / "now.csv").rows == 1
    (row,) = rows_of(tmp_path / "now.csv")
    assert (row["annotator"], row["label"], row["state"]) == ("ada", "albatross", "current")


def test_a_label_of_an_older_tree_shows_what_was_said_and_what_it_became(workspace: Workspace, tmp_path: Path) -> None:
    label(workspace, 1, "owl")
    smaller = Taxonomy.from_edges([("bird", "life"), ("ship", "life")])
    taxonomies.store_taxonomy(workspace, smaller, source="smaller", to_ancestor=True)
    export_annotations(workspace, tmp_path / "out.csv")
    (row,) = rows_of(tmp_path / "out.csv")
    assert (row["said_as"], row["tree_version"], row["label"], row["level"]) == ("owl", "1", "bird", "1")


def test_a_picture_in_two_places_names_both(workspace: Workspace, tmp_path: Path) -> None:
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "again.png").write_bytes((tmp_path / "photos" / "00.png").read_bytes())
    pictures.import_images(workspace, tmp_path / "more")
    label(workspace, 1, "owl")
    export_annotations(workspace, tmp_path / "out.csv")
    (tmp_path / "elsewhere").mkdir()
    export_annotations(workspace, tmp_path / "elsewhere" / "out.csv")
    (row,), (far,) = rows_of(tmp_path / "out.csv"), rows_of(tmp_path / "elsewhere" / "out.csv")
    assert (row["path"], row["other_paths"]) == ("photos/00.png", "more/again.png")
    assert far["path"] == str(tmp_path / "photos" / "00.png")


@pytest.mark.parametrize("verb", [export_annotations, export_words])
@pytest.mark.parametrize("seed", range(3))
def test_a_round_trip_brings_back_the_same_words(tmp_path: Path, verb: object, seed: int) -> None:
    rng = np.random.default_rng(seed)
    tree = Taxonomy.from_edges([(key, "life") for key in EVIL] + [("finer", EVIL[0])])
    ws = workspaces.open_workspace(tmp_path / "first")
    taxonomies.store_taxonomy(ws, tree, source="evil")
    for number in range(12):
        name = EVIL[number % len(EVIL)].replace("/", "_")
        write_picture(tmp_path / "photos" / f"{name}-{number}.png", number)
    pictures.import_images(ws, tmp_path / "photos")
    uids: list[tuple[str, str]] = []
    for step in range(60):
        kind = KINDS[rng.integers(4)]
        node = "" if kind == "unusable" else tree.keys[rng.integers(1, len(tree))]
        by = EVIL[rng.integers(len(EVIL))]
        uid = label(ws, int(rng.integers(1, 13)), node, kind=kind, by=by, uid=f"uid-number-{step}")
        uids.append((uid, by))
        if rng.random() < 0.3:
            taken, whose = uids[rng.integers(len(uids))]
            labelling.withdraw(ws, taken, annotator=whose)
    assert verb(ws, tmp_path / "out.csv").rows  # type: ignore[operator]

    other = workspaces.open_workspace(tmp_path / "second")
    taxonomies.store_taxonomy(other, tree, source="evil")
    report = pictures.import_images(other, tmp_path / "out.csv")
    assert report.skipped == []
    assert words_of(other) == words_of(ws)
    # Into the workspace it came from it changes nothing, not even by saying the same again.
    with ws.reading() as connection:
        before = annotations.last_id(connection)
    assert pictures.import_images(ws, tmp_path / "out.csv").annotations == 0
    with ws.reading() as connection:
        assert annotations.last_id(connection) == before


def test_kinds_that_make_no_sense_are_counted_skips(workspace: Workspace, tmp_path: Path) -> None:
    rows = [
        {"path": "photos/00.png", "label": "owl", "kind": "perhaps"},
        {"path": "photos/01.png", "label": "life", "kind": "is_not"},
        {"path": "photos/02.png", "label": "owl", "kind": "is_not"},
        {"path": "photos/03.png", "label": "", "kind": "unusable"},
    ]
    report = pictures.import_images(workspace, write_table(tmp_path / "t.csv", rows))
    assert report.annotations == 2
    assert [skip.path for skip in report.skipped] == ["photos/00.png", "photos/01.png"]
    assert "'perhaps' is none of is, is_not" in report.skipped[0].reason
    assert {(kind, node) for _, _, kind, node in words_of(workspace)} == {("is_not", "owl"), ("unusable", "")}


@pytest.mark.parametrize("text", ["=1", "'=1", "''=1", "plain", "'plain", "", "'", "+", "@a", "-", "\tx", "a=b"])
def test_a_cell_that_a_spreadsheet_would_carry_out_is_text_and_comes_back(text: str) -> None:
    assert unguarded(guarded(text)) == text
    assert not guarded(text).startswith(("=", "+", "-", "@", "\t", "\r"))


def test_a_table_of_others_with_odd_line_ends_in_a_cell_is_read_whole(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("path,label\na\u2028b.png,owl\n", encoding="utf-8")
    assert [(row.path, row.label) for row in read_table(tmp_path / "t.csv")] == [("a\u2028b.png", "owl")]


# --- cuts -------------------------------------------------------------------------------------------------------------


def obvious_cut(tree: Taxonomy, node: int, cut: Cut) -> int:
    """The first step on the way down to `node` at which the cut ends, else the node itself."""
    for step in [0, *tree.path(node)]:
        if tree.keys[step] in cut.at or (cut.level is not None and tree.depths[step] == cut.level):
            return step
    return node


@pytest.mark.parametrize("seed", range(8))
def test_any_cut_gives_what_the_obvious_way_gives(seed: int) -> None:
    rng = np.random.default_rng(seed)
    count = int(rng.integers(2, 60))
    tree = Taxonomy.from_edges([(f"n{i}", f"n{rng.integers(max(0, i - 6), i)}") for i in range(1, count)])
    at = tuple(str(key) for key in rng.choice(tree.keys, size=int(rng.integers(0, 4))))
    cut = Cut(None if rng.random() < 0.3 else int(rng.integers(0, tree.depth + 2)), at)
    assert cut_nodes(tree, cut).tolist() == [obvious_cut(tree, node, cut) for node in range(len(tree))]


def test_a_cut_that_cannot_be_is_named(tiny_tree: Taxonomy) -> None:
    with pytest.raises(UnknownNode, match="owll"):
        cut_nodes(tiny_tree, Cut(at=("owll",)))
    with pytest.raises(BadRequest, match="no level -1"):
        cut_nodes(tiny_tree, Cut(-1))


def test_labels_below_a_cut_are_written_as_the_class_at_the_cut(workspace: Workspace, tmp_path: Path) -> None:
    label(workspace, 1, "black-footed")
    label(workspace, 2, "bird")
    label(workspace, 3, "tug", kind="none_here")
    label(workspace, 4, "owl", kind="is_not")
    label(workspace, 5, "ship", kind="is_not")
    report = export_words(workspace, tmp_path / "out.csv", cut=Cut(1))
    said = [(r["label"], r["kind"], r["said_as"], r["level"]) for r in rows_of(tmp_path / "out.csv")]
    assert said == [
        ("bird", "is", "black-footed", "1"),
        ("bird", "is", "bird", "1"),
        ("ship", "is", "tug", "1"),  # none of the tug's children: of the ship's, it is one
        ("ship", "is_not", "ship", "1"),
    ]
    assert (report.rows, report.left_out) == (4, 1)  # "no owl" says nothing about birds
    export_words(workspace, tmp_path / "one.csv", cut=Cut(at=("albatross",)))
    assert [r["label"] for r in rows_of(tmp_path / "one.csv")] == ["albatross", "bird", "tug", "owl", "ship"]


# --- predictions ------------------------------------------------------------------------------------------------------


def test_predictions_come_level_by_level_and_at_a_cut(predicted_workspace: Workspace, tmp_path: Path) -> None:
    assert export_predictions(predicted_workspace, tmp_path / "out.csv").rows == 24
    first = rows_of(tmp_path / "out.csv")[3]
    assert (first["run"], first["path"], first["picture"], first["split"]) == ("1", "photos/03.png", "4", "train")
    assert (first["key"], first["class_path"], first["level"]) == (
        "black-footed",
        "bird > albatross > black-footed",
        "3",
    )
    assert (first["level1"], first["level1_probability"]) == ("bird", "0.95")
    assert first["probability"] == first["level3_probability"]

    export_predictions(predicted_workspace, tmp_path / "cut.csv", run_id=1, cut=Cut(2))
    cut = rows_of(tmp_path / "cut.csv")[3]
    assert (cut["key"], cut["level"], cut["probability"]) == ("albatross", "2", first["level2_probability"])
    assert "level3" not in cut
    assert {row["level"] for row in rows_of(tmp_path / "cut.csv")} == {"2"}


def test_a_run_without_predictions_is_named(labelled_workspace: Workspace, tmp_path: Path) -> None:
    with pytest.raises(UnknownRun, match="no training has finished"):
        export_predictions(labelled_workspace, tmp_path / "out.csv")
    run_id = training.queue_run(labelled_workspace, RunConfig(model="flat", backbone="resnet_mini"))
    with pytest.raises(UnknownRun, match="it is waiting"):
        export_predictions(labelled_workspace, tmp_path / "out.csv", run_id=run_id)
    with pytest.raises(UnknownRun, match="no run 7"):
        export_predictions(labelled_workspace, tmp_path / "out.csv", run_id=7)
    assert not (tmp_path / "out.csv").exists()


# --- the file ---------------------------------------------------------------------------------------------------------


def test_rows_are_read_a_chunk_at_a_time(workspace: Workspace) -> None:
    many_labels(workspace)
    with workspace.reading() as connection:
        assert exports.statement_count(connection, words_only=False) == 720
        assert [len(chunk) for chunk in exports.statements(connection, words_only=True)] == [500, 220]


def many_labels(ws: Workspace) -> None:
    for person in range(30):
        for image_id in range(1, 25):
            label(ws, image_id, TINY_LEAVES[image_id % 4], by=f"person {person}")


def test_a_full_disk_is_named_and_leaves_the_former_table_as_it_was(workspace: Workspace, tmp_path: Path) -> None:
    many_labels(workspace)
    out = tmp_path / "tables" / "out.csv"
    out.parent.mkdir()
    out.write_text("the former table")
    with full_disk(at=64 * 1024), pytest.raises(OutputError, match="the disk is full") as caught:
        export_annotations(workspace, out)
    assert "free some space" in caught.value.remedy
    assert [path.name for path in out.parent.iterdir()] == ["out.csv"]
    assert out.read_text() == "the former table"
    assert export_annotations(workspace, out).rows == 720


@pytest.mark.parametrize(
    ("out", "words"),
    [("nowhere/out.csv", "no folder"), ("photos", "is a folder"), ("workspace/hmgc.db", "own database")],
)
def test_a_place_that_cannot_be_is_named(workspace: Workspace, tmp_path: Path, out: str, words: str) -> None:
    label(workspace, 1, "owl")
    before = sorted(path.name for path in tmp_path.rglob("*"))
    with pytest.raises(OutputError, match=words) as caught:
        export_annotations(workspace, tmp_path / out)
    assert caught.value.remedy
    assert sorted(path.name for path in tmp_path.rglob("*")) == before


def test_nothing_is_left_where_the_writing_is_broken_off(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), written_whole(tmp_path / "out.csv") as file:
        file.write(b"half")
        raise KeyboardInterrupt
    assert list(tmp_path.iterdir()) == []


def test_a_workspace_without_a_tree_has_nothing_to_write(empty_workspace: Workspace, tmp_path: Path) -> None:
    with pytest.raises(TaxonomyError, match="no class tree yet"):
        export_annotations(empty_workspace, tmp_path / "out.csv")


@pytest.mark.parametrize("seed", range(5))
def test_a_class_tree_goes_out_and_comes_back_as_it_is(empty_workspace: Workspace, tmp_path: Path, seed: int) -> None:
    rng = np.random.default_rng(seed)
    keys = [*EVIL, *(f"k{number}" for number in range(20))]
    edges = [(key, keys[rng.integers(place)]) for place, key in enumerate(keys) if place]
    texts = {key: NodeText(*rng.choice([*EVIL, ""], 1), tuple(rng.choice(EVIL, 2)), EVIL[rng.integers(len(EVIL))])
             for key in keys if rng.random() < 0.7}  # fmt: skip
    tree = Taxonomy.from_edges(edges, texts)
    taxonomies.store_taxonomy(empty_workspace, tree, source="evil")
    folder = ["--workspace", str(empty_workspace.folder)]
    result = CliRunner().invoke(app, ["export", "tree", str(tmp_path / "tree.csv"), *folder])
    assert f"{len(tree)} rows" in result.stdout, result.output
    assert read_taxonomy(tmp_path / "tree.csv") == tree
    assert (tmp_path / "tree.csv").read_bytes() == tree_imports.tree_file(tree)
    assert taxonomies.import_taxonomy(empty_workspace, tmp_path / "tree.csv").version == 1


def test_the_command_line_writes_both_tables(predicted_workspace: Workspace, tmp_path: Path) -> None:
    def hmgc(*arguments: str) -> str:
        result = CliRunner().invoke(app, [*arguments, "--workspace", str(predicted_workspace.folder)])
        assert result.exit_code == 0, result.output
        return result.stdout

    out = tmp_path / "labels.csv"
    label(predicted_workspace, 1, "tug", by="ben")
    assert hmgc("export", "annotations", str(out), "--json") == f'{{"rows": 21, "file": "{out}"}}\n'
    assert "21 rows" in hmgc("export", "annotations", str(out), "--current", "--cut", "1", "--cut-at", "bird")
    assert {row["level"] for row in rows_of(out)} <= {"0", "1"}
    said = tmp_path / "predictions.csv"
    assert hmgc("export", "predictions", str(said), "--run", "1", "--cut", "1", "--json").startswith('{"rows": 24')
