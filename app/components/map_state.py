"""Whether there is a map of a run, how it was made, whether it is of now; and the way to make it."""

import streamlit as st

from app import actions
from app.components import task_progress
from app.components.wording import MAP, number
from hmgc_core.records import Run
from hmgc_core.workflow import labelling, picture_maps, tasks
from hmgc_core.workflow.picture_maps import PictureMap
from hmgc_core.workflow.workspaces import Workspace

METHODS = {
    "umap": "Made with UMAP: near pictures are alike to the run, the distance between far heaps says little.",
    "pca": "Made with PCA: the two directions in which the run's pictures differ most. Pictures far apart differ, "
    "those that lie together may differ in other ways. For heaps that keep look-alikes together, install UMAP beside "
    "the worker, `pip install umap-learn`, and make the map anew.",
}


def show(ws: Workspace, run: Run, made: PictureMap | None) -> None:
    """A map that is being made, or why there is none and the button that asks for it; nothing about one of now."""
    task = tasks.newest(ws, picture_maps.KIND, run_id=run.id)
    if task and task.is_active:
        task_progress.show(ws, task, what=MAP)
        return
    if picture_maps.seen_at(ws, run.id) is None:
        if made is None:
            st.info(
                f"Run {run.id} kept nothing to compare pictures by, so it has no map. A new training keeps it.",
                icon=":material/info:",
            )
        return
    if task and (made is None or task.id > made.task):
        task_progress.show(ws, task, what=MAP)
    if made is None and (task is None or task.status == "done"):
        _first(ws, run, is_lost=task is not None)


def _first(ws: Workspace, run: Run, *, is_lost: bool) -> None:
    with st.container(border=True, gap="small"):
        if is_lost:
            st.markdown("The files of the map are gone. It can be made again.")
        else:
            st.markdown(
                "The map shows every picture as a point: pictures that the run finds alike lie near each other. "
                "The worker makes it once for a run, in the background."
            )
        st.button("Make the map", type="primary", icon=":material/scatter_plot:", on_click=ask, args=(ws, run.id))


def ask(ws: Workspace, run_id: int) -> None:
    """Ask for the map, or for a new one."""
    actions.do(picture_maps.ask, ws, run_id, anew=True)


def show_method(made: PictureMap) -> None:
    """How the map was made, and what its distances mean."""
    st.caption(METHODS[made.method])


def remarks(ws: Workspace, run: Run, made: PictureMap) -> None:
    """What the map does not show: pictures that came in, or that the run saw, since."""
    seen_at = picture_maps.seen_at(ws, run.id)
    if seen_at not in (None, made.seen_at):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.warning(f"Run {run.id} has seen its pictures anew since this map was made.", icon=":material/update:")
            st.button("Make the map anew", icon=":material/refresh:", on_click=ask, args=(ws, run.id))
    newer = labelling.label_counts(ws).images - len(made.images)
    if newer > 0:
        st.caption(
            f":material/info: {number(newer, 'picture')} of the workspace {'is' if newer == 1 else 'are'} not on this "
            "map: they came in after it was made, or cannot be read. A map made after they were predicted shows them."
        )
