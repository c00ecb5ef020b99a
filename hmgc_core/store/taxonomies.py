"""Versions of the class tree: rows in, rows out, and where keys that a version dropped have gone."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from hmgc_core.leading import KeyAndKind, Step
from hmgc_core.store.schema import loosened, move, node, now, taxonomy
from hmgc_core.taxonomy import NodeText, Taxonomy


def newest_id(connection: sa.Connection) -> int | None:
    """The id of the version in use, None before the first import."""
    return connection.execute(sa.select(sa.func.max(taxonomy.c.id))).scalar()


def find(connection: sa.Connection, content_hash: str) -> int | None:
    """The newest version with this content."""
    newest = sa.select(sa.func.max(taxonomy.c.id))
    return connection.execute(newest.where(taxonomy.c.content_hash == content_hash)).scalar()


def add(
    connection: sa.Connection,
    value: Taxonomy,
    *,
    source: str,
    moves: Mapping[str, str],
    loosens: Collection[KeyAndKind] = (),
    author: str = "",
    edit: dict[str, Any] | None = None,
    undoes: int | None = None,
) -> int:
    """Store a new version and what it does to earlier statements (see `leading.Step`); returns its id.

    edit: what was changed, as JSON-ready values. undoes: the version that this one takes back.
    """
    version = connection.execute(
        taxonomy.insert().values(
            content_hash=value.content_hash, source=source, author=author, edit=edit or {}, undoes_id=undoes,
            created_at=now(),
        )
    ).inserted_primary_key  # fmt: skip
    assert version is not None
    taxonomy_id = int(version[0])
    starts, ends = value.preorder_start, value.preorder_end
    connection.execute(
        node.insert(),
        [
            {
                "taxonomy_id": taxonomy_id,
                "key": key,
                "parent_key": value.keys[value.parents[i]] if i else None,
                "name": value.texts[key].name if key in value.texts else "",
                "synonyms": list(value.synonyms(i)),
                "note": value.note(i),
                "position": int(starts[i]),
                "subtree_end": int(ends[i]),
                "depth": int(value.depths[i]),
            }
            for i, key in enumerate(value.keys)
        ],
    )
    if moves:
        connection.execute(
            move.insert(), [{"taxonomy_id": taxonomy_id, "old_key": old, "new_key": new} for old, new in moves.items()]
        )
    if loosens:
        connection.execute(
            loosened.insert(), [{"taxonomy_id": taxonomy_id, "key": key, "kind": kind} for key, kind in loosens]
        )
    return taxonomy_id


def get(connection: sa.Connection, taxonomy_id: int) -> Taxonomy | None:
    """The version with this id."""
    rows = connection.execute(sa.select(node).where(node.c.taxonomy_id == taxonomy_id).order_by(node.c.position)).all()
    if not rows:
        return None
    edges = [(row.key, row.parent_key or "") for row in rows]
    texts = {
        row.key: NodeText(row.name, tuple(row.synonyms), row.note)
        for row in rows
        if row.name or row.synonyms or row.note
    }
    return Taxonomy.from_edges(edges, texts)


@dataclass(frozen=True)
class VersionRecord:
    """How one version came about. edit: what was changed, {} for a tree from a file. undoes: what it takes back."""

    id: int
    source: str
    author: str
    edit: dict[str, Any]
    undoes: int | None
    created_at: datetime


def versions(connection: sa.Connection) -> list[VersionRecord]:
    """How every version came about, oldest first."""
    return [
        VersionRecord(row.id, row.source, row.author, row.edit, row.undoes_id, row.created_at)
        for row in connection.execute(sa.select(taxonomy).order_by(taxonomy.c.id))
    ]


def content_hashes(connection: sa.Connection) -> dict[int, str]:
    """version -> what tells its content from others."""
    return dict(connection.execute(sa.select(taxonomy.c.id, taxonomy.c.content_hash)).all())


def was_used(connection: sa.Connection, key: str) -> bool:
    """Some version has or had a class with this key; one look-up for each version."""
    used = sa.select(taxonomy.c.id).join(node, (node.c.taxonomy_id == taxonomy.c.id) & (node.c.key == key))
    return connection.execute(used.limit(1)).first() is not None


_NO_END = 2**63 - 1
_LATER = sa.select(taxonomy.c.id, taxonomy.c.undoes_id).where(
    (taxonomy.c.id > sa.bindparam("after")) & (taxonomy.c.id <= sa.bindparam("upto"))
)


def moves_after(connection: sa.Connection, taxonomy_id: int, upto: int | None = None) -> list[Step]:
    """What every later version (up to `upto`) did to statements made in this one, oldest first: see `leading.read_on`.

    A version and a later one that takes it back cancel out: for a statement made before both, neither was there.
    """
    rows = connection.execute(_LATER, {"after": taxonomy_id, "upto": _NO_END if upto is None else upto}).all()
    versions_left = standing(dict(rows))
    if not versions_left:
        return []
    moves: dict[int, dict[str, str]] = {}
    for row in connection.execute(sa.select(move).where(move.c.taxonomy_id > taxonomy_id)):
        moves.setdefault(row.taxonomy_id, {})[row.old_key] = row.new_key
    loosens: dict[int, set[KeyAndKind]] = {}
    for row in connection.execute(sa.select(loosened).where(loosened.c.taxonomy_id > taxonomy_id)):
        loosens.setdefault(row.taxonomy_id, set()).add((row.key, row.kind))
    return [Step(v, moves.get(v, {}), frozenset(loosens.get(v, ()))) for v in versions_left]


def standing(undoes: dict[int, int | None]) -> list[int]:
    """Of versions and what each takes back: those that neither are taken back nor take one of the others back."""
    gone: set[int] = set()
    for version in sorted(undoes, reverse=True):
        undone = undoes[version]
        if version not in gone and undone in undoes:
            gone |= {version, undone}
    return sorted(undoes.keys() - gone)


def step_of(connection: sa.Connection, taxonomy_id: int) -> Step:
    """What one version did to the statements before it, whether it was taken back since or not."""
    moves = connection.execute(sa.select(move.c.old_key, move.c.new_key).where(move.c.taxonomy_id == taxonomy_id)).all()
    loosens = sa.select(loosened.c.key, loosened.c.kind).where(loosened.c.taxonomy_id == taxonomy_id)
    return Step(taxonomy_id, dict(moves), frozenset((row.key, row.kind) for row in connection.execute(loosens)))


def taken_back_by(connection: sa.Connection, taxonomy_id: int) -> int | None:
    """The version that this one takes back."""
    return connection.execute(sa.select(taxonomy.c.undoes_id).where(taxonomy.c.id == taxonomy_id)).scalar()


def leading_into(connection: sa.Connection, keys: Iterable[str], *, before: int) -> set[str]:
    """These keys and every older key that moves of versions before this one may have led there."""
    found = set(keys)
    query = sa.select(move.c.old_key, move.c.new_key).where(move.c.taxonomy_id < before)
    for old, new in connection.execute(query.order_by(move.c.taxonomy_id.desc())):
        if new in found:
            found.add(old)
    return found
