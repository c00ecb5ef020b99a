"""The page frame: what every page has in common. Runs at each visit, before the page itself."""

from pathlib import Path

import streamlit as st

from app import actions, navigation, state
from app.components import header

st.set_page_config(
    page_title="HMGC Studio",
    page_icon=Path(__file__).parent / "assets" / "icon.png",
    layout="wide",
)
page = navigation.pages()
header.show()
state.follow_back(page.url_path)
try:
    actions.show_page(page.run)
finally:  # also where the page stops half-way, or leads to another one
    state.arrive(page.url_path)
