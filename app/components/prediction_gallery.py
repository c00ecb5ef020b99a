"""The predictions that pass the filters, page by page. Turning a page redraws only this."""

from dataclasses import replace

import streamlit as st

from app import state
from app.components import gallery_pages, prediction_filters, prediction_marks, selection_form
from app.components.gallery import index as gallery
from app.components.wording import SPLITS, number
from hmgc_core.querying import Filter
from hmgc_core.records import Run
from hmgc_core.workflow import seeing
from hmgc_core.workflow.seeing import PredictionTable
from hmgc_core.workflow.workspaces import Workspace

PER_PAGE = 60


@st.fragment
def show(ws: Workspace, run: Run) -> None:
    """A page of the gallery, of all predictions or of those behind the mark of a chart; a click opens the picture."""
    table, mark = prediction_marks.named(ws, run)
    wanted, order = prediction_filters.wanted(table.taxonomy), prediction_filters.order()
    # Other filters begin at their own first page.
    key = f"{state.PAGE}.{hash((run.id, wanted, order, table.mark)) % 2**32:x}"
    found = int(seeing.passing(table, wanted).sum())
    page = gallery_pages.pager(key, found, PER_PAGE)
    _, cards = seeing.find_predictions(table, wanted, order=order, offset=(page - 1) * PER_PAGE, count=PER_PAGE)
    opened = gallery.show(
        cards,
        key="pictures",
        on_open=lambda image_id: state.choose(state.IMAGE, image_id),
        marks="predictions",
        link={"run": str(run.id)},
        tree=table.taxonomy,
        note=f"{number(found, 'picture')} of {number(len(table.image_ids))}" if found else "",
        on_save=(lambda: selection_form.ask(found, lambda: _matching(table, wanted, order))) if found else None,
        mark=mark,
    )
    if not found:
        _nothing(table, wanted)
    if opened is not None:
        st.rerun()


def _matching(table: PredictionTable, wanted: Filter, order: str) -> list[int]:
    return [int(image_id) for image_id in seeing.matching_images(table, wanted, order=order)]


def _nothing(table: PredictionTable, wanted: Filter) -> None:
    """Why no picture is there, and what to do about it."""
    if not table.mark and not len(table.image_ids):
        st.info("This run has no predictions: it ended before it looked at the pictures.", icon=":material/info:")
        return
    elsewhere = int(seeing.passing(table, replace(wanted, split="")).sum()) if wanted.split else 0
    said = "No picture passes these filters."
    if elsewhere:
        others = number(elsewhere, "picture does", "pictures do")
        said = f"No {SPLITS[wanted.split].lower()} picture passes these filters; of the other splits, {others}."
    st.info(said, icon=":material/filter_alt:")
    with st.container(horizontal=True):
        if elsewhere:
            st.button("Look in all splits", type="primary", on_click=prediction_filters.all_splits)
        st.button("Clear all filters", on_click=prediction_filters.clear)
