"""A training that waits or runs: how far it is, how long it takes, and a way to stop it. Refreshes itself."""

import streamlit as st

from app import actions
from app.components import wording
from app.security import escape_markdown
from hmgc_core.records import Run
from hmgc_core.workflow import training
from hmgc_core.workflow.workspaces import Workspace

EVERY_S = 2.0


def show(ws: Workspace) -> None:
    """The runs that are active, looked at again every few seconds while there is one.

    When one ends the whole page runs once more, so that everything on it tells the end.
    """
    active = [run.id for run in training.all_runs(ws) if run.is_active]
    if not active:
        return

    @st.fragment(run_every=EVERY_S)
    def watch() -> None:
        runs = {run.id: run for run in training.all_runs(ws)}
        if any(not runs[number].is_active for number in active if number in runs):
            st.rerun()
        for number in active:
            _show_run(ws, runs[number])

    watch()


def _show_run(ws: Workspace, run: Run) -> None:
    with st.container(border=True):
        with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
            st.markdown(f"**{escape_markdown(wording.run_title(run))}**", width="content")
            if not run.cancel_requested:
                st.button("Stop", key=f"stop-{run.id}", icon=":material/stop:", on_click=_stop, args=(ws, run.id))
        st.progress(min(1.0, max(0.0, run.progress)), text=escape_markdown(_how_far(run)))


def _stop(ws: Workspace, run_id: int) -> None:
    actions.do(training.cancel, ws, run_id)


def _how_far(run: Run) -> str:
    if run.cancel_requested:
        return "Stopping after the current step"
    if run.status == "queued":
        return "Waiting for its turn"
    parts = [run.stage or "starting", wording.percent(run.progress)]
    if run.images_per_s:
        parts.append(f"{run.images_per_s:,.0f} pictures per second")
    if run.left_s:
        parts.append(f"about {wording.lasting(run.left_s)} left")
    return ", ".join(parts)
