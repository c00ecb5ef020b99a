"""Mount the charts. Names and numbers are sent; the browser draws them, and tells which mark was chosen."""

from collections.abc import Callable, Mapping
from typing import Any

import streamlit as st

from app.components.drawn_charts.script import SCRIPT

# All of the script comes by a route, once: with each chart travels no more than its loader.
_COMPONENT = st.components.v2.component(
    "hmgc_drawn_charts", html="<div class='frame'><div class='drawing'>\n</div></div>", js=SCRIPT.loader()
)


def show(data: Mapping[str, Any], *, key: str, on_below: Callable[[str], None]) -> None:
    """Draw the chart that `data` describes (see the scripts for each kind).

    Without `parts` and `kind` nothing is drawn. `left`: the mark of the chart before is given up, and the gallery told.
    on_below: gets the key of the class whose classes are wanted, before the part runs again. A mark is told in the
    browser, to the bar above the pictures.
    """

    def below() -> None:
        on_below(str(st.session_state[key].below))

    _COMPONENT(key=key, data=dict(data), on_below_change=below)
