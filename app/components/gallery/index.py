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
_COMPONENT = st.components.v2.component("hmgc_gallery", html="<div class=room>\n</div>", js=SCRIPT.loader())
VERDICTS = ("unlabelled", "right", "wrong", "open")
WORDS = {"<1%": 0, ">99%": 101}  # shares that are no whole per cent


@dataclass(frozen=True)
class MarkLine:
    """The mark of a chart whose pictures are shown, as text, "" for none; or why there is none, where it is a problem.

    on_choose: gets the mark that was chosen on a chart, "" for none, before the page runs again.
    """

    words: str
    is_problem: bool
    on_choose: Callable[[str], None]


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
    mark: MarkLine | None = None,
) -> int | None:
    """Draw predictions; a click calls `on_open(image)` before the page runs again, and gives the image in that run.

    marks: galleries of the same name share what is marked; the key where it is "".
    link: what a copied link says beside the address of now; None: there is no link to copy.
    tree: the one of the cards, where they are all of one run: the browser knows its names, and only numbers are sent.
    note: what stands above the pictures, as text.
    on_save: keeps all that was found, this page and the others; called while the page runs.
    mark: the gallery hears the charts of the page, and names the mark.
    """
    data = {
        **_told(cards, tree),
        "marks": marks or key,
        **({"link": {word: said for word, said in link.items() if word not in st.query_params}} if link else {}),
        **({"note": note} if note else {}),
        **({"save": 1} if on_save else {}),
        **({"words": mark.words} if mark and mark.words else {}),
        **({"problem": 1} if mark and mark.is_problem else {}),
    }
    return mount(data, key, on_open, on_save, mark.on_choose if mark else None)


def _told(cards: Sequence[Card], tree: Taxonomy | None) -> dict[str, object]:
    """The cards as numbers, and the names that these stand for where the browser does not know them."""
    names: dict[str, int] = {}
    others: dict[str, int] = {}  # what another run answers with other classes
    rows = []
    for card in cards:
        if tree:
            predicted, label = card.nodes
        else:
            predicted, label = (names.setdefault(word, len(names)) for word in (card.predicted, card.label))
        # What people say is told where it is not the answer itself: another class, or one above it.
        told = label if card.label not in ("", card.predicted) else -1
        other = card.other_node
        if other < 0 and card.other:
            other = others.setdefault(card.other, len(others))
        sure = _share(card.probability) * len(VERDICTS) + VERDICTS.index(card.verdict)
        rows.append([card.image_id, predicted, told, sure, other])
    if all(row[-1] < 0 for row in rows):
        rows = [row[:-1] for row in rows]
    data: dict[str, object] = {"cards": packed(rows)}
    data |= {"tree": tree.content_hash} if tree else {"names": list(names)}
    return data | ({"others": list(others)} if others else {})


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
    on_mark: Callable[[str], None] | None = None,
) -> int | None:
    """Draw a gallery in which pictures can be marked, and do what it asks of the page."""

    def opened() -> None:
        on_open(int(st.session_state[key].opened))

    def marked() -> None:
        if on_mark:
            on_mark(str(st.session_state[key].mark))

    mounted = _COMPONENT(
        key=key,
        data={**data, "of": resources.fingerprint(), **signing.signature()},
        on_opened_change=opened,
        on_queue_change=_rerun_follows,
        on_who_change=_rerun_follows,
        on_save_change=_rerun_follows,
        on_changed_change=_rerun_follows,
        on_mark_change=marked,
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
