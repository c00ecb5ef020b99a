"""Back the workspace up into one file on the machine that runs the app; a small one can be downloaded as well."""

from datetime import date
from pathlib import Path

import streamlit as st

from app import actions, state
from app.components import background
from app.components.background import Work
from app.components.wording import number, size
from app.security import escape_markdown
from hmgc_core.errors import BadRequest
from hmgc_core.workflow import backups
from hmgc_core.workflow.backups import BackupReport
from hmgc_core.workflow.workspaces import Workspace

# A download is held in memory while it lasts; a larger backup is fetched where it lies.
LARGEST_DOWNLOAD = 200_000_000


def show(ws: Workspace) -> None:
    """Where to write it, the button, and the backup that was made last."""
    with st.form("data.backup"):
        st.text_input(
            "File to write",
            value=str(Path.home() / f"{ws.folder.name}-{date.today():%Y-%m-%d}.zip"),
            key=state.BACKUP_FILE,
            help="A path on the machine that runs this app, best on another disk. It must end in .zip.",
        )
        st.caption(
            "It holds the labels, the class trees, the pictures inside the workspace and the trained models. Everybody "
            "can go on labelling meanwhile. Pictures that lie elsewhere are not in it. To get a workspace back: "
            "`hmgc restore FILE --workspace DIR`."
        )
        actions.show_problem(state.BACKUP_FILE)
        busy = background.is_busy(state.BACKUP_WORK)
        st.form_submit_button("Back up", icon=":material/archive:", on_click=_start, args=(ws,), disabled=busy)
    made = background.follow(
        state.BACKUP_WORK, stop="Stop the backup", stopped="It was stopped. No file was written.", counted=size
    )
    if made is not None:
        st.session_state[state.BACKUP_REPORT] = made
    _show_made()


def _start(ws: Workspace) -> None:
    file = actions.do(_named, st.session_state[state.BACKUP_FILE].strip(), at=state.BACKUP_FILE)
    if file is None or background.is_busy(state.BACKUP_WORK):
        return
    st.session_state.pop(state.BACKUP_REPORT, None)
    st.session_state[state.BACKUP_WORK] = Work(
        "Backing up", lambda report: backups.backup(ws, file, on_progress=report)
    )


def _named(name: str) -> Path:
    if not name.lower().endswith(".zip"):
        raise BadRequest("a backup is a file that ends in .zip", remedy="give such a name")
    return Path(name)


def _show_made() -> None:
    made: BackupReport | None = st.session_state.get(state.BACKUP_REPORT)
    if made is None or not made.file.exists():
        return
    with st.container(border=True, key="data.backup.made"):
        held = ", ".join(
            (
                number(made.counts["labels"], "label"),
                number(made.counts["pictures"], "picture file"),
                number(made.counts["runs"], "trained model"),
            )
        )
        st.markdown(f"**The backup is written:** {held}, {size(made.size)}.")
        st.text(str(made.file))
        for left_out in made.left_out:
            st.warning(f"Not in it: {escape_markdown(left_out)}.", icon=":material/info:")
        if made.size <= LARGEST_DOWNLOAD:
            st.download_button(
                "Download it too",
                made.file.read_bytes,
                file_name=made.file.name,
                mime="application/zip",
                icon=":material/download:",
                on_click="ignore",
            )
