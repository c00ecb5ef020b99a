"""Every session key of the app, under one name each. State holds ids and choices, never records."""

from typing import Any

import streamlit as st

ANNOTATOR = "annotate.annotator"
WAY = "annotate.way"
WAY_CONTROL = "annotate.way.control"

RUN = "runs.run"
OTHER_RUN = "runs.other"
RUN_LIST = "runs.list"

NODE = "taxonomy.node"
TREE_CHART = "taxonomy.chart"
TREE_COLOUR = "taxonomy.colour"
TREE_SEARCH = "taxonomy.search"
NODE_PICTURES = "taxonomy.pictures"
TREE_IMPORT = "taxonomy.import"
TREE_UPLOAD = "taxonomy.upload"
TREE_MOVES = "taxonomy.moves"

IMAGE = "predictions.image"
FILTER_SPLIT = "predictions.split"
FILTER_VERDICT = "predictions.verdict"
FILTER_LEVEL = "predictions.level"
FILTER_SURENESS = "predictions.sureness"
FILTER_NODE = "predictions.node"
FILTER_SEARCH = "predictions.search"
ORDER = "predictions.order"
PAGE = "predictions.page"

FOLDER = "data.folder"  # plus its place in the list
IMPORT_SOURCE = "data.source"
IMPORT_COPY = "data.copy"
IMPORT_BY = "data.annotator"
IMPORT_COLUMN = "data.column"  # plus the name of the column
# The one result that is kept: what an import skipped stands nowhere else.
IMPORT_REPORT = "data.report"

TRAIN = "train"  # plus the name of the setting

PROBLEM = "problem"  # plus the form it belongs to: an error that waits to be shown there

# What a page shows stands in its address, so that it can be bookmarked and sent.
IN_ADDRESS = {RUN: "run", OTHER_RUN: "with", NODE: "node", IMAGE: "image", WAY: "way"}
# These come back with the page after a visit to another one.
REMEMBERED = (RUN, NODE, WAY)


def chosen(key: str) -> str:
    """What the address says, else what was chosen before in this session; "" for nothing."""
    return str(st.query_params.get(IN_ADDRESS[key]) or st.session_state.get(key, ""))


def chosen_number(key: str) -> int | None:
    """`chosen` as a number; None for nothing, and for anything that is no number."""
    text = chosen(key)
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 12 else None


def choose(key: str, value: Any) -> None:
    """Put a choice into the address, and keep it; "" or None takes it back."""
    if value in ("", None):
        st.session_state.pop(key, None)
        st.query_params.pop(IN_ADDRESS[key], None)
        return
    st.query_params[IN_ADDRESS[key]] = str(value)
    if key in REMEMBERED:
        st.session_state[key] = str(value)
