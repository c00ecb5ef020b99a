"""Verbs on the class tree: which one is in use, and how a new version takes its place."""

import csv
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa

from hmgc_core.errors import OrphanedLabels, TaxonomyError, TreeChanged, UnknownNode
from hmgc_core.exchange.known_classes import recognise
from hmgc_core.leading import loosened
from hmgc_core.metrics.words import number
from hmgc_core.store import annotations, carrying, labellings, taxonomies
from hmgc_core.store.workspace import Workspace
from hmgc_core.taxonomy import Taxonomy
from hmgc_core.taxonomy_io import TaxonomyFile, read_taxonomy_file

MOST_AT_HAND = 12  # versions kept in memory: a large tree takes some megabytes


@dataclass(frozen=True)
class TaxonomyImport:
    """What an import of a class tree did, or would do. moved: labels whose key changes. depth: below the root."""

    nodes: int
    leaves: int
    depth: int
    version: int
    moved: int
    remarks: tuple[str, ...] = ()


def taxonomy_version(ws: Workspace, version: int) -> Taxonomy:
    """One version of the class tree; versions never change, so each is read once."""
    known = ws.taxonomies.get(version)
    if known is None:
        with ws.reading() as connection:
            known = taxonomies.get(connection, version)
        if known is None:
            raise TaxonomyError(f"there is no version {version} of the class tree", remedy="reload the page")
        keep_read(ws, version, known)
    return known


def keep_read(ws: Workspace, version: int, taxonomy: Taxonomy) -> None:
    """Have a version at hand from now on; of many, those read first are let go."""
    ws.taxonomies[version] = taxonomy
    for older in list(ws.taxonomies)[:-MOST_AT_HAND]:
        ws.taxonomies.pop(older, None)


def taxonomy_with_hash(ws: Workspace, content_hash: str) -> Taxonomy | None:
    """The class tree with this content, None where no version has it."""
    for known in list(ws.taxonomies.values()):
        if known.content_hash == content_hash:
            return known
    with ws.reading() as connection:
        version = taxonomies.find(connection, content_hash)
    return None if version is None else taxonomy_version(ws, version)


def newest_taxonomy(ws: Workspace) -> tuple[int, Taxonomy] | None:
    """(version, tree) in use, None before the first import."""
    with ws.reading() as connection:
        version = taxonomies.newest_id(connection)
    return None if version is None else (version, taxonomy_version(ws, version))


def current_taxonomy(ws: Workspace) -> tuple[int, Taxonomy]:
    """(version, tree) in use. Raises TaxonomyError before the first import."""
    found = newest_taxonomy(ws)
    if found is None:
        raise TaxonomyError("this workspace has no class tree yet", remedy="import one: hmgc import-taxonomy FILE")
    return found


def import_taxonomy(
    ws: Workspace,
    path: Path,
    *,
    format: str = "",
    moves: Path | None = None,
    to_ancestor: bool = False,
    dry_run: bool = False,
) -> TaxonomyImport:
    """Take a class tree from a file into use as the newest version.

    moves: a CSV `old,new` for keys that the new tree drops. to_ancestor: lead each dropped key to its nearest ancestor
    that stays. Raises OrphanedLabels (with counts) when neither covers a key that labels use.
    """
    read = recognised(ws, read_taxonomy_file(path, format))
    return store_taxonomy(
        ws,
        read.taxonomy,
        source=path.name,
        moves=_read_moves(moves) if moves else {},
        to_ancestor=to_ancestor,
        dry_run=dry_run,
        remarks=read.remarks,
    )


def recognised(ws: Workspace, file: TaxonomyFile) -> TaxonomyFile:
    """The file with the keys of the tree in use on the classes that it gives by name alone; see `recognise`."""
    newest = newest_taxonomy(ws)
    return recognise(file, newest[1]) if newest else file


