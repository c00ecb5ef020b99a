"""Learn from new labels in seconds: what the Train page and the command line offer, and what comes of it."""

import threading
from dataclasses import replace

import pytest
from conftest import label
from reading_pages import button, open_page, said
from typer.testing import CliRunner

from app.components import run_detail, wording
from hmgc_core.cli import app as commands
from hmgc_core.errors import BadConfig, CheckpointError, NotTrainable, UnknownRun
from hmgc_core.records import RunConfig
from hmgc_core.store import jobs
from hmgc_core.workflow import coarse_labels, heads, labelling, labellings, seeing, training
from hmgc_core.workflow.workspaces import Workspace

SMALL = RunConfig(model="flat", backbone="resnet_mini", image_size=16, epochs=2, batch_size=8, device="cpu")
ALL = 24


def carry_out(ws: Workspace, number: int) -> None:
    """As the worker does, in this process."""
    from hmgc_core import worker

    with ws.writing() as connection:
        jobs.claim(connection, owner="test", lease_s=60, only=number)
    worker._Attempt(ws, training.run(ws, number), "test", threading.Event()).carry_out()


@pytest.fixture
def trained(labelled_workspace: Workspace) -> Workspace:
    """The labelled workspace and a finished whole run 1; images 21 to 24, of the test split, have no label."""
    carry_out(labelled_workspace, training.queue_run(labelled_workspace, SMALL))
    assert training.run(labelled_workspace, 1).status == "done"
    return labelled_workspace


# --- what is offered --------------------------------------------------------------------------------------------------


def test_nothing_is_offered_before_a_model_is_trained(labelled_workspace: Workspace) -> None:
    assert heads.offer(labelled_workspace) is None
    with pytest.raises(NotTrainable, match="no finished run of flat"):
        heads.start_for(labelled_workspace, "flat")


def test_new_labels_are_counted_and_labels_taken_back(trained: Workspace) -> None:
    offer = heads.offer(trained)
    assert offer and (offer.run.id, offer.new, offer.gone) == (1, 0, 0)
    assert "knows every label" in offer.obstacle
    uid = label(trained, 3, "owl", by="bob")
    label(trained, 4, "", by="bob", kind="unusable")  # teaches nothing
    label(trained, 20, "tug", by="bob")  # of the test split
    offer = heads.offer(trained)
    assert offer and (offer.new, offer.gone, offer.obstacle) == (1, 0, "")
    labelling.withdraw(trained, uid, annotator="bob")
    offer = heads.offer(trained)
    assert offer and (offer.new, offer.gone) == (0, 0) and offer.obstacle
    labelling.withdraw(trained, "uid-ada-1-gull-like-is", annotator="ada")
    offer = heads.offer(trained)
    assert offer and (offer.new, offer.gone, offer.obstacle) == (0, 1, "")


def test_what_a_whole_training_saw_needs_no_second_look(trained: Workspace) -> None:
    offer = heads.offer(trained)
    assert offer and offer.seen == ALL and offer.unseen(ALL) == 0 and offer.unseen(30) == 6
    assert offer.seconds(ALL) < offer.seconds(ALL + 10_000)


def test_a_run_that_learns_already_is_no_reason_for_another(trained: Workspace) -> None:
    label(trained, 3, "owl", by="bob")
    number = heads.queue(trained, 1)
    offer = heads.offer(trained)
    assert offer and offer.obstacle == f"Run {number} learns from them already."
    label(trained, 4, "owl", by="bob")
    offer = heads.offer(trained)
    assert offer and offer.obstacle == ""


def test_a_run_of_a_labelling_knows_nothing_of_new_labels(trained: Workspace) -> None:
    labellings.relabel(trained, name="few", protocol="free", coarse=[0.5])
    label(trained, 3, "owl", by="bob")
    carry_out(trained, training.queue_run(trained, replace(SMALL, labelling="few", epochs=1)))
    told = heads.offer(trained)
    assert told is not None and (told.run.id, told.new, told.obstacle) == (1, 1, "")


def test_a_model_without_a_head_is_no_start(trained: Workspace) -> None:
    with trained.writing() as connection:
        from hmgc_core.store.schema import run

        connection.execute(run.update().values(config={**SMALL.to_dict(), "model": "hmgn"}))
    assert heads.offer(trained) is None
    with pytest.raises(BadConfig, match="hmgn cannot learn its head alone"):
        heads.start_for(trained, "hmgn")


