"""One picture in full: what the model says at each level, what people said, and where the model looked."""

import secrets
from functools import partial

import numpy as np
import streamlit as st

from app import actions, state
from app.components import answers, evidence, new_pictures, prediction_filters, prediction_marks, reference_marks
from app.components.annotator.index import Reopen
from app.components.cam_overlay import index as cam_overlay
from app.components.wording import SPLITS, number
from app.security import escape_markdown
from hmgc_core.errors import HmgcError
from hmgc_core.records import ImageRecord, Run
from hmgc_core.workflow import labelling, pictures, seeing
from hmgc_core.workflow.workspaces import Workspace

SMALL = 128  # pixels: such a picture is drawn in a third of the page, three times as large at most


def show(ws: Workspace, run: Run | None, image_id: int) -> None:
    """The page of one picture; without a run, or where the run does not know it, what people said of it."""
    _steps(ws, run, image_id)
    image = actions.attempt(pictures.image, ws, image_id)
    if isinstance(image, HmgcError):
        st.error(actions.sentence(image), icon=":material/error:")
        return
    view = seeing.image_view(ws, run.id, image_id) if run else None
    is_small = max(image.width, image.height) <= SMALL
    left, right = st.columns([1, 2] if is_small else [3, 2], gap="large")
    with left:
        cam_overlay.show_picture(image)
        _about(image)
        if st.button("Label this picture", icon=":material/edit:"):
            st.session_state[state.REOPEN] = Reopen(
                image_id, secrets.token_hex(4), whence="Predictions", address=st.query_params.to_dict()
            )
            state.choose(state.WAY, "")
            st.switch_page("pages/annotate.py")
    with right:
        if run and view:
            answers.show_prediction(run, view)
            _other_answer(ws, image_id)
        elif run:
            st.info(f"Run {run.id} has no prediction for this picture.", icon=":material/info:")
            new_pictures.show(ws, run)
        answers.show_labels(ws, view.history if view else labelling.image_history(ws, image_id), view)
        reference_marks.show(ws, image_id)
    if run and view:
        evidence.show(ws, run, view)


def _other_answer(ws: Workspace, image_id: int) -> None:
    """What another run says, where the picture was found by comparing two."""
    other = prediction_marks.other_run(ws)
    theirs = seeing.image_view(ws, other.id, image_id) if other else None
    if other and theirs:
        answers.show_prediction(other, theirs, title=f"Run {other.id} says")


def _about(image: ImageRecord) -> None:
    parts = [image.name, SPLITS[image.split], f"{image.width} × {image.height} pixels"]
    st.caption(escape_markdown(" · ".join(parts)), help=escape_markdown("; ".join([*image.originals, str(image.path)])))


def _steps(ws: Workspace, run: Run | None, image_id: int) -> None:
    """Back to all pictures; to the one before and the one after, among those that pass the filters."""
    before, after, place = None, None, ""
    if run:
        table = prediction_marks.table(ws, run)
        ids = seeing.matching_images(table, prediction_filters.wanted(table.taxonomy), order=prediction_filters.order())
        here = np.flatnonzero(ids == image_id)
        if len(here):
            at = int(here[0])
            before = int(ids[at - 1]) if at else None
            after = int(ids[at + 1]) if at + 1 < len(ids) else None
            place = f"{number(at + 1)} of {number(len(ids))}"
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button("All pictures", icon=":material/grid_view:", on_click=state.choose, args=(state.IMAGE, ""))
        for label, to, shortcut in (("Previous", before, "Left"), ("Next", after, "Right")):
            go = partial(state.choose, state.IMAGE, to)
            st.button(label, shortcut=shortcut, disabled=to is None, on_click=go)
        st.caption(place or "Not among the pictures that pass the filters", width="content")
