"""What may stand on a screen of look-alikes, and for whom. Which pictures look alike is not known here.

A picture that the asker skipped may: one by one it was hard, among its like it may be easy.
"""

from collections.abc import Sequence

import sqlalchemy as sa

from hmgc_core.store import images, sharing
from hmgc_core.store.schema import annotation, image, image_path, reservation, word
from hmgc_core.store.sharing import Asker


def words_since(connection: sa.Connection, annotation_id: int) -> list[tuple[int, int]]:
    """(id, number of words now) of each image about which something was said or taken back after this annotation."""
    spoken_of = sa.select(annotation.c.image_id).where(annotation.c.id > annotation_id)
    query = sa.select(image.c.id, image.c.words).where(image.c.id.in_(spoken_of))
    return [(row.id, row.words) for row in connection.execute(query)]


def barred(connection: sa.Connection, asker: Asker) -> set[int]:
    """Images that want more words, but not the asker's; and those that lie nowhere any more."""
    lies = sa.select(image_path.c.image_id).where(image_path.c.image_id == image.c.id).exists()
    out = sa.select(image.c.id).where((image.c.words < asker.people) & ~lies)
    reserved = sa.select(reservation.c.image_id).where(reservation.c.until > asker.at)
    held = sa.select(image.c.id).where(image.c.id.in_(reserved) & ~sharing.has_place(review=False))
    found = {*connection.execute(out).scalars(), *connection.execute(held, asker.parameters).scalars()}
    if asker.shares:
        mine = sa.select(word.c.image_id).where(word.c.annotator_id == asker.annotator_id)
        found.update(connection.execute(mine).scalars())
    return found


def free_among(connection: sa.Connection, asker: Asker, image_ids: Sequence[int]) -> set[int]:
    """Those of these images that the asker may label now."""
    free, found = _is_free(asker), set[int]()
    for start in range(0, len(image_ids), images.CHUNK):
        wanted = image.c.id.in_(image_ids[start : start + images.CHUNK])
        found.update(connection.execute(sa.select(image.c.id).where(wanted & free), asker.parameters).scalars())
    return found


def next_free(connection: sa.Connection, asker: Asker, *, count: int) -> list[int]:
    """The first images that the asker may label now, in the order of the queue."""
    query = sa.select(image.c.id).where(_is_free(asker)).order_by(image.c.priority, image.c.id).limit(count)
    return list(connection.execute(query, asker.parameters).scalars())


def _is_free(asker: Asker) -> sa.ColumnElement[bool]:
    return sharing.wants_label(shares=asker.shares) & sharing.has_place(review=False)
