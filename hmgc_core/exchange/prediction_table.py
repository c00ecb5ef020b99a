"""The table of predictions that leaves the studio: one CSV row per picture, with a pair of columns for each level."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import BinaryIO

from hmgc_core.cells import write_rows
from hmgc_core.records import Split

COLUMNS = (
    "run", "path", "key", "probability", "level", "name", "class_path", "split", "tree_version", "picture",
    "original_paths", "other_paths",
)  # fmt: skip


@dataclass(frozen=True)
class PredictionRow:
    """What a run says of one picture, at the cut. The fields are the columns of COLUMNS.

    original_paths, other_paths: as in `AnnotationRow`. steps: (key, probability) from the top level down to `key`; they
    become the columns `level1`, `level1_probability`, and so on.
    """

    run: int
    path: str
    key: str
    probability: float
    level: int
    name: str
    class_path: str
    split: Split
    tree_version: int
    picture: int
    original_paths: str
    other_paths: str
    steps: tuple[tuple[str, float], ...]


def write_predictions(file: BinaryIO, rows: Iterable[PredictionRow], *, levels: int) -> int:
    """Write the table with columns for so many levels; returns the number of rows."""
    per_level = [f"level{level}{what}" for level in range(1, levels + 1) for what in ("", "_probability")]
    return write_rows(file, (*COLUMNS, *per_level), (_cells(row, levels) for row in rows))


def _cells(row: PredictionRow, levels: int) -> list[object]:
    steps = [cell for step in row.steps for cell in step]
    return [getattr(row, column) for column in COLUMNS] + steps + [None] * (2 * levels - len(steps))
