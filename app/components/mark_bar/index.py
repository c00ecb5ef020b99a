"""Mount the line that names the chosen mark. It hears the charts in the browser, so a mark draws no chart anew."""

from collections.abc import Callable
from pathlib import Path

import streamlit as st

HERE = Path(__file__).parent
_COMPONENT = st.components.v2.component(
    "hmgc_mark_bar",
    html="<div class='bar' role='status'></div>\n",
    css=(HERE / "mark_bar.css").read_text(),
    js=(HERE / "mark_bar.js").read_text(),
)


def show(mark: str, words: str, *, is_problem: bool, key: str, on_choose: Callable[[str], None]) -> None:
    """Name a mark, "" for none. words: plain text. `on_choose(mark)` is called before the pictures run again."""

    def chosen() -> None:
        on_choose(str(st.session_state[key].chosen))

    _COMPONENT(key=key, data={"mark": mark, "words": words, "problem": is_problem}, on_chosen_change=chosen)
