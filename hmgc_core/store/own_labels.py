"""What one annotator said, newest first: words that stand, words they changed since, and words they took back."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, get_args

import sqlalchemy as sa

from hmgc_core.records import Kind
from hmgc_core.store.annotations import WITHDRAWAL
from hmgc_core.store.schema import annotation, node, word

OwnState = Literal["stands", "changed", "taken back"]
OWN_STATES: tuple[OwnState, ...] = get_args(OwnState)


@dataclass(frozen=True)
class OwnFilter:
    """Which of one's own labels to show. Empty values filter nothing. level: of the class, -1 = any, 0 = the root.

    node: a class key, for it and those below. since, before: when it was said.
    """

    state: OwnState = "stands"
    node: str = ""
    level: int = -1
    kind: Kind | Literal[""] = ""
    since: datetime | None = None
    before: datetime | None = None


@dataclass(frozen=True)
class OwnLabel:
    """One thing an annotator said. node: the key in the version `taxonomy` of the tree, "" for `unusable`."""

    uid: str
    image_id: int
    kind: Kind
    node: str
    taxonomy: int
    created_at: datetime


def page(
    connection: sa.Connection, by: int, wanted: OwnFilter, *, taxonomy_id: int, offset: int, count: int
) -> list[OwnLabel]:
    """A page of what an annotator said; classes and levels are those of this version of the tree."""
    said = word if wanted.state == "stands" else annotation  # what stands, as it reads in the newest tree
    key = said.c.node_key
    rows = _rows(wanted.state)
    where = _of(by, wanted.state)
    if wanted.node or wanted.level >= 0:
        rows = rows.join(node, (node.c.taxonomy_id == taxonomy_id) & (node.c.key == key))
        where &= _in_tree(wanted, taxonomy_id)
    if wanted.kind:
        where &= said.c.kind == wanted.kind
    # Annotations are numbered as they come: a moment is a number, and the walk along them ends there.
    if wanted.since:
        where &= annotation.c.id >= _first_since(connection, wanted.since)
    if wanted.before:
        where &= annotation.c.id < _first_since(connection, wanted.before)
    newest = word.c.annotation_id if wanted.state == "stands" else annotation.c.id
    query = sa.select(annotation, key.label("key_now"), said.c.kind.label("kind_now")).select_from(rows).where(where)
    found = connection.execute(query.order_by(newest.desc()).offset(offset).limit(count))
    version = {"stands": taxonomy_id}.get(wanted.state)
    return [
        OwnLabel(row.uid, row.image_id, row.kind_now, row.key_now, version or row.taxonomy_id, row.created_at)
        for row in found
    ]


def _rows(state: OwnState) -> sa.FromClause:
    if state == "stands":
        return word.join(annotation, annotation.c.id == word.c.annotation_id)
    if state == "changed":
        same = (word.c.image_id == annotation.c.image_id) & (word.c.annotator_id == annotation.c.annotator_id)
        return annotation.join(word, same & (word.c.annotation_id > annotation.c.id))
    later = annotation.alias("later")
    return annotation.join(later, later.c.withdraws_id == annotation.c.id)


def _of(by: int, state: OwnState) -> sa.ColumnElement[bool]:
    if state == "stands":
        return word.c.annotator_id == by
    mine = (annotation.c.annotator_id == by) & (annotation.c.kind != WITHDRAWAL)
    if state == "changed":
        later = annotation.alias("later")
        mine &= ~sa.exists().where(later.c.withdraws_id == annotation.c.id)
    return mine


def _in_tree(wanted: OwnFilter, taxonomy_id: int) -> sa.ColumnElement[bool]:
    where: sa.ColumnElement[bool] = sa.true()
    if wanted.level >= 0:
        where &= node.c.depth == wanted.level
    if wanted.node:
        top = node.alias("top")
        is_top = (top.c.taxonomy_id == taxonomy_id) & (top.c.key == wanted.node)
        where &= node.c.position >= sa.select(top.c.position).where(is_top).scalar_subquery()
        where &= node.c.position < sa.select(top.c.subtree_end).where(is_top).scalar_subquery()
    return where


def _first_since(connection: sa.Connection, moment: datetime) -> int:
    """The first annotation made at this moment or after it; one past the newest where there is none."""
    low, high = 1, (connection.execute(sa.select(sa.func.max(annotation.c.id))).scalar() or 0) + 1
    while low < high:
        middle = (low + high) // 2
        query = sa.select(annotation.c.created_at).where(annotation.c.id >= middle).order_by(annotation.c.id).limit(1)
        if connection.execute(query).scalar_one() >= moment:
            high = middle
        else:
            low = middle + 1
    return low
