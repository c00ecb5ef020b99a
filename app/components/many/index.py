"""Mount the screen of look-alikes on a page: parts of its own, joined with those of the annotator that it shares."""

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import streamlit as st

from app.components.annotator import index as annotator
from app.components.annotator.index import TreeVersion

HERE = Path(__file__).parent
SHARED = ["api", "elements", "typos", "tree", "versions", "suggestion", "standing", "outbox", "memory", "keys"]
SHARED += ["frame", "messages", "ladder", "refused", "view", "hold", "pace", "walk"]
SCRIPTS = ["majority", "batches", "screens", "insight", "tiles", "choice", "wallkeys", "wallmessages", "wallview"]
SCRIPTS += ["wallwalk", "wall", "many"]
STYLES = ["many"]


def show(
    *,
    annotator: str,
    token: str,
    place: str,
    taxonomy: TreeVersion,
    remember: bool,
    awaits_model: bool,
    on_leave: Callable[[], None],
) -> None:
    """Show screens of look-alikes; the arguments are those of the annotator."""
    _component(
        key="many",
        data={
            "annotator": annotator,
            "token": token,
            "place": place,
            "taxonomy": asdict(taxonomy),
            "remember": remember,
            "awaits_model": awaits_model,
        },
        on_leave_change=on_leave,
        on_renew_change=_rerun_signs_anew,
    )


def _rerun_signs_anew() -> None:
    """Nothing to do: the rerun that follows signs a new token."""


def joined(parts: list[str], ending: str) -> str:
    """Own parts as one text, in their order."""
    return "\n".join((HERE / f"{part}.{ending}").read_text(encoding="utf-8") for part in parts)


