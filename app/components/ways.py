"""The ways to label, side by side above the Annotate page; the chosen one stands in the address."""

import streamlit as st

from app import state

WAYS = {"one": "One by one", "many": "Many at once"}  # the first is what a plain address shows


def choose() -> str:
    """Show the ways; returns the chosen one, a key of WAYS."""
    return str(
        st.segmented_control(
            "Way to label",
            list(WAYS),
            default=next(iter(WAYS)),
            format_func=WAYS.__getitem__,
            required=True,
            key=state.WAY,
            bind="query-params",
            label_visibility="collapsed",
        )
    )
