"""Statements of annotators: added, never changed; and what follows from them, kept beside them.

An annotator's word on an image is the last of their statements that was not withdrawn and still says something in the
newest version of the tree. `word`, `label_tally` and `image_tally` follow in the same transaction.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import sqlalchemy as sa

from hmgc_core.leading import Step, read_on
from hmgc_core.records import Annotation, NewAnnotation, Word
from hmgc_core.store import images, places
from hmgc_core.store.schema import annotation, annotator, image, image_path, image_tally, label_tally, now, word
from hmgc_core.store.taxonomies import moves_after

WITHDRAWAL = "withdrawal"


class Statement(NamedTuple):
    """An annotation as it reads in the newest taxonomy; see `leading.Reading`."""

    id: int
    kind: str
    key: str
    second_look: int | None


# The statements on the way of one label are made once: making one costs more than SQLite takes to carry it out.
_WHO: sa.BindParameter = sa.bindparam("who")
_IDS: sa.BindParameter = sa.bindparam("ids", expanding=True)
_KNOWN_UIDS = sa.select(annotation.c.uid).where(annotation.c.uid.in_(sa.bindparam("uids", expanding=True)))
_NEWEST_ID = sa.select(sa.func.max(annotation.c.id))
_ANNOTATOR_ID = sa.select(annotator.c.id).where(annotator.c.name == sa.bindparam("name"))
_ADD = annotation.insert().returning(annotation.c.id, sort_by_parameter_order=True)
_ADD_WORDS = word.insert()
_MINE = (word.c.annotator_id == _WHO) & word.c.image_id.in_(_IDS)
_FORGET_WORDS = word.delete().where(_MINE)
_BEFORE = (
    sa.select(image.c.id, image.c.split, image.c.words, word.c.node_key, word.c.kind)
    .outerjoin(word, (word.c.image_id == image.c.id) & (word.c.annotator_id == _WHO))
    .where(image.c.id.in_(_IDS))
)
_COUNT = image.update().where(image.c.id.in_(_IDS)).values(words=image.c.words + sa.bindparam("more"))
_LABEL_TALLY = (
    label_tally.update()
    .where(label_tally.c.node_key == sa.bindparam("key"))
    .where((label_tally.c.kind == sa.bindparam("of_kind")) & (label_tally.c.split == sa.bindparam("of_split")))
    .values(total=label_tally.c.total + sa.bindparam("more"))
)


class _Reader:
    """Reads annotations of any version in the newest taxonomy; the steps of each version are fetched once."""

    def __init__(self, connection: sa.Connection) -> None:
        self.connection = connection
        self.steps: dict[int, list[Step]] = {}

    def __call__(self, row_id: int, taxonomy_id: int, kind: str, key: str) -> Statement | None:
        if taxonomy_id not in self.steps:
            self.steps[taxonomy_id] = moves_after(self.connection, taxonomy_id)
        reading = read_on(kind, key, self.steps[taxonomy_id])
        return Statement(row_id, *reading) if reading else None


def annotator_id(connection: sa.Connection, name: str) -> int:
    """The row of an annotator, made if need be."""
    found = find_id(connection, name)
    if not found:
        inserted = connection.execute(annotator.insert().values(name=name, created_at=now())).inserted_primary_key
        assert inserted is not None
        found = inserted[0]
    return int(found)


def find_id(connection: sa.Connection, name: str) -> int:
    """The row of an annotator, 0 for a name that nobody has."""
    return connection.execute(_ANNOTATOR_ID, {"name": name}).scalar() or 0


def annotators(connection: sa.Connection) -> list[str]:
    """Names of all annotators, oldest first."""
    return list(connection.execute(sa.select(annotator.c.name).order_by(annotator.c.id)).scalars())


def names(connection: sa.Connection) -> dict[int, str]:
    """annotator id -> name."""
    return {row.id: row.name for row in connection.execute(sa.select(annotator.c.id, annotator.c.name))}


def last_id(connection: sa.Connection) -> int:
    """The id of the newest row: with it a run freezes what it learns from."""
    return connection.execute(_NEWEST_ID).scalar() or 0


def add(connection: sa.Connection, statements: Sequence[NewAnnotation], *, by: int) -> int:
    """Store statements of one annotator, in order; those whose uid is known are left out. Returns how many are new.

    The image ids must exist (a foreign key guards them).
    """
    fresh = _without_known(connection, statements)
    for start in range(0, len(fresh), images.CHUNK):
        _add_chunk(connection, fresh[start : start + images.CHUNK], by)
    return len(fresh)


def _without_known(connection: sa.Connection, statements: Sequence[NewAnnotation]) -> list[NewAnnotation]:
    by_uid = {statement.uid: statement for statement in statements}
    uids = list(by_uid)
    for start in range(0, len(uids), images.CHUNK):
        for uid in connection.execute(_KNOWN_UIDS, {"uids": uids[start : start + images.CHUNK]}).scalars():
            del by_uid[uid]
    return list(by_uid.values())


def _add_chunk(connection: sa.Connection, statements: list[NewAnnotation], by: int) -> None:
    moment = now()
    inserted = connection.execute(
        _ADD,
        [
            {
                "uid": statement.uid,
                "image_id": statement.image_id,
                "annotator_id": by,
                "taxonomy_id": statement.taxonomy,
                "kind": statement.kind,
                "node_key": statement.node,
                "seconds": statement.seconds,
                "shown": statement.shown,
                "created_at": moment,
            }
            for statement in statements
        ],
    ).scalars()
    read = _Reader(connection)
    readings = {
        s.image_id: reading
        for row_id, s in zip(inserted, statements, strict=True)
        # One that says nothing any more leaves the word as it was.
        if (reading := read(row_id, s.taxonomy, s.kind, s.node))
    }
    set_words(connection, by, readings)


def set_words(connection: sa.Connection, by: int, latest: Mapping[int, Statement | None]) -> None:
    """Make these the annotator's words (None: no word any more) and carry every count along."""
    mine = {"who": by, "ids": list(latest)}
    before = connection.execute(_BEFORE, mine).all()
    had = {row.id for row in before if row.kind is not None}
    labels: Counter[tuple[str, str, str]] = Counter()
    for row in before:
        if row.id in had:
            labels[row.node_key, row.kind, row.split] -= 1
        after = latest[row.id]
        if after is not None:
            labels[after.key, after.kind, row.split] += 1
    if had:
        connection.execute(_FORGET_WORDS, mine)
    new = [_word_row(image_id, by, said) for image_id, said in latest.items() if said is not None]
    if new:
        connection.execute(_ADD_WORDS, new)
    for (key, kind, split), change in labels.items():
        _change_label_tally(connection, key, kind, split, change)
    _count_words(connection, before, {row.id: (latest[row.id] is not None) - (row.id in had) for row in before})


