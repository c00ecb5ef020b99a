"""The worker as a process of its own: killed, stopped, cancelled, it loses nothing and every run ends truthfully."""

import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from multiprocessing.process import BaseProcess
from pathlib import Path

import pytest
import ready_made
from conftest import label, upcoming

from hmgc_core import worker
from hmgc_core.errors import BadConfig, CheckpointError, HmgcError, NotTrainable, UnknownModel
from hmgc_core.records import Run, RunConfig
from hmgc_core.store import checks, jobs
from hmgc_core.workflow import embeddings, seeing, training
from hmgc_core.workflow.workspaces import Workspace

SMALL = RunConfig(model="flat", backbone="resnet_mini", image_size=16, epochs=2, batch_size=4, lr=0.05)
LONG = RunConfig(model="flat", backbone="resnet_mini", image_size=16, epochs=2000, batch_size=4, lr=0.05)

StartWorker = Callable[..., BaseProcess]


@pytest.fixture
def start_worker(labelled_workspace: Workspace, tmp_path: Path) -> Iterator[StartWorker]:
    started: list[BaseProcess] = []

    def start(*arguments: str, lease_s: float = 2.0) -> BaseProcess:
        place, log = ("--workspace", str(labelled_workspace.folder)), tmp_path / "worker.log"
        environment = {"HMGC_LEASE_S": str(lease_s)}
        started.append(ready_made.start_hmgc("worker", *place, *arguments, out=log, err=log, environment=environment))
        return started[-1]

    yield start
    for process in started:
        ready_made.end(process)


def wait_until(ws: Workspace, run_id: int, test: Callable[[Run], bool], *, at_most_s: float = 90) -> Run:
    deadline = time.monotonic() + at_most_s
    while not test(run := training.run(ws, run_id)):
        assert time.monotonic() < deadline, f"still {run}"
        time.sleep(0.05)
    return run


def ended(process: BaseProcess, at_most_s: float) -> int | None:
    """The exit code; None when it is still running then."""
    process.join(at_most_s)
    return process.exitcode


def epochs_done(ws: Workspace, run_id: int) -> int:
    return len(training.epochs(ws, run_id))


@pytest.mark.slow
def test_a_run_trains_predicts_every_image_and_becomes_the_suggestion(
    labelled_workspace: Workspace, start_worker: StartWorker
) -> None:
    ws = labelled_workspace
    run_id = training.queue_run(ws, SMALL)
    assert ended(start_worker("--once"), 120) == 0
    run = training.run(ws, run_id)
    assert (run.status, run.progress, run.error) == ("done", 1.0, "")
    assert set(run.metrics) == {"val", "test"}
    assert run.metrics["test"]["images"] == 4
    assert 0 <= run.metrics["test"]["average_prc"] <= 1 and run.metrics["test"]["coverage"] is None
    assert [e.epoch for e in training.epochs(ws, run_id)] == [0, 1]
    assert len(seeing.prediction_table(ws, run_id).image_ids) == 24
    assert all(item.suggestion for item in upcoming(ws))
    assert (ws.run_folder(run_id) / embeddings.COMPACT).exists()  # the first screen of look-alikes shall not wait
    assert not training.services(ws)["worker"]


@pytest.mark.slow
def test_a_killed_worker_gives_its_run_back_after_the_lease_and_the_run_goes_on(
    labelled_workspace: Workspace, start_worker: StartWorker
) -> None:
    ws = labelled_workspace
    run_id = training.queue_run(ws, RunConfig(**{**SMALL.to_dict(), "epochs": 40}))
    first = start_worker()
    wait_until(ws, run_id, lambda _run: epochs_done(ws, run_id) >= 3)
    first.kill()
    first.join()
    before = epochs_done(ws, run_id)
    assert training.run(ws, run_id).status == "running"
    start_worker()
    wait_until(ws, run_id, lambda run: run.attempts == 2 and epochs_done(ws, run_id) > before)
    run = wait_until(ws, run_id, lambda run: not run.is_active, at_most_s=240)
    assert (run.status, run.attempts) == ("done", 2)
    assert [e.epoch for e in training.epochs(ws, run_id)] == list(range(40))