def test_what_cannot_be_is_told_before_it_is_queued(trained: Workspace) -> None:
    config = heads.config_from(trained, training.run(trained, 1))
    for change, error in (
        ({"start_from": 9}, UnknownRun),
        ({"model": "hrn"}, BadConfig),
        ({"image_size": 32}, BadConfig),
    ):
        with pytest.raises(error):
            training.queue_run(trained, replace(config, **change))
    waiting = training.queue_run(trained, SMALL)
    with pytest.raises(CheckpointError):
        heads.queue(trained, waiting)
    assert [run.id for run in training.all_runs(trained)] == [waiting, 1]


def test_the_number_of_steps_follows_from_the_labels() -> None:
    for labels in (1, 12, 400, 3500, 20_000, 100_000):
        epochs, batch = heads._steps(labels)
        steps = epochs * -(-labels // batch)
        assert epochs >= 12 and 16 <= batch <= 4096
        assert 250 <= steps <= 660 or labels < 100


# --- what comes of it -------------------------------------------------------------------------------------------------


def test_a_head_learns_new_labels_and_every_picture_gets_a_new_prediction(trained: Workspace) -> None:
    label(trained, 3, "owl", by="bob")
    number = heads.queue(trained, 1)
    carry_out(trained, number)
    run = training.run(trained, number)
    assert (run.status, run.error, run.progress) == ("done", "", 1.0)
    assert set(run.metrics) == {"val", "test"} and len(training.epochs(trained, number)) == run.config.epochs
    assert len(seeing.prediction_table(trained, number).image_ids) == ALL
    assert run.config.what_learned == "head only, from run 1"
    assert run_detail.said(run, "freeze_backbone") == "head only, from run 1"
    assert run_detail.said(training.run(trained, 1), "freeze_backbone") == "all of it"
    assert wording.run_title(run) == f"Run {number} · flat on resnet_mini · head only, from run 1"
    offer = heads.offer(trained)
    assert offer and offer.run.id == number and offer.obstacle and offer.seen == ALL


def test_it_needs_no_picture_that_was_seen(trained: Workspace) -> None:
    for pixels in trained.cache.glob("*px-*"):
        pixels.unlink()
    number = heads.queue(trained, 1)
    carry_out(trained, number)
    assert training.run(trained, number).status == "done"
    assert not list(trained.cache.glob("*px-*"))  # nothing was decoded


def test_a_run_that_was_stopped_goes_on(trained: Workspace) -> None:
    from hmgc_core import worker

    number = heads.queue(trained, 1)
    with trained.writing() as connection:
        jobs.claim(connection, owner="test", lease_s=60, only=number)
    stopping = threading.Event()
    attempt = worker._Attempt(trained, training.run(trained, number), "test", stopping)
    attempt.watch = lambda step: stopping.set() if step.stage.startswith("epoch") else None
    attempt.carry_out()
    assert training.run(trained, number).status == "queued"
    carry_out(trained, number)
    assert training.run(trained, number).status == "done"


def test_what_coarse_labels_bought_is_not_asked_of_a_head(trained: Workspace) -> None:
    number = heads.queue(trained, 1)
    carry_out(trained, number)
    with pytest.raises(NotTrainable, match="backbone learned from them in run 1"):
        coarse_labels.ask(trained, number)


def test_the_run_of_a_head_is_held_against_the_one_it_started_from(trained: Workspace) -> None:
    carry_out(trained, training.queue_run(trained, SMALL))
    label(trained, 3, "owl", by="bob")
    carry_out(trained, number := heads.queue(trained, 1))
    before = [training.before(trained, training.run(trained, one)) for one in (number, 2, 1)]
    assert [one and one.id for one in before] == [1, 1, None]


def test_from_the_run_of_a_head_it_is_one_click_to_where_its_coarse_labels_were_learned(
    trained: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    for image_id in (3, 4):
        label(trained, image_id, "owl", by="bob")
        carry_out(trained, number := heads.queue(trained, max(1, image_id - 2)))
    whole = coarse_labels.learned_whole(trained, training.run(trained, number))
    assert whole is not None and (number, whole.id) == (3, 1)
    page = open_page(monkeypatch, trained, "runs", run=str(number))
    button(page, "Open run 1").click().run()
    assert page.query_params["run"] == "1" and "**Run 1 · flat on resnet_mini**" in said(page)
    button(page, "Find out").click().run()  # and there it stays
    assert "**Run 1 · flat on resnet_mini**" in said(page)


def test_older_runs_load_as_before(trained: Workspace) -> None:
    values = SMALL.to_dict()
    del values["freeze_backbone"], values["start_from"]
    assert RunConfig.from_dict(values) == SMALL


# --- the page and the command -----------------------------------------------------------------------------------------


def test_the_first_button_of_the_page_learns_from_the_new_labels(
    trained: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = open_page(monkeypatch, trained, "train")
    first = page.button[0]
    assert (first.label, first.disabled) == ("Learn from new labels", True)
    assert "Run 1 knows every label there is" in said(page) and "the next labels" in said(page).lower()
    for image_id in (3, 4):
        label(trained, image_id, "owl", by="bob")
    page = open_page(monkeypatch, trained, "train")
    first = page.button[0]
    assert (first.label, first.disabled) == ("Learn from the 2 new labels · a few seconds", False)
    assert "not seen yet" not in said(page)
    first.click().run()
    assert not page.exception
    run = training.all_runs(trained)[0]
    assert (run.status, run.config.freeze_backbone, run.config.start_from) == ("queued", True, 1)
    assert page.button[0].disabled and f"Run {run.id} learns from them already" in said(page)
    # The form below is for whole trainings, so it goes by the last whole one.
    assert page.number_input(key="train.epochs").value == SMALL.epochs
    assert button(page, "Start training")


def test_the_page_follows_a_run_that_ends_while_it_is_drawn(
    trained: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    label(trained, 3, "owl", by="bob")
    run_id = heads.queue(trained, 1)
    offer = heads.offer

    def offer_just_before_its_end(ws: Workspace) -> heads.Offer | None:
        offered = offer(ws)
        training.cancel(ws, run_id)
        return offered

    page = open_page(monkeypatch, trained, "train")
    assert page.button[0].disabled
    monkeypatch.setattr(heads, "offer", offer_just_before_its_end)
    page.run()
    assert training.run(trained, run_id).status == "cancelled"
    assert (page.button[0].label, page.button[0].disabled) == ("Learn from the new label · a few seconds", False)


def test_the_overview_leads_to_it_once_many_labels_are_new(trained: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    for who in ("bob", "cleo"):
        for image_id in range(1, 13):
            label(trained, image_id, "owl", by=who)
    page = open_page(monkeypatch, trained, "overview")
    assert "24 labels were made since run 1" in said(page) and button(page, "Learn from them")


def test_the_page_says_what_went_wrong_at_the_button(trained: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    label(trained, 3, "owl", by="bob")
    page = open_page(monkeypatch, trained, "train")
    with trained.writing() as connection:
        from hmgc_core.store.schema import run

        connection.execute(run.update().values(checkpoint=""))
    page.button[0].click().run()
    assert not page.exception and "has no model to ask" in page.error[0].value


def test_by_command_the_rest_follows_from_the_run(trained: Workspace) -> None:
    place = ["--workspace", str(trained.folder)]

    def hmgc(*arguments: str):
        return CliRunner().invoke(commands, [*arguments, *place])

    assert hmgc("train", "flat", "--freeze-backbone").exit_code == 0
    assert hmgc("train", "per_level", "--freeze-backbone", "--from", "1", "--epochs", "5").exit_code == 0
    other, same = training.all_runs(trained)[:2]
    assert (same.config.image_size, same.config.backbone, same.config.start_from) == (16, "resnet_mini", 1)
    assert (other.config.model, other.config.epochs, other.config.start_from) == ("per_level", 5, 1)
    for wrong, words in (
        (("--freeze-backbone", "--image-size", "32"), "no finished run"),
        (("--from", "1"), "give --freeze-backbone"),
    ):
        refused = hmgc("train", "flat", *wrong)
        assert refused.exit_code == 1 and words in f"{refused.exception} {getattr(refused.exception, 'remedy', '')}"
    assert "head" in hmgc("runs").output
