"""The card of one class: figures, who labelled it at which level, what it is taken for; a choice of its pictures."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import streamlit as st

HERE = Path(__file__).parent
KEY = "tree.card"
_COMPONENT = st.components.v2.component(
    "hmgc_tree_card",
    html="<div class='card'>\n</div>",
    css=(HERE / "card.css").read_text(encoding="utf-8"),
    js=(HERE / "card.js").read_text(encoding="utf-8"),
)


@dataclass(frozen=True)
class Figure:
    """One figure of the class. note: of how many. help: how it is counted."""

    name: str
    value: str
    note: str
    help: str


@dataclass(frozen=True)
class Mistakes:
    """A part of the card. groups: (heading, [(what is said, pictures, address, number of the link)], what is left)."""

    title: str
    help: str
    groups: list[tuple[str, list[tuple[str, int, str, int]], str]]


def show(
    *,
    name: str,
    names: Sequence[str],
    note: str,
    ways: Sequence[tuple[str, str]],
    figures: Sequence[Figure],
    missing: Sequence[str],
    labels: dict[str, Any],
    mistakes: Sequence[Mistakes],
    changing: bool,
    tabs: dict[str, str],
    tab: str,
    told: str,
    page: tuple[int, int, int],
    on_tab: Callable[[str], None],
    on_turn: Callable[[int], None],
    on_change: Callable[[], None],
) -> tuple[int | None, int | None]:
    """Draw the card; gives which of `ways`, and which link of `mistakes`, was clicked, in the run after the click.

    names, missing: lines of text. ways: (words, address) of links to other pages. labels: {levels, more, people:
    [(name, labels at each level)]}. changing: the forms that change the class are open; on_change opens and closes
    them. told: a sentence about the pictures below the card, which `tab` of `tabs` chose; page: how many come
    before those in sight, how many are in sight at most, how many there are; on_turn gets the first of these anew.
    """

    def chosen() -> None:
        on_tab(str(st.session_state[KEY].pictures))

    def turned() -> None:
        on_turn(int(st.session_state[KEY].first))

    mounted = _COMPONENT(
        key=KEY,
        data={
            "name": name,
            "names": list(names),
            "note": note,
            "links": list(ways),
            "figures": [[one.name, one.value, one.note, one.help] for one in figures],
            "missing": list(missing),
            "labels": labels,
            "mistakes": [[one.title, one.help, one.groups] for one in mistakes],
            "tabs": list(tabs.items()),
            "tab": tab,
            "told": told,
            "page": page,
            "changing": changing,
        },
        on_pictures_change=chosen,
        on_first_change=turned,
        on_edit_change=on_change,
        on_go_change=lambda: None,
        on_way_change=lambda: None,
    )
    way, link = (None if sent is None else int(sent) for sent in (mounted.way, mounted.go))
    return way, link
