"""Verbs of saved selections: name a list of pictures, see which there are, forget one."""

import unicodedata
from collections.abc import Sequence

from hmgc_core.errors import BadRequest
from hmgc_core.records import Selection
from hmgc_core.store import selections
from hmgc_core.store.workspace import Workspace

LONGEST_NAME = 60


def save(ws: Workspace, name: str, image_ids: Sequence[int]) -> Selection:
    """Keep these pictures, in this order, under a name of their own. Raises BadRequest, for no picture too."""
    tidy = " ".join(unicodedata.normalize("NFC", name).split())
    if not tidy or not tidy.isprintable() or len(tidy) > LONGEST_NAME:
        raise BadRequest("the selection has no name", remedy=f"give it one of at most {LONGEST_NAME} letters")
    if not image_ids:
        raise BadRequest("there is no picture to save", remedy="choose other filters")
    with ws.writing() as connection:
        if selections.find(connection, tidy) is not None:
            raise BadRequest(f"there is a selection {tidy!r} already", remedy="choose another name, or delete that one")
        number = selections.add(connection, tidy, image_ids)
    return Selection(number, tidy, len(image_ids))


def all_selections(ws: Workspace) -> list[Selection]:
    """Every saved selection, the newest first."""
    with ws.reading() as connection:
        return selections.all_selections(connection)


def delete(ws: Workspace, number: int) -> None:
    """Forget a selection; its pictures and their labels stay. Raises BadRequest where there is none."""
    with ws.writing() as connection:
        if not selections.delete(connection, number):
            raise BadRequest(f"there is no selection {number}", remedy="reload the page")
