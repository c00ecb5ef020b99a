"""Searches for good settings: that they choose, prune, stop and go on, on what they judge, and what they refuse."""

import json
import shlex
import sqlite3
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import optuna
import pytest
import ready_made
from conftest import label
from typer.testing import CliRunner

from hmgc_core import cli, worker
from hmgc_core.errors import BadConfig, HmgcError, NotTrainable, UnknownModel, UnknownSweep, WorkspaceError
from hmgc_core.records import Progress, RunConfig, Stopped
from hmgc_core.store import jobs, schema
from hmgc_core.store import sweeps as store
from hmgc_core.tasks import sweep as task_sweep
from hmgc_core.tasks.job import Job
from hmgc_core.tasks.sweep import search
from hmgc_core.workflow import backups, health, sweeps, tasks, training, workspaces
from hmgc_core.workflow.sweeps import Sweep, Trial
from hmgc_core.workflow.workspaces import Workspace

SMALL = RunConfig(model="flat", backbone="resnet_mini", image_size=16, epochs=1, batch_size=4, lr=0.05, device="cpu")
LR = ["lr=0.01:0.1"]


def carried_out(ws: Workspace, asked: Sweep) -> tuple[Trial, ...]:
    worker.work(ws, once=True)
    task = tasks.task(ws, asked.task.id)
    assert (task.status, task.error) == ("done", "")
    return sweeps.tried(ws, asked)


def job(ws: Workspace, asked: Sweep, *, stop: Callable[[], bool] = lambda: False, **told: Any) -> Job:
    return Job(ws, asked.task, told.pop("report", lambda _: None), stop, **told)


def study(ws: Workspace, asked: Sweep) -> optuna.Study:
    return store.study(ws.folder, asked.name, asked=asked.asked)


def gist(found: tuple[Trial, ...]) -> list[tuple[Any, ...]]:
    """What does not depend on the clock, of the trials that ended."""
    return [(one.state, one.values, one.score, one.epochs) for one in found if one.state in ("done", "pruned")]


# --- the whole way ----------------------------------------------------------------------------------------------------


def test_a_search_tries_what_was_asked_and_its_best_becomes_a_training(labelled_workspace: Workspace) -> None:
    ws = labelled_workspace
    asked = sweeps.ask(ws, SMALL, over=[*LR, "batch_size=4|8"], trials=2)
    assert sweeps.tried(ws, asked) == ()
    found = carried_out(ws, asked)
    assert [(one.number, one.state) for one in found] == [(1, "done"), (2, "done")]
    assert found[0].values == {"lr": 0.05, "batch_size": 4}  # it begins with the settings as they are
    assert 0.01 <= float(found[1].values["lr"]) <= 0.1
    assert all(len(one.epochs) == 1 and one.score == one.epochs[0] for one in found)
    best = sweeps.best(found)
    assert best is not None and best.score == max(one.score for one in found if one.score is not None)
    assert tasks.task(ws, asked.task.id).result["best"]["number"] == best.number
    run = training.run(ws, sweeps.train_best(ws, asked.name))
    assert run.config.batch_size == best.values["batch_size"]
    assert run.config.lr == pytest.approx(float(best.values["lr"]), rel=1e-3)
    assert not list(sweeps.state_folder(ws).glob("*/*"))  # nothing is left of the trials but what they gave


def test_a_trial_is_judged_as_the_same_training_judges_itself_and_no_test_image_is_looked_at(
    labelled_workspace: Workspace, tmp_path: Path
) -> None:
    ws = labelled_workspace
    for picture in (tmp_path / "photos").glob("*.png"):
        if int(picture.stem) >= 16:  # the test images
            picture.unlink()
    asked = sweeps.ask(ws, replace(SMALL, epochs=2), over=LR, trials=1)
    (trial,) = carried_out(ws, asked)
    run_id = sweeps.train_best(ws, asked.name)
    worker.work(ws, once=True)
    told = [epoch.metrics["h_recall"] for epoch in training.epochs(ws, run_id)]
    assert list(trial.epochs) == told and trial.score == max(told)


