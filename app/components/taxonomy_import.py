"""Bring in a class tree, from a file or pasted: what it would do is shown first, then it is taken into use."""

import re
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

import streamlit as st

from app import actions, state
from app.components import tree_difference, tree_versions
from app.components.wording import number
from app.security import escape_markdown
from hmgc_core.errors import HmgcError, OrphanedLabels, TaxonomyError
from hmgc_core.taxonomy_io import TaxonomyFile, read_taxonomy_file
from hmgc_core.workflow import taxonomies, tree_imports
from hmgc_core.workflow.taxonomies import TaxonomyImport
from hmgc_core.workflow.workspaces import Workspace

FILE, PASTE = "A file", "Paste"
LARGEST_MB = 40
FORMATS = """\
- **CSV with `child,parent`**: one row per class; also `name`, `synonyms` (split by `|`) and `note`.
- **CSV with `level1,level2,…`**: one row per finest class, its path from the coarsest on.
- **TXT**: one class per line, indented below the class it belongs to.
- **JSON**: classes inside classes.

All of these can be pasted as well, also from a spreadsheet or as a list with bullets.
"""


@dataclass(frozen=True)
class _Candidate:
    """A tree that may be taken into use. source: what it came from, as it is kept with the version."""

    read: TaxonomyFile
    source: str


def show(ws: Workspace) -> None:
    """Choose a file or paste a text, see what it holds and what it would change, take it into use."""
    way = st.segmented_control(
        "Where the class tree is",
        [FILE, PASTE],
        default=FILE,
        required=True,
        key=state.TREE_WAY,
        label_visibility="collapsed",
        on_change=_forget_moves,
    )
    try:
        candidate = _pasted() if way == PASTE else _uploaded()
    except TaxonomyError as error:
        st.error(actions.sentence(error), icon=":material/error:")
        return
    if candidate is None:
        actions.show_problem(state.TREE_IMPORT)
        with st.container(horizontal=True):
            with st.popover("Which formats fit", type="tertiary", icon=":material/help:"):
                st.markdown(FORMATS)
            _offer_present_tree(ws)
        tree_versions.show(ws)
        return
    _show_candidate(ws, replace(candidate, read=taxonomies.recognised(ws, candidate.read)))
    actions.show_problem(state.TREE_IMPORT)


def _offer_present_tree(ws: Workspace) -> None:
    """The tree in use as a file that can be changed and brought in again."""
    newest = taxonomies.newest_taxonomy(ws)
    if newest is not None:
        st.download_button(
            "Download the tree in use",
            lambda: tree_imports.tree_file(newest[1]),
            file_name="class-tree.csv",
            mime="text/csv",
            icon=":material/download:",
            type="tertiary",
            on_click="ignore",
        )


def _uploaded() -> _Candidate | None:
    """The uploaded file: its ending tells its format, and its name is kept. Raises TaxonomyError."""
    file = st.file_uploader(
        "File of a class tree",
        type=["csv", "txt", "json"],
        max_upload_size=LARGEST_MB,
        key=state.TREE_UPLOAD,
        on_change=_forget_moves,
    )
    if file is None:
        return None
    safe = re.sub(r"[^\w.-]", "_", file.name).lstrip(".")[-80:] or "tree"
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / safe
        path.write_bytes(file.getvalue())
        try:
            return _Candidate(read_taxonomy_file(path), safe)
        except TaxonomyError as error:
            # The folder was made for the moment and means nothing to anybody.
            raise TaxonomyError(str(error).replace(f"{folder}/", ""), remedy=error.remedy) from error


def _pasted() -> _Candidate | None:
    """The pasted text, and what it was taken for. Raises TaxonomyError."""
    text = st.text_area(
        "Paste the class tree",
        height=88 if st.session_state.get(state.TREE_PASTE) else 240,  # what it would do shall be in sight
        key=state.TREE_PASTE,
        on_change=_hear_paste,
        placeholder="bird\n  albatross\n    black-footed albatross\n  owl\nship",
    )
    asked = st.button("Look at it", icon=":material/visibility:")  # leaving the field already hands the text over
    if not text.strip():
        if asked:
            st.info("There is nothing to look at yet. Paste a class tree first.", icon=":material/info:")
        return None
    pasted = tree_imports.read_pasted(text)
    words = tree_imports.FORMAT_WORDS[pasted.format]
    st.caption(f"Read as {words}: {number(pasted.lines, 'line')}.")
    return _Candidate(pasted.file, "pasted")


def _hear_paste() -> None:
    """A text that is far too long is refused and taken out of the field: with it in there the browser crawls."""
    _forget_moves()
    text = st.session_state[state.TREE_PASTE]
    if len(text) > tree_imports.LONGEST_TEXT:
        actions.do(tree_imports.read_pasted, text, at=state.TREE_IMPORT)
        st.session_state[state.TREE_PASTE] = ""


def _show_candidate(ws: Workspace, candidate: _Candidate) -> None:
    new, move = candidate.read.taxonomy, bool(st.session_state.get(state.TREE_MOVES))
    change = tree_imports.tree_change(ws, new)
    tried = actions.attempt(_store, ws, candidate, to_ancestor=move, dry_run=True)
    if isinstance(tried, OrphanedLabels):
        tree_difference.show_plan(new, moved=sum(tried.counts.values()))
        for remark in candidate.read.remarks:
            st.caption(escape_markdown(remark))
        tree_difference.show_orphans(tried, change)
        if change is not None:
            tree_difference.show_classes(change)
        with st.container(horizontal=True):
            st.button(
                "Move these labels to the nearest class above",
                icon=":material/move_up:",
                on_click=lambda: st.session_state.update({state.TREE_MOVES: True}),
            )
            _offer_to_leave()
        return
    if isinstance(tried, HmgcError):
        st.error(actions.sentence(tried), icon=":material/error:")
        return
    tree_difference.show_plan(new, moved=tried.moved)
    for remark in tried.remarks:
        (st.warning if tried.leaves < 2 else st.caption)(escape_markdown(remark))
    if tried.version:
        st.info("This is the class tree that is already in use.", icon=":material/info:")
    elif change is not None:
        tree_difference.show(change)
    with st.container(horizontal=True):
        st.button(
            "Use this class tree",
            type="primary",
            icon=":material/check:",
            disabled=bool(tried.version),
            on_click=_take,
            args=(ws, candidate, move),
        )
        _offer_to_leave()


def _offer_to_leave() -> None:
    """Empty the field again; a file is taken away where it stands."""
    if st.session_state.get(state.TREE_WAY) == PASTE:
        st.button("Cancel", on_click=_leave)


def _leave() -> None:
    _forget_moves()
    st.session_state[state.TREE_PASTE] = ""


def _store(ws: Workspace, candidate: _Candidate, *, to_ancestor: bool, dry_run: bool) -> TaxonomyImport:
    return taxonomies.store_taxonomy(
        ws,
        candidate.read.taxonomy,
        source=candidate.source,
        to_ancestor=to_ancestor,
        dry_run=dry_run,
        remarks=candidate.read.remarks,
    )


def _take(ws: Workspace, candidate: _Candidate, move: bool) -> None:
    done = actions.do(_store, ws, candidate, to_ancestor=move, dry_run=False, at=state.TREE_IMPORT)
    if done:
        _forget_moves()
        st.session_state.pop(state.TREE_PASTE, None)
        state.choose(state.NODE, "")
        st.toast(f"The class tree is in use: {number(done.nodes, 'class', 'classes')}.", icon=":material/check:")


def _forget_moves() -> None:
    st.session_state.pop(state.TREE_MOVES, None)
