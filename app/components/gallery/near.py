"""Rows of labelled pictures that are near another one: whose label they carry, who gave it, how near they are.

They are marked and opened as in any gallery.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from app.components.gallery import index as gallery

SIGNS = {None: 0, True: 1, False: 2}


@dataclass(frozen=True)
class Tile:
    """One picture. agrees: with the answer of its row, None for neither; near: how near in words; exact: in figures."""

    image_id: int
    name: str
    agrees: bool | None
    by: str
    near: str
    exact: str


@dataclass(frozen=True)
class Row:
    """One question and its pictures. told: what they say together. other: the pictures of another class, under a title.

    nothing: what is said where there is no picture.
    """

    title: str
    told: str
    tiles: Sequence[Tile]
    other_title: str = ""
    other: Sequence[Tile] = ()
    nothing: str = "No labelled picture is known this far down the tree."


def show(rows: Sequence[Row], *, note: str, key: str, on_open: Callable[[int], None]) -> None:
    """Draw the rows, above them the note, as text; a click calls `on_open(image)` before the page runs again."""
    gallery.mount({"rows": [_row(row) for row in rows], "note": note, "marks": key}, key, on_open)


def _row(row: Row) -> dict[str, object]:
    return {
        "title": row.title,
        "told": row.told if row.tiles else row.nothing,
        "tiles": [_tile(tile) for tile in row.tiles],
        "otherTitle": row.other_title if row.other else "",
        "other": [_tile(tile) for tile in row.other],
    }


def _tile(tile: Tile) -> list[object]:
    return [tile.image_id, tile.name, SIGNS[tile.agrees], tile.by, tile.near, tile.exact]
