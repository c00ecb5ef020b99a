"""Labels that one person gave to many pictures in one go: known by their uids, and taken back together."""

from collections.abc import Sequence

import sqlalchemy as sa

from hmgc_core.store import annotations, images
from hmgc_core.store.schema import annotation, now

LABELS = "gallery-"
TAKEN_BACK = "undo-"  # the uid of a withdrawal that came with the undo of a group starts so


def uid(group: str, image_id: int) -> str:
    """The uid of a group's label for a picture: the same each time, so that a second try stores nothing twice."""
    return f"{LABELS}{group}-{image_id}"


def stored(connection: sa.Connection, group: str, image_ids: Sequence[int]) -> set[int]:
    """Those of these pictures that have a label of this group, whether it was taken back since or not."""
    found: set[int] = set()
    for start in range(0, len(image_ids), images.CHUNK):
        uids = [uid(group, image_id) for image_id in image_ids[start : start + images.CHUNK]]
        found.update(connection.execute(sa.select(annotation.c.image_id).where(annotation.c.uid.in_(uids))).scalars())
    return found


def standing(connection: sa.Connection, group: str, *, by: int, most: int) -> list[int]:
    """Ids of up to `most` labels of a person's group that were not taken back, oldest first."""
    taken_back = annotation.alias("taken_back")
    first, end = f"{LABELS}{group}-", f"{LABELS}{group}."  # the dot comes right after the dash
    query = (
        sa.select(annotation.c.id)
        .outerjoin(taken_back, taken_back.c.withdraws_id == annotation.c.id)
        .where((annotation.c.uid >= first) & (annotation.c.uid < end) & (annotation.c.annotator_id == by))
        .where(taken_back.c.id.is_(None))
        .order_by(annotation.c.id)
        .limit(most)
    )
    return list(connection.execute(query).scalars())


def take_back(connection: sa.Connection, numbers: Sequence[int], *, by: int) -> None:
    """Withdraw these labels of one person (at most images.CHUNK ids); their word becomes what else they said."""
    rows = connection.execute(sa.select(annotation).where(annotation.c.id.in_(numbers)).order_by(annotation.c.id)).all()
    moment = now()
    withdrawals = [
        {
            "uid": f"{TAKEN_BACK}{row.uid}", "image_id": row.image_id, "annotator_id": by,
            "taxonomy_id": row.taxonomy_id, "kind": annotations.WITHDRAWAL, "node_key": "", "seconds": 0.0,
            "shown": {}, "withdraws_id": row.id, "created_at": moment,
        }
        for row in rows
    ]  # fmt: skip
    if withdrawals:
        connection.execute(annotation.insert(), withdrawals)
        annotations.set_words_anew(connection, by, list({row.image_id for row in rows}))
