"""Evidence of the tree: the classes around the answer, what each excludes, and how likely the model holds each."""

import streamlit as st

from app import state
from app.components import asked
from app.components.relation_graph import index as relation_graph
from hmgc_core.records import Run
from hmgc_core.workflow import graph, relations
from hmgc_core.workflow.relations import Relations
from hmgc_core.workflow.seeing import ImageView
from hmgc_core.workflow.workspaces import Workspace

HEATMAPS, PATCHES, CLASS = "heatmaps", "patches", "class"


@st.fragment
def show(ws: Workspace, run: Run, view: ImageView) -> None:
    """The part of the class tree that the answer was chosen from. A part of its own: to look around draws no page."""

    def read(number: int) -> Relations:
        return relations.around(ws, number, view.prediction.node, focus=state.chosen(state.HEAT_NODE))

    what = "The probabilities of all classes are"
    found = asked.show(ws, relations.ask_answer, run.id, view.image.id, what=what, read=read)
    if found is None:
        return
    if found.is_old:
        st.caption(
            f":material/history: Run {run.id} learned an earlier version of the class tree; this is that version. "
            "Classes that are gone have no page to open."
        )
    offers = [(HEATMAPS, "Where the model looked for it"), (CLASS, "Open the class")]
    if graph.connects_patches(run):
        offers.insert(1, (PATCHES, "Connected patches for it"))
    act = relation_graph.show(
        found.shown,
        focus=found.focus,
        answer=found.answer,
        actions=offers,
        key=f"around-{run.id}-{view.image.id}",
        on_focus=lambda key: state.choose(state.HEAT_NODE, key),
        on_act=_choose,
    )
    if act is not None:
        _go(*act)


def _choose(word: str, key: str) -> None:
    """The class goes into the address, so that the other kind of evidence, or the class page, is about it."""
    state.choose(state.NODE if word == CLASS else state.HEAT_NODE, key)
    if word != CLASS:
        state.choose(state.EVIDENCE, word)
        st.session_state.pop(state.EVIDENCE_CONTROL, None)


def _go(word: str, key: str) -> None:
    if word == CLASS:
        st.switch_page("pages/taxonomy.py", query_params={state.IN_ADDRESS[state.NODE]: key})
    st.rerun()
