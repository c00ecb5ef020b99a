"""What the coarse labels bought: what is compared, that it is fair, what is kept, and what is said."""

from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from conftest import label, write_picture
from reading_pages import button, open_page, said

from hmgc_core import worker
from hmgc_core.errors import CheckpointError, NotTrainable
from hmgc_core.learning.batches import plan_epoch
from hmgc_core.learning.checkpoints import load_checkpoint
from hmgc_core.learning.inference import predict
from hmgc_core.learning.pixel_cache import decode_pictures
from hmgc_core.metrics.paired import PairedDifference
from hmgc_core.records import IS, IS_NOT, NONE_HERE, Progress, RunConfig, Sample, Stopped
from hmgc_core.tasks.coarse_labels import _knows_the_same, compare, flattened, is_coarse
from hmgc_core.tasks.job import Job
from hmgc_core.taxonomy import Taxonomy
from hmgc_core.workflow import coarse_labels, import_history, pictures, tasks, taxonomies, training
from hmgc_core.workflow.coarse_labels import ALL, FINEST, FLATTENED, Bought, Gain
from hmgc_core.workflow.workspaces import Workspace

SMALL = RunConfig(model="flat", backbone="resnet_mini", image_size=16, epochs=2, batch_size=4, lr=0.05, device="cpu")


def sample(tree: Taxonomy, key: str, kind: int = IS) -> Sample:
    return Sample(Path(f"{key}.png"), tree.index(key), kind)


def trained(ws: Workspace, config: RunConfig = SMALL) -> int:
    run_id = training.queue_run(ws, config)
    worker.work(ws, once=True)
    assert training.run(ws, run_id).status == "done"
    return run_id


@pytest.fixture
def run_id(labelled_workspace: Workspace) -> int:
    return trained(labelled_workspace)


def carried_out(ws: Workspace, run_id: int) -> Bought:
    task_id = coarse_labels.ask(ws, run_id)
    worker.work(ws, once=True)
    task = tasks.task(ws, task_id)
    assert (task.status, task.error) == ("done", "")
    found = coarse_labels.bought(ws, run_id)
    assert found is not None
    return found


# --- what is compared -------------------------------------------------------------------------------------------------


def test_a_flattened_label_is_one_leaf_below_it_each_as_likely(tiny_tree: Taxonomy) -> None:
    leaves = [tiny_tree.index(key) for key in ("black-footed", "gull-like", "owl")]
    drawn = flattened(tiny_tree, [sample(tiny_tree, "bird")] * 3000, seed=0)
    counts = Counter(one.node for one in drawn)
    assert sorted(counts) == sorted(leaves)
    assert all(900 < count < 1100 for count in counts.values())


def test_flattening_keeps_leaves_and_leaves_out_what_has_no_such_form(tiny_tree: Taxonomy) -> None:
    given = [
        sample(tiny_tree, "owl"),
        sample(tiny_tree, "ship"),  # one leaf is below it
        sample(tiny_tree, "life"),
        sample(tiny_tree, "albatross", IS_NOT),
        replace(sample(tiny_tree, "tug", NONE_HERE), weight=0.5),
    ]
    flat = flattened(tiny_tree, given, seed=3)
    assert [(tiny_tree.keys[one.node], one.kind, one.weight) for one in flat] == [
        ("owl", IS, 1.0),
        ("tug", IS, 1.0),
        ("tug", IS, 0.5),
    ]
    many = [sample(tiny_tree, "bird")] * 50
    assert flattened(tiny_tree, many, seed=3) == flattened(tiny_tree, many, seed=3)
    assert flattened(tiny_tree, many, seed=3) != flattened(tiny_tree, many, seed=4)


def test_coarse_is_what_leaves_several_leaves_and_says_something(tiny_tree: Taxonomy) -> None:
    said = {key: is_coarse(tiny_tree, sample(tiny_tree, key)) for key in ("bird", "owl", "ship", "life")}
    assert said == {"bird": True, "owl": False, "ship": False, "life": False}
    assert is_coarse(tiny_tree, sample(tiny_tree, "owl", IS_NOT))


