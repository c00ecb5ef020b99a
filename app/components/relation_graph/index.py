"""The classes around an answer as a graph: what lies below what, what excludes what, and how likely each is."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import streamlit as st

from app.components import wording
from hmgc_core.workflow.relations import Shown

HERE = Path(__file__).parent
_COMPONENT = st.components.v2.component(
    "hmgc_relation_graph",
    html="<div class='relations'>\n</div>",
    css=(HERE / "relation_graph.css").read_text(),
    js=(HERE / "relation_graph.js").read_text(),
)


def show(
    shown: Sequence[Shown],
    *,
    focus: str,
    answer: str,
    actions: Sequence[tuple[str, str]],
    key: str,
    on_focus: Callable[[str], None],
    on_act: Callable[[str, str], None],
) -> tuple[str, str] | None:
    """Draw the graph around the class `focus`; `answer` is the one to go back to.

    actions: (word, text) of what can be done with a chosen class; "class" only where it is known. `on_focus(key)` is
    told of a class to look around. Of an action `on_act(word, key)` is told before the page runs again; in that run it
    is returned.
    """

    def focused() -> None:
        on_focus(str(st.session_state[key].focus))

    def acted() -> None:
        on_act(*map(str, st.session_state[key].act))

    data = {
        "focus": focus,
        "answer": answer,
        "actions": [list(one) for one in actions],
        "nodes": [_row(one) for one in shown],
    }
    mounted = _COMPONENT(key=key, data=data, on_focus_change=focused, on_act_change=acted)
    return None if mounted.act is None else (str(mounted.act[0]), str(mounted.act[1]))


def _row(one: Shown) -> list[Any]:
    """[key, name, parent, share in words, share, more, below, marks, column, row]; marks: letters of what it is."""
    marks = [("p", one.on_path), ("l", one.labelled), ("o", one.on_label), ("k", one.is_known)]
    return [
        one.key,
        one.name,
        one.parent,
        wording.percent(one.probability),
        round(one.probability, 4),
        one.more,
        one.below,
        "".join(letter for letter, holds in marks if holds),
        one.column,
        one.row,
    ]
