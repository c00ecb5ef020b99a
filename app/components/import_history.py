"""Imports that were made: the last one in full with the way back, the others as a list."""

import streamlit as st

from app import actions, state
from app.components import background
from app.components.background import Work
from app.components.wording import ago, number
from app.security import escape_markdown
from hmgc_core.records import ImportRecord
from hmgc_core.workflow import import_history
from hmgc_core.workflow.import_history import UndoReport
from hmgc_core.workflow.workspaces import Workspace

EVERY_S = 1.0


def show(ws: Workspace) -> None:
    """The last import and those before; nothing where there was none."""
    records = import_history.history(ws)
    if not records:
        return
    st.subheader("Imports")
    _follow_undo()
    standing = next((record for record in records if record.undone_at is None), None)
    if standing is not None and import_history.is_running(standing):
        if state.IMPORT_WORK not in st.session_state:  # this session's own is shown above
            _watch(ws)
    elif standing is not None:
        _card(ws, standing)
    _list(records)


def _watch(ws: Workspace) -> None:
    """Look again while an import is under way, here or elsewhere."""

    @st.fragment(run_every=EVERY_S)
    def watch() -> None:
        running = [record for record in import_history.history(ws) if import_history.is_running(record)]
        if not running:
            st.rerun()
        for record in running:
            text = f"{escape_markdown(record.source)}: {number(record.done)} of {number(record.total)} stored"
            st.progress(record.done / record.total if record.total else 0.0, text=text)

    watch()


def _card(ws: Workspace, record: ImportRecord) -> None:
    with st.container(border=True):
        with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
            by = f" by {record.started_by}" if record.started_by else ""
            st.markdown(
                f"**{escape_markdown(record.source)}** {escape_markdown(f'{ago(record.started_at)}{by}')}",
                width="content",
            )
            if not background.is_busy(state.UNDO_WORK):
                _way_back(ws)
        if import_history.is_cut_off(record):
            st.warning(
                f"It was cut off after {number(record.done)} of {number(record.total)} files. Import the same again to "
                "go on where it stopped, or take it back.",
                icon=":material/warning:",
            )
        with st.grid(5, min_column_width=110):
            st.metric("New pictures", number(record.images))
            st.metric("Known before", number(record.known))
            st.metric("Duplicates", number(record.duplicates))
            st.metric("Labels", number(record.annotations))
            st.metric("Left out", number(record.skips))
        shown = import_history.left_out(ws, record.id) if record.skips else []
        if shown:
            with st.expander(f"{number(record.skips, 'thing was', 'things were')} left out"):
                st.dataframe(
                    {"File": [path for path, _ in shown], "Why": [reason for _, reason in shown]},
                    hide_index=True,
                    height=min(360, 40 + 36 * len(shown)),
                    alt="What the import left out, and why",
                )
                if record.skips > len(shown):
                    st.caption(f"The first {number(len(shown))} are shown.")


def _way_back(ws: Workspace) -> None:
    with st.popover("Take back", icon=":material/undo:", key=state.IMPORT_UNDO, on_change="rerun") as asking:
        if asking.open:
            with st.container(width=420):
                would = actions.attempt(import_history.undo_import, ws, dry_run=True)
                if isinstance(would, UndoReport):
                    _ask(ws, would)
                else:
                    st.error(actions.sentence(would), icon=":material/error:")


def _ask(ws: Workspace, would: UndoReport) -> None:
    st.markdown(
        f"{number(would.images, 'picture')} and {number(would.annotations, 'label')} of this import go. "
        "Files that were not copied stay where they are."
    )
    if would.kept:
        st.info(f"{_staying(would)} What people said is never taken back.", icon=":material/info:")
    st.button("Take this import back", type="primary", icon=":material/undo:", on_click=_undo, args=(ws,))


def _staying(done: UndoReport) -> str:
    stay = number(done.kept, "picture stays", "pictures stay")
    if not done.people:
        return f"{stay}: another import found them too."
    return f"{stay}, labelled since by {escape_markdown(', '.join(done.people))}."


def _undo(ws: Workspace) -> None:
    if not background.is_busy(state.UNDO_WORK):
        st.session_state[state.UNDO_WORK] = Work(
            "Taking back", lambda report: import_history.undo_import(ws, on_progress=report)
        )
    st.session_state[state.IMPORT_UNDO] = False


def _follow_undo() -> None:
    done = background.follow(
        state.UNDO_WORK, stop="Stop", stopped="It was stopped half-way; take the import back once more to go on."
    )
    if done is not None:
        gone = f"Taken back: {number(done.images, 'picture')} and {number(done.annotations, 'label')}."
        st.toast(f"{gone} {_staying(done)}" if done.kept else gone, icon=":material/undo:")


def _list(records: list[ImportRecord]) -> None:
    with st.expander(f"All imports ({number(len(records))})"):
        st.dataframe(
            {
                "When": [record.started_at for record in records],
                "From": [record.source for record in records],
                "By": [record.started_by for record in records],
                "Pictures": [record.images for record in records],
                "Labels": [record.annotations for record in records],
                "Left out": [record.skips for record in records],
                "State": [_state(record) for record in records],
            },
            hide_index=True,
            height=min(360, 40 + 36 * len(records)),
            alt="All imports, the newest first",
        )


def _state(record: ImportRecord) -> str:
    if record.undone_at is not None:
        kept = f", {number(record.kept, 'picture')} kept" if record.kept else ""
        return ("taken back" if record.finished_at else "stopped and taken back") + kept
    if import_history.is_cut_off(record):
        return f"cut off at {number(record.done)} of {number(record.total)}"
    return "finished" if record.finished_at else "running"
