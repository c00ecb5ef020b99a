"""How the people of a workspace share the work: labels per picture, and how long a picture stays reserved."""

import streamlit as st

from app import actions, state
from hmgc_core.records import QueueRules
from hmgc_core.workflow import queues
from hmgc_core.workflow.workspaces import Workspace

PEOPLE_HELP = """A picture comes to that many different people. With more than one, nobody is shown what the others
said, and a second look is a look at your own labels."""
MINUTES_HELP = """Pictures handed to one person are kept from the others that long; longer while the page stays open."""


def show(ws: Workspace) -> None:
    """A form with the rules in use; what is saved counts for everyone."""
    rules = queues.rules(ws)
    st.caption("These count for everyone who labels in this workspace.")
    with st.form("sharing", border=False):
        with st.container(horizontal=True):
            st.number_input(
                "People who label each picture",
                1,
                queues.MOST_PEOPLE,
                rules.people,
                key=state.PEOPLE,
                help=PEOPLE_HELP,
            )
            st.number_input(
                "Minutes a picture stays reserved",
                queues.SHORTEST_RESERVE_S // 60,
                queues.LONGEST_RESERVE_S // 60,
                max(1, rules.reserve_s // 60),
                key=state.MINUTES,
                help=MINUTES_HELP,
            )
        st.form_submit_button("Save for everyone", on_click=_save, args=(ws,))
    actions.show_problem(state.PEOPLE)


def _save(ws: Workspace) -> None:
    people, minutes = st.session_state[state.PEOPLE], st.session_state[state.MINUTES]
    actions.do(queues.set_rules, ws, QueueRules(int(people), 60 * int(minutes)), at=state.PEOPLE)
