"""Words of an address that mean nothing on the page: told, and left out of it; the page then shows its own choice."""

from collections.abc import Callable, Collection, Iterable, Mapping

import streamlit as st

from app import state
from app.security import escape_markdown

MOST_LETTERS = 40

Meaning = Collection[str] | Callable[[str], bool]


def leave_out(known: Mapping[str, Meaning]) -> None:
    """Take from the address what none of `known` says: session key (see `state.IN_ADDRESS`) -> its words, or a test."""
    wrong = []
    for key, meaning in known.items():
        name = state.IN_ADDRESS[key]
        said = st.query_params.get(name)
        if said and not (meaning(said) if callable(meaning) else said in meaning):
            wrong.append(f"{name}={said[:MOST_LETTERS]}")
            state.choose(key, "")
    tell(wrong)


def tell(wrong: Iterable[str]) -> None:
    """Say which parts of a link were left out; nothing where none was."""
    words = escape_markdown(", ".join(wrong))
    if words:
        st.warning(f"Part of this link means nothing here and was left out: {words}", icon=":material/link_off:")


def is_number(said: str) -> bool:
    """Whether `state.chosen_number` reads it."""
    return state.as_number(said) is not None


def is_level(depth: int) -> Callable[[str], bool]:
    """A test for a level of a tree of this depth."""
    return lambda said: 1 <= (state.as_number(said) or 0) <= depth
