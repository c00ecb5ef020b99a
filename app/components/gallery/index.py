"""A grid of pictures to look through, to open and to mark. Only numbers and names are sent.

What is done with marked pictures goes to the app's own routes, and no page runs for it: see decision 20.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import streamlit as st

from app import resources
from app.components import wording
from app.components.gallery import signing
from app.components.gallery.packing import packed
from app.components.gallery.script import SCRIPT
from hmgc_core.taxonomy import Taxonomy
from hmgc_core.workflow.seeing import Card

# All of the script comes by a route, once: with each page of a gallery travels no more than its loader.
_COMPONENT = st.components.v2.component("hmgc_gallery", html="<div class='room'>\n</div>", js=SCRIPT.loader())
VERDICTS = ("unlabelled", "right", "wrong")
WORDS = {"<1%": 0, ">99%": 101}  # shares that are no whole per cent


def show(
    cards: Sequence[Card],
    *,
    key: str,
    on_open: Callable[[int], None],
    marks: str = "",
    link: dict[str, str] | None = None,
    tree: Taxonomy | None = None,
    note: str = "",
    on_save: Callable[[], None] | None = None,
) -> int | None:
    """Draw predictions; a click calls `on_open(image)` before the page runs again, and gives the image in that run.

    marks: galleries of the same name share what is marked; the key where it is "".
    link: what a copied link says beside the address of now; None: there is no link to copy.
    tree: the one of the cards, where they are all of one run: the browser knows its names, and only numbers are sent.
    note: what stands above the pictures, as text.
    on_save: keeps all that was found, this page and the others; called while the page runs.
    """
    names: dict[object, int] = {}
    others: dict[str, int] = {}  # what another run answers, where two are compared
    rows = []
    for card in cards:
        words = card.nodes if tree else (card.predicted, card.label)
        predicted, label = (int(word) if tree else names.setdefault(word, len(names)) for word in words)
        # What people say is told where it is not the answer itself: another class, or one above it.
        told = label if card.label not in ("", card.predicted) else -1
        verdict = VERDICTS.index(card.verdict)
        other = [others.setdefault(card.other, len(others))] if card.other else []
        rows.append([card.image_id, predicted, told, _share(card.probability) * len(VERDICTS) + verdict, *other])
    data = {
        "cards": packed(rows),
        "marks": marks or key,
        **({"tree": tree.content_hash} if tree else {"names": list(names)}),
        **({"others": list(others)} if others else {}),
        **({"link": link} if link is not None else {}),
        **({"note": note} if note else {}),
        **({"save": 1} if on_save else {}),
    }
    return mount(data, key, on_open, on_save)


def _share(probability: float) -> int:
    """A share in per cent, 0 for less than one and 101 for nearly all: as `wording.percent` words it."""
    text = wording.percent(probability)
    return WORDS.get(text, int(text.strip("<>%")))


def show_plain(image_ids: Sequence[int], *, key: str, marks: str = "", node: str = "") -> int | None:
    """Draw pictures without a word under them; gives the image that was clicked, in the run after the click.

    marks: as in `show`. node: the class they are shown for: marks as its reference pictures can be taken back here.
    """
    data = {"cards": packed([image_id] for image_id in image_ids), "marks": marks or key}
    data |= {"node": node} if node else {}
    return mount(data, key, lambda _image: None)


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

    def opened() -> None:
        on_open(int(st.session_state[key].opened))

    def taken() -> None:
        on_take_back(str(st.session_state[key].taken))

    data = {"said": rows, "of": resources.fingerprint()}
    mounted = _COMPONENT(key=key, data=data, on_opened_change=opened, on_taken_change=taken)
    return None if mounted.opened is None else int(mounted.opened)


def mount(
    data: Mapping[str, object],
    key: str,
    on_open: Callable[[int], None],
    on_save: Callable[[], None] | None = None,
) -> int | None:
    """Draw a gallery in which pictures can be marked, and do what it asks of the page."""

    def opened() -> None:
        on_open(int(st.session_state[key].opened))

    mounted = _COMPONENT(
        key=key,
        data={**data, "of": resources.fingerprint(), **signing.signature()},
        on_opened_change=opened,
        on_queue_change=_rerun_follows,
        on_who_change=_rerun_follows,
        on_save_change=_rerun_follows,
        on_changed_change=_rerun_follows,
        on_renew_change=signing.renew,
    )
    if mounted.queue:
        st.switch_page("pages/annotate.py", query_params={"queue": str(mounted.queue)})
    if mounted.who:
        signing.ask()
    if mounted.save and on_save:
        on_save()
    if mounted.changed is not None:
        st.rerun()  # all of the page: labels were made or taken back, and it counts them
    return None if mounted.opened is None else int(mounted.opened)


def _rerun_follows() -> None:
    """Nothing to do: the run that follows sees what was asked."""
