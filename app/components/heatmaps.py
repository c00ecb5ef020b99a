"""Where a model looked: ask for the heatmaps of a picture, wait for them, show them."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import streamlit as st

from app import actions, state
from app.components import asked, heat_choices, task_progress, wording
from app.components.cam_overlay import index as cam_overlay
from app.components.cam_overlay.index import HeatTile
from hmgc_core.errors import HmgcError
from hmgc_core.records import Run
from hmgc_core.taxonomy import Taxonomy
from hmgc_core.workflow import questions, taxonomies, why
from hmgc_core.workflow.seeing import ImageView
from hmgc_core.workflow.why import HeatQuestion
from hmgc_core.workflow.workspaces import Workspace


@st.fragment
def show(ws: Workspace, run: Run, view: ImageView) -> None:
    """The heatmaps of this picture, one per level of the answer: asked for, awaited, or drawn; and what to ask for.

    A part of its own: a choice here draws nothing else of the page anew.
    """
    taxonomy = taxonomies.taxonomy_version(ws, run.taxonomy)
    question = heat_choices.wanted(taxonomy, view)
    slow = question.method == why.SLOW_METHOD
    told = _by_the_worker(ws, run, view, question) if slow else _at_once(ws, run, view, question)
    cam_overlay.show_heat(
        view.image,
        key=f"heat-{run.id}-{view.image.id}",
        menus=heat_choices.offered(taxonomy, view, question, told.answer.get("layers", {})),
        tiles=_tiles(taxonomy, question, told),
        heat=told.by,
        waiting=told.waiting,
        words=heat_choices.METHODS.get(question.method, ("", ""))[1],
        on_choice=heat_choices.take,
    )
    heat_choices.show_search(taxonomy)
    told.say_more()
    newer = why.newer_tree(ws, run)
    if newer is not None:
        st.caption(
            f":material/history: This model learned version {run.taxonomy} of the class tree, and speaks of its "
            f"classes; version {newer} is in use now."
        )


# --- asking -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Told:
    """How far the heatmaps are. by: who made them, as their addresses name it, "" while they are not there.

    answer: what was told of them. waiting: for the inspector. say_more: draws what stands below.
    """

    by: str = ""
    answer: dict[str, Any] = field(default_factory=dict)
    waiting: bool = False
    say_more: Callable[[], object] = lambda: None


def _at_once(ws: Workspace, run: Run, view: ImageView, question: HeatQuestion) -> Told:
    """By the inspector."""
    parts = (ws, run.id, view.image.id, question)
    number = actions.attempt(why.ask_heatmaps, *parts)
    found = number if isinstance(number, HmgcError) else actions.attempt(questions.inspection, ws, number)
    if isinstance(found, HmgcError):
        return Told(say_more=partial(_failed, found, None))
    if found.status == "failed":
        return Told(say_more=partial(_failed, HmgcError(found.error, remedy=found.remedy), parts))
    if found.status == "done":
        answer = actions.attempt(questions.answer, ws, found.id)
        if not isinstance(answer, HmgcError) and "maps" in answer:
            return Told(str(found.id), answer)
        # Its files were deleted, or an earlier version of the studio wrote them.
        return _waiting(ws, why.ask_heatmaps(*parts, anew=True))
    return _waiting(ws, found.id)


def _waiting(ws: Workspace, number: int) -> Told:
    return Told(waiting=True, say_more=partial(asked.show_wait, ws, number, what="The heatmaps are"))


def _failed(error: HmgcError, parts: tuple[Any, ...] | None) -> None:
    """What went wrong, and ways on: once more, or the usual heatmaps."""
    st.error(actions.sentence(error), icon=":material/error:")
    with st.container(horizontal=True):
        if parts:
            st.button("Try again", icon=":material/center_focus_strong:", on_click=_ask_anew, args=parts)
        if any(state.chosen(key) for key in heat_choices.KEYS):
            st.button("Show the usual heatmaps", icon=":material/undo:", on_click=heat_choices.forget)


def _ask_anew(*parts: Any) -> None:
    actions.do(why.ask_heatmaps, *parts, anew=True)


def _by_the_worker(ws: Workspace, run: Run, view: ImageView, question: HeatQuestion) -> Told:
    """Score-CAM: begun by a button, watched, and there at the end."""
    task = actions.attempt(why.score_cam, ws, run.id, view.image.id, question)
    if isinstance(task, HmgcError):
        return Told(say_more=partial(_failed, task, None))
    if task is None:
        return Told(say_more=partial(_begin, ws, run, view, question))
    if task.status == "done":
        return Told(f"task{task.id}", task.result)
    return Told(say_more=partial(task_progress.show, ws, task, what="Score-CAM heatmaps"))


def _begin(ws: Workspace, run: Run, view: ImageView, question: HeatQuestion) -> None:
    start = (why.ask_score_cam, ws, run.id, view.image.id, question)
    st.button("Make these heatmaps", icon=":material/play_arrow:", on_click=actions.do, args=start)


# --- showing ----------------------------------------------------------------------------------------------------------


def _tiles(taxonomy: Taxonomy, question: HeatQuestion, told: Told) -> list[HeatTile]:
    """One for each class; only the names while there is no heat."""
    if not told.by:
        return [HeatTile(taxonomy.name(taxonomy.index(key)), "", 0) for key in question.nodes if key in taxonomy]
    maps = told.answer["maps"]
    layer = question.layer or next(iter(told.answer["layers"]), "")
    if question.method == "eigen-cam" and layer != "levels":
        return [HeatTile("What stands out most", "", 0, note=_note(maps[0], ""))]
    return [_tile(taxonomy, one, place, is_compared=bool(question.against)) for place, one in enumerate(maps)]


def _tile(taxonomy: Taxonomy, told: dict[str, Any], place: int, *, is_compared: bool) -> HeatTile:
    name = taxonomy.name(taxonomy.index(told["node"]))
    if is_compared and not told["other"]:
        return HeatTile(
            name, wording.percent(told["probability"]), None, note="Both are this: nothing to compare here."
        )
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
