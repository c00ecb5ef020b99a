"""What an import would do, before it does it: counts, splits, what would be left out, and two buttons."""

from collections import Counter
from collections.abc import Callable, Sequence

import streamlit as st

from app.components.wording import SPLITS, number, size
from app.security import escape_markdown
from hmgc_core.workflow.import_plan import ImportPlan
from hmgc_core.workflow.import_steps import ImportReport, Skip

MOST_SHOWN = 1000


def show(plan: ImportPlan, *, has_tree: bool, on_add: Callable[[], None], on_cancel: Callable[[], None]) -> None:
    """The preview of a plan; one button carries it out, the other forgets it."""
    report = plan.preview
    with st.container(border=True):
        st.markdown(f"**Nothing has happened yet.** This would come in from {escape_markdown(plan.source.name)}:")
        _figures(report)
        _splits(report)
        tree = plan.source.taxonomy
        if tree is not None and not has_tree:
            classes = f"{number(len(tree) - 1, 'class', 'classes')} in {number(tree.depth, 'level')}"
            st.caption(f":material/account_tree: Its class tree comes along: {classes}.")
        for remark in plan.source.remarks:
            end = "" if remark.endswith("…") else "."
            st.caption(escape_markdown(f"{remark[:1].upper()}{remark[1:]}{end}"))
        for warning in plan.source.warnings:
            st.warning(escape_markdown(f"{warning[:1].upper()}{warning[1:]}."), icon=":material/warning:")
        if report.stayed:
            st.caption(escape_markdown(f"{report.stayed_in_words}."))
        if plan.copy and report.images:
            st.caption(f"The pictures are copied into the workspace: {size(plan.bytes)}.")
        _unknown(report)
        _left_out(report.skipped)
        with st.container(horizontal=True):
            changes = report.images or report.annotations or report.duplicates
            st.button(
                _words(report),
                type="primary",
                icon=":material/add_photo_alternate:",
                disabled=not changes,
                on_click=on_add,
            )
            st.button("Cancel", on_click=on_cancel)


def _figures(report: ImportReport) -> None:
    """The counts of an import."""
    with st.grid(5, min_column_width=110):
        st.metric("New pictures", number(report.images))
        st.metric("Known before", number(report.known), help="These files were imported earlier; nothing changes.")
        st.metric("Duplicates", number(report.duplicates), help="Files with the same content as another picture.")
        st.metric("Labels", number(report.annotations))
        st.metric("Left out", number(len(report.skipped)), help="Pictures, labels and splits; the reasons are below.")


def _splits(report: ImportReport) -> None:
    parts = [f"{name} {number(report.by_split.get(split, 0))}" for split, name in SPLITS.items()]  # type: ignore[call-overload]
    if report.images:
        st.caption("New pictures: " + ", ".join(parts) + ".")


def _words(report: ImportReport) -> str:
    if report.images:
        return f"Add {number(report.images, 'picture')}"
    if report.annotations:
        return f"Add {number(report.annotations, 'label')}"
    return f"Note {number(report.duplicates, 'further place')}" if report.duplicates else "There is nothing to add"


def _unknown(report: ImportReport) -> None:
    if not report.unknown:
        return
    labels = sum(found.labels for found in report.unknown.values())
    classes = number(len(report.unknown), "class of the table is", "classes of the table are")
    st.warning(
        f"{classes} not in the class tree, so {number(labels, 'label')} would be left out; the pictures come in. "
        "Nothing is guessed: add the classes to the tree or correct the table, then look again.",
        icon=":material/account_tree:",
    )
    most = sorted(report.unknown.items(), key=lambda item: -item[1].labels)[:MOST_SHOWN]
    st.dataframe(
        {
            "Class in the table": [name for name, _ in most],
            "Labels": [found.labels for _, found in most],
            "Most alike in the tree": [", ".join(found.nearest) for _, found in most],
        },
        hide_index=True,
        height=min(320, 40 + 36 * len(most)),
        alt="Classes that the table names and the tree does not have",
    )


def _left_out(skipped: Sequence[Skip]) -> None:
    """What is left out and why: the reasons counted, then one by one. Unknown classes are told elsewhere."""
    told = [skip for skip in skipped if skip.what != "class"]
    if not told:
        return
    counted = Counter(skip.reason if skip.what == "picture" else _CONFLICTS[skip.what] for skip in told)
    more = "other " if len(told) < len(skipped) else ""
    with st.expander(f"{number(len(told), f'{more}thing is', f'{more}things are')} left out"):
        for reason, count in counted.most_common(6):
            st.caption(f"{number(count)} × {escape_markdown(reason)}")
        shown = told[:MOST_SHOWN]
        st.dataframe(
            {"File": [skip.path for skip in shown], "Why": [skip.reason for skip in shown]},
            hide_index=True,
            height=min(360, 40 + 36 * len(shown)),
            alt="What is left out, and why",
        )


_CONFLICTS = {"split": "the split is unknown", "label": "the label disagrees or cannot be taken"}
