"""Verbs on pictures that are there: find one, tell where they lie, say where a moved folder lies now."""

from dataclasses import dataclass
from pathlib import Path

from hmgc_core.errors import UnknownImage, WorkspaceError
from hmgc_core.given_paths import given_path
from hmgc_core.records import ImageRecord
from hmgc_core.store import images, imports
from hmgc_core.store.workspace import Workspace
from hmgc_core.workflow.import_plan import IMPORTER
from hmgc_core.workflow.import_steps import ImportReport
from hmgc_core.workflow.imports import import_images

__all__ = [
    "IMPORTER",
    "ImportReport",
    "PictureFolder",
    "find_image",
    "folders",
    "image",
    "import_images",
    "places_stamp",
    "point_folder",
]


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
        by_path = images.find_by_path(connection, given_path(name).resolve())
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
    """The folders that hold pictures of this workspace."""
    with ws.reading() as connection:
        counts = images.path_counts(connection)
        files = {path: counts.get(number, 0) for number, path in images.folders(connection).items()}
    return [PictureFolder(path, count, path.is_dir()) for path, count in files.items() if count]


def places_stamp(ws: Workspace) -> tuple[object, ...]:
    """What changes whenever a picture gets or loses a place, or a folder is said to lie elsewhere; for caches."""
    with ws.reading() as connection:
        there = sum(images.tallies(connection).values())
        return (
            there,
            imports.rows_done(connection),
            imports.undone_count(connection),
            *images.folders(connection).values(),
        )


def point_folder(ws: Workspace, old: Path, new: Path) -> None:
    """Tell the workspace where a moved folder of pictures lies now."""
    new = given_path(new).resolve()
    if not new.is_dir():
        raise WorkspaceError(f"{new} is not a folder", remedy="give the folder that holds the pictures now")
    with ws.writing() as connection:
        if not images.move_folder(connection, old, new):
            raise WorkspaceError(f"no pictures were imported from {old}", remedy="hmgc doctor lists the folders")
