"""The last change of the class tree and the way back: right after a change in sight, later one click away."""

import streamlit as st

from app import actions, state
from app.components import edit_words, tree_editor
from app.components.annotator import who
from app.components.wording import ago
from app.security import escape_markdown
from hmgc_core.errors import HmgcError
from hmgc_core.taxonomy import Taxonomy
from hmgc_core.workflow import tree_edits
from hmgc_core.workflow.tree_edits import LastChange
from hmgc_core.workflow.workspaces import Workspace


def show_done(ws: Workspace, version: int) -> None:
    """What this session has just changed, and a button that takes it back; and an error of that button."""
    actions.show_problem(state.TREE_CHANGES)
    if st.session_state.get(state.TREE_EDITED) != version:
        return
    last = tree_edits.last_change(ws)
    if last is None or last.version != version:
        return
    with st.container(border=True, horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        st.markdown(f":material/check: {edit_words.done(last.edit, last.source)}.", width="content")
        _undo_button(ws, version, "done")


def show(ws: Workspace, taxonomy: Taxonomy) -> None:
    """A popover that tells the last change, what taking it back would do, and does it."""
    last = tree_edits.last_change(ws)
    if last is None:
        return
    with st.popover("Last change", icon=":material/history:", key=state.TREE_CHANGES, on_change="rerun") as popover:
        if popover.open:
            with st.container(width=480):
                _show_way_back(ws, taxonomy, last)


def _show_way_back(ws: Workspace, taxonomy: Taxonomy, last: LastChange) -> None:
    by = f", by {escape_markdown(last.author)}" if last.author else ""
    st.markdown(f"{edit_words.done(last.edit, last.source)}.")
    st.caption(f"{ago(last.created_at)}{by}")
    plan = actions.attempt(tree_edits.preview_undo, ws)
    if isinstance(plan, HmgcError):
        st.error(actions.sentence(plan), icon=":material/error:")
        return
    tree_editor.show_plan(plan, taxonomy)
    _undo_button(ws, plan.seen, "later")


def _undo_button(ws: Workspace, seen: int, place: str) -> None:
    key = f"{state.TREE_CHANGES}.{place}"
    st.button("Undo", icon=":material/undo:", on_click=_undo, args=(ws, seen), key=key)


def _undo(ws: Workspace, seen: int) -> None:
    done = actions.do(tree_edits.undo_edit, ws, seen=seen, by=who.current(), at=state.TREE_CHANGES)
    if done is not None:
        st.session_state.pop(state.TREE_EDITED, None)
        st.toast(f"Taken back: {edit_words.done(done.edit)}.", icon=":material/undo:")
