"""Bring in pictures of this machine: a folder, or a table of pictures and labels; what is left out is told, and why."""

from pathlib import Path
from typing import Any

import streamlit as st

from app import actions, state
from app.components.wording import number
from hmgc_core.errors import BadRequest
from hmgc_core.exchange.table import Columns
from hmgc_core.workflow import pictures
from hmgc_core.workflow.pictures import ImportReport
from hmgc_core.workflow.workspaces import Workspace

COLUMNS = {"path": "Picture file", "label": "Class", "split": "Split", "annotator": "Who labelled"}
MOST_SHOWN = 1000


def show(ws: Workspace, *, has_tree: bool) -> None:
    """The form of an import."""
    with st.form("data.import"):
        st.text_input(
            "Folder of pictures, or table (CSV) of pictures and labels",
            key=state.IMPORT_SOURCE,
            placeholder="/home/me/birds or /home/me/birds/labels.csv",
            help="A path on the machine that runs this app. Paths inside a table are relative to it.",
        )
        if not has_tree:
            st.caption(":material/info: Labels of a table need a class tree: import it first, then the table.")
        with st.expander("Table columns, labels and copies"):
            with st.grid(4, min_column_width=150):
                for column, name in COLUMNS.items():
                    st.text_input(f"{name} column", value=column, key=f"{state.IMPORT_COLUMN}.{column}")
            st.text_input("Labels without a name belong to", value=pictures.IMPORTER, key=state.IMPORT_BY, max_chars=60)
            st.checkbox("Copy the files into the workspace", key=state.IMPORT_COPY)
            st.caption("Without copies the pictures stay where they are and must not be moved away.")
        actions.show_problem(state.IMPORT_SOURCE)
        st.form_submit_button(
            "Add pictures", type="primary", icon=":material/add_photo_alternate:", on_click=_run, args=(ws,)
        )


def _run(ws: Workspace) -> None:
    source = st.session_state[state.IMPORT_SOURCE].strip()
    bar = st.progress(0.0, text="Looking for pictures")
    st.session_state.pop(state.IMPORT_REPORT, None)
    report = actions.do(
        _import,
        ws,
        source,
        columns=Columns(**{column: _column(column) for column in COLUMNS}),
        annotator=st.session_state[state.IMPORT_BY].strip() or pictures.IMPORTER,
        copy=st.session_state[state.IMPORT_COPY],
        at=state.IMPORT_SOURCE,
        on_progress=lambda done, total: bar.progress(done / total, text=f"{number(done)} of {number(total)} read"),
    )
    bar.empty()
    st.session_state[state.IMPORT_REPORT] = report


def _import(ws: Workspace, source: str, **kwargs: Any) -> ImportReport:
    if not source:
        raise BadRequest("there is nothing to add yet", remedy="give a folder of pictures, or a table, first")
    return pictures.import_images(ws, Path(source).expanduser(), **kwargs)


def _column(column: str) -> str:
    return st.session_state[f"{state.IMPORT_COLUMN}.{column}"].strip() or column


def show_report() -> None:
    """What the last import of this session did, until it is closed."""
    report: ImportReport | None = st.session_state.get(state.IMPORT_REPORT)
    if report is None:
        return
    with st.container(border=True):
        st.markdown("**The import is finished.**")
        with st.grid(4, min_column_width=120):
            st.metric("New pictures", number(report.images))
            st.metric("Known before", number(report.known), help="These files were imported earlier; nothing changed.")
            st.metric("Duplicates", number(report.duplicates), help="Files with the same content as another picture.")
            st.metric("Labels", number(report.annotations))
        if report.skipped:
            st.markdown(f"{number(len(report.skipped), 'thing was', 'things were')} left out:")
            shown = report.skipped[:MOST_SHOWN]
            st.dataframe(
                {"File": [skip.path for skip in shown], "Why": [skip.reason for skip in shown]},
                hide_index=True,
                height=min(360, 40 + 36 * len(shown)),
                alt="What the import left out, and why",
            )
        st.button("Close", on_click=lambda: st.session_state.pop(state.IMPORT_REPORT, None))