def store_taxonomy(
    ws: Workspace,
    new: Taxonomy,
    *,
    source: str,
    moves: dict[str, str] | None = None,
    to_ancestor: bool = False,
    dry_run: bool = False,
    remarks: tuple[str, ...] = (),
) -> TaxonomyImport:
    """Take `new` into use; see `import_taxonomy`. The same tree again changes nothing."""
    old = newest_taxonomy(ws)
    # Who only looks, time and again while a preview is open, keeps nobody from writing.
    with ws.reading() if dry_run else ws.writing() as connection:
        check_unchanged(connection, old[0] if old else None)
        used = _used_keys(connection)
        led = _lead_keys(old[1] if old else None, new, moves or {}, to_ancestor=to_ancestor)
        copied = labellings.used_keys(connection)
        dropped = [key for key in used | copied if key not in new and key not in led]
        if dropped:
            raise _orphaned({key: used.get(key, 0) for key in dropped}, sum(copied.get(key, 0) for key in dropped))
        moved = sum(count for key, count in used.items() if key in led)
        version = old[0] if old and old[1] == new and not led else 0
        if not version and not dry_run:
            version = _store(connection, new, source, led, old[1] if old else None)
    if len(new.leaves) < 2:
        remarks = (*remarks, "With a single finest class there is nothing to tell apart; is this the right file?")
    return TaxonomyImport(len(new), len(new.leaves), new.depth, version, moved, remarks)


def _store(connection: sa.Connection, new: Taxonomy, source: str, led: dict[str, str], old: Taxonomy | None) -> int:
    loosens = loosened(old, new, led) if old else frozenset()
    version = taxonomies.add(connection, new, source=source, moves=led, loosens=loosens)
    carrying.carry(connection, version)
    return version


def check_unchanged(connection: sa.Connection, seen: int | None) -> None:
    """Raise TreeChanged where the version in use is not the one that was looked at."""
    if taxonomies.newest_id(connection) != seen:
        raise TreeChanged(
            "the class tree has changed since you looked", remedy="look at what it would do now, and decide again"
        )


def _used_keys(connection: sa.Connection) -> dict[str, int]:
    used: dict[str, int] = {}
    for key, kind, _, count in annotations.tallies(connection):
        if kind != "unusable":
            used[key] = used.get(key, 0) + count
    return used


def _lead_keys(old: Taxonomy | None, new: Taxonomy, moves: dict[str, str], *, to_ancestor: bool) -> dict[str, str]:
    """old key -> new key for every key that the new tree drops and that has somewhere to go."""
    led = {}
    for key, target in moves.items():
        if target not in new:
            raise UnknownNode(target, new.keys, where=f"the moves lead {key!r} to a class that is not there: ")
        if key not in new:
            led[key] = target
    if old and to_ancestor:
        for i, key in enumerate(old.keys):
            if key not in new and key not in led:
                staying = [old.keys[j] for j in reversed(old.path(i)) if old.keys[j] in new]
                led[key] = staying[0] if staying else new.keys[0]
    return led


def _orphaned(orphans: dict[str, int], copies: int) -> OrphanedLabels:
    most = sorted(orphans.items(), key=lambda item: -item[1])[:5]
    shown = ", ".join(f"{key!r} ({count})" if count else repr(key) for key, count in most)
    shown += ", …" if len(orphans) > 5 else ""
    by = used_by(sum(orphans.values()), copies)
    return OrphanedLabels(
        f"the new tree lacks {number(len(orphans), 'class', 'classes')} in use by {by}: {shown}",
        remedy="say where they go with --moves FILE (old,new), or move them up with --to-ancestor",
        counts=orphans,
        copies=copies,
    )


def used_by(labels: int, copies: int) -> str:
    """Labels of people, and those of labellings, in words."""
    told = ((labels, number(labels, "label")), (copies, f"{number(copies, 'label')} of labellings"))
    return " and ".join(words for count, words in told if count)


def _read_moves(path: Path) -> dict[str, str]:
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            rows = [[cell.strip() for cell in row] for row in csv.reader(file) if any(row)]
    except (OSError, UnicodeDecodeError) as error:
        raise TaxonomyError(
            f"cannot read the moves {path}: {error}", remedy="give a CSV with the header old,new"
        ) from error
    if not rows or [cell.lower() for cell in rows[0]] != ["old", "new"] or any(len(row) != 2 for row in rows):
        raise TaxonomyError(
            f"{path} is not a table of moves", remedy="give a CSV with the header old,new and two cells a row"
        )
    return {row[0]: row[1] for row in rows[1:]}
