"""Verbs of labelling many marked pictures in one go: what it would do, doing it, and taking it back, whole.

A group is one such act. Its name is made by who asks and gives every label its uid, so that a lost answer is asked for
again without harm. Large groups go in several chunks, each one transaction.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from hmgc_core.errors import BadRequest
from hmgc_core.records import NewAnnotation, Word
from hmgc_core.store import annotations, images, label_groups, predictions
from hmgc_core.store.workspace import Workspace
from hmgc_core.workflow import labelling
from hmgc_core.workflow.labelling import ImageCounts
from hmgc_core.workflow.seeing import newest_done
from hmgc_core.workflow.taxonomies import current_taxonomy, taxonomy_version
from hmgc_core.workflow.turns import Turns

MOST_AT_ONCE = 500  # pictures in one chunk of labels
MOST_LOOKED_AT = 5000  # pictures in one look
SOURCE = "gallery"
GONE, UNKNOWN = "the file is gone", "there is no such picture"

_GROUP = re.compile(r"[0-9a-f-]{16,40}")


@dataclass(frozen=True)
class Refused:
    """A picture that cannot be labelled, and why."""

    image_id: int
    why: str


@dataclass(frozen=True)
class Look:
    """What labelling would do, each in the order asked.

    new: pictures without a word of this person. changed: their words that would change. already: they say so already.
    others: words of other people that cannot be true where the class is.
    """

    new: tuple[int, ...]
    changed: tuple[Word, ...]
    already: tuple[int, ...]
    refused: tuple[Refused, ...]
    others: tuple[Word, ...] = ()


@dataclass(frozen=True)
class Group:
    """One act. name: 16 to 40 letters of a UUID, the same at a second try. node: a key, of the version `taxonomy`.

    seconds: what one picture took, a share of the time spent on all. pictures: how many were labelled together.
    """

    name: str
    node: str
    taxonomy: int
    seconds: float = 0.0
    pictures: int = 0


@dataclass(frozen=True)
class Done:
    """What became of a chunk. saved: pictures that have a label of this group, `new` of them since this try."""

    saved: int
    new: int
    already: int
    refused: tuple[Refused, ...]
    counts: ImageCounts


def likely(ws: Workspace, image_ids: Sequence[int], *, most: int = 4) -> list[tuple[str, int]]:
    """(key, number of pictures) of the classes that the newest run takes these pictures for most often."""
    wanted = _each_once(image_ids, most=MOST_LOOKED_AT)
    run = newest_done(ws)
    if run is None:
        return []
    _, taxonomy = current_taxonomy(ws)
    with ws.reading() as connection:
        counted = predictions.count_among(connection, run.id, wanted)
    known = [(key, count) for key, count in counted.items() if key in taxonomy]
    return sorted(known, key=lambda pair: (-pair[1], taxonomy.index(pair[0])))[:most]


def look(ws: Workspace, node: str, taxonomy: int, image_ids: Sequence[int], *, annotator: str) -> Look:
    """What labelling these pictures as `node` would do. Raises UnknownNode or BadRequest, for a class retired since."""
    _check_class(ws, node, taxonomy)
    return _look(ws, node, _each_once(image_ids, most=MOST_LOOKED_AT), annotator)


def _look(ws: Workspace, node: str, wanted: Sequence[int], annotator: str) -> Look:
    refused = _refused(ws, wanted)
    with ws.reading() as connection:
        said = annotations.words(connection, wanted)
    own = {word.image_id: word for word in said if word.annotator == annotator}
    gone = {one.image_id for one in refused}
    there = [image_id for image_id in wanted if image_id not in gone]
    same = {
        image_id for image_id in there if image_id in own and (own[image_id].kind, own[image_id].node) == ("is", node)
    }
    return Look(
        new=tuple(i for i in there if i not in own),
        changed=tuple(own[i] for i in there if i in own and i not in same),
        already=tuple(i for i in there if i in same),
        refused=tuple(refused),
        others=_contradicting(ws, node, [w for w in said if w.annotator != annotator and w.image_id not in gone]),
    )


def _contradicting(ws: Workspace, node: str, words: Sequence[Word]) -> tuple[Word, ...]:
    """Those that cannot be true where `node` is: of a class neither above nor below it, or that excludes it."""
    _, taxonomy = current_taxonomy(ws)
    here = taxonomy.index(node)

    def differs(word: Word) -> bool:
        if word.node not in taxonomy or word.kind == "unusable":
            return word.kind == "unusable"
        said = taxonomy.index(word.node)
        if word.kind == "is_not":
            return bool(taxonomy.is_at_or_below(here, said))
        if word.kind == "none_here" and here != said and taxonomy.is_at_or_below(here, said):
            return True
        return not (taxonomy.is_at_or_below(here, said) or taxonomy.is_at_or_below(said, here))

    return tuple(word for word in words if differs(word))


def label(ws: Workspace, group: Group, image_ids: Sequence[int], *, annotator: str) -> Done:
    """Label one chunk of a group in one transaction; the same chunk again stores nothing twice.

    Pictures of which this person says so already get no second label. Raises UnknownNode or BadRequest, and then stores
    nothing.
    """
    _check_name(group.name)
    _check_class(ws, group.node, group.taxonomy)
    wanted = _each_once(image_ids, most=MOST_AT_ONCE)
    with ws.reading() as connection:
        before = label_groups.stored(connection, group.name, wanted)
    seen = _look(ws, group.node, [i for i in wanted if i not in before], annotator)
    saying = [*seen.new, *(word.image_id for word in seen.changed)]
    shown = {"source": SOURCE, "group": group.name, "together": group.pictures or len(wanted)}
    statements = [
        NewAnnotation(
            label_groups.uid(group.name, image_id), image_id, group.node, "is", group.taxonomy, group.seconds, shown
        )
        for image_id in saying
    ]
    new, counts = labelling.annotate_and_count(ws, statements, annotator=annotator)
    return Done(len(before) + len(saying), new, len(seen.already), seen.refused, counts)


def undo(ws: Workspace, group: str, *, annotator: str) -> tuple[int, ImageCounts]:
    """Take back every label of a person's group that stands, and no other; returns how many, and how much is done now.

    Doing it twice is harmless. Raises BadRequest for a name that no group can have.
    """
    _check_name(group)
    turns, count = Turns(ws), 0
    while True:
        with turns.writing() as connection:
            by = annotations.annotator_id(connection, annotator)
            numbers = label_groups.standing(connection, group, by=by, most=MOST_AT_ONCE)
            label_groups.take_back(connection, numbers, by=by)
        count += len(numbers)
        if len(numbers) < MOST_AT_ONCE:
            return count, labelling.image_counts(ws)


def _check_name(group: str) -> None:
    if not _GROUP.fullmatch(group):
        raise BadRequest("this is no name of a group", remedy="send a random UUID")


def _check_class(ws: Workspace, node: str, version: int) -> None:
    """A class that the sender's tree has and that still is one: many labels shall not go where nobody pointed."""
    asked = taxonomy_version(ws, version)
    asked.index(node)
    _, current = current_taxonomy(ws)
    if node not in current:
        name = asked.name(asked.index(node))
        raise BadRequest(f"the class {name!r} was retired since", remedy="reload the page and choose another class")


def _each_once(image_ids: Sequence[int], *, most: int) -> list[int]:
    wanted = list(dict.fromkeys(image_ids))
    if not wanted:
        raise BadRequest("no picture is marked", remedy="mark some pictures first")
    if len(wanted) > most:
        raise BadRequest(f"{len(wanted)} pictures at once", remedy=f"send at most {most}")
    return wanted


def _refused(ws: Workspace, image_ids: Sequence[int]) -> list[Refused]:
    """What nobody can look at is not labelled."""
    with ws.reading() as connection:
        known = images.words(connection, image_ids)
        records = images.get_many(connection, image_ids)
    found = []
    for image_id in image_ids:
        if image_id not in known:
            found.append(Refused(image_id, UNKNOWN))
        elif image_id not in records or not records[image_id].path.exists():
            found.append(Refused(image_id, GONE))
    return found