def test_an_only_child_of_the_root_says_no_more_than_the_root() -> None:
    tree = Taxonomy.from_edges([("life", "all"), ("bird", "life"), ("ship", "life"), ("owl", "bird"), ("kea", "bird")])
    assert not is_coarse(tree, sample(tree, "life")) and is_coarse(tree, sample(tree, "life", IS_NOT))
    assert is_coarse(tree, sample(tree, "bird"))
    assert flattened(tree, [sample(tree, "life"), sample(tree, "all"), sample(tree, "life", NONE_HERE)], seed=0) == []


@pytest.mark.parametrize(("few", "many"), [(5, 17), (16, 17), (2, 33), (17, 17)])
def test_fewer_samples_take_the_same_steps_on_as_many_pictures(few: int, many: int) -> None:
    of_all = plan_epoch(many, 8, seed=1, epoch=2)
    of_few = plan_epoch(few, 8, seed=1, epoch=2, epoch_size=many)
    assert [len(batch) for batch in of_few] == [len(batch) for batch in of_all]
    seen = Counter(np.concatenate(of_few).tolist())
    assert len(seen) == few and max(seen.values()) - min(seen.values()) <= 1


def test_a_training_on_fewer_samples_counts_and_resumes_the_steps_of_all(train) -> None:  # type: ignore[no-untyped-def]
    told: list[Progress] = []
    result = train("one", epoch_size=40, on_progress=told.append)
    assert {progress.total for progress in told if progress.stage.startswith("epoch")} == {3 * 40}
    again = train("one", epoch_size=48)  # other steps are another training
    assert any("started over" in remark for remark in again.remarks)
    assert not result.stopped


# --- the whole way ----------------------------------------------------------------------------------------------------


def test_the_comparison_is_on_the_same_pictures_and_its_model_is_the_runs_own(
    labelled_workspace: Workspace, run_id: int
) -> None:
    ws = labelled_workspace
    run = training.run(ws, run_id)
    found = carried_out(ws, run_id)
    assert (found.split, found.own, found.seed, found.epochs) == ("test", True, 0, 2)
    assert (found.coarse, found.labels) == (3, {FINEST: 9, FLATTENED: 12, ALL: 12})
    assert found.steps == 2 * 3  # 12 pictures in batches of 4
    for name in ("leaf_accuracy", "level_accuracy", "severity", "full_path_accuracy"):
        assert found.metrics[ALL][name] == run.metrics["test"][name]
    for arm in (FINEST, FLATTENED):
        leaf = found.gains[arm].leaf
        expected = found.metrics[ALL]["leaf_accuracy"] - found.metrics[arm]["leaf_accuracy"]
        assert leaf.difference == pytest.approx(expected)
        assert (leaf.gained - leaf.lost) / leaf.pictures == pytest.approx(expected)
        assert leaf.pictures == found.pictures == 3
        assert leaf.low < leaf.difference < leaf.high or leaf.low == leaf.difference == -1 or leaf.high == 1
    assert len(found.gains[FINEST].levels) == 3
    # No model is left behind but the run's own.
    assert sorted(p.name for p in ws.run_folder(run_id).rglob("weights.safetensors")) == ["weights.safetensors"]
    assert coarse_labels.ask(ws, run_id) == 1  # the result stays


