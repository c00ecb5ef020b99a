"""Verbs of one's own labels: look through what one said, page by page."""

from hmgc_core.store import annotations, own_labels
from hmgc_core.store.own_labels import OWN_STATES, OwnFilter, OwnLabel, OwnState
from hmgc_core.store.workspace import Workspace
from hmgc_core.workflow.taxonomies import current_taxonomy

__all__ = ["OWN_STATES", "OwnFilter", "OwnLabel", "OwnState", "page"]


def page(ws: Workspace, wanted: OwnFilter, *, annotator: str, offset: int = 0, count: int = 48) -> list[OwnLabel]:
    """A page of what this person said, the newest first. Raises UnknownNode for a class that the tree does not have."""
    version, taxonomy = current_taxonomy(ws)
    if wanted.node:
        taxonomy.index(wanted.node)
    with ws.reading() as connection:
        by = annotations.find_id(connection, annotator)
        return own_labels.page(connection, by, wanted, taxonomy_id=version, offset=offset, count=count)
