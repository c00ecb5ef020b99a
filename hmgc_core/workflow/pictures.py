"""Verbs that bring pictures into a workspace, with or without labels. A bad picture is a counted skip, never a stop."""

import hashlib
import os
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import sqlalchemy as sa

from hmgc_core.errors import PictureError, TableError, UnknownImage, WorkspaceError, nearest_names
from hmgc_core.exchange.table import SPLIT_WORDS, Columns, TableRow, read_table
from hmgc_core.pictures import SUFFIXES, probe_picture
from hmgc_core.records import KINDS, ImageRecord, Kind, NewAnnotation, Split
from hmgc_core.splits import split_of
from hmgc_core.store import annotations, images
from hmgc_core.store.images import FoundPicture
from hmgc_core.store.workspace import Workspace
from hmgc_core.taxonomy import Taxonomy
from hmgc_core.workflow.taxonomies import newest_taxonomy

CHUNK = 500
IMPORTER = "import"


@dataclass(frozen=True)
class Skip:
    """One file or label that was left out, and why."""

    path: str
    reason: str


@dataclass
class ImportReport:
    """What an import did. images: new ones; duplicates: further places of a known content; known: paths seen before."""

    images: int = 0
    duplicates: int = 0
    known: int = 0
    annotations: int = 0
    skipped: list[Skip] = field(default_factory=list)

    def skip(self, path: str, reason: str) -> None:
        """Count one thing that was left out."""
        self.skipped.append(Skip(path, reason))


def import_images(
    ws: Workspace,
    source: Path,
    *,
    columns: Columns | None = None,
    annotator: str = IMPORTER,
    copy: bool = False,
    on_progress: Callable[[int, int], None] = lambda _done, _total: None,
) -> ImportReport:
    """Bring in a folder of pictures, or the pictures and labels of a table (paths relative to the table).

    copy: copy the files into the workspace instead of referring to them. Importing again is harmless. Raises
    TableError when the source cannot be read at all.
    """
    if source.is_dir():
        base, rows = source.resolve(), list(_rows_of_folder(source.resolve()))
    elif source.suffix.lower() in SUFFIXES and source.exists():
        raise TableError(
            f"the file {source.name} is a single picture", remedy=f"give the folder it lies in: {source.parent}"
        )
    elif source.exists():
        base, rows = source.resolve().parent, list(read_table(source, columns))
    else:
        raise TableError(f"there is no file or folder {source}", remedy="check the path")
    if not rows:
        raise TableError(f"{source} holds no picture", remedy=f"pictures end in {', '.join(sorted(SUFFIXES))}")
    report = ImportReport()
    for start in range(0, len(rows), CHUNK):
        _import_chunk(ws, base, rows[start : start + CHUNK], annotator, report, copy=copy)
        on_progress(min(start + CHUNK, len(rows)), len(rows))
    return report


def _rows_of_folder(base: Path) -> Iterator[TableRow]:
    for folder, inner, files in os.walk(base):
        inner.sort()
        for name in sorted(files):
            if Path(name).suffix.lower() in SUFFIXES and not name.startswith("."):
                yield TableRow(0, (Path(folder) / name).relative_to(base).as_posix())


@dataclass(frozen=True)
class _Read:
    """A row whose picture could be read."""

    row: TableRow
    path: str  # inside the folder that holds it
    file: Path
    sha256: str
    width: int
    height: int


def _import_chunk(
    ws: Workspace, base: Path, rows: list[TableRow], annotator: str, report: ImportReport, *, copy: bool
) -> None:
    read = _read_pictures(base, rows, report)
    if copy:
        read = [_copied(ws, item) for item in read]
        base = ws.copies
    tree = newest_taxonomy(ws)
    with ws.writing() as connection:
        number = images.folder_id(connection, base)
        ids = _store_pictures(connection, number, read, report)
        if tree is not None:
            _store_labels(connection, tree, read, ids, annotator, report)
        else:
            for item in read:
                if item.row.label:
                    report.skip(item.row.path, "its label was left out: import the class tree first")


