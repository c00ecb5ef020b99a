"""Save the pictures of a search under a name, to label them one after the other."""

from collections.abc import Callable

import streamlit as st

from app import actions, resources, state
from app.components.wording import number
from hmgc_core.records import QueueChoice
from hmgc_core.workflow import selections


def ask(found: int, load: Callable[[], list[int]]) -> None:
    """Open a window that asks for the name; `load` gives the pictures, in order, when it is sent."""
    st.session_state.pop(state.SELECTION_SAVED, None)
    _window(found, load)


@st.dialog("Save as selection")
def _window(found: int, load: Callable[[], list[int]]) -> None:
    saved = st.session_state.get(state.SELECTION_SAVED)
    if saved:
        st.success("Saved.", icon=":material/check:")
        choice = QueueChoice("selection", str(saved))
        st.page_link("pages/annotate.py", label="Label these pictures", query_params={"queue": str(choice)})
        return
    with st.form("selection", border=False):
        st.text_input("Name", key=state.SELECTION_NAME, max_chars=selections.LONGEST_NAME)
        st.form_submit_button(f"Save {number(found, 'picture')}", on_click=_save, args=(load,))
    actions.show_problem(state.SELECTION_NAME)


def _save(load: Callable[[], list[int]]) -> None:
    name = st.session_state[state.SELECTION_NAME] or ""
    saved = actions.do(selections.save, resources.workspace(), name, load(), at=state.SELECTION_NAME)
    st.session_state[state.SELECTION_SAVED] = saved.id if saved else None
    if saved:
        st.session_state[state.SELECTION_NAME] = ""
