"""How a class tree that may be taken into use differs from the one that is: classes, and labels that would move."""

from collections.abc import Sequence

import streamlit as st

from app.components.wording import number
from hmgc_core.errors import OrphanedLabels
from hmgc_core.taxonomy import Taxonomy
from hmgc_core.workflow.taxonomies import used_by
from hmgc_core.workflow.tree_imports import LabelMove, TreeChange

MOST_SHOWN = 500


def show_plan(taxonomy: Taxonomy, moved: int) -> None:
    """The size of a tree, and how many labels would move."""
    with st.grid(4, min_column_width=120):
        st.metric("Classes", number(len(taxonomy)))
        st.metric("Finest classes", number(len(taxonomy.leaves)))
        st.metric("Levels", number(taxonomy.depth))
        st.metric("Labels that move", number(moved), help="Labels whose class is gone: they go to another class.")


def show(change: TreeChange) -> None:
    """Which classes are new, which are gone, which lie elsewhere, and where labels would go."""
    if not (change.added or change.dropped or change.elsewhere):
        st.caption("The classes and their places are the same; names, other names or notes differ.")
        return
    show_classes(change)
    if change.moves:
        st.markdown("Labels of classes that are gone:")
        _moves(change.moves)


def show_classes(change: TreeChange) -> None:
    """Which classes are new, which are gone, which lie elsewhere."""
    _classes("new class", "new classes", change.added)
    _classes("class is gone", "classes are gone", change.dropped)
    _classes("class lies elsewhere", "classes lie elsewhere", change.elsewhere)


def _classes(one: str, many: str, keys: Sequence[str]) -> None:
    if not keys:
        return
    with st.expander(number(len(keys), one, many)):
        shown = keys[:MOST_SHOWN]
        st.dataframe(
            {"Class": list(shown)},
            hide_index=True,
            height=min(280, 40 + 36 * len(shown)),
            alt=number(len(keys), one, many),
        )
        if len(keys) > len(shown):
            st.caption(f"The first {number(len(shown))} are shown.")


def _moves(moves: Sequence[LabelMove]) -> None:
    shown = moves[:MOST_SHOWN]
    st.dataframe(
        {
            "Class": [move.old for move in shown],
            "Labels": [move.labels for move in shown],
            "Go to": [move.new for move in shown],
        },
        hide_index=True,
        height=min(280, 40 + 36 * len(shown)),
        alt="Where the labels of dropped classes go",
    )


def show_orphans(error: OrphanedLabels, change: TreeChange | None) -> None:
    """Labels that the new tree has no class for, and where they could go."""
    classes = number(len(error.counts), "class", "classes")
    st.warning(
        f"{used_by(sum(error.counts.values()), error.copies)} would lose their class: the new tree lacks "
        f"{classes} in use. They can go to the nearest class above that stays; "
        "what people said is kept with each label.",
        icon=":material/move_up:",
    )
    if change is not None:
        _moves(change.moves)
