"""One run in full: its figures, how it learned, and what it was asked to do."""

from dataclasses import asdict
from typing import Any

import streamlit as st

from app.components import charts, coarse_labels, level_names, metric_words, run_summary
from app.components.metric_words import Figure
from hmgc_core.records import EpochMetrics, Run
from hmgc_core.workflow import training
from hmgc_core.workflow.workspaces import Workspace

# Setting -> what people read.
SETTINGS = {
    "model": "Model",
    "backbone": "Backbone",
    "image_size": "Picture size (pixels)",
    "epochs": "Epochs",
    "batch_size": "Batch size",
    "lr": "Learning rate",
    "weight_decay": "Weight decay",
    "label_smoothing": "Label smoothing",
    "device": "Runs on",
    "seed": "Seed",
    "weights": "Weights file",
    "labelling": "Labelling",
    "drop_coarse": "Finest labels only",
}


def show(ws: Workspace, run: Run) -> None:
    """Figures, curves, all measures and settings; a way to the predictions of a finished run."""
    split = run_summary.metrics_split(run)
    if split:
        run_summary.main_figures(run, split, columns=4)
    if run.status == "done" and st.button("See its predictions", icon=":material/image_search:", type="primary"):
        st.switch_page("pages/predictions.py", query_params={"run": str(run.id)})
    epochs = training.epochs(ws, run.id)
    if epochs:
        _curves(epochs)
    elif run.status != "done" and not run.error:
        st.caption("No epoch is finished yet.")
    coarse_labels.show(ws, run)
    if split:
        st.subheader("All measures")
        st.caption(f"On {run_summary.measured_on(run, split)} that had a label when the run was queued.")
        for about, figures in metric_words.by_group(metric_words.figures(run.metrics[split])).items():
            st.markdown(f"**{about}**")
            _table(about, figures)
    st.subheader("Settings")
    names = settings_of(run)
    st.dataframe(
        {"Setting": list(names.values()), "Value": [said(run, name) for name in names]},
        hide_index=True,
        height="content",
        width="content",
        alt="What the run was asked to do",
    )


def settings_of(*runs: Run) -> dict[str, str]:
    """Setting -> what people read: those that all runs have, then what only the models of these can be told."""
    own = (option for run in runs for option in training.options_of(run.config.model, run.config.backbone))
    return SETTINGS | {option.name: option.words for option in own}


def said(run: Run, setting: str) -> str:
    """The value of a setting as text; a dash for a blank one, and for one that this model does not have."""
    values = asdict(run.config)
    options = training.options_of(run.config.model, run.config.backbone)
    of_model = {option.name: run.config.options.get(option.name, option.default) for option in options}
    value = values[setting] if setting in SETTINGS else of_model.get(setting, "")
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value) or "–"


def _table(about: str, figures: list[Figure]) -> None:
    st.dataframe(
        {
            "Measure": [figure.name for figure in figures],
            "Value": [figure.text for figure in figures],
            "Exact name": [figure.exact for figure in figures],
            "What it says": [figure.measure.meaning for figure in figures],
        },
        hide_index=True,
        height="content",
        alt=f"{about}: the measures of the run",
    )


def _curves(epochs: list[EpochMetrics]) -> None:
    levels = max(len(_levels(epoch)) for epoch in epochs)
    right: dict[str, list[float | None]] = {
        level_names.level_name(level, levels): [_level(epoch, level) for epoch in epochs]
        for level in range(1, levels + 1)
    }
    if not right and any("leaf_accuracy" in epoch.metrics for epoch in epochs):
        right = {"Finest level": [epoch.metrics.get("leaf_accuracy") for epoch in epochs]}
    drawn = (
        ("Right on validation pictures, by epoch", right, True),
        ("Training loss, by epoch", {"loss": [epoch.train_loss for epoch in epochs]}, False),
        ("Pictures per second, by epoch", {"pictures/s": [epoch.images_per_s for epoch in epochs]}, False),
    )
    with st.grid(3, min_column_width=260, gap="medium"):
        for title, series, shares in drawn:
            with st.container():
                st.markdown(f"**{title}**")
                charts.draw(charts.curves(series, shares=shares), key=f"curve-{title}", alt=f"{title} over the epochs")


def _levels(epoch: EpochMetrics) -> list[Any]:
    return list(epoch.metrics.get("level_accuracy") or [])


def _level(epoch: EpochMetrics, level: int) -> float | None:
    shares = _levels(epoch)
    return shares[level - 1] if level <= len(shares) else None
