"""What each queue holds and in which order. A queue is a walk along an index: it goes on after a place, never sorts.

A place is where an image stands in that order, and the row that tells equals apart.
"""

from dataclasses import dataclass

import sqlalchemy as sa

from hmgc_core.records import QueueChoice
from hmgc_core.store import second_looks, sharing
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
    walk = _walk(choice, context, asker)
    order = [walk.first.desc(), walk.second.desc()] if walk.is_backward else [walk.first, walk.second]
    query = (
        _members(
            walk, choice, asker, image.c.id.label("image_id"), walk.first.label("first"), walk.second.label("second")
        )
        .where(sharing.is_free(asker, review=choice.is_review))
        .order_by(*order)
        .limit(count)
    )
    if after is not None:
        query = query.where(_behind(walk, after))
    rows = connection.execute(query).all()
    first_places: dict[int, Place] = {}  # an image with two labels or two paths stands in a walk twice
    for row in rows:
        first_places.setdefault(row.image_id, (row.first, row.second))
    return list(first_places.items()), len(rows) < count


def _behind(walk: _Walk, place: Place) -> sa.ColumnElement[bool]:
    first, second = (sa.literal(value) for value in place)
    here, there = sa.tuple_(walk.first, walk.second), sa.tuple_(first, second)
    # The bound on the first column alone lets the index be entered where two tables make the order.
    if walk.is_backward:
        return (walk.first <= first) & (here < there)
    return (walk.first >= first) & (here > there)


def size(connection: sa.Connection, choice: QueueChoice, context: Context, asker: Asker) -> int:
    """How many images a queue holds for the asker, those reserved or skipped included."""
    return _counted(connection, choice, context, asker, sa.true())


def left_behind(connection: sa.Connection, choice: QueueChoice, context: Context, asker: Asker) -> tuple[int, int]:
    """(skipped by the asker, in the hands of others): what a queue holds beyond what is free."""
    skipped = _counted(connection, choice, context, asker, sharing.is_skipped(asker))
    held = _counted(connection, choice, context, asker, sharing.is_held(asker) & ~sharing.is_skipped(asker))
    return skipped, held


def _counted(
    connection: sa.Connection, choice: QueueChoice, context: Context, asker: Asker, where: sa.ColumnElement[bool]
) -> int:
    walk = _walk(choice, context, asker)
    query = _members(walk, choice, asker, sa.func.count(image.c.id.distinct())).where(where)
    return connection.execute(query).scalar_one()


def can_claim(choice: QueueChoice, asker: Asker) -> sa.ColumnElement[bool]:
    """What must still hold for a row of `image` when it is reserved."""
    return _is_undone(choice, asker) & sharing.is_free(asker, review=choice.is_review)


def _is_undone(choice: QueueChoice, asker: Asker) -> sa.ColumnElement[bool]:
    return sharing.wants_second_look(asker) if choice.is_review else sharing.wants_label(asker)


def _members(walk: _Walk, choice: QueueChoice, asker: Asker, *columns: sa.ColumnElement) -> sa.Select:
    return sa.select(*columns).select_from(walk.rows).where(walk.where & _is_undone(choice, asker))


# --- the walks --------------------------------------------------------------------------------------------------------


def _walk(choice: QueueChoice, context: Context, asker: Asker) -> _Walk:
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
    return walks[choice.kind](choice.of, context, asker)


def _unlabelled(_of: str, _context: Context, _asker: Asker) -> _Walk:
    return _Walk(image, image.c.priority, image.c.id, sa.true())


def _unsure(_of: str, context: Context, _asker: Asker) -> _Walk:
    """The least probable answers of the run first."""
    rows = prediction.join(image, image.c.id == prediction.c.image_id)
    return _Walk(rows, prediction.c.probability, prediction.c.image_id, prediction.c.run_id == context.run_id)


