"""Where a model looked: ask for the heatmaps of a picture, wait for them, show them."""

import streamlit as st

from app import actions, state
from app.components import services, wording
from app.components.cam_overlay import index as cam_overlay
from app.components.cam_overlay.index import HeatTile
from hmgc_core.errors import HmgcError
from hmgc_core.records import Run
from hmgc_core.workflow import seeing, training
from hmgc_core.workflow.seeing import Heatmaps, ImageView
from hmgc_core.workflow.workspaces import Workspace

EVERY_S = 0.7


def open_image(ws: Workspace, run: Run | None, image_id: int) -> None:
    """Show this picture, and ask for its heatmaps along the way if somebody is there to make them."""
    state.choose(state.IMAGE, image_id)
    if run is not None and training.services(ws)["inspector"]:
        view = seeing.image_view(ws, run.id, image_id)
        if view is not None:
            ask(ws, run, view)


def ask(ws: Workspace, run: Run, view: ImageView) -> None:
    """Ask for one heatmap per level of the answer."""
    keys = [level.key for level in view.levels]
    number = actions.do(seeing.ask_heatmaps, ws, run.id, view.image.id, keys)
    if number is not None:
        st.session_state[state.INSPECTION] = (run.id, view.image.id, number)


def show(ws: Workspace, run: Run, view: ImageView) -> None:
    """The heatmaps of this picture: asked for, awaited, or drawn."""
    st.subheader("Where the model looked")
    run_id, image_id, number = st.session_state.get(state.INSPECTION, (0, 0, 0))
    if (run_id, image_id) != (run.id, view.image.id):
        st.caption("Heatmaps show, for each level of the answer, which parts of the picture spoke for it.")
        _button("Show where it looked", ws, run, view)
        services.show_if_away(training.services(ws), "inspector")
        return
    maps = seeing.heatmaps(ws, number)
    if maps.status == "done":
        _draw(view, maps)
    elif maps.status == "failed":
        st.error(actions.sentence(HmgcError(maps.error, remedy=maps.remedy)), icon=":material/error:")
        _button("Try again", ws, run, view)
    else:
        _await(ws, number)


def _button(label: str, ws: Workspace, run: Run, view: ImageView) -> None:
    st.button(label, icon=":material/center_focus_strong:", on_click=ask, args=(ws, run, view))


@st.fragment(run_every=EVERY_S)
def _await(ws: Workspace, number: int) -> None:
    """Looks until the heatmaps are there; then the whole page runs once more, without looking again."""
    if seeing.heatmaps(ws, number).status != "queued":
        st.rerun()
    there = training.services(ws)
    if there["inspector"]:
        st.caption(":material/hourglass_top: The heatmaps are being made. The first ones of a run take some seconds.")
    else:
        services.show_if_away(there, "inspector")
        st.caption("They are asked for, and will appear here once it runs.")


def _draw(view: ImageView, maps: Heatmaps) -> None:
    shares = {level.key: level for level in view.levels}
    tiles = [
        HeatTile(shares[key].name, wording.percent(shares[key].probability), place)
        for place, key in enumerate(maps.nodes)
        if key in shares
    ]
    cam_overlay.show_heat(view.image, maps.id, tiles)