@pytest.mark.slow
def test_a_stopped_worker_saves_its_state_and_the_next_one_goes_on_from_it(
    labelled_workspace: Workspace, start_worker: StartWorker
) -> None:
    ws = labelled_workspace
    run_id = training.queue_run(ws, LONG)
    first = start_worker()
    wait_until(ws, run_id, lambda _run: epochs_done(ws, run_id) >= 3)
    first.terminate()
    assert ended(first, 20) == 0
    assert training.run(ws, run_id).status == "queued"
    with ws.reading() as connection:
        kept = connection.exec_driver_sql("SELECT epoch, finished_at FROM epoch ORDER BY epoch").all()
    start_worker()
    wait_until(ws, run_id, lambda _run: epochs_done(ws, run_id) > len(kept))
    with ws.reading() as connection:
        now = connection.exec_driver_sql("SELECT epoch, finished_at FROM epoch ORDER BY epoch").all()
    assert now[: len(kept)] == kept  # no finished epoch was trained again
    training.cancel(ws, run_id)
    wait_until(ws, run_id, lambda run: run.status == "cancelled")


@pytest.mark.slow
def test_a_cancelled_run_stops_within_two_seconds(labelled_workspace: Workspace, start_worker: StartWorker) -> None:
    ws = labelled_workspace
    run_id = training.queue_run(ws, LONG)
    start_worker()
    wait_until(ws, run_id, lambda _run: epochs_done(ws, run_id) >= 1)
    assert training.cancel(ws, run_id)
    asked = time.monotonic()
    run = wait_until(ws, run_id, lambda run: not run.is_active, at_most_s=30)
    took = time.monotonic() - asked
    assert run.status == "cancelled"
    # The bound that users are promised is two seconds; a loaded machine gets some room, a hang does not.
    assert took < 10
    assert not training.cancel(ws, run_id)


def test_a_queued_run_is_cancelled_at_once_without_any_worker(labelled_workspace: Workspace) -> None:
    run_id = training.queue_run(labelled_workspace, SMALL)
    assert training.cancel(labelled_workspace, run_id)
    assert training.run(labelled_workspace, run_id).status == "cancelled"


@pytest.mark.slow
def test_a_cancelled_run_goes_on_from_where_it_was(labelled_workspace: Workspace, start_worker: StartWorker) -> None:
    ws = labelled_workspace
    run_id = training.queue_run(ws, replace(LONG, epochs=60))
    start_worker()
    wait_until(ws, run_id, lambda _run: epochs_done(ws, run_id) >= 2)
    training.cancel(ws, run_id)
    stopped = wait_until(ws, run_id, lambda run: not run.is_active, at_most_s=30)
    assert stopped.can_resume and stopped.progress > 0
    with pytest.raises(CheckpointError, match="stopped") as told:
        training.checkpoint_folder(stopped)
    assert f"hmgc resume {run_id}" in told.value.remedy
    done_then = epochs_done(ws, run_id)
    training.resume(ws, run_id)
    finished = wait_until(ws, run_id, lambda run: not run.is_active, at_most_s=120)
    assert (finished.status, finished.error) == ("done", "")
    assert (epochs_done(ws, run_id), finished.attempts) == (60, 2)
    assert not any("started over" in remark for remark in finished.remarks)
    assert done_then < 60
    with pytest.raises(BadConfig, match="finished"):
        training.resume(ws, run_id)


