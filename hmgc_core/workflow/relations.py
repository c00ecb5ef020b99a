"""Verbs of "around the answer": the part of the class tree that an answer was chosen from, with exact probabilities.

What people call a label relation graph: a class lies below another one, and the classes directly below one exclude each
other. Where there are many of these, the likeliest are shown and the rest is counted.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hmgc_core.errors import UnknownInspection
from hmgc_core.store.workspace import Workspace
from hmgc_core.taxonomy import Taxonomy
from hmgc_core.workflow import questions
from hmgc_core.workflow.placings import reference_nodes
from hmgc_core.workflow.taxonomies import newest_taxonomy, taxonomy_version
from hmgc_core.workflow.training import run

ANSWER = "answer"
FILE = "probabilities.npy"
MOST = 60  # classes on screen, about


@dataclass(frozen=True)
class Shown:
    """One class on screen, or the rest of those beside it. probability: of all of the rest together.

    parent: its place in the list, -1 for the root. more: 0 for a class, else how many are in the rest; then its key is
    "". below: how many classes it has directly below. on_path: the answer, or on the way to it. labelled: people say it
    is this class; on_label: or one below it. is_known: the newest class tree has it too.
    column, row: where it stands, from 0; columns are levels.
    """

    key: str
    name: str
    parent: int
    probability: float
    more: int
    below: int
    on_path: bool
    labelled: bool
    on_label: bool
    is_known: bool
    column: float
    row: float


@dataclass(frozen=True)
class Relations:
    """What is around a class. focus, answer: keys, of it and of the leaf. is_old: the run's tree is not the newest."""

    focus: str
    answer: str
    shown: tuple[Shown, ...]
    is_old: bool


def ask_answer(ws: Workspace, run_id: int, image_id: int, *, anew: bool = False) -> int:
    """Ask the inspector for the probabilities of every class for this picture; returns the number of the question."""
    return questions.ask(ws, ANSWER, run_id=run_id, image_id=image_id, question={}, anew=anew)


def all_probabilities(ws: Workspace, inspection_id: int) -> NDArray[np.float32]:
    """(N,) the answer to `ask_answer`, in the order of the run's tree. Raises UnknownInspection where it is gone."""
    try:
        values: NDArray[np.float32] = np.load(questions.answer_file(ws, inspection_id, FILE))
    except (OSError, ValueError, EOFError) as error:
        raise UnknownInspection(f"the answer to question {inspection_id} is gone", remedy="ask again") from error
    return values


def around(ws: Workspace, inspection_id: int, answer: str, *, focus: str = "") -> Relations:
    """What is around a class, by the probabilities of an `ask_answer` that is done.

    answer: the key of the leaf that the run answered. focus: the key of the class to look around, "" or one that the
    run's tree does not have for the answer. Raises UnknownInspection, UnknownNode.
    """
    asked = questions.inspection(ws, inspection_id)
    version = run(ws, asked.run_id).taxonomy
    taxonomy = taxonomy_version(ws, version)
    probabilities = all_probabilities(ws, inspection_id)
    label = int(reference_nodes(ws, taxonomy, np.array([asked.image_id]))[0])
    middle = taxonomy.index(focus) if focus in taxonomy else taxonomy.index(answer)
    newest = newest_taxonomy(ws)
    picked = chosen(taxonomy, probabilities, middle, [taxonomy.index(answer), label])
    view = _View(taxonomy, probabilities, taxonomy.index(answer), label, newest[1] if newest else taxonomy)
    shown = view.placed(_listed(taxonomy, picked), straight={0, *taxonomy.path(middle)})
    return Relations(taxonomy.keys[middle], answer, shown, is_old=bool(newest and newest[0] != version))


def chosen(
    taxonomy: Taxonomy, probabilities: NDArray[np.floating], middle: int, others: Sequence[int], *, most: int = MOST
) -> dict[int, list[int]]:
    """parent -> its children to show, the likeliest first: of every class on the way to `middle`, and of `middle`.

    The ways to `middle` and to the `others` (-1: none) are always among them; of the rest every parent shows as many as
    the others, as long as all together are no more than `most`.
    """
    way = [0, *taxonomy.path(middle)]
    aside = {node: None for other in others if other > 0 for node in taxonomy.path(other) if node not in way}
    groups = {parent: _likeliest(taxonomy.children(parent), probabilities) for parent in way}
    # Beside the ways that the answer and people went there is no room for more than the ways themselves.
    room = _share([len(group) for group in groups.values()], most - 1 - len(aside))
    picked: dict[int, list[int]] = {}
    for parent, group in groups.items():
        picked[parent] = [child for rank, child in enumerate(group) if rank < room or child in way or child in aside]
    for node in aside:
        below = [child for child in taxonomy.children(node).tolist() if child in aside]
        picked[node] = _likeliest(below, probabilities)
    return {parent: children for parent, children in picked.items() if children}


