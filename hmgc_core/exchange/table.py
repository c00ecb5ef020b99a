"""The label table: one CSV row per picture, `path,label[,split][,annotator][,kind]`. Reads rows; knows no workspace."""

import csv
import io
import re
from collections.abc import Iterable, Iterator
from dataclasses import astuple, dataclass
from pathlib import Path, PurePath
from typing import Any

from hmgc_core.cells import delimiter_of, unguarded, write_rows
from hmgc_core.errors import TableError

SPLIT_WORDS = {
    "train": "train",
    "val": "val",
    "valid": "val",
    "validation": "val",
    "dev": "val",
    "test": "test",
    "": "",
}


@dataclass(frozen=True)
class Columns:
    """Names of the columns to read, in large or small letters; all but the path may be missing in the file.

    state: in a table that was exported, `earlier` and `withdrawn` mark what is no longer said; it does not come in.
    """

    path: str = "path"
    label: str = "label"
    split: str = "split"
    annotator: str = "annotator"
    kind: str = "kind"
    state: str = "state"


_HEADING = re.compile(r"[\w.-]{1,40}( [\w.-]{1,40}){0,3}")
NO_LONGER_SAID = ("earlier", "withdrawn")


@dataclass(frozen=True)
class TableRow:
    """One row: line in the file; path as written; the rest as written, "" where the row has none. kind "" is `is`."""

    line: int
    path: str
    label: str = ""
    split: str = ""
    annotator: str = ""
    kind: str = ""


def read_table(path: Path, columns: Columns | None = None, *, name: str = "") -> Iterator[TableRow]:
    """The rows of a label table. name: as people know the file. Raises TableError with file, line and remedy."""
    return open_table(path, columns, name=name)[0]


def open_table(path: Path, columns: Columns | None = None, *, name: str = "") -> tuple[Iterator[TableRow], str]:
    """(the rows as `read_table` gives them, a warning): "", or that no column of labels is there, but others are."""
    columns = columns or Columns()
    shown = name or str(path)
    reader = _open(path, columns, shown)
    return _table_rows(reader, columns, shown), _without_labels(list(reader.fieldnames or ()), columns)


def _table_rows(reader: "csv.DictReader[str]", columns: Columns, shown: str) -> Iterator[TableRow]:
    for row in _rows(reader, shown):
        cell = {name: unguarded((value or "").strip()) for name, value in row.items() if isinstance(name, str)}
        if not any(cell.values()):
            continue
        stands = cell.get(columns.state, "") not in NO_LONGER_SAID
        yield TableRow(
            line=reader.line_num,
            path=cell.get(columns.path, ""),
            label=cell.get(columns.label, "") if stands else "",
            split=cell.get(columns.split, "").lower(),
            annotator=cell.get(columns.annotator, ""),
            kind=cell.get(columns.kind, "") if stands else "",
        )


def _without_labels(header: list[str], columns: Columns) -> str:
    others = [column for column in header if column and column not in astuple(columns)]
    if columns.label in header or not others:
        return ""
    which = f"one of {_some(others)}" if len(others) > 1 else repr(others[0])
    return (
        f"the table has no column {columns.label!r}, so its pictures come in without labels; if {which} holds the "
        f"classes, say so {_where('label')}"
    )


def _open(path: Path, columns: Columns, shown: str) -> "csv.DictReader[str]":
    """The table with its header read, under the names in `columns` but for large and small letters."""
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise TableError(f"cannot read {shown}: {error.strerror}", remedy="check the path") from error
    except UnicodeDecodeError as error:
        raise TableError(f"{shown} is not UTF-8 text", remedy="save the table as UTF-8") from error
    delimiter = "\t" if path.suffix.lower() in (".tsv", ".tab") else delimiter_of(text)
    reader = csv.DictReader(io.StringIO(text.replace("\0", ""), newline=""), delimiter=delimiter)
    header = [name.strip() for name in reader.fieldnames or ()]
    asked = {name.lower(): name for name in astuple(columns) if name not in header}
    reader.fieldnames = [asked.pop(name.lower(), name) for name in header]
    _check_header(shown, list(reader.fieldnames), columns)
    return reader


def _rows(reader: "csv.DictReader[str]", shown: str) -> Iterator[dict[str | Any, str | Any]]:
    try:
        yield from reader
    except csv.Error as error:
        raise TableError(
            f"{shown}, line {reader.line_num}: not readable as CSV: {error}", remedy="check the quotes on this line"
        ) from error


def _check_header(shown: str, header: list[str], columns: Columns) -> None:
    if not header:
        raise TableError(f"{shown} is empty", remedy="write a header `path,label` and one row per picture")
    wanted = [("path", columns.path)]
    if columns.label != Columns.label:
        wanted.append(("label", columns.label))
    for meaning, name in wanted:
        if name not in header:
            if not _is_heading(header):
                raise TableError(
                    f"{PurePath(shown).name} is no table of labels: line 1 names no column {name!r}",
                    remedy="write a header `path,label` and one row per picture",
                )
            raise TableError(
                f"the table {PurePath(shown).name} has, in line 1, no column {name!r}; there are {_some(header)}",
                remedy=f"say which column holds the {meaning}: {_where(meaning)}",
            )


def _some(header: list[str]) -> str:
    return ", ".join(map(repr, header[:8])) + (", …" if len(header) > 8 else "")


def _where(meaning: str) -> str:
    return f"under “Table columns, labels and copies”, or with --{meaning}-column"


def _is_heading(header: list[str]) -> bool:
    """Two columns or more, each of a few plain words; any other file of this machine is not shown to who names it."""
    return len(header) > 1 and all(_HEADING.fullmatch(name) for name in header)


def write_table(path: Path, rows: Iterable[TableRow]) -> None:
    """Write rows as a label table with path, label, split and annotator."""
    with path.open("wb") as file:
        header = ("path", "label", "split", "annotator")
        write_rows(file, header, ((row.path, row.label, row.split, row.annotator) for row in rows))
