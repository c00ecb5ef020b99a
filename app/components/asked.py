"""An answer of the inspector on a page: asked for, awaited, or its failure told with a way to try again."""

from collections.abc import Callable

import streamlit as st

from app import actions
from app.components import services
from hmgc_core.errors import HmgcError
from hmgc_core.workflow import questions, training
from hmgc_core.workflow.questions import Inspection
from hmgc_core.workflow.workspaces import Workspace

EVERY_S = 0.4


def show(ws: Workspace, ask: Callable[..., int], *args: object, what: str) -> Inspection | None:
    """The question that `ask(ws, *args, anew=…)` asks, once it is answered; until then what is going on, and None.

    what: "The graphs are", as a sentence about them begins.
    """
    number = actions.attempt(ask, ws, *args, anew=False)
    found = number if isinstance(number, HmgcError) else actions.attempt(questions.inspection, ws, number)
    if isinstance(found, HmgcError):
        st.error(actions.sentence(found), icon=":material/error:")
        return None
    if found.status == "done":
        return found
    if found.status == "failed":
        st.error(actions.sentence(HmgcError(found.error, remedy=found.remedy)), icon=":material/error:")
        again = {"icon": ":material/refresh:", "key": f"again-{found.id}"}
        st.button("Try again", on_click=actions.do, args=(ask, ws, *args), kwargs={"anew": True}, **again)
        return None
    _await(ws, found.id, what)
    return None


@st.fragment(run_every=EVERY_S)
def _await(ws: Workspace, number: int, what: str) -> None:
    """Looks until the answer is there; then the whole page runs once more, without looking again."""
    if questions.inspection(ws, number).status != "queued":
        st.rerun()
    there = training.services(ws)
    if there["inspector"]:
        st.caption(f":material/hourglass_top: {what} being made. The first ones of a run take some seconds.")
    else:
        services.show_if_away(there, "inspector")
        st.caption(f"{what} asked for, and will appear here once it runs.")
