"""The dialog in which a person chooses which pictures come next, and how the work is shared."""

import streamlit as st

from app import actions, resources, state
from app.components import node_search, queue_words, sharing_form
from app.components.wording import number
from app.security import escape_markdown
from hmgc_core.errors import HmgcError
from hmgc_core.records import QUEUE_KINDS, QueueChoice, QueueKind
from hmgc_core.workflow import queues, seeing, selections
from hmgc_core.workflow.taxonomies import current_taxonomy
from hmgc_core.workflow.workspaces import Workspace

COUNTED = ("unlabelled", "unsure", "second-look")  # quick to count: their number stands beside the choice


def ask() -> None:
    """Open the dialog in the run that follows."""
    st.session_state[state.QUEUE_ASKED] = True


def show_if_asked(ws: Workspace, annotator: str) -> None:
    """The dialog, where it was just asked for; it opens at the choice that is in use."""
    if not st.session_state.pop(state.QUEUE_ASKED, False):
        return
    st.session_state.pop(state.QUEUE_TAKEN, None)
    choice = queue_words.chosen(ws)
    st.session_state[state.QUEUE_KIND] = choice.kind
    if choice.kind == "folder":
        st.session_state[state.QUEUE_FOLDER] = choice.of
    if choice.kind in ("class", "predicted"):
        st.session_state[state.QUEUE_NODE] = choice.of
    if choice.kind == "selection":
        st.session_state[state.QUEUE_SELECTION] = int(choice.of)
    _show(ws, annotator)


@st.dialog("Which pictures come next?", width="medium", on_dismiss="rerun")
def _show(ws: Workspace, annotator: str) -> None:
    if st.session_state.pop(state.QUEUE_TAKEN, False):
        st.rerun()  # a queue was chosen: this closes the dialog
    has_run = seeing.newest_done(ws) is not None
    saved = selections.all_selections(ws)
    kinds = [kind for kind in QUEUE_KINDS if has_run or kind not in queues.NEEDS_RUN]
    if not saved:
        kinds.remove("selection")
    if st.session_state.get(state.QUEUE_KIND) != "second-look" and not _waits(ws, annotator):
        kinds.remove("second-look")
    kind = st.radio(
        "Pictures",
        kinds,
        format_func=queue_words.NAMES.__getitem__,
        captions=[_caption(ws, kind, annotator) for kind in kinds],
        key=state.QUEUE_KIND,
        label_visibility="collapsed",
    )
    choice = _choice(ws, kind)
    if choice is not None:
        _take(ws, choice, annotator)
    if not has_run:
        st.caption("More to choose from comes with the first finished training.")
    with st.expander("How the work is shared", icon=":material/group:"):
        sharing_form.show(ws)


def _caption(ws: Workspace, kind: QueueKind, annotator: str) -> str:
    about = queue_words.ABOUT[kind]
    if kind not in COUNTED:
        return about
    return f"{about} {number(_size(ws, QueueChoice(kind), annotator).left, 'picture')}."


def _size(ws: Workspace, choice: QueueChoice, annotator: str) -> queues.QueueSize:
    return resources.queue_size(ws, choice, annotator, st.session_state.get(state.QUEUE_ROUND, 0))


def _waits(ws: Workspace, annotator: str) -> bool:
    """The class of some label has changed since it was given."""
    return _size(ws, QueueChoice("second-look"), annotator).left > 0


def _choice(ws: Workspace, kind: QueueKind) -> QueueChoice | None:
    """The whole choice, None while a part of it is missing."""
    if kind == "folder":
        folders = {folder.of: folder for folder in resources.folders(ws)}
        if st.session_state.get(state.QUEUE_FOLDER) not in folders:
            st.session_state.pop(state.QUEUE_FOLDER, None)
        st.selectbox(
            "Folder",
            list(folders),
            format_func=lambda of: f"{folders[of].path} ({number(folders[of].pictures)})",
            key=state.QUEUE_FOLDER,
        )
        return QueueChoice(kind, st.session_state[state.QUEUE_FOLDER])
    if kind in ("class", "predicted"):
        return _of_class(ws, kind)
    if kind == "selection":
        return _of_selection(ws)
    return QueueChoice(kind)


def _of_class(ws: Workspace, kind: QueueKind) -> QueueChoice | None:
    _, taxonomy = current_taxonomy(ws)
    node_search.show(taxonomy, key=state.QUEUE_SEARCH, label="Find the class", on_pick=_pick)
    key = st.session_state.get(state.QUEUE_NODE, "")
    if key not in taxonomy:
        return None
    st.markdown(f"**{escape_markdown(taxonomy.name(taxonomy.index(key)))}**")
    return QueueChoice(kind, key)


def _pick(key: str) -> None:
    st.session_state[state.QUEUE_NODE] = key


def _of_selection(ws: Workspace) -> QueueChoice | None:
    saved = {one.id: one for one in selections.all_selections(ws)}
    with st.container(horizontal=True, vertical_alignment="bottom"):
        chosen = st.selectbox(
            "Selection",
            list(saved),
            format_func=lambda of: f"{saved[of].name} ({number(saved[of].total)})",
            key=state.QUEUE_SELECTION,
        )
        st.button("Delete", icon=":material/delete:", on_click=_delete, args=(ws, chosen))
    return QueueChoice("selection", str(chosen))


def _delete(ws: Workspace, selection: int) -> None:
    actions.do(selections.delete, ws, selection)
    st.session_state.pop(state.QUEUE_SELECTION, None)
    if not selections.all_selections(ws):
        st.session_state[state.QUEUE_KIND] = QueueChoice().kind


def _take(ws: Workspace, choice: QueueChoice, annotator: str) -> None:
    """How many pictures that are, and the buttons that choose them."""
    found = actions.attempt(_size, ws, choice, annotator)
    if isinstance(found, HmgcError):
        st.error(actions.sentence(found), icon=":material/error:")
        return
    left = number(found.left, "picture")
    st.caption(f"{left} of {number(found.total)} left" if found.left < found.total else f"{left} to label")
    with st.container(horizontal=True):
        st.button("Label these", type="primary", disabled=not found.left, on_click=_take_up, args=(choice,))
        if found.left < found.total:
            st.button("Start over", icon=":material/restart_alt:", on_click=_start_over, args=(ws, choice, annotator))


def _take_up(choice: QueueChoice) -> None:
    queue_words.choose(choice)
    st.session_state[state.QUEUE_TAKEN] = True
    st.session_state[state.QUEUE_ROUND] = st.session_state.get(state.QUEUE_ROUND, 0) + 1


def _start_over(ws: Workspace, choice: QueueChoice, annotator: str) -> None:
    actions.do(queues.start_over, ws, choice, annotator=annotator)
    _take_up(choice)
