"""A grid of pictures to look through and to open. Only numbers and names are sent; the browser fetches the pictures."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import streamlit as st

from app import resources
from app.components import wording
from hmgc_core.workflow.seeing import Card

HERE = Path(__file__).parent
_COMPONENT = st.components.v2.component(
    "hmgc_gallery",
    html="<div class='gallery'>\n</div>",
    css=(HERE / "gallery.css").read_text(),
    js=(HERE / "gallery.js").read_text(),
)
VERDICTS = ("unlabelled", "right", "wrong")


def show(cards: Sequence[Card], *, key: str, on_open: Callable[[int], None]) -> int | None:
    """Draw predictions; a click calls `on_open(image)` before the page runs again, and gives the image in that run."""
    names: dict[str, int] = {}
    rows = []
    for card in cards:
        predicted = names.setdefault(card.predicted, len(names))
        # What people say is told where it is not the answer itself: another class, or one above it.
        label = names.setdefault(card.label, len(names)) if card.label not in ("", card.predicted) else -1
        rows.append([card.image_id, predicted, label, wording.percent(card.probability), VERDICTS.index(card.verdict)])
    return _mount({"names": list(names), "cards": rows}, key, on_open)


def show_plain(image_ids: Sequence[int], *, key: str) -> int | None:
    """Draw pictures without a word under them; gives the image that was clicked, in the run after the click."""
    return _mount({"names": [], "cards": [[image_id] for image_id in image_ids]}, key, lambda _image: None)


@dataclass(frozen=True)
class Said:
    """One label of a person: what they said of a picture, and when. uid: to take it back, "" where that is over."""

    image_id: int
    words: str
    when: str
    uid: str


def show_said(
    labels: Sequence[Said], *, key: str, on_open: Callable[[int], None], on_take_back: Callable[[str], None]
) -> int | None:
    """Draw what a person said; a click opens the picture as in `show`, a button at each label takes it back."""
    rows = [[label.image_id, label.words, label.when, label.uid] for label in labels]
    return _mount({"names": [], "cards": [], "said": rows}, key, on_open, on_take_back)


def _mount(
    data: dict[str, object],
    key: str,
    on_open: Callable[[int], None],
    on_take_back: Callable[[str], None] = lambda _uid: None,
) -> int | None:
    def opened() -> None:
        on_open(int(st.session_state[key].opened))

    def taken() -> None:
        on_take_back(str(st.session_state[key].taken))

    mounted = _COMPONENT(
        key=key, data={**data, "of": resources.fingerprint()}, on_opened_change=opened, on_taken_change=taken
    )
    return None if mounted.opened is None else int(mounted.opened)
