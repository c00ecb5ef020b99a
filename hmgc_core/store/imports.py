"""Imports of pictures: one row each, from its start to its end and, where it was taken back, beyond."""

from collections.abc import Iterable, Sequence
from typing import Any

import sqlalchemy as sa

from hmgc_core.records import ImportRecord, Kind
from hmgc_core.store import annotations, images
from hmgc_core.store.schema import annotation, annotator, former_place, image, image_path, now, picture_import, run

TAKEN_BACK = "undo-"  # the uid of a withdrawal that came with the undo of an import starts so
MOST_KEPT = 1000  # of the things an import left out, in its row


# What was left out is long and read by itself.
_RECORDS = sa.select(*(column for column in picture_import.c if column.name != "skipped"))


def begin(connection: sa.Connection, *, source: str, how: str, started_by: str, copied: bool, total: int) -> int:
    """The row of a new import; returns its number."""
    moment = now()
    inserted = connection.execute(
        picture_import.insert().values(
            source=source, how=how, started_by=started_by, copied=copied, total=total, started_at=moment,
            touched_at=moment,
        )
    ).inserted_primary_key  # fmt: skip
    assert inserted is not None
    return int(inserted[0])


def advance(connection: sa.Connection, number: int, **counts: Any) -> bool:
    """Note how far an import has come. False where it was taken back meanwhile: then it must stop."""
    mine = (picture_import.c.id == number) & picture_import.c.undone_at.is_(None)
    return bool(connection.execute(picture_import.update().where(mine).values(touched_at=now(), **counts)).rowcount)


def finish(connection: sa.Connection, number: int, *, skipped: Sequence[tuple[str, str]]) -> None:
    """The import is whole."""
    values = {"finished_at": now(), "skips": len(skipped), "skipped": [list(pair) for pair in skipped[:MOST_KEPT]]}
    connection.execute(picture_import.update().where(picture_import.c.id == number).values(**values))


def mark_undone(connection: sa.Connection, number: int, *, kept: int) -> None:
    """The import was taken back, but for `kept` pictures."""
    values = {"undone_at": now(), "touched_at": now(), "kept": kept}
    connection.execute(picture_import.update().where(picture_import.c.id == number).values(**values))


def get(connection: sa.Connection, number: int) -> ImportRecord | None:
    """The import with this number."""
    row = connection.execute(_RECORDS.where(picture_import.c.id == number)).first()
    return _record(row) if row else None


def newest(connection: sa.Connection) -> ImportRecord | None:
    """The newest import that was not taken back."""
    query = _RECORDS.where(picture_import.c.undone_at.is_(None))
    row = connection.execute(query.order_by(picture_import.c.id.desc()).limit(1)).first()
    return _record(row) if row else None


def history(connection: sa.Connection, count: int) -> list[ImportRecord]:
    """The last imports, the newest first."""
    query = _RECORDS.order_by(picture_import.c.id.desc()).limit(count)
    return [_record(row) for row in connection.execute(query)]


def left_out(connection: sa.Connection, number: int) -> list[tuple[str, str]]:
    """(path, reason) of the first things that an import left out."""
    kept = connection.execute(sa.select(picture_import.c.skipped).where(picture_import.c.id == number)).scalar()
    return [(path, reason) for path, reason in kept or ()]


def undone_count(connection: sa.Connection) -> int:
    """How many imports were taken back: with it, caches notice that pictures are gone."""
    query = sa.select(sa.func.count()).where(picture_import.c.undone_at.is_not(None))
    return connection.execute(query).scalar_one()


def rows_done(connection: sa.Connection) -> int:
    """How many rows all imports together have brought in or seen again: with it, caches notice every step of one."""
    return connection.execute(sa.select(sa.func.coalesce(sa.func.sum(picture_import.c.done), 0))).scalar_one()


def _record(row: sa.Row) -> ImportRecord:
    return ImportRecord(**row._mapping)


def uids(number: int) -> tuple[str, str]:
    """The uids of an import's labels lie from the first of these up to the second."""
    return f"import-{number}-", f"import-{number}."  # the dot comes right after the dash


def image_ids(connection: sa.Connection, number: int) -> list[int]:
    """The images that came with an import and are there."""
    query = sa.select(image.c.id).where((image.c.import_id == number) & (image.c.words > images.OUT))
    return list(connection.execute(query.order_by(image.c.id)).scalars())


def lying_elsewhere(connection: sa.Connection, number: int, *, among: Sequence[int] | None = None) -> set[int]:
    """Of those images the ones that also lie where another import found them, not only in a place they took over.

    among: look at these images only (at most images.CHUNK).
    """
    taken_over = (
        sa.select(former_place.c.id)
        .where((former_place.c.import_id == number) & former_place.c.replaced)
        .where((former_place.c.folder_id == image_path.c.folder_id) & (former_place.c.path == image_path.c.path))
    )
    query = (
        sa.select(image.c.id)
        .join(image_path, image_path.c.image_id == image.c.id)
        .where((image.c.import_id == number) & image_path.c.import_id.is_distinct_from(number))
        .where(~taken_over.exists())
    )
    if among is not None:
        query = query.where(image.c.id.in_(among))
    return set(connection.execute(query).scalars())


def replacing(connection: sa.Connection, number: int) -> set[int]:
    """Images that lie where this import found another content than was known; the former one may come back there."""
    here = (former_place.c.folder_id == image_path.c.folder_id) & (former_place.c.path == image_path.c.path)
    query = sa.select(image_path.c.image_id).join(former_place, here)
    query = query.where((former_place.c.import_id == number) & former_place.c.replaced)
    return set(connection.execute(query).scalars())


