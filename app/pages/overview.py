"""Overview: what is labelled at which level, how the newest training did, and what to do next."""

import streamlit as st

from app import resources
from app.components import (
    charts,
    health_notice,
    label_next,
    label_progress,
    level_names,
    next_step,
    run_summary,
    services,
)
from app.components.wording import number, percent
from hmgc_core.workflow import heads, labelling, taxonomies, training

ws = resources.workspace()
newest = taxonomies.newest_taxonomy(ws)
counts = labelling.label_counts(ws)
runs = training.all_runs(ws)

st.header("Overview")
health_notice.show(ws)
offer = heads.offer(ws)
suggests = training.suggesting(runs)
unpredicted = resources.unpredicted(ws, suggests.id) if suggests else 0
next_step.show(
    next_step.next_step(
        has_tree=newest is not None,
        counts=counts,
        runs=runs,
        offer=offer,
        unpredicted=unpredicted,
        better=run_summary.clearly_better_before(ws, suggests) if suggests and suggests == runs[0] else None,
    )
)

if newest is not None:
    label_next.show(ws, *newest)

with st.grid(4, min_column_width=150):
    st.metric("Pictures", number(counts.images), border=True)
    share = percent(counts.labelled / counts.images) if counts.images else "–"
    said = "Somebody says what it is, what it is not, or that it is unusable"
    done = f"{number(counts.labelled)} of {number(counts.images)} pictures"
    st.metric("Labelled", share, help=f"{said}: {done}.", border=True)
    st.metric("Finest classes", number(len(newest[1].leaves)) if newest else "–", border=True)
    st.metric("Levels", number(newest[1].depth) if newest else "–", border=True)

labels, state = st.columns([3, 2], gap="large")
with labels:
    st.subheader("Labels at each level")
    if newest is None or not counts.labelled:
        st.caption("Nothing is labelled yet. Each label will show up at the level at which it was made.")
    else:
        bars = charts.level_bars(level_names.with_examples(newest[1]), counts.train_by_level, counts.by_level)
        charts.draw(bars, key="overview.levels", alt="How many labels there are at each level of the class tree")
        label_progress.kinds(counts)
    if counts.images:
        st.subheader("Labelled so far")
        label_progress.splits(counts)
with state:
    st.subheader("Newest training")
    if runs:
        run_summary.show(ws, runs[0])
    else:
        st.caption("No model was trained yet.")
    st.subheader("Helpers")
    services.show(training.services(ws))
