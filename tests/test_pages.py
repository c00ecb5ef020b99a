"""Every page but the annotator, as AppTest sees it: what it shows, what a click does, and that names stay text."""

import json
import re
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from conftest import write_picture, write_table
from reading_pages import button, gallery, open_page, said, with_failed_run, words

from app import state
from app.components import next_step, node_search, tree_view
from hmgc_core.records import Prediction, Run, RunConfig
from hmgc_core.store import images, jobs, predictions
from hmgc_core.taxonomy import NodeText, Taxonomy
from hmgc_core.workflow import labelling, pictures, taxonomies, training, tree
from hmgc_core.workflow.workspaces import Workspace

PAGES = ("overview", "taxonomy", "data", "train", "runs", "predictions")
EVIL = ["![x](http://evil.example/x.png)", "<script>alert(1)</script>", ":red[x]", "$x$", "<b>bold</b>", "**loud**"]


# --- every page, in every state ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", PAGES)
def test_a_page_of_an_empty_workspace_says_what_to_do_next(
    empty_workspace: Workspace, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    page = open_page(monkeypatch, empty_workspace, name)
    # A link or a button leads on, or the page itself takes the file that is missing.
    assert page.page_link or page.button or page.get("file_uploader")


@pytest.mark.parametrize("name", PAGES)
def test_a_page_opens_while_there_is_a_tree_but_no_picture(
    empty_workspace: Workspace, tiny_tree: Taxonomy, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    taxonomies.store_taxonomy(empty_workspace, tiny_tree, source="tiny.csv")
    page = open_page(monkeypatch, empty_workspace, name)
    assert page.page_link or page.button


@pytest.mark.parametrize("name", PAGES)
def test_a_page_opens_on_a_workspace_with_labels_and_runs(
    predicted_workspace: Workspace, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    assert open_page(monkeypatch, with_failed_run(predicted_workspace), name).header[0].value


@pytest.mark.parametrize(
    ("name", "address"),
    [
        *((name, {}) for name in PAGES),
        ("taxonomy", {"node": EVIL[0]}),
        ("predictions", {"image": "2"}),
        ("runs", {"run": "2"}),
    ],
)
def test_names_stay_text_on_every_page(
    empty_workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, address: dict[str, str]
) -> None:
    page = open_page(monkeypatch, workspace_of_evil_names(empty_workspace, tmp_path), name, **address)
    # Our own marks around an escaped name: what is left must hold none that works.
    shown = "\n".join(words(page)).replace("**\\", "\\").replace("\\*\\***", "\\*\\*")
    for mark in ("![x", "<script", ":red[x", "$x", "<b>", "**loud"):
        assert not re.search(rf"(?<!\\){re.escape(mark)}", shown), mark


def workspace_of_evil_names(ws: Workspace, folder: Path) -> Workspace:
    """A tree whose classes, notes and annotators carry markup; with labels, predictions and a failed run."""
    texts = {key: NodeText(name=key, synonyms=(EVIL[0],), note=EVIL[1]) for key in EVIL}
    taxonomies.store_taxonomy(ws, Taxonomy.from_edges([(key, "life") for key in EVIL], texts), source="evil.csv")
    rows = []
    for number, key in enumerate(EVIL):
        write_picture(folder / "photos" / f"{number}.png", number)
        rows.append({"path": f"photos/{number}.png", "label": key, "split": "train", "annotator": key})
    pictures.import_images(ws, write_table(folder / "labels.csv", rows))
    run_id = training.queue_run(ws, RunConfig(model="flat", backbone="resnet_mini"))
    made = [
        Prediction(run_id, i + 1, EVIL[i - 1], 0.5, ((EVIL[i - 1], 0.5),), ((EVIL[i], 0.3),)) for i in range(len(EVIL))
    ]
    with ws.writing() as connection:
        jobs.claim(connection, owner="test", lease_s=60)
        predictions.replace_all(connection, run_id, made)
        jobs.finish(
            connection, run_id, owner="test", status="done", metrics={"test": {"leaf_accuracy": 0.1}}, remarks=EVIL
        )
    failed = training.queue_run(ws, RunConfig(model="flat", backbone="resnet_mini"))
    with ws.writing() as connection:
        jobs.claim(connection, owner="test", lease_s=60)
        jobs.finish(connection, failed, owner="test", status="failed", error=EVIL[0], remedy=EVIL[2])
    return ws


def test_markup_in_a_name_is_text_in_the_drawn_tree() -> None:
    names = {"one": NodeText(name="<b>bold</b>"), "two": NodeText(name="<a href='http://evil.example'>x</a>")}
    evil = Taxonomy.from_edges([("one", "life"), ("two", "life")], names)
    boxes = tree.tree_view(evil, counts_of(evil), 0)
    (icicle, *_) = json.loads(tree_view.figure(boxes, "labels", chosen="life").to_json())["data"]
    assert "&lt;b&gt;bold&lt;/b&gt;" in icicle["labels"]
    assert not any("<" in text for text in icicle["labels"])
    assert not any("<a" in text for text in icicle["hovertext"])


def counts_of(taxonomy: Taxonomy) -> tree.NodeCounts:
    nothing = np.zeros(len(taxonomy), dtype=np.int64)
    return tree.NodeCounts(nothing, nothing, nothing, np.full(len(taxonomy), np.nan), nothing)


# --- overview ---------------------------------------------------------------------------------------------------------


def test_the_next_step_is_the_first_thing_that_is_missing(workspace: Workspace) -> None:
    counts = labelling.label_counts(workspace)
    nothing = replace(counts, images=0)
    taught = replace(counts, train_by_level=[0, 30, 0])
    queued = training_run(status="queued")
    steps = [
        next_step.next_step(has_tree=False, counts=nothing, runs=[]),
        next_step.next_step(has_tree=True, counts=nothing, runs=[]),
        next_step.next_step(has_tree=True, counts=counts, runs=[]),
        next_step.next_step(has_tree=True, counts=taught, runs=[]),
        next_step.next_step(has_tree=True, counts=taught, runs=[queued]),
        next_step.next_step(has_tree=True, counts=taught, runs=[training_run(status="failed")]),
        next_step.next_step(has_tree=True, counts=taught, runs=[training_run(status="done")]),
        next_step.next_step(
            has_tree=True, counts=taught, runs=[training_run(status="cancelled"), training_run(status="done")]
        ),
    ]
    pages = ["taxonomy", "data", "annotate", "train", "runs", "train", "predictions", "train"]
    assert [step.page for step in steps] == pages


def training_run(*, status: str) -> Run:
    return Run(1, RunConfig(), status, 1, 1, datetime(2026, 1, 1, tzinfo=UTC))  # type: ignore[arg-type]


def test_overview_tells_counts_and_services(predicted_workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    page = open_page(monkeypatch, with_failed_run(predicted_workspace), "overview")
    figures = {metric.label: metric.value for metric in page.metric}
    assert figures["Pictures"] == "24"
    assert figures["Labelled"] == "83%"
    assert "hmgc worker" in said(page)


# --- class tree -------------------------------------------------------------------------------------------------------


def test_the_address_opens_a_class_and_its_pictures(
    predicted_workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = open_page(monkeypatch, predicted_workspace, "taxonomy", node="albatross")
    assert page.subheader[0].value == "albatross"
    labelled = tree.labelled_images(predicted_workspace, 1, "albatross")
    assert [card[0] for card in gallery(page)] == labelled
    figures = {metric.label: metric.value for metric in page.metric}
    assert figures["Labels here or below"] == str(len(labelled))


def test_an_unknown_class_in_the_address_opens_the_root(
    predicted_workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert open_page(monkeypatch, predicted_workspace, "taxonomy", node="dragon").subheader[0].value == "life"


def test_typing_finds_classes_and_a_click_opens_one(
    predicted_workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = open_page(monkeypatch, predicted_workspace, "taxonomy")
    page.text_input(key=state.TREE_SEARCH).set_value("gull").run()
    button(page, "gull-like").click().run()
    assert page.subheader[0].value == "gull\\-like"
    assert page.query_params["node"] == "gull-like"


def test_breadcrumbs_lead_up(predicted_workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    page = open_page(monkeypatch, predicted_workspace, "taxonomy", node="albatross")
    page.button(key="crumb-bird").click().run()
    assert page.subheader[0].value == "bird"


def test_the_best_match_of_a_search_comes_first(tiny_tree: Taxonomy) -> None:
    tree_of = Taxonomy.from_edges(
        [("owl", "a"), ("owlet", "a"), ("eagle owl", "a"), ("x", "a")], {"x": NodeText(synonyms=("owl",))}
    )
    assert [tree_of.keys[node] for node in node_search.matches(tree_of, " OWL ")] == ["owl", "owlet", "eagle owl", "x"]
    assert node_search.matches(tiny_tree, "  ") == []


def test_a_class_tree_is_imported_after_a_look_at_it(
    empty_workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = open_page(monkeypatch, empty_workspace, "taxonomy")
    page.file_uploader[0].upload("birds.csv", b"child,parent\nowl,bird\ngull,bird\n").run()
    assert {metric.label: metric.value for metric in page.metric}["Classes"] == "3"
    assert taxonomies.newest_taxonomy(empty_workspace) is None  # so far nothing has happened
    button(page, "Use this class tree").click().run()
    assert not page.exception
    _, taken = taxonomies.current_taxonomy(empty_workspace)
    assert taken.keys == ("bird", "owl", "gull")


def test_a_bad_class_tree_is_refused_with_its_remedy(
    empty_workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = open_page(monkeypatch, empty_workspace, "taxonomy")
    page.file_uploader[0].upload("bad.csv", b"child,parent\nowl,bird\nowl,toy\n").run()
    assert "two parents" in page.error[0].value
    assert not any("Use this" in found.label for found in page.button)


def test_labels_of_a_dropped_class_can_move_up(labelled_workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    page = open_page(monkeypatch, labelled_workspace, "taxonomy")
    page.session_state[state.TREE_IMPORT] = True
    page.run()
    page.file_uploader[0].upload("new.csv", b"child,parent\nbird,life\nship,life\nsteamer,ship\nalbatross,bird\n").run()
    assert "would lose their class" in page.warning[0].value
    button(page, "Move these labels").click().run()
    moved = {metric.label: metric.value for metric in page.metric}["Labels that move"]
    assert int(moved) > 0
    button(page, "Use this class tree").click().run()
    _, taken = taxonomies.current_taxonomy(labelled_workspace)
    assert "owl" not in taken
    assert sum(labelling.label_counts(labelled_workspace).by_level) == 20


# --- pictures ---------------------------------------------------------------------------------------------------------


def test_a_folder_is_imported_and_told_about(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(30, 33):
        write_picture(tmp_path / "more" / f"{number}.png", number)
    (tmp_path / "more" / "broken.png").write_bytes(b"no picture")
    page = open_page(monkeypatch, workspace, "data")
    page.text_input(key=state.IMPORT_SOURCE).set_value(str(tmp_path / "more"))
    button(page, "Add pictures").click().run()
    assert not page.exception
    assert {metric.label: metric.value for metric in page.metric}["New pictures"] == "3"
    assert page.dataframe[0].value["File"].tolist() == ["broken.png"]
    assert labelling.label_counts(workspace).images == 27


def test_a_missing_path_is_told_as_a_message(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    page = open_page(monkeypatch, workspace, "data")
    page.text_input(key=state.IMPORT_SOURCE).set_value("/nowhere/at all")
    button(page, "Add pictures").click().run()
    assert not page.exception
    assert "Check the path" in page.error[0].value.replace("\\", "")
    page.run()
    assert not page.error  # told once: the next thing done takes it away


def test_a_moved_folder_is_noticed_and_pointed_to_its_new_place(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "moved").mkdir()
    (tmp_path / "photos").rename(tmp_path / "moved" / "photos")
    (folder,) = pictures.folders(workspace)
    assert (folder.files, folder.there) == (24, True)  # the folder of the table is still there, its pictures are not
    with workspace.writing() as connection:
        images.move_folder(connection, folder.path, tmp_path / "gone")
    page = open_page(monkeypatch, workspace, "data")
    assert "1 folder is gone" in page.warning[0].value
    page.text_input(key=f"{state.FOLDER}.0").set_value(str(tmp_path / "moved"))
    button(page, "Use this folder").click().run()
    assert not page.exception
    assert pictures.image(workspace, 1).path.exists()
