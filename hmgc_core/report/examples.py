"""Pictures of a report: small copies that lie in the file itself."""

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from hmgc_core.errors import PictureError
from hmgc_core.pictures import read_picture
from hmgc_core.records import ImageRecord
from hmgc_core.taxonomy import IntArray, Taxonomy

MOST = 12
SIDE, QUALITY = 144, 80


@dataclass(frozen=True)
class Example:
    """One picture with its label and answer. thumbnail: a data URI, "" where there is a problem."""

    image_id: int
    name: str
    label: str
    answer: str
    probability: float
    thumbnail: str
    problem: str = ""


def examples_of(
    taxonomy: Taxonomy,
    rows: IntArray,
    targets: IntArray,
    predicted: IntArray,
    sure: NDArray[np.float64],
    images: Sequence[ImageRecord],
) -> list[Example]:
    """The first pictures at `rows`, one of a class before two of it: the surest mistakes are often all of one class."""
    return [
        _example(images[row], taxonomy.name(int(targets[row])), taxonomy.name(int(predicted[row])), float(sure[row]))
        for row in _mixed(rows.tolist(), targets)
    ]


def _mixed(rows: list[int], targets: IntArray) -> list[int]:
    met: dict[int, int] = {}
    turns = []
    for place, row in enumerate(rows):
        target = int(targets[row])
        turns.append((met.get(target, 0), place, row))
        met[target] = met.get(target, 0) + 1
    return [row for _, _, row in sorted(turns)[:MOST]]


def _example(image: ImageRecord, label: str, answer: str, probability: float) -> Example:
    thumbnail, problem = "", ""
    try:
        thumbnail = _data_uri(read_picture(image.path))
    except PictureError as error:
        problem = str(error)
    return Example(image.id, image.name, label, answer, probability, thumbnail, problem)


def _data_uri(picture: Image.Image) -> str:
    """The picture within SIDE x SIDE pixels as a JPEG in a data URI."""
    picture.thumbnail((SIDE, SIDE))
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=QUALITY)
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode()
