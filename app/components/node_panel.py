"""One class of the tree: its figures, its labels, what it is taken for, and its pictures: also typical and odd ones."""

from collections.abc import Callable
from functools import partial
from urllib.parse import quote, urlencode

import streamlit as st

from app import resources, state
from app.components import gallery_pages, node_figures, tree_editor
from app.components.annotator import who
from app.components.level_names import level_name
from app.components.tree_card import index as tree_card
from app.components.tree_card.index import Mistakes
from app.components.wording import number
from hmgc_core.records import Run
from hmgc_core.taxonomy import Taxonomy
from hmgc_core.workflow import tree
from hmgc_core.workflow.tree import Confusion
from hmgc_core.workflow.tree_edits import second_look_ids
from hmgc_core.workflow.tree_statistics import TreeStatistics
from hmgc_core.workflow.workspaces import Workspace

MOST_ROWS = 5
MOST_PEOPLE = 8
TABS = {"labelled": "Labelled here", "predicted": "Predicted here", "typical": "Typical", "odd": "Odd"}
TOLD = {
    "labelled": "All that people placed here or below.",
    "predicted": "All that the model places here or below, the surest first.",
    "typical": "Labelled here or below, those first that look most like the average of them to the model.",
    "odd": "Labelled here or below, those first that look least like the average of them to the model: rare looks, "
    "and labels that may be wrong.",
}


def show(
    ws: Workspace, newest: tuple[int, Taxonomy], node: int, *, known: TreeStatistics, run: Run | None, older: Run | None
) -> None:
    """Everything about one class of a tree (its version, and itself).

    run: whose figures are shown; older: the run that was chosen, where it learned another tree.
    """
    version, taxonomy = newest
    confusions = _confusions(ws, node, run)
    tabs = {name: title for name, title in TABS.items() if run or name == "labelled"}
    tab = state.chosen(state.NODE_PICTURES)
    tab = tab if tab in tabs else "labelled"
    clicked = tree_card.show(
        name=taxonomy.name(node),
        names=_names(taxonomy, node),
        note=taxonomy.note(node),
        second_look=_second_look(ws, taxonomy.keys[node]),
        figures=node_figures.figures(taxonomy, known, node, run),
        missing=_missing(run, older),
        labels=_labels(ws, taxonomy, known, node),
        mistakes=_parts(taxonomy, node, run, confusions),
        tabs=tabs,
        tab=tab,
        told=TOLD[tab],
        on_tab=partial(state.choose, state.NODE_PICTURES),
    )
    _pictures(ws, newest, node, run, tab)
    tree_editor.show(ws, version, taxonomy.keys[node])
    if clicked is not None:
        _follow(taxonomy, clicked, run, confusions)


def _names(taxonomy: Taxonomy, node: int) -> list[str]:
    said = []
    if taxonomy.name(node) != taxonomy.keys[node]:
        said.append(f"Key: {taxonomy.keys[node]}")
    if taxonomy.synonyms(node):
        said.append(f"Also called: {', '.join(taxonomy.synonyms(node))}")
    return [" · ".join(said)] if said else []


def _second_look(ws: Workspace, key: str) -> tuple[str, str] | None:
    waiting = len(second_look_ids(ws, annotator=who.current() or None, node=key))
    if not waiting:
        return None
    verb = "waits" if waiting == 1 else "wait"
    return f"{number(waiting, 'picture')} labelled here {verb} for a second look", "/annotate?queue=second-look"


def _missing(run: Run | None, older: Run | None) -> list[str]:
    if run:
        return []
    if older:
        return [
            f"Run {older.id} learned another version of the tree: train again, or choose another run above, to see "
            "how the model does here."
        ]
    return ["No model was trained yet. How well one finds this class appears here after the first training."]


def _labels(ws: Workspace, taxonomy: Taxonomy, known: TreeStatistics, node: int) -> dict[str, object]:
    """Who said how much at each level; the levels are those at which something was said."""
    made = tree.makeup(ws, taxonomy, known.said, node)
    depths = sorted({depth for counts in made.values() for depth in counts})
    people = [(name, [counts.get(depth, 0) for depth in depths]) for name, counts in made.items()]
    more = len(people) - MOST_PEOPLE
    return {
        "levels": [level_name(depth, taxonomy.depth) for depth in depths],
        "people": people[:MOST_PEOPLE],
        "more": f"and {number(more, 'person', 'people')} more" if more > 0 else "",
    }


# --- mistakes ---------------------------------------------------------------------------------------------------------


