"""What is wrong with the workspace, each with what to do; what can be made anew is mended with a button."""

import streamlit as st

from app import actions, resources, state
from app.security import escape_markdown
from hmgc_core.errors import HmgcError
from hmgc_core.workflow import health
from hmgc_core.workflow.workspaces import Workspace


def show(ws: Workspace) -> None:
    """A frame with every finding; nothing where all is well."""
    found = actions.attempt(resources.findings)
    if isinstance(found, HmgcError):
        st.error(actions.sentence(found), icon=":material/error:")
        return
    if not any(finding.what.startswith("folder") for finding in found):  # its pictures are gone with it
        found += resources.missing_pictures()
    if not found:
        return
    with st.container(border=True, key="health"):
        st.markdown("**Something is wrong with this workspace.**")
        for finding in found:
            can_mend = finding.remedy == health.REPAIR
            advice = "" if can_mend else f" {_sentence(finding.remedy)}"
            st.warning(f"{_sentence(f'{finding.what}: {finding.state}')}{advice}", icon=":material/healing:")
        with st.container(horizontal=True):
            if any(finding.remedy == health.REPAIR for finding in found):
                st.button(
                    "Make the counts and paths anew",
                    icon=":material/healing:",
                    help="They follow from the labels, which stay as they are.",
                    on_click=_mend,
                    args=(ws,),
                )
            st.button("Look again", icon=":material/refresh:", type="tertiary", on_click=resources.look_again)
        actions.show_problem(state.HEALTH)


def _sentence(text: str) -> str:
    return escape_markdown(f"{text[:1].upper()}{text[1:]}.")


def _mend(ws: Workspace) -> None:
    actions.do(health.repair, ws, at=state.HEALTH)
    resources.look_again()
