"""What each queue holds and in which order. A queue is a walk along an index: it goes on after a place, never sorts.

A place is where an image stands in that order, and the row that tells equals apart.
"""

import functools
from dataclasses import dataclass
from typing import Self

import sqlalchemy as sa

from hmgc_core.records import QueueChoice, QueueKind
from hmgc_core.store import second_looks, sharing
from hmgc_core.store.images import CHUNK
from hmgc_core.store.schema import image, image_path, node, prediction, selection_image, word
from hmgc_core.store.sharing import Asker

Place = tuple[float | str, int]  # only in a folder the first is a text: the path in it

PLACES = ("is", "none_here")  # kinds that say where an image belongs


@dataclass(frozen=True)
class Context:
    """What a queue is measured by: the newest version of the tree, and the newest finished run (None: none yet).

    nobody: annotators who do not look themselves, because their labels came from a file.
    """

    taxonomy_id: int
    run_id: int | None
    nobody: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Walk:
    """Rows joined with `image`, in the order of (first, second), and which of them belong to the queue."""

    rows: sa.FromClause
    first: sa.ColumnElement[float] | sa.ColumnElement[str]
    second: sa.ColumnElement[int]
    where: sa.ColumnElement[bool]
    is_backward: bool = False


def next_places(
    connection: sa.Connection, choice: QueueChoice, context: Context, asker: Asker, *, after: Place | None, count: int
) -> tuple[list[tuple[int, Place]], bool]:
    """(the next images of a queue that are free for the asker, each with its place; whether the queue ends there)."""
    query = _next(_Shape.of(choice, asker), goes_on=after is not None)
    first, second = after or (None, None)
    parameters = {**_parameters(choice, context, asker), "first": first, "second": second, "most": count}
    rows = connection.execute(query, parameters).all()
    places: dict[int, Place] = {}  # an image with two labels or two paths stands in a walk twice
    for row in rows:
        places.setdefault(row.image_id, (row.first, row.second))
    return list(places.items()), len(rows) < count


@functools.cache
def _next(shape: "_Shape", *, goes_on: bool) -> sa.Select:
    walk = _walk(shape)
    columns = image.c.id.label("image_id"), walk.first.label("first"), walk.second.label("second")
    query = _members(shape, *columns).where(sharing.is_free(review=shape.is_review))
    if goes_on:
        query = query.where(_behind(walk))
    order = [walk.first.desc(), walk.second.desc()] if walk.is_backward else [walk.first, walk.second]
    return query.order_by(*order).limit(sa.bindparam("most", type_=sa.Integer))


def _behind(walk: _Walk) -> sa.ColumnElement[bool]:
    first, second = sa.bindparam("first", type_=walk.first.type), sa.bindparam("second", type_=sa.Integer)
    here, there = sa.tuple_(walk.first, walk.second), sa.tuple_(first, second)
    # The bound on the first column alone lets the index be entered where two tables make the order.
    if walk.is_backward:
        return (walk.first <= first) & (here < there)
    return (walk.first >= first) & (here > there)


def size(connection: sa.Connection, choice: QueueChoice, context: Context, asker: Asker) -> int:
    """How many images a queue holds for the asker, those reserved or skipped included."""
    query = _members(_Shape.of(choice, asker), sa.func.count(image.c.id.distinct()))
    return connection.execute(query, _parameters(choice, context, asker)).scalar_one()


def left_behind(connection: sa.Connection, choice: QueueChoice, context: Context, asker: Asker) -> tuple[int, int]:
    """(skipped by the asker, in the hands of others): what a queue holds beyond what is free."""
    skipped = sharing.skipped_by(connection, asker.annotator_id)
    held = [image_id for image_id in sharing.held_by_others(connection, asker) if image_id not in skipped]
    shape, parameters = _Shape.of(choice, asker), _parameters(choice, context, asker)

    def inside(image_ids: list[int]) -> int:
        if not image_ids:
            return 0
        query = _members(shape, sa.func.count(image.c.id.distinct())).where(image.c.id.in_(image_ids))
        return connection.execute(query, parameters).scalar_one()

    return inside(skipped[:CHUNK]), inside(held[:CHUNK])


def can_claim(choice: QueueChoice) -> sa.ColumnElement[bool]:
    """What must still hold for a row of `image` when it is reserved."""
    return _can_claim(review=choice.is_review)


@functools.cache
def _can_claim(*, review: bool) -> sa.ColumnElement[bool]:
    # A free image has too few labels. Said once more, SQLite would look among all of those before it looks at ids.
    undone = sharing.wants_second_look() if review else sharing.has_not_spoken()
    return undone & sharing.is_free(review=review)


def _members(shape: "_Shape", *columns: sa.ColumnElement) -> sa.Select:
    walk = _walk(shape)
    undone = sharing.wants_second_look() if shape.is_review else sharing.wants_label(shares=shape.shares)
    return sa.select(*columns).select_from(walk.rows).where(walk.where & undone)


def _parameters(choice: QueueChoice, context: Context, asker: Asker) -> dict[str, object]:
    """All that any of the walks is asked with."""
    number, _, inner = choice.of.partition("/")
    return {
        **asker.parameters,
        "of": choice.of if choice.kind in ("class", "predicted") else int(number or 0),
        "lowest_path": f"{inner}/",
        "above_paths": f"{inner}0",  # "0" is the letter after "/"
        "taxonomy": context.taxonomy_id,
        "run": context.run_id,
        "nobody": context.nobody,
    }


