"""Verbs of a class at a glance: pictures to learn it from, its siblings beside it, and what looks like a picture."""

from dataclasses import dataclass

import numpy as np
import sqlalchemy as sa

from hmgc_core.likeness import Vectors
from hmgc_core.store import examples, references
from hmgc_core.store.workspace import Workspace
from hmgc_core.taxonomy import IntArray, Taxonomy
from hmgc_core.workflow.embeddings import Embeddings, embeddings
from hmgc_core.workflow.pictures import image
from hmgc_core.workflow.seeing import newest_done
from hmgc_core.workflow.taxonomies import current_taxonomy

OWN_PICTURES = 8
SIBLING_PICTURES = 2
MOST_SIBLINGS = 24

FEW_LABELS = 4000  # up to here they are all read; beyond, the pictures are asked about from the most alike on
ASKED_FIRST = 800


@dataclass(frozen=True)
class ClassPictures:
    """Ids of pictures of this class or one below it: the first `references` are marked as such, the rest labelled."""

    node: str
    images: tuple[int, ...]
    references: int = 0


@dataclass(frozen=True)
class Glance:
    """A class beside its siblings, all in the order of the tree; `siblings` holds the class itself too."""

    own: ClassPictures
    siblings: tuple[ClassPictures, ...]


def glance(ws: Workspace, key: str, *, without: int = 0) -> Glance:
    """Pictures of a class and of its siblings, never of the test split; `without`: an image to leave out.

    Reference pictures come first, then labelled ones.

    Of an inner class they come from as many of the classes below it as possible. Raises UnknownNode.
    """
    version, taxonomy = current_taxonomy(ws)
    node = taxonomy.index(key)
    siblings = _siblings(taxonomy, node)
    top = taxonomy.keys[max(int(taxonomy.parents[node]), 0)]
    with ws.reading() as connection:
        marked = _marked(connection, taxonomy, without)
        labelled = _Labelled.of(taxonomy, examples.counts_below(connection, version, top))

        def pictures_of(of: int, count: int) -> ClassPictures:
            shares = labelled.shares(taxonomy, of, count)
            ids = [i for key, n in shares.items() for i in examples.at(connection, key, count=n, without=without)]
            first = [i for at, i in marked if taxonomy.is_at_or_below(at, of)][:count]
            return ClassPictures(taxonomy.keys[of], tuple(dict.fromkeys([*first, *ids]))[:count], len(set(first)))

        own = pictures_of(node, OWN_PICTURES)
        return Glance(own, tuple(pictures_of(sibling, SIBLING_PICTURES) for sibling in siblings))


def _marked(connection: sa.Connection, taxonomy: Taxonomy, without: int) -> list[tuple[int, int]]:
    """(node, image) of the reference pictures outside the test split, oldest first."""
    marks = references.all_references(connection)
    kept = [m for m in marks if m.split != examples.HIDDEN and m.leads_to in taxonomy and m.image_id != without]
    return [(taxonomy.index(mark.leads_to), mark.image_id) for mark in kept]


def _siblings(taxonomy: Taxonomy, node: int) -> list[int]:
    """The class among its siblings; of very many, those around it."""
    if node == 0:
        return []
    children = taxonomy.children(int(taxonomy.parents[node])).tolist()
    start = max(0, min(children.index(node) - MOST_SIBLINGS // 2, len(children) - MOST_SIBLINGS))
    return children[start : start + MOST_SIBLINGS]


@dataclass(frozen=True)
class _Labelled:
    """The classes that have labels: nodes and their places in pre-order, both rising by place; node -> its labels."""

    nodes: IntArray
    places: IntArray
    counts: dict[int, int]

    @classmethod
    def of(cls, taxonomy: Taxonomy, by_key: dict[str, int]) -> "_Labelled":
        counts = {taxonomy.index(key): count for key, count in by_key.items()}
        nodes = np.fromiter(counts, dtype=np.int64)
        nodes = nodes[np.argsort(taxonomy.preorder_start[nodes])]
        return cls(nodes, taxonomy.preorder_start[nodes], counts)

    def shares(self, taxonomy: Taxonomy, node: int, count: int) -> dict[str, int]:
        """key -> how many pictures to take from it: `count` in all, from classes spread over the subtree."""
        ends = (taxonomy.preorder_start[node], taxonomy.preorder_end[node])
        first, last = np.searchsorted(self.places, ends).tolist()
        used = self.nodes[first:last].tolist()
        if len(used) > count:
            spread = np.linspace(0, len(used) - 1, count).astype(int).tolist()
            return {taxonomy.keys[used[place]]: 1 for place in spread}
        shares = dict.fromkeys(used, 0)
        while sum(shares.values()) < count and any(shares[i] < self.counts[i] for i in used):
            for i in used:
                shares[i] += shares[i] < self.counts[i] and sum(shares.values()) < count
        return {taxonomy.keys[i]: share for i, share in shares.items()}


@dataclass(frozen=True)
class Neighbour:
    """A labelled picture that looks like another one. node: its newest label; likeness: in [-1, 1], of `likeness`."""

    image_id: int
    node: str
    likeness: float


@dataclass(frozen=True)
class Nearest:
    """The labelled pictures nearest to one picture. run: whose embeddings; None before the first training.

    is_known: the run has seen this picture.
    """

    run: int | None
    is_known: bool
    neighbours: tuple[Neighbour, ...] = ()


def nearest_labelled(ws: Workspace, image_id: int, *, count: int = 8) -> Nearest:
    """What looks most like a picture to the newest run, among labelled pictures outside the test split.

    Raises UnknownImage.
    """
    image(ws, image_id)
    run = newest_done(ws)
    if run is None:
        return Nearest(None, is_known=False)
    seen = embeddings(ws.run_folder(run.id))
    here = seen.rows([image_id]).tolist() if seen else []
    if seen is None or not here:
        return Nearest(run.id, is_known=False)
    likeness = seen.likeness(here[0])
    likeness[here] = -np.inf
    with ws.reading() as connection:
        best = _labelled_near(connection, seen, likeness, count)
        ids = seen.images[best].tolist()
        words = examples.newest_words(connection, ids)
    found = (Neighbour(i, words[i], float(alike)) for i, alike in zip(ids, likeness[best], strict=True))
    return Nearest(run.id, is_known=True, neighbours=tuple(found))


def _labelled_near(connection: sa.Connection, seen: Embeddings, likeness: Vectors, count: int) -> IntArray:
    """Rows of the labelled pictures that are most alike, the most alike first; `count`, or as many as there are."""
    if examples.labelled_count(connection) <= FEW_LABELS:
        rows = seen.rows(examples.labelled_ids(connection))
        rows = rows[np.argsort(-likeness[rows], kind="stable")]
    else:
        rows = _labelled_first(connection, seen, np.argsort(-likeness, kind="stable"), count)
    return rows[np.isfinite(likeness[rows])][:count]


def _labelled_first(connection: sa.Connection, seen: Embeddings, order: IntArray, count: int) -> IntArray:
    """The first rows of an order that are labelled: one more than `count` where there are so many."""
    found = list[int]()
    start, step = 0, ASKED_FIRST
    while start < len(order) and len(found) <= count:
        part = order[start : start + step]
        labelled = examples.labelled_among(connection, seen.images[part].tolist())
        found += [int(row) for row in part if int(seen.images[row]) in labelled]
        start, step = start + step, 2 * step
    return np.array(found, dtype=np.int64)
