"""Statements and predictions as they leave the studio: read a chunk at a time, however many there are."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import sqlalchemy as sa

from hmgc_core.store.annotations import WITHDRAWAL
from hmgc_core.store.images import CHUNK, originals
from hmgc_core.store.schema import annotation, annotator, folder, image, image_path, prediction, word

Rows = Sequence[sa.Row]


def statement_count(connection: sa.Connection, *, words_only: bool) -> int:
    """How many rows `statements` gives."""
    counted = (
        sa.select(sa.func.count()).select_from(word)
        if words_only
        else sa.select(sa.func.count()).where(annotation.c.kind != WITHDRAWAL)
    )
    return connection.execute(counted).scalar_one()


def statements(connection: sa.Connection, *, words_only: bool) -> Iterator[Rows]:
    """Every statement in the order it was made, or only those that are somebody's word; a chunk of rows at a time.

    Beside the columns of `annotation`: annotator_name, split, withdrawn_at and word_id (the annotator's word on this
    image is that statement), each None where there is none.
    """
    taken_back = annotation.alias("taken_back")
    its_word = (word.c.image_id == annotation.c.image_id) & (word.c.annotator_id == annotation.c.annotator_id)
    query = (
        sa.select(
            annotation,
            annotator.c.name.label("annotator_name"),
            image.c.split,
            taken_back.c.created_at.label("withdrawn_at"),
            word.c.annotation_id.label("word_id"),
        )
        .join(annotator, annotator.c.id == annotation.c.annotator_id)
        .join(image, image.c.id == annotation.c.image_id)
        .outerjoin(taken_back, taken_back.c.withdraws_id == annotation.c.id)
        .outerjoin(word, its_word)
        .where(annotation.c.kind != WITHDRAWAL)
        .order_by(annotation.c.id)
    )
    if words_only:
        query = query.where(word.c.annotation_id == annotation.c.id)
    yield from connection.execute(query.execution_options(yield_per=CHUNK)).partitions()


def prediction_count(connection: sa.Connection, run_id: int) -> int:
    """How many rows `predictions` gives."""
    counted = sa.select(sa.func.count()).select_from(prediction).where(prediction.c.run_id == run_id)
    return connection.execute(counted).scalar_one()


def predictions(connection: sa.Connection, run_id: int) -> Iterator[Rows]:
    """What a run says of every image, by image id, with its split; a chunk of rows at a time."""
    query = (
        sa.select(prediction, image.c.split)
        .join(image, image.c.id == prediction.c.image_id)
        .where(prediction.c.run_id == run_id)
        .order_by(prediction.c.image_id)
    )
    yield from connection.execute(query.execution_options(yield_per=CHUNK)).partitions()


class Place(NamedTuple):
    """Where an image lies. originals: of a copy, the paths or names of the files that it was made from."""

    path: Path
    originals: tuple[str, ...]


def places(connection: sa.Connection, image_ids: Iterable[int]) -> dict[int, list[Place]]:
    """image id -> every place where it lies, the first found first; for at most CHUNK images."""
    query = (
        sa.select(image_path.c.image_id, folder.c.path.label("folder"), image_path.c.path, image_path.c.original)
        .join(folder, folder.c.id == image_path.c.folder_id)
        .where(image_path.c.image_id.in_(list(image_ids)))
        .order_by(image_path.c.id)
    )
    found: dict[int, list[Place]] = {}
    for row in connection.execute(query):
        found.setdefault(row.image_id, []).append(Place(Path(row.folder) / row.path, originals(row.original)))
    return found
