"""Class tree: where a model is right, sure or starving, and what people said there; bring in or change a tree."""

import streamlit as st

from app import resources, state
from app.components import (
    link_notice,
    node_panel,
    node_search,
    taxonomy_import,
    tree_changes,
    tree_colours,
    tree_view,
)
from app.components.tree_explorer import index as tree_explorer
from app.components.wording import number
from app.security import escape_markdown
from hmgc_core.records import Run
from hmgc_core.workflow import labelling, taxonomies, training, tree_edits

ws = resources.workspace()
newest = taxonomies.newest_taxonomy(ws)

st.header("Class tree")
if newest is None:
    st.markdown("There is no class tree yet. It says which classes there are and how they belong together.")
    taxonomy_import.show(ws)
    st.stop()

version, taxonomy = shown = newest
link_notice.leave_out(
    {
        state.TREE_VIEW: tree_view.VIEWS,
        state.TREE_COLOUR: tree_colours.COLOURS,
        state.NODE_PICTURES: node_panel.TOLD,
        state.RUN: {str(run.id) for run in training.all_runs(ws) if run.status == "done"},
    }
)


def open_node(key: str) -> None:
    """Show this class."""
    state.choose(state.TREE_FROM, None)
    state.choose(state.NODE, key)


def chosen_run(runs: list[Run]) -> tuple[Run | None, bool]:
    """The run whose figures are shown, and whether it speaks of this tree. Names may have changed since."""
    fitting = tree_edits.versions_of_this_shape(ws)
    asked = state.chosen_number(state.RUN)
    run = next((run for run in runs if run.id == asked), None)
    # The newest of this shape, rather one that was not set aside; else the newest.
    run = run or min(runs, key=lambda run: (run.taxonomy not in fitting, run.set_aside, -run.id), default=None)
    return run, run is not None and run.taxonomy in fitting


@st.fragment
def explore() -> None:
    """The drawn tree and the class that is chosen in it. A click draws these anew, and nothing else."""
    if taxonomies.newest_taxonomy(ws) != shown:
        st.rerun()  # somebody changed the tree: the whole page follows
    runs = [run for run in training.all_runs(ws) if run.status == "done"]
    run, tree_fits = chosen_run(runs)
    known = resources.tree_statistics(ws, version, run.id if run and tree_fits else None)
    key = state.chosen(state.NODE)
    if key and key not in taxonomy:
        st.warning(
            f"The class tree has no class {escape_markdown(key[:80])}. All of it is shown.", icon=":material/info:"
        )
    node = taxonomy.index(key) if key in taxonomy else 0
    if not node:
        st.caption(
            f"{number(len(taxonomy))} classes, {number(len(taxonomy.leaves))} of them at the finest level. "
            "Click a class to go into it; the outermost one leads up again."
        )
    tree_explorer.show(taxonomy, known, node, runs=runs, run=run, tree_fits=tree_fits)
    fits, older = (run, None) if tree_fits else (None, run)
    node_panel.show(ws, shown, node, known=known, run=fits, older=older)


tree_changes.show_done(ws, version)
search, ways = st.columns([3, 2], vertical_alignment="bottom")
with search:
    node_search.show(taxonomy, key=state.TREE_SEARCH, label="Find a class", on_pick=open_node)
with ways, st.container(horizontal=True, horizontal_alignment="right", vertical_alignment="center"):
    tree_changes.show(ws, taxonomy)
    with st.popover("Import", icon=":material/upload:", key=state.TREE_IMPORT, on_change="rerun") as importing:
        if importing.open:
            with st.container(width=560):  # as wide as it gets, whatever it shows
                taxonomy_import.show(ws)
if not labelling.image_counts(ws)[0]:
    st.page_link("pages/data.py", label="There is no picture yet: bring some in", icon=":material/arrow_forward:")
explore()