def _word_row(image_id: int, by: int, said: Statement) -> dict[str, int | str | None]:
    return {
        "image_id": image_id,
        "annotator_id": by,
        "annotation_id": said.id,
        "kind": said.kind,
        "node_key": said.key,
        "second_look_id": said.second_look,
    }


def _change_label_tally(connection: sa.Connection, key: str, kind: str, split: str, by: int) -> None:
    if not by:
        return
    tally = {"key": key, "of_kind": kind, "of_split": split, "more": by}
    if not connection.execute(_LABEL_TALLY, tally).rowcount:
        connection.execute(label_tally.insert().values(node_key=key, kind=kind, split=split, total=by))


def _count_words(connection: sa.Connection, counted: Sequence[sa.Row], changes: dict[int, int]) -> None:
    """Carry `image.words` and the number of labelled images along.

    counted: id, split and words so far of each image; changes: image id -> -1, 0 or 1.
    """
    for change in (-1, 1):
        ids = [row.id for row in counted if changes[row.id] == change]
        if ids:
            connection.execute(_COUNT, {"ids": ids, "more": change})
    crossing: dict[str, int] = {}
    for row in counted:
        crossing[row.split] = crossing.get(row.split, 0) + (row.words + changes[row.id] > 0) - (row.words > 0)
    for split, count in crossing.items():
        if count:
            images.move_tally(connection, split, to_labelled=count)
    places.set_out_lost(connection, [row.id for row in counted if row.words + changes[row.id] == 0 > changes[row.id]])


