"""The filters of the Predictions page in its address, so that a view is a link: `?show=wrong&split=val&sure=0-40`.

Filters that are at their default leave the address alone. An address that names any of them names all of them.
"""

import re

import streamlit as st

from app import state
from app.components import link_notice
from app.components.prediction_filters import EVERYTHING, VERDICTS
from app.components.wording import SPLITS
from hmgc_core.workflow.seeing import ORDERS

PAGE_NAME = "predictions"
ORDER_NAMES = dict(zip(("least-sure", "surest", "imported"), ORDERS, strict=True))
# Session key of a filter -> its name in the address, and its value when nothing is filtered.
NAMES = {
    state.FILTER_VERDICT: ("show", ""),
    state.FILTER_SPLIT: ("split", ""),
    state.FILTER_LEVEL: ("wrong-at", 0),
    state.FILTER_SURENESS: ("sure", EVERYTHING),
    state.FILTER_NODE: ("class", ""),
    state.ORDER: ("order", ORDERS[0]),
}
# Other words of the address that say what is shown: a link with one of them means no filters beside those it names.
FURTHER = ("mark",)


def follow() -> None:
    """Make the filters and the address say the same: what the address says where it has changed, else the filters.

    To be called before the filters are drawn. Coming back to the bare page finds the filters as they were left; the
    browser's way back to it finds none. Words that mean nothing are told, and then left out.
    """
    for key, (_, default) in NAMES.items():
        st.session_state.setdefault(key, default)
    said = {name: st.query_params[name] for name, _ in NAMES.values() if name in st.query_params}
    before = st.session_state.get(state.FILTERS_SAID, {})
    if state.arrive(PAGE_NAME):
        if said or any(name in st.query_params for name in FURTHER):
            _take(said)
    # Who changes two filters in a moment sends the second with an address that lags behind: there the filters count.
    elif said != before and _said_now() == before:
        _take(said)
    _write(_said_now())


def _take(said: dict[str, str]) -> None:
    """Set every filter to what the address says."""
    meaningless = []
    for key, (name, default) in NAMES.items():
        value = _read(name, said[name]) if name in said else default
        if value is None:
            meaningless.append(f"{name}={said[name][:40]}")
        st.session_state[key] = default if value is None else value
    link_notice.tell(meaningless)


def _read(name: str, text: str) -> object:
    """The value of a filter as a text of the address says it; None where it says nothing that can be."""
    if name == "wrong-at":
        return int(text) if re.fullmatch(r"[1-9]\d?", text) else None
    if name == "sure":
        found = re.fullmatch(r"(\d{1,3})-(\d{1,3})", text)
        least, most = (int(found[1]), int(found[2])) if found else (1, 0)
        return (least, most) if least <= most <= EVERYTHING[1] else None
    if name == "order":
        return ORDER_NAMES.get(text)
    if name == "class":
        return text
    return text if text in (VERDICTS if name == "show" else SPLITS) else None


def _said_now() -> dict[str, str]:
    """The filters as the address says them."""
    chosen = {name: (st.session_state.get(key) or default, default) for key, (name, default) in NAMES.items()}
    return {name: _text(name, value) for name, (value, default) in chosen.items() if value != default}


def _write(said: dict[str, str]) -> None:
    """Put the filters into the address; only what differs, for each change of it is sent."""
    for name, _ in NAMES.values():
        if name not in said and name in st.query_params:
            del st.query_params[name]
        elif name in said and st.query_params.get(name) != said[name]:
            st.query_params[name] = said[name]
    st.session_state[state.FILTERS_SAID] = said


def _text(name: str, value: object) -> str:
    if name == "sure":
        least, most = value if isinstance(value, tuple | list) else EVERYTHING
        return f"{least}-{most}"
    if name == "order":
        return next((text for text, order in ORDER_NAMES.items() if order == value), "")
    return str(value)
