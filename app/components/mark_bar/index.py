"""Mount the line that names the chosen mark. It hears the charts in the browser, so a mark draws no chart anew."""

from collections.abc import Callable

import streamlit as st

from app.components.gallery import script

# The script comes by a route, once, with the gallery's: this line is sent again with each page of pictures.
LOADER = f"""
const bar = import(`${{location.origin}}/api/scripts/{script.name()}`)
export default (part) => {{
  bar.then((it) => it.nameMark(part))
  return () => bar.then((it) => it.forgetMarks(part.parentElement))
}}
"""
_COMPONENT = st.components.v2.component(
    "hmgc_mark_bar", html="<div class='mark-name' role='status'></div>\n", js=LOADER
)


def show(mark: str, words: str, *, is_problem: bool, key: str, on_choose: Callable[[str], None]) -> None:
    """Name a mark, "" for none. words: plain text. `on_choose(mark)` is called before the pictures run again."""

    def chosen() -> None:
        on_choose(str(st.session_state[key].chosen))

    data = {"mark": mark, "words": words, "problem": is_problem} if words else {}
    _COMPONENT(key=key, data=data, on_chosen_change=chosen)
