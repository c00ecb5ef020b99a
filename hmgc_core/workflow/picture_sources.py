"""Where an import finds its pictures: a folder, a table, a zip, or files that were uploaded.

Pictures of a folder or a table are referred to where they lie. A zip and uploads have no lasting place: they are
unpacked into a folder of the workspace's cache, to be copied from there.
"""

import os
import posixpath
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import BinaryIO, NamedTuple

from hmgc_core.errors import ArchiveError, TableError
from hmgc_core.exchange.archive import ARCHIVES, TABLES, disk_error, is_archive, plain_name, unpack
from hmgc_core.exchange.table import Columns, TableRow, open_table
from hmgc_core.pictures import SUFFIXES
from hmgc_core.records import OnProgress
from hmgc_core.store.staging import Staging
from hmgc_core.store.workspace import Workspace
from hmgc_core.taxonomy import Taxonomy


class Upload(NamedTuple):
    """A file that somebody sent: its name (with its folders, if the browser told them) and its content."""

    name: str
    content: BinaryIO


@dataclass
class PictureSource:
    """Rows to import, and where their files lie.

    base: the folder that rows are relative to. files: name -> file of what was unpacked, None where rows are looked up
    in `base`. originals: name -> what people know that file by. left_out: (name, reason). remarks: what people should
    know. warnings: what they would hardly want. table: the table itself, if it is one. taxonomy: the class tree that
    comes along where there is none yet.
    """

    name: str
    how: str
    base: Path
    rows: list[TableRow] = field(default_factory=list)
    files: dict[str, Path] | None = None
    originals: dict[str, str] = field(default_factory=dict)
    left_out: list[tuple[str, str]] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    staging: Staging | None = None
    table: Path | None = None
    taxonomy: Taxonomy | None = None

    def warn(self, warning: str) -> None:
        """Note a warning, if it says anything."""
        if warning:
            self.warnings.append(warning)

    def drop(self) -> None:
        """Remove what was unpacked."""
        if self.staging:
            self.staging.drop()

    def original(self, name: str) -> str:
        """What people know a file by: its path, or the name it was sent under, with that of its zip before it."""
        return str(self.base / name) if self.files is None else self.originals[name]

    def locate(self, row: TableRow) -> tuple[str, Path] | str:
        """(name inside the source, file) of a row's picture, or the reason why there is none."""
        if not row.path:
            return f"line {row.line}: the path is blank"
        if self.files is not None:
            inner = posixpath.normpath(plain_name(row.path))
            if inner.startswith(("../", "/")):
                return "the path leaves its folder"
            file = self.files.get(inner)
            return (inner, file) if file else "the file is missing"
        file = self.base / row.path
        inside = Path(os.path.normpath(file))
        if not inside.is_relative_to(self.base) or not file.resolve().is_relative_to(self.base):
            return "the path leaves its folder"
        return inside.relative_to(self.base).as_posix(), file


def open_source(ws: Workspace, path: Path, *, columns: Columns | None, on_progress: OnProgress) -> PictureSource:
    """What lies at a path: a folder, a zip, or a table. Raises TableError, ArchiveError or WorkspaceError."""
    kind = _kind_of(path)
    if kind == "folder":
        base = path.resolve()
        source = PictureSource(str(path), "folder", base, list(_rows_of_folder(base)))
    elif not kind:
        raise TableError(f"there is no file or folder {str(path)[:300]}", remedy="check the path")
    elif path.suffix.lower() in SUFFIXES:
        raise TableError(
            f"the file {path.name} is a single picture", remedy=f"give the folder it lies in: {path.parent}"
        )
    elif path.suffix.lower() in ARCHIVES - {".zip"}:
        raise ArchiveError(
            f"{path.name} is an archive of a kind that is not opened", remedy="unpack it, or make it a zip"
        )
    elif is_archive(path):
        source = _unpacked(ws, path, columns, on_progress)
    else:
        rows, warning = open_table(path, columns)
        source = PictureSource(str(path), "table", path.resolve().parent, list(rows), table=path.resolve())
        source.warn(warning)
    if not source.rows and not source.left_out:
        source.drop()
        raise TableError(f"{path} holds no picture", remedy=f"pictures end in {', '.join(sorted(SUFFIXES))}")
    return source


def _kind_of(path: Path) -> str:
    try:
        return "folder" if path.is_dir() else "file" if path.exists() else ""
    except OSError:  # no path at all: far too long
        return ""


def _rows_of_folder(base: Path) -> Iterator[TableRow]:
    for folder, inner, files in os.walk(base):
        inner.sort()
        for name in sorted(files):
            if Path(name).suffix.lower() in SUFFIXES and not name.startswith("."):
                yield TableRow(0, (Path(folder) / name).relative_to(base).as_posix())


