"""Which predictions to show: the widgets, and what they say as one value. Their choices last for the session.

`prediction_address` has set every choice before a widget is drawn, so no widget has a default of its own.
"""

import streamlit as st

from app import state
from app.components import level_names, node_search
from app.components.wording import SPLITS
from app.security import escape_markdown
from hmgc_core.querying import Filter
from hmgc_core.taxonomy import Taxonomy
from hmgc_core.workflow import seeing
from hmgc_core.workflow.seeing import ORDERS, PredictionTable

VERDICTS = {
    "": "All",
    "right": "✓ Right",
    "wrong": "✗ Wrong",
    "unlabelled": "– Not labelled",
    "open": "? Not agreed",
}
ORDER_WORDS = dict(zip(ORDERS, ("Least sure first", "Surest first", "As imported"), strict=True))
EVERYTHING = (0, 100)


def wanted(taxonomy: Taxonomy) -> Filter:
    """What the widgets say, also while they are not on screen."""
    chosen = st.session_state
    least, most = chosen.get(state.FILTER_SURENESS, EVERYTHING)
    key = chosen.get(state.FILTER_NODE, "")
    return Filter(
        split=chosen.get(state.FILTER_SPLIT) or "",
        node=taxonomy.index(key) if key in taxonomy else 0,
        verdict=chosen.get(state.FILTER_VERDICT) or "",
        wrong_level=min(chosen.get(state.FILTER_LEVEL) or 0, taxonomy.depth),
        least_probability=least / 100,
        most_probability=most / 100,
    )


def order() -> str:
    """The chosen order: one of ORDERS."""
    return str(st.session_state.get(state.ORDER) or ORDERS[0])


def show_verdict(table: PredictionTable) -> None:
    """Right, wrong or not labelled; where there are such pictures, those on whose class people do not agree, too."""
    is_open = (
        st.session_state.get(state.FILTER_VERDICT) == "open" or seeing.passing(table, Filter(verdict="open")).any()
    )
    st.segmented_control(
        "Show",
        [verdict for verdict in VERDICTS if verdict != "open" or is_open],
        required=True,
        format_func=VERDICTS.__getitem__,
        key=state.FILTER_VERDICT,
        persist_state="session",
    )


def show_split() -> None:
    """Training, validation or test pictures: a model knows those it was trained on."""
    words = {"": "All", **SPLITS}
    st.segmented_control(
        "Split",
        list(words),
        required=True,
        format_func=words.__getitem__,
        key=state.FILTER_SPLIT,
        persist_state="session",
    )


def begin_with_unseen(table: PredictionTable) -> bool:
    """Choose the test pictures, else those for validation, where some are labelled and no split was chosen yet.

    Once in a session: who then asks for all pictures gets them. Returns whether it did.
    """
    if st.session_state.get(state.SPLIT_OFFERED) or st.session_state.get(state.FILTER_SPLIT):
        return False
    st.session_state[state.SPLIT_OFFERED] = True
    labelled = set(table.splits[table.labels >= 0].tolist())
    unseen = next((split for split in ("test", "val") if split in labelled), "")
    st.session_state[state.FILTER_SPLIT] = unseen
    return bool(unseen)


def show_order() -> None:
    """Which picture comes first."""
    st.selectbox("Order", ORDERS, format_func=ORDER_WORDS.__getitem__, key=state.ORDER, persist_state="session")


def show_more(taxonomy: Taxonomy) -> None:
    """The filters that are needed less often; the title tells how many of them are at work."""
    now = wanted(taxonomy)
    missing = st.session_state.get(state.FILTER_NODE, "")
    if missing and missing not in taxonomy:
        st.warning(f"The tree of this run has no class {escape_markdown(missing)}.", icon=":material/account_tree:")
    on = sum(
        (
            bool(now.node),
            bool(now.wrong_level),
            (now.least_probability, now.most_probability) != (0, 1),
        )
    )
    title = f"More filters ({on} on)" if on else "More filters"
    with st.expander(title, icon=":material/tune:", key="predictions.more"):
        with st.grid(2, min_column_width=220, gap="medium"):
            _level(taxonomy)
            _sureness()
        node_search.show(taxonomy, key=state.FILTER_SEARCH, label="Only below a class", on_pick=_choose_node)
        with st.container(horizontal=True, vertical_alignment="center"):
            if now.node:
                name = escape_markdown(taxonomy.name(now.node))
                st.button(f"Only below {name}", icon=":material/close:", on_click=_choose_node, args=("",))
            if on or now.verdict or now.split:
                st.button("Clear all filters", type="tertiary", icon=":material/filter_alt_off:", on_click=clear)


def _level(taxonomy: Taxonomy) -> None:
    depth = taxonomy.depth
    words = {0: "Any", **{level: level_names.level_name(level, depth) for level in range(1, depth + 1)}}
    st.selectbox(
        "Goes wrong first at",
        list(words),
        format_func=lambda level: words.get(level, ""),
        key=state.FILTER_LEVEL,
        persist_state="session",
    )


def _sureness() -> None:
    st.slider("How sure", *EVERYTHING, format="%d%%", key=state.FILTER_SURENESS, persist_state="session")


def _choose_node(key: str) -> None:
    st.session_state[state.FILTER_NODE] = key


def all_splits() -> None:
    """Look among all pictures, whatever they are for."""
    st.session_state[state.FILTER_SPLIT] = ""


def clear() -> None:
    """Show everything again."""
    st.session_state.update(
        {
            state.FILTER_SPLIT: "",
            state.FILTER_VERDICT: "",
            state.FILTER_LEVEL: 0,
            state.FILTER_SURENESS: EVERYTHING,
            state.FILTER_NODE: "",
        }
    )
