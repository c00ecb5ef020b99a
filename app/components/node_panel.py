"""One class of the tree: its figures, its labels, what it is taken for, and its pictures: also typical and odd ones."""

from dataclasses import dataclass
from functools import partial
from urllib.parse import urlencode

import numpy as np
import streamlit as st

from app import resources, state
from app.components import node_figures, node_mistakes, tree_editor
from app.components.annotator import who
from app.components.gallery import index as gallery
from app.components.node_mistakes import Links
from app.components.tree_card import index as tree_card
from app.components.wording import number
from hmgc_core.records import Run
from hmgc_core.taxonomy import IntArray, Taxonomy
from hmgc_core.workflow import label_next, references, seeing, tree
from hmgc_core.workflow.tree_edits import second_look_ids
from hmgc_core.workflow.tree_statistics import TreeStatistics
from hmgc_core.workflow.workspaces import Workspace

PER_PAGE = 48
MOST_PEOPLE = 8
TABS = {"labelled": "Labelled here", "predicted": "Predicted here", "typical": "Typical", "odd": "Odd"}
TOLD = {
    "labelled": "All that people placed here or below.",
    "predicted": "All that the model places here or below, the surest first.",
    "typical": "Labelled here or below, those first that look most like the average of them to the model.",
    "odd": "Labelled here or below, those first that look least like the average of them to the model: rare looks, "
    "and labels that may be wrong.",
    "references": "Marked as good examples of this class: they come first where people look it up while they label.",
}


@dataclass(frozen=True)
class Queue:
    """A way to the annotator. choice: see `records.QueueChoice`."""

    words: str
    choice: str


@dataclass(frozen=True)
class Pictures:
    """What the gallery of a class may show (name -> title), what it shows, image ids in order, and a word on them."""

    tabs: dict[str, str]
    tab: str
    found: IntArray
    told: str


def show(
    ws: Workspace, newest: tuple[int, Taxonomy], node: int, *, known: TreeStatistics, run: Run | None, older: Run | None
) -> None:
    """Everything about one class of a tree (its version, and itself).

    run: whose figures are shown; older: the run that was chosen, where it learned another tree.
    """
    version, taxonomy = newest
    key = taxonomy.keys[node]
    changing = st.session_state.get(state.TREE_CHANGING) == key
    if changing:
        tree_editor.show(ws, version, key)
    links = Links(run.id if run else 0)
    mistakes = node_mistakes.parts(resources.prediction_table(ws, run.id), node, links) if run else []
    pictures = _pictures(ws, taxonomy, known, node, run)
    first = min(_passed(pictures.tab, key), max(len(pictures.found) - 1, 0)) // PER_PAGE * PER_PAGE
    queues = _queues(ws, taxonomy, known, node, run)
    way, link = tree_card.show(
        name=taxonomy.name(node),
        names=_names(taxonomy, node),
        note=taxonomy.note(node),
        ways=[(queue.words, f"/annotate?{urlencode({'queue': queue.choice})}") for queue in queues],
        figures=node_figures.figures(taxonomy, known, node, run),
        missing=_missing(run, older),
        labels=_labels(ws, taxonomy, known, node),
        mistakes=mistakes,
        changing=changing,
        tabs=pictures.tabs,
        tab=pictures.tab,
        told=pictures.told,
        page=(first, PER_PAGE, len(pictures.found)),
        on_tab=partial(state.choose, state.NODE_PICTURES),
        on_turn=partial(_turn, pictures.tab, key),
        on_change=partial(_change, None if changing else key),
    )
    _gallery(key, pictures, first)
    _follow(queues, way, links, link)


def _passed(tab: str, key: str) -> int:
    """How many pictures of this kind and class were passed over by turning the page."""
    kind, of, first = st.session_state.get(state.NODE_PAGE, ("", "", 0))
    return int(first) if (kind, of) == (tab, key) else 0


def _turn(tab: str, key: str, first: int) -> None:
    st.session_state[state.NODE_PAGE] = (tab, key, max(first, 0))


def _change(key: str | None) -> None:
    """Open the forms that change this class, or close them."""
    st.session_state[state.TREE_CHANGING] = key


def _names(taxonomy: Taxonomy, node: int) -> list[str]:
    said = []
    if taxonomy.name(node) != taxonomy.keys[node]:
        said.append(f"Key: {taxonomy.keys[node]}")
    if taxonomy.synonyms(node):
        said.append(f"Also called: {', '.join(taxonomy.synonyms(node))}")
    return [" · ".join(said)] if said else []