def test_labels_made_later_are_not_learned(labelled_workspace: Workspace) -> None:
    ws = labelled_workspace
    asked = sweeps.ask(ws, SMALL, over=LR, trials=1)
    label(ws, 13, "ship", by="ben")  # a validation image
    (trial,) = carried_out(ws, asked)
    again = sweeps.ask(ws, SMALL, over=LR, trials=1)
    assert (again.upto, again.name) == (asked.upto + 1, "flat-2")
    more = sweeps.more(ws, asked.name, trials=1)
    assert more.upto == asked.upto
    worker.work(ws, once=True)
    assert sweeps.tried(ws, more)[0] == trial


def test_few_choices_are_all_tried_and_none_twice(labelled_workspace: Workspace) -> None:
    asked = sweeps.ask(labelled_workspace, SMALL, over=["batch_size=4|8|12"], trials=7)
    found = carried_out(labelled_workspace, asked)
    assert sorted(one.values["batch_size"] for one in found) == [4, 8, 12]
    assert found[0].values == {"batch_size": 4}


def test_what_mattered_adds_up_once_enough_was_tried(labelled_workspace: Workspace) -> None:
    asked = sweeps.ask(labelled_workspace, SMALL, over=["lr=1e-6:0.1", "label_smoothing"], trials=7)
    carried_out(labelled_workspace, asked)
    shares = sweeps.importances(labelled_workspace, asked)
    assert set(shares) == {"lr", "label_smoothing"}
    assert sum(shares.values()) == pytest.approx(1.0)
    assert list(shares.values()) == sorted(shares.values(), reverse=True)


# --- ended early ------------------------------------------------------------------------------------------------------


def _others(ws: Workspace, asked: Sweep, *, score: float) -> None:
    """As many finished trials as it takes to prune, each with this score after every epoch."""
    found, epochs = study(ws, asked), asked.config.epochs
    ranges: dict[str, Any] = {"lr": optuna.distributions.FloatDistribution(0.01, 0.1, log=True)}
    for _ in range(task_sweep.PRUNE_AFTER):
        values = dict.fromkeys(range(epochs), score)
        made = optuna.trial.create_trial(
            value=score, params={"lr": 0.02}, distributions=ranges, intermediate_values=values
        )
        found.add_trial(made)


@pytest.mark.parametrize(("score", "state", "epochs"), [(1.1, "pruned", 3), (-0.1, "done", 6)])
def test_a_trial_that_is_worse_than_half_of_the_others_is_ended_once_the_rate_has_ceased_to_rise(
    labelled_workspace: Workspace, score: float, state: str, epochs: int
) -> None:
    ws = labelled_workspace
    asked = sweeps.ask(ws, replace(SMALL, epochs=6), over=LR, trials=task_sweep.PRUNE_AFTER + 1)
    _others(ws, asked, score=score)
    last = carried_out(ws, asked)[-1]
    assert (last.state, len(last.epochs)) == (state, epochs)
    assert last.why == ("others were better after epoch 3" if state == "pruned" else "")
    assert not list(sweeps.state_folder(ws).glob("*/*"))


@pytest.mark.parametrize(
    ("over", "switches", "epochs"),
    [
        (LR, {"warm_up": 0.5}, 4),
        (["lr=0.01:0.1", "warm_up=0.1:0.6"], {}, 5),
        (["lr=0.01:0.1", "warm_up=0.1|0.3"], {}, 3),
    ],
)
def test_no_trial_is_ended_while_the_rate_of_any_may_still_rise(
    labelled_workspace: Workspace, over: list[str], switches: dict[str, float], epochs: int
) -> None:
    ws = labelled_workspace
    config = replace(SMALL, epochs=6, switches=switches)
    asked = sweeps.ask(ws, config, over=over, trials=task_sweep.PRUNE_AFTER + 1)
    _others(ws, asked, score=1.1)
    last = carried_out(ws, asked)[-1]
    assert (last.state, len(last.epochs)) == ("pruned", epochs)


def test_a_training_whose_loss_is_no_number_is_a_trial_like_others(labelled_workspace: Workspace) -> None:
    ws = labelled_workspace
    asked = sweeps.ask(ws, replace(SMALL, weight_decay=1.0), over=["lr=9.99:10", "batch_size=4|8"], trials=3)
    worker.work(ws, once=True)
    found, task = sweeps.tried(ws, asked), tasks.task(ws, asked.task.id)
    assert len(found) == 3
    if all(one.state == "pruned" for one in found):  # with such a rate most lose their way, on some machines all
        assert task.status == "failed" and "none of 3 trials could be finished" in task.error and task.remedy
    assert all(one.why for one in found if one.state == "pruned")


