"""Turning the pages of pictures, whether their number is known or only the next page tells if there is one."""

import streamlit as st

PER_PAGE = 48


def pager(key: str, found: int, per_page: int) -> int:
    """The page in sight, from 1, kept in the session under `key`, and where there are more, a way to turn them.

    Where there are fewer than before it is the last one: what was labelled on it may no longer belong there.
    """
    last = max(1, -(-found // per_page))
    page = int(st.session_state.get(key, 1))
    if page > last:
        page = st.session_state[key] = last
    if last > 1:
        st.pagination(last, key=key)
    return page


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
