"""Is the database sound, and do the kept counts agree with the statements? Reads only."""

import sqlalchemy as sa

from hmgc_core.store.images import OUT
from hmgc_core.store.schema import annotation, image, image_path, image_tally, label_tally, word


def damage(connection: sa.Connection) -> list[str]:
    """What the database itself says is broken; empty when it is sound."""
    if connection.dialect.name != "sqlite":
        return []
    rows = connection.exec_driver_sql("PRAGMA integrity_check").all()
    found = [row[0] for row in rows if row[0] != "ok"]
    orphans = connection.exec_driver_sql("PRAGMA foreign_key_check").all()
    return found + [f"a row of {row[0]} points to nothing in {row[2]}" for row in orphans]


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
    if kept_images != true_images:
        wrong.append(f"images: kept {kept_images}, counted {true_images}")
    kept_words = sum(row.total for row in connection.execute(sa.select(label_tally)))
    true_words = connection.execute(sa.select(sa.func.count()).select_from(word)).scalar_one()
    if kept_words != true_words:
        wrong.append(f"labels: kept {kept_words}, counted {true_words}")
    return wrong


def sizes(connection: sa.Connection) -> dict[str, int]:
    """Rows of the main tables."""
    return {
        table.name: connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one()
        for table in (image, image_path, annotation)
    }