# --- stopped, killed, going on ----------------------------------------------------------------------------------------


class After:
    """Says yes from the moment on at which so many epochs of the newest trial were told."""

    def __init__(self, ws: Workspace, asked: Sweep, *, trial: int, epochs: int) -> None:
        self.ws, self.asked, self.trial, self.epochs = ws, asked, trial, epochs

    def __call__(self) -> bool:
        found = sweeps.tried(self.ws, self.asked)
        return len(found) >= self.trial and len(found[self.trial - 1].epochs) >= self.epochs


def test_a_stopped_search_goes_on_and_gives_what_a_straight_one_gives(labelled_workspace: Workspace) -> None:
    ws = labelled_workspace
    config = replace(SMALL, epochs=3)
    straight = carried_out(ws, sweeps.ask(ws, config, over=LR, trials=3, name="straight"))
    asked = sweeps.ask(ws, config, over=LR, trials=3, name="stopped")
    for trial in (1, 3):  # the second is done in between
        with pytest.raises(Stopped):
            search(job(ws, asked, stop=After(ws, asked, trial=trial, epochs=2)))
        (left,) = sweeps.state_folder(ws).glob("*/*")
        assert (left / "resume.pt").exists() or list(left.iterdir())
        cut = sweeps.tried(ws, asked)[trial - 1]
        assert (cut.state, cut.why) == ("failed", "it was stopped")
    told: list[Progress] = []
    result = search(job(ws, asked, report=told.append))
    assert gist(sweeps.tried(ws, asked)) == gist(straight)
    assert result["trials"] == {"done": 3, "pruned": 0, "failed": 2}
    assert not list(sweeps.state_folder(ws).glob("*/*"))
    assert any(progress.stage.startswith("trial 3 of 3") for progress in told)
    assert any(progress.stage.startswith("trial 2 of 3, epoch 3 of 3") for progress in told)
    assert not any(progress.stage.startswith("trial 2 of 3, epoch 1") for progress in told)  # that was done already


@pytest.mark.slow
def test_a_killed_worker_costs_nothing_but_its_last_steps(labelled_workspace: Workspace, tmp_path: Path) -> None:
    ws = labelled_workspace
    asked = sweeps.ask(ws, replace(SMALL, epochs=3000), over=LR, trials=2)
    log, lease = tmp_path / "log", {"HMGC_LEASE_S": "2"}

    def start() -> Any:
        return ready_made.start_hmgc("worker", "--workspace", str(ws.folder), out=log, err=log, environment=lease)

    def wait_until(test: Callable[[tuple[Trial, ...]], bool]) -> tuple[Trial, ...]:
        end = time.monotonic() + 300
        while not test(found := sweeps.tried(ws, asked)):
            assert time.monotonic() < end, (found, log.read_text())
            time.sleep(0.05)
        return found

    first = start()
    before = wait_until(lambda found: bool(found and found[0].epochs))
    ready_made.end(first)
    second = start()
    try:
        found = wait_until(lambda found: len(found) == 2 and len(found[1].epochs) >= len(before[0].epochs))
        assert (found[0].state, found[0].why) == ("failed", "the worker ended")
        assert found[1].values == found[0].values
        assert found[1].epochs[: len(before[0].epochs)] == before[0].epochs
        assert sweeps.cancel(ws, asked.name)
        wait_until(lambda _found: not tasks.task(ws, asked.task.id).is_active)
        assert tasks.task(ws, asked.task.id).status == "cancelled"
    finally:
        ready_made.end(second)


