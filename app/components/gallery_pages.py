"""Turning the pages of pictures where only the next page tells whether there is one."""

import streamlit as st

PER_PAGE = 48


def turner(key: str, page: int, *, more: bool) -> None:
    """Buttons that go a page back or on; the number of the page, from 0, is kept in the session under `key`."""
    with st.container(horizontal=True, vertical_alignment="center"):
        for label, icon, to, there in (
            ("Previous", ":material/chevron_left:", page - 1, page > 0),
            ("Next", ":material/chevron_right:", page + 1, more),
        ):
            st.button(label, icon=icon, key=f"{key}-{label}", disabled=not there, on_click=_turn, args=(key, to))
        st.caption(f"Page {page + 1}", width="content")


def _turn(key: str, to: int) -> None:
    st.session_state[key] = to
