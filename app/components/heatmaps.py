"""Where a model looked: ask for the heatmaps of a picture, wait for them, show them."""

import streamlit as st

from app import actions
from app.components import services, wording
from app.components.cam_overlay import index as cam_overlay
from app.components.cam_overlay.index import HeatTile
from hmgc_core.errors import HmgcError
from hmgc_core.records import Run
from hmgc_core.workflow import questions, training, why
from hmgc_core.workflow.questions import Inspection
from hmgc_core.workflow.seeing import ImageView
from hmgc_core.workflow.workspaces import Workspace

EVERY_S = 0.7


def show(ws: Workspace, run: Run, view: ImageView) -> None:
    """The heatmaps of this picture, one per level of the answer: asked for, awaited, or drawn."""
    st.subheader("Where the model looked")
    number = actions.attempt(_ask, ws, run, view)
    maps = number if isinstance(number, HmgcError) else actions.attempt(questions.inspection, ws, number)
    if isinstance(maps, HmgcError):
        st.error(actions.sentence(maps), icon=":material/error:")
    elif maps.status == "done":
        _draw(view, maps)
    elif maps.status == "failed":
        st.error(actions.sentence(HmgcError(maps.error, remedy=maps.remedy)), icon=":material/error:")
        st.button("Try again", icon=":material/center_focus_strong:", on_click=_ask_anew, args=(ws, run, view))
    else:
        _await(ws, maps.id)


def _ask(ws: Workspace, run: Run, view: ImageView, *, anew: bool = False) -> int:
    return why.ask_heatmaps(ws, run.id, view.image.id, [level.key for level in view.levels], anew=anew)


def _ask_anew(ws: Workspace, run: Run, view: ImageView) -> None:
    actions.do(_ask, ws, run, view, anew=True)


@st.fragment(run_every=EVERY_S)
def _await(ws: Workspace, number: int) -> None:
    """Looks until the heatmaps are there; then the whole page runs once more, without looking again."""
    if questions.inspection(ws, number).status != "queued":
        st.rerun()
    there = training.services(ws)
    if there["inspector"]:
        st.caption(":material/hourglass_top: The heatmaps are being made. The first ones of a run take some seconds.")
    else:
        services.show_if_away(there, "inspector")
        st.caption("They are asked for, and will appear here once it runs.")


def _draw(view: ImageView, maps: Inspection) -> None:
    shares = {level.key: level for level in view.levels}
    tiles = [
        HeatTile(shares[key].name, wording.percent(shares[key].probability), place)
        for place, key in enumerate(maps.question["nodes"])
        if key in shares
    ]
    cam_overlay.show_heat(view.image, maps.id, tiles)
