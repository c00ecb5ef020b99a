"""What I said: a grid of my own labels, newest first, to look through, to open again and to take back."""

import secrets
from datetime import UTC, date, datetime, time, timedelta
from functools import partial
from zoneinfo import ZoneInfo

import streamlit as st

from app import actions, state
from app.components import gallery_pages, level_names, node_search, ways, wording
from app.components.annotator.index import Reopen
from app.components.gallery import index as gallery
from app.security import escape_markdown
from hmgc_core.records import KINDS
from hmgc_core.taxonomy import Taxonomy
from hmgc_core.workflow import own_labels
from hmgc_core.workflow.own_labels import OWN_STATES, OwnFilter, OwnLabel
from hmgc_core.workflow.taxonomies import current_taxonomy, taxonomy_version
from hmgc_core.workflow.workspaces import Workspace

STATES = {"stands": "Stand", "changed": "Changed since", "taken back": "Taken back"}
KIND_WORDS = {"": "Any", "is": "It is", "is_not": "It is not", "none_here": "None below", "unusable": "Unusable"}
SAID = {"is": "{}", "is_not": "Not {}", "none_here": "{}, none below", "unusable": "Unusable"}

DEEPEST_UNDO = 60  # as many labels the annotator remembers at most


@st.fragment
def show(ws: Workspace, annotator: str) -> None:
    """The filters and a page of the grid; a click opens the picture in the annotator."""
    taxonomy = current_taxonomy(ws)[1]
    wanted = _filters(taxonomy)
    key = f"{state.OWN_PAGE}.{hash(wanted)}"  # other filters begin at their own first page
    page, many = int(st.session_state.get(key, 0)), gallery_pages.PER_PAGE
    found = own_labels.page(ws, wanted, annotator=annotator, offset=page * many, count=many + 1)
    if not found:
        _nothing(is_filtered=wanted != OwnFilter(), is_first=not page)
    _offer_again(ws, annotator)
    opened = gallery.show_said(
        [gallery.Said(*_told(ws, label), label.uid if wanted.state == "stands" else "") for label in found[:many]],
        key=f"{key}.{page}",
        on_open=_reopen,
        on_take_back=partial(_take_back, ws, annotator, found),
    )
    if page or len(found) > many:
        gallery_pages.turner(key, page, more=len(found) > many)
    if opened is not None:
        st.rerun()


def _told(ws: Workspace, label: OwnLabel) -> tuple[int, str, str]:
    """The picture, what was said of it, and when."""
    taxonomy = taxonomy_version(ws, label.taxonomy)
    name = taxonomy.name(taxonomy.index(label.node)) if label.node in taxonomy else label.node
    return label.image_id, SAID[label.kind].format(name), wording.ago(label.created_at)


def _nothing(*, is_filtered: bool, is_first: bool) -> None:
    if is_filtered or not is_first:
        st.info("Nothing you said is like this.", icon=":material/filter_alt:")
        st.button("Show all that stands", on_click=_clear)
        return
    st.info("You have not labelled anything yet.", icon=":material/info:")
    if st.button("Start labelling", on_click=ways.go, args=("one",)):
        st.rerun()


# --- filters ----------------------------------------------------------------------------------------------------------


def _filters(taxonomy: Taxonomy) -> OwnFilter:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.segmented_control(
            "Labels that",
            list(OWN_STATES),
            default=OWN_STATES[0],
            required=True,
            format_func=STATES.__getitem__,
            key=state.OWN_STATE,
            persist_state="session",
        )
        with st.popover("Filter", icon=":material/tune:"):
            _more(taxonomy)
        key = st.session_state.get(state.OWN_NODE, "")
        if key in taxonomy:
            name = escape_markdown(taxonomy.name(taxonomy.index(key)))
            st.button(f"Only {name}", icon=":material/close:", on_click=_pick, args=("",))
    return _wanted(taxonomy)


