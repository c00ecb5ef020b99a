"""Is the database sound, and do the kept counts agree with the statements? Reads only."""

import time
from pathlib import Path

import sqlalchemy as sa

from hmgc_core.store.images import OUT
from hmgc_core.store.schema import (
    annotation,
    annotator,
    folder,
    image,
    image_path,
    image_tally,
    label_tally,
    labelling,
    labelling_label,
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
    labelling,
    labelling_label,
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
    if _ends_within_a_page(connection):
        return ["the file ends in the middle of a page"]
    end = time.monotonic() + budget_s
    for table in ESSENTIAL:
        rows = connection.exec_driver_sql(f"PRAGMA quick_check('{table.name}')").all()
        found = [row[0] for row in rows if row[0] != "ok"]
        if found or time.monotonic() > end:
            return found
    return []


def _ends_within_a_page(connection: sa.Connection) -> bool:
    """SQLite looks at the pages of one table only, and the cut may have gone through another's."""
    path = connection.exec_driver_sql("SELECT file FROM pragma_database_list WHERE name = 'main'").scalar_one()
    page_size = connection.exec_driver_sql("PRAGMA page_size").scalar_one()
    return Path(path).stat().st_size % page_size != 0


def wrong_counts(connection: sa.Connection) -> list[str]:
    """Where a kept count differs from what the rows say: of every split, class and kind."""
    key = (word.c.node_key, word.c.kind, image.c.split)
    counted = sa.select(*key, sa.func.count()).join(image, image.c.id == word.c.image_id).group_by(*key)
    kept = sa.select(label_tally).where(label_tally.c.total != 0)
    return _wrong_pictures(connection) + _wrong_labels(connection, kept, counted)


def wrong_sums(connection: sa.Connection) -> list[str]:
    """As `wrong_counts`, but labels per class alone: in a third of the time."""
    key = label_tally.c.node_key
    kept = sa.select(key, sa.func.sum(label_tally.c.total)).group_by(key).having(sa.func.sum(label_tally.c.total) != 0)
    counted = sa.select(word.c.node_key, sa.func.count()).group_by(word.c.node_key)
    return _wrong_pictures(connection) + _wrong_labels(connection, kept, counted)


def _wrong_pictures(connection: sa.Connection) -> list[str]:
    kept = {(row.split, row.labelled): row.total for row in connection.execute(sa.select(image_tally))}
    labelled = image.c.words > 0
    there = sa.select(image.c.split, labelled, sa.func.count()).where(image.c.words > OUT)
    counted = there.group_by(image.c.split, labelled)
    true = {(split, bool(has)): count for split, has, count in connection.execute(counted)}
    return [
        f"{key[0]} pictures {'with' if key[1] else 'without'} a label: kept {kept.get(key, 0)}, "
        f"counted {true.get(key, 0)}"
        for key in sorted(kept.keys() | true.keys())
        if kept.get(key, 0) != true.get(key, 0)
    ]


def _wrong_labels(connection: sa.Connection, kept: sa.Select, counted: sa.Select) -> list[str]:
    """Both give rows of a key, its first column the class, and a count."""
    before, true = ({tuple(row[:-1]): row[-1] for row in connection.execute(query)} for query in (kept, counted))
    if before == true:
        return []
    classes = len({key[0] for key, _ in before.items() ^ true.items()})
    return [f"labels: kept {sum(before.values())}, counted {sum(true.values())}; {classes} classes differ"]


def sizes(connection: sa.Connection) -> dict[str, int]:
    """Rows of the main tables; of images those that were not taken out."""
    there = {image: image.c.words > OUT, image_path: sa.true(), annotation: sa.true()}
    return {
        table.name: connection.execute(sa.select(sa.func.count()).select_from(table).where(where)).scalar_one()
        for table, where in there.items()
    }