def _unpacked(ws: Workspace, archive: Path, columns: Columns | None, on_progress: OnProgress) -> PictureSource:
    staging = Staging(ws.staging)
    source = PictureSource(archive.name, "zip", staging.folder, files={}, staging=staging)
    try:
        _add_archive(source, archive, archive.name, on_progress)
        _read_rows(source, columns)
    except BaseException:
        staging.drop()
        raise
    return source


def open_uploads(
    ws: Workspace, uploads: Sequence[Upload], *, columns: Columns | None, on_progress: OnProgress
) -> PictureSource:
    """Pictures, tables and zips that were uploaded together; tables speak of all of them. Raises as `open_source`."""
    staging = Staging(ws.staging)
    name = uploads[0].name if len(uploads) == 1 else f"{len(uploads)} files"
    source = PictureSource(name, "files", staging.folder, files={}, staging=staging)
    try:
        for place, upload in enumerate(uploads):
            _add_upload(source, upload, place, on_progress)
        _read_rows(source, columns)
    except BaseException:
        staging.drop()
        raise
    if not source.rows and not source.left_out:
        staging.drop()
        raise TableError(
            "there is no picture among these files", remedy=f"pictures end in {', '.join(sorted(SUFFIXES))}"
        )
    return source


def _add_upload(source: PictureSource, upload: Upload, place: int, on_progress: OnProgress) -> None:
    ending = PurePosixPath(upload.name).suffix.lower()
    target = source.base / "uploads" / str(place) / f"upload{ending if ending in SUFFIXES | TABLES else ''}"
    try:
        target.parent.mkdir(parents=True)
        with target.open("wb") as file:
            shutil.copyfileobj(upload.content, file)
    except OSError as error:
        raise disk_error(error) from error
    if ending == ".zip" or is_archive(target):
        _add_archive(source, target, upload.name, on_progress)
        target.unlink()
    elif ending in SUFFIXES | TABLES:
        _add_file(source, upload.name, upload.name, target)
    else:
        target.unlink()
        source.remarks.append(f"{upload.name} is neither a picture nor a table (CSV) nor a zip, and not looked at")


def _add_archive(source: PictureSource, archive: Path, name: str, on_progress: OnProgress) -> None:
    into = source.base / f"archive-{len(list(source.base.iterdir()))}"
    unpacked = unpack(archive, into, name=name, on_progress=on_progress)
    for inner, file in unpacked.files.items():
        _add_file(source, inner, f"{name}/{inner}", file)
    source.left_out += unpacked.left_out
    if unpacked.others:
        count = f"{unpacked.others} files are" if unpacked.others > 1 else "1 file is"
        source.remarks.append(f"{count} neither a picture nor a table and not looked at")


def _add_file(source: PictureSource, name: str, full_name: str, file: Path) -> None:
    """Note a file under its name; under its full one where another archive of the same upload has that name already."""
    files = source.files if source.files is not None else {}
    name = plain_name(name)
    if name in files:
        name = plain_name(full_name)
    if name in files:
        source.left_out.append((name, "two files have this name; the first stays"))
    else:
        files[name] = file
        source.originals[name] = plain_name(full_name)


def _read_rows(source: PictureSource, columns: Columns | None) -> None:
    """The rows of the one table among the unpacked files, and a row for each picture it does not name."""
    files = source.files or {}
    tables: dict[str, list[TableRow]] = {}
    for name, file in files.items():
        if PurePosixPath(name).suffix.lower() in TABLES:
            try:
                rows, warning = open_table(file, columns, name=name)
                tables[name] = list(rows)
                source.warn(warning)
            except TableError as error:
                source.left_out.append((name, f"{error}; {error.remedy}" if error.remedy else str(error)))
    if len(tables) > 1:
        raise TableError(
            f"there are {len(tables)} tables of pictures: {', '.join(sorted(tables)[:5])}",
            remedy="leave one of them in, so that it is clear which labels count",
        )
    for name, listed in tables.items():
        folder = posixpath.dirname(name)
        source.rows += [
            replace(row, path=posixpath.normpath(plain_name(posixpath.join(folder, row.path))))
            for row in listed
            if row.path
        ]
        source.left_out += [(f"line {row.line}", "the path is blank") for row in listed if not row.path]
    named = {row.path for row in source.rows}
    pictures = [name for name in files if PurePosixPath(name).suffix.lower() in SUFFIXES]
    rest = [name for name in pictures if name not in named]
    source.rows += [TableRow(0, name) for name in rest]
    if tables and rest:
        count = f"{len(rest)} pictures are" if len(rest) > 1 else "1 picture is"
        comes = "they come" if len(rest) > 1 else "it comes"
        source.remarks.append(f"{count} not in the table {next(iter(tables))}; {comes} without a label")


def stamp(path: Path) -> tuple[int, int]:
    """Size and time of the last change of a file: another stamp means another content."""
    try:
        facts = path.stat()
    except OSError:
        return -1, -1
    return facts.st_size, facts.st_mtime_ns
