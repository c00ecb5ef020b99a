"""Waits in the browser for an answer of the inspector: the page runs anew when it is there, and not before."""

from pathlib import Path

import streamlit as st

HERE = Path(__file__).parent
_COMPONENT = st.components.v2.component(
    "hmgc_waiting", html="<span class='waiting'>\n</span>", js=(HERE / "waiting.js").read_text()
)


def show(question: int) -> None:
    """Runs this part of the page anew once the question has ended, or once the inspector has come or gone."""
    _COMPONENT(key=f"waiting-{question}", data={"question": question}, on_ended_change=_runs_anew)


def _runs_anew() -> None:
    """Nothing to do: the run that follows finds what was waited for."""