def _read_pictures(base: Path, rows: list[TableRow], report: ImportReport) -> list[_Read]:
    """Probe every file, several at a time; what cannot be read becomes a skip."""

    def probe(row: TableRow) -> _Read | str:
        if not row.path:
            return f"line {row.line}: the path is blank"
        file = base / row.path
        inner = Path(os.path.normpath(file))
        if not inner.is_relative_to(base) or not file.resolve().is_relative_to(base):
            return "the path leaves its folder"
        try:
            width, height, sha256 = probe_picture(file)
        except PictureError as error:
            return str(error)
        return _Read(row, inner.relative_to(base).as_posix(), file, sha256, width, height)

    with ThreadPoolExecutor(max_workers=4) as pool:
        results = list(pool.map(probe, rows))
    for row, result in zip(rows, results, strict=True):
        if isinstance(result, str):
            report.skip(row.path or f"line {row.line}", result)
    return [result for result in results if isinstance(result, _Read)]


def _copied(ws: Workspace, item: _Read) -> _Read:
    """The same picture, copied into the workspace under its content hash."""
    path = f"{item.sha256[:2]}/{item.sha256}{item.file.suffix.lower()}"
    target = ws.copies / path
    if not target.exists():
        draft = target.with_suffix(".tmp")
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(item.file, draft)
            draft.replace(target)
        except OSError as error:
            raise WorkspaceError(
                f"cannot copy {item.file.name}: {error.strerror}", remedy="free some disk space"
            ) from error
    return _Read(item.row, path, target, item.sha256, item.width, item.height)


def _store_pictures(
    connection: sa.Connection, folder_id: int, read: list[_Read], report: ImportReport
) -> dict[str, int]:
    """Store what is new; returns sha256 -> image id."""
    seen_paths = images.known_paths(connection, folder_id, (item.path for item in read))
    known = images.by_sha256(connection, (item.sha256 for item in read))
    fresh: dict[str, FoundPicture] = {}
    for item in read:
        split = _split_of(item, report)
        first = fresh[item.sha256].split if item.sha256 in fresh else known.get(item.sha256, (0, None))[1]
        if first is None:
            chosen: Split = split or split_of(item.sha256)
            fresh[item.sha256] = FoundPicture(item.path, item.sha256, item.width, item.height, chosen)
            report.images += 1
            continue
        if seen_paths.get(item.path, (0, ""))[1] == item.sha256:
            report.known += 1
        else:
            report.duplicates += 1
        if split and split != first:
            report.skip(item.row.path, f"its content is already in the {first} split; the split {split} was left out")
    if fresh:
        images.add(connection, list(fresh.values()))
        known = images.by_sha256(connection, (item.sha256 for item in read))
    ids = {sha256: image_id for sha256, (image_id, _) in known.items()}
    images.add_paths(connection, folder_id, {item.path: ids[item.sha256] for item in read})
    return ids


def _split_of(item: _Read, report: ImportReport) -> Split | None:
    split = SPLIT_WORDS.get(item.row.split)
    if split is None:
        report.skip(item.row.path, f"the split {item.row.split!r} is not train, val or test; it was left out")
    return split or None  # type: ignore[return-value]


