"""Verbs of one's own labels: look through what one said, page by page, take a label back, say it again."""

import uuid

from hmgc_core.records import NewAnnotation
from hmgc_core.store import annotations, own_labels
from hmgc_core.store.own_labels import OWN_STATES, OwnFilter, OwnLabel, OwnState
from hmgc_core.store.workspace import Workspace
from hmgc_core.workflow import labelling
from hmgc_core.workflow.taxonomies import current_taxonomy

__all__ = ["OWN_STATES", "OwnFilter", "OwnLabel", "OwnState", "page", "say_again", "take_back"]


def page(ws: Workspace, wanted: OwnFilter, *, annotator: str, offset: int = 0, count: int = 48) -> list[OwnLabel]:
    """A page of what this person said, the newest first. Raises UnknownNode for a class that the tree does not have."""
    version, taxonomy = current_taxonomy(ws)
    if wanted.node:
        taxonomy.index(wanted.node)
    with ws.reading() as connection:
        by = annotations.find_id(connection, annotator)
        return own_labels.page(connection, by, wanted, taxonomy_id=version, offset=offset, count=count)


def take_back(ws: Workspace, label: OwnLabel, *, annotator: str) -> OwnLabel:
    """Take a label back and return it. Raises BadRequest where this person made no such label."""
    labelling.withdraw(ws, label.uid, annotator=annotator)
    return label


def say_again(ws: Workspace, label: OwnLabel, *, annotator: str) -> str:
    """Say anew what was taken back; returns the uid of the new label."""
    again = NewAnnotation(str(uuid.uuid4()), label.image_id, label.node, label.kind, label.taxonomy)
    labelling.annotate(ws, [again], annotator=annotator)
    return again.uid
