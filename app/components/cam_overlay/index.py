"""A picture, and the same picture once per level with a heatmap over it. How strong the heat shows is set in the browser."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import streamlit as st

from app import resources

HERE = Path(__file__).parent
_COMPONENT = st.components.v2.component(
    "hmgc_cam_overlay",
    html="<div class='overlay'>\n</div>",
    css=(HERE / "cam_overlay.css").read_text(),
    js=(HERE / "cam_overlay.js").read_text(),
)


@dataclass(frozen=True)
class HeatTile:
    """One picture of the row. place: which heatmap of the inspection lies over it."""

    name: str
    share: str
    place: int


def show_picture(image_id: int, *, width: int, height: int, alt: str) -> None:
    """One large picture, nothing over it; width and height in pixels give it its place before it has come."""
    data = {"image": image_id, "alt": alt, "w": 960, "ratio": width / height, "of": resources.fingerprint()}
    _COMPONENT(key=f"picture-{image_id}", data=data)


def show_heat(image_id: int, inspection_id: int, tiles: Sequence[HeatTile], *, width: int, height: int) -> None:
    """The picture as it is, beside it one per heatmap, and a slider for how strong the heat shows."""
    data = {
        "image": image_id,
        "alt": "The picture",
        "w": 640,
        "ratio": width / height,
        "of": resources.fingerprint(),
        "inspection": inspection_id,
        "tiles": [asdict(tile) for tile in tiles],
    }
    _COMPONENT(key=f"heat-{inspection_id}", data=data)
