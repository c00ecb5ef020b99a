"""The table of annotations that leaves the studio: one CSV row per statement. `exchange.table` reads it back."""

from collections.abc import Iterable
from datetime import datetime
from typing import BinaryIO, Literal, NamedTuple

from hmgc_core.cells import write_rows
from hmgc_core.records import Kind, Split

State = Literal["current", "earlier", "withdrawn"]

BETWEEN_CLASSES = " > "
BETWEEN_PATHS = "|"


class AnnotationRow(NamedTuple):
    """One statement; the fields are the columns, in their order.

    path: the picture's first place, relative to the table where it lies below it. label: the class's key in the newest
    tree, at the cut. kind: what is said of it. state: `current` = its annotator's word, `earlier` = they said something
    else since, `withdrawn` = taken back. level: edges from the root. class_path: keys from the top level down. said_as:
    the key as it was said, in the tree `tree_version`. original_paths: of a copy the names that its
    files had, else where it lies. other_paths: further places of the same picture.
    """

    path: str
    label: str
    split: Split
    annotator: str
    kind: Kind
    state: State
    said_at: datetime
    level: int | None
    name: str
    class_path: str
    said_as: str
    tree_version: int
    seconds: float
    withdrawn_at: datetime | None
    picture: int
    original_paths: str
    other_paths: str
    uid: str


def write_annotations(file: BinaryIO, rows: Iterable[AnnotationRow]) -> int:
    """Write the table, moments as ISO 8601 in UTC; returns the number of rows."""
    return write_rows(file, AnnotationRow._fields, (_cells(row) for row in rows))


def _cells(row: AnnotationRow) -> AnnotationRow:
    withdrawn = row.withdrawn_at.isoformat() if row.withdrawn_at else None
    return row._replace(said_at=row.said_at.isoformat(), withdrawn_at=withdrawn)  # type: ignore[arg-type]
