"""Pictures page by page, where only the next page tells whether there is one. A click opens the picture."""

from collections.abc import Callable

import streamlit as st

from app.components.gallery import index as gallery

PER_PAGE = 48


def show(load: Callable[[int, int], list[int]], *, key: str, nothing: str) -> None:
    """Pages of `load(offset, count)`; `nothing` is said where there is no picture. Turning a page redraws only this."""

    @st.fragment
    def pages() -> None:
        page = int(st.session_state.get(key, 0))
        found = load(page * PER_PAGE, PER_PAGE + 1)
        if not found:
            st.caption(nothing)
            return
        opened = gallery.show_plain(found[:PER_PAGE], key=f"{key}-gallery")
        if page or len(found) > PER_PAGE:
            turner(key, page, more=len(found) > PER_PAGE)
        if opened is not None:
            st.switch_page("pages/predictions.py", query_params={"image": str(opened)})

    pages()


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
