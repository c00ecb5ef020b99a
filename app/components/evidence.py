"""Why the model says so: the kinds of evidence for one picture, one at a time. A new kind is one line here."""

from collections.abc import Callable

import streamlit as st

from app import state
from app.components import graph_evidence, heatmaps, look_alikes, relations
from hmgc_core.records import Run
from hmgc_core.workflow.seeing import ImageView
from hmgc_core.workflow.workspaces import Workspace

# Word of the address -> (name, what draws it).
KINDS: dict[str, tuple[str, Callable[[Workspace, Run, ImageView], None]]] = {
    "heatmaps": ("Where the model looked", heatmaps.show),
    "patches": ("Connected patches", graph_evidence.show),
    "alike": ("Labelled pictures like it", look_alikes.show),
    "around": ("Around the answer", relations.show),
}


@st.fragment
def show(ws: Workspace, run: Run, view: ImageView) -> None:
    """A choice among the kinds, kept in the address, and the chosen one. Another kind draws nothing else anew."""
    chosen = state.chosen(state.EVIDENCE)
    kind = chosen if chosen in KINDS else next(iter(KINDS))
    if len(KINDS) > 1:
        st.segmented_control(
            "Why this answer",
            list(KINDS),
            default=kind,
            required=True,
            format_func=lambda name: KINDS[name][0],
            key=state.EVIDENCE_CONTROL,
            on_change=_choose,
        )
    KINDS[kind][1](ws, run, view)


def _choose() -> None:
    state.choose(state.EVIDENCE, st.session_state[state.EVIDENCE_CONTROL])
