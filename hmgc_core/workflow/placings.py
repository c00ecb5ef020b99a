"""Verbs of where pictures belong: what each annotator says now, and what they agree on, in any version of the tree.

All words are read once for each workspace and process. After that only those on pictures that somebody spoke of since
are read anew; all are again when the tree has changed, or when what is kept no longer adds up to what is stored.
"""

import functools
import threading
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import sqlalchemy as sa

from hmgc_core.querying import Agreement, agreements
from hmgc_core.store import annotations, placings, taxonomies
from hmgc_core.store.placings import Placings
from hmgc_core.store.workspace import Workspace
from hmgc_core.taxonomy import IntArray, Taxonomy
from hmgc_core.workflow.taxonomies import taxonomy_version

FEW_IMAGES = 1000  # so many are looked up; for more, what is kept of all is brought up to now


@dataclass(frozen=True, eq=False)
class Said:
    """The words that say where a picture belongs, as columns of equal length, by picture.

    images: (W,) ids, rising; people: (W,) annotators' ids; nodes: (W,) indices, those of one picture in pre-order.
    """

    images: IntArray
    people: IntArray
    nodes: IntArray


def in_order(taxonomy: Taxonomy, said: Said) -> Said:
    """The same words by picture, those of one picture in pre-order."""
    order = np.lexsort((said.people, taxonomy.preorder_start[said.nodes], said.images))
    return Said(said.images[order], said.people[order], said.nodes[order])


def said(ws: Workspace, taxonomy: Taxonomy) -> Said:
    """What annotators say now about where pictures belong; without words at classes that this tree does not have."""
    heard = _heard(ws)
    return heard.said_in(taxonomy) if heard else _nothing()


def reference_nodes(ws: Workspace, taxonomy: Taxonomy, image_ids: IntArray) -> IntArray:
    """(B,) node index that annotators agree on for each image now, -1 where nobody placed it."""
    agreed = _agreed_on(ws, taxonomy, image_ids)
    if agreed is None or not len(agreed.images):
        return np.full(len(image_ids), -1, dtype=np.int64)
    places = np.searchsorted(agreed.images, image_ids).clip(max=len(agreed.images) - 1)
    return np.where(agreed.images[places] == image_ids, agreed.nodes[places], -1)


def _agreed_on(ws: Workspace, taxonomy: Taxonomy, image_ids: IntArray) -> Agreement | None:
    """What is agreed on these images, and maybe on others; None where nobody said anything."""
    if len(image_ids) > FEW_IMAGES:
        heard = _heard(ws)
        return heard.agreed_in(taxonomy) if heard else None
    with ws.reading() as connection:
        rows = annotations.places_said(connection, image_ids.tolist())
    images = np.array([image for image, _, _ in rows], dtype=np.int64)
    nodes = taxonomy.indices(key for _, _, key in rows)
    return agreements(taxonomy, images[nodes >= 0], nodes[nodes >= 0])


def _nothing() -> Said:
    none = np.zeros(0, dtype=np.int64)
    return Said(none, none, none)


# --- what is kept -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class _Heard:
    """All that was said up to one annotation, read in one version of the tree."""

    version: int
    taxonomy: Taxonomy
    upto: int
    placings: Placings

    @cached_property
    def said(self) -> Said:
        known = self.placings.nodes >= 0
        columns = (self.placings.images, self.placings.people, self.placings.nodes)
        return in_order(self.taxonomy, Said(*(column[known] for column in columns)))

    @cached_property
    def agreed(self) -> Agreement:
        return agreements(self.taxonomy, self.said.images, self.said.nodes)

    def said_in(self, taxonomy: Taxonomy) -> Said:
        """The same words in another version of the tree, but for those at classes that it does not have."""
        if taxonomy.has_same_shape(self.taxonomy):
            return self.said
        nodes = taxonomy.indices(self.taxonomy.keys)[self.said.nodes]
        known = nodes >= 0
        return in_order(taxonomy, Said(self.said.images[known], self.said.people[known], nodes[known]))

    def agreed_in(self, taxonomy: Taxonomy) -> Agreement:
        """What annotators agree on, as it reads in a version of the tree."""
        if taxonomy.has_same_shape(self.taxonomy):
            return self.agreed
        said = self.said_in(taxonomy)
        return agreements(taxonomy, said.images, said.nodes)


@dataclass(eq=False)
class _Ear:
    """What was heard last, for all requests of the process."""

    last: _Heard | None = None
    lock: threading.Lock = field(default_factory=threading.Lock)


@functools.lru_cache(maxsize=2)
def _ear(_engine: sa.Engine) -> _Ear:
    return _Ear()


def _heard(ws: Workspace) -> _Heard | None:
    """All that was said until now; None before there is a class tree."""
    ear = _ear(ws.engine)
    with ear.lock, ws.reading() as connection:
        version = taxonomies.newest_id(connection)
        if version is None:
            return None
        ear.last = _brought_up(connection, version, taxonomy_version(ws, version), ear.last)
        return ear.last


def _brought_up(connection: sa.Connection, version: int, taxonomy: Taxonomy, last: _Heard | None) -> _Heard:
    upto = annotations.last_id(connection)
    if last is not None and last.version == version:
        kept = last.placings
        if last.upto != upto:
            spoken_of, anew = placings.placings_since(connection, taxonomy, last.upto)
            kept = kept.without(spoken_of).and_also(anew)
        if kept.proof == placings.proof(connection):
            return last if last.upto == upto else _Heard(version, taxonomy, upto, kept)
    return _Heard(version, taxonomy, upto, placings.all_placings(connection, taxonomy))
