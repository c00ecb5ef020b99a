"""The ways of doing the work of a page, above it; the chosen one stands in the address."""

from collections.abc import Mapping

import streamlit as st

from app import state
from app.components import link_notice

# A new way is one line here and one branch of the page.
WAYS = {"one": "One by one", "many": "Many at once", "mine": "My labels"}


def show() -> str:
    """The choice between the ways of labelling; returns the key of the chosen one in WAYS."""
    return choice("How to label", WAYS, state.WAY)


def choice(label: str, ways: Mapping[str, str], key: str) -> str:
    """The choice between ways, key -> words; returns the key of the chosen one, the first where nothing is said.

    key: of the state, one of `state.IN_ADDRESS`.
    """
    link_notice.leave_out({key: ways})
    asked, control = state.chosen(key), f"{key}.control"
    way = asked if asked in ways else next(iter(ways))
    if st.session_state.get(control) != way:
        st.session_state[control] = way
    st.segmented_control(
        label,
        list(ways),
        format_func=ways.__getitem__,
        key=control,
        required=True,
        label_visibility="collapsed",
        on_change=_take,
        args=(key, next(iter(ways))),
    )
    return way


def go(way: str) -> None:
    """Go on in another way of labelling; the first needs no word in the address."""
    state.choose(state.WAY, "" if way == next(iter(WAYS)) else way)


def _take(key: str, first: str) -> None:
    way = st.session_state[f"{key}.control"]
    state.choose(key, "" if way == first else way)
