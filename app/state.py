"""Every session key of the app, under one name each. State holds ids and choices, never records."""

from typing import Any

import streamlit as st

ANNOTATOR = "annotate.annotator"
SIGNATURE = "annotate.signature"  # (name, signature) that galleries send with what is done there
WAY = "annotate.way"
WAY_CONTROL = f"{WAY}.control"
REOPEN = "annotate.reopen"
WAY_BACK = "annotate.back"  # address of the predictions to go back to

QUEUE = "annotate.queue"
QUEUE_ASKED = "annotate.queue.asked"
QUEUE_KIND = "annotate.queue.kind"
QUEUE_FOLDER = "annotate.queue.folder"
QUEUE_NODE = "annotate.queue.node"
QUEUE_SEARCH = "annotate.queue.search"
QUEUE_SELECTION = "annotate.queue.selection"
QUEUE_TAKEN = "annotate.queue.taken"  # a queue was just chosen in the dialog
QUEUE_ROUND = "annotate.queue.round"  # goes up when a queue begins anew: what is known of it is out of date
PEOPLE = "annotate.people"
MINUTES = "annotate.minutes"

OWN_STATE = "own.state"
OWN_KIND = "own.kind"
OWN_LEVEL = "own.level"
OWN_DATES = "own.dates"
OWN_NODE = "own.node"
OWN_SEARCH = "own.search"
OWN_TAKEN_BACK = "own.taken_back"  # the label taken back last, until something else is done
OWN_GONE = "own.gone"  # and whose: uids of labels taken back, which the annotator no longer shows
OWN_PAGE = "own.page"  # plus the filters

RUN = "runs.run"
OTHER_RUN = "runs.other"
RUN_LIST = "runs.list"

NODE = "taxonomy.node"
TREE_EXPLORER = "taxonomy.explorer"
TREE_VIEW = "taxonomy.view"
TREE_COLOUR = "taxonomy.colour"
TREE_FROM = "taxonomy.from"  # how many children of the class were passed over with "7 more"
TREE_SEARCH = "taxonomy.search"
NODE_PICTURES = "taxonomy.pictures"
TREE_IMPORT = "taxonomy.import"
TREE_UPLOAD = "taxonomy.upload"
TREE_MOVES = "taxonomy.moves"
NODE_PAGE = "taxonomy.page"  # (kind of pictures, class, how many come before those in sight)
TREE_CHANGING = "taxonomy.changing"  # the class whose forms are open
TREE_EDIT = "taxonomy.edit"  # plus the part of the form, its round and the class
TREE_EDIT_ROUND = "taxonomy.edit_round"  # each change made begins with an empty form
TREE_EDITED = "taxonomy.edited"  # the version that this session made last, shown with a way back
TREE_CHANGES = "taxonomy.changes"
TREE_WAY = "taxonomy.way"
TREE_VERSION = "taxonomy.version"
TREE_PASTE = "taxonomy.paste"

IMAGE = "predictions.image"
EVIDENCE = "predictions.evidence"
EVIDENCE_CONTROL = "predictions.evidence.control"
HEAT_NODE = "why.node"
HEAT_METHOD = "why.method"
HEAT_LAYER = "why.layer"
HEAT_AGAINST = "why.against"  # a class
HEAT_SIBLINGS = "why.siblings"
HEAT_SEARCH = "why.search"  # for which of the two a class is searched
BLOCKS = "predictions.evidence.blocks"  # of a graph net, "4,8,12"
FILTER_SPLIT = "predictions.split"
SPLIT_OFFERED = "predictions.split.offered"  # charts have begun with test pictures once: from then on the choice counts
SPLIT_TAKEN = "predictions.split.taken"  # just now, by opening a chart
FILTER_VERDICT = "predictions.verdict"
FILTER_LEVEL = "predictions.level"
FILTER_SURENESS = "predictions.sureness"
FILTER_NODE = "predictions.node"
FILTER_SEARCH = "predictions.search"
FILTERS_SAID = "predictions.said"  # the filters as the address says them
CHART = "predictions.chart"
CHART_CONTROL = "predictions.chart.control"
CHART_LEVEL = "predictions.chart.level"
CHART_BELOW = "predictions.chart.below"
MARK = "predictions.mark"
MARK_LEFT = "predictions.mark.left"  # another chart was chosen while one was shown
ORDER = "predictions.order"
PAGE = "predictions.page"
SELECTION_NAME = "predictions.selection.name"
SELECTION_SAVED = "predictions.selection.saved"

MAP_COLOUR = "map.colour"
MAP_LEVEL = "map.level"
MAP_LASSO = "map.lasso"  # x.y.x.y… in units of the map
MAP_ONLY = "map.only"  # the rows of the legend that were looked at when the line was drawn
MAP_OPENED = "map.opened"  # a picture that was clicked just now
MAP_SIGNATURE = "map.signature"
MAP_PAGE = "map.page"  # plus the run and the line