def _queues(ws: Workspace, taxonomy: Taxonomy, known: TreeStatistics, node: int, run: Run | None) -> list[Queue]:
    """What of this class there is to label now: what waits for a second look, what the newest model takes for it."""
    key = taxonomy.keys[node]
    waiting = len(second_look_ids(ws, annotator=who.current() or None, node=key))
    verb = "waits" if waiting == 1 else "wait"
    said = f"{number(waiting, 'picture')} labelled here {verb} for a second look"
    found = [Queue(said, "second-look")] if waiting else []
    newest = seeing.newest_done(ws)
    if run and newest and run.id == newest.id:
        table = resources.prediction_table(ws, run.id)
        places = {node: "here"}
        if (among := label_next.among(taxonomy, table, node)) not in (0, node):
            places[among] = f"in {taxonomy.name(among)}, as it does most of this class"
        for place, where in places.items():
            left = int((~np.isin(tree.predicted_images(table, place), known.said.images)).sum())
            if left:
                said = f"Label what the model puts {where}: {number(left, 'picture')} without a label"
                found.append(Queue(said, f"predicted:{taxonomy.keys[place]}"))
    return found


def _missing(run: Run | None, older: Run | None) -> list[str]:
    if run:
        return []
    if older:
        return [
            f"Run {older.id} learned another version of the tree: train again, or choose another run where there is "
            "one, to see how the model does here."
        ]
    return ["No model was trained yet. How well one finds this class appears here after the first training."]


def _labels(ws: Workspace, taxonomy: Taxonomy, known: TreeStatistics, node: int) -> dict[str, object]:
    """Who said how much at each level; the levels are those at which something was said."""
    made = tree.makeup(ws, taxonomy, known.said, node)
    depths = sorted({depth for counts in made.values() for depth in counts})
    people = [(name, [counts.get(depth, 0) for depth in depths]) for name, counts in made.items()]
    more = len(people) - MOST_PEOPLE
    return {
        "levels": [f"Level {depth}" if depth else "Root" for depth in depths],
        "people": people[:MOST_PEOPLE],
        "more": f"and {number(more, 'person', 'people')} more" if more > 0 else "",
    }


def _follow(queues: list[Queue], way: int | None, links: Links, link: int | None) -> None:
    """Go where a link of the card leads."""
    if way is not None and 0 <= way < len(queues):
        st.switch_page("pages/annotate.py", query_params={"queue": queues[way].choice})
    if link is not None and 0 <= link < len(links.asked):
        st.switch_page("pages/predictions.py", query_params=links.asked[link])


# --- pictures ---------------------------------------------------------------------------------------------------------


def _pictures(ws: Workspace, taxonomy: Taxonomy, known: TreeStatistics, node: int, run: Run | None) -> Pictures:
    """All pictures of the chosen kind, and what is said about them."""
    marked = np.array([mark.image_id for mark in references.of_class(ws, taxonomy.keys[node])], dtype=np.int64)
    tabs = {name: title for name, title in TABS.items() if run or name == "labelled"}
    tabs |= {"references": "References"} if len(marked) else {}
    tab = state.chosen(state.NODE_PICTURES)
    if tab == "references" and len(marked):
        return Pictures(tabs, tab, marked, TOLD[tab])
    if run is None or tab not in tabs or tab == "labelled":
        found = tree.labelled_images(taxonomy, known.said, node)
        return Pictures(tabs, "labelled", found, TOLD["labelled"] if len(found) else "Nothing is labelled here yet.")
    table = resources.prediction_table(ws, run.id)
    if tab == "predicted":
        found = tree.predicted_images(table, node)
        return Pictures(tabs, tab, found, TOLD[tab] if len(found) else "The model puts no picture here.")
    ordered = tree.from_typical_to_odd(ws, run.id, table, node)
    if ordered is None:
        nothing = f"Run {run.id} left no vectors of the pictures to compare them by: train again to see these."
        return Pictures(tabs, tab, np.zeros(0, dtype=np.int64), nothing)
    told = TOLD[tab] if len(ordered) else "Nothing is labelled here yet."
    return Pictures(tabs, tab, ordered if tab == "typical" else ordered[::-1], told)


def _gallery(key: str, pictures: Pictures, first: int) -> None:
    """One page of the pictures; a click opens one. How to turn the page stands on the card."""
    if len(pictures.found):
        page = pictures.found[first : first + PER_PAGE].tolist()
        node = key if pictures.tab == "references" else ""
        opened = gallery.show_plain(page, key=f"node-{pictures.tab}-{key}-gallery", marks=f"node-{key}", node=node)
        if opened is not None:
            st.switch_page("pages/predictions.py", query_params={"image": str(opened)})