def test_the_arm_without_coarse_labels_is_a_training_without_them(labelled_workspace: Workspace, run_id: int) -> None:
    """What is kept are the answers of a model trained by hand on the labels at leaves alone."""
    from hmgc_core.learning.training import fit

    ws = labelled_workspace
    found = carried_out(ws, run_id)
    run = training.run(ws, run_id)
    labels = training.run_labels(ws, run)
    fine = [one for one in labels.train if labels.taxonomy.is_leaf[one.node]]
    assert len(fine) == 9
    by_hand = fit(run.config, labels.taxonomy, fine, labels.val, folder=ws.folder / "x", cache=ws.cache, epoch_size=12)
    assert by_hand.checkpoint is not None
    pixels = decode_pictures([one.path for one in labels.test], size=16, folder=ws.cache)
    said = list(predict(load_checkpoint(by_hand.checkpoint), pixels, device="cpu"))
    right = [one.answers.max() == of.node for one, of in zip(said, labels.test, strict=True)]
    is_leaf = [bool(labels.taxonomy.is_leaf[one.node]) for one in labels.test]
    accuracy = np.mean([hit for hit, counts in zip(right, is_leaf, strict=True) if counts])
    assert found.metrics[FINEST]["leaf_accuracy"] == pytest.approx(accuracy)


def test_a_run_without_coarse_labels_of_its_own_is_trained_anew_on_all(labelled_workspace: Workspace) -> None:
    run_id = trained(labelled_workspace, replace(SMALL, drop_coarse=True, epochs=1))
    found = carried_out(labelled_workspace, run_id)
    assert not found.own
    assert (found.coarse, found.steps) == (3, 3)


def test_a_stopped_comparison_goes_on_with_the_part_that_was_not_done(
    labelled_workspace: Workspace, run_id: int
) -> None:
    ws = labelled_workspace
    task = tasks.task(ws, coarse_labels.ask(ws, run_id))
    first = ws.run_folder(run_id) / "coarse_labels" / FINEST / "answers.json"
    with pytest.raises(Stopped):
        compare(Job(ws, task, lambda _: None, first.exists))
    kept = first.read_bytes()
    told: list[Progress] = []
    result = compare(Job(ws, task, told.append, lambda: False))
    assert first.read_bytes() == kept
    assert not any(progress.stage.startswith("finest labels only: epoch") for progress in told)
    assert any(progress.stage.startswith("every label flattened: epoch") for progress in told)
    assert {progress.total for progress in told[1:]} == {2 * 1000 + 3 * 50}
    assert [progress.done for progress in told] == sorted(progress.done for progress in told)
    whole = compare(Job(ws, replace(task, id=99), lambda _: None, lambda: False))
    assert whole == result


def test_a_part_of_other_labels_is_not_taken_for_this_one(labelled_workspace: Workspace, run_id: int) -> None:
    ws = labelled_workspace
    task = tasks.task(ws, coarse_labels.ask(ws, run_id))
    file = ws.run_folder(run_id) / "coarse_labels" / FINEST / "answers.json"
    file.parent.mkdir(parents=True)
    file.write_text('{"name": "another", "answers": [[1]], "places": [0]}')
    compare(Job(ws, task, lambda _: None, lambda: False))
    assert '"another"' not in file.read_text()


def test_after_an_import_was_taken_back_the_runs_model_does_not_serve(
    labelled_workspace: Workspace, run_id: int, tmp_path: Path
) -> None:
    ws = labelled_workspace
    assert _knows_the_same(ws, training.run(ws, run_id))
    write_picture(tmp_path / "more" / "new.png", 99)
    pictures.import_images(ws, tmp_path / "more")
    assert _knows_the_same(ws, training.run(ws, run_id))
    import_history.undo_import(ws)
    assert not _knows_the_same(ws, training.run(ws, run_id))


# --- what stands in the way -------------------------------------------------------------------------------------------


def test_without_coarse_labels_it_is_said_before_anything_starts(workspace: Workspace) -> None:
    for image_id in range(1, 21):
        label(workspace, image_id, "owl" if image_id % 2 else "tug")
    run_id = trained(workspace, replace(SMALL, epochs=1))
    with pytest.raises(NotTrainable, match="no coarse labels"):
        coarse_labels.ask(workspace, run_id)
    assert coarse_labels.newest(workspace, run_id) is None
    # A label made since changes what can be asked, but not what the run knew: the worker says so.
    label(workspace, 1, "bird")
    task_id = coarse_labels.ask(workspace, run_id)
    worker.work(workspace, once=True)
    assert "no coarse labels" in tasks.task(workspace, task_id).error
    assert coarse_labels.bought(workspace, run_id) is None


