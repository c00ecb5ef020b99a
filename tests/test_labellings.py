"""A labelling is made once, learned from by name, follows the class tree, and outlives backups."""

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from conftest import TINY_LEAVES, label, write_picture, write_table
from PIL import Image, ImageFilter
from reading_pages import open_page, said

from hmgc_core import relabelling
from hmgc_core.errors import BadConfig, BadRequest, HmgcError, NotTrainable, OrphanedLabels, UnknownRun
from hmgc_core.records import Prediction, RunConfig
from hmgc_core.store import jobs, predictions
from hmgc_core.store import labellings as stored
from hmgc_core.store.schema import labelling_label
from hmgc_core.taxonomy import Taxonomy
from hmgc_core.tree_edits import Merge
from hmgc_core.workflow import (
    backups,
    hardness,
    health,
    labellings,
    pictures,
    taxonomies,
    training,
    tree_edits,
    workspaces,
)
from hmgc_core.workflow.workspaces import Workspace

TINY = RunConfig(model="flat", backbone="resnet_mini", image_size=16, epochs=1)


@pytest.fixture
def leafy(workspace: Workspace) -> Workspace:
    """The workspace with all 24 images labelled at the finest level; of the 12 to learn from, 3 a class."""
    for image_id in range(1, 25):
        label(workspace, image_id, TINY_LEAVES[image_id % 4])
    return workspace


def learned(ws: Workspace, config: RunConfig) -> training.RunLabels:
    return training.run_labels(ws, training.run(ws, training.queue_run(ws, config)))


def keys(labels: training.RunLabels) -> list[str]:
    return [labels.taxonomy.keys[sample.node] for sample in labels.train]


def test_hrns_labels_are_those_of_the_protocol_in_the_order_of_the_file(leafy: Workspace) -> None:
    done = labellings.relabel(leafy, name="hrn50", protocol="hrn", coarse=[0.5])
    # of 3 pictures a class ceil(0.5 * 3) = 2 keep their leaf; images 1 to 12 are classes 1 2 3 0 1 2 3 0 1 2 3 0
    _, tree = taxonomies.current_taxonomy(leafy)
    leaves = [TINY_LEAVES[image_id % 4] for image_id in range(1, 13)]
    expected = leaves[:8] + [tree.keys[tree.parents[tree.index(leaf)]] for leaf in leaves[8:]]
    labels = learned(leafy, RunConfig(**{**TINY.to_dict(), "labelling": "hrn50"}))
    assert keys(labels) == expected
    assert (done.labels, done.coarser) == (12, 4)
    assert done.by_level == dict(sorted(Counter(int(tree.depths[tree.index(key)]) for key in expected).items()))


def test_validation_and_test_keep_what_people_say(leafy: Workspace) -> None:
    plain = learned(leafy, TINY)
    labellings.relabel(leafy, name="all", protocol="hrn", coarse=[1.0])
    coarse = learned(leafy, RunConfig(**{**TINY.to_dict(), "labelling": "all"}))
    assert (plain.val, plain.test) == (coarse.val, coarse.test) and len(plain.val) == 4
    assert not set(keys(coarse)) & set(TINY_LEAVES)
    assert keys(learned(leafy, TINY)) == keys(plain)  # and so do the labels themselves


@pytest.mark.parametrize("coarse", [[0.5], [0.4, 0.3]])
def test_free_labels_are_drawn_by_their_seed(leafy: Workspace, coarse: list[float]) -> None:
    _, tree = taxonomies.current_taxonomy(leafy)
    shares = (1 - sum(coarse), *coarse) if len(coarse) > 1 else relabelling.even_shares(tree, 0.5)
    nodes = np.array([tree.index(TINY_LEAVES[image_id % 4]) for image_id in range(1, 13)])
    for seed in (0, 1):
        labellings.relabel(leafy, name=f"free {seed}", protocol="free", coarse=coarse, seed=seed)
        made = keys(learned(leafy, RunConfig(**{**TINY.to_dict(), "labelling": f"free {seed}"})))
        assert made == [tree.keys[node] for node in relabelling.free(tree, nodes, shares=shares, seed=seed)]