def _contradicted(_of: str, context: Context, asker: Asker) -> _Walk:
    """Where somebody's word and the run's answer lie on different branches, the surest answers first."""
    said, answered = node.alias("said"), node.alias("answered")
    in_tree = (said.c.taxonomy_id == context.taxonomy_id) & (answered.c.taxonomy_id == context.taxonomy_id)
    parted = ~_is_within(said, answered) & ~_is_within(answered, said)
    words = word.join(said, said.c.key == word.c.node_key).join(answered, answered.c.key == prediction.c.node_key)
    disputed = (
        sa.select(word.c.image_id)
        .select_from(words)
        .where((word.c.image_id == prediction.c.image_id) & _said_before(asker) & in_tree & parted)
        .correlate(prediction)
    )
    rows = prediction.join(image, image.c.id == prediction.c.image_id)
    where = (prediction.c.run_id == context.run_id) & disputed.exists()
    return _Walk(rows, prediction.c.probability, prediction.c.image_id, where, is_backward=True)


def _second_look(_of: str, context: Context, asker: Asker) -> _Walk:
    """Where a class has changed since the asker's word, or one that came from a file, was given."""
    rows = word.join(image, image.c.id == word.c.image_id)
    return _Walk(rows, image.c.priority, image.c.id, second_looks.waits(asker.annotator_id, nobody=context.nobody))


def _folder(of: str, _context: Context, _asker: Asker) -> _Walk:
    """The pictures of a folder as they lie in it."""
    number, _, inner = of.partition("/")
    rows = image_path.join(image, image.c.id == image_path.c.image_id)
    where = image_path.c.folder_id == int(number)
    if inner:  # "0" is the letter after "/"
        where &= (image_path.c.path >= f"{inner}/") & (image_path.c.path < f"{inner}0")
    return _Walk(rows, image_path.c.path, image_path.c.id, where)


def _class(of: str, context: Context, asker: Asker) -> _Walk:
    """What people called this class or one below it when the pass began, class by class."""
    rows = node.join(word, word.c.node_key == node.c.key).join(image, image.c.id == word.c.image_id)
    where = _is_below(of, context) & _said_before(asker)
    return _Walk(rows, node.c.position, word.c.image_id, where)


def _predicted(of: str, context: Context, _asker: Asker) -> _Walk:
    """What the run takes for this class or one below it, class by class."""
    joined = (prediction.c.node_key == node.c.key) & (prediction.c.run_id == context.run_id)
    rows = node.join(prediction, joined).join(image, image.c.id == prediction.c.image_id)
    return _Walk(rows, node.c.position, prediction.c.image_id, _is_below(of, context))


def _selection(of: str, _context: Context, _asker: Asker) -> _Walk:
    rows = selection_image.join(image, image.c.id == selection_image.c.image_id)
    where = selection_image.c.selection_id == int(of)
    return _Walk(rows, selection_image.c.place, selection_image.c.image_id, where)


def _said_before(asker: Asker) -> sa.ColumnElement[bool]:
    """The row of `word` places an image, since before the pass; where several people label each picture, one's own."""
    said = word.c.kind.in_(PLACES) & (word.c.annotation_id <= asker.since)
    # The sum keeps SQLite from entering by annotator: then it would have to sort.
    return said & (word.c.annotator_id + 0 == asker.annotator_id) if asker.people > 1 else said


def _is_below(key: str, context: Context) -> sa.ColumnElement[bool]:
    top = node.alias("top")
    is_top = (top.c.taxonomy_id == context.taxonomy_id) & (top.c.key == key)
    first = sa.select(top.c.position).where(is_top).scalar_subquery()
    end = sa.select(top.c.subtree_end).where(is_top).scalar_subquery()
    return (node.c.taxonomy_id == context.taxonomy_id) & (node.c.position >= first) & (node.c.position < end)


def _is_within(inner: sa.FromClause, outer: sa.FromClause) -> sa.ColumnElement[bool]:
    return (inner.c.position >= outer.c.position) & (inner.c.position < outer.c.subtree_end)