def _confusions(ws: Workspace, node: int, run: Run | None) -> list[list[Confusion]]:
    """What the class is taken for, what is taken for it, and what is mixed up below; none without a run."""
    if run is None:
        return [[], [], []]
    table = resources.prediction_table(ws, run.id)
    ways: list[Callable[..., list[Confusion]]] = [tree.taken_for, tree.mistaken_for_it, tree.mixed_up_below]
    return [way(table, node) for way in ways]


def _parts(taxonomy: Taxonomy, node: int, run: Run | None, confusions: list[list[Confusion]]) -> list[Mistakes]:
    """The parts of the card that tell of mistakes; links are numbered through all of them, in the order of `_shown`."""
    if run is None:
        return []
    places = {id(one): place for place, one in enumerate(_shown(confusions))}

    def group(title: str, found: list[Confusion], said: Callable[[Confusion], str]) -> tuple:
        rows = [
            (said(one), one.count, _address(taxonomy, one, run), places[id(one)]) for one in found if id(one) in places
        ]
        left = sum(one.count for one in found) - sum(row[1] for row in rows)
        return title, rows, f"and {number(left, 'more picture')} on other branches" if left else ""

    parts = []
    if node:
        for title, found, nothing, named in (
            ("Taken for something else", confusions[0], "None of its pictures.", "answer"),
            ("Others taken for it", confusions[1], "No picture of another class.", "label"),
        ):
            groups = [
                group(name, some, lambda one, named=named: _said(taxonomy, one, getattr(one, named)))
                for name, some in (("Siblings", _near(found)), ("Far branches", _far(found)))
                if some
            ]
            parts.append(Mistakes(title, "" if groups else nothing, groups))
    if not taxonomy.is_leaf[node]:
        inside = group("", confusions[2], lambda one: f"{taxonomy.name(one.label)} → {taxonomy.name(one.answer)}")
        parts.append(Mistakes("Mixed up below", "" if inside[1] else "Nothing.", [inside] if inside[1] else []))
    return parts


def _near(found: list[Confusion]) -> list[Confusion]:
    return [one for one in found if one.edges == 1]


def _far(found: list[Confusion]) -> list[Confusion]:
    return [one for one in found if one.edges > 1]


def _shown(confusions: list[list[Confusion]]) -> list[Confusion]:
    """Those with a link on the card, in the order of their numbers."""
    taken, mistaken, inside = confusions
    groups = [_near(taken), _far(taken), _near(mistaken), _far(mistaken), inside]
    return [one for group in groups for one in group[:MOST_ROWS]]


def _said(taxonomy: Taxonomy, one: Confusion, other: int) -> str:
    return taxonomy.name(other) if one.edges == 1 else f"{taxonomy.name(other)} ({one.edges} levels up)"


def _mark(taxonomy: Taxonomy, one: Confusion) -> str:
    label, answer = (quote(taxonomy.keys[node], safe="") for node in (one.label, one.answer))
    return f"taken-for:{label}:{answer}"


def _address(taxonomy: Taxonomy, one: Confusion, run: Run) -> str:
    return f"/predictions?{urlencode({'run': run.id, 'mark': _mark(taxonomy, one)})}"


def _follow(taxonomy: Taxonomy, clicked: int, run: Run | None, confusions: list[list[Confusion]]) -> None:
    """Go where a link of the card leads."""
    if clicked == tree_card.SECOND_LOOK:
        st.switch_page("pages/annotate.py", query_params={"queue": "second-look"})
    shown = _shown(confusions)
    if run and 0 <= clicked < len(shown):
        asked = {"run": str(run.id), "mark": _mark(taxonomy, shown[clicked])}
        st.switch_page("pages/predictions.py", query_params=asked)


# --- pictures ---------------------------------------------------------------------------------------------------------


def _pictures(ws: Workspace, newest: tuple[int, Taxonomy], node: int, run: Run | None, tab: str) -> None:
    version, taxonomy = newest
    key = taxonomy.keys[node]
    nothing = "No picture is labelled here yet."

    def load(offset: int, count: int) -> list[int]:
        if tab == "predicted" and run:
            return tree.predicted_images(ws, version, key, run.id, offset=offset, count=count)
        return tree.labelled_images(ws, version, key, offset=offset, count=count)

    if tab == "predicted":
        nothing = "No picture is predicted here."
    if tab in ("typical", "odd") and run:
        found = tree.from_typical_to_odd(ws, run.id, resources.prediction_table(ws, run.id), node)
        if found is None:
            st.caption(f"Run {run.id} left no vectors of the pictures to compare them by: train again to see these.")
            return
        ordered = found if tab == "typical" else found[::-1]

        def load(offset: int, count: int) -> list[int]:
            return [int(image) for image in ordered[offset : offset + count]]

    gallery_pages.show(load, key=f"node-{tab}-{key}", nothing=nothing)
