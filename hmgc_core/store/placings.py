"""Where annotators place pictures now, as columns: all their words, or those on the pictures spoken of since."""

from dataclasses import dataclass

import numpy as np
import sqlalchemy as sa

from hmgc_core.store.schema import annotation, word
from hmgc_core.taxonomy import IntArray, Taxonomy

PLACES = word.c.kind.in_(("is", "none_here"))  # kinds that say where an image belongs


@dataclass(frozen=True, eq=False)
class Placings:
    """Words that say where an image belongs, as columns of equal length (W,), in any order.

    images, people: ids. nodes: indices of one taxonomy; -1 for a key that it does not have. annotations: ids of the
    statements behind the words.
    """

    images: IntArray
    people: IntArray
    nodes: IntArray
    annotations: IntArray

    def without(self, images: IntArray) -> "Placings":
        """Those on other images."""
        keep = ~np.isin(self.images, images)
        return Placings(self.images[keep], self.people[keep], self.nodes[keep], self.annotations[keep])

    def and_also(self, more: "Placings") -> "Placings":
        """These and others."""
        return Placings(
            np.concatenate([self.images, more.images]),
            np.concatenate([self.people, more.people]),
            np.concatenate([self.nodes, more.nodes]),
            np.concatenate([self.annotations, more.annotations]),
        )

    @property
    def proof(self) -> tuple[int, int]:
        """What `proof` says of the same words."""
        return len(self.annotations), int(self.annotations.sum())


_COLUMNS = sa.select(word.c.image_id, word.c.annotator_id, word.c.node_key, word.c.annotation_id).where(PLACES)
_SPOKEN_OF = sa.select(annotation.c.image_id).where(annotation.c.id > sa.bindparam("after")).distinct()
_PROOF = sa.select(sa.func.count(), sa.func.coalesce(sa.func.sum(word.c.annotation_id), 0)).where(PLACES)


def all_placings(connection: sa.Connection, taxonomy: Taxonomy) -> Placings:
    """Every word that places an image."""
    return _columns(connection, _COLUMNS, taxonomy)


def placings_since(connection: sa.Connection, taxonomy: Taxonomy, annotation_id: int) -> tuple[IntArray, Placings]:
    """(ids of the images spoken of after this annotation, every word that places one of them now)."""
    after = {"after": annotation_id}
    spoken_of = np.array(connection.execute(_SPOKEN_OF, after).scalars().all(), dtype=np.int64)
    return spoken_of, _columns(connection, _COLUMNS.where(word.c.image_id.in_(_SPOKEN_OF)), taxonomy, after)


def proof(connection: sa.Connection) -> tuple[int, int]:
    """(how many words place an image, sum of the ids of their statements): other words hardly have the same."""
    words, statements = connection.execute(_PROOF).one()
    return int(words), int(statements)


def _columns(
    connection: sa.Connection, query: sa.Select, taxonomy: Taxonomy, values: dict[str, int] | None = None
) -> Placings:
    rows = connection.execute(query, values or {}).all()
    images, people, keys, statements = zip(*rows, strict=True) if rows else ((), (), (), ())
    return Placings(
        np.array(images, dtype=np.int64),
        np.array(people, dtype=np.int64),
        taxonomy.indices(keys),
        np.array(statements, dtype=np.int64),
    )
