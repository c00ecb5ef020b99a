"""Is the database sound, and do the kept counts agree with the statements? Reads only."""

import time

import sqlalchemy as sa

from hmgc_core.store.annotations import WITHDRAWAL
from hmgc_core.store.images import OUT
from hmgc_core.store.schema import (
    annotation,
    annotator,
    folder,
    image,
    image_path,
    image_tally,
    label_tally,
    move,
    node,
    run,
    taxonomy,
    word,
)

ESSENTIAL = (
    annotation,
    annotator,
    image,
    image_path,
    folder,
    word,
    label_tally,
    image_tally,
    run,
    taxonomy,
    move,
    node,
)


def damage(connection: sa.Connection) -> list[str]:
    """What the database itself says is broken; empty when it is sound."""
    if connection.dialect.name != "sqlite":
        return []
    rows = connection.exec_driver_sql("PRAGMA integrity_check").all()
    found = [row[0] for row in rows if row[0] != "ok"]
    orphans = connection.exec_driver_sql("PRAGMA foreign_key_check").all()
    return found + [f"a row of {row[0]} points to nothing in {row[2]}" for row in orphans]


def damage_of_essentials(connection: sa.Connection, *, budget_s: float) -> list[str]:
    """Damage in the tables that nobody can make again, the labels first; no further table once the time is spent.

    Predictions are left out: they make most of a large database, and a run can make them anew.
    """
    if connection.dialect.name != "sqlite":
        return []
    end = time.monotonic() + budget_s
    for table in ESSENTIAL:
        rows = connection.exec_driver_sql(f"PRAGMA quick_check('{table.name}')").all()
        found = [row[0] for row in rows if row[0] != "ok"]
        if found or time.monotonic() > end:
            return found
    return []


def wrong_counts(connection: sa.Connection) -> list[str]:
    """Where a kept count differs from what the rows say."""
    wrong = []
    kept_images = {
        (row.split, row.labelled): row.total for row in connection.execute(sa.select(image_tally)) if row.total
    }
    true_images = {
        (split, bool(labelled)): count
        for split, labelled, count in connection.execute(
            sa.select(image.c.split, image.c.words > 0, sa.func.count())
            .where(image.c.words > OUT)
            .group_by(image.c.split, image.c.words > 0)
        )
    }
    for split, labelled in sorted(kept_images.keys() | true_images.keys()):
        kept, true = (counts.get((split, labelled), 0) for counts in (kept_images, true_images))
        if kept != true:
            wrong.append(f"{split} pictures {'with' if labelled else 'without'} a label: kept {kept}, counted {true}")
    kept_words = {
        (row.node_key, row.kind, row.split): row.total
        for row in connection.execute(sa.select(label_tally))
        if row.total
    }
    key = (word.c.node_key, word.c.kind, image.c.split)
    counted = sa.select(*key, sa.func.count()).join(image, image.c.id == word.c.image_id).group_by(*key)
    true_words = {tuple(row[:3]): row[3] for row in connection.execute(counted)}
    if kept_words != true_words:
        classes = len({which[0] for which, _ in kept_words.items() ^ true_words.items()})
        sums = f"kept {sum(kept_words.values())}, counted {sum(true_words.values())}"
        wrong.append(f"labels: {sums}; {classes} classes differ")
    return wrong


def wrong_words(connection: sa.Connection) -> int:
    """How many annotators' words are not their last statement that was not withdrawn. Reads every statement."""
    taken_back = annotation.alias("taken_back")
    last = (
        sa.select(annotation.c.image_id, annotation.c.annotator_id, sa.func.max(annotation.c.id).label("annotation_id"))
        .outerjoin(taken_back, taken_back.c.withdraws_id == annotation.c.id)
        .where(taken_back.c.id.is_(None) & (annotation.c.kind != WITHDRAWAL))
        .group_by(annotation.c.image_id, annotation.c.annotator_id)
    )
    kept = sa.select(word.c.image_id, word.c.annotator_id, word.c.annotation_id)
    differing = sa.union(
        sa.select(sa.except_(last, kept).subquery()), sa.select(sa.except_(kept, last).subquery())
    ).subquery()
    pairs = sa.select(differing.c.image_id, differing.c.annotator_id).distinct().subquery()
    return connection.execute(sa.select(sa.func.count()).select_from(pairs)).scalar_one()


def sizes(connection: sa.Connection) -> dict[str, int]:
    """Rows of the main tables."""
    return {
        table.name: connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one()
        for table in (image, image_path, annotation)
    }
