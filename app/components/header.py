"""What stands above every page: the room it leaves."""

import streamlit as st

# Streamlit keeps six rems free above a page and ten below; the annotator wants to fill the window.
ROOM = """
<style>
.stMainBlockContainer { padding-top: 4.5rem; padding-bottom: 1rem; }
</style>
"""


def show() -> None:
    """Draw what all pages have in common above their content."""
    st.html(ROOM)
