"""A task that the worker carries out: how far it is, how long it takes, a way to stop it, and how it failed."""

import streamlit as st

from app import actions
from app.components import services, wording
from app.security import escape_markdown
from hmgc_core.errors import HmgcError
from hmgc_core.records import Task
from hmgc_core.workflow import coarse_labels, picture_maps, tasks, training
from hmgc_core.workflow.workspaces import Workspace

EVERY_S = 1.0
LONG = {coarse_labels.KIND: wording.COARSE_LABELS, picture_maps.KIND: wording.MAP}


def show(ws: Workspace, task: Task, *, what: str) -> None:
    """Where a task stands, looked at again every second until it ends; then the whole page runs once more.

    what: its outcome as people call it, as `The map of all pictures`. A task that is done shows nothing: its result
    is the page's to show. One that failed or was stopped offers to be tried again.
    """
    if task.is_active:
        _watch(ws, task.id, what)
    elif task.status != "done":
        _ended(ws, task, what)


def long_ones(ws: Workspace) -> list[Task]:
    """The comparisons and maps that wait or run, wherever they were asked for. Searches have a view of their own."""
    return [task for task in tasks.active(ws) if task.kind in LONG]


def show_long(ws: Workspace, active: list[Task]) -> None:
    """Where these stand, each until it ends, under the name of what comes of it."""
    for task in active:
        _watch(ws, task.id, f"{LONG[task.kind]}, run {task.run_id}")


def _watch(ws: Workspace, task_id: int, what: str) -> None:
    @st.fragment(run_every=EVERY_S)
    def watch() -> None:
        task = tasks.task(ws, task_id)
        if not task.is_active:
            st.rerun()
        services.show_if_away(training.services(ws), "worker")
        _how_far(ws, task, what)

    watch()


def _how_far(ws: Workspace, task: Task, what: str) -> None:
    with st.container(border=True):
        with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
            st.markdown(f"**{escape_markdown(what)}**", width="content")
            if not task.cancel_requested:
                key = f"task-stop-{task.id}"
                st.button(
                    "Stop", key=key, icon=":material/stop:", on_click=actions.do, args=(tasks.cancel, ws, task.id)
                )
        st.progress(min(1.0, max(0.0, task.progress)), text=escape_markdown(_words(ws, task)))


def _words(ws: Workspace, task: Task) -> str:
    """What it does, and how long it will take."""
    if task.cancel_requested:
        return "Stopping after the current step"
    if task.status == "queued":
        busy = next((run.id for run in training.all_runs(ws) if run.status == "running"), None)
        return "Waiting for its turn" + (f", after the training of run {busy}" if busy else "")
    if not task.stage:
        return "Starting"
    left = f", about {wording.lasting(task.left_s)} left" if task.left_s is not None else ""
    return f"{task.stage[:1].upper()}{task.stage[1:]}{left}"


def _ended(ws: Workspace, task: Task, what: str) -> None:
    if task.status == "failed":
        st.error(
            f"{escape_markdown(what)}: {actions.sentence(HmgcError(task.error, remedy=task.remedy))}",
            icon=":material/error:",
        )
    else:
        st.info(f"{escape_markdown(what)}: stopped before the end.", icon=":material/block:")
    again = (tasks.ask, ws, task.kind, task.question)
    st.button(
        "Try again",
        key=f"task-again-{task.id}",
        icon=":material/refresh:",
        on_click=actions.do,
        args=again,
        kwargs={"run_id": task.run_id, "anew": True},
    )