def test_pictures_that_a_run_finds_hard_get_the_coarser_labels(leafy: Workspace) -> None:
    run_id = training.queue_run(leafy, TINY)
    made = []
    for image_id in range(1, 25):
        own = TINY_LEAVES[image_id % 4]
        top = ((own, image_id / 100),) if image_id != 12 else (("owl" if own != "owl" else "tug", 1.0),)
        made.append(Prediction(run_id, image_id, top[0][0], top[0][1], top, top))
    with leafy.writing() as connection:
        jobs.claim(connection, owner="test", lease_s=60)
        predictions.replace_all(connection, run_id, made)
        jobs.finish(connection, run_id, owner="test", status="done", metrics={})
    done = labellings.relabel(leafy, name="hard", protocol="ambiguous", coarse=[1 / 3], run=run_id)
    assert done.hardness == f"1 - probability of the class, by run {run_id}" and done.coarser == 4
    made_keys = keys(learned(leafy, RunConfig(**{**TINY.to_dict(), "labelling": "hard"})))
    # the lower the number, the lower its probability here: the first of each class is the hardest, but for 12
    coarser = {place + 1 for place, key in enumerate(made_keys) if key not in TINY_LEAVES}
    assert coarser == {1, 2, 3, 12}


def test_without_a_run_pictures_with_little_detail_are_the_hard_ones(
    empty_workspace: Workspace, tiny_tree: Taxonomy, tmp_path: Path
) -> None:
    taxonomies.store_taxonomy(empty_workspace, tiny_tree, source="tiny.csv")
    rows = []
    for number in range(6):
        path = tmp_path / "photos" / f"{number}.png"
        write_picture(path, number)
        if number in (1, 4):
            Image.open(path).filter(ImageFilter.GaussianBlur(8)).save(path)
        rows.append({"path": f"photos/{number}.png", "label": "owl", "split": "train"})
    pictures.import_images(empty_workspace, write_table(tmp_path / "labels.csv", rows))
    done = labellings.relabel(empty_workspace, name="blurred", protocol="ambiguous", coarse=[1 / 3])
    assert "gradient energy" in done.hardness
    made = keys(learned(empty_workspace, RunConfig(**{**TINY.to_dict(), "labelling": "blurred"})))
    assert made == ["owl", "bird", "owl", "owl", "bird", "owl"]


def test_a_picture_that_cannot_be_read_counts_as_showing_nothing(leafy: Workspace) -> None:
    _, tree = taxonomies.current_taxonomy(leafy)
    records, nodes = training.agreed_labels(leafy, tree, 1, split="train")
    records[0].path.write_bytes(b"no picture")
    hard = hardness.by_detail(records, tree.is_leaf[nodes], on_progress=lambda done, total: None)
    assert hard[0] == 0 == hard.max() and (hard[1:] < 0).all()


@pytest.mark.parametrize(
    ("wish", "error", "words"),
    [
        ({"protocol": "wild"}, BadRequest, "no protocol"),
        ({"coarse": [1.5]}, BadRequest, "share of coarse"),
        ({"coarse": [float("nan")]}, BadRequest, "share of coarse"),
        ({"coarse": [0.7, 0.7], "protocol": "free"}, BadRequest, "share of coarse"),
        ({"coarse": []}, BadRequest, "missing"),
        ({"coarse": [0.2, 0.2]}, BadRequest, "one level only"),
        ({"name": " x"}, BadRequest, "no name"),
        ({"name": "a\nb"}, BadRequest, "no name"),
        ({"name": "taken"}, BadRequest, "already"),
        ({"run": 7}, BadRequest, "asks no run"),
        ({"run": 7, "protocol": "ambiguous"}, UnknownRun, "no run 7"),
    ],
)
def test_what_cannot_be_made_is_said_and_nothing_is_written(
    leafy: Workspace, wish: dict, error: type[HmgcError], words: str
) -> None:
    labellings.relabel(leafy, name="taken", protocol="hrn", coarse=[0.5])
    with pytest.raises(error, match=words) as told:
        labellings.relabel(leafy, **({"name": "new", "protocol": "hrn", "coarse": [0.5]} | wish))
    assert told.value.remedy
    assert [one.name for one in labellings.all_labellings(leafy)] == ["taken"]


