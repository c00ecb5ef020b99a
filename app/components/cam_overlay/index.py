"""A picture, and the same picture once per level with a heatmap over it; how strong it shows is set in the browser."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import streamlit as st

from app import resources
from hmgc_core.records import ImageRecord

HERE = Path(__file__).parent
_COMPONENT = st.components.v2.component(
    "hmgc_cam_overlay",
    html="<div class='overlay'>\n</div>",
    css=(HERE / "cam_overlay.css").read_text(),
    js=(HERE / "cam_overlay.js").read_text(),
)


@dataclass(frozen=True)
class HeatTile:
    """One picture of the row. place: which of the heatmaps lies over it, None for none.

    rather: what the class is held against. note: what to know where there is nothing to see. All plain text.
    """

    name: str
    share: str
    place: int | None
    rather: str = ""
    note: str = ""


def show_picture(image: ImageRecord) -> None:
    """One large picture, nothing over it."""
    _COMPONENT(key=f"picture-{image.id}", data=_data(image, name=f"Picture {image.id}", side=960))


def show_heat(
    image: ImageRecord,
    *,
    key: str,
    menus: Sequence[dict[str, Any]],
    tiles: Sequence[HeatTile],
    heat: str,
    waiting: bool,
    words: str,
    on_choice: Callable[[str, str], None],
) -> None:
    """The picture as it is, beside it one per heatmap; above, menus and a slider for how strong the heat shows.

    menus: {label, options, chosen}; a choice calls `on_choice` with the first two parts of its option. heat: who made
    the heatmaps, as `app.server.heatmaps` names it, "" while they are not there; waiting: whether they
    will be there. words: what to know of all of them, plain text.
    """

    def chosen() -> None:
        on_choice(*map(str, st.session_state[key].choice))

    shown = {
        "menus": menus,
        "tiles": [asdict(tile) for tile in tiles],
        "heat": heat,
        "waiting": waiting,
        "words": words,
    }
    data = _data(image, name="The picture", side=640) | shown
    _COMPONENT(key=key, data=data, on_choice_change=chosen)


def _data(image: ImageRecord, *, name: str, side: int) -> dict[str, Any]:
    """What the browser needs of a picture; its proportions give it its place before it has come."""
    return {
        "image": image.id,
        "alt": name,
        "w": side,
        "ratio": image.width / image.height,
        "size": image.width,
        "of": resources.fingerprint(),
    }
