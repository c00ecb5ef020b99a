"""Versions of the class tree: rows in, rows out, and where keys that a version dropped have gone."""

import sqlalchemy as sa

from hmgc_core.store.schema import move, node, now, taxonomy
from hmgc_core.taxonomy import NodeText, Taxonomy


def newest_id(connection: sa.Connection) -> int | None:
    """The id of the version in use, None before the first import."""
    return connection.execute(sa.select(sa.func.max(taxonomy.c.id))).scalar()


def find(connection: sa.Connection, content_hash: str) -> int | None:
    """The id of the version with this content."""
    return connection.execute(sa.select(taxonomy.c.id).where(taxonomy.c.content_hash == content_hash)).scalar()


def add(connection: sa.Connection, value: Taxonomy, *, source: str, moves: dict[str, str]) -> int:
    """Store a new version with the `moves` (old key -> new key) that lead into it; returns its id."""
    version = connection.execute(
        taxonomy.insert().values(content_hash=value.content_hash, source=source, created_at=now())
    ).inserted_primary_key
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


def moves_after(connection: sa.Connection, taxonomy_id: int, upto: int | None = None) -> list[dict[str, str]]:
    """The moves of every later version (up to `upto`), oldest first: apply them in turn to a key of this version."""
    query = sa.select(move).where(move.c.taxonomy_id > taxonomy_id).order_by(move.c.taxonomy_id)
    rows = connection.execute(query if upto is None else query.where(move.c.taxonomy_id <= upto)).all()
    steps: dict[int, dict[str, str]] = {}
    for row in rows:
        steps.setdefault(row.taxonomy_id, {})[row.old_key] = row.new_key
    return list(steps.values())


def current_key(key: str, steps: list[dict[str, str]]) -> str:
    """`key` of an older version, led through `moves_after` to a later one."""
    for step in steps:
        key = step.get(key, key)
    return key
