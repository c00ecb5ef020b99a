"""Verbs of annotators: who labels, a statement, its withdrawal, and how much is done."""

import math
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import sqlalchemy as sa

from hmgc_core.demo.labels import ANSWER_KEY
from hmgc_core.errors import BadRequest, UnknownImage
from hmgc_core.records import KINDS, Annotation, NewAnnotation
from hmgc_core.store import annotations, images, places, sharing
from hmgc_core.store.workspace import Workspace
from hmgc_core.taxonomy import Taxonomy
from hmgc_core.workflow.pictures import IMPORTER
from hmgc_core.workflow.taxonomies import newest_taxonomy, taxonomy_version

LONGEST_NAME = 60
LONGEST_UID = 80
MOST_SHOWN = 2000


def annotator(ws: Workspace, name: str) -> str:
    """Make sure there is an annotator of this name; returns the tidied name. Raises BadRequest for a useless one."""
    tidy = " ".join(unicodedata.normalize("NFC", name).split())
    if not tidy or not tidy.isprintable():
        raise BadRequest("a name is needed", remedy="type the name your labels should carry")
    if len(tidy) > LONGEST_NAME:
        raise BadRequest(f"a name of {len(tidy)} letters", remedy=f"use at most {LONGEST_NAME}")
    with ws.writing() as connection:
        annotations.annotator_id(connection, tidy)
    return tidy


def annotators(ws: Workspace) -> list[str]:
    """Names of all annotators, oldest first."""
    with ws.reading() as connection:
        return annotations.annotators(connection)


def people(ws: Workspace) -> list[str]:
    """Names of the annotators who may label by hand, oldest first: imports and the demo's answer key are none."""
    return [name for name in annotators(ws) if name not in (IMPORTER, ANSWER_KEY)]


def annotate(ws: Workspace, statements: Sequence[NewAnnotation], *, annotator: str) -> int:
    """Store what an annotator said; sending the same again changes nothing. Returns how many were new.

    Raises as `annotate_and_count` does.
    """
    return annotate_and_count(ws, statements, annotator=annotator)[0]


def annotate_and_count(
    ws: Workspace, statements: Sequence[NewAnnotation], *, annotator: str
) -> tuple[int, "ImageCounts"]:
    """Store what an annotator said, as `annotate` does; returns how many were new, and how much is done now.

    A statement's node is checked against the taxonomy version it was made in, so a key retired since is kept and led to
    its successor. Raises UnknownNode, UnknownImage or BadRequest, and then stores none of them.
    """
    for statement in statements:
        _check(ws, statement)
    with ws.writing() as connection:
        ids = {statement.image_id for statement in statements}
        words = images.words(connection, list(ids))
        missing = ids - words.keys()
        if missing:
            raise UnknownImage(f"there is no image {min(missing)}", remedy="reload the page")
        # What was taken back with its import is kept by this label.
        places.put_back(connection, [number for number, count in words.items() if count == images.OUT])
        by = annotations.annotator_id(connection, annotator)
        # An "it is not" leaves the picture where it is: in the annotator's hands.
        sharing.release(connection, by, [s.image_id for s in statements if s.kind != "is_not"])
        new = annotations.add(connection, statements, by=by)
        return new, _image_counts(connection)


def _check(ws: Workspace, statement: NewAnnotation) -> None:
    if not 8 <= len(statement.uid) <= LONGEST_UID:
        raise BadRequest(f"a uid has 8 to {LONGEST_UID} characters", remedy="send a random UUID")
    if statement.kind not in KINDS:
        raise BadRequest(f"there is no kind {statement.kind!r}", remedy=f"send one of {', '.join(KINDS)}")
    if not (math.isfinite(statement.seconds) and statement.seconds >= 0):
        raise BadRequest("seconds must be a number from 0", remedy="send how long the image was looked at")
    if len(repr(statement.shown)) > MOST_SHOWN:
        raise BadRequest("`shown` is too large", remedy=f"send at most {MOST_SHOWN} characters")
    taxonomy = taxonomy_version(ws, statement.taxonomy)
    if statement.kind == "unusable":
        if statement.node:
            raise BadRequest("an unusable image has no node", remedy="send an empty node")
        return
    node = taxonomy.index(statement.node)
    if statement.kind == "is_not" and node == 0:
        raise BadRequest("'is_not' at the root says nothing can be said", remedy="send `unusable`")


