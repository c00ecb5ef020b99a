"""Predictions: what a run says about the pictures, found by filters; and one picture in full."""

import streamlit as st

from app import resources, state
from app.components import (
    empty_state,
    evidence,
    image_page,
    link_notice,
    new_pictures,
    prediction_address,
    prediction_charts,
    prediction_filters,
    prediction_gallery,
    run_list,
    run_progress,
)
from hmgc_core.workflow import training

ws = resources.workspace()
prediction_address.follow()
link_notice.leave_out(
    {
        state.RUN: link_notice.is_number,
        state.IMAGE: link_notice.is_number,
        state.OTHER_RUN: link_notice.is_number,
        state.CHART: prediction_charts.CHARTS,
        state.EVIDENCE: evidence.KINDS,
    }
)
every_run = training.all_runs(ws)
runs = [run for run in every_run if run.status == "done"]
asked = state.chosen_number(state.RUN)
run = next((run for run in runs if run.id == asked), training.suggesting(runs) or (runs[0] if runs else None))
image_id = state.chosen_number(state.IMAGE)

if image_id is not None:
    if run is not None and asked is not None and asked != run.id:
        st.warning(f"Run {asked} has no predictions. What follows is of run {run.id}.", icon=":material/info:")
    image_page.show(ws, run, image_id)
    st.stop()

st.header("Predictions")
if run is None and run_progress.show_first(ws, every_run, "Its predictions appear here"):
    st.stop()
if run is None and every_run:
    empty_state.show(f"The first training is {every_run[0].state}.", next_page="train", label="See the training")
    st.stop()
if run is None:
    empty_state.show("No model was trained yet.", next_page="train", label="Train a model")
    st.stop()
if asked is not None and asked != run.id:
    st.warning(f"Run {asked} has no predictions. These are of run {run.id}.", icon=":material/info:")

if asked is None:
    # A training that ends while somebody looks at this run changes nothing before their eyes.
    st.query_params[state.IN_ADDRESS[state.RUN]] = str(run.id)
new_pictures.show(ws, run)
table = resources.prediction_table(ws, run.id)
with st.container(horizontal=True):  # what has no room in the line goes into the next
    with st.container(width=216):
        run_list.picker("Run", runs, state.RUN, run)
    with st.container(width="content"):
        prediction_filters.show_verdict(table)
    with st.container(width="content"):
        prediction_filters.show_split()
    with st.container(width=152):
        prediction_filters.show_order()
prediction_filters.show_more(table.taxonomy)
prediction_charts.show(ws, run, runs)
prediction_gallery.show(ws, run)
