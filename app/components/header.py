"""What stands above every page: the room it leaves, how dark a page is behind a dialog, what colour a choice has."""

import streamlit as st

# Streamlit keeps six rems free above a page and ten below; the annotator wants to fill the window. And in the dark its
# dialogs make the page behind lighter; here as dark as behind the annotator's own sheets. What is chosen of several it
# writes in the primary colour, on which white text has to stand: in the dark that is too faint to read; links are not.
STYLE = """
<style>
.stMainBlockContainer { padding-top: 4.5rem; padding-bottom: 1rem; }
.stButtonGroup [data-selected="true"] :is(p, span) { color: light-dark(#0f766e, #2dd4bf); }
.stDialog.stDialog { background-color: rgb(0 0 0 / 45%); animation: none; }
</style>
"""


def show() -> None:
    """Draw what all pages have in common above their content."""
    st.html(STYLE)
