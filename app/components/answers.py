"""What a model says about one picture, level by level, and what people said about it."""

from collections.abc import Sequence

import streamlit as st

from app.components import wording
from app.security import escape_markdown
from hmgc_core.records import Annotation, Run
from hmgc_core.taxonomy import Taxonomy
from hmgc_core.workflow import taxonomies
from hmgc_core.workflow.seeing import ImageView
from hmgc_core.workflow.workspaces import Workspace

SIGNS = {True: ":green[✓]", False: ":red[✗]", None: ":gray[–]"}


def show_prediction(run: Run, view: ImageView, *, title: str = "The model says") -> None:
    """One bar per level with its class, how sure the model is, and whether people agree; then its other answers."""
    st.subheader(title)
    for level in view.levels:
        text = f"{SIGNS[level.agrees]} **{escape_markdown(level.name)}** · {wording.percent(level.probability)}"
        st.progress(min(1.0, max(0.0, level.probability)), text=text)
    if any(level.agrees is False for level in view.levels):
        st.caption("✓ as people say · ✗ not as people say · – not labelled this far down")
    if view.alternatives:
        others = [f"{escape_markdown(name)} {wording.percent(share)}" for name, share in view.alternatives]
        st.caption(f"Other answers it thought of: {' · '.join(others)}")
    st.caption(escape_markdown(wording.run_title(run)))


def show_labels(ws: Workspace, history: Sequence[Annotation], view: ImageView | None) -> None:
    """The class people agree on, and every statement ever made, those taken back struck through."""
    st.subheader("People say")
    if view and view.label_path:
        st.markdown(" › ".join(f"**{escape_markdown(name)}**" for name in view.label_path))
    if view and view.is_open:
        st.markdown("**No class agreed on.**")
    if not history:
        st.caption("Nobody has labelled this picture yet.")
    for said in reversed(history):
        sentence = (
            f"{escape_markdown(said.annotator)}: {_statement(taxonomies.taxonomy_version(ws, said.taxonomy), said)}"
        )
        if said.withdrawn:
            sentence = f"~~{sentence}~~ (taken back)"
        st.markdown(f"{sentence} :gray[{escape_markdown(wording.ago(said.created_at))}]")


def _statement(taxonomy: Taxonomy, said: Annotation) -> str:
    words = wording.KINDS[said.kind]
    if said.kind == "unusable":
        return words
    name = taxonomy.name(taxonomy.index(said.node)) if said.node in taxonomy else said.node
    return f"{words} **{escape_markdown(name)}**"
