"""An answer of the inspector on a page: asked for, awaited, or its failure told with a way to try again."""

from collections.abc import Callable
from typing import TypeVar

import streamlit as st

from app import actions
from app.components import services
from app.components.waiting import index as waiting
from hmgc_core.errors import HmgcError
from hmgc_core.workflow import questions, training
from hmgc_core.workflow.workspaces import Workspace

Answer = TypeVar("Answer")


def show(
    ws: Workspace, ask: Callable[..., int], *args: object, what: str, read: Callable[[int], Answer]
) -> Answer | None:
    """The answer to the question that `ask(ws, *args, anew=…)` asks, read from its number; None while there is none.

    Until then it is told what is going on. what: "The graphs are", as a sentence about them begins.
    """
    number = actions.attempt(ask, ws, *args, anew=False)
    if isinstance(number, HmgcError):
        st.error(actions.sentence(number), icon=":material/error:")
        return None
    asked = questions.inspection(ws, number)
    if asked.status == "queued":
        show_wait(ws, number, what=what)
        return None
    try:
        if asked.status == "failed":
            raise HmgcError(asked.error, remedy=asked.remedy)
        return read(number)
    except HmgcError as error:  # its files may be gone
        st.error(actions.sentence(error), icon=":material/error:")
        icon = ":material/refresh:"
        st.button("Try again", icon=icon, key=f"again-{number}", on_click=_ask_anew, args=(ask, ws, *args))
        return None


def _ask_anew(ask: Callable[..., int], *args: object) -> None:
    actions.do(ask, *args, anew=True)


def show_wait(ws: Workspace, number: int, *, what: str) -> None:
    """What is going on; the browser waits for the end of it."""
    there = training.services(ws)
    if there["inspector"]:
        st.caption(f":material/hourglass_top: {what} being made. The first ones of a run take some seconds.")
    else:
        services.show_if_away(there, "inspector")
        st.caption(f"{what} asked for, and will appear here once it runs.")
    waiting.show(number)