def _likeliest(children: Sequence[int] | NDArray[np.int64], probabilities: NDArray[np.floating]) -> list[int]:
    nodes = np.asarray(children, dtype=np.int64)
    return [int(node) for node in nodes[np.argsort(-probabilities[nodes], kind="stable")]]


def _share(sizes: Sequence[int], most: int) -> int:
    """How many each group may have so that all together are no more than `most`; at least two."""
    return max((cap for cap in range(2, most + 1) if sum(min(size, cap) for size in sizes) <= most), default=2)


@dataclass(frozen=True)
class _Item:
    """A class in the order of the screen, or the rest of a group (then `node` is -1). parent: a place in that order."""

    node: int
    parent: int
    level: int
    rest: tuple[int, ...] = ()


def _listed(taxonomy: Taxonomy, picked: Mapping[int, list[int]]) -> list[_Item]:
    """Level by level; behind each group what of it is not shown. One class alone is no rest: it is shown."""
    items = [_Item(0, -1, 0)]
    for place, item in enumerate(items):  # the list grows meanwhile
        if item.node not in picked:
            continue
        shown = set(picked[item.node])
        rest = tuple(child for child in taxonomy.children(item.node).tolist() if child not in shown)
        children = picked[item.node] + list(rest if len(rest) == 1 else ())
        items += [_Item(child, place, item.level + 1) for child in children]
        if len(rest) > 1:
            items.append(_Item(-1, place, item.level + 1, rest))
    return items


@dataclass(frozen=True)
class _View:
    """What is said of each class. answer, label: nodes, -1 for no label. newest: the tree that its page would show."""

    taxonomy: Taxonomy
    probabilities: NDArray[np.floating]
    answer: int
    label: int
    newest: Taxonomy

    def placed(self, items: Sequence[_Item], straight: set[int]) -> tuple[Shown, ...]:
        """All that is shown, where it stands; the nodes of `straight` stand in one row."""
        rows = _rows(items, straight)
        return tuple(self._shown(item, row) for item, row in zip(items, rows, strict=True))

    def _shown(self, item: _Item, row: float) -> Shown:
        node, taxonomy = item.node, self.taxonomy
        members = np.array(item.rest if item.rest else [node])
        return Shown(
            key="" if item.rest else taxonomy.keys[node],
            name="" if item.rest else taxonomy.name(node),
            parent=item.parent,
            probability=float(self.probabilities[members].sum(dtype=np.float64)),
            more=len(item.rest),
            below=0 if item.rest else len(taxonomy.children(node)),
            on_path=bool(taxonomy.is_at_or_below(self.answer, node)),
            labelled=not item.rest and node == self.label,
            on_label=bool(taxonomy.is_at_or_below(self.label, node)),
            is_known=not item.rest and taxonomy.keys[node] in self.newest,
            column=item.level,
            row=row,
        )


def _rows(items: Sequence[_Item], straight: set[int]) -> list[float]:
    """Where each stands in its column, in rows from 0: networkx spreads the columns, the way to the middle is level."""
    import networkx as nx  # noqa: PLC0415 - half a second, for one kind of evidence

    columns: dict[int, list[int]] = {}
    for place, item in enumerate(items):
        columns.setdefault(item.level, []).append(place)
    graph = nx.DiGraph()
    graph.add_nodes_from(range(len(items)))
    graph.add_edges_from((item.parent, place) for place, item in enumerate(items) if item.parent >= 0)
    # As lists: left to group the nodes itself, networkx would forget their order.
    heights = {place: float(at[1]) for place, at in nx.multipartite_layout(graph, subset_key=columns).items()}
    gaps = [heights[some[1]] - heights[some[0]] for some in columns.values() if len(some) > 1]
    rows = [0.0] * len(items)
    for column in columns.values():
        level = next((place for place in column if items[place].node in straight), column[0])
        for place in column:
            rows[place] = round((heights[place] - heights[level]) / gaps[0], 3) if gaps else 0.0
    return [row - min(rows) for row in rows]
