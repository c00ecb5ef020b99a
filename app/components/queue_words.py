"""What queues are called on screen, and which one is chosen."""

import streamlit as st

from app import actions, state
from hmgc_core.errors import HmgcError
from hmgc_core.records import QueueChoice, QueueKind
from hmgc_core.workflow import queues, selections
from hmgc_core.workflow.taxonomies import current_taxonomy
from hmgc_core.workflow.workspaces import Workspace

NAMES: dict[QueueKind, str] = {
    "unlabelled": "Not labelled yet",
    "unsure": "Least sure first",
    "contradicted": "Label and model disagree",
    "second-look": "A class has changed",
    "folder": "A folder",
    "class": "Called a class",
    "predicted": "Taken for a class",
    "selection": "A saved selection",
}
ABOUT: dict[QueueKind, str] = {
    "unlabelled": "In a shuffled order.",
    "unsure": "Not labelled yet; where the model is least sure.",
    "contradicted": "A second look at labels that the newest model contradicts, where it is surest first.",
    "second-look": "Your labels, and those of imports, whose class was split or changed since.",
    "folder": "Not labelled yet, as they lie in one folder.",
    "class": "A second look at everything that people so far called one class, or a class below it.",
    "predicted": "Not labelled yet; what the newest model takes for one class, or a class below it.",
    "selection": "Pictures that were saved on the Predictions page, labelled or not.",
}


def chosen(ws: Workspace) -> QueueChoice:
    """The queue of the address, else of this session; what nobody has labelled where that one is not there any more."""
    text = state.chosen(state.QUEUE)
    try:
        choice = QueueChoice.parse(text)
        queues.check(ws, choice)
    except HmgcError as error:
        state.choose(state.QUEUE, "")
        st.warning(actions.sentence(error), icon=":material/info:")
        return QueueChoice()
    if text and st.query_params.get(state.IN_ADDRESS[state.QUEUE]) != st.session_state.get(state.QUEUE):
        choose(choice)  # from the address into the session, or back
    return choice


def choose(choice: QueueChoice) -> None:
    """From now on these pictures come."""
    state.choose(state.QUEUE, "" if choice == QueueChoice() else str(choice))


def name(ws: Workspace, choice: QueueChoice) -> str:
    """A queue in a few words, as plain text."""
    if choice.kind == "folder":
        return f"Folder {queues.folder_path(ws, choice.of).name}"
    if choice.kind == "selection":
        saved = (one.name for one in selections.all_selections(ws) if str(one.id) == choice.of)
        return next(saved, NAMES["selection"])
    if choice.kind in ("class", "predicted"):
        taxonomy = current_taxonomy(ws)[1]
        verb = "Called" if choice.kind == "class" else "Taken for"
        return f"{verb} {taxonomy.name(taxonomy.index(choice.of))}"
    return NAMES[choice.kind]
