"""Where a class stands: one button per class above it, from the root down."""

from collections.abc import Callable

import streamlit as st

from app.security import escape_markdown
from hmgc_core.taxonomy import Taxonomy


def show(taxonomy: Taxonomy, node: int, *, on_pick: Callable[[str], None]) -> None:
    """Buttons for the classes above `node`, and its own name after them."""
    with st.container(horizontal=True, gap="xsmall", vertical_alignment="center"):
        for above in [0, *taxonomy.path(node)][:-1]:
            name = escape_markdown(taxonomy.name(above))
            key = taxonomy.keys[above]
            st.button(name, key=f"crumb-{key}", type="tertiary", on_click=on_pick, args=(key,))
            st.markdown(":gray[›]", width="content")
        st.markdown(f"**{escape_markdown(taxonomy.name(node))}**", width="content")
