"""The table of contents: every page, in the order of the work."""

from pathlib import Path

import streamlit as st
from streamlit.navigation.page import StreamlitPage

PAGES = Path(__file__).parent / "pages"

# file name -> (title, icon). A new page is one file in app/pages and one line here.
CONTENTS: dict[str, tuple[str, str]] = {
    "overview": ("Overview", ":material/home:"),
    "annotate": ("Annotate", ":material/edit:"),
    "taxonomy": ("Class tree", ":material/account_tree:"),
    "data": ("Pictures", ":material/photo_library:"),
    "train": ("Train", ":material/model_training:"),
    "runs": ("Runs", ":material/monitoring:"),
    "predictions": ("Predictions", ":material/image_search:"),
    "map": ("Map", ":material/scatter_plot:"),
}


def pages() -> StreamlitPage:
    """Draw the navigation and return the page that was chosen."""
    return st.navigation(
        [
            st.Page(PAGES / f"{name}.py", title=title, icon=icon, url_path=name, default=name == "overview")
            for name, (title, icon) in CONTENTS.items()
        ],
        position="top",
    )


def path_of(name: str) -> str:
    """What `st.switch_page` and `st.page_link` take for a page of CONTENTS."""
    return f"pages/{name}.py"
