"""Mount the line that names the chosen mark. It hears the charts in the browser, so a mark draws no chart anew."""

from collections.abc import Callable

import streamlit as st

from app.components.gallery.script import SCRIPT

# The script comes by a route, once, with the gallery's: this line is sent again with each page of pictures.
_COMPONENT = st.components.v2.component(
    "hmgc_mark_bar", html="<div class='mark-name' role='status'></div>\n", js=SCRIPT.loader("nameMark", "forgetMarks")
)


def show(mark: str, words: str, *, is_problem: bool, key: str, on_choose: Callable[[str], None]) -> None:
    """Name a mark, "" for none. words: plain text. `on_choose(mark)` is called before the pictures run again."""

    def chosen() -> None:
        on_choose(str(st.session_state[key].chosen))

    data = {"mark": mark, "words": words, "problem": is_problem} if words else {}
    _COMPONENT(key=key, data=data, on_chosen_change=chosen)
