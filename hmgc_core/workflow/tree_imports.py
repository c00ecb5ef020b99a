"""Verbs for a class tree that comes in: what would be different from the tree in use, from a file or pasted."""

import io
from dataclasses import dataclass

from hmgc_core.exchange.pasted_tree import FORMAT_WORDS, LONGEST_TEXT, PastedTree, read_pasted
from hmgc_core.exchange.tree_table import write_tree
from hmgc_core.store import annotations
from hmgc_core.store.workspace import Workspace
from hmgc_core.taxonomy import Taxonomy
from hmgc_core.workflow.taxonomies import newest_taxonomy

__all__ = [
    "FORMAT_WORDS",
    "LONGEST_TEXT",
    "LabelMove",
    "PastedTree",
    "TreeChange",
    "read_pasted",
    "tree_change",
    "tree_file",
]


def tree_file(taxonomy: Taxonomy) -> bytes:
    """A class tree as a CSV file; see `write_tree`."""
    file = io.BytesIO()
    write_tree(file, taxonomy)
    return file.getvalue()


@dataclass(frozen=True)
class LabelMove:
    """Labels whose class is gone, and the nearest class above it that stays. new is "" where there is none."""

    old: str
    new: str
    labels: int


@dataclass(frozen=True)
class TreeChange:
    """How a new tree differs from the one in use, by key. elsewhere: kept classes that lie under another class now.

    moves: where labels of dropped classes would go, the most labels first.
    """

    added: tuple[str, ...]
    dropped: tuple[str, ...]
    elsewhere: tuple[str, ...]
    moves: tuple[LabelMove, ...]


def tree_change(ws: Workspace, new: Taxonomy) -> TreeChange | None:
    """What `new` would change, None while there is no tree. Writes nothing."""
    found = newest_taxonomy(ws)
    if found is None:
        return None
    old = found[1]
    used: dict[str, int] = {}
    with ws.reading() as connection:
        for key, kind, _, count in annotations.tallies(connection):
            if kind != "unusable":
                used[key] = used.get(key, 0) + count
    moves = [LabelMove(key, _stays_above(old, new, key), count) for key, count in used.items() if key not in new]
    return TreeChange(
        added=tuple(key for key in new.keys if key not in old),
        dropped=tuple(key for key in old.keys if key not in new),
        elsewhere=tuple(key for key in new.keys[1:] if key in old and _parent(old, key) != _parent(new, key)),
        moves=tuple(sorted(moves, key=lambda move: -move.labels)),
    )


def _parent(tree: Taxonomy, key: str) -> str:
    parent = int(tree.parents[tree.index(key)])
    return tree.keys[parent] if parent >= 0 else ""


def _stays_above(old: Taxonomy, new: Taxonomy, key: str) -> str:
    """As `store_taxonomy` leads a dropped key with to_ancestor."""
    if key not in old:
        return ""
    staying = [old.keys[node] for node in reversed(old.path(old.index(key))) if old.keys[node] in new]
    return staying[0] if staying else new.keys[0]
