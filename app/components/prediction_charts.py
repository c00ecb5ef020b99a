"""From a whole split to one picture: charts of what a run says, one at a time. Each mark opens its pictures below."""

from collections.abc import Sequence
from typing import Any

import streamlit as st

from app import resources, state
from app.components import chart_data, level_names, prediction_filters, prediction_marks, run_list
from app.components.drawn_charts import index as drawn_charts
from app.components.wording import number
from hmgc_core.records import Run
from hmgc_core.taxonomy import Taxonomy
from hmgc_core.workflow import exploring, seeing
from hmgc_core.workflow.seeing import PredictionTable
from hmgc_core.workflow.workspaces import Workspace

# Word of the address -> what people read.
CHARTS = {
    "": "Only pictures",
    "classes": "Weak and strong classes",
    "mixed": "Mixed up",
    "far": "How far off",
    "sure": "How sure",
    "careful": "How careful",
    "runs": "Two runs",
}


@st.fragment
def show(ws: Workspace, run: Run, runs: Sequence[Run]) -> None:
    """A choice among the charts, kept in the address, and the chosen one, of the pictures that pass the filters."""
    asked = state.chosen(state.CHART)
    chart = asked if asked in CHARTS else ""
    st.session_state[state.CHART_CONTROL] = chart
    whole = resources.prediction_table(ws, run.id)
    st.segmented_control(
        "Look closer",
        list(CHARTS),
        required=True,
        format_func=CHARTS.__getitem__,
        key=state.CHART_CONTROL,
        on_change=_choose_chart,
        args=(whole,),
    )
    if st.session_state.pop(state.SPLIT_TAKEN, False):
        st.rerun()  # all of the page: the pictures below are of the same split
    left = bool(st.session_state.pop(state.MARK_LEFT, False))
    if not chart:
        if left:
            drawn_charts.show({"left": 1}, key="drawn_charts.none", on_below=_go_below)
        return
    table = whole.only(seeing.passing(whole, prediction_filters.wanted(whole.taxonomy)))
    if not (table.labels >= 0).any():
        st.info("No labelled picture passes these filters, so nothing can be compared.", icon=":material/info:")
        st.page_link("pages/annotate.py", label="Label pictures", icon=":material/arrow_forward:")
        return
    data = _drawn(ws, run, runs, chart, table)
    if data:
        data["mark"] = prediction_marks.shown()
        data["trained"] = _trained(table)
        data["left"] = left
        drawn_charts.show(data, key=f"drawn_charts.{run.id}.{chart}", on_below=_go_below)


def _drawn(ws: Workspace, run: Run, runs: Sequence[Run], chart: str, table: PredictionTable) -> dict[str, Any] | None:
    taxonomy = table.taxonomy
    below = _below(taxonomy) if chart == "mixed" else 0
    if chart == "runs":
        return _against(ws, run, runs, table)
    if chart == "far":
        return chart_data.far_off(taxonomy, exploring.distances(table))
    if chart == "sure":
        names = [level_names.level_name(level, taxonomy.depth) for level in range(1, taxonomy.depth + 1)]
        return chart_data.how_sure(exploring.how_sure(table, resources.path_probabilities(ws, run.id)), names)
    if chart == "careful":
        return _careful(exploring.how_careful(table, resources.path_probabilities(ws, run.id)))
    level = _level(taxonomy, below)
    if chart == "mixed":
        return chart_data.mixed_up(taxonomy, exploring.mixed_up(table, level=level, below=below), below)
    return chart_data.weak_and_strong(taxonomy, *exploring.worst_and_best(table, level=level))


def _careful(curve: exploring.ClimbingCurve) -> dict[str, Any] | None:
    if curve.images:
        return chart_data.how_careful(curve)
    st.info("This needs pictures labelled at the finest level, and none passes these filters.", icon=":material/info:")
    return None


def _against(ws: Workspace, run: Run, runs: Sequence[Run], table: PredictionTable) -> dict[str, Any] | None:
    others = [one for one in runs if one.id != run.id]
    if not others:
        st.info("There is no other finished run to compare with.", icon=":material/info:")
        st.page_link("pages/train.py", label="Train another model", icon=":material/arrow_forward:")
        return None
    asked = state.chosen_number(state.OTHER_RUN)
    other = next((one for one in others if one.id == asked), None)
    if other is None:  # the one before it, else the one after
        other = next((one for one in others if one.id < run.id), others[-1])
    run_list.picker("Compare with", others, state.OTHER_RUN, other)
    theirs = resources.prediction_table(ws, other.id)
    level = exploring.readable_level(table.taxonomy)
    return chart_data.two_runs(table.taxonomy, exploring.compared(table, theirs, level=level), run.id, other.id)


def _below(taxonomy: Taxonomy) -> int:
    """The class whose classes are shown: of the address, the root where it names none or a leaf."""
    key = state.chosen(state.CHART_BELOW)
    node = taxonomy.index(key) if key in taxonomy else 0
    return 0 if taxonomy.is_leaf[node] else node


def _level(taxonomy: Taxonomy, below: int) -> int:
    """A box to choose the level; without a choice the finest that can be read."""
    first = int(taxonomy.depths[below]) + 1
    sizes = exploring.cut_sizes(taxonomy, below)
    words = {
        level: f"{level_names.level_name(level, taxonomy.depth)}: {number(sizes[level - 1], 'class', 'classes')}"
        for level in range(first, taxonomy.depth + 1)
    }
    asked = state.chosen_number(state.CHART_LEVEL)
    level = asked if asked in words else exploring.readable_level(taxonomy, below)
    widget = f"{state.CHART_LEVEL}.box.{below}"
    st.session_state[widget] = level
    st.selectbox(
        "Level",
        list(words),
        format_func=lambda one: words.get(one, ""),
        key=widget,
        on_change=_choose_level,
        args=(widget,),
        width=320,
    )
    return level


def _trained(table: PredictionTable) -> str:
    trained = int(((table.splits == "train") & (table.labels >= 0)).sum())
    if not trained or trained == int((table.labels >= 0).sum()):
        return "All of these are training pictures: a model knows them." if trained else ""
    return (
        f"{number(trained, 'picture')} of these are training pictures, which a model knows. Choose Test or Validation "
        "above to see how it does on others."
    )


def _choose_chart(table: PredictionTable) -> None:
    """Another chart begins without the mark of the one before; the first one with pictures no model was trained on."""
    chosen = st.session_state[state.CHART_CONTROL]
    is_first = chosen and not state.chosen(state.CHART)
    state.choose(state.CHART, chosen)
    st.session_state[state.MARK_LEFT] = bool(state.chosen(state.MARK))
    prediction_marks.choose("")
    if is_first and prediction_filters.begin_with_unseen(table):
        st.session_state[state.SPLIT_TAKEN] = True


def _choose_level(widget: str) -> None:
    state.choose(state.CHART_LEVEL, st.session_state[widget])


def _go_below(key: str) -> None:
    """Other classes have other levels: the finest readable one is taken anew."""
    state.choose(state.CHART_LEVEL, "")
    state.choose(state.CHART_BELOW, key)
