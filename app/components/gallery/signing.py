"""Who labels from a gallery, as its requests carry it; asked for in a window where nobody is known yet."""

import streamlit as st

from app import resources, security, state
from app.components.annotator import who


def signature() -> dict[str, object]:
    """token: "" while nobody is known. remember: 1 where the browser shall keep it as a cookie.

    The same token for the whole session: a new one each time would be a change that has to be sent.
    """
    name = who.current()
    if not name:
        return {"token": ""}
    kept = st.session_state.get(state.SIGNATURE)
    if kept is None or kept[0] != name:
        kept = name, security.sign(resources.workspace().secret(), name)
        st.session_state[state.SIGNATURE] = kept
    return {"token": kept[1], **({"remember": 1} if who.remembered() != name else {})}


def renew() -> None:
    """The app refused the token: sign another one at the next run."""
    st.session_state.pop(state.SIGNATURE, None)


@st.dialog("Before you go on")
def ask() -> None:
    """Ask who is labelling; then the page runs again, with a token."""
    if who.current():
        st.rerun()
    who.ask()
