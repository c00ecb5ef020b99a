"""How much is labelled, per split and per kind of label."""

import streamlit as st

from app.components.wording import KINDS_COUNTED, SPLITS, number, percent
from hmgc_core.records import KINDS
from hmgc_core.workflow.labelling import LabelCounts


def splits(counts: LabelCounts) -> None:
    """One bar per split that has pictures."""
    for split, name in SPLITS.items():
        total, done = counts.by_split.get(split, (0, 0))
        if total:
            text = f"{name}: {number(done)} of {number(total)} pictures, {percent(done / total)}"
            st.progress(done / total, text=text)


def kinds(counts: LabelCounts) -> None:
    """One line: how many labels say what it is, what it is not, and so on."""
    said = [f"{number(counts.by_kind[kind])} {KINDS_COUNTED[kind]}" for kind in KINDS if counts.by_kind.get(kind)]
    if said:
        # A picture may have several: these are more than the pictures that are labelled.
        st.caption("Labels: " + " · ".join(said))