def test_a_run_that_waits_or_lacks_pictures_tells_no_hardness(leafy: Workspace, predicted_workspace: Workspace) -> None:
    waiting = training.queue_run(predicted_workspace, TINY)
    with pytest.raises(NotTrainable, match=r"run \d+ is"):
        labellings.relabel(predicted_workspace, name="a", protocol="ambiguous", coarse=[0.5], run=waiting)
    with predicted_workspace.writing() as connection:
        predictions.replace_all(connection, 1, [])
    with pytest.raises(BadRequest, match="no prediction of 12 of 12"):
        labellings.relabel(predicted_workspace, name="a", protocol="ambiguous", coarse=[0.5], run=1)


def test_without_labels_there_is_nothing_to_make_coarser(workspace: Workspace) -> None:
    with pytest.raises(NotTrainable, match="no training picture"):
        labellings.relabel(workspace, name="none", protocol="hrn", coarse=[0.5])


def test_an_unknown_labelling_is_refused_with_the_nearest_names(leafy: Workspace) -> None:
    with pytest.raises(BadConfig, match="no labelling 'hrn9'") as told:
        training.queue_run(leafy, RunConfig(labelling="hrn9"))
    assert "hmgc relabel" in told.value.remedy
    labellings.relabel(leafy, name="hrn90", protocol="hrn", coarse=[0.9])
    with pytest.raises(BadConfig) as told:
        training.queue_run(leafy, RunConfig(labelling="hrn9"))
    assert "'hrn90'" in told.value.remedy


def test_a_labelling_follows_the_class_tree_and_back(leafy: Workspace) -> None:
    labellings.relabel(leafy, name="mine", protocol="hrn", coarse=[0.0])
    config = RunConfig(**{**TINY.to_dict(), "labelling": "mine"})
    before = keys(learned(leafy, config))
    tree_edits.make_edit(leafy, Merge("gull-like", "black-footed"), seen=1)
    merged = keys(learned(leafy, config))
    assert merged == [key.replace("gull-like", "black-footed") for key in before]
    tree_edits.undo_edit(leafy, seen=2)
    assert keys(learned(leafy, config)) == before


def test_a_tree_without_a_class_that_only_a_labelling_uses_is_refused(leafy: Workspace) -> None:
    labellings.relabel(leafy, name="coarse", protocol="hrn", coarse=[1.0])  # some at `steamer`, where nobody labelled
    smaller = Taxonomy.from_edges(
        [("bird", "life"), ("albatross", "bird"), ("owl", "bird"), ("black-footed", "albatross"),
         ("gull-like", "albatross"), ("tug", "life")]
    )  # fmt: skip
    with pytest.raises(OrphanedLabels) as told:
        taxonomies.store_taxonomy(leafy, smaller, source="smaller.csv")
    assert (told.value.counts, told.value.copies) == ({"steamer": 0}, 3)  # nobody said it; the labelling does
    assert "lacks 1 class in use by 3 labels of labellings: 'steamer'" in str(told.value)
    done = taxonomies.store_taxonomy(leafy, smaller, source="smaller.csv", to_ancestor=True)
    assert done.moved == 0  # of what people said
    assert "life" in keys(learned(leafy, RunConfig(**{**TINY.to_dict(), "labelling": "coarse"})))


