"""Train: queue a training on the labels of now, and watch those that wait or run."""

import streamlit as st

from app import resources
from app.components import (
    charts,
    empty_state,
    level_names,
    quick_training,
    run_progress,
    run_summary,
    services,
    train_form,
)
from app.components.wording import number
from app.security import escape_markdown
from hmgc_core.workflow import labelling, labellings, taxonomies, training

ws = resources.workspace()
newest = taxonomies.newest_taxonomy(ws)
counts = labelling.label_counts(ws)

st.header("Train")
if newest is None:
    empty_state.show("There is no class tree yet.", next_page="taxonomy", label="Import a class tree")
    st.stop()
if not sum(counts.train_by_level):
    empty_state.show("No training picture is labelled yet.", next_page="annotate", label="Label pictures")
    st.stop()

services.show_if_away(training.services(ws), "worker")
is_quick = quick_training.show(ws, pictures=counts.images)
runs = training.all_runs(ws)
if any(run.is_active for run in runs):
    st.subheader("In progress")
    run_progress.show(ws)

if runs and not runs[0].is_active:
    st.subheader("The last training")
    run_summary.show(runs[0])
    run_summary.offer_to_go_on(ws, runs[0])

settings, labels = st.columns([3, 2], gap="large")
with settings:
    st.subheader("New training")
    train_form.show(ws, is_first_choice=not is_quick)
with labels:
    st.subheader("What it learns from")
    named = train_form.chosen_labelling(ws)
    by_level = labellings.labels_by_level(ws, named) if named else counts.train_by_level
    kept = "The training keeps to the labels of the moment it is queued."
    if named:
        kept = escape_markdown(f"They are those of the labelling {named.name}.")
    st.caption(
        f"{number(sum(by_level), 'label')} of training pictures, each at the level at which it was made. " + kept
    )
    bars = charts.level_bars(level_names.with_examples(newest[1]), by_level, by_level)
    charts.draw(bars, key="train.levels", alt="How many training labels there are at each level")
