"""Who is labelling: told by the cookie or by this session, else asked for, once."""

import streamlit as st

from app import actions, resources, state
from app.security import annotator_of, cookie_of, escape_markdown
from hmgc_core.errors import NotAllowed
from hmgc_core.workflow import labelling

MOST_OFFERED = 8
NEW_NAME = "annotate.new_name"
KNOWN_NAME = "annotate.known_name"


def current() -> str:
    """The annotator's name, "" where it has to be asked for."""
    chosen = st.session_state.get(state.ANNOTATOR)
    return remembered() if chosen is None else str(chosen)


def remembered() -> str:
    """Whom the browser's cookie names, "" for nobody."""
    secret = resources.workspace().secret()
    try:
        return annotator_of(secret, st.context.cookies.get(cookie_of(secret), ""))
    except NotAllowed:
        return ""


def ask() -> None:
    """A small form for the name; offers those who labelled before."""
    ws = resources.workspace()
    known = sorted(labelling.people(ws)[-MOST_OFFERED:], key=str.casefold)
    st.subheader("Who is labelling?")
    st.caption("Your labels carry this name. You are asked once in this browser.")
    with st.form("annotate.who", border=False, width=420):
        st.text_input("Your name", key=NEW_NAME, autocomplete="name")  # one too long is told so
        st.form_submit_button("Start labelling", type="primary", on_click=_take, args=(NEW_NAME,))
        actions.show_problem(state.ANNOTATOR)
    if known:
        st.pills("Or go on as", known, key=KNOWN_NAME, format_func=escape_markdown, on_change=_take, args=(KNOWN_NAME,))


def leave() -> None:
    """Someone else wants to label: ask again."""
    st.session_state[state.ANNOTATOR] = ""


def _take(key: str) -> None:
    name = actions.do(labelling.annotator, resources.workspace(), st.session_state[key] or "", at=state.ANNOTATOR)
    if name is not None:
        st.session_state[state.ANNOTATOR] = name
