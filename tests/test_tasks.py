"""Tasks of the worker: asked for once, carried out with progress, stopped, given back, and told when they fail."""

import threading
from typing import Any

import pytest

from hmgc_core import worker
from hmgc_core.errors import BadConfig, UnknownTask
from hmgc_core.store import jobs, schema
from hmgc_core.store.workspace import Workspace
from hmgc_core.tasks import kinds
from hmgc_core.tasks.carrying_out import TRIES, carry_out
from hmgc_core.tasks.job import Job
from hmgc_core.workflow import tasks


@pytest.fixture
def counting(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """A kind of task that counts to the number it is asked for."""
    seen: list[int] = []

    def count(job: Job) -> dict[str, Any]:
        for number in range(job.question["to"]):
            job.step("counting", number, job.question["to"])
            seen.append(number)
        (job.folder / "counted.txt").write_text(str(len(seen)))
        return {"counted": len(seen)}

    monkeypatch.setitem(kinds.KINDS, "count", count)
    return seen


def claimed(ws: Workspace, task_id: int) -> int:
    with ws.writing() as connection:
        assert jobs.claim(connection, owner="me", lease_s=60, of=schema.task) == task_id
    return task_id


def test_a_worker_carries_a_task_out_and_keeps_its_result(workspace: Workspace, counting: list[int]) -> None:
    number = tasks.ask(workspace, "count", {"to": 3})
    worker.work(workspace, once=True)
    done = tasks.task(workspace, number)
    assert (done.status, done.result, done.progress) == ("done", {"counted": 3}, 1.0)
    assert (tasks.task_folder(workspace, number) / "counted.txt").read_text() == "3"


def test_the_same_question_is_asked_once_until_it_is_wanted_anew(workspace: Workspace, counting: list[int]) -> None:
    first = tasks.ask(workspace, "count", {"to": 2})
    assert tasks.ask(workspace, "count", {"to": 2}, anew=True) == first  # it still waits
    assert tasks.ask(workspace, "count", {"to": 4}) != first
    worker.work(workspace, once=True)
    assert tasks.ask(workspace, "count", {"to": 2}) == first
    assert tasks.ask(workspace, "count", {"to": 2}, anew=True) > first
    newest = tasks.newest(workspace, "count")
    assert newest is not None and newest.status == "queued"


def test_a_waiting_task_is_cancelled_at_once_and_a_running_one_at_its_next_step(
    workspace: Workspace, counting: list[int]
) -> None:
    waiting = tasks.ask(workspace, "count", {"to": 1})
    assert tasks.cancel(workspace, waiting)
    assert tasks.task(workspace, waiting).status == "cancelled"
    assert not tasks.cancel(workspace, waiting)

    running = claimed(workspace, tasks.ask(workspace, "count", {"to": 10**9}))
    thread = threading.Thread(target=carry_out, args=(workspace, running, "me", threading.Event()))
    thread.start()
    assert tasks.cancel(workspace, running)
    thread.join(timeout=30)
    assert tasks.task(workspace, running).status == "cancelled"


def test_a_stopped_worker_gives_its_task_back(workspace: Workspace, counting: list[int]) -> None:
    number = claimed(workspace, tasks.ask(workspace, "count", {"to": 10**9}))
    stopping = threading.Event()
    stopping.set()
    carry_out(workspace, number, "me", stopping)
    assert tasks.task(workspace, number).status == "queued"


def test_workers_that_end_in_order_are_no_failed_tries(workspace: Workspace, counting: list[int]) -> None:
    number = tasks.ask(workspace, "count", {"to": 1})
    stopping = threading.Event()
    stopping.set()
    for _ in range(TRIES + 2):
        carry_out(workspace, claimed(workspace, number), "me", stopping)
    worker.work(workspace, once=True)
    assert tasks.task(workspace, number).status == "done"


def test_old_tasks_go_with_their_files_when_there_are_many(
    workspace: Workspace, counting: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(kinds.KEPT, "count", 2)
    numbers = [tasks.ask(workspace, "count", {"to": to}) for to in range(4)]
    waiting = tasks.ask(workspace, "of tomorrow", {})
    worker.work(workspace, once=True)
    for number in numbers[:2]:
        assert not tasks.task_folder(workspace, number).exists()
        with pytest.raises(UnknownTask):
            tasks.task(workspace, number)
    assert [tasks.task(workspace, number).result for number in numbers[2:]] == [{"counted": 3}, {"counted": 6}]
    assert tasks.task(workspace, waiting).status == "failed"
    assert tasks.ask(workspace, "count", {"to": 0}) > waiting  # and can be asked for again


def test_a_disk_that_takes_no_traceback_does_not_hide_how_it_ended(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    def break_down(job: Job) -> dict[str, Any]:
        raise ZeroDivisionError("by nothing")

    monkeypatch.setitem(kinds.KINDS, "break", break_down)
    number = tasks.ask(workspace, "break", {})
    folder = tasks.task_folder(workspace, number)
    folder.parent.mkdir()
    folder.write_text("a file where the folder should be")
    worker.work(workspace, once=True)
    assert tasks.task(workspace, number).error == "ZeroDivisionError: by nothing"


def test_errors_of_a_task_are_told_with_their_remedy(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(job: Job) -> dict[str, Any]:
        raise BadConfig("nothing to count", remedy="ask for more")

    def break_down(job: Job) -> dict[str, Any]:
        raise ZeroDivisionError("by nothing")

    monkeypatch.setitem(kinds.KINDS, "refuse", refuse)
    monkeypatch.setitem(kinds.KINDS, "break", break_down)
    refused, broken, strange = (tasks.ask(workspace, kind, {}) for kind in ("refuse", "break", "of tomorrow"))
    worker.work(workspace, once=True)
    assert (tasks.task(workspace, refused).error, tasks.task(workspace, refused).remedy) == (
        "nothing to count",
        "ask for more",
    )
    assert tasks.task(workspace, broken).error == "ZeroDivisionError: by nothing"
    assert "by nothing" in (tasks.task_folder(workspace, broken) / "traceback.txt").read_text()
    assert "older than the app" in tasks.task(workspace, strange).remedy
    assert tasks.ask(workspace, "refuse", {}) > strange  # what failed may be tried again


def test_a_task_that_ends_its_worker_each_time_is_given_up(workspace: Workspace, counting: list[int]) -> None:
    number = tasks.ask(workspace, "count", {"to": 1})
    for _ in range(TRIES):  # each of these workers dies
        with workspace.writing() as connection:
            assert jobs.claim(connection, owner="dead", lease_s=-1, of=schema.task) == number
    worker.work(workspace, once=True)
    assert "ended 3 times" in tasks.task(workspace, number).error
    assert counting == []


def test_an_unknown_task_is_named(workspace: Workspace) -> None:
    with pytest.raises(UnknownTask, match="no task 7"):
        tasks.task(workspace, 7)


def test_a_short_task_does_not_wait_for_a_long_one(
    workspace: Workspace, counting: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    def train(job: Job) -> dict[str, Any]:
        while not counting:  # ends only once the short task was carried out meanwhile
            job.step("training", 0, 1)
        return {}

    monkeypatch.setitem(kinds.KINDS, "coarse-labels", train)
    long, short = tasks.ask(workspace, "coarse-labels", {}), tasks.ask(workspace, "count", {"to": 1})
    worker.work(workspace, once=True)
    assert (tasks.task(workspace, long).status, tasks.task(workspace, short).status) == ("done", "done")
