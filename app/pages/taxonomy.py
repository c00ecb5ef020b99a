"""Class tree: how much is labelled and how much is known at each class, and its pictures; bring in a new tree."""

import streamlit as st

from app import resources, state
from app.components import breadcrumbs, charts, node_panel, node_search, taxonomy_import, tree_changes, tree_view
from app.components.wording import number
from hmgc_core.workflow import seeing, taxonomies, tree_edits

COLOURS = {"accuracy": "Colour: share found", "labels": "Colour: labels"}

ws = resources.workspace()
newest = taxonomies.newest_taxonomy(ws)

st.header("Class tree")
if newest is None:
    st.markdown("There is no class tree yet. It says which classes there are and how they belong together.")
    taxonomy_import.show(ws)
    st.stop()

version, taxonomy = newest
newest_run = seeing.newest_done(ws)
# The predictions of a run speak of the classes of its own tree; names may have changed since.
run = newest_run if newest_run and newest_run.taxonomy in tree_edits.versions_of_this_shape(ws) else None
counts = resources.node_counts(ws, version, run.id if run else None)
key = state.chosen(state.NODE)
node = taxonomy.index(key) if key in taxonomy else 0


def open_node(key: str) -> None:
    """Show this class."""
    state.choose(state.NODE, key)


def open_clicked() -> None:
    """Go into the box that was clicked; the outermost box leads up again, and `7 more` to the class they belong to."""
    points = st.session_state[state.TREE_CHART].selection.points
    if points:
        clicked = str(points[0].get("id", "")).partition("\0")[0]
        top = tree_view.outermost(taxonomy, node)
        open_node(taxonomy.keys[max(0, int(taxonomy.parents[top]))] if clicked == taxonomy.keys[top] else clicked)


tree_changes.show_done(ws, version)
with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
    st.caption(
        f"{number(len(taxonomy))} classes, {number(len(taxonomy.leaves))} of them at the finest level. "
        "Click a box to go into it.",
        width="content",
    )
    if newest_run and not run:
        st.caption(f"Run {newest_run.id} learned an earlier version of the tree: train again to see how it does here.")
    tree_changes.show(ws, taxonomy)
    with st.popover("Import", icon=":material/upload:", key=state.TREE_IMPORT, on_change="rerun") as importing:
        if importing.open:
            with st.container(width=560):  # as wide as it gets, whatever it shows
                taxonomy_import.show(ws)
search, colours = st.columns([3, 2])
with search:
    node_search.show(taxonomy, key=state.TREE_SEARCH, label="Find a class", on_pick=open_node)
with colours, st.container(horizontal_alignment="right"):
    colour = st.segmented_control(
        "Colour",
        list(COLOURS),
        default="accuracy" if run else "labels",
        required=True,
        format_func=COLOURS.__getitem__,
        key=state.TREE_COLOUR,
        label_visibility="collapsed",
        persist_state="session",
    )
breadcrumbs.show(taxonomy, node, on_pick=open_node)
boxes = tree_view.boxes(taxonomy, counts, tree_view.outermost(taxonomy, node))
st.plotly_chart(
    tree_view.figure(boxes, "labels" if colour == "labels" else "accuracy", chosen=taxonomy.keys[node]),
    key=state.TREE_CHART,
    on_select=open_clicked,
    selection_mode="points",
    config=charts.QUIET,
    alt=f"The classes below {taxonomy.name(node)}",
)
node_panel.show(ws, newest, node, counts=counts, run=run, on_pick=open_node)