# --- the walks --------------------------------------------------------------------------------------------------------

OF = sa.bindparam("of", type_=sa.Integer)
OF_CLASS = sa.bindparam("of", type_=sa.Text)
TAXONOMY = sa.bindparam("taxonomy", type_=sa.Integer)
RUN = sa.bindparam("run", type_=sa.Integer)


@dataclass(frozen=True)
class _Shape:
    """What a statement depends on; all else are its parameters. shares: several people label each picture."""

    kind: QueueKind
    is_review: bool
    is_inner: bool  # a folder inside one of those that were brought in
    shares: bool

    @classmethod
    def of(cls, choice: QueueChoice, asker: Asker) -> Self:
        return cls(choice.kind, choice.is_review, "/" in choice.of, asker.shares)


@functools.cache
def _walk(shape: _Shape) -> _Walk:
    walks = {
        "unlabelled": _unlabelled,
        "unsure": _unsure,
        "contradicted": _contradicted,
        "second-look": _second_look,
        "folder": _folder,
        "class": _class,
        "predicted": _predicted,
        "selection": _selection,
    }
    return walks[shape.kind](shape)


def _unlabelled(_shape: _Shape) -> _Walk:
    return _Walk(image, image.c.priority, image.c.id, sa.true())


def _unsure(_shape: _Shape) -> _Walk:
    """The least probable answers of the run first."""
    rows = prediction.join(image, image.c.id == prediction.c.image_id)
    return _Walk(rows, prediction.c.probability, prediction.c.image_id, prediction.c.run_id == RUN)


def _contradicted(shape: _Shape) -> _Walk:
    """Where somebody's word and the run's answer lie on different branches, the surest answers first."""
    said, answered = node.alias("said"), node.alias("answered")
    in_tree = (said.c.taxonomy_id == TAXONOMY) & (answered.c.taxonomy_id == TAXONOMY)
    parted = ~_is_within(said, answered) & ~_is_within(answered, said)
    words = word.join(said, said.c.key == word.c.node_key).join(answered, answered.c.key == prediction.c.node_key)
    disputed = (
        sa.select(word.c.image_id)
        .select_from(words)
        .where((word.c.image_id == prediction.c.image_id) & _said_before(shape) & in_tree & parted)
        .correlate(prediction)
    )
    rows = prediction.join(image, image.c.id == prediction.c.image_id)
    where = (prediction.c.run_id == RUN) & disputed.exists()
    return _Walk(rows, prediction.c.probability, prediction.c.image_id, where, is_backward=True)


def _second_look(_shape: _Shape) -> _Walk:
    """Where a class has changed since the asker's word, or one that came from a file, was given."""
    rows = word.join(image, image.c.id == word.c.image_id)
    return _Walk(rows, image.c.priority, image.c.id, second_looks.waits())


def _folder(shape: _Shape) -> _Walk:
    """The pictures of a folder in the order of their paths."""
    rows = image_path.join(image, image.c.id == image_path.c.image_id)
    where = image_path.c.folder_id == OF
    if shape.is_inner:
        where &= image_path.c.path >= sa.bindparam("lowest_path", type_=sa.Text)
        where &= image_path.c.path < sa.bindparam("above_paths", type_=sa.Text)
    return _Walk(rows, image_path.c.path, image_path.c.id, where)


def _class(shape: _Shape) -> _Walk:
    """What people called this class or one below it when the pass began, class by class."""
    rows = node.join(word, word.c.node_key == node.c.key).join(image, image.c.id == word.c.image_id)
    return _Walk(rows, node.c.position, word.c.image_id, _is_below() & _said_before(shape))


def _predicted(_shape: _Shape) -> _Walk:
    """What the run takes for this class or one below it, class by class."""
    joined = (prediction.c.node_key == node.c.key) & (prediction.c.run_id == RUN)
    rows = node.join(prediction, joined).join(image, image.c.id == prediction.c.image_id)
    return _Walk(rows, node.c.position, prediction.c.image_id, _is_below())


def _selection(_shape: _Shape) -> _Walk:
    rows = selection_image.join(image, image.c.id == selection_image.c.image_id)
    return _Walk(rows, selection_image.c.place, selection_image.c.image_id, selection_image.c.selection_id == OF)


def _said_before(shape: _Shape) -> sa.ColumnElement[bool]:
    """The row of `word` places an image, since before the pass; where several people label each picture, one's own."""
    said = word.c.kind.in_(PLACES) & (word.c.annotation_id <= sharing.SINCE)
    # The sum keeps SQLite from entering by annotator: then it would have to sort.
    return said & (word.c.annotator_id + 0 == sharing.ME) if shape.shares else said


def _is_below() -> sa.ColumnElement[bool]:
    """The row of `node` is the class of the queue, or below it."""
    top = node.alias("top")
    is_top = (top.c.taxonomy_id == TAXONOMY) & (top.c.key == OF_CLASS)
    first = sa.select(top.c.position).where(is_top).scalar_subquery()
    end = sa.select(top.c.subtree_end).where(is_top).scalar_subquery()
    return (node.c.taxonomy_id == TAXONOMY) & (node.c.position >= first) & (node.c.position < end)


def _is_within(inner: sa.FromClause, outer: sa.FromClause) -> sa.ColumnElement[bool]:
    return (inner.c.position >= outer.c.position) & (inner.c.position < outer.c.subtree_end)