def withdraw(ws: Workspace, uid: str, *, annotator: str) -> "ImageCounts":
    """Take back one's own statement; returns how much is done now. Raises BadRequest where they made no such one."""
    with ws.writing() as connection:
        by = annotations.annotator_id(connection, annotator)
        if not annotations.withdraw(connection, uid, by=by, withdrawal_uid=f"withdraw-{uid}"[:LONGEST_UID]):
            raise BadRequest("you made no such label", remedy="reload the page")
        return _image_counts(connection)


def image_history(ws: Workspace, image_id: int) -> list[Annotation]:
    """All that was ever said about one image, oldest first."""
    with ws.reading() as connection:
        return annotations.history(connection, image_id)


@dataclass(frozen=True)
class LabelCounts:
    """How much is labelled, read from kept counts. `by_level[0]` counts labels at the root, `[1]` at the top level, ….

    images and labelled count images; by_kind and by_level count annotators' current words.
    """

    images: int
    labelled: int
    by_split: dict[str, tuple[int, int]]
    by_kind: dict[str, int]
    by_level: list[int]
    train_by_level: list[int]

    @property
    def unlabelled(self) -> int:
        """Images nobody has labelled."""
        return self.images - self.labelled


class ImageCounts(NamedTuple):
    """images, and how many of them are labelled; counts with a larger `at` (the newest annotation) are newer."""

    images: int
    labelled: int
    at: int


def image_counts(ws: Workspace) -> ImageCounts:
    """How much is done, read from kept counts without a look at the labels."""
    with ws.reading() as connection:
        return _image_counts(connection)


def _image_counts(connection: sa.Connection) -> ImageCounts:
    tallies, at = images.tallies(connection), annotations.last_id(connection)
    labelled = sum(count for (_, is_labelled), count in tallies.items() if is_labelled)
    return ImageCounts(sum(tallies.values()), labelled, at)


def label_counts(ws: Workspace) -> LabelCounts:
    """How much is labelled, per split, kind and level; costs one read of small tables."""
    tree = newest_taxonomy(ws)
    with ws.reading() as connection:
        by_image = images.tallies(connection)
        words = annotations.tallies(connection)
    by_split: dict[str, tuple[int, int]] = {}
    for (split, labelled), count in by_image.items():
        total, done = by_split.get(split, (0, 0))
        by_split[split] = total + count, done + count * labelled
    by_kind: dict[str, int] = {}
    for _, kind, _, count in words:
        by_kind[kind] = by_kind.get(kind, 0) + count
    return LabelCounts(
        images=sum(total for total, _ in by_split.values()),
        labelled=sum(done for _, done in by_split.values()),
        by_split=by_split,
        by_kind=by_kind,
        by_level=_by_level(tree[1] if tree else None, words, ("train", "val", "test")),
        train_by_level=_by_level(tree[1] if tree else None, words, ("train",)),
    )


def _by_level(taxonomy: Taxonomy | None, words: list[tuple[str, str, str, int]], splits: Sequence[str]) -> list[int]:
    levels = [0] * (taxonomy.depth + 1 if taxonomy else 0)
    for key, kind, split, count in words:
        if taxonomy and kind in ("is", "none_here") and split in splits and key in taxonomy:
            levels[taxonomy.depths[taxonomy.index(key)]] += count
    return levels


def taxonomy_for_screen(taxonomy: Taxonomy) -> dict[str, Any]:
    """The class tree as small JSON arrays: keys, parents, and names, synonyms and notes only where there are any."""
    nodes = range(len(taxonomy))
    return {
        "keys": list(taxonomy.keys),
        "parents": taxonomy.parents.tolist(),
        "names": {i: taxonomy.name(i) for i in nodes if taxonomy.name(i) != taxonomy.keys[i]},
        "synonyms": {i: list(taxonomy.synonyms(i)) for i in nodes if taxonomy.synonyms(i)},
        "notes": {i: taxonomy.note(i) for i in nodes if taxonomy.note(i)},
    }
