"""All runs in a table, and a box to choose one."""

from collections.abc import Sequence
from functools import partial

import streamlit as st

from app import state
from app.components import metric_words, run_summary, wording
from hmgc_core.records import Run

MOST_ROWS = 8


def show(runs: Sequence[Run]) -> None:
    """One row per run, the newest first; ticking one opens the run, ticking two compares them."""
    rows = [_row(run) for run in runs]
    st.dataframe(
        {column: [row[column] for row in rows] for column in rows[0]},
        hide_index=True,
        height=40 + 35 * min(len(rows), MOST_ROWS),
        key=state.RUN_LIST,
        on_select=partial(_open, [run.id for run in runs]),
        selection_mode="multi-row",
        alt="All runs, the newest first",
    )
    if len(runs) > 1:
        st.caption("Tick a run to open it, two to compare them.")


def _row(run: Run) -> dict[str, str]:
    split = run_summary.metrics_split(run)
    figures = {figure.exact: figure.text for figure in metric_words.figures(run.metrics[split])} if split else {}
    return {
        "Run": str(run.id),
        "State": run.state,
        "Model": ", ".join(filter(None, (f"{run.config.model} on {run.config.backbone}", run.config.what_learned))),
        "When": wording.ago(run.finished_at or run.created_at),
        "Finest level right": figures.get("leaf_accuracy", "–"),
        "Every level right": figures.get("full_path_accuracy", "–"),
        "How far off mistakes are": figures.get("severity", "–"),
        "Knew labels up to": wording.label_number(run),
    }


def _open(numbers: list[int]) -> None:
    rows = st.session_state[state.RUN_LIST].selection.rows
    if rows:
        newest_first = sorted((numbers[row] for row in rows), reverse=True)
        state.choose(state.RUN, newest_first[0])
        state.choose(state.OTHER_RUN, newest_first[1] if len(newest_first) > 1 else None)


def picker(label: str, runs: Sequence[Run], key: str, chosen: Run | None, *, nothing: str = "") -> None:
    """A box with `runs`; what is chosen goes into the address. `nothing` names the choice of none, if that is one."""
    titles = {run.id: wording.run_title(run) for run in runs}
    widget = f"{key}.box"
    st.session_state[widget] = chosen.id if chosen and chosen.id in titles else None
    st.selectbox(
        label,
        list(titles),
        index=None if nothing else 0,
        format_func=titles.__getitem__,
        key=widget,
        placeholder=nothing or None,
        on_change=_choose,
        args=(key, widget),
    )


def _choose(key: str, widget: str) -> None:
    state.choose(key, st.session_state[widget])
