"""Mount the annotator on a page. The markup is constant; every name reaches it as text, from the routes.

Scripts and styles are joined from their parts, in the order below, and sent once for each visit of the page.
"""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import streamlit as st

HERE = Path(__file__).parent
SCRIPTS = [
    "api",
    "elements",
    "typos",
    "tree",
    "versions",
    "suggestion",
    "standing",
    "outbox",
    "queue",
    "memory",
    "codes",
    "meanings",
    "keys",
    "keymap",
    "frame",
    "messages",
]
SCRIPTS += ["hold", "left", "reopening", "endings"]
SCRIPTS += ["ladder", "lens", "pace", "pacesheet", "hints", "keysheet", "glance", "refused"]
SCRIPTS += ["view", "walk", "desk", "session", "annotator"]
STYLES = ["annotator", "stage", "lens", "panel", "sheets", "glance", "narrow"]


@dataclass(frozen=True)
class TreeVersion:
    """A version of the class tree: what labels carry, and the address its content has."""

    version: int
    hash: str


@dataclass(frozen=True)
class QueueShown:
    """Which pictures come next: as the routes call it, and as people do. round: another one when it begins anew."""

    choice: str
    name: str
    round: int = 0


@dataclass(frozen=True)
class Reopen:
    """A wish to see one picture out of its turn.

    once: tells it from the next wish for the same picture. whence: where the wish came from, in words; address: what
    the address of the predictions said there, none for one's own labels.
    """

    image: int
    once: str
    whence: str = "My labels"
    address: Mapping[str, str] | None = None


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
    gone: tuple[str, ...],
    on_leave: Callable[[], None],
    on_choose: Callable[[], None],
    on_back: Callable[[], None],
) -> None:
    """Show the annotator.

    place: tells this workspace from others at the same address. remember: have the browser keep the token as a cookie.
    awaits_model: the first training runs, suggestions come with its end. reopen: a picture to show before all others.
    gone: uids of labels that were taken back on another page.
    on_leave: someone else wants to label. on_choose: other pictures are wanted. on_back: to where the
    picture out of its turn came from.
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
            "gone": gone,
        },
        on_leave_change=on_leave,
        on_choose_change=on_choose,
        on_back_change=on_back,
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
      <button type="button" class="pill" data-do="chooseQueue" title="Choose which pictures come">
        <svg viewBox="0 0 16 16" aria-hidden="true"><path d="M1 3h14v2H1zm0 4h10v2H1zm0 4h6v2H1z"/></svg>
        <bdi data-part="queueName"></bdi>
        <span class="left" data-part="queueLeft"></span>
      </button>
      <span class="pill" data-part="status" role="status" aria-live="polite"></span>
      <button type="button" class="pill tally" data-do="openPace" aria-label="How your labelling goes" title="How your labelling goes">
        <svg viewBox="0 0 16 16" aria-hidden="true"><path d="M2 14V9h3v5zm4.5 0V2h3v12zM11 14V6h3v8z"/></svg>
      </button>
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
      <div class="tools" role="group" aria-label="Look closer">
        <button type="button" data-do="toggleLens" data-part="lensOpener" aria-expanded="false" aria-label="Zoom and light" title="Zoom and light">
          <svg viewBox="0 0 16 16" aria-hidden="true"><circle cx="7" cy="7" r="4.5"/><path d="m10.5 10.5 4 4M7 5v4M5 7h4"/></svg>
        </button>
        <button type="button" data-do="fullScreen" aria-label="Full screen" title="Full screen">
          <svg viewBox="0 0 16 16" aria-hidden="true"><path d="M2 6V2h4M10 2h4v4M14 10v4h-4M6 14H2v-4"/></svg>
        </button>
      </div>
      <div class="lens" data-part="lens" role="group" aria-label="Zoom and light" hidden>
        <div class="zooms">
          <button type="button" data-do="zoom" data-argument="-1" aria-label="Smaller">−<kbd data-of="zoom -1"></kbd></button>
          <span data-part="zoomText"></span>
          <button type="button" data-do="zoom" data-argument="1" aria-label="Larger">+<kbd data-of="zoom 1"></kbd></button>
        </div>
        <label>Light <input type="range" data-part="lightRange" min="-2" max="2" step="0.25"></label>
        <label>Contrast <input type="range" data-part="contrastRange" min="-2" max="2" step="0.25"></label>
        <label class="check"><input type="checkbox" data-part="keepView"><span>Keep for the next pictures</span></label>
        <button type="button" data-do="wholePicture"><span>Whole picture</span><kbd data-of="wholePicture"></kbd></button>
      </div>
      <div class="hint" data-part="hint" role="note" hidden>
        <p data-part="hintText"></p>
        <button type="button" data-do="closeHints" aria-label="No more hints" title="No more hints">×</button>
      </div>
      <p class="toast" data-part="toast" role="status" aria-live="polite"></p>
    </div>
    <ol class="recent" data-part="recent" aria-label="Your last labels"></ol>
  </section>

  <section class="panel" aria-label="Class">
    <div class="where">
      <button type="button" class="up" data-part="up" data-do="up" aria-label="One level up" title="One level up">
        <svg viewBox="0 0 16 16" aria-hidden="true"><path d="M8 13V3.5M4 7.5l4-4 4 4"/></svg><kbd data-of="up"></kbd>
      </button>
      <nav class="crumbs" data-part="crumbs" aria-label="Where you stand"></nav>
    </div>
    <div class="here">
      <h2><bdi data-part="hereName"></bdi></h2>
      <p class="meta" data-part="hereMeta"></p>
      <p class="note" data-part="hereNote" dir="auto"></p>
    </div>
    <p class="said" data-part="said" hidden></p>
    <div class="suggestion" data-part="suggestionBox" hidden>
      <div class="steps" data-part="steps" role="group" aria-label="Suggestion, from the top level down"></div>
      <div class="pair">
        <button type="button" class="accept" data-do="accept"><span>Accept <bdi data-part="acceptText"></bdi></span><kbd data-of="accept"></kbd></button>
        <button type="button" data-part="coarser" class="coarser" data-do="shift" data-argument="-1" aria-label="Coarser"
          title="Suggest one level higher"><svg viewBox="0 0 16 16" aria-hidden="true"><path d="M8 13V3.5M4 7.5l4-4 4 4"/></svg><kbd data-of="shift -1"></kbd></button>
        <button type="button" data-part="finer" class="finer" data-do="shift" data-argument="1" aria-label="Finer"
          title="Suggest one level lower"><svg viewBox="0 0 16 16" aria-hidden="true"><path d="M8 3v9.5M4 8.5l4 4 4-4"/></svg><kbd data-of="shift 1"></kbd></button>
      </div>
    </div>
    <p class="awaited" data-part="awaited" hidden>The first model is being trained. Suggestions appear here when it has finished.</p>
    <div class="find">
      <div class="search">
        <svg viewBox="0 0 16 16" aria-hidden="true"><circle cx="7" cy="7" r="4.5"/><path d="m10.5 10.5 4 4"/></svg>
        <input data-part="search" type="search" placeholder="Search all classes" aria-label="Search all classes"
          autocomplete="off" autocapitalize="off" spellcheck="false">
        <kbd data-of="search"></kbd>
      </div>
      <button type="button" data-do="openGlance" aria-label="Pictures of a class" title="Pictures of a class, beside its neighbours">
        <svg viewBox="0 0 16 16" aria-hidden="true"><path d="M2 3h12v10H2zM2 11l3.5-3.5L8.5 10.5 11 8l3 3M6 6h.01"/></svg><kbd data-of="openGlance"></kbd>
      </button>
    </div>
    <div class="list">
      <div class="typed" data-part="codeBox" hidden>
        <p role="status">Code: <b data-part="codeTyped"></b><span class="caret" aria-hidden="true"></span> <small data-part="codeMore"></small></p>
        <ol data-part="codeRows" aria-label="Classes with this code"></ol>
      </div>
      <button type="button" class="order" data-part="order" data-do="toggleOrder" title="Most likely first, or tree order" hidden>
        <span data-part="orderText"></span><kbd data-of="toggleOrder"></kbd>
      </button>
      <ol class="rows" data-part="rows" aria-label="Classes to choose from"></ol>
      <p class="empty" data-part="empty" hidden></p>
      <div class="pager" data-part="pager" hidden>
        <button type="button" data-do="page" data-argument="-1" aria-label="Earlier classes">‹</button>
        <span data-part="pagerText"></span>
        <button type="button" data-do="page" data-argument="1" aria-label="More classes">›<kbd data-of="page 1"></kbd></button>
      </div>
    </div>
    <div class="actions">
      <button type="button" class="label" data-part="label" data-do="label">
        <span>Label as <bdi data-part="labelText"></bdi><small data-part="labelHint"></small></span><kbd data-of="label"></kbd>
      </button>
      <div class="others">
        <button type="button" data-part="notThis" data-do="notThis" title="It is not this class. The picture stays: then say what you are sure of; else this is its label"><span>Not this</span><kbd data-of="notThis"></kbd></button>
        <button type="button" data-part="noneHere" data-do="noneHere" title="It is this class, but none of the classes below it"><span>None below</span><kbd data-of="noneHere"></kbd></button>
        <button type="button" data-part="unusable" data-do="unusable" title="Blank, broken, or no picture of anything in the tree"><span>Unusable</span><kbd data-of="unusable"></kbd></button>
        <button type="button" data-part="skip" data-do="skip" title="Say no more; a picture of which nothing is said comes again at the end"><span>Skip</span><kbd data-of="skip"></kbd></button>
        <button type="button" data-part="undo" data-do="undo"><span>Undo</span><kbd data-of="undo"></kbd></button>
        <button type="button" class="keyboard" data-do="help" title="All keys"><span>Keys</span><kbd data-of="help"></kbd></button>
      </div>
    </div>
    <p class="foreign" data-part="foreign" hidden></p>
  </section>

  <p class="hidden" data-part="announcer" role="status" aria-live="polite"></p>
"""  # noqa: E501 - markup reads better in long lines
MARKUP += joined(["sheets"], "html") + "</div>\n"

_component = st.components.v2.component(
    "hmgc_annotator",
    html=MARKUP,
    css=joined(STYLES, "css"),
    js=joined(SCRIPTS, "js"),
)