def test_of_two_programs_that_make_the_file_at_once_one_is_the_quicker(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, seen = store._connected, []

    def after_another(path: Path) -> optuna.storages.RDBStorage:
        seen.append((tmp_path / store.FILE).exists())
        if len(seen) == 1:
            store.study(tmp_path, "theirs", asked={})
        return made(path)

    monkeypatch.setattr(store, "_connected", after_another)
    store.study(tmp_path, "ours", asked={}).enqueue_trial({"lr": 0.1})
    assert seen[:3] == [False, False, True]  # until it is whole, nobody sees it
    assert [len(store.trials(tmp_path, name)) for name in ("theirs", "ours")] == [0, 1]
    assert not list((tmp_path / "cache" / "imports").iterdir())
    with sqlite3.connect(tmp_path / store.FILE) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_settings_that_end_the_worker_each_time_are_given_up(labelled_workspace: Workspace) -> None:
    ws = labelled_workspace
    asked = sweeps.ask(ws, SMALL, over=LR, trials=1)
    found = study(ws, asked)
    found.enqueue_trial({"lr": 0.05})
    for _ in range(task_sweep.TRIES):
        trial = found.ask()
        trial.suggest_float("lr", 0.01, 0.1, log=True)
        store.end_running(found, why=task_sweep.KILLED)
        found.enqueue_trial(trial.params, user_attrs={store.AGAIN: trial.number})
    found.ask().suggest_float("lr", 0.01, 0.1, log=True)  # it was killed once more
    tried = carried_out(ws, asked)
    assert [one.state for one in tried] == ["failed"] * 3 + ["done"]
    assert tried[-1].values != tried[0].values


def test_the_time_bounds_a_search_and_more_goes_on_where_it_ended(
    labelled_workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    ws = labelled_workspace
    asked = sweeps.ask(ws, replace(SMALL, epochs=2), over=LR, minutes=1e-6)
    (trial,) = carried_out(ws, asked)  # one training is finished, however short the time
    assert trial.state == "done"
    more = sweeps.more(ws, asked.name, minutes=1e-6)
    assert [one.state for one in carried_out(ws, more)] == ["done"]  # there was something to show already
    assert len(carried_out(ws, sweeps.more(ws, asked.name, trials=1))) == 2


def test_a_trial_that_the_end_of_the_time_cuts_waits_for_more(
    labelled_workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    ws = labelled_workspace
    asked = sweeps.ask(ws, replace(SMALL, epochs=3), over=LR, minutes=60)
    is_late = After(ws, asked, trial=2, epochs=1)
    monkeypatch.setattr(task_sweep._Search, "_spent_s", lambda _self: 3600.0 if is_late() else 0.0)
    found = carried_out(ws, asked)
    assert [(one.state, one.why) for one in found] == [("done", ""), ("failed", "the time was up")]
    monkeypatch.undo()
    found = carried_out(ws, sweeps.more(ws, asked.name, trials=1))
    assert [one.state for one in found] == ["done", "failed", "done"]
    assert found[2].values == found[1].values


def test_a_waiting_training_goes_first_and_the_search_goes_on_after_it(labelled_workspace: Workspace) -> None:
    ws = labelled_workspace
    asked = sweeps.ask(ws, SMALL, over=LR, trials=3)
    run_id = 0

    def waits() -> bool:
        nonlocal run_id
        if sweeps.best(sweeps.tried(ws, asked)) and not run_id:
            run_id = training.queue_run(ws, SMALL)
        return bool(run_id)

    with pytest.raises(Stopped):
        search(job(ws, asked, others_wait=waits))
    assert [one.state for one in sweeps.tried(ws, asked)] == ["done"]
    found = carried_out(ws, asked)
    assert [one.state for one in found] == ["done"] * 3
    ended = training.run(ws, run_id).finished_at
    assert ended is not None and ended < tasks.task(ws, asked.task.id).finished_at  # type: ignore[operator]


# --- what is refused --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "error", "words"),
    [
        ({"over": ["rate"]}, BadConfig, "no setting 'rate'"),
        ({"over": ["lr=0.1:0.01"]}, BadConfig, "is empty"),
        ({"over": []}, BadConfig, "nothing is to be varied"),
        ({"trials": 0}, BadConfig, "0 trials"),
        ({"trials": 1001}, BadConfig, "1001 trials"),
        ({"minutes": 0.0}, BadConfig, "0 minutes"),
        ({"minutes": -3.0}, BadConfig, "-3 minutes"),
        ({"minutes": float("nan")}, BadConfig, "nan minutes"),
        ({"minutes": 1e6}, BadConfig, "minutes were asked for"),
        ({"name": "x" * 61}, BadConfig, "is no name"),
        ({"name": "a\nb"}, BadConfig, "is no name"),
    ],
)
def test_bad_wishes_are_named_before_anything_is_queued(
    labelled_workspace: Workspace, given: dict[str, Any], error: type[HmgcError], words: str
) -> None:
    with pytest.raises(error, match=words) as caught:
        sweeps.ask(labelled_workspace, SMALL, **given)
    assert caught.value.remedy
    assert sweeps.all_sweeps(labelled_workspace) == []


def test_a_search_needs_a_model_that_learns_and_labels_to_judge_by(workspace: Workspace) -> None:
    ws = workspace
    for image in range(1, 13):
        label(ws, image, ("owl", "tug")[image % 2])
    with pytest.raises(NotTrainable, match="no validation picture"):
        sweeps.ask(ws, SMALL)
    label(ws, 13, "life")
    with pytest.raises(NotTrainable, match="no validation picture"):
        sweeps.ask(ws, SMALL)
    label(ws, 14, "owl")
    assert sweeps.ask(ws, SMALL)
    with pytest.raises(UnknownModel):
        sweeps.ask(ws, replace(SMALL, model="flatt"))
    with pytest.raises(NotTrainable, match="learns from no labels"):
        sweeps.ask(ws, RunConfig(model="clip_zero_shot", backbone="clip:tiny"))


def test_validation_pictures_that_cannot_be_read_are_told(labelled_workspace: Workspace, tmp_path: Path) -> None:
    asked = sweeps.ask(labelled_workspace, SMALL, over=LR, trials=1)
    for number in range(12, 16):
        (tmp_path / "photos" / f"{number:02d}.png").unlink()
    worker.work(labelled_workspace, once=True)
    task = tasks.task(labelled_workspace, asked.task.id)
    assert (task.status, task.error) == ("failed", "no labelled validation picture can be read")
    assert task.remedy


def test_a_name_goes_on_with_the_same_search_and_no_other(labelled_workspace: Workspace) -> None:
    ws = labelled_workspace
    asked = sweeps.ask(ws, SMALL, over=LR, trials=1, name="mine")
    with pytest.raises(BadConfig, match="still searching"):
        sweeps.ask(ws, SMALL, over=LR, trials=1, name="mine")
    carried_out(ws, asked)
    with pytest.raises(BadConfig, match="another search 'mine'"):
        sweeps.ask(ws, replace(SMALL, epochs=2), over=LR, name="mine")
    again = sweeps.ask(ws, SMALL, over=LR, trials=2, name="mine")
    assert len(carried_out(ws, again)) == 3
    assert [one.name for one in sweeps.all_sweeps(ws)] == ["mine"]
    with pytest.raises(UnknownSweep, match="no search 'mime'") as caught:
        sweeps.sweep(ws, "mime")
    assert "'mine'" in caught.value.remedy


# --- the file ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def searched(labelled_workspace: Workspace) -> Sweep:
    asked = sweeps.ask(labelled_workspace, SMALL, over=LR, trials=1)
    carried_out(labelled_workspace, asked)
    return asked


def test_a_file_that_is_gone_or_damaged_is_a_named_error(labelled_workspace: Workspace, searched: Sweep) -> None:
    ws, file = labelled_workspace, labelled_workspace.folder / store.FILE
    ended = sweeps.sweep(ws, searched.name)
    store.copy(ws.folder, ws.folder / "kept")
    whole = (ws.folder / "kept").read_bytes()
    for left in ws.folder.glob(f"{store.FILE}*"):
        left.unlink()
    with pytest.raises(UnknownSweep, match="is not there"):
        sweeps.tried(ws, ended)
    file.write_bytes(b"no database at all" * 100)
    with pytest.raises(WorkspaceError, match="is damaged") as caught:
        sweeps.tried(ws, ended)
    assert caught.value.remedy
    again = sweeps.ask(ws, SMALL, over=LR, trials=1, name="again")
    worker.work(ws, once=True)
    task = tasks.task(ws, again.task.id)
    assert task.status == "failed" and "is damaged" in task.error
    (finding,) = [one for one in health.doctor(ws) if one.what == "searches"]
    assert "is damaged" in finding.state and finding.remedy
    assert any("is damaged" in words for words in backups.backup(ws, ws.folder.parent / "b.zip").left_out)
    file.unlink()
    file.write_bytes(whole)
    assert len(sweeps.tried(ws, ended)) == 1
    assert [one.state for one in health.doctor(ws) if one.what == "searches"] == ["sound"]


def test_a_file_of_a_later_optuna_is_a_named_error(labelled_workspace: Workspace, searched: Sweep) -> None:
    store._open.clear()
    with sqlite3.connect(labelled_workspace.folder / store.FILE) as connection:
        connection.execute("UPDATE alembic_version SET version_num = 'v99.0.0.a'")
    with pytest.raises(WorkspaceError, match="another version of Optuna"):
        sweeps.tried(labelled_workspace, sweeps.sweep(labelled_workspace, searched.name))


def test_a_study_of_this_name_that_is_another_search_is_left_alone(labelled_workspace: Workspace) -> None:
    ws = labelled_workspace
    store.study(ws.folder, "mine", asked={"another": 1})
    asked = sweeps.ask(ws, SMALL, over=LR, trials=1, name="mine")
    worker.work(ws, once=True)
    assert "holds another search 'mine'" in tasks.task(ws, asked.task.id).error


def test_what_was_tried_travels_in_a_backup_and_a_running_search_is_stopped_there(
    labelled_workspace: Workspace, searched: Sweep, tmp_path: Path
) -> None:
    ws = labelled_workspace
    going = sweeps.ask(ws, SMALL, over=LR, trials=1, name="going")
    with ws.writing() as connection:
        assert jobs.claim(connection, owner="w", lease_s=100, of=schema.task) == going.task.id
    (sweeps.state_folder(ws) / "state").mkdir(parents=True)
    backups.backup(ws, tmp_path / "b.zip")
    backups.restore(tmp_path / "b.zip", tmp_path / "back")
    back = workspaces.open_workspace(tmp_path / "back")
    assert sweeps.tried(back, sweeps.sweep(back, searched.name)) == sweeps.tried(ws, searched)
    assert sweeps.sweep(back, "going").task.status == "cancelled"
    assert sweeps.sweep(ws, "going").task.status == "running"
    assert not sweeps.state_folder(back).exists()


# --- in a terminal ----------------------------------------------------------------------------------------------------


def test_the_printed_line_trains_just_that(labelled_workspace: Workspace) -> None:
    ws = labelled_workspace
    config = replace(
        SMALL,
        model="coarse_fine",
        recipe="self_taught",
        switches={"sure_from": 0.9, "averaged": False},
        options={"finest_weight": 3.5, "share_trunk": True},
        weight_decay=0.001,
        label_smoothing=0.2,
        drop_coarse=True,
        seed=7,
    )
    asked, _, _ = training.checked(ws, config)
    words = shlex.split(sweeps.command(labelled_workspace, asked))
    assert words[:3] == ["hmgc", "train", "coarse_fine"]
    assert words[-2:] == ["--workspace", str(ws.folder)]
    ended = CliRunner().invoke(cli.app, words[1:])
    assert ended.exit_code == 0, ended.output
    assert training.all_runs(ws)[0].config == asked


def test_the_whole_way_in_commands(labelled_workspace: Workspace) -> None:
    ws = labelled_workspace
    settings = {"backbone": "resnet_mini", "image-size": 16, "epochs": 1, "batch-size": 4, "device": "cpu", "trials": 2}
    small = [f"--{name}={value}" for name, value in settings.items()]

    def hmgc(*words: str) -> str:
        ended = CliRunner().invoke(cli.app, [*words, "--workspace", str(ws.folder)], catch_exceptions=False)
        assert ended.exit_code == 0, ended.output
        return ended.stdout

    assert "Nothing was searched yet" in hmgc("sweeps")
    said = hmgc("sweep", "flat", *small, "--wait", "--over", "lr=0.01:0.1,batch_size=4|8", "--name", "mine")
    assert "The search mine is done." in said and "hmgc train flat" in said
    assert "mine" in hmgc("sweeps")
    values = json.loads(hmgc("sweeps", "mine", "--json"))
    assert (values["sweep"], values["status"], len(values["trials"])) == ("mine", "done", 2)
    assert values["best"]["number"] in (1, 2) and values["command"].startswith("hmgc train flat")
    assert [one["sweep"] for one in json.loads(hmgc("sweeps", "--json"))] == ["mine"]
    assert "had ended already" in hmgc("stop-sweep", "mine")
    hmgc("sweep", "flat", *small, "--over", "lr", "--name", "other")
    assert "was asked to stop" in hmgc("stop-sweep", "other")
    with pytest.raises(UnknownSweep):
        hmgc("sweeps", "nobody")