MARKUP = """
<div class="annotator many" data-part="box">
  <section class="stage" aria-label="Pictures to label together">
    <div class="bar">
      <div class="progress">
        <progress data-part="progress" max="1" value="0" aria-label="Pictures labelled"></progress>
        <span data-part="progressText"></span>
      </div>
      <button type="button" class="pill bad" data-part="refused" data-do="openRefused" hidden></button>
      <span class="pill" data-part="status" role="status" aria-live="polite"></span>
      <button type="button" class="pill" data-do="handOver" title="Let someone else label">
        <svg viewBox="0 0 16 16" aria-hidden="true"><circle cx="8" cy="5" r="3"/><path d="M2 15a6 6 0 0 1 12 0z"/></svg>
        <bdi data-part="who"></bdi>
      </button>
    </div>
    <p class="queued" data-part="queued" hidden></p>
    <div class="frame" data-part="frame">
      <ul class="tiles" data-part="tiles" role="listbox" aria-multiselectable="true" tabindex="0"
        aria-label="Pictures that look alike; those selected are labelled together"></ul>
      <figure class="large" data-part="large" hidden>
        <img data-part="largePicture" alt="" draggable="false">
        <div class="largeActions" data-part="largeActions">
          <button type="button" data-do="toggle"><span data-part="largeOut"></span><kbd>Space</kbd></button>
          <button type="button" data-part="largeUnusable" data-do="unusable"><span>Unusable</span><kbd>X</kbd></button>
          <button type="button" data-do="shrink"><span>Back</span><kbd>Esc</kbd></button>
        </div>
      </figure>
      <div class="message" data-part="message" hidden>
        <h2 data-part="messageTitle"></h2>
        <p data-part="messageText"></p>
        <button type="button" data-part="messageButton" hidden></button>
      </div>
      <p class="toast" data-part="toast" role="status" aria-live="polite"></p>
    </div>
    <div class="foot">
      <span class="chosen" data-part="chosen"></span>
      <button type="button" data-do="all" title="Put all pictures in"><span>All in</span><kbd>A</kbd></button>
      <button type="button" data-do="invert" title="Those in go out, those out come in"><span>Invert</span><kbd>I</kbd></button>
      <button type="button" data-part="odd" data-do="odd" title="Take out what the model takes for something else"><span>Odd ones out</span><kbd>O</kbd></button>
      <button type="button" class="aside" data-part="aside" data-do="takeAside" title="Show the pictures you put aside, those alike together" hidden><span data-part="asideText"></span><kbd>B</kbd></button>
      <span class="last" data-part="last"></span>
      <label class="sizer" title="Smaller and larger pictures: , and .">
        <svg viewBox="0 0 16 16" aria-hidden="true"><path d="M2 2h5v5H2zM9 2h5v5H9zM2 9h5v5H2zM9 9h5v5H9z"/></svg>
        <input data-part="sizer" type="range" aria-label="Size of the pictures">
      </label>
    </div>
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
      <div class="steps" data-part="steps" role="group" aria-label="Suggestion for all, from the top level down"></div>
      <div class="pair">
        <button type="button" class="accept" data-do="accept"><span>Label <span data-part="acceptCount"></span> as <bdi data-part="acceptText"></bdi></span><kbd>Space</kbd></button>
        <button type="button" data-part="coarser" class="coarser" data-do="shift" data-argument="-1" aria-label="Coarser"
          title="Suggest one level higher"><svg viewBox="0 0 16 16" aria-hidden="true"><path d="M8 13V3.5M4 7.5l4-4 4 4"/></svg><kbd>−</kbd></button>
        <button type="button" data-part="finer" class="finer" data-do="shift" data-argument="1" aria-label="Finer"
          title="Suggest one level lower"><svg viewBox="0 0 16 16" aria-hidden="true"><path d="M8 3v9.5M4 8.5l4 4 4-4"/></svg><kbd>+</kbd></button>
      </div>
    </div>
    <p class="awaited" data-part="awaited" hidden>The first model is being trained. Suggestions appear here when it has finished.</p>
    <p class="awaited" data-part="mixed" hidden>The model takes these for different classes: no suggestion fits most of them.</p>
    <div class="find">
      <div class="search">
        <svg viewBox="0 0 16 16" aria-hidden="true"><circle cx="7" cy="7" r="4.5"/><path d="m10.5 10.5 4 4"/></svg>
        <input data-part="search" type="search" placeholder="Search all classes" aria-label="Search all classes"
          autocomplete="off" autocapitalize="off" spellcheck="false">
        <kbd>/</kbd>
      </div>
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
        <span>Label <span data-part="labelCount"></span> as <bdi data-part="labelText"></bdi><small data-part="labelHint"></small></span><kbd>Enter</kbd>
      </button>
      <div class="others">
        <button type="button" data-do="unusable" title="Mark the picture under the mouse or the arrow keys: blank, broken, nothing of this tree"><span>Unusable</span><kbd>X</kbd></button>
        <button type="button" data-do="enlarge" title="The picture under the mouse or the arrow keys"><span>Large</span><kbd>V</kbd></button>
        <button type="button" data-part="pass" data-do="pass" title="Put this screen aside; its pictures come back later"><span>Next</span><kbd>S</kbd></button>
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
        <dt><kbd>1</kbd>–<kbd>9</kbd></dt><dd>go to this class</dd>
        <dt><kbd>0</kbd> <kbd>Page↓</kbd> <kbd>Page↑</kbd></dt><dd>more classes, earlier classes</dd>
        <dt><kbd>⌫</kbd></dt><dd>one level up</dd>
        <dt><kbd>/</kbd></dt><dd>search all classes; <kbd>Esc</kbd> leaves the search</dd>
        <dt><kbd>Enter</kbd></dt><dd>label all pictures that are in as the class where you stand</dd>
        <dt><kbd>Space</kbd></dt><dd>label them as suggested; on a picture: take it out, or put it back in</dd>
        <dt><kbd>−</kbd> <kbd>+</kbd></dt><dd>make the suggestion one level coarser, finer</dd>
        <dt><kbd>←</kbd> <kbd>→</kbd> <kbd>↑</kbd> <kbd>↓</kbd></dt><dd>walk over the pictures; with <kbd>Shift</kbd> the next ones get the same mark; <kbd>Esc</kbd> leaves them</dd>
        <dt><kbd>A</kbd> <kbd>I</kbd> <kbd>O</kbd></dt><dd>all in; invert; take out what the model takes for something else</dd>
        <dt><kbd>X</kbd></dt><dd>mark a picture as unusable; it is said so when the screen is done</dd>
        <dt><kbd>V</kbd></dt><dd>see a picture large, and back</dd>
        <dt><kbd>S</kbd></dt><dd>next screen, without labelling this one</dd>
        <dt><kbd>B</kbd></dt><dd>the pictures put aside</dd>
        <dt><kbd>Z</kbd></dt><dd>undo the last screen, whole; again: the one before</dd>
        <dt><kbd>,</kbd> <kbd>.</kbd></dt><dd>smaller, larger pictures</dd>
        <dt><kbd>?</kbd></dt><dd>this list</dd>
      </dl>
      <p>A click takes a picture out; Shift and a click, all up to there. Those out stay unlabelled and come back later.</p>
      <p>These keys are the same for everyone; keys of your own count while you label one by one.</p>
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
    "hmgc_many",
    html=MARKUP,
    css="\n".join([annotator.joined(annotator.STYLES, "css"), joined(STYLES, "css")]),
    js="\n".join([annotator.joined(SHARED, "js"), joined(SCRIPTS, "js")]),
)
