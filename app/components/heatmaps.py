"""Where a model looked: ask for the heatmaps of a picture, wait for them, show them."""

from typing import Any

import streamlit as st

from app import actions, state
from app.components import heat_choices, services, task_progress, wording
from app.components.cam_overlay import index as cam_overlay
from app.components.cam_overlay.index import HeatTile
from app.security import escape_markdown
from hmgc_core.errors import HmgcError
from hmgc_core.records import Run
from hmgc_core.taxonomy import Taxonomy
from hmgc_core.workflow import questions, taxonomies, training, why
from hmgc_core.workflow.seeing import ImageView
from hmgc_core.workflow.why import HeatQuestion
from hmgc_core.workflow.workspaces import Workspace

EVERY_S = 0.3


def show(ws: Workspace, run: Run, view: ImageView) -> None:
    """The heatmaps of this picture, one per level of the answer: asked for, awaited, or drawn; and what to ask for."""
    _section(ws, run, view)


@st.fragment
def _section(ws: Workspace, run: Run, view: ImageView) -> None:
    """What a choice here changes: the rest of the page stays."""
    taxonomy = taxonomies.taxonomy_version(ws, run.taxonomy)
    question = heat_choices.wanted(taxonomy, view)
    # The layers to choose from are known by the answer, which stands below.
    choices, below = st.container(), st.container()
    with below:
        slow = question.method == why.SLOW_METHOD
        told = _by_the_worker(ws, run, view, question) if slow else _at_once(ws, run, view, question)
        if told:
            _draw(taxonomy, view, question, *told)
    with choices:
        heat_choices.show(taxonomy, view, question, told[1]["layers"] if told else {})
    newer = why.newer_tree(ws, run)
    if newer is not None:
        st.caption(
            f":material/history: This model learned version {run.taxonomy} of the class tree, and speaks of its "
            f"classes; version {newer} is in use now."
        )


# --- asking -----------------------------------------------------------------------------------------------------------

# Who made the heatmaps, as their addresses name it, and what was told of them.
Told = tuple[str, dict[str, Any]]


def _at_once(ws: Workspace, run: Run, view: ImageView, question: HeatQuestion) -> Told | None:
    """By the inspector; None while they are not there, which is then said."""
    asked = (ws, run.id, view.image.id, question)
    number = actions.attempt(why.ask_heatmaps, *asked)
    found = number if isinstance(number, HmgcError) else actions.attempt(questions.inspection, ws, number)
    if isinstance(found, HmgcError):
        _failed(found, None)
        return None
    if found.status == "done":
        answer = actions.attempt(questions.answer, ws, found.id)
        if not isinstance(answer, HmgcError) and "maps" in answer:
            return str(found.id), answer
        # Its files were deleted, or an earlier version of the studio wrote them.
        _await(ws, why.ask_heatmaps(*asked, anew=True))
    elif found.status == "failed":
        _failed(HmgcError(found.error, remedy=found.remedy), asked)
    else:
        _await(ws, found.id)
    return None


def _failed(error: HmgcError, asked: tuple[Any, ...] | None) -> None:
    """What went wrong, and ways on: once more, or the usual heatmaps."""
    st.error(actions.sentence(error), icon=":material/error:")
    with st.container(horizontal=True):
        if asked:
            st.button("Try again", icon=":material/center_focus_strong:", on_click=_ask_anew, args=asked)
        if any(state.chosen(key) for key in heat_choices.KEYS):
            st.button("Show the usual heatmaps", icon=":material/undo:", on_click=heat_choices.forget)


def _ask_anew(*asked: Any) -> None:
    actions.do(why.ask_heatmaps, *asked, anew=True)


@st.fragment(run_every=EVERY_S)
def _await(ws: Workspace, number: int) -> None:
    """Looks until the heatmaps are there; then the page runs once more, without looking again."""
    if questions.inspection(ws, number).status != "queued":
        st.rerun()
    there = training.services(ws)
    if there["inspector"]:
        st.caption(":material/hourglass_top: The heatmaps are being made. The first ones of a run take some seconds.")
    else:
        services.show_if_away(there, "inspector")
        st.caption("They are asked for, and will appear here once it runs.")


def _by_the_worker(ws: Workspace, run: Run, view: ImageView, question: HeatQuestion) -> Told | None:
    """Score-CAM: begun by a button, watched, and there at the end."""
    task = why.score_cam(ws, run.id, view.image.id, question)
    if task is None:
        st.markdown(escape_markdown(heat_choices.METHODS[why.SLOW_METHOD][1]))
        start = (why.ask_score_cam, ws, run.id, view.image.id, question)
        st.button("Make these heatmaps", icon=":material/play_arrow:", on_click=actions.do, args=start)
        return None
    task_progress.show(ws, task, what="Score-CAM heatmaps")
    return (f"task{task.id}", task.result) if task.status == "done" else None


# --- showing ----------------------------------------------------------------------------------------------------------


def _draw(taxonomy: Taxonomy, view: ImageView, question: HeatQuestion, of: str, answer: dict[str, Any]) -> None:
    """The picture and one tile per class, and what the method can say."""
    tiles = [_tile(taxonomy, one, place) for place, one in enumerate(answer["maps"])]
    if question.against:
        tiles = [tile for tile, one in zip(tiles, answer["maps"], strict=True) if one["other"]]
    layer = question.layer or next(iter(answer["layers"]), "")
    if question.method == "eigen-cam" and layer != "levels":
        tiles = [HeatTile("What stands out most", "", 0, rather="", note=_note(answer["maps"][0], ""))]
    if not tiles:
        name = escape_markdown(taxonomy.name(taxonomy.index(question.against)))
        st.info(f"{name} is part of this answer, so nothing speaks for one and not the other.", icon=":material/info:")
        return
    cam_overlay.show_heat(view.image, of, tiles)
    if question.method in heat_choices.METHODS:
        st.caption(heat_choices.METHODS[question.method][1])


def _tile(taxonomy: Taxonomy, told: dict[str, Any], place: int) -> HeatTile:
    name = taxonomy.name(taxonomy.index(told["node"]))
    rather = ""
    if told["other"]:
        other = taxonomy.name(taxonomy.index(told["other"]))
        rather = f"and not {other}, {wording.percent(told['other_probability'])}"
    return HeatTile(name, wording.percent(told["probability"]), place, rather=rather, note=_note(told, name))


def _note(told: dict[str, Any], name: str) -> str:
    """What to know where there is nothing to see; plain text."""
    if told["says"] == "places":
        return ""
    if told["says"] == "everywhere":
        one = "the layer sees the picture as one place" if told["grid"] == [1, 1] else "no place more than another"
        return f"All of this picture speaks alike{f' for {name}' if name else ''}: {one}."
    return (
        f"Nothing in this picture speaks for {name}{' rather' if told['other'] else ''}."
        if name
        else "Nothing stands out."
    )
