"""Map: all pictures of a run as points, near each other where they are alike; a line drawn around some shows them."""

import streamlit as st

from app import resources, state
from app.components import empty_state, link_notice, map_choice, map_state, run_list, run_progress
from hmgc_core.workflow import picture_maps, training
from hmgc_core.workflow.map_colours import WAYS

ws = resources.workspace()
every_run = training.all_runs(ws)
runs = [run for run in every_run if run.status == "done"]
asked = state.chosen_number(state.RUN)
run = next((run for run in runs if run.id == asked), training.suggesting(runs) or (runs[0] if runs else None))

st.header("Map")
link_notice.leave_out({state.RUN: link_notice.is_number, state.MAP_COLOUR: WAYS})
if run is None and run_progress.show_first(ws, every_run, "The map can be made"):
    st.stop()
if run is None:
    empty_state.show("No model was trained yet.", next_page="train", label="Train a model")
    st.stop()
if asked is not None and asked != run.id:
    st.warning(f"Run {asked} has no map. This is run {run.id}.", icon=":material/info:")

made = picture_maps.newest_map(ws, run.id)
chosen, told = st.columns([2, 3], vertical_alignment="bottom")
with chosen:
    run_list.picker("Run", runs, state.RUN, run)
with told:
    if made is not None:
        map_state.remarks(ws, run, made)
map_state.show(ws, run, made)
if made is not None:
    map_choice.show(ws, run, made)
    map_state.show_method(made)