def test_a_labelling_is_in_a_backup(leafy: Workspace, tmp_path: Path) -> None:
    labellings.relabel(leafy, name="kept", protocol="free", coarse=[0.5], seed=3)
    backups.backup(leafy, tmp_path / "backup.zip")
    backups.restore(tmp_path / "backup.zip", tmp_path / "again")
    again = workspaces.open_workspace(tmp_path / "again")
    assert labellings.all_labellings(again) == labellings.all_labellings(leafy)
    config = RunConfig(**{**TINY.to_dict(), "labelling": "kept"})
    assert keys(learned(again, config)) == keys(learned(leafy, config))


def test_the_doctor_sees_a_labelling_that_lost_labels(leafy: Workspace) -> None:
    labellings.relabel(leafy, name="mine", protocol="hrn", coarse=[0.5])
    finding = next(one for one in health.doctor(leafy) if one.what == "labellings")
    assert (finding.state, finding.remedy) == ("1, each as it was made", "")
    with leafy.writing() as connection:
        connection.execute(labelling_label.delete().where(labelling_label.c.image_id == 1))
        change = labelling_label.update().where(labelling_label.c.image_id == 2)
        connection.execute(change.values(node_key="never was"))
    finding = next(one for one in health.doctor(leafy) if one.what == "labellings")
    assert "made with 12 labels and has 11" in finding.state and "1 labels of the labelling 'mine'" in finding.state
    assert finding.remedy
    with leafy.reading() as connection:
        assert len(stored.damage(connection)) == 2


def test_the_train_page_offers_labellings_once_there_is_one(leafy: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    page = open_page(monkeypatch, leafy, "train")
    assert not [box for box in page.selectbox if box.label == "Labels"]
    labellings.relabel(leafy, name="coarse_90 [x]", protocol="hrn", coarse=[0.9])
    page = open_page(monkeypatch, leafy, "train")
    box = page.selectbox(key="train.labelling")
    assert box.value == "" and box.options == ["What people say now", "coarse_90 [x]: 12 labels"]
    box.set_value("coarse_90 [x]")
    page.selectbox(key="train.model").set_value("flat")
    page.selectbox(key="train.backbone").set_value("resnet_mini")
    next(one for one in page.button if one.label == "Start training").click().run()
    (run,) = training.all_runs(leafy)
    assert run.config.labelling == "coarse_90 [x]"
    again = open_page(monkeypatch, leafy, "train")  # filled in like the newest run, but for its labels: a trial
    assert again.selectbox(key="train.labelling").value == ""
    again.selectbox(key="train.labelling").set_value("coarse_90 [x]").run()
    assert "12 labels of training pictures" in said(again) and "the labelling coarse_90 [x]" in said(again)
    assert labellings.labels_by_level(leafy, labellings.all_labellings(leafy)[0]) == [0, 2, 7, 3]


@pytest.mark.slow
def test_it_is_made_and_trained_from_the_command_line(leafy: Workspace) -> None:
    def hmgc(*words: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "hmgc_core", *words, "--workspace", str(leafy.folder)]
        return subprocess.run(command, capture_output=True, text=True)

    made = hmgc("relabel", "--protocol", "hrn", "--coarse", "0.9", "--name", "hrn90", "--json")
    assert json.loads(made.stdout) == {
        "name": "hrn90", "protocol": "hrn", "labels": 12, "coarser": 8, "hardness": "",
        "by_level": json.loads(made.stdout)["by_level"],
    }  # fmt: skip
    assert sum(json.loads(made.stdout)["by_level"].values()) == 12
    bad = hmgc("relabel", "--protocol", "hrn", "--coarse", "half", "--name", "x")
    assert bad.returncode == 1 and "'half' is no share" in bad.stderr and "Traceback" not in bad.stderr
    options = ["--backbone", "resnet_mini", "--image-size", "16", "--epochs", "1", "--batch-size", "4"]
    run = hmgc("train", "flat", *options, "--labelling", "hrn90", "--wait", "--json")
    assert json.loads(run.stdout)["status"] == "done"