def withdraw(connection: sa.Connection, uid: str, *, by: int, withdrawal_uid: str) -> bool:
    """Take back one's own statement by its uid; a row of its own says so. False where there is no such statement.

    Doing it twice is harmless.
    """
    row = connection.execute(
        sa.select(annotation).where(
            (annotation.c.uid == uid) & (annotation.c.annotator_id == by) & (annotation.c.kind != WITHDRAWAL)
        )
    ).first()
    if row is None:
        return False
    known = sa.select(annotation.c.id).where(annotation.c.withdraws_id == row.id)
    if connection.execute(known).first() is None:
        connection.execute(
            annotation.insert().values(
                uid=withdrawal_uid, image_id=row.image_id, annotator_id=by, taxonomy_id=row.taxonomy_id,
                kind=WITHDRAWAL, node_key="", seconds=0.0, shown={}, withdraws_id=row.id, created_at=now(),
            )
        )  # fmt: skip
        set_words_anew(connection, by, [row.image_id])
    return True


def set_words_anew(connection: sa.Connection, by: int, image_ids: Sequence[int]) -> None:
    """Read one annotator's statements on these images once more: the last one that says something is their word."""
    read = _Reader(connection)
    for start in range(0, len(image_ids), images.CHUNK):
        chunk = image_ids[start : start + images.CHUNK]
        latest: dict[int, Statement | None] = dict.fromkeys(chunk)
        mine = (annotation.c.annotator_id == by) & annotation.c.image_id.in_(chunk)
        # The sum keeps SQLite from walking along all that the annotator ever said.
        for row in connection.execute(_standing(upto=None).where(mine).order_by(annotation.c.id + 0)):
            latest[row.image_id] = read(row.id, row.taxonomy_id, row.kind, row.node_key) or latest[row.image_id]
        set_words(connection, by, latest)


def _standing(upto: int | None) -> sa.Select:
    """Statements that were not withdrawn, as of the row `upto`."""
    taken_back = annotation.alias("taken_back")
    joined = taken_back.c.withdraws_id == annotation.c.id
    query = sa.select(annotation)
    if upto is not None:
        joined &= taken_back.c.id <= upto
        query = query.where(annotation.c.id <= upto)
    return query.outerjoin(taken_back, joined).where(taken_back.c.id.is_(None) & (annotation.c.kind != WITHDRAWAL))


def statements(connection: sa.Connection, *, upto: int) -> list[Annotation]:
    """Every statement that stood when row `upto` was the newest, oldest first; node keys as they were said."""
    query = (
        _standing(upto)
        .add_columns(annotator.c.name.label("annotator_name"))
        .join(annotator, annotator.c.id == annotation.c.annotator_id)
    )
    return [_record(row, withdrawn=False) for row in connection.execute(query.order_by(annotation.c.id))]


def taught_since(connection: sa.Connection, row_id: int) -> tuple[int, int]:
    """(labels on training pictures that are newer than this row and stand, older ones that were taken back since)."""
    taken_back = annotation.alias("taken_back")
    said = (annotation.c.id > row_id) & annotation.c.kind.not_in((WITHDRAWAL, "unusable"))
    new = (
        sa.select(sa.func.count())
        .select_from(annotation.join(image).outerjoin(taken_back, taken_back.c.withdraws_id == annotation.c.id))
        .where(said & (image.c.split == "train") & taken_back.c.id.is_(None))
    )
    gone = (
        sa.select(sa.func.count())
        .select_from(annotation.join(image))
        .where((annotation.c.id > row_id) & (annotation.c.withdraws_id <= row_id) & (image.c.split == "train"))
    )
    return connection.execute(new).scalar() or 0, connection.execute(gone).scalar() or 0


def history(connection: sa.Connection, image_id: int) -> list[Annotation]:
    """All that was ever said about one image, oldest first, withdrawn statements marked."""
    taken_back = annotation.alias("taken_back")
    query = (
        sa.select(annotation, annotator.c.name.label("annotator_name"), taken_back.c.id.label("withdrawal"))
        .join(annotator, annotator.c.id == annotation.c.annotator_id)
        .outerjoin(taken_back, taken_back.c.withdraws_id == annotation.c.id)
        .where((annotation.c.image_id == image_id) & (annotation.c.kind != WITHDRAWAL))
        .order_by(annotation.c.id)
    )
    return [_record(row, withdrawn=row.withdrawal is not None) for row in connection.execute(query)]


