"""Runs: all trainings, one of them in full, and two side by side."""

import streamlit as st

from app import resources, state
from app.components import empty_state, link_notice, run_compare, run_detail, run_list, run_progress, run_summary
from hmgc_core.workflow import training

ws = resources.workspace()
runs = training.all_runs(ws)

st.header("Runs")
link_notice.leave_out({state.RUN: link_notice.is_number, state.OTHER_RUN: link_notice.is_number})
if not runs:
    empty_state.show("No model was trained yet.", next_page="train", label="Train a model")
    st.stop()

by_number = {run.id: run for run in runs}
asked = state.chosen_number(state.RUN)
# Without a wish, the newest one that has something to show.
run = by_number.get(asked or 0) or next((run for run in runs if run.status == "done"), runs[0])
if asked is not None and asked not in by_number:
    st.warning(f"There is no run {asked}. This is run {run.id}.", icon=":material/info:")

beside = by_number.get(state.chosen_number(state.OTHER_RUN) or 0)
run_list.show(runs)
run_progress.show(ws, runs)
left, right = st.columns(2)
with left:
    run_list.picker("Run", runs, state.RUN, run)
with right:
    others = [candidate for candidate in runs if candidate.id != run.id]
    run_list.picker("Compare with", others, state.OTHER_RUN, beside, nothing="no other run")

run_summary.title(run)
run_summary.problems(run)
run_summary.offer_to_go_on(ws, run)
run_summary.offer_to_suggest(ws, run)
if beside is not None and beside.id != run.id:
    run_compare.show(run, beside)
else:
    run_detail.show(ws, run)
