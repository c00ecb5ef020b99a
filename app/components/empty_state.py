"""What a page shows while there is nothing to show: why, and the way to where that changes."""

import streamlit as st


def show(message: str, *, next_page: str, label: str) -> None:
    """A sentence (markdown of our own, no user text) and a link to a page, named as in `navigation.CONTENTS`."""
    with st.container(key=f"empty.{next_page}", horizontal_alignment="center", gap="medium"):
        st.space("large")
        st.markdown(f"#### {message}", width="content")
        st.page_link(f"pages/{next_page}.py", label=label, icon=":material/arrow_forward:", width="content")
