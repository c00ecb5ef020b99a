"""What one picture is marked as a good example of, and the way to take such a mark back."""

import streamlit as st

from app import actions
from app.components import wording
from app.security import escape_markdown
from hmgc_core.taxonomy import Taxonomy
from hmgc_core.workflow import references
from hmgc_core.workflow.references import ReferenceMark
from hmgc_core.workflow.taxonomies import newest_taxonomy
from hmgc_core.workflow.workspaces import Workspace


def show(ws: Workspace, image_id: int) -> None:
    """A line and a button for each class; nothing where there is none."""
    tree = newest_taxonomy(ws)
    for mark in references.of_image(ws, image_id) if tree else []:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(f":material/star: {_said(tree[1] if tree else None, mark)}", width="content")
            key = f"unmark-{image_id}-{mark.said}"
            st.button("Take back", key=key, type="tertiary", on_click=_take_back, args=(ws, mark))


def _said(taxonomy: Taxonomy | None, mark: ReferenceMark) -> str:
    by = f":gray[{escape_markdown(mark.annotator)}, {escape_markdown(wording.ago(mark.created_at))}]"
    if taxonomy and mark.node:
        return f"Reference for **{escape_markdown(taxonomy.name(taxonomy.index(mark.node)))}** {by}"
    return f"Reference for {escape_markdown(mark.said)}, a class that the tree no longer has {by}"


def _take_back(ws: Workspace, mark: ReferenceMark) -> None:
    actions.do(references.unmark, ws, mark.node or mark.said, [mark.image_id])
