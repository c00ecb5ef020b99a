"""Pictures that deserve a second look: a class has changed since somebody's word on them was given.

It follows from the words (`word.second_look_id`): a new statement of that person settles it, an undo takes it back.
"""

from collections.abc import Collection

import sqlalchemy as sa

from hmgc_core.store.schema import annotation, annotator, image, word
from hmgc_core.store.sharing import ME


def image_ids(
    connection: sa.Connection, *, shared: Collection[str], by: str | None = None, node_key: str | None = None
) -> list[int]:
    """Ids of the images that wait for a second look, in queue order.

    shared: annotators who do not look themselves (imports): anybody may look for them, and then it is done. by: only
    what this annotator may do: their own, and the shared ones. node_key: only those at exactly this class.
    """
    query = (
        sa.select(image.c.id)
        .join(word, word.c.image_id == image.c.id)
        .join(annotator, annotator.c.id == word.c.annotator_id)
        .where(word.c.second_look_id.is_not(None))
        .where(annotator.c.name.not_in(shared) | ~_seen_since())
    )
    if by is not None:
        query = query.where(annotator.c.name.in_((by, *shared)))
    if node_key is not None:
        query = query.where(word.c.node_key == node_key)
    return list(connection.execute(query.distinct().order_by(image.c.priority, image.c.id)).scalars())


def waits() -> sa.ColumnElement[bool]:
    """The row of `word` waits for the asker's second look: their own word, or one of "nobody", a list of names."""
    nobody = sa.bindparam("nobody", expanding=True, type_=sa.Text)
    from_files = sa.select(annotator.c.id).where(annotator.c.name.in_(nobody))
    mine = word.c.annotator_id == ME
    return word.c.second_look_id.is_not(None) & (mine | (word.c.annotator_id.in_(from_files) & ~_seen_since()))


def _seen_since() -> sa.ColumnElement[bool]:
    """Somebody else's word on the image was given in the version that asks for the look, or later."""
    other, said = word.alias("other"), annotation.alias("said")
    return (
        sa.exists()
        .where(other.c.image_id == word.c.image_id)
        .where(other.c.annotator_id != word.c.annotator_id)
        .where(said.c.id == other.c.annotation_id)
        .where(said.c.taxonomy_id >= word.c.second_look_id)
        .correlate(word)
    )
