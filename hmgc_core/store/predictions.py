"""What runs say about images: one row per run and image."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray

from hmgc_core.records import Prediction
from hmgc_core.store.images import CHUNK, OUT
from hmgc_core.store.schema import image, prediction


@dataclass(frozen=True)
class PredictionColumns:
    """All predictions of a run as columns of equal length: ids and splits of the images, keys, probabilities."""

    image_ids: NDArray[np.int64]
    splits: NDArray[np.str_]
    nodes: list[str]
    probabilities: NDArray[np.float64]


def replace_all(connection: sa.Connection, run_id: int, predictions: Sequence[Prediction]) -> None:
    """Store the predictions of a run in place of earlier ones."""
    connection.execute(prediction.delete().where(prediction.c.run_id == run_id))
    _insert(connection, predictions)


def add(connection: sa.Connection, run_id: int, predictions: Sequence[Prediction]) -> None:
    """Store predictions of a run beside its others, in place of those for the same images."""
    ids = [one.image_id for one in predictions]
    for start in range(0, len(ids), CHUNK):
        same = (prediction.c.run_id == run_id) & prediction.c.image_id.in_(ids[start : start + CHUNK])
        connection.execute(prediction.delete().where(same))
    _insert(connection, predictions)


def lacking(connection: sa.Connection, run_id: int) -> list[int]:
    """The images of the workspace that a run says nothing about, by id."""
    said = sa.select(prediction.c.image_id).where(prediction.c.run_id == run_id)
    query = sa.select(image.c.id).where((image.c.words > OUT) & image.c.id.not_in(said)).order_by(image.c.id)
    return list(connection.execute(query).scalars())


def _insert(connection: sa.Connection, predictions: Sequence[Prediction]) -> None:
    if predictions:
        connection.execute(
            prediction.insert(),
            [
                {
                    "run_id": p.run_id,
                    "image_id": p.image_id,
                    "node_key": p.node,
                    "probability": p.probability,
                    "path": p.path,
                    "top": p.top,
                }
                for p in predictions
            ],
        )


def _record(row: sa.Row) -> Prediction:
    pairs = (tuple((str(key), float(p)) for key, p in column) for column in (row.path, row.top))
    return Prediction(row.run_id, row.image_id, row.node_key, row.probability, *pairs)


def get_many(connection: sa.Connection, run_id: int, image_ids: Sequence[int]) -> dict[int, Prediction]:
    """What a run says about these images; images without a prediction are left out."""
    found: dict[int, Prediction] = {}
    for start in range(0, len(image_ids), CHUNK):
        wanted = prediction.c.image_id.in_(image_ids[start : start + CHUNK])
        query = sa.select(prediction).where((prediction.c.run_id == run_id) & wanted)
        found.update({row.image_id: _record(row) for row in connection.execute(query)})
    return found


def columns(connection: sa.Connection, run_id: int) -> PredictionColumns:
    """Every prediction of a run, by image id."""
    rows = connection.execute(
        sa.select(prediction.c.image_id, image.c.split, prediction.c.node_key, prediction.c.probability)
        .join(image, image.c.id == prediction.c.image_id)
        .where(prediction.c.run_id == run_id)
        .order_by(prediction.c.image_id)
    ).all()
    ids, splits, nodes, probabilities = zip(*rows, strict=True) if rows else ((), (), (), ())
    return PredictionColumns(
        np.array(ids, dtype=np.int64),
        np.array(splits, dtype=np.str_),
        list(nodes),
        np.array(probabilities, dtype=np.float64),
    )


def path_probabilities(connection: sa.Connection, run_id: int) -> Iterator[tuple[int, list[float]]]:
    """(image id, probabilities from the top level down to the answer) of every prediction of a run, by image id."""
    query = (
        sa.select(prediction.c.image_id, prediction.c.path)
        .where(prediction.c.run_id == run_id)
        .order_by(prediction.c.image_id)
        .execution_options(yield_per=CHUNK)
    )
    for image_id, path in connection.execute(query):
        yield image_id, [float(probability) for _key, probability in path]


def count_among(connection: sa.Connection, run_id: int, image_ids: Sequence[int]) -> dict[str, int]:
    """node key -> how many of these images a run decodes to exactly this node."""
    counts: dict[str, int] = {}
    query = sa.select(prediction.c.node_key, sa.func.count()).group_by(prediction.c.node_key)
    for start in range(0, len(image_ids), CHUNK):
        wanted = prediction.c.image_id.in_(image_ids[start : start + CHUNK])
        for key, count in connection.execute(query.where((prediction.c.run_id == run_id) & wanted)):
            counts[key] = counts.get(key, 0) + count
    return counts


def count_at(connection: sa.Connection, run_id: int, keys: Collection[str]) -> int:
    """How many images a run decodes to exactly one of these nodes."""
    wanted = list(keys)
    query = sa.select(sa.func.count()).where(prediction.c.run_id == run_id)
    chunks = (wanted[start : start + CHUNK] for start in range(0, len(wanted), CHUNK))
    return sum(connection.execute(query.where(prediction.c.node_key.in_(chunk))).scalar_one() for chunk in chunks)
