"""One class of the tree: what it is called, how much is labelled and found there, what lies below, and its pictures."""

from collections.abc import Callable

import streamlit as st

from app import state
from app.components import gallery_pages, tree_editor
from app.components.annotator import who
from app.components.wording import number, percent
from app.security import escape_markdown
from hmgc_core.records import Run
from hmgc_core.taxonomy import Taxonomy
from hmgc_core.workflow.tree import NodeCounts, labelled_images, predicted_images
from hmgc_core.workflow.tree_edits import second_look_ids
from hmgc_core.workflow.workspaces import Workspace

MOST_CHILDREN = 30
LABELLED, PREDICTED = "Labelled here or below", "Predicted here or below"


def show(
    ws: Workspace,
    tree: tuple[int, Taxonomy],
    node: int,
    *,
    counts: NodeCounts,
    run: Run | None,
    on_pick: Callable[[str], None],
) -> None:
    """Everything about one class of a tree (its version, and itself)."""
    version, taxonomy = tree
    st.subheader(escape_markdown(taxonomy.name(node)), anchor=False)
    _names(taxonomy, node)
    _figures(node, counts, run)
    _second_look(ws, taxonomy.keys[node])
    tree_editor.show(ws, version, taxonomy.keys[node])
    _children(taxonomy, node, counts, on_pick)
    _pictures(ws, version, taxonomy.keys[node], run)


def _names(taxonomy: Taxonomy, node: int) -> None:
    said = []
    if taxonomy.name(node) != taxonomy.keys[node]:
        said.append(f"Key: {escape_markdown(taxonomy.keys[node])}")
    if taxonomy.synonyms(node):
        said.append(f"Also called: {escape_markdown(', '.join(taxonomy.synonyms(node)))}")
    if said:
        st.caption(" · ".join(said))
    if taxonomy.note(node):
        st.markdown(escape_markdown(taxonomy.note(node)))


def _figures(node: int, counts: NodeCounts, run: Run | None) -> None:
    with st.grid(4, min_column_width=150):
        st.metric("Labels exactly here", number(int(counts.labels_here[node])))
        st.metric("Labels here or below", number(int(counts.labels[node])))
        if run:
            by = f"By run {run.id}, here or below."
            st.metric("Predicted", number(int(counts.predictions[node])), help=by)
        if run and node:  # every picture is found at the root
            measured = number(int(counts.measured[node]), "test picture")
            found = percent(float(counts.accuracy[node])) if counts.measured[node] else "–"
            about = f"Of {measured} labelled here or below, the share that run {run.id} also puts here."
            st.metric("Found", found, help=about)


def _second_look(ws: Workspace, key: str) -> None:
    waiting = len(second_look_ids(ws, annotator=who.current() or None, node=key))
    if waiting:
        st.page_link(
            "pages/annotate.py",
            label=f"{number(waiting, 'picture')} labelled here {'waits' if waiting == 1 else 'wait'} for a second look",
            icon=":material/visibility:",
            query_params={"queue": "second-look"},
        )


def _children(taxonomy: Taxonomy, node: int, counts: NodeCounts, on_pick: Callable[[str], None]) -> None:
    children = sorted(taxonomy.children(node).tolist(), key=lambda child: -int(counts.labels[child]))
    if not children:
        return
    st.markdown(f"**{number(len(children), 'class', 'classes')} directly below**")
    with st.container(horizontal=True, gap="xsmall"):
        for child in children[:MOST_CHILDREN]:
            name = escape_markdown(taxonomy.name(child))
            label = f"{name} :gray[{number(int(counts.labels[child]))}]"
            key = taxonomy.keys[child]
            st.button(label, key=f"child-{key}", on_click=on_pick, args=(key,))
    if len(children) > MOST_CHILDREN:
        st.caption(f"{number(len(children) - MOST_CHILDREN)} more: find them by name with the search box above.")


def _pictures(ws: Workspace, version: int, key: str, run: Run | None) -> None:
    views = [LABELLED, PREDICTED] if run else [LABELLED]
    view = st.segmented_control(
        "Pictures", views, default=LABELLED, required=True, key=state.NODE_PICTURES, persist_state="session"
    )

    def load(offset: int, count: int) -> list[int]:
        if view == PREDICTED and run:
            return predicted_images(ws, version, key, run.id, offset=offset, count=count)
        return labelled_images(ws, version, key, offset=offset, count=count)

    nothing = "No picture is predicted here." if view == PREDICTED else "No picture is labelled here yet."
    gallery_pages.show(load, key=f"node-{view}-{key}", nothing=nothing)