def spoken_about(connection: sa.Connection, number: int, *, among: Sequence[int] | None = None) -> dict[int, set[str]]:
    """image id -> annotators who said something about an image of this import besides what the import says.

    among: look at these images only (at most images.CHUNK).
    """
    first, end = uids(number)
    undone = annotation.alias("undone")  # labels of an import that was taken back before say nothing any more
    query = (
        sa.select(annotation.c.image_id, annotator.c.name)
        .join(image, image.c.id == annotation.c.image_id)
        .join(annotator, annotator.c.id == annotation.c.annotator_id)
        .outerjoin(undone, (undone.c.withdraws_id == annotation.c.id) & undone.c.uid.startswith(TAKEN_BACK))
        .where((image.c.import_id == number) & (annotation.c.kind != annotations.WITHDRAWAL))
        .where(((annotation.c.uid < first) | (annotation.c.uid >= end)) & undone.c.id.is_(None))
        .distinct()
    )
    if among is not None:
        query = query.where(annotation.c.image_id.in_(among))
    found: dict[int, set[str]] = {}
    for row in connection.execute(query):
        found.setdefault(row.image_id, set()).add(row.name)
    return found


def _standing_labels(number: int) -> sa.Select:
    first, end = uids(number)
    taken_back = annotation.alias("taken_back")
    query = sa.select(annotation).outerjoin(taken_back, taken_back.c.withdraws_id == annotation.c.id)
    return query.where((annotation.c.uid >= first) & (annotation.c.uid < end) & taken_back.c.id.is_(None))


def label_count(connection: sa.Connection, number: int) -> int:
    """How many of an import's labels stand."""
    return connection.execute(sa.select(sa.func.count()).select_from(_standing_labels(number).subquery())).scalar_one()


def standing_labels(connection: sa.Connection, number: int) -> list[int]:
    """Ids of an import's labels that stand, oldest first."""
    return sorted(connection.execute(_standing_labels(number).with_only_columns(annotation.c.id)).scalars())


def take_labels_back(connection: sa.Connection, number: int, *, some: Sequence[int] | None = None) -> None:
    """Withdraw the labels of an import that stand, all or `some` (at most images.CHUNK ids).

    Each annotator's word becomes what else they said, if anything.
    """
    query = _standing_labels(number)
    if some is not None:
        query = query.where(annotation.c.id.in_(some))
    rows = connection.execute(query.order_by(annotation.c.id)).all()
    moment = now()
    withdrawals = [
        {
            "uid": f"{TAKEN_BACK}{row.uid}", "image_id": row.image_id, "annotator_id": row.annotator_id,
            "taxonomy_id": row.taxonomy_id, "kind": annotations.WITHDRAWAL, "node_key": "", "seconds": 0.0,
            "shown": {}, "withdraws_id": row.id, "created_at": moment,
        }
        for row in rows
    ]  # fmt: skip
    if withdrawals:
        connection.execute(annotation.insert(), withdrawals)
    by_annotator: dict[int, list[int]] = {}
    for row in rows:
        by_annotator.setdefault(row.annotator_id, []).append(row.image_id)
    for by, concerned in by_annotator.items():
        annotations.set_words_anew(connection, by, concerned)


def given_up(connection: sa.Connection, image_ids: Sequence[int]) -> set[tuple[str, int, tuple[Kind, str]]]:
    """(annotator, image, (kind, node)) of labels that came with an import and that their own annotator took back."""
    taken_back = annotation.alias("taken_back")
    query = (
        sa.select(annotator.c.name, annotation.c.image_id, annotation.c.kind, annotation.c.node_key)
        .join(taken_back, taken_back.c.withdraws_id == annotation.c.id)
        .join(annotator, annotator.c.id == annotation.c.annotator_id)
        .where(annotation.c.uid.startswith("import-") & taken_back.c.uid.not_like(f"{TAKEN_BACK}%"))
    )
    found: set[tuple[str, int, tuple[Kind, str]]] = set()
    for start in range(0, len(image_ids), images.CHUNK):
        rows = connection.execute(query.where(annotation.c.image_id.in_(image_ids[start : start + images.CHUNK])))
        found |= {(row.name, row.image_id, (row.kind, row.node_key)) for row in rows}
    return found


def places_in(connection: sa.Connection, number: int, folder_id: int) -> list[str]:
    """The paths inside a folder that came with an import, also those that an undo of it has taken out already."""
    mine = (image_path.c.import_id == number) & (image_path.c.folder_id == folder_id)
    out = (former_place.c.import_id == number) & (former_place.c.folder_id == folder_id) & ~former_place.c.replaced
    paths = sa.union(sa.select(image_path.c.path).where(mine), sa.select(former_place.c.path).where(out))
    return list(connection.execute(paths).scalars())


def without_images(connection: sa.Connection, folder_id: int, paths: Iterable[str]) -> list[str]:
    """Of these paths inside a folder those where no image lies."""
    wanted = list(paths)
    known = images.known_paths(connection, folder_id, wanted)
    return [path for path in wanted if path not in known]


def running_training(connection: sa.Connection) -> int | None:
    """The number of a training that is under way, None where none is."""
    return connection.execute(sa.select(run.c.id).where(run.c.status == "running").limit(1)).scalar()
