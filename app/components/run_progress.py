"""A training that waits or runs: how far it is, how long it takes, and a way to stop it. Refreshes itself."""

from collections.abc import Sequence

import streamlit as st

from app import actions
from app.components import wording
from app.security import escape_markdown
from hmgc_core.records import Run
from hmgc_core.workflow import training
from hmgc_core.workflow.workspaces import Workspace

EVERY_S = 2.0


def show(ws: Workspace, seen: Sequence[Run]) -> None:
    """Those of the runs that are active, looked at again every few seconds while there is one.

    When one begins or ends the whole page runs once more, so that everything on it tells the same. seen: the runs as
    the page read them before anything else; one that ended while the page was drawn has ended since.
    """
    active = {run.id: run.status for run in seen if run.is_active}
    if not active:
        return

    @st.fragment(run_every=EVERY_S)
    def watch() -> None:
        runs = [run for run in training.all_runs(ws) if run.id in active]
        if any(run.status != active[run.id] for run in runs):
            st.rerun()
        for run in sorted(runs, key=lambda run: (run.status == "queued", run.id)):
            _show_run(ws, run)

    watch()


def _show_run(ws: Workspace, run: Run) -> None:
    with st.container(border=True):
        with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
            st.markdown(f"**{escape_markdown(wording.run_title(run))}**", width="content")
            if not run.cancel_requested:
                st.button("Stop", key=f"stop-{run.id}", icon=":material/stop:", on_click=_stop, args=(ws, run.id))
        st.progress(min(1.0, max(0.0, run.progress)), text=escape_markdown(wording.how_far(run)))


def _stop(ws: Workspace, run_id: int) -> None:
    actions.do(training.cancel, ws, run_id)


def show_first(ws: Workspace, seen: Sequence[Run], what: str) -> bool:
    """Where no run has finished yet but one is active: say that `what` comes with it. Returns whether it is so."""
    if not training.awaits_first(seen):
        return False
    st.markdown(f"#### The first model is being trained. {what} when it has finished.")
    show(ws, seen)
    return True