def _store_labels(
    connection: sa.Connection,
    tree: tuple[int, Taxonomy],
    read: list[_Read],
    ids: dict[str, int],
    default_annotator: str,
    report: ImportReport,
) -> None:
    version, taxonomy = tree
    said: dict[tuple[str, int], tuple[Kind, str]] = {
        (word.annotator, word.image_id): (word.kind, word.node)
        for word in annotations.words(connection, set(ids.values()))
    }
    fresh: dict[str, list[NewAnnotation]] = {}
    nearest: dict[str, str] = {}
    for item in read:
        kind, label, annotator = item.row.kind or "is", item.row.label, item.row.annotator or default_annotator
        if not label and kind != "unusable":
            continue
        problem = _problem_of(kind, label, taxonomy, nearest)
        if problem:
            report.skip(item.row.path, problem)
            continue
        statement = (cast(Kind, kind), "" if kind == "unusable" else label)
        image_id = ids[item.sha256]
        first = said.get((annotator, image_id))
        if first and first != statement:
            words, more = _in_words(*first), _in_words(*statement)
            report.skip(item.row.path, f"{annotator} already called this picture {words}; {more} was left out")
        elif not first:
            said[annotator, image_id] = statement
            uid = _uid_of(annotator, item.sha256, *statement)
            fresh.setdefault(annotator, []).append(NewAnnotation(uid, image_id, statement[1], statement[0], version))
    for annotator, statements in fresh.items():
        by = annotations.annotator_id(connection, annotator)
        report.annotations += annotations.add(connection, statements, by=by)


def _problem_of(kind: str, label: str, taxonomy: Taxonomy, nearest: dict[str, str]) -> str:
    """Why this label cannot come in, "" where it can. nearest: class -> its nearest keys, kept for the next row."""
    if kind not in KINDS:
        return f"the kind {kind!r} is none of {', '.join(KINDS)}; its label was left out"
    if kind == "is_not" and label == taxonomy.keys[0]:
        return f"no picture is outside {label!r}, which is the whole tree; its label was left out"
    if kind == "unusable" or label in taxonomy:
        return ""
    if label not in nearest:
        nearest[label] = ", ".join(map(repr, nearest_names(label, taxonomy.keys))) if len(nearest) < 100 else ""
    return f"unknown class {label!r}, its label was left out; nearest: {nearest[label] or '–'}"


def _in_words(kind: str, label: str) -> str:
    return repr(label) if kind == "is" else f"{kind} {label!r}" if label else kind


def _uid_of(annotator: str, sha256: str, kind: str, label: str) -> str:
    """The same for the same statement, so that importing it again is harmless."""
    said = (annotator, sha256, label) if kind == "is" else (annotator, sha256, label, kind)
    return "import-" + hashlib.sha256("\0".join(said).encode()).hexdigest()[:40]


# --- one image --------------------------------------------------------------------------------------------------------


def image(ws: Workspace, image_id: int) -> ImageRecord:
    """One image. Raises UnknownImage."""
    with ws.reading() as connection:
        found = images.get(connection, image_id)
    if found is None:
        raise UnknownImage(f"there is no image {image_id}", remedy="see the predictions page for the images there are")
    return found


def find_image(ws: Workspace, name: str) -> ImageRecord:
    """The image with this number or file path. Raises UnknownImage."""
    with ws.reading() as connection:
        by_path = images.find_by_path(connection, Path(name).expanduser().resolve())
        found = by_path or (images.get(connection, int(name)) if name.isdecimal() and len(name) < 12 else None)
    if found is None:
        raise UnknownImage(f"no image {name!r} in this workspace", remedy="give a path or a number that was imported")
    return found


@dataclass(frozen=True)
class PictureFolder:
    """A folder that pictures were imported from. files: places in it; there: it still exists."""

    path: Path
    files: int
    there: bool


def folders(ws: Workspace) -> list[PictureFolder]:
    """The folders that hold the pictures of this workspace."""
    with ws.reading() as connection:
        counts = images.path_counts(connection)
        files = {path: counts.get(number, 0) for number, path in images.folders(connection).items()}
    return [PictureFolder(path, count, path.is_dir()) for path, count in files.items()]


def point_folder(ws: Workspace, old: Path, new: Path) -> None:
    """Tell the workspace where a moved folder of pictures lies now."""
    new = new.expanduser().resolve()
    if not new.is_dir():
        raise WorkspaceError(f"{new} is not a folder", remedy="give the folder that holds the pictures now")
    with ws.writing() as connection:
        if not images.move_folder(connection, old, new):
            raise WorkspaceError(f"no pictures were imported from {old}", remedy="hmgc doctor lists the folders")
