"""Bring in a class tree from a file: what it would do is shown first, then it is taken into use."""

import re
import tempfile
from pathlib import Path

import streamlit as st

from app import actions, state
from app.components.wording import number
from app.security import escape_markdown
from hmgc_core.errors import HmgcError, OrphanedLabels
from hmgc_core.workflow import taxonomies
from hmgc_core.workflow.taxonomies import TaxonomyImport
from hmgc_core.workflow.workspaces import Workspace

FORMATS = """\
- **CSV with `child,parent`**: one row per class; also `name`, `synonyms` (split by `|`) and `note`.
- **CSV with `level1,level2,…`**: one row per finest class, its path from the coarsest on.
- **TXT**: one class per line, indented below the class it belongs to.
- **JSON**: classes inside classes.
"""


def show(ws: Workspace) -> None:
    """Choose a file, see what it holds, take it into use."""
    file = st.file_uploader(
        "File of a class tree", type=["csv", "txt", "json"], key=state.TREE_UPLOAD, on_change=_forget_moves
    )
    if file is None:
        with st.popover("Which files fit", type="tertiary", icon=":material/help:"):
            st.markdown(FORMATS)
        return
    content, name = file.getvalue(), file.name
    move = bool(st.session_state.get(state.TREE_MOVES))
    tried = actions.attempt(_import, ws, content, name, to_ancestor=move, dry_run=True)
    if isinstance(tried, OrphanedLabels):
        _show_orphans(tried)
        return
    if isinstance(tried, HmgcError):
        st.error(actions.sentence(tried), icon=":material/error:")
        return
    _show_plan(tried)
    st.button(
        "Use this class tree",
        type="primary",
        icon=":material/check:",
        disabled=bool(tried.version),
        on_click=_take,
        args=(ws, content, name, move),
    )
    actions.show_problem(state.TREE_IMPORT)


def _import(ws: Workspace, content: bytes, name: str, *, to_ancestor: bool, dry_run: bool) -> TaxonomyImport:
    """The verb on uploaded bytes: it reads a file, whose ending tells its format and whose name is kept."""
    safe = re.sub(r"[^\w.-]", "_", name).lstrip(".")[-80:]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / (safe or "tree")
        path.write_bytes(content)
        return taxonomies.import_taxonomy(ws, path, to_ancestor=to_ancestor, dry_run=dry_run)


def _show_plan(plan: TaxonomyImport) -> None:
    with st.grid(4, min_column_width=140):
        st.metric("Classes", number(plan.nodes))
        st.metric("Finest classes", number(plan.leaves))
        st.metric("Levels", number(plan.depth))
        st.metric("Labels that move", number(plan.moved), help="Labels whose class is gone: they go to another class.")
    for remark in plan.remarks:
        st.caption(escape_markdown(remark))
    if plan.version:
        st.info("This is the class tree that is already in use.", icon=":material/info:")


def _show_orphans(error: OrphanedLabels) -> None:
    labels, classes = sum(error.counts.values()), len(error.counts)
    st.warning(
        f"{number(labels, 'label')} would lose their class: the new tree lacks "
        f"{number(classes, 'class', 'classes')} in use. They can go to the nearest class above that stays; "
        "what people said is kept with each label.",
        icon=":material/move_up:",
    )
    most = sorted(error.counts.items(), key=lambda item: -item[1])
    st.dataframe(
        {"Class": [key for key, _ in most], "Labels": [count for _, count in most]}, hide_index=True, height="content"
    )
    st.button(
        "Move these labels to the nearest class above",
        icon=":material/move_up:",
        on_click=lambda: st.session_state.update({state.TREE_MOVES: True}),
    )


def _take(ws: Workspace, content: bytes, name: str, move: bool) -> None:
    done = actions.do(_import, ws, content, name, to_ancestor=move, dry_run=False, at=state.TREE_IMPORT)
    if done:
        _forget_moves()
        state.choose(state.NODE, "")
        st.toast(f"The class tree is in use: {number(done.nodes, 'class', 'classes')}.", icon=":material/check:")


def _forget_moves() -> None:
    st.session_state.pop(state.TREE_MOVES, None)