def test_what_else_stands_in_the_way_is_named(labelled_workspace: Workspace, run_id: int) -> None:
    ws = labelled_workspace
    run = training.run(ws, run_id)
    assert coarse_labels.obstacle(ws, run) is None
    ready = replace(run, config=replace(run.config, model="clip_zero_shot", backbone="clip:tiny"))
    assert "learns from no labels" in str(coarse_labels.obstacle(ws, ready))
    assert "fewer than two" in str(coarse_labels.missing(coarse=4, fine=1, measured=3))
    assert "nothing to measure on" in str(coarse_labels.missing(coarse=4, fine=9, measured=0))
    assert coarse_labels.missing(coarse=4, fine=2, measured=1) is None


def test_a_run_without_a_model_is_refused(labelled_workspace: Workspace) -> None:
    waiting = training.queue_run(labelled_workspace, SMALL)
    with pytest.raises(CheckpointError, match="no model"):
        coarse_labels.ask(labelled_workspace, waiting)


# --- words ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("difference", "low", "high", "words"),
    [
        (0.041, 0.01, 0.072, "+4.1 leaf points from 2,300 coarse labels"),
        (-0.05, -0.09, -0.01, "-5.0 leaf points from 2,300 coarse labels: this training did better without them"),
        (0.004, -0.02, 0.03, "+0.4 leaf points from 2,300 coarse labels, which may be chance"),
    ],
)
def test_the_headline_says_what_is_so(difference: float, low: float, high: float, words: str) -> None:
    paired = PairedDifference(difference, low, high, 1000, 90, 49)
    gains = {arm: Gain(paired, ()) for arm in (FINEST, FLATTENED)}
    found = Bought("test", 1000, 2300, {}, 10, 2, 0, own=True, metrics={}, gains=gains)
    assert found.headline == words
    assert replace(found, coarse=1).headline.startswith(words.partition(" from")[0] + " from 1 coarse label")
    assert coarse_labels.in_words(paired).endswith(f"95% sure: {low * 100:+.1f} to {high * 100:+.1f}")


# --- on the page ------------------------------------------------------------------------------------------------------


def test_the_page_of_a_run_offers_it_follows_it_and_keeps_the_result(
    labelled_workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    ws = labelled_workspace
    label(ws, 1, taxonomies.current_taxonomy(ws)[1].keys[0])
    run_id = trained(ws)
    page = open_page(monkeypatch, ws, "runs", run=str(run_id))
    button(page, "Find out").click().run()
    assert "Waiting for its turn" in said(page) and "The worker is not running" in said(page)
    assert "Waiting for its turn" in said(open_page(monkeypatch, ws, "train"))  # where people look for work
    worker.work(ws, once=True)
    assert "In progress" not in said(open_page(monkeypatch, ws, "train"))
    page = open_page(monkeypatch, ws, "runs", run=str(run_id))
    found = coarse_labels.bought(ws, run_id)
    assert found is not None and found.headline in said(page)
    table = next(found.value for found in page.dataframe if "Learned from" in found.value)
    assert table["Learned from"].tolist() == list(coarse_labels.ARMS.values())
    assert table["Labels"].tolist() == ["8", "11", "12"]
    assert f"{found.coarse} coarse labels" in found.headline
    assert "1 more label says nothing about the finest class" in said(page)
    assert not any(found.label == "Find out" for found in page.button)


def test_the_page_says_why_there_is_nothing_to_find_out(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    for image_id in range(1, 21):
        label(workspace, image_id, "owl" if image_id % 2 else "tug")
    page = open_page(monkeypatch, workspace, "runs", run=str(trained(workspace, replace(SMALL, epochs=1))))
    assert "There are no coarse labels" in said(page)
    assert not any(found.label == "Find out" for found in page.button)