FOLDER = "data.folder"  # plus its place in the list
IMPORT_WAY = "data.way"
IMPORT_SOURCE = "data.source"
IMPORT_FORMAT = "data.format"
IMPORT_TREE = "data.tree"
IMPORT_LISTS = "data.lists"
IMPORT_FILES = "data.files"  # plus the round: each look begins with an empty field
IMPORT_ROUND = "data.round"
IMPORT_COPY = "data.copy"
IMPORT_BY = "data.annotator"
IMPORT_COLUMN = "data.column"  # plus the name of the column
# An import while it is looked at or made: the files it has read stand nowhere else.
IMPORT_WORK = "data.work"
IMPORT_UNDO = "data.undo"
UNDO_WORK = "data.undo.work"

HEALTH = "health"

ON_PAGE = "page"  # the last one on screen
IN_SIGHT = "page.address"  # what its address names

EXPORT_TABLE = "data.export.table"
EXPORT_LEVEL = "data.export.level"
EXPORT_AT = "data.export.at"
# Where the last table lies, and what was left out of it: the file is deleted with the next one.
EXPORT_REPORT = "data.export.report"
EXPORT_WORK = "data.export.work"
BACKUP_FILE = "data.backup.file"
BACKUP_REPORT = "data.backup.report"
BACKUP_WORK = "data.backup.work"

TRAIN = "train"  # plus the name of the setting
TRAIN_WAY = "train.way"
SWEEP = "train.sweep"  # the name of a search
SWEEP_BOX = "train.sweep.box"
SWEEP_FORM = "train.search"  # plus the name of the setting
QUICK = "train.quick"

PROBLEM = "problem"  # plus the form it belongs to: an error that waits to be shown there

# What a page shows stands in its address, so that it can be bookmarked and sent.
IN_ADDRESS = {
    RUN: "run",
    OTHER_RUN: "with",
    NODE: "node",
    TREE_VIEW: "view",
    TREE_COLOUR: "colour",
    TREE_FROM: "from",
    NODE_PICTURES: "pictures",
    IMAGE: "image",
    EVIDENCE: "why",
    HEAT_NODE: "of",
    HEAT_METHOD: "method",
    HEAT_LAYER: "layer",
    HEAT_AGAINST: "not",
    HEAT_SIBLINGS: "siblings",
    BLOCKS: "blocks",
    MAP_COLOUR: "colour",
    MAP_LEVEL: "level",
    MAP_LASSO: "lasso",
    MAP_ONLY: "only",
    WAY: "way",
    TRAIN_WAY: "way",
    SWEEP: "sweep",
    QUEUE: "queue",
    CHART: "chart",
    CHART_LEVEL: "level",
    CHART_BELOW: "below",
    MARK: "mark",
}
# These come back with the page after a visit to another one.
REMEMBERED = (RUN, NODE, EVIDENCE, WAY, QUEUE, TREE_VIEW, TREE_COLOUR, NODE_PICTURES, MAP_COLOUR, MAP_LEVEL)


def chosen(key: str) -> str:
    """What the address says, else what was chosen before in this session; "" for nothing."""
    return str(st.query_params.get(IN_ADDRESS[key]) or st.session_state.get(key, ""))


def chosen_number(key: str) -> int | None:
    """`chosen` as a number; None for nothing, and for anything that is no number."""
    return as_number(chosen(key))


def as_number(text: str) -> int | None:
    """A whole number of an address; None for anything else."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 12 else None


def choose(key: str, value: Any) -> None:
    """Put a choice into the address, and keep it; "" or None takes it back."""
    if value in ("", None):
        st.session_state.pop(key, None)
        st.query_params.pop(IN_ADDRESS[key], None)
        return
    st.query_params[IN_ADDRESS[key]] = str(value)
    st.session_state[IN_SIGHT] = {*st.session_state.get(IN_SIGHT, ()), IN_ADDRESS[key]}
    if key in REMEMBERED:
        st.session_state[key] = str(value)


def arrive(page: str) -> bool:
    """From now on this page is on screen; returns whether it was another one before."""
    before = st.session_state.get(ON_PAGE)
    st.session_state[ON_PAGE] = page
    st.session_state[IN_SIGHT] = set(st.query_params)
    return bool(before != page)


def follow_back(page: str) -> None:
    """Forget what the browser's Back took out of the address, where it stays on this page.

    On another page a bare address is that of a link to it: there the choices of before come back.
    """
    if st.session_state.get(ON_PAGE) != page:
        return
    gone = st.session_state.get(IN_SIGHT, set()) - set(st.query_params)
    for key in REMEMBERED:
        if IN_ADDRESS[key] in gone:
            st.session_state.pop(key, None)
