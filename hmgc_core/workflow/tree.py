"""Verbs of the class tree on screen: the part of a tree that fits, the pictures of a class, what it is taken for."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from hmgc_core.store import annotations
from hmgc_core.store.workspace import Workspace
from hmgc_core.taxonomy import IntArray, Taxonomy
from hmgc_core.workflow import embeddings
from hmgc_core.workflow.placings import Said
from hmgc_core.workflow.seeing import PredictionTable

# Children that a box below the outermost may have, tried in turn until all fits.
CHILDREN_TRIED = (40, 24, 12, 6)


@dataclass(frozen=True)
class Box:
    """One drawn class. parent: its place in the list, -1 for the first.

    hidden: above 0 the box stands for so many children of `node` that did not fit, and `first` of them are in sight.
    """

    node: int
    parent: int
    hidden: int = 0
    first: int = 0


def visible_part(taxonomy: Taxonomy, use: IntArray, top: int, *, levels: int, tips: int, first: int = 0) -> list[Box]:
    """The subtree of `top`, cut to at most `levels` levels and `tips` outermost boxes; parents before children.

    use: (N,) which children to draw first where not all fit. first: that many children of `top` are left out, as
    they were seen before. As deep as fits; where only one level does, its most used classes and one box for the rest.
    """
    for depth in range(levels, 1, -1):
        for children in CHILDREN_TRIED:
            boxes = _cut(taxonomy, use, top, levels=depth, children=children, tips=tips, first=first)
            if boxes:
                return boxes
    boxes = [Box(top, -1)]
    boxes += _children(taxonomy, use, top, place=0, room=tips, first=first)
    return boxes


def _cut(
    taxonomy: Taxonomy, use: IntArray, top: int, *, levels: int, children: int, tips: int, first: int
) -> list[Box]:
    """`visible_part` for so many levels and children; empty where that is too much."""
    boxes = [Box(top, -1)]
    frontier, outermost = range(1), 1
    for level in range(levels):
        start = len(boxes)
        for place in frontier:
            box = boxes[place]
            if box.hidden:
                continue
            room = children if level else tips
            below = list(_children(taxonomy, use, box.node, place=place, room=room, first=0 if level else first))
            outermost += max(len(below) - 1, 0)
            if outermost > tips:
                return []
            boxes += below
        frontier = range(start, len(boxes))
    return boxes


def _children(taxonomy: Taxonomy, use: IntArray, node: int, *, place: int, room: int, first: int) -> Iterator[Box]:
    """At most `room` boxes for the children of a node: all in the order of the tree, or the most used and the rest."""
    children = taxonomy.children(node)
    if len(children) <= room and not first:
        yield from (Box(int(child), place) for child in children)
        return
    order = np.lexsort((-taxonomy.leaf_counts[children], -use[children]))
    left = children[order[first:]]
    fits = len(left) if len(left) <= room else room - 1
    yield from (Box(int(child), place) for child in left[:fits])
    if len(left) > fits:
        yield Box(node, place, hidden=len(left) - fits, first=first + fits)


# --- pictures of a class ----------------------------------------------------------------------------------------------


def labelled_images(taxonomy: Taxonomy, said: Said, node: int) -> IntArray:
    """Ids of the images that somebody placed at `node` or below it, rising."""
    return np.unique(said.images[taxonomy.is_at_or_below(said.nodes, node)])


def predicted_images(table: PredictionTable, node: int) -> IntArray:
    """Ids of the images that a run places at `node` or below it, the surest first."""
    rows = np.flatnonzero(table.taxonomy.is_at_or_below(table.predicted, node))
    return table.image_ids[rows[np.argsort(-table.probabilities[rows], kind="stable")]]


def from_typical_to_odd(ws: Workspace, run_id: int, table: PredictionTable, node: int) -> IntArray | None:
    """Ids of the images labelled at or below `node`, those nearest to the class's mean first, by the run's vectors.

    None where the run left no vectors. Images that it has not seen are left out.
    """
    seen = embeddings.embeddings(ws.run_folder(run_id))
    if seen is None:
        return None
    wanted = table.image_ids[table.taxonomy.is_at_or_below(table.labels, node)]
    rows = seen.rows(wanted)
    if not len(rows):
        return rows
    vectors = seen.vectors[rows]
    likeness = vectors @ vectors.mean(axis=0)  # the length of the mean is the same for all
    return seen.images[rows[np.lexsort((rows, -likeness))]]


# --- what a class is taken for ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Confusion:
    """`count` pictures labelled at or below `label` and answered at or below `answer`, two node indices.

    edges: from the class asked about up to where the two branches meet; 1 for siblings.
    """

    label: int
    answer: int
    count: int
    edges: int


def taken_for(table: PredictionTable, node: int) -> list[Confusion]:
    """Where the pictures labelled at or below `node` are answered on other branches, the most pictures first.

    Each other branch is named by its highest class, so the counts add up to all pictures answered elsewhere.
    """
    found = _other_branches(table.taxonomy, node, table.labels, table.predicted)
    return [Confusion(node, branch, count, edges) for branch, count, edges in found]


def mistaken_for_it(table: PredictionTable, node: int) -> list[Confusion]:
    """What is labelled on other branches and answered at or below `node`, the most pictures first."""
    found = _other_branches(table.taxonomy, node, table.predicted, table.labels)
    return [Confusion(branch, node, count, edges) for branch, count, edges in found]


def mixed_up_below(table: PredictionTable, node: int) -> list[Confusion]:
    """Which children of `node` are taken for which others, the most pictures first."""
    taxonomy = table.taxonomy
    if taxonomy.is_leaf[node]:
        return []
    both = taxonomy.is_at_or_below(table.labels, node) & taxonomy.is_at_or_below(table.predicted, node)
    depth = int(taxonomy.depths[node])
    labels, answers = (taxonomy.ancestors_by_depth[nodes[both], depth] for nodes in (table.labels, table.predicted))
    apart = (labels >= 0) & (answers >= 0) & (labels != answers)
    found = _counted_pairs(labels[apart], answers[apart])
    return [Confusion(label, answer, count, 1) for label, answer, count in sorted(found, key=lambda one: -one[2])]


def _counted_pairs(a: IntArray, b: IntArray) -> list[tuple[int, int, int]]:
    """(a, b, how often) of each pair that stands side by side in two columns of numbers from 0 up, in rising order."""
    width = int(b.max(initial=0)) + 1
    pairs, counts = np.unique(a * width + b, return_counts=True)
    return list(zip((pairs // width).tolist(), (pairs % width).tolist(), counts.tolist(), strict=True))


def _other_branches(taxonomy: Taxonomy, node: int, ours: IntArray, theirs: IntArray) -> list[tuple[int, int, int]]:
    """(highest class, rows, edges up from `node`) of each branch where `theirs` stands while `ours` is below `node`.

    ours, theirs: (B,) node indices, -1 for none.
    """
    rows = taxonomy.is_at_or_below(ours, node) & (theirs >= 0)
    others = theirs[rows]
    meeting = taxonomy.lca(node, others)
    apart = (meeting != others) & (meeting != node)
    depths = taxonomy.depths[meeting[apart]]
    branches, first, counts = np.unique(
        taxonomy.ancestors_by_depth[others[apart], depths], return_index=True, return_counts=True
    )
    edges = int(taxonomy.depths[node]) - depths[first]
    order = np.argsort(-counts, kind="stable")
    return [(int(branches[i]), int(counts[i]), int(edges[i])) for i in order]


# --- what the labels of a class are made of ---------------------------------------------------------------------------


def makeup(ws: Workspace, taxonomy: Taxonomy, said: Said, node: int) -> dict[str, dict[int, int]]:
    """annotator -> {depth: labels} of all labels at or below `node`; who said most comes first."""
    inside = taxonomy.is_at_or_below(said.nodes, node)
    with ws.reading() as connection:
        names = annotations.names(connection)
    found: dict[str, dict[int, int]] = {}
    for by, depth, count in _counted_pairs(said.people[inside], taxonomy.depths[said.nodes[inside]]):
        found.setdefault(names[by], {})[depth] = count
    return dict(sorted(found.items(), key=lambda one: (-sum(one[1].values()), one[0])))