def _record(row: sa.Row, *, withdrawn: bool) -> Annotation:
    return Annotation(
        row.id, row.uid, row.image_id, row.annotator_name, row.node_key, row.kind, row.taxonomy_id,
        row.seconds, row.created_at, withdrawn,
    )  # fmt: skip


def words(connection: sa.Connection, image_ids: Iterable[int] | None = None) -> list[Word]:
    """What annotators say now, about these images or all; node keys of the newest taxonomy; by image id."""
    query = (
        sa.select(word, annotator.c.name)
        .join(annotator, annotator.c.id == word.c.annotator_id)
        .order_by(word.c.image_id)
    )
    if image_ids is None:
        rows = connection.execute(query).all()
    else:
        wanted = list(image_ids)
        rows = []
        for start in range(0, len(wanted), images.CHUNK):
            rows += connection.execute(query.where(word.c.image_id.in_(wanted[start : start + images.CHUNK]))).all()
    return [Word(row.image_id, row.name, row.node_key, row.kind, row.annotation_id) for row in rows]


def places_said(connection: sa.Connection, image_ids: Sequence[int] | None = None) -> list[tuple[int, int, str]]:
    """(image id, annotator id, node key) of every word on these images, or all, that says where an image belongs."""
    query = sa.select(word.c.image_id, word.c.annotator_id, word.c.node_key).where(word.c.kind.in_(("is", "none_here")))
    if image_ids is None:
        return [(image_id, by, key) for image_id, by, key in connection.execute(query)]
    chunks = (image_ids[start : start + images.CHUNK] for start in range(0, len(image_ids), images.CHUNK))
    found = (row for chunk in chunks for row in connection.execute(query.where(word.c.image_id.in_(chunk))))
    return [(image_id, by, key) for image_id, by, key in found]


def tallies(connection: sa.Connection) -> list[tuple[str, str, str, int]]:
    """(node key, kind, split, number of words) for all that is not zero; never scans the statements."""
    query = sa.select(label_tally).where(label_tally.c.total != 0)
    return [(row.node_key, row.kind, row.split, row.total) for row in connection.execute(query)]


def rebuild(connection: sa.Connection) -> None:
    """Make words and counts anew from the statements, as they read in the newest taxonomy."""
    for table in (word, label_tally, image_tally):
        connection.execute(table.delete())
    rows = _words_as_said(connection)
    if rows:
        connection.execute(word.insert(), rows)
    _count_all(connection)


def _words_as_said(connection: sa.Connection) -> list[dict[str, int | str | None]]:
    """The rows of `word` as they follow from all statements."""
    read = _Reader(connection)
    latest: dict[tuple[int, int], Statement] = {}
    for row in connection.execute(_standing(upto=None).order_by(annotation.c.id)):
        said = read(row.id, row.taxonomy_id, row.kind, row.node_key)
        if said is not None:
            latest[row.image_id, row.annotator_id] = said
    return [_word_row(*place, said) for place, said in latest.items()]


def wrong_words(connection: sa.Connection) -> int:
    """How many annotators' words are not what their statements say now. Reads every statement."""
    said = {tuple(row.values()) for row in _words_as_said(connection)}
    columns = ("image_id", "annotator_id", "annotation_id", "kind", "node_key", "second_look_id")
    kept = {tuple(row) for row in connection.execute(sa.select(*(word.c[name] for name in columns)))}
    return len({row[:2] for row in said ^ kept})


def _count_all(connection: sa.Connection) -> None:
    """Fill the empty tallies, and `image.words`, from the words."""
    mine = sa.select(sa.func.count()).where(word.c.image_id == image.c.id).scalar_subquery()
    is_there = image.c.words > images.OUT
    connection.execute(image.update().where(is_there).values(words=mine))
    lies = sa.exists().where(image_path.c.image_id == image.c.id)
    connection.execute(image.update().where((image.c.words == 0) & ~lies).values(words=images.OUT))
    labels = (word.c.node_key, word.c.kind, image.c.split)
    counted = sa.select(*labels, sa.func.count()).join(image, image.c.id == word.c.image_id).group_by(*labels)
    connection.execute(label_tally.insert().from_select(["node_key", "kind", "split", "total"], counted))
    done = (image.c.split, image.c.words > 0)
    counted = sa.select(*done, sa.func.count()).where(is_there).group_by(*done)
    connection.execute(image_tally.insert().from_select(["split", "labelled", "total"], counted))
