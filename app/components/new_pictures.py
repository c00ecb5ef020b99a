"""Pictures that came in after a training: how many a run has no prediction for, and the button that gets them."""

import streamlit as st

from app import actions, resources
from app.components import task_progress
from app.components.wording import number
from hmgc_core.records import Run
from hmgc_core.workflow import new_pictures, tasks
from hmgc_core.workflow.workspaces import Workspace

WHAT = "Predictions of the new pictures"


def show(ws: Workspace, run: Run) -> None:
    """What the run has not seen yet, or how far it is with that; nothing where it has seen all it can read."""
    task = tasks.newest(ws, new_pictures.KIND, run_id=run.id)
    if task is not None and task.is_active:
        task_progress.show(ws, task, what=WHAT)
        return
    count = resources.unpredicted(ws, run.id)
    if not count:
        return
    if task is not None and task.status == "failed":
        task_progress.show(ws, task, what=WHAT)
        return
    with (
        st.container(border=True),
        st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"),
    ):
        st.markdown(f"Run {run.id} has no prediction for {number(count, 'picture')} yet.", width="content")
        st.button(
            "Predict it" if count == 1 else "Predict them",
            icon=":material/visibility:",
            key=f"new-pictures-{run.id}",
            on_click=actions.do,
            args=(new_pictures.ask, ws, run.id),
        )
