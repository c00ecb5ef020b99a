"""One run in full: its figures, how it learned, and what it was asked to do."""

from functools import partial
from typing import Any

import streamlit as st

from app.components import charts, coarse_labels, level_names, metric_words, run_summary
from app.components.metric_words import Figure
from hmgc_core import report
from hmgc_core.records import EpochMetrics, Run
from hmgc_core.workflow import training
from hmgc_core.workflow.run_settings import said, settings_of
from hmgc_core.workflow.workspaces import Workspace

__all__ = ["said", "settings_of", "show"]


REPORT, CARD = "report.html", "model-card.md"
# What can be taken out of the app: label, icon, file, type, meaning.
FILES = (
    (
        "Report",
        ":material/summarize:",
        REPORT,
        "text/html",
        "All of this page in one file to read, print or send: figures, plots, examples, settings, hashes. It is made "
        "when you click, which takes some seconds.",
    ),
    (
        "Model card",
        ":material/id_card:",
        CARD,
        "text/markdown",
        "What the model is for, what it learned from, how good it is and where it ends, as a text (Markdown).",
    ),
)


def show(ws: Workspace, run: Run) -> None:
    """Figures, curves, all measures and settings; a way to the predictions of a finished run."""
    split = run_summary.metrics_split(run)
    if split:
        run_summary.main_figures(run, split, columns=4)
    if run.status == "done":
        _ways_on(ws, run)
    epochs = training.epochs(ws, run.id)
    if epochs:
        _curves(epochs)
        if why := report.why_curves_jump(run.config):
            st.caption(why)
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
        alt="What the run was asked to do",
    )


def _ways_on(ws: Workspace, run: Run) -> None:
    """To its predictions, and out of the app as a file; the files are made when they are asked for."""
    with st.container(horizontal=True, gap="small"):
        if st.button("See its predictions", icon=":material/image_search:", type="primary"):
            st.switch_page("pages/predictions.py", query_params={"run": str(run.id)})
        for label, icon, ending, mime, meaning in FILES:
            st.download_button(
                label,
                partial(_file, ws, run.id, ending),
                file_name=f"run-{run.id}-{ending}",
                mime=mime,
                key=f"{ending}-{run.id}",
                icon=icon,
                on_click="ignore",
                help=meaning,
            )


def _file(ws: Workspace, run_id: int, ending: str) -> bytes:
    facts = report.gather(ws, run_id)
    return (report.html(facts) if ending == REPORT else report.card(facts)).encode()


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
