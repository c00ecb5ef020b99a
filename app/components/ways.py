"""The ways of labelling, above the annotate page; the chosen one stands in the address."""

import streamlit as st

from app import state
from app.components import link_notice

# A new way is one line here and one branch of the page.
WAYS = {"one": "One by one", "many": "Many at once", "mine": "My labels"}


def show() -> str:
    """The choice between the ways; returns the key of the chosen one in WAYS."""
    link_notice.leave_out({state.WAY: WAYS})
    asked = state.chosen(state.WAY)
    way = asked if asked in WAYS else next(iter(WAYS))
    if st.session_state.get(state.WAY_CONTROL) != way:
        st.session_state[state.WAY_CONTROL] = way
    st.segmented_control(
        "How to label",
        list(WAYS),
        format_func=WAYS.__getitem__,
        key=state.WAY_CONTROL,
        required=True,
        label_visibility="collapsed",
        on_change=_take,
    )
    return way


def go(way: str) -> None:
    """Go on in another way; the first needs no word in the address."""
    state.choose(state.WAY, "" if way == next(iter(WAYS)) else way)


def _take() -> None:
    go(st.session_state[state.WAY_CONTROL])
