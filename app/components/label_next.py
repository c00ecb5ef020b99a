"""What to label next: the classes that the model finds worst, each with a way to the pictures that would help it."""

import streamlit as st

from app import resources
from app.components.wording import number
from app.security import escape_markdown
from hmgc_core.records import QueueChoice, Run
from hmgc_core.taxonomy import Taxonomy
from hmgc_core.workflow import seeing, tree_edits
from hmgc_core.workflow.label_next import WeakClass, weakest
from hmgc_core.workflow.workspaces import Workspace

SHOWN = 3


def show(ws: Workspace, version: int, taxonomy: Taxonomy) -> None:
    """Nothing before the first training of this tree, or where every picture has a label."""
    run = seeing.newest_done(ws)
    if run is None or run.taxonomy not in tree_edits.versions_of_this_shape(ws):
        return
    table = resources.prediction_table(ws, run.id)
    unlabelled = int((table.labels < 0).sum())
    if not unlabelled:
        return
    st.subheader("What to label next")
    found = weakest(taxonomy, resources.tree_statistics(ws, version, run.id), table, count=SHOWN)
    if found:
        told = (
            "The classes that the newest model misses most, each with pictures that nobody has labelled and that are "
        )
        st.caption(f"{told}likely to help it.")
        with st.grid(len(found), min_column_width=240):
            for weak in found:
                _weak_class(taxonomy, weak, run)
    _way(f"{'Or label' if found else 'Label'} {number(unlabelled, 'picture')}, least sure first", QueueChoice("unsure"))


def _weak_class(taxonomy: Taxonomy, weak: WeakClass, run: Run) -> None:
    """One class: how much of it is found, and the pictures among which more of it are likely to be."""
    key, name = taxonomy.keys[weak.node], escape_markdown(taxonomy.name(weak.node))
    with st.container(border=True, gap="small"):
        found = f"{number(weak.found)} of {number(weak.measured, 'test picture')} found"
        st.markdown(f"**{name}**")
        st.progress(weak.found / weak.measured, text=found)
        if weak.among and weak.waiting:
            place = "this class" if weak.among == weak.node else escape_markdown(taxonomy.name(weak.among))
            said = f"Label {number(weak.waiting, 'picture')} taken for {place}"
            _way(said, QueueChoice("predicted", taxonomy.keys[weak.among]))
        else:
            st.caption("It takes them for classes all over the tree, so no picture is likelier than another.")
            _way("Label any pictures", QueueChoice("unlabelled"))
        st.page_link(
            "pages/taxonomy.py",
            label="See the class",
            icon=":material/account_tree:",
            query_params={"node": key, "run": str(run.id)},
        )


def _way(label: str, queue: QueueChoice) -> None:
    st.page_link("pages/annotate.py", label=label, icon=":material/edit:", query_params={"queue": str(queue)})
