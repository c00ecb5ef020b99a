"""Two runs side by side: what differs in their settings, and by how much their figures differ."""

import pandas as pd
import streamlit as st

from app.components import metric_words, run_summary
from app.components.metric_words import Figure
from app.components.run_detail import said, settings_of
from hmgc_core.records import Run

MARK = "background-color: rgba(20, 163, 148, 0.22)"
# Differences smaller than this are noise on any set of pictures.
SMALLEST = 0.0005


def show(run: Run, other: Run) -> None:
    """Measures with their difference, then settings; what differs is marked."""
    one, two = f"Run {run.id}", f"Run {other.id}"
    run_summary.title(other)
    run_summary.problems(other)
    run_split, other_split = run_summary.metrics_split(run), run_summary.metrics_split(other)
    if run_split and run_split == other_split:
        _measures(run, other, run_split, one, two)
    else:
        st.caption("Their figures cannot be compared: not both were measured on the same pictures.")
    rows = [(name, said(run, setting), said(other, setting)) for setting, name in settings_of(run, other).items()]
    rows.append(("Labels it knew: the first", f"{run.last_annotation_id:,}", f"{other.last_annotation_id:,}"))
    table = pd.DataFrame(rows, columns=["Setting", one, two])
    differs = table[one] != table[two]
    st.markdown("**Settings**")
    _draw(table, differs, alt="Settings of both runs; what differs is marked")


def _measures(run: Run, other: Run, split: str, one: str, two: str) -> None:
    mine = {figure.exact: figure for figure in metric_words.figures(run.metrics[split])}
    theirs = {figure.exact: figure for figure in metric_words.figures(other.metrics[split])}
    shared = [figure for exact, figure in mine.items() if exact in theirs]
    for about, figures in metric_words.by_group(shared).items():
        table = pd.DataFrame(
            {
                "Measure": [figure.name for figure in figures],
                one: [figure.text for figure in figures],
                two: [theirs[figure.exact].text for figure in figures],
                "Difference": [_difference(figure, theirs[figure.exact]) for figure in figures],
                "Exact name": [figure.exact for figure in figures],
            }
        )
        st.markdown(f"**{about}**, on the {split} pictures")
        _draw(table, table["Difference"] != "same", alt=f"{about}: both runs; what differs is marked")


def _difference(mine: Figure, theirs: Figure) -> str:
    """`+3.0 points, better`: how the first run differs from the second."""
    if mine.value is None or theirs.value is None:
        return "–"
    gap = mine.value - theirs.value
    if abs(gap) < SMALLEST:
        return "same"
    word = "better" if (gap > 0) == (mine.measure.better == "higher") else "worse"
    size = f"{gap * 100:+.1f} points" if mine.measure.unit == "share" else f"{gap:+.2f} steps"
    return f"{size}, {word}"


def _draw(table: pd.DataFrame, differs: pd.Series, *, alt: str) -> None:
    marked = table.style.apply(lambda row: [MARK if differs[row.name] else ""] * len(row), axis=1)
    st.dataframe(marked, hide_index=True, height="content", alt=alt)
