"""Look at an import before it happens: every file is read once, and nothing is written but what was unpacked."""

import shutil
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import sqlalchemy as sa

from hmgc_core.errors import BadRequest, PictureError, TableError
from hmgc_core.exchange.data_sets import Preparation
from hmgc_core.exchange.table import Columns
from hmgc_core.pictures import probe_picture
from hmgc_core.records import OnProgress, quiet
from hmgc_core.store import annotations, images, imports
from hmgc_core.store.workspace import Workspace
from hmgc_core.workflow.data_sets import open_data_set
from hmgc_core.workflow.import_steps import Decider, ImportReport, Known, ReadPicture, Skip, copy_place
from hmgc_core.workflow.picture_sources import PictureSource, Upload, open_source, open_uploads, stamp
from hmgc_core.workflow.taxonomies import newest_taxonomy

CHUNK = 500
IMPORTER = "import"


@dataclass
class ImportPlan:
    """An import that was looked at and not made. preview: what it would do, were it made now.

    An unpacked source is removed by `drop`, after `carry_out`, and when the plan is forgotten.
    """

    source: PictureSource
    pictures: list[ReadPicture]
    left_out: list[Skip]
    annotator: str
    copy: bool
    table_stamp: tuple[int, int]
    preview: ImportReport = field(default_factory=ImportReport)

    @property
    def bytes(self) -> int:
        """How much will be copied into the workspace."""
        return sum({p.sha256: p.stamp[0] for p in self.pictures}.values()) if self.copy else 0

    def drop(self) -> None:
        """Forget it: what was unpacked for it goes away."""
        self.source.drop()


def plan_import(
    ws: Workspace,
    source: Path,
    *,
    columns: Columns | None = None,
    annotator: str = IMPORTER,
    copy: bool = False,
    format: str = "",
    preparation: Preparation | None = None,
    on_progress: OnProgress = quiet,
) -> ImportPlan:
    """Read all that `import_images` would bring in, and say what it would do. Writes nothing to the database."""
    if format:
        wanted = preparation or Preparation()
        opened = open_data_set(ws, source, format=format, preparation=wanted, on_progress=on_progress)
    else:
        opened = open_source(ws, source, columns=columns, on_progress=on_progress)
    return _plan(ws, opened, annotator, copy=copy, on_progress=on_progress)


def plan_uploads(
    ws: Workspace,
    uploads: Sequence[Upload],
    *,
    columns: Columns | None = None,
    annotator: str = IMPORTER,
    on_progress: OnProgress = quiet,
) -> ImportPlan:
    """As `plan_import`, for pictures, zips and tables that were uploaded together."""
    opened = open_uploads(ws, uploads, columns=columns, on_progress=on_progress)
    return _plan(ws, opened, annotator, copy=True, on_progress=on_progress)


def _plan(ws: Workspace, source: PictureSource, annotator: str, *, copy: bool, on_progress: OnProgress) -> ImportPlan:
    copied = copy or source.files is not None
    left_out = [Skip(path, reason) for path, reason in source.left_out]
    plan = ImportPlan(source, [], left_out, annotator, copied, stamp(source.table) if source.table else (0, 0))
    try:
        for done, found in _read_all(source, copied=copied):
            for item in found:
                (plan.left_out if isinstance(item, Skip) else plan.pictures).append(item)  # type: ignore[arg-type]
            on_progress(done, len(source.rows))
        if source.taxonomy and not plan.pictures:
            raise _none_there(plan)
        plan.preview = preview(ws, plan)
        _check_room(ws, plan)
    except BaseException:
        plan.drop()
        raise
    return plan


def _none_there(plan: ImportPlan) -> TableError:
    first = next((skip for skip in plan.left_out), Skip("", "no row"))
    return TableError(
        f"none of the {len(plan.source.rows)} pictures in the lists of {plan.source.name} can be read "
        f"(such as {first.path}: {first.reason})",
        remedy="give the folder that holds the pictures too, as it was unpacked",
    )


def _read_all(source: PictureSource, *, copied: bool) -> Iterator[tuple[int, list[ReadPicture | Skip]]]:
    """(rows done, what came of them), some rows at a time; files are read several at once."""

    def read(place: int) -> ReadPicture | Skip:
        row = source.rows[place]
        found = source.locate(row)
        if isinstance(found, str):
            return Skip(row.path or f"line {row.line}", found)
        name, file = found
        before = stamp(file)
        try:
            width, height, sha256 = probe_picture(file)
        except PictureError as error:
            return Skip(row.path, str(error))
        inside = copy_place(sha256, name) if copied else name
        return ReadPicture(row, name, inside, file, sha256, width, height, before)

    with ThreadPoolExecutor(max_workers=4) as pool:
        for start in range(0, len(source.rows), CHUNK):
            some = range(start, min(start + CHUNK, len(source.rows)))
            yield some.stop, list(pool.map(read, some))


def preview(ws: Workspace, plan: ImportPlan) -> ImportReport:
    """What carrying out this plan would do now: the very decisions of the import, stored nowhere."""
    newest = newest_taxonomy(ws)
    tree = newest[1] if newest else plan.source.taxonomy
    report = ImportReport(skipped=list(plan.left_out))
    decider = Decider(report, tree, plan.annotator)
    there = Known()
    with ws.reading() as connection:
        folder = images.find_folder(connection, folder_of(ws, plan))
        for some in chunks(plan.pictures):
            there.add(known(connection, folder, some))
            decider.decide(there, some)
    return report


def _check_room(ws: Workspace, plan: ImportPlan) -> None:
    """Copies must fit on the disk; what was unpacked in the workspace moves and needs no more room."""
    if plan.copy and plan.source.files is None and plan.bytes > shutil.disk_usage(ws.folder).free:
        raise BadRequest(
            f"the copies need {plan.bytes / 1e9:.1f} GB and the disk has less than that free",
            remedy="free some disk space, or import without copying",
        )


def folder_of(ws: Workspace, plan: ImportPlan) -> Path:
    """The folder that the places of this import lie in."""
    return ws.copies if plan.copy else plan.source.base


def chunks(pictures: list[ReadPicture]) -> Iterator[list[ReadPicture]]:
    """Some pictures at a time: what one transaction stores."""
    for start in range(0, len(pictures), CHUNK):
        yield pictures[start : start + CHUNK]


def known(connection: sa.Connection, folder: int | None, pictures: list[ReadPicture]) -> Known:
    """What the workspace knows of these pictures."""
    there = images.by_sha256(connection, (picture.sha256 for picture in pictures))
    content = {image_id: sha256 for sha256, (image_id, _) in there.items()}
    found = {} if folder is None else images.known_paths(connection, folder, (p.place for p in pictures))
    said = {
        (word.annotator, content[word.image_id]): (word.kind, word.node)
        for word in annotations.words(connection, content)
    }
    given_up = imports.given_up(connection, list(content))
    return Known(
        splits={sha256: split for sha256, (_, split) in there.items()},
        places={path: sha256 for path, (_, sha256) in found.items()},
        said=said,
        given_up={(annotator, content[image_id], says) for annotator, image_id, says in given_up},
    )