def _more(taxonomy: Taxonomy) -> None:
    depth = taxonomy.depth
    levels = {-1: "Any", **{level: level_names.level_name(level, depth) for level in range(depth + 1)}}
    node_search.show(taxonomy, key=state.OWN_SEARCH, label="Only a class and those below it", on_pick=_pick)
    st.selectbox(
        "Level",
        list(levels),
        format_func=lambda level: levels.get(level, ""),
        key=state.OWN_LEVEL,
        persist_state="session",
    )
    st.selectbox("Kind", ["", *KINDS], format_func=KIND_WORDS.__getitem__, key=state.OWN_KIND, persist_state="session")
    st.date_input("Said between", value=[], key=state.OWN_DATES, persist_state="session")


def _wanted(taxonomy: Taxonomy) -> OwnFilter:
    chosen = st.session_state
    key, dates = chosen.get(state.OWN_NODE, ""), tuple(chosen.get(state.OWN_DATES) or ())
    level = chosen.get(state.OWN_LEVEL)
    return OwnFilter(
        state=chosen.get(state.OWN_STATE) or OWN_STATES[0],
        node=key if key in taxonomy else "",
        level=min(-1 if level is None else level, taxonomy.depth),
        kind=chosen.get(state.OWN_KIND) or "",
        since=_midnight(dates[0]) if dates else None,
        before=_midnight(dates[-1] + timedelta(days=1)) if dates else None,
    )


def _midnight(day: date) -> datetime:
    """The beginning of a day where the browser is, in UTC."""
    return datetime.combine(day, time(), ZoneInfo(st.context.timezone or "UTC")).astimezone(UTC)


def _pick(key: str) -> None:
    st.session_state[state.OWN_NODE] = key


def _clear() -> None:
    st.session_state.update(
        {
            state.OWN_STATE: OWN_STATES[0],
            state.OWN_NODE: "",
            state.OWN_LEVEL: -1,
            state.OWN_KIND: "",
            state.OWN_DATES: (),
        }
    )


# --- what a tile does -------------------------------------------------------------------------------------------------


def _reopen(image_id: int) -> None:
    """Show the picture in the annotator; saying something else changes the label."""
    st.session_state[state.REOPEN] = Reopen(image_id, secrets.token_hex(4))
    ways.go("one")


def _take_back(ws: Workspace, annotator: str, shown: list[OwnLabel], uid: str) -> None:
    label = next((label for label in shown if label.uid == uid), None)
    if label is not None and actions.do(own_labels.take_back, ws, label, annotator=annotator) is not None:
        st.session_state[state.OWN_TAKEN_BACK] = label
        st.session_state.pop(_gone_key(annotator), None)


def gone(ws: Workspace, annotator: str) -> tuple[str, ...]:
    """uids of what this person took back, here or elsewhere: the annotator does not show it among the last labels.

    Read once a visit and after each one that is taken back here: of many labels it takes a moment.
    """
    key = _gone_key(annotator)
    if key not in st.session_state:
        newest = own_labels.page(ws, OwnFilter(state="taken back"), annotator=annotator, count=DEEPEST_UNDO)
        st.session_state[key] = tuple(label.uid for label in newest)
    return st.session_state[key]


def _gone_key(annotator: str) -> str:
    return f"{state.OWN_GONE}.{annotator}"


def _offer_again(ws: Workspace, annotator: str) -> None:
    """The label taken back last, and a way to have it again."""
    label: OwnLabel | None = st.session_state.get(state.OWN_TAKEN_BACK)
    if label is None:
        return
    _, words, _ = _told(ws, label)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"Taken back: **{escape_markdown(words)}**, picture {label.image_id}.")
        st.button("Undo", icon=":material/undo:", on_click=_say_again, args=(ws, annotator, label))


def _say_again(ws: Workspace, annotator: str, label: OwnLabel) -> None:
    if actions.do(own_labels.say_again, ws, label, annotator=annotator):
        del st.session_state[state.OWN_TAKEN_BACK]
