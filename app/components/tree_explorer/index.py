"""The tree to walk through: three views, a choice of colours and of the run, the way up. One component, drawn there."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import streamlit as st

from app import state
from app.components import tree_colours, tree_view
from app.components.wording import run_title
from hmgc_core.records import Run
from hmgc_core.taxonomy import Taxonomy
from hmgc_core.workflow.tree_statistics import TreeStatistics

HERE = Path(__file__).parent
SCRIPTS = ("shades", "layout", "views", "explorer")
_COMPONENT = st.components.v2.component(
    "hmgc_tree_explorer",
    html="<div class='explorer'>\n</div>",
    css=(HERE / "explorer.css").read_text(encoding="utf-8"),
    js="\n".join((HERE / f"{part}.js").read_text(encoding="utf-8") for part in SCRIPTS),
)


def show(
    taxonomy: Taxonomy, known: TreeStatistics, node: int, *, runs: Sequence[Run], run: Run | None, tree_fits: bool
) -> None:
    """Draw the tree around `node`. What is clicked goes into the address before the page, or its part, runs again.

    runs: those to choose from, `run` among them; tree_fits: it speaks of this very tree.
    """
    view, colour = chosen_view(), chosen_colour(has_run=tree_fits)
    first = _passed(taxonomy, node)
    data = tree_view.drawn(taxonomy, known, node, view=view, colour=colour, first=first)
    data |= {
        "view": view,
        "views": [[name, one.title] for name, one in tree_view.VIEWS.items()],
        "colour": colour,
        "colours": [[name, one.title] for name, one in tree_colours.COLOURS.items()],
        "runs": [[str(one.id), run_title(one)] for one in runs],
        "run": run.id if run else 0,
        "name": taxonomy.name(node),
        "crumbs": [[above, taxonomy.name(above)] for above in [0, *taxonomy.path(node)][:-1]],
        "about": _about(colour, run, tree_fits=tree_fits),
    }
    _mount(taxonomy, node, data)


def chosen_view() -> str:
    """What the address says, if there is such a view."""
    view = state.chosen(state.TREE_VIEW)
    return view if view in tree_view.VIEWS else next(iter(tree_view.VIEWS))


def chosen_colour(*, has_run: bool) -> str:
    """What the address says, if there is such a colour; else what tells most."""
    colour = state.chosen(state.TREE_COLOUR)
    return colour if colour in tree_colours.COLOURS else "accuracy" if has_run else "labels"


def _passed(taxonomy: Taxonomy, node: int) -> int:
    """How many children were passed over with `7 more`; never all."""
    passed = state.chosen_number(state.TREE_FROM) or 0
    return passed if passed < len(taxonomy.children(tree_view.outermost(taxonomy, node))) else 0


def _about(colour: str, run: Run | None, *, tree_fits: bool) -> str:
    told = tree_colours.COLOURS[colour]
    if not told.of_run or tree_fits:
        return told.about
    if run is None:
        return f"{told.about} No model was trained yet: there is no figure so far."
    return f"{told.about} Run {run.id} learned another tree: train again, or choose another run, to see it here."


def _mount(taxonomy: Taxonomy, node: int, data: dict[str, Any]) -> None:
    def sent(name: str) -> Any:
        return getattr(st.session_state[state.TREE_EXPLORER], name)

    def opened() -> None:
        _open(taxonomy, node, sent("opened"))

    def more() -> None:
        where, first = sent("more")
        if where == tree_view.outermost(taxonomy, node):
            state.choose(state.TREE_FROM, int(first))
        else:
            _open(taxonomy, node, where)

    def chooses(key: str, name: str) -> Callable[[], None]:
        return lambda: state.choose(key, sent(name))

    _COMPONENT(
        key=state.TREE_EXPLORER,
        data=data,
        on_opened_change=opened,
        on_more_change=more,
        on_view_change=chooses(state.TREE_VIEW, "view"),
        on_colour_change=chooses(state.TREE_COLOUR, "colour"),
        on_run_change=chooses(state.RUN, "run"),
    )


def _open(taxonomy: Taxonomy, node: int, clicked: object) -> None:
    """Go to a class; a click on the one that holds all others leads up, once nothing was passed over in it."""
    if not isinstance(clicked, int) or not 0 <= clicked < len(taxonomy):
        return
    passed = _passed(taxonomy, node)
    state.choose(state.TREE_FROM, None)
    leads_up = clicked == node and not passed and clicked == tree_view.outermost(taxonomy, node)
    state.choose(state.NODE, taxonomy.keys[int(taxonomy.parents[clicked]) if leads_up and clicked else clicked])
