"""What stands above every page: the room it leaves, and how dark a page is behind a dialog."""

import streamlit as st

# Streamlit keeps six rems free above a page and ten below; the annotator wants to fill the window. And in the dark its
# dialogs make the page behind lighter; here as dark as behind the annotator's own sheets.
STYLE = """
<style>
.stMainBlockContainer { padding-top: 4.5rem; padding-bottom: 1rem; }
.stDialog.stDialog { background-color: rgb(0 0 0 / 45%); animation: none; }
</style>
"""


def show() -> None:
    """Draw what all pages have in common above their content."""
    st.html(STYLE)
