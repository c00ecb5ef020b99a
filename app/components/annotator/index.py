"""Mount the annotator on a page. The markup is constant; every name reaches it as text, from the routes.

Scripts and styles are joined from their parts, in the order below, and sent once for each visit of the page.
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import streamlit as st

HERE = Path(__file__).parent
SCRIPTS = [
    "api",
    "tree",
    "versions",
    "suggestion",
    "standing",
    "outbox",
    "queue",
    "memory",
    "keys",
    "frame",
    "messages",
]
SCRIPTS += ["hold", "reopening", "endings", "view", "session", "annotator"]
STYLES = ["annotator", "stage", "panel", "sheets", "narrow"]


@dataclass(frozen=True)
class TreeVersion:
    """A version of the class tree: what labels carry, and the address its content has."""

    version: int
    hash: str


@dataclass(frozen=True)
class QueueShown:
    """Which pictures come next: as the routes call it, and as people do."""

    choice: str
    name: str


@dataclass(frozen=True)
class Reopen:
    """A wish to see one picture out of its turn. once: tells it from the next wish for the same picture."""

    image: int
    once: str


def show(
    *,
    annotator: str,
    token: str,
    place: str,
    taxonomy: TreeVersion,
    remember: bool,
    awaits_model: bool,
    queue: QueueShown,
    reopen: Reopen | None,
    on_leave: Callable[[], None],
    on_choose: Callable[[], None],
) -> None:
    """Show the annotator.

    place: tells this workspace from others at the same address. remember: have the browser keep the token as a cookie.
    awaits_model: the first training runs, suggestions come with its end. reopen: a picture to show before all others.
    on_leave: someone else wants to label. on_choose: other pictures are wanted.
    """
    _component(
        key="annotator",
        data={
            "annotator": annotator,
            "token": token,
            "place": place,
            "taxonomy": asdict(taxonomy),
            "remember": remember,
            "awaits_model": awaits_model,
            "queue": asdict(queue),
            "reopen": asdict(reopen) if reopen else None,
        },
        on_leave_change=on_leave,
        on_choose_change=on_choose,
        on_renew_change=_rerun_signs_anew,
    )


def _rerun_signs_anew() -> None:
    """Nothing to do: the rerun that follows signs a new token."""


def joined(parts: list[str], ending: str) -> str:
    """Parts of the component as one text, in their order."""
    return "\n".join((HERE / f"{part}.{ending}").read_text(encoding="utf-8") for part in parts)


MARKUP = """
<div class="annotator" data-part="box">
  <section class="stage" aria-label="Picture to label">
    <div class="bar">
      <div class="progress">
        <progress data-part="progress" max="1" value="0" aria-label="Pictures labelled"></progress>
        <span data-part="progressText"></span>
      </div>
      <button type="button" class="pill bad" data-part="refused" data-do="openRefused" hidden></button>
      <button type="button" class="pill" data-do="chooseQueue" title="Choose which pictures come (Q)">
        <svg viewBox="0 0 16 16" aria-hidden="true"><path d="M1 3h14v2H1zm0 4h10v2H1zm0 4h6v2H1z"/></svg>
        <bdi data-part="queueName"></bdi>
      </button>
      <span class="pill" data-part="status" role="status" aria-live="polite"></span>
      <button type="button" class="pill" data-do="leave" title="Let someone else label">
        <svg viewBox="0 0 16 16" aria-hidden="true"><circle cx="8" cy="5" r="3"/><path d="M2 15a6 6 0 0 1 12 0z"/></svg>
        <bdi data-part="who"></bdi>
      </button>
    </div>
    <div class="frame" data-part="frame">
      <div class="picture" data-part="picture"></div>
      <div class="chips" data-part="chips"></div>
      <div class="message" data-part="message" hidden>
        <h2 data-part="messageTitle"></h2>
        <p data-part="messageText"></p>
        <button type="button" data-part="messageButton" hidden></button>
      </div>
      <p class="toast" data-part="toast" role="status" aria-live="polite"></p>
    </div>
    <ol class="recent" data-part="recent" aria-label="Your last labels"></ol>
  </section>

  <section class="panel" aria-label="Class">
    <div class="where">
      <button type="button" class="up" data-part="up" data-do="up" aria-label="One level up" title="One level up">
        <svg viewBox="0 0 16 16" aria-hidden="true"><path d="M8 13V3.5M4 7.5l4-4 4 4"/></svg><kbd>⌫</kbd>
      </button>
      <nav class="crumbs" data-part="crumbs" aria-label="Where you stand"></nav>
    </div>
    <div class="here">
      <h2><bdi data-part="hereName"></bdi></h2>
      <p class="meta" data-part="hereMeta"></p>
      <p class="note" data-part="hereNote" dir="auto"></p>
    </div>
    <div class="suggestion" data-part="suggestionBox" hidden>
      <div class="steps" data-part="steps" aria-label="Suggestion, from the top level down"></div>
      <div class="pair">
        <button type="button" class="accept" data-do="accept"><span>Accept <bdi data-part="acceptText"></bdi></span><kbd>Space</kbd></button>
        <button type="button" data-part="coarser" data-do="shift" data-argument="-1"
          title="Suggest one level higher"><span>Coarser</span><kbd>−</kbd></button>
      </div>
    </div>
    <p class="awaited" data-part="awaited" hidden>The first model is being trained. Suggestions appear here when it has finished.</p>
    <div class="search">
      <svg viewBox="0 0 16 16" aria-hidden="true"><circle cx="7" cy="7" r="4.5"/><path d="m10.5 10.5 4 4"/></svg>
      <input data-part="search" type="search" placeholder="Search all classes" aria-label="Search all classes"
        autocomplete="off" autocapitalize="off" spellcheck="false">
      <kbd>/</kbd>
    </div>
    <div class="list">
      <p class="order" data-part="order" hidden>Most likely first</p>
      <ol class="rows" data-part="rows" aria-label="Classes to choose from"></ol>
      <p class="empty" data-part="empty" hidden></p>
      <div class="pager" data-part="pager" hidden>
        <button type="button" data-do="page" data-argument="-1" aria-label="Earlier classes">‹</button>
        <span data-part="pagerText"></span>
        <button type="button" data-do="page" data-argument="1" aria-label="More classes">›<kbd>0</kbd></button>
      </div>
    </div>
    <div class="actions">
      <button type="button" class="label" data-part="label" data-do="label">
        <span>Label as <bdi data-part="labelText"></bdi><small data-part="labelHint"></small></span><kbd>Enter</kbd>
      </button>
      <div class="others">
        <button type="button" data-part="notThis" data-do="notThis" title="It is not this class. The picture stays: then say what you are sure of"><span>Not this</span><kbd>N</kbd></button>
        <button type="button" data-part="noneHere" data-do="noneHere" title="It is this class, but none of the classes below it"><span>None below</span><kbd>O</kbd></button>
        <button type="button" data-part="unusable" data-do="unusable" title="Blank, broken, or no picture of anything in the tree"><span>Unusable</span><kbd>X</kbd></button>
        <button type="button" data-part="skip" data-do="skip" title="Say nothing; the picture comes again at the end"><span>Skip</span><kbd>S</kbd></button>
        <button type="button" data-part="undo" data-do="undo"><span>Undo</span><kbd>Z</kbd></button>
        <button type="button" class="keyboard" data-do="help" title="All keys"><span>Keys</span><kbd>?</kbd></button>
      </div>
    </div>
    <p class="foreign" data-part="foreign" hidden></p>
  </section>

  <p class="hidden" data-part="announcer" role="status" aria-live="polite"></p>

  <dialog class="sheet" data-part="help" aria-labelledby="keys-title">
    <form method="dialog">
      <h2 id="keys-title">Keys</h2>
      <dl>
        <dt><kbd>1</kbd>–<kbd>9</kbd></dt><dd>go to this class; one with nothing below it is labelled at once</dd>
        <dt><kbd>0</kbd> <kbd>Page↓</kbd> <kbd>Page↑</kbd></dt><dd>more classes, earlier classes</dd>
        <dt><kbd>⌫</kbd> <kbd>←</kbd></dt><dd>one level up</dd>
        <dt><kbd>↓</kbd> <kbd>↑</kbd> <kbd>→</kbd></dt><dd>pick a class and go there, without labelling</dd>
        <dt><kbd>/</kbd></dt><dd>search all classes by name, synonym or key; <kbd>Esc</kbd> leaves the search</dd>
        <dt><kbd>Enter</kbd></dt><dd>label as the class where you stand; at the top: “can’t tell”</dd>
        <dt><kbd>Space</kbd></dt><dd>accept the suggestion</dd>
        <dt><kbd>−</kbd> <kbd>+</kbd></dt><dd>make the suggestion one level coarser, finer</dd>
        <dt><kbd>N</kbd></dt><dd>not this class; the picture stays, so say next what you are sure of</dd>
        <dt><kbd>O</kbd></dt><dd>this class, but none of those below it</dd>
        <dt><kbd>X</kbd></dt><dd>unusable: blank, broken, nothing of this tree</dd>
        <dt><kbd>S</kbd></dt><dd>skip for now</dd>
        <dt><kbd>Z</kbd></dt><dd>undo, step by step</dd>
        <dt><kbd>Q</kbd></dt><dd>choose which pictures come</dd>
        <dt><kbd>?</kbd></dt><dd>this list</dd>
      </dl>
      <p>Say only what you are sure of: a label at any level helps.</p>
      <button type="submit" class="label" autofocus>Close</button>
    </form>
  </dialog>

  <dialog class="sheet" data-part="refusedBox" aria-labelledby="refused-title">
    <form method="dialog">
      <h2 id="refused-title">Not saved</h2>
      <p>The app did not take these. They stay in this browser until you decide.</p>
      <ol class="refused" data-part="refusedList"></ol>
      <button type="submit" class="label">Close</button>
    </form>
  </dialog>
</div>
"""  # noqa: E501 - markup reads better in long lines

_component = st.components.v2.component(
    "hmgc_annotator",
    html=MARKUP,
    css=joined(STYLES, "css"),
    js=joined(SCRIPTS, "js"),
)
