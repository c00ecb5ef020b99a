"""Former versions of the class tree, each with a look at what taking it into use again would change."""

import streamlit as st

from app import actions, state
from app.components import tree_difference
from app.components.annotator import who
from app.components.wording import ago, number
from app.security import escape_markdown
from hmgc_core.errors import HmgcError
from hmgc_core.workflow import tree_versions
from hmgc_core.workflow.tree_versions import TreeVersion
from hmgc_core.workflow.workspaces import Workspace


def show(ws: Workspace) -> None:
    """A list of versions to choose from; nothing while there is only one."""
    versions = tree_versions.tree_versions(ws)
    former = {version.id: version for version in versions if not version.in_use}
    if not former:
        return
    with st.expander(f"Earlier versions ({number(len(former))})", icon=":material/history:"):
        chosen = st.selectbox(
            "Version",
            list(former),
            index=None,
            placeholder="Choose a version",
            format_func=lambda version: _title(former[version]),
            key=state.TREE_VERSION,
        )
        if chosen is not None:
            _show_chosen(ws, former[chosen])
        actions.show_problem(state.TREE_VERSION)


def _title(version: TreeVersion) -> str:
    what = f"after “{version.verb}”" if version.verb else f"from {version.source}"
    if version.is_undo:
        what = "after an undo"
    by = f", by {version.author}" if version.author else ""
    return f"Version {version.id}, {what}, {ago(version.created_at)}{by}"


def _show_chosen(ws: Workspace, version: TreeVersion) -> None:
    change = actions.attempt(tree_versions.preview_use_again, ws, version.id)
    if isinstance(change, HmgcError):
        st.error(actions.sentence(change), icon=":material/error:")
        return
    tree_difference.show(change)
    st.caption("Labels made under that version read again as they did then.")
    st.button(
        f"Use version {version.id} again",
        type="primary",
        icon=":material/history:",
        on_click=_use,
        args=(ws, version.id),
    )


def _use(ws: Workspace, version: int) -> None:
    done = actions.do(tree_versions.use_again, ws, version, by=who.current(), at=state.TREE_VERSION)
    if done is not None:
        state.choose(state.NODE, "")
        st.session_state.pop(state.TREE_VERSION, None)
        st.toast(escape_markdown(f"Version {version} is in use again, as version {done}."), icon=":material/check:")
