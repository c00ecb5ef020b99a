"""Verbs of reference pictures: mark some as good examples of a class, take that back, see which there are."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from hmgc_core.errors import BadRequest, UnknownImage
from hmgc_core.store import annotations, images, references
from hmgc_core.store.workspace import Workspace
from hmgc_core.taxonomy import Taxonomy
from hmgc_core.workflow.taxonomies import current_taxonomy

MOST_AT_ONCE = 500


@dataclass(frozen=True)
class ReferenceMark:
    """A picture marked as an example of a class. node: its key now, "" where the tree has it no more; said: the key it
    was marked for. is_test: it is a test picture, and so is not shown beside the label form."""

    image_id: int
    node: str
    said: str
    annotator: str
    created_at: datetime
    is_test: bool


@dataclass(frozen=True)
class Marked:
    """What marking did. new: pictures marked now; already: how many were; test: how many of all are test pictures."""

    new: tuple[int, ...]
    already: int
    test: int


def mark(ws: Workspace, node: str, image_ids: Sequence[int], *, annotator: str) -> Marked:
    """Mark pictures as examples of a class of the tree in use; all of them or, at an error, none.

    Raises UnknownNode, UnknownImage or BadRequest.
    """
    wanted = list(dict.fromkeys(image_ids))
    _check(ws, node, wanted)
    with ws.writing() as connection:
        there = images.get_many(connection, wanted)
        missing = [image_id for image_id in wanted if image_id not in there]
        if missing:
            raise UnknownImage(f"there is no image {missing[0]}", remedy="reload the page")
        known = {m.image_id for m in references.all_references(connection, wanted) if m.leads_to == node}
        by = annotations.annotator_id(connection, annotator)
        new = tuple(image_id for image_id in wanted if image_id not in known)
        references.add(connection, node, new, by=by)
    return Marked(new, len(known), sum(record.split == "test" for record in there.values()))


def unmark(ws: Workspace, node: str, image_ids: Sequence[int]) -> tuple[int, ...]:
    """Take marks for a class back, whoever made them; returns the pictures that had one. Raises BadRequest.

    node: a key of the tree in use, or one that it no longer has.
    """
    wanted = list(dict.fromkeys(image_ids))
    if not wanted or len(wanted) > MOST_AT_ONCE:
        raise BadRequest(f"{len(wanted)} pictures at once", remedy=f"send 1 to {MOST_AT_ONCE}")
    _, taxonomy = current_taxonomy(ws)
    with ws.writing() as connection:
        marks = references.all_references(connection, wanted)
        meant = [m for m in marks if node == (m.leads_to if m.leads_to in taxonomy else m.node)]
        references.remove(connection, meant)
    return tuple(dict.fromkeys(mark.image_id for mark in meant))


def of_image(ws: Workspace, image_id: int) -> list[ReferenceMark]:
    """What a picture is marked as an example of, oldest first."""
    _, taxonomy = current_taxonomy(ws)
    with ws.reading() as connection:
        return [_read(taxonomy, m) for m in references.all_references(connection, [image_id])]


def of_class(ws: Workspace, node: str, *, below: bool = False) -> list[ReferenceMark]:
    """Pictures marked as examples of a class, oldest first; below: also those of the classes below it, after its own.

    Raises UnknownNode.
    """
    _, taxonomy = current_taxonomy(ws)
    top = taxonomy.index(node)
    with ws.reading() as connection:
        marks = [_read(taxonomy, m) for m in references.all_references(connection)]
    own = [m for m in marks if m.node == node]
    if not below:
        return own
    inside = [m for m in marks if m.node not in ("", node) and taxonomy.is_at_or_below(taxonomy.index(m.node), top)]
    return own + inside


def _check(ws: Workspace, node: str, image_ids: Sequence[int]) -> None:
    _, taxonomy = current_taxonomy(ws)
    if taxonomy.index(node) == 0:
        raise BadRequest("every picture is an example of the whole tree", remedy="choose a class below it")
    if not image_ids or len(image_ids) > MOST_AT_ONCE:
        raise BadRequest(f"{len(image_ids)} pictures at once", remedy=f"send 1 to {MOST_AT_ONCE}")


def _read(taxonomy: Taxonomy, mark: references.Reference) -> ReferenceMark:
    node = mark.leads_to if mark.leads_to in taxonomy else ""
    return ReferenceMark(mark.image_id, node, mark.node, mark.annotator, mark.created_at, mark.split == "test")
