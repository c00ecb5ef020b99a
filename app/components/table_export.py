"""Take labels or predictions out as a table: choose which and how fine, have it made, download it."""

from collections.abc import Callable
from datetime import date

import streamlit as st

from app import state
from app.components import background, level_names, node_search
from app.components.background import Work
from app.components.wording import number, run_title, size
from app.security import escape_markdown
from hmgc_core.records import OnProgress, Run
from hmgc_core.taxonomy import Taxonomy
from hmgc_core.workflow import exports, training
from hmgc_core.workflow.exports import Cut, ExportReport
from hmgc_core.workflow.workspaces import Workspace

NOW, EVER = "now", "ever"
LABELS = {NOW: "Labels: what people say now", EVER: "Labels: all that was ever said"}


def show(ws: Workspace, taxonomy: Taxonomy) -> None:
    """The choices, the button, and the table that was made last."""
    runs = {str(run.id): run for run in training.all_runs(ws) if run.status == "done"}
    which, level = st.columns(2)
    with which:
        st.selectbox(
            "Table", [*LABELS, *runs], key=state.EXPORT_TABLE, format_func=lambda choice: _table_name(choice, runs)
        )
    with level:
        names = level_names.with_examples(taxonomy)
        st.selectbox(
            "Finest level",
            range(len(taxonomy.levels) + 1),
            key=state.EXPORT_LEVEL,
            format_func=lambda chosen: names[chosen] if chosen else "As fine as they are",
            help="A class below this level is written as the class above it, at this level.",
        )
    with st.expander("Stop at single classes too"):
        _show_stops(taxonomy)
    busy = background.is_busy(state.EXPORT_WORK)
    st.button("Make the table", icon=":material/table_view:", on_click=_start, args=(ws,), disabled=busy)
    made = background.follow(state.EXPORT_WORK, stop="Stop the table", stopped="It was stopped. No table was made.")
    if made is not None:
        _take_up(made)
    _show_made()


def _table_name(choice: str, runs: dict[str, Run]) -> str:
    return LABELS.get(choice) or f"Predictions: {run_title(runs[choice])}"


def _show_stops(taxonomy: Taxonomy) -> None:
    """Classes below which nothing is written: found by search, taken back by a click."""
    stops = _stops()
    st.caption("Whatever lies below these classes is written as the class itself.")
    node_search.show(taxonomy, key=f"{state.EXPORT_AT}.search", label="Search a class", on_pick=_add_stop)
    with st.container(horizontal=True, gap="xsmall"):
        for key in stops:
            name = taxonomy.name(taxonomy.index(key)) if key in taxonomy else key
            st.button(
                escape_markdown(name),
                key=f"{state.EXPORT_AT}-{key}",
                icon=":material/close:",
                help="Take this class back",
                on_click=_drop_stop,
                args=(key,),
            )


def _stops() -> tuple[str, ...]:
    return tuple(st.session_state.get(state.EXPORT_AT, ()))


def _add_stop(key: str) -> None:
    st.session_state[state.EXPORT_AT] = tuple(dict.fromkeys((*_stops(), key)))


def _drop_stop(key: str) -> None:
    st.session_state[state.EXPORT_AT] = tuple(stop for stop in _stops() if stop != key)


def _start(ws: Workspace) -> None:
    """Have the table written beside the workspace's other files that may be deleted at any time."""
    if not background.is_busy(state.EXPORT_WORK):
        st.session_state[state.EXPORT_WORK] = Work("Looking for what to write", _verb(ws))


def _verb(ws: Workspace) -> Callable[[OnProgress], ExportReport]:
    """What is to be written, taken from the page as it is now; the writing itself comes later."""
    choice = st.session_state[state.EXPORT_TABLE]
    cut = Cut(st.session_state[state.EXPORT_LEVEL] or None, _stops())

    def write(report: OnProgress) -> ExportReport:
        out = exports.place_for_download(ws)
        if choice in LABELS:
            verb = exports.export_words if choice == NOW else exports.export_annotations
            return verb(ws, out, cut=cut, on_progress=report)
        return exports.export_predictions(ws, out, run_id=int(choice), cut=cut, on_progress=report)

    return write


def _take_up(made: ExportReport) -> None:
    """Offer this table from now on; the one before it goes."""
    before: ExportReport | None = st.session_state.get(state.EXPORT_REPORT)
    if before is not None:
        before.file.unlink(missing_ok=True)
    st.session_state[state.EXPORT_REPORT] = made


def _show_made() -> None:
    made: ExportReport | None = st.session_state.get(state.EXPORT_REPORT)
    if made is None or not made.file.exists():
        return
    with st.container(border=True, horizontal=True, vertical_alignment="center", key="data.export.made"):
        st.markdown(f"**{number(made.rows, 'row')}**, {size(made.file.stat().st_size)}", width="content")
        st.download_button(
            "Download",
            made.file.read_bytes,  # read when it is asked for, so that no page holds it in memory
            file_name=f"{made.what}-{date.today():%Y-%m-%d}.csv",
            mime="text/csv",
            icon=":material/download:",
            on_click="ignore",
            type="primary",
        )
        if made.left_out:
            left_out = number(made.left_out, "label says", "labels say")
            st.caption(f"{left_out} what a picture is not, below the finest level: left out.")
