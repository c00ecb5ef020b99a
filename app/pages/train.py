"""Train: queue a training on the labels of now, search for good settings, and watch what waits or runs."""

import streamlit as st

from app import resources, state
from app.components import (
    charts,
    empty_state,
    level_names,
    new_pictures,
    quick_training,
    run_progress,
    run_summary,
    services,
    sweep_form,
    sweep_results,
    task_progress,
    train_form,
    ways,
)
from app.components.wording import number
from app.security import escape_markdown
from hmgc_core.workflow import labelling, labellings, sweeps, taxonomies, training

WAYS = {"new": "New training", "search": "Find good settings"}

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
runs = training.all_runs(ws)
is_quick = quick_training.show(ws, pictures=counts.images)
suggests = training.suggesting(runs)
if suggests is not None:
    new_pictures.show(ws, suggests)
others = task_progress.long_ones(ws)
if others or any(run.is_active for run in runs):
    st.subheader("In progress")
    run_progress.show(ws, runs)
    task_progress.show_long(ws, others)

way = ways.choice("What to do", WAYS, state.TRAIN_WAY)
searches = sweeps.all_sweeps(ws)
if way == "search":
    sweep_results.show(ws, searches)
else:
    sweep_results.mention(searches)
    if runs and not runs[0].is_active:
        st.subheader("The last training")
        run_summary.show(ws, runs[0])
        run_summary.offer_to_go_on(ws, runs[0])

settings, labels = st.columns([3, 2], gap="large")
with settings:
    if way == "search":
        st.subheader("New search" if searches else WAYS[way])
        sweep_form.show(ws)
    else:
        st.subheader(WAYS[way])
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
    with_leaves = {int(depth) for depth in newest[1].depths[newest[1].leaves]}
    if not any(by_level[depth] for depth in with_leaves):
        st.warning(
            "No label is at the finest level, so a model can only guess there: of two finest classes under the same "
            "label it learns nothing that tells them apart. Label some pictures down to the finest class.",
            icon=":material/vertical_align_bottom:",
        )
    bars = charts.level_bars(level_names.with_examples(newest[1]), by_level, by_level)
    charts.draw(bars, key="train.levels", alt="How many training labels there are at each level")
