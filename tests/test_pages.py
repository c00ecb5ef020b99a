"""Every page but the annotator, as AppTest sees it: what it shows, what a click does, and that names stay text."""

import re
import time
import zipfile
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from conftest import label, write_picture, write_table
from reading_pages import button, gallery, open_page, said, tree_card, with_failed_run, words
from streamlit.testing.v1 import AppTest

from app import state
from app.components import next_step, node_search, picture_import, taxonomy_import, train_form
from hmgc_core import settings
from hmgc_core.records import Prediction, Run, RunConfig
from hmgc_core.store import images, jobs, predictions
from hmgc_core.taxonomy import NodeText, Taxonomy
from hmgc_core.workflow import import_history, labelling, pictures, taxonomies, training
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
    assert steps[6].address == {"chart": "classes"}  # where it is weak; nothing but training pictures has a label
    measured = replace(taught, by_split={**taught.by_split, "val": (4, 1), "test": (8, 4)})
    grown = next_step.next_step(has_tree=True, counts=measured, runs=[training_run(status="done")], unpredicted=5)
    assert (grown.page, grown.label) == ("predictions", "Have it predict them") and "5 pictures" in grown.sentence
    done = training_run(status="done")
    worse = next_step.next_step(has_tree=True, counts=measured, runs=[done], unpredicted=5, better=replace(done, id=7))
    assert worse.page == "runs" and "clearly worse than run 7" in worse.sentence
    step = next_step.next_step(has_tree=True, counts=measured, runs=[done])
    assert step.address == {"chart": "classes", "split": "test"}


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
    assert tree_card(page)["name"] == "albatross"
    labelled = [image for image in range(1, 21) if image % 4 in (0, 1)]  # black-footed and gull-like, or their parent
    assert [card[0] for card in gallery(page)] == labelled
    figures = {name: value for name, value, *_ in tree_card(page)["figures"]}
    assert figures["Labels"] == str(len(labelled))


