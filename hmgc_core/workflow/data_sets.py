"""Published data sets as sources of an import: read by their format, fitted to the tree at hand, told what is odd."""

import posixpath
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image

from hmgc_core.exchange.archive import disk_error, plain_name
from hmgc_core.exchange.data_sets import DataSet, Preparation, read_data_set
from hmgc_core.exchange.data_sets.classes import keys_in, level_remarks
from hmgc_core.exchange.data_sets.reading import hold_out, some_of
from hmgc_core.exchange.table import TableRow
from hmgc_core.records import OnProgress
from hmgc_core.store.staging import Staging
from hmgc_core.store.workspace import Workspace
from hmgc_core.taxonomy import Taxonomy
from hmgc_core.workflow.picture_sources import PictureSource
from hmgc_core.workflow.taxonomies import newest_taxonomy
from hmgc_core.workflow.tree_imports import tree_change

PER_FOLDER = 1000


def open_data_set(
    ws: Workspace, folder: Path, *, format: str, preparation: Preparation, on_progress: OnProgress
) -> PictureSource:
    """The pictures of a data set with labels and splits. Its tree comes along for a workspace that has none.

    Pictures without a file of their own are written as PNGs into the workspace's cache, to be copied from there.
    Raises TableError or TaxonomyError where the data set is not what it should be.
    """
    found = read_data_set(folder, format, preparation)
    found.rows, held_out = hold_out(found.rows, preparation.held_out)
    if held_out:
        found.remarks.append(
            f"the set has no validation pictures: {held_out} of its training pictures, of each class the same share, "
            "became that"
        )
    found.remarks += _lacking(found)
    found.rows, remarks = _fitted(ws, found)
    source = PictureSource(
        str(folder), format, found.base, found.rows, left_out=found.left_out, remarks=[*found.remarks, *remarks],
        taxonomy=found.taxonomy,
    )  # fmt: skip
    if found.pixels is not None:
        _draw(ws, source, found, on_progress)
    return source


def _lacking(found: DataSet) -> Iterator[str]:
    """Splits in which classes at the finest level have no picture. A split that nobody named is decided by content."""
    tree = found.taxonomy
    leaves = {row.label for row in found.rows if row.label in tree and tree.is_leaf[tree.index(row.label)]}
    for split in ("train", "val", "test"):
        there = {row.label for row in found.rows if row.split == split}
        lacking = [key for key in dict.fromkeys(row.label for row in found.rows) if key in leaves - there]
        if there and lacking:
            names = some_of(tree.name(tree.index(key)) for key in lacking)
            yield f"{split} lacks {len(lacking)} of {len(leaves)} classes: {names}"


def _fitted(ws: Workspace, found: DataSet) -> tuple[list[TableRow], list[str]]:
    """(rows with labels of the tree in use, how that tree differs from the data set's own and from its lists)."""
    newest = newest_taxonomy(ws)
    if newest is None or newest[1].has_same_shape(found.taxonomy):
        return found.rows, level_remarks(found.taxonomy, found.groups)
    version, tree = newest
    labels = dict.fromkeys(row.label for row in found.rows if row.label)
    key_of = keys_in(tree, labels, found.taxonomy)
    rows = [replace(row, label=key_of.get(row.label, row.label)) for row in found.rows]
    groups = {
        column: {key_of[label]: group for label, group in group_of.items() if label in key_of}
        for column, group_of in found.groups.items()
    }
    return rows, [
        _difference(ws, version, tree, found.taxonomy),
        *_unfound(labels, key_of),
        *level_remarks(tree, groups),
    ]


def _difference(ws: Workspace, version: int, tree: Taxonomy, own: Taxonomy) -> str:
    change = tree_change(ws, own)
    counts = f"{len(change.added)} classes only in it, {len(change.dropped)} only in yours" if change else ""
    moved = f", {len(change.elsewhere)} in another place" if change and change.elsewhere else ""
    return (
        f"the class tree in use (version {version}, {len(tree)} classes) stays; that of the data set ({len(own)}) is "
        f"different: {counts}{moved}, by key"
    )


def _unfound(labels: dict[str, None], key_of: dict[str, str]) -> list[str]:
    renamed = sum(key != label for label, key in key_of.items())
    told = [f"{renamed} classes were recognised in it by their names"] if renamed else []
    gone = [label for label in labels if label not in key_of]
    return told + (
        [f"{len(gone)} of {len(labels)} labels are no class of the tree in use: {some_of(gone)}"] if gone else []
    )


def _draw(ws: Workspace, source: PictureSource, found: DataSet, on_progress: OnProgress) -> None:
    """Write the pixels as PNG files into a folder of the cache, by number: no name of the set is one on the disk."""
    staging = Staging(ws.staging)
    source.staging, source.base, source.files = staging, staging.folder, {}
    pixels = found.pixels or {}
    try:
        for number, (path, picture) in enumerate(pixels.items()):
            file = staging.folder / str(number // PER_FOLDER) / f"{number}.png"
            if number % PER_FOLDER == 0:
                file.parent.mkdir()
                on_progress(number, len(pixels))
            Image.fromarray(np.ascontiguousarray(picture)).save(file)
            name = posixpath.normpath(plain_name(path))
            source.files[name] = file
            source.originals[name] = f"{found.base}/{path}"
    except OSError as error:
        staging.drop()
        raise disk_error(error) from error
    except BaseException:
        staging.drop()
        raise
