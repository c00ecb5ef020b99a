"""Verbs that bring pictures in: at once, or as was planned and looked at. A bad picture is a skip, never a stop.

Carrying out a plan reads only those files again that changed since. An import that meets an error is taken back as a
whole; one that was killed stays as far as it came, and its row says how far that is.
"""

import os
import shutil
import threading
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import sqlalchemy as sa

from hmgc_core.errors import BadRequest, HmgcError, PictureError, TableError
from hmgc_core.exchange.archive import disk_error
from hmgc_core.exchange.data_sets import Preparation
from hmgc_core.exchange.table import Columns
from hmgc_core.pictures import probe_picture
from hmgc_core.records import NewAnnotation, OnProgress, quiet
from hmgc_core.store import annotations, images, imports, places
from hmgc_core.store.workspace import Workspace
from hmgc_core.taxonomy import Taxonomy
from hmgc_core.workflow.import_history import remove_unused, take_back
from hmgc_core.workflow.import_plan import (
    IMPORTER,
    ImportPlan,
    chunks,
    folder_of,
    known,
    plan_import,
)
from hmgc_core.workflow.import_steps import Decider, ImportReport, ReadPicture, Step, copy_place, label_uid
from hmgc_core.workflow.picture_sources import stamp
from hmgc_core.workflow.taxonomies import newest_taxonomy, store_taxonomy
from hmgc_core.workflow.turns import Turns


def import_images(
    ws: Workspace,
    source: Path,
    *,
    columns: Columns | None = None,
    annotator: str = IMPORTER,
    copy: bool = False,
    format: str = "",
    preparation: Preparation | None = None,
    started_by: str = "",
    on_progress: OnProgress = quiet,
) -> ImportReport:
    """Bring in a folder of pictures, a zip, or the pictures and labels of a table (paths relative to the table).

    copy: copy the files into the workspace instead of referring to them; those of a zip always are. format: the folder
    is that published data set. Importing again is harmless. Raises TableError or ArchiveError when the source cannot
    be read at all.
    """
    plan = plan_import(
        ws, source, columns=columns, annotator=annotator, copy=copy, format=format, preparation=preparation,
        on_progress=on_progress,
    )  # fmt: skip
    return carry_out(ws, plan, started_by=started_by, on_progress=on_progress)


def carry_out(
    ws: Workspace, plan: ImportPlan, *, started_by: str = "", on_progress: OnProgress = quiet
) -> ImportReport:
    """Make the import that was planned. A file that changed since is read anew, and counted as changed.

    Where the workspace has no class tree and the source brings one, that is taken into use first, and stays. At an
    error all else that was stored by then is taken back. Raises TableError where the table itself changed.
    """
    if plan.source.table and stamp(plan.source.table) != plan.table_stamp:
        plan.drop()
        raise TableError(f"the table {plan.source.name} has changed since the preview", remedy="look at it again")
    if plan.source.taxonomy and newest_taxonomy(ws) is None:
        store_taxonomy(ws, plan.source.taxonomy, source=f"{plan.source.how}: {Path(plan.source.name).name}")
    with ws.writing() as connection:
        number = imports.begin(
            connection, source=plan.source.name, how=plan.source.how, started_by=started_by, copied=plan.copy,
            total=len(plan.pictures),
        )  # fmt: skip
    try:
        report = _store_all(ws, plan, number, on_progress)
        with ws.writing() as connection:
            imports.finish(connection, number, skipped=[(skip.path, skip.reason) for skip in report.skipped])
        return report
    except BaseException:
        with suppress(HmgcError):  # the first error is the one to tell; it may be that somebody took it back
            take_back(ws, number)
        with suppress(HmgcError):
            if plan.copy:
                remove_unused(ws, [picture.place for picture in plan.pictures])
        raise
    finally:
        plan.drop()


def _store_all(ws: Workspace, plan: ImportPlan, number: int, on_progress: OnProgress) -> ImportReport:
    report = ImportReport(skipped=list(plan.left_out), number=number)
    tree = newest_taxonomy(ws)
    decider = Decider(report, tree[1] if tree else None, plan.annotator, plan.preview.unknown)
    done, turns = 0, Turns(ws)
    for some in chunks(plan.pictures):
        fresh = [item for picture in some if (item := _as_it_is_now(picture, plan, report))]
        if plan.copy:
            _copy(ws, fresh, link=plan.source.files is not None)
        done += len(some)
        with turns.writing() as connection:
            folder = images.folder_id(connection, folder_of(ws, plan))
            step = decider.decide(known(connection, folder, fresh), fresh)
            _store(connection, step, number, folder, tree, plan)
            counts = {name: getattr(report, name) for name in ("images", "duplicates", "known", "annotations")}
            if not imports.advance(connection, number, done=done, skips=len(report.skipped), **counts):
                raise BadRequest("this import was taken back while it ran", remedy="import again if it was a mistake")
            if plan.copy:  # once more: the undo of another import may have removed what was there before this one
                _copy(ws, fresh, link=plan.source.files is not None)
        on_progress(done, len(plan.pictures))
    return report


def _as_it_is_now(picture: ReadPicture, plan: ImportPlan, report: ImportReport) -> ReadPicture | None:
    """The picture as planned, read anew if its file has changed; None, and a skip, where it cannot be read any more."""
    present = stamp(picture.file)
    if present == picture.stamp:
        return picture
    report.changed += 1
    try:
        width, height, sha256 = probe_picture(picture.file)
    except PictureError as error:
        report.skip(picture.row.path, f"it has changed since the preview: {error}")
        return None
    place = copy_place(sha256, picture.name) if plan.copy else picture.place
    return replace(picture, sha256=sha256, width=width, height=height, place=place, stamp=present)


def _copy(ws: Workspace, pictures: list[ReadPicture], *, link: bool) -> None:
    """See to it that these lie in the workspace under their content hash: copied, or linked from the unpacked ones."""
    for picture in pictures:
        target = ws.copies / picture.place
        if target.exists():
            continue
        draft = target.with_suffix(f".{os.getpid()}.{threading.get_ident()}.tmp")  # another import may write it too
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            if not (link and _linked(picture.file, draft)):
                shutil.copyfile(picture.file, draft)
            draft.replace(target)
        except OSError as error:
            draft.unlink(missing_ok=True)
            raise disk_error(error) from error


def _linked(file: Path, draft: Path) -> bool:
    """Give a file a second name. False where the file system has no such thing, or the other place is on another."""
    try:
        draft.hardlink_to(file)
    except OSError:
        return False
    return True


def _store(
    connection: sa.Connection,
    step: Step,
    number: int,
    folder: int,
    tree: tuple[int, Taxonomy] | None,
    plan: ImportPlan,
) -> None:
    if step.fresh:
        images.add(connection, list(step.fresh.values()), import_id=number)
    ids = {sha256: image_id for sha256, (image_id, _) in images.by_sha256(connection, step.places.values()).items()}
    where = {place: ids[sha256] for place, sha256 in step.places.items()}
    places.add(connection, folder, where, import_id=number)
    if plan.copy:
        originals = {place: [plan.source.original(name) for name in names] for place, names in step.names.items()}
        places.note_originals(connection, folder, originals)
    for annotator, labels in step.labels.items():
        by = annotations.annotator_id(connection, annotator)
        version = tree[0] if tree else 0
        statements = [
            NewAnnotation(
                label_uid(number, annotator, sha256, says), ids[sha256], says[1], says[0], version,
                shown={"import": number},
            )
            for sha256, says in labels
        ]  # fmt: skip
        annotations.add(connection, statements, by=by)