def test_two_workers_never_train_the_same_run(labelled_workspace: Workspace) -> None:
    ws = labelled_workspace
    for _ in range(5):
        training.queue_run(ws, SMALL)
    claimed: list[int] = []

    def claim(name: str) -> None:
        while True:
            with ws.writing() as connection:
                run_id = jobs.claim(connection, owner=name, lease_s=60)
            if run_id is None:
                return
            claimed.append(run_id)

    threads = [threading.Thread(target=claim, args=(f"w{i}",)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(claimed) == [1, 2, 3, 4, 5]


def test_a_worker_that_lost_its_lease_can_change_nothing_any_more(labelled_workspace: Workspace) -> None:
    ws = labelled_workspace
    run_id = training.queue_run(ws, SMALL)
    with ws.writing() as connection:
        jobs.claim(connection, owner="slow", lease_s=-1)
        assert jobs.claim(connection, owner="quick", lease_s=60) == run_id
        assert jobs.renew(connection, run_id, owner="slow", lease_s=60, progress={}) == "lost"
        assert not jobs.finish(connection, run_id, owner="slow", status="failed")
        jobs.release(connection, run_id, owner="slow")
    assert training.run(ws, run_id).status == "running"


@pytest.mark.slow
def test_labels_keep_coming_while_a_training_writes(labelled_workspace: Workspace, start_worker: StartWorker) -> None:
    ws = labelled_workspace
    run_id = training.queue_run(ws, RunConfig(**{**SMALL.to_dict(), "epochs": 12}))
    process = start_worker("--once")
    wait_until(ws, run_id, lambda _run: epochs_done(ws, run_id) >= 1)
    failures: list[HmgcError] = []

    def annotate(person: int) -> None:
        for number in range(25):
            try:
                label(ws, 21 + number % 4, "owl", by=f"person {person}", uid=f"many-{person:02}-{number:02}")
            except HmgcError as error:
                failures.append(error)

    threads = [threading.Thread(target=annotate, args=(person,)) for person in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert ended(process, 240) == 0
    assert failures == []
    assert training.run(ws, run_id).status == "done"
    with sqlite3.connect(ws.folder / "hmgc.db") as connection:
        rows = connection.execute("SELECT uid FROM annotation WHERE uid LIKE 'many-%'").fetchall()
    assert len({uid for (uid,) in rows}) == 20 * 25
    with ws.reading() as connection:
        assert checks.wrong_counts(connection) == []


def test_missing_pictures_are_counted_and_a_run_without_any_fails_with_a_remedy(
    labelled_workspace: Workspace, tmp_path: Path
) -> None:
    ws = labelled_workspace
    (tmp_path / "photos" / "00.png").unlink()
    first = training.queue_run(ws, SMALL)
    worker.wait_for(ws, first, on_progress=lambda *_: None)
    run = training.run(ws, first)
    assert run.status == "done"
    assert any("00.png" in remark for remark in run.remarks)

    for picture in (tmp_path / "photos").iterdir():
        picture.unlink()
    second = training.queue_run(ws, SMALL)
    worker.wait_for(ws, second, on_progress=lambda *_: None)
    run = training.run(ws, second)
    assert run.status == "failed"
    assert run.error
    assert run.remedy


@pytest.mark.parametrize(
    ("labels", "words"),
    [
        ([], "no label to learn from"),
        ([(1, "life"), (2, "life")], "at the root"),
        ([(1, "owl")], "only one training image"),
        ([(17, "owl"), (18, "tug")], "no label to learn from"),  # labels on test images alone
    ],
)
def test_labels_that_cannot_train_are_refused_when_the_run_is_queued(
    workspace: Workspace, labels: list[tuple[int, str]], words: str
) -> None:
    for image_id, node in labels:
        label(workspace, image_id, node)
    with pytest.raises(NotTrainable, match=words) as caught:
        training.queue_run(workspace, SMALL)
    assert caught.value.remedy


def test_an_unknown_model_is_refused_when_the_run_is_queued(labelled_workspace: Workspace) -> None:
    with pytest.raises(UnknownModel, match="hnr"):
        training.queue_run(labelled_workspace, RunConfig(model="hnr"))
