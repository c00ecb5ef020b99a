"""Two runs side by side: by how much their figures differ, which pictures changed, what differs in their settings."""

from collections.abc import Mapping, Sequence

import pandas as pd
import streamlit as st

from app import resources
from app.components import charts, metric_words, run_summary
from app.components.metric_words import Figure
from app.components.run_detail import said, settings_of
from app.components.wording import SPLITS, label_number, number
from hmgc_core.records import Run
from hmgc_core.workflow import exploring, training
from hmgc_core.workflow.marks import Mark

MARK = "background-color: rgba(20, 163, 148, 0.22)"
WORSE = "background-color: rgba(217, 118, 43, 0.22)"


def show(run: Run, other: Run) -> None:
    """Which is better, curves, measures with their difference, then settings; what differs is marked."""
    one, two = f"Run {run.id}", f"Run {other.id}"
    run_summary.title(other)
    run_summary.problems(other)
    run_split, other_split = run_summary.metrics_split(run), run_summary.metrics_split(other)
    if run.status == other.status == "done":
        _verdict(run, other, run_split)
    _curves({one: run, two: other})
    if run_split and run_split == other_split:
        _measures(run, other, run_split, one, two)
    else:
        st.caption("Their figures cannot be compared: not both were measured on the same pictures.")
    if run.status == other.status == "done":
        _pictures(run, other)
    rows = [(name, said(run, setting), said(other, setting)) for setting, name in settings_of(run, other).items()]
    rows.append(("Knew labels up to", label_number(run), label_number(other)))
    table = pd.DataFrame(rows, columns=["Setting", one, two])
    marks = [MARK if differs else "" for differs in table[one] != table[two]]
    st.markdown("**Settings**")
    _draw(table, marks, alt="Settings of both runs; what differs is marked")


def _verdict(run: Run, other: Run, split: str) -> None:
    """Which of them is better, in one sentence, or that nobody can tell; on pictures that neither was trained on."""
    ws = resources.workspace()
    found = exploring.difference(
        resources.prediction_table(ws, run.id), resources.prediction_table(ws, other.id), split=split
    )
    if found is None:
        return
    gap = f"{abs(found.difference) * 100:.1f} points"
    pictures = number(found.pictures, f"{SPLITS[split].lower()} picture")
    counts = (
        f"Of {pictures}, {number(found.gained, 'is', 'are')} right in run {run.id} alone, "
        f"{number(found.lost)} in run {other.id} alone."
    )
    ends = (
        f"95% sure: {found.low * 100:+.1f} to {found.high * 100:+.1f} points for run {run.id}, with other pictures; "
        "another seed can change it, too."
    )
    if found.verdict == "unclear":
        st.info(f"**Which is better is not clear.** {counts} {ends}", icon=":material/balance:")
        return
    better, worse = (run, other) if found.verdict == "better" else (other, run)
    said = f"**Run {better.id} is better than run {worse.id}, by {gap}.** {counts} {ends}"
    st.success(said, icon=":material/trending_up:")


def _curves(runs: dict[str, Run]) -> None:
    """What the runs were measured by after each epoch, and what they learned by, one line for each."""
    ws = resources.workspace()
    epochs = {name: training.epochs(ws, run.id) for name, run in runs.items()}
    right = {name: [epoch.metrics.get("leaf_accuracy") for epoch in of] for name, of in epochs.items()}
    loss = {name: [epoch.train_loss for epoch in of] for name, of in epochs.items()}
    with st.grid(2, min_column_width=260, gap="medium"):
        _lines("Finest class right on validation pictures, by epoch", right, shares=True)
        _lines("Training loss, by epoch", loss, shares=False)


def _lines(title: str, series: Mapping[str, Sequence[float | None]], *, shares: bool) -> None:
    known = {name: values for name, values in series.items() if any(value is not None for value in values)}
    if not known:
        return
    with st.container():
        st.markdown(f"**{title}**")
        charts.draw(charts.curves(known, shares=shares), key=f"both-{title}", alt=f"{title}, of both runs")


def _pictures(run: Run, other: Run) -> None:
    """How many pictures got better and worse, each with the way to them."""
    ws = resources.workspace()
    table, theirs = resources.prediction_table(ws, run.id), resources.prediction_table(ws, other.id)
    found = exploring.compared(table, theirs, level=1)
    total = found.both_right + found.better + found.worse + found.both_wrong
    st.markdown("**Picture by picture**")
    if not total:
        st.caption("No labelled picture has an answer of both runs.")
        return
    judged = (
        "" if found.same_tree else " Their class trees differ, so each is judged in its own, by the keys of classes."
    )
    st.caption(
        f"Of {number(total, 'labelled picture')}, those that they were trained on among them, "
        f"{number(found.both_right)} are right in both and "
        f"{number(found.both_wrong)} wrong in both.{judged}"
    )
    with st.container(horizontal=True):
        for kind, images, words, icon in (
            ("got-better", found.better, "better", ":material/trending_up:"),
            ("got-worse", found.worse, "worse", ":material/trending_down:"),
        ):
            query = {"run": str(run.id), "mark": str(Mark(kind, (other.id,)))}
            label = f"{number(images)} {words} in run {run.id}"
            st.page_link("pages/predictions.py", label=label, icon=icon, query_params=query, disabled=not images)
        query = {"run": str(run.id), "with": str(other.id), "chart": "runs"}
        st.page_link("pages/predictions.py", label="In which classes", icon=":material/bar_chart:", query_params=query)


def _measures(run: Run, other: Run, split: str, one: str, two: str) -> None:
    mine = {figure.exact: figure for figure in metric_words.figures(run.metrics[split])}
    theirs = {figure.exact: figure for figure in metric_words.figures(other.metrics[split])}
    shared = [figure for exact, figure in mine.items() if exact in theirs]
    for about, figures in metric_words.by_group(shared).items():
        differences = [_difference(figure, theirs[figure.exact]) for figure in figures]
        table = pd.DataFrame(
            {
                "Measure": [figure.name for figure in figures],
                one: [figure.text for figure in figures],
                two: [theirs[figure.exact].text for figure in figures],
                f"{one} is": differences,
                "Exact name": [figure.exact for figure in figures],
            }
        )
        st.markdown(f"**{about}**, on the {SPLITS[split].lower()} pictures")
        marks = ["" if said == "same" else WORSE if said.endswith("worse") else MARK for said in differences]
        _draw(table, marks, alt=f"{about}: both runs; what differs is marked")


def _difference(mine: Figure, theirs: Figure) -> str:
    """`+3.0 points, better`: how the first run differs from the second."""
    if mine.value is None or theirs.value is None:
        return "–"
    gap = mine.against(theirs)
    if not gap:
        return "same"
    return f"{gap}, {'better' if gap.startswith('+') == (mine.measure.better == 'higher') else 'worse'}"


def _draw(table: pd.DataFrame, marks: list[str], *, alt: str) -> None:
    """marks: the style of each row."""
    marked = table.style.apply(lambda row: [marks[row.name]] * len(row), axis=1)
    st.dataframe(marked, hide_index=True, height="content", alt=alt)
