"""The folders with pictures, whether each is still there, and a way to say where a moved one lies now."""

from collections.abc import Sequence
from pathlib import Path

import streamlit as st

from app import actions, state
from app.components.wording import number
from hmgc_core.workflow import pictures
from hmgc_core.workflow.pictures import PictureFolder
from hmgc_core.workflow.workspaces import Workspace


def warn(folders: Sequence[PictureFolder]) -> None:
    """Say so where a folder is gone; what to do stands beside it in the list."""
    gone = sum(not folder.there for folder in folders)
    if gone:
        st.warning(f"{number(gone, 'folder is', 'folders are')} gone: see below.", icon=":material/folder_off:")


def show(ws: Workspace, folders: Sequence[PictureFolder]) -> None:
    """One line per folder."""
    for place, folder in enumerate(folders):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            if folder.there:
                st.badge("there", icon=":material/check:", color="green")
            else:
                st.badge("gone", icon=":material/folder_off:", color="red")
            st.text(str(folder.path), width="content")
            st.caption(number(folder.files, "file"), width="content")
        if not folder.there:
            _mend(ws, folder.path, f"{state.FOLDER}.{place}")


def _mend(ws: Workspace, old: Path, key: str) -> None:
    st.caption("Its pictures cannot be shown or learned from. Put the folder back, or say where it lies now.")
    with st.form(key=f"{key}.form", border=False), st.container(horizontal=True, vertical_alignment="bottom"):
        st.text_input("New place of this folder", key=key, placeholder="/home/me/pictures")
        st.form_submit_button("Use this folder", on_click=_point, args=(ws, old, key))
    actions.show_problem(key)


def _point(ws: Workspace, old: Path, key: str) -> None:
    new = st.session_state[key].strip()
    if new:
        actions.do(pictures.point_folder, ws, old, Path(new), at=key)
