"""Verbs on the versions of the class tree: which there were, and taking a former one into use again."""

from dataclasses import dataclass
from datetime import datetime

from hmgc_core.errors import TaxonomyError
from hmgc_core.store import taxonomies
from hmgc_core.store.workspace import Workspace
from hmgc_core.workflow.taxonomies import current_taxonomy, store_taxonomy, taxonomy_version
from hmgc_core.workflow.tree_edits import undo_edit
from hmgc_core.workflow.tree_imports import TreeChange, tree_change


@dataclass(frozen=True)
class TreeVersion:
    """One version of the class tree. source: the file it came from, or `edit`; verb: of an edit, "" of a file.

    in_use: its content is that of the tree in use, whether it is that version or a former one.
    """

    id: int
    source: str
    author: str
    verb: str
    is_undo: bool
    created_at: datetime
    in_use: bool


def tree_versions(ws: Workspace, *, count: int = 30) -> list[TreeVersion]:
    """The last versions, the newest first."""
    with ws.reading() as connection:
        records = taxonomies.versions(connection)[-count:]
        hashes = taxonomies.content_hashes(connection)
    return [
        TreeVersion(
            record.id, record.source, record.author, str(record.edit.get("verb", "")), record.undoes is not None,
            record.created_at, hashes[record.id] == hashes[records[-1].id],
        )
        for record in reversed(records)
    ]  # fmt: skip


def preview_use_again(ws: Workspace, version: int) -> TreeChange:
    """What taking a former version into use again would change. Raises TaxonomyError where there is no such version."""
    change = tree_change(ws, taxonomy_version(ws, version))
    if change is None:
        raise TaxonomyError("this workspace has no class tree yet", remedy="import one: hmgc import-taxonomy FILE")
    return change


def use_again(ws: Workspace, version: int, *, by: str = "") -> int:
    """Take the content of a former version into use as the newest one; returns the version that is now in use.

    Where nothing but changes that still stand lies between, they are taken back one by one, so that every label reads
    as it did then. Otherwise labels follow by key, those of classes that are not there to the nearest one above.
    Raises TaxonomyError where there is no such version or it is in use already.
    """
    wanted = taxonomy_version(ws, version)
    present, tree = current_taxonomy(ws)
    if tree == wanted:
        raise TaxonomyError("this version of the class tree is in use already", remedy="choose another one")
    target = _standing_with(ws, wanted.content_hash)
    if target is None:
        return store_taxonomy(ws, wanted, source=f"version {version}", to_ancestor=True).version
    while tree != wanted:
        present = undo_edit(ws, seen=present, by=by).version
        tree = taxonomy_version(ws, present)
    return present


def _standing_with(ws: Workspace, content_hash: str) -> int | None:
    """The newest version with this content that neither was taken back nor takes one back."""
    with ws.reading() as connection:
        hashes = taxonomies.content_hashes(connection)
        standing = taxonomies.standing({record.id: record.undoes for record in taxonomies.versions(connection)})
    return next((found for found in reversed(standing) if hashes[found] == content_hash), None)
