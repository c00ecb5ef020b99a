"""Labelled pictures to learn classes from; those of the test split are kept out of sight everywhere here."""

from collections.abc import Sequence

import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray

from hmgc_core.store import images
from hmgc_core.store.schema import image, label_tally, node, word

SAYS = ("is", "none_here")  # the kinds that say what a picture shows
HIDDEN = "test"


def counts_below(connection: sa.Connection, taxonomy_id: int, key: str) -> dict[str, int]:
    """node key -> number of words outside the test split, for this node and all below it that have any."""
    top = node.alias("top")
    below = (
        sa.select(node.c.key)
        .join(top, (top.c.taxonomy_id == node.c.taxonomy_id) & (top.c.key == key))
        .where((node.c.taxonomy_id == taxonomy_id) & node.c.position.between(top.c.position, top.c.subtree_end - 1))
    )
    query = (
        sa.select(label_tally.c.node_key, sa.func.sum(label_tally.c.total).label("words"))
        .where(label_tally.c.kind.in_(SAYS) & (label_tally.c.split != HIDDEN) & label_tally.c.node_key.in_(below))
        .group_by(label_tally.c.node_key)
    )
    return {row.node_key: row.words for row in connection.execute(query) if row.words > 0}


def at(connection: sa.Connection, key: str, *, count: int, without: int = 0) -> list[int]:
    """Ids of up to `count` images labelled as exactly this node; `without`: an image to leave out."""
    query = (
        sa.select(word.c.image_id)
        .join(image, image.c.id == word.c.image_id)
        .where((word.c.node_key == key) & word.c.kind.in_(SAYS))
        .where((image.c.split != HIDDEN) & (word.c.image_id != without))
        .distinct()
        .limit(count)
    )
    return list(connection.execute(query).scalars())


def labelled_count(connection: sa.Connection) -> int:
    """Number of images with a word outside the test split, read from kept counts."""
    tallies = images.tallies(connection)
    return sum(total for (split, labelled), total in tallies.items() if labelled and split != HIDDEN)


def labelled_ids(connection: sa.Connection) -> NDArray[np.int64]:
    """Ids of all images that somebody gave a class, each once, in order."""
    return np.unique(np.fromiter(connection.execute(_labelled()).scalars(), dtype=np.int64))


def labelled_among(connection: sa.Connection, image_ids: Sequence[int]) -> set[int]:
    """Those of these images that somebody gave a class."""
    found: set[int] = set()
    for start in range(0, len(image_ids), images.CHUNK):
        chunk = image_ids[start : start + images.CHUNK]
        found.update(connection.execute(_labelled().where(word.c.image_id.in_(chunk))).scalars())
    return found


def _labelled() -> sa.Select:
    return (
        sa.select(word.c.image_id)
        .join(image, image.c.id == word.c.image_id)
        .where(word.c.kind.in_(SAYS) & (image.c.split != HIDDEN))
    )


def newest_words(connection: sa.Connection, image_ids: Sequence[int]) -> dict[int, str]:
    """image id -> node key of the newest word that says what it shows."""
    query = (
        sa.select(word.c.image_id, word.c.node_key)
        .where(word.c.image_id.in_(image_ids) & word.c.kind.in_(SAYS))
        .order_by(word.c.annotation_id)
    )
    return {row.image_id: row.node_key for row in connection.execute(query)}
