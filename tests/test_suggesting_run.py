"""Which run suggests: one that turned out badly is set aside, and all that asks finds the one before it."""

from dataclasses import replace

import pytest
from conftest import label
from reading_pages import button, open_page, said
from typer.testing import CliRunner

from app.components import run_summary
from hmgc_core import worker
from hmgc_core.cli import app as commands
from hmgc_core.errors import BadConfig, UnknownRun
from hmgc_core.records import QueueChoice, Run, RunConfig
from hmgc_core.store import runs as run_rows
from hmgc_core.workflow import alike, heads, queues, seeing, training
from hmgc_core.workflow.workspaces import Workspace

SMALL = RunConfig(model="flat", backbone="resnet_mini", image_size=16, epochs=1, batch_size=8, device="cpu")


@pytest.fixture
def twice(labelled_workspace: Workspace) -> Workspace:
    """Two finished runs."""
    for seed in (0, 1):
        training.queue_run(labelled_workspace, replace(SMALL, seed=seed))
    worker.work(labelled_workspace, once=True)
    assert [run.status for run in training.all_runs(labelled_workspace)] == ["done", "done"]
    return labelled_workspace


def suggests(ws: Workspace) -> set[int | None]:
    """Which run each part of the program takes its suggestions from."""
    screen = alike.next_screen(ws, annotator="ada", count=2)
    items = queues.next_pictures(ws, QueueChoice(), annotator="ada").items
    newest, offer = seeing.newest_done(ws), heads.offer(ws)
    with ws.reading() as connection:
        number = run_rows.newest_done_id(connection)
    now = training.suggesting(training.all_runs(ws))
    found = {screen.run, number, newest.id if newest else None, now.id if now else None}
    found |= {item.suggestion.run_id for item in items if item.suggestion}
    return found | {offer.run.id if offer else None}


def test_everything_asks_the_run_before_it_and_comes_back(twice: Workspace) -> None:
    assert suggests(twice) == {2}
    training.set_aside(twice, 2)
    assert suggests(twice) == {1} and training.run(twice, 2).state == "set aside"
    training.set_aside(twice, 2)  # once more is harmless
    training.let_suggest(twice, 2)
    assert suggests(twice) == {2} and training.run(twice, 2).state == "finished"
    training.let_suggest(twice, 1)
    assert suggests(twice) == {1} and training.run(twice, 2).set_aside
    training.let_suggest(twice, 1)  # once more is harmless
    for number in (1, 2):
        training.set_aside(twice, number)
    assert suggests(twice) == {None}


def test_the_next_training_suggests_and_is_held_against_one_that_does(twice: Workspace) -> None:
    training.set_aside(twice, 2)
    training.queue_run(twice, SMALL)
    worker.work(twice, once=True)
    before = training.before(twice, training.run(twice, 3))
    assert suggests(twice) == {3} and before is not None and before.id == 1


def test_only_a_finished_run_is_set_aside(twice: Workspace) -> None:
    number = training.queue_run(twice, SMALL)
    with pytest.raises(BadConfig, match=f"run {number} is waiting"):
        training.set_aside(twice, number)
    with pytest.raises(BadConfig):
        training.let_suggest(twice, number)
    with pytest.raises(UnknownRun):
        training.set_aside(twice, 9)


def test_the_pages_offer_it_and_take_it_back(twice: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    page = open_page(monkeypatch, twice, "runs")
    assert "Suggestions come from this run" in said(page)
    button(page, "Set aside").click().run()
    assert not page.exception and training.run(twice, 2).set_aside
    assert open_page(monkeypatch, twice, "predictions").query_params["run"] == "1"
    page = open_page(monkeypatch, twice, "train")
    assert "Suggestions come from run 1" in said(page)
    button(page, "Let this run suggest").click().run()
    assert not page.exception and not training.run(twice, 2).set_aside


def metrics_of(run: Run, share: float) -> Run:
    figures = {"images": 200, "leaf_accuracy": share, "full_path_accuracy": share, "severity": 1.0}
    return replace(run, metrics={"test": figures})


@pytest.mark.parametrize(("share", "is_worse"), [(0.3, True), (0.55, False), (0.6, False), (0.9, False)])
def test_a_run_is_clearly_worse_only_beyond_chance(twice: Workspace, share: float, is_worse: bool) -> None:
    new, old = metrics_of(training.run(twice, 2), share), metrics_of(training.run(twice, 1), 0.6)
    assert run_summary.is_clearly_worse(new, old, "test") is is_worse
    fewer = replace(old, metrics={"test": {**old.metrics["test"], "images": 100}})
    assert not run_summary.is_clearly_worse(new, fewer, "test")  # of other pictures


def test_the_train_page_says_that_the_last_training_is_worse(twice: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    with twice.writing() as connection:
        for number, share in ((1, 0.9), (2, 0.1)):
            found = metrics_of(training.run(twice, number), share)
            table = run_rows.run
            connection.execute(table.update().where(table.c.id == number).values(metrics=found.metrics))
    assert "Clearly worse than run 1" in said(open_page(monkeypatch, twice, "train"))
    training.set_aside(twice, 2)
    assert "Clearly worse" not in said(open_page(monkeypatch, twice, "train"))


def test_by_command(twice: Workspace) -> None:
    label(twice, 3, "owl", by="bob")

    def hmgc(*words: str) -> str:
        ended = CliRunner().invoke(commands, [*words, "--workspace", str(twice.folder)])
        assert ended.exit_code == 0, ended.output
        return ended.output

    assert "run 1" in hmgc("set-aside", "2")
    assert "set aside" in hmgc("runs")
    assert "run 2" in hmgc("let-suggest", "2")
