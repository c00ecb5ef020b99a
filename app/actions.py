"""Run a verb from a callback: an HmgcError becomes a message on the page, anything else is a bug and passes."""

from collections.abc import Callable
from typing import Any, TypeVar

import streamlit as st

from app import state
from app.security import escape_markdown
from hmgc_core.errors import HmgcError

Result = TypeVar("Result")


def do(verb: Callable[..., Result], *args: Any, at: str = "", **kwargs: Any) -> Result | None:
    """Call a verb of `workflow`; at an error return None and tell it: at this place of the page, else as a toast."""
    try:
        return verb(*args, **kwargs)
    except HmgcError as error:
        if at:
            st.session_state[f"{state.PROBLEM}.{at}"] = sentence(error)
        else:
            st.toast(sentence(error), icon=":material/error:", duration="long")
        return None


def show_problem(at: str) -> None:
    """The error of the last `do` at this place, once: whatever is done next takes it away."""
    problem = st.session_state.pop(f"{state.PROBLEM}.{at}", "")
    if problem:
        st.error(problem, icon=":material/error:")


def attempt(verb: Callable[..., Result], *args: Any, **kwargs: Any) -> Result | HmgcError:
    """Call a verb while a page is drawn; its error comes back as a value, to be shown where it belongs."""
    try:
        return verb(*args, **kwargs)
    except HmgcError as error:
        return error


def show_page(run: Callable[[], None]) -> None:
    """Draw a page; what nobody on it could deal with, such as a damaged database, takes the place of the rest."""
    try:
        run()
    except HmgcError as error:
        st.error(sentence(error), icon=":material/error:")


def sentence(error: HmgcError) -> str:
    """An error and its remedy as one text that is safe as markdown."""
    text = f"{error}. {error.remedy[:1].upper()}{error.remedy[1:]}." if error.remedy else f"{error}."
    is_word = text.partition(" ")[0].isalpha()  # and not the name of a file
    return escape_markdown(text[:1].upper() + text[1:] if is_word else text)
