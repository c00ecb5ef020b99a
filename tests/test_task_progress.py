"""A task on a page: its bar, the time left, Stop, the worker that is away, and Try again."""

from collections.abc import Callable
from pathlib import Path

import pytest
from reading_pages import button, said
from streamlit.testing.v1 import AppTest

from hmgc_core.presence import owner_name, present
from hmgc_core.records import Progress, RunConfig
from hmgc_core.store import jobs, schema
from hmgc_core.store.tasks import report
from hmgc_core.tasks.pace import Pace
from hmgc_core.workflow import tasks, training
from hmgc_core.workflow.workspaces import Workspace

Show = Callable[[int], AppTest]


def _page(folder: str, task_id: int) -> None:
    import pathlib

    import streamlit as st

    from app.components import task_progress
    from hmgc_core.workflow import tasks as verbs
    from hmgc_core.workflow import workspaces

    ws = workspaces.shared_workspace(pathlib.Path(folder))
    newest = verbs.newest(ws, "count")
    task = newest if newest and not task_id else verbs.task(ws, task_id)
    task_progress.show(ws, task, what="The *count*")
    st.caption(f"task {task.id} is {task.status}")


@pytest.fixture
def show(workspace: Workspace) -> Show:
    def open_task(task_id: int) -> AppTest:
        page = AppTest.from_function(_page, kwargs={"folder": str(Path(workspace.folder)), "task_id": task_id})
        page.run(timeout=30)
        assert not page.exception, page.exception[0].value
        return page

    return open_task


def claim(ws: Workspace, task_id: int, **columns: object) -> None:
    with ws.writing() as connection:
        assert jobs.claim(connection, owner="me", lease_s=60, of=schema.task) == task_id
        if columns:
            jobs.renew(connection, task_id, owner="me", lease_s=60, of=schema.task, progress=columns)


def finish(ws: Workspace, task_id: int, status: str, **columns: object) -> None:
    with ws.writing() as connection:
        jobs.finish(connection, task_id, owner="me", status=status, of=schema.task, **columns)


def test_a_waiting_task_says_that_the_worker_is_away(workspace: Workspace, show: Show) -> None:
    page = show(tasks.ask(workspace, "count", {"to": 3}))
    assert "The worker is not running" in said(page)
    assert "Waiting for its turn" in said(page)
    assert "**The *count***" in said(page)  # the name is text: escaped, not slanted


def test_a_running_task_shows_its_stage_and_the_time_left(workspace: Workspace, show: Show) -> None:
    number = tasks.ask(workspace, "count", {"to": 3})
    claim(workspace, number, **report(Progress("counting sheep", 1, 4, left_s=600)))
    with present(workspace, "worker", owner_name()):
        page = show(number)
    assert "not running" not in said(page)
    assert "Counting sheep, about 10 min left" in said(page)
    assert page.get("progress")[0].proto.value == 25


def test_a_task_behind_a_training_says_so(labelled_workspace: Workspace, show: Show) -> None:
    ws = labelled_workspace
    run_id = training.queue_run(ws, RunConfig(model="flat", backbone="resnet_mini", image_size=16))
    with ws.writing() as connection:
        jobs.claim(connection, owner="me", lease_s=60)
    assert f"after the training of run {run_id}" in said(show(tasks.ask(ws, "count", {})))


def test_stop_stops_and_the_page_runs_again_at_the_end(workspace: Workspace, show: Show) -> None:
    number = tasks.ask(workspace, "count", {"to": 3})
    page = show(number)
    page.button(key=f"task-stop-{number}").click().run()
    assert tasks.task(workspace, number).status == "cancelled"
    assert "stopped before the end" in said(page)
    assert f"task {number} is cancelled" in said(page)


def test_a_running_task_that_was_asked_to_stop_says_it_is_stopping(workspace: Workspace, show: Show) -> None:
    number = tasks.ask(workspace, "count", {"to": 3})
    claim(workspace, number)
    page = show(number)
    page.button(key=f"task-stop-{number}").click().run()
    assert "Stopping after the current step" in said(page)
    assert not page.button


def test_a_failed_task_tells_why_and_is_tried_again(workspace: Workspace, show: Show) -> None:
    number = tasks.ask(workspace, "count", {"to": 3})
    claim(workspace, number)
    finish(workspace, number, "failed", error="no *sheep*", remedy="buy some")
    page = show(0)
    assert page.error[0].value.replace("\\", "") == "The *count*: No *sheep*. Buy some."
    button(page, "Try again").click().run()
    newest = tasks.newest(workspace, "count")
    assert newest and (newest.status, newest.question) == ("queued", {"to": 3}) and newest.id > number
    assert "Waiting for its turn" in said(page)


def test_a_task_that_is_done_leaves_the_page_to_its_result(workspace: Workspace, show: Show) -> None:
    number = tasks.ask(workspace, "count", {"to": 3})
    claim(workspace, number)
    finish(workspace, number, "done", result={"counted": 3})
    page = show(number)
    assert said(page) == f"task {number} is done"


def test_the_time_left_follows_the_pace() -> None:
    moments = iter([0.0, 10.0, 20.0, 21.0, 22.0, 24.0])
    pace = Pace(clock=lambda: next(moments))
    told = [pace.with_time_left(Progress("a", done, 4)).left_s for done in (0, 1, 3)]
    assert told == [None, 30.0, pytest.approx(20 / 3)]
    assert pace.with_time_left(Progress("b", 1, 100)).left_s is None  # other work
    assert pace.with_time_left(Progress("b", 2, 100)).left_s == 98.0
    assert pace.with_time_left(Progress("b", 3, 100, left_s=5.0)).left_s == 5.0