def test_an_unknown_class_in_the_address_opens_the_root(
    predicted_workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert tree_card(open_page(monkeypatch, predicted_workspace, "taxonomy", node="dragon"))["name"] == "life"


def test_typing_finds_classes_and_a_click_opens_one(
    predicted_workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = open_page(monkeypatch, predicted_workspace, "taxonomy")
    page.text_input(key=state.TREE_SEARCH).set_value("gull").run()
    button(page, "gull-like").click().run()
    assert tree_card(page)["name"] == "gull-like"
    assert page.query_params["node"] == "gull-like"


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


def paste(page: AppTest, text: str) -> AppTest:
    page.session_state[state.TREE_WAY] = taxonomy_import.PASTE
    page.run()
    page.text_area(key=state.TREE_PASTE).set_value(text).run()
    assert not page.exception
    return page


def test_a_class_tree_is_pasted_after_a_look_at_it(empty_workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    page = paste(open_page(monkeypatch, empty_workspace, "taxonomy"), "bird\n  owl\n  gull\nship\n")
    assert "Read as an indented list: 4 lines" in said(page)
    assert taxonomies.newest_taxonomy(empty_workspace) is None
    button(page, "Use this class tree").click().run()
    assert not page.exception
    assert taxonomies.current_taxonomy(empty_workspace)[1].keys == ("root", "bird", "bird/owl", "bird/gull", "ship")


def test_a_tree_that_drops_classes_in_use_is_shown_whole_and_can_be_left(
    labelled_workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = open_page(monkeypatch, labelled_workspace, "taxonomy")
    page.session_state[state.TREE_IMPORT] = True
    paste(page, "life\n  bird\n    owl\n  car\n")
    figures = {metric.label: metric.value for metric in page.metric}
    assert (figures["Classes"], figures["Finest classes"], figures["Levels"]) == ("4", "2", "2")
    assert "would lose their class" in page.warning[0].value
    assert "1 new class" in [found.label for found in page.expander]
    assert "2 classes were recognised by name and keep their keys" in said(page)
    button(page, "Cancel").click().run()
    assert not page.exception and not page.warning
    assert page.text_area(key=state.TREE_PASTE).value == ""
    assert [found.label for found in page.get("download_button")] == ["Download the tree in use"]


@pytest.mark.parametrize(("text", "words"), [("https://example.org/x", "an address"), ("bird", "a single line")])
def test_a_paste_of_the_wrong_kind_is_refused(
    empty_workspace: Workspace, monkeypatch: pytest.MonkeyPatch, text: str, words: str
) -> None:
    page = paste(open_page(monkeypatch, empty_workspace, "taxonomy"), text)
    assert words in page.error[0].value.lower()
    assert not any("Use this" in found.label for found in page.button)


def test_a_file_of_one_line_is_a_tree_and_a_warning(
    empty_workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = open_page(monkeypatch, empty_workspace, "taxonomy")
    page.file_uploader[0].upload("one.txt", b"bird\n").run()
    assert "nothing to tell apart" in page.warning[0].value
    assert button(page, "Use this class tree")


def test_a_former_version_is_used_again(labelled_workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    smaller = Taxonomy.from_edges([("bird", "life"), ("ship", "life")])
    taxonomies.store_taxonomy(labelled_workspace, smaller, source="smaller.csv", to_ancestor=True)
    page = open_page(monkeypatch, labelled_workspace, "taxonomy")
    page.session_state[state.TREE_IMPORT] = True
    page.run()
    page.selectbox(key=state.TREE_VERSION).set_value(1).run()
    assert "6 new classes" in [found.label for found in page.expander]
    button(page, "Use version 1 again").click().run()
    assert not page.exception
    _, tree_now = taxonomies.current_taxonomy(labelled_workspace)
    assert tree_now == taxonomies.taxonomy_version(labelled_workspace, 1)


def test_a_new_tree_says_what_it_changes(labelled_workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    page = open_page(monkeypatch, labelled_workspace, "taxonomy")
    page.session_state[state.TREE_IMPORT] = True
    page.run()
    paste(page, "child,parent\nbird,life\nship,life\nsteamer,ship\nalbatross,bird\nheron,bird\n")
    assert "would lose their class" in page.warning[0].value
    moves = page.dataframe[0].value
    assert dict(zip(moves["Class"], moves["Go to"], strict=True))["owl"] == "bird"
    button(page, "Move these labels").click().run()
    opened = [found.label for found in page.expander]
    assert "1 new class" in opened
    assert "4 classes are gone" in opened


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


@pytest.mark.parametrize(("gpu", "backbone"), [(True, "resnet18"), (False, "resnet_mini")])
def test_a_first_training_is_filled_in_with_what_the_machine_can_bear(
    labelled_workspace: Workspace, monkeypatch: pytest.MonkeyPatch, gpu: bool, backbone: str
) -> None:
    monkeypatch.setattr(settings, "sees_gpu", lambda: gpu)
    page = open_page(monkeypatch, labelled_workspace, "train")
    boxes = {name: page.selectbox(key=f"train.{name}").value for name in ("model", "backbone", "recipe")}
    assert boxes == {"model": "flat", "backbone": backbone, "recipe": "balanced"}


@pytest.mark.parametrize(
    ("typed", "meant"),
    [(" Mini", "resnet_mini"), ("vig_s", "vig_s"), ("resnet", "resnet"), ("timm:convnext_nano", "timm:convnext_nano")],
)
def test_a_part_of_a_backbones_name_is_enough_where_one_has_it(typed: str, meant: str) -> None:
    assert train_form.meant_backbone(typed) == meant


def test_that_no_label_is_at_the_finest_level_is_said_before_the_training(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    for image_id in range(1, 5):
        label(workspace, image_id, "bird")
    assert "No label is at the finest level" in said(open_page(monkeypatch, workspace, "train"))
    label(workspace, 5, "owl")
    assert "No label is at the finest level" not in said(open_page(monkeypatch, workspace, "train"))


# --- pictures ---------------------------------------------------------------------------------------------------------


def look_at_path(page: AppTest, path: str) -> AppTest:
    """Give a path on the Pictures page and look what would happen."""
    page.session_state[state.IMPORT_WAY] = picture_import.PATH
    page.run()
    page.text_input(key=state.IMPORT_SOURCE).set_value(path)
    button(page, "See what would happen").click().run()
    return when_over(page)


def when_over(page: AppTest, key: str = state.IMPORT_WORK) -> AppTest:
    """Wait for what goes on in the background."""
    while key in page.session_state and not page.session_state[key].is_over:
        time.sleep(0.05)
    page.run()
    assert not page.exception
    return page


def figures(page: AppTest) -> dict[str, str]:
    """The first figure of each name: what is looked at stands above what was."""
    return {metric.label: metric.value for metric in reversed(page.metric)}


def test_an_import_is_shown_before_it_happens_and_told_about_after(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(30, 33):
        write_picture(tmp_path / "more" / f"{number}.png", number)
    (tmp_path / "more" / "broken.png").write_bytes(b"no picture")
    page = look_at_path(open_page(monkeypatch, workspace, "data"), str(tmp_path / "more"))
    assert "Nothing has happened yet" in said(page)
    assert (figures(page)["New pictures"], figures(page)["Left out"]) == ("3", "1")
    assert page.dataframe[0].value["File"].tolist() == ["broken.png"]
    assert labelling.label_counts(workspace).images == 24
    button(page, "Add 3 pictures").click().run()
    when_over(page)
    assert labelling.label_counts(workspace).images == 27
    assert (figures(page)["Pictures"], figures(page)["New pictures"]) == ("27", "3")
    assert button(page, "See what would happen")


def test_a_table_whose_labels_would_not_come_is_told_and_stays_at_hand(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_picture(tmp_path / "30.png", 30)
    (tmp_path / "t.csv").write_text("path,leaf\n30.png,owl\n")
    page = look_at_path(open_page(monkeypatch, workspace, "data"), str(tmp_path / "t.csv"))
    assert "has no column 'label'" in (told := page.warning[0].value.replace("\\", "")) and "'leaf'" in told
    button(page, "Cancel").click().run()
    assert page.text_input(key=state.IMPORT_SOURCE).value == str(tmp_path / "t.csv")
    page.text_input(key=f"{state.IMPORT_COLUMN}.label").set_value("leaf")
    button(page, "See what would happen").click().run()
    when_over(page)
    assert not page.warning and figures(page)["Labels"] == "1"
    button(page, "Add 1 picture").click().run()
    when_over(page)
    assert page.text_input(key=state.IMPORT_SOURCE).value == ""


def look_at_data_set(page: AppTest, path: str, kind: str, **more: str) -> AppTest:
    """Give a data set on the Pictures page and look what would happen. more: `tree`, a file."""
    page.session_state[state.IMPORT_WAY] = picture_import.DATA_SET
    page.run()
    page.selectbox(key=state.IMPORT_FORMAT).set_value(kind)
    page.text_input(key=state.IMPORT_SOURCE).set_value(path)
    page.text_input(key=state.IMPORT_TREE).set_value(more.get("tree", ""))
    button(page, "See what would happen").click().run()
    return page


def test_folders_named_after_classes_come_with_labels_and_their_tree(
    empty_workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ws = empty_workspace
    for number, place in enumerate(["bird/owl", "bird/owl", "bird/gull", "ship/tug"]):
        write_picture(tmp_path / "photos" / place / f"{number}.png", number)
    page = when_over(look_at_data_set(open_page(monkeypatch, ws, "data"), str(tmp_path / "photos"), "folders"))
    assert "Its class tree comes along: 5 classes in 2 levels." in said(page)
    assert (figures(page)["New pictures"], figures(page)["Labels"]) == ("4", "4")
    assert taxonomies.newest_taxonomy(ws) is None
    button(page, "Add 4 pictures").click().run()
    when_over(page)
    _, tree = taxonomies.current_taxonomy(ws)
    assert {tree.name(leaf) for leaf in tree.leaves} == {"owl", "gull", "tug"}
    assert labelling.label_counts(ws).by_level[2] == 4


@pytest.mark.parametrize(
    ("kind", "tree", "words"),
    [
        ("folders", "", "no folders with pictures in them. Import it as pictures, not as a data set."),
        ("imagenet21k", "", "Give the file of a WordNet tree as well"),
        ("imagenet21k", "/nowhere.txt", "/nowhere.txt"),
        ("cifar100", "", "is not CIFAR-100"),
    ],
)
def test_what_is_no_such_data_set_is_told_and_nothing_is_kept(
    empty_workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, tree: str, words: str
) -> None:
    write_picture(tmp_path / "photos" / "1.png", 1)
    page = look_at_data_set(open_page(monkeypatch, empty_workspace, "data"), str(tmp_path / "photos"), kind, tree=tree)
    told = [error.value for error in page.error] or [error.value for error in when_over(page).error]  # told once
    assert words in told[0].replace("\\", "")
    assert labelling.label_counts(empty_workspace).images == 0


def test_a_preview_can_be_left_without_a_trace(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_picture(tmp_path / "a.png", 77)
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as file:
        file.write(tmp_path / "a.png", "a.png")
        file.writestr("t.csv", "path,label\na.png,dragon\n")
    page = look_at_path(open_page(monkeypatch, workspace, "data"), str(tmp_path / "a.zip"))
    assert "1 class of the table is not in the class tree" in page.warning[0].value
    assert page.dataframe[0].value["Class in the table"].tolist() == ["dragon"]
    assert len(list(workspace.staging.iterdir())) == 1
    button(page, "Cancel").click().run()
    assert not page.exception
    assert list(workspace.staging.iterdir()) == []
    assert len(import_history.history(workspace)) == 1
    assert button(page, "See what would happen")


def test_uploaded_files_are_copied_into_the_workspace(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_picture(tmp_path / "a.png", 77)
    page = open_page(monkeypatch, workspace, "data")
    page.file_uploader[0].upload("a.png", (tmp_path / "a.png").read_bytes())
    button(page, "See what would happen").click().run()
    when_over(page)
    assert "copied into the workspace" in said(page)
    button(page, "Add 1 picture").click().run()
    when_over(page)
    assert pictures.image(workspace, 25).path.is_relative_to(workspace.copies)


@pytest.mark.parametrize(
    ("path", "words"), [("/nowhere/at all", "Check the path"), ("", "There is nothing to add yet")]
)
def test_a_path_that_leads_nowhere_is_told_as_a_message(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, path: str, words: str
) -> None:
    page = look_at_path(open_page(monkeypatch, workspace, "data"), path)
    page.run()
    assert not page.error  # told once: the next thing done takes it away
    page.text_input(key=state.IMPORT_SOURCE).set_value(path)
    button(page, "See what would happen").click().run()
    assert not page.exception
    assert words in page.error[0].value.replace("\\", "")


def test_the_last_import_is_taken_back_after_a_question(
    labelled_workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = open_page(monkeypatch, labelled_workspace, "data")
    page.session_state[state.IMPORT_UNDO] = True
    page.run()
    assert "4 pictures and 0 labels of this import go" in said(page)
    assert "20 pictures stay, labelled since by ada" in said(page)
    button(page, "Take this import back").click().run()
    when_over(page, state.UNDO_WORK)
    assert labelling.label_counts(labelled_workspace).images == 20
    assert labelling.label_counts(labelled_workspace).labelled == 20
    assert "State" in page.dataframe[-1].value
    assert page.dataframe[-1].value["State"].tolist() == ["taken back, 20 pictures kept"]


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


@pytest.mark.parametrize(
    ("name", "address"),
    [
        ("taxonomy", {"colour": "purple"}),
        ("taxonomy", {"view": "cube"}),
        ("taxonomy", {"run": "99"}),
        ("taxonomy", {"pictures": "all"}),
        ("runs", {"run": "abc"}),
        ("runs", {"with": "-1"}),
        ("predictions", {"run": "abc"}),
        ("predictions", {"chart": "pie"}),
        ("predictions", {"image": "x"}),
        ("map", {"colour": "zzz"}),
    ],
)
def test_words_of_an_address_that_mean_nothing_are_told_and_the_page_shows_its_own_choice(
    predicted_workspace: Workspace, monkeypatch: pytest.MonkeyPatch, name: str, address: dict[str, str]
) -> None:
    page = open_page(monkeypatch, predicted_workspace, name, **address)
    ((word, value),) = address.items()
    assert f"was left out: {word}={value}" in said(page)
    assert page.query_params.get(word) not in (value, [value])
    assert "was left out" not in said(page.run())
