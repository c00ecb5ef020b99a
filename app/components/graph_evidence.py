"""Evidence of a graph net: which patches of the picture it connected, and which of them speak for a class."""

import streamlit as st

from app import state
from app.components import asked, wording
from app.components.patches import index as patches
from app.components.patches.index import GraphClass
from app.security import escape_markdown
from hmgc_core.records import Run
from hmgc_core.taxonomy import Taxonomy
from hmgc_core.workflow import graph, questions, taxonomies
from hmgc_core.workflow.seeing import ImageView
from hmgc_core.workflow.workspaces import Workspace


def show(ws: Workspace, run: Run, view: ImageView) -> None:
    """The graphs of this picture, with the evidence for each level of the answer."""
    if graph.connects_patches(run):
        _graphs(ws, run, view)
    else:
        _without_graph(run)


@st.fragment
def _graphs(ws: Workspace, run: Run, view: ImageView) -> None:
    """A part of its own: a choice in the browser, which only goes into the address, need not draw the page anew."""
    classes = _classes(taxonomies.taxonomy_version(ws, run.taxonomy), view)
    keys = [one.key for one in classes]

    def read(number: int) -> int:
        questions.answer(ws, number)  # is it there still?
        return number

    number = asked.show(ws, graph.ask_patches, run.id, view.image.id, keys, what="The graphs are", read=read)
    if number is None:
        return
    patches.show(
        view.image,
        number,
        classes,
        chosen=state.chosen(state.HEAT_NODE),
        blocks=state.chosen(state.BLOCKS),
        on_class=lambda key: state.choose(state.HEAT_NODE, key),
        on_blocks=lambda blocks: state.choose(state.BLOCKS, blocks),
    )


def _classes(taxonomy: Taxonomy, view: ImageView) -> list[GraphClass]:
    """Each level of the answer, and the class of the address where it is another one."""
    classes = [GraphClass(level.key, level.name, wording.percent(level.probability)) for level in view.levels]
    wanted = state.chosen(state.HEAT_NODE)
    if wanted in taxonomy and taxonomy.index(wanted) and wanted not in {one.key for one in classes}:
        classes.append(GraphClass(wanted, taxonomy.name(taxonomy.index(wanted)), ""))
    return classes


def _without_graph(run: Run) -> None:
    st.info(
        f"{escape_markdown(run.config.backbone)} sees the picture through filters and connects no patches, so there is "
        "no graph to show. Backbones with one are graphconvnet, vig, and the pyramids of both.",
        icon=":material/info:",
    )
    st.page_link("pages/train.py", label="Train one with a graph", icon=":material/arrow_forward:")
