"""Verbs of labelling many at once: screens of unlabelled pictures that look alike to the newest finished run."""

import functools
import threading
import zlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import sqlalchemy as sa

from hmgc_core.errors import BadRequest
from hmgc_core.likeness import tightest_screen
from hmgc_core.records import ImageRecord, Prediction, Run
from hmgc_core.store import annotations, images, predictions, runs, screens, sharing, taxonomies
from hmgc_core.store.schema import now
from hmgc_core.store.sharing import Asker
from hmgc_core.store.workspace import Workspace
from hmgc_core.taxonomy import BoolArray, IntArray
from hmgc_core.workflow.embeddings import Embeddings, embeddings

SEEDS = 16  # pictures tried as the middle of a screen

_NOTHING: BoolArray = np.zeros(0, dtype=bool)

Order = Literal["alike", "queue"]


@dataclass(frozen=True)
class Tile:
    """One picture of a screen, with what the newest finished run takes it for."""

    image: ImageRecord
    suggestion: Prediction | None


@dataclass(frozen=True)
class Screen:
    """Pictures to label together, the most alike first. after: hand it to `next_screen` for the following one.

    run: the newest finished one, None before the first. order: "alike"; or that of the queue, because no model is
    trained yet or the newest has not seen these pictures.
    """

    tiles: list[Tile]
    after: str
    run: int | None
    order: Order


def next_screen(ws: Workspace, *, annotator: str, count: int, after: str = "", without: Collection[int] = ()) -> Screen:
    """At most `count` pictures that look alike and want a label of this annotator, none of `without`.

    None that was taken out, or that others hold or have labelled; no tiles where nothing is left.

    Goes through all pictures in a shuffled order that begins elsewhere for each annotator, so that two people who work
    at once do not see the same screen. after: of an earlier screen; "" begins. Raises BadRequest where it is none.
    """
    place = _place(after)
    with ws.reading() as connection:
        run = runs.newest_done(connection)
        view, asker = _view(ws, connection, run), asker_of(connection, annotator)
        free = view.free(asker.people, screens.barred(connection, asker) | set(without)) if view else _NOTHING
        if view is None or run is None or not free.any():
            ids = _queued(connection, asker, count, without)
            return Screen(_tiles(connection, run, ids), after, run.id if run else None, "queue")
        begin = place[1] if place and place[0] == run.id else zlib.crc32(annotator.encode()) % len(view.seen.images)
        seeds, end = view.seeds(free, begin)
        rows = tightest_screen(view.seen.vectors, seeds=seeds, among=np.flatnonzero(free), count=count)
        return Screen(_tiles(connection, run, view.seen.images[rows].tolist()), f"{run.id}:{end}", run.id, "alike")


def screen_among(ws: Workspace, *, annotator: str, count: int, among: Sequence[int]) -> Screen:
    """At most `count` of these pictures that look most alike, of those that still want a label of this annotator.

    Those the newest run has not seen come last, in the order given.
    """
    with ws.reading() as connection:
        run = runs.newest_done(connection)
        view = _view(ws, connection, run)
        known = screens.free_among(connection, asker_of(connection, annotator), among)
        wanted = [image_id for image_id in dict.fromkeys(among) if image_id in known]
        rows = view.seen.rows(wanted) if view else np.zeros(0, dtype=np.int64)
        ids = wanted
        if view is not None and len(rows):
            ids = view.seen.images[tightest_screen(view.seen.vectors, seeds=rows, among=rows, count=count)].tolist()
            ids += [image_id for image_id in wanted if image_id not in set(view.seen.images[rows].tolist())]
        order: Order = "alike" if len(rows) else "queue"
        return Screen(_tiles(connection, run, ids[:count]), "", run.id if run else None, order)


def _place(after: str) -> tuple[int, int] | None:
    """(run, place in its order) of an `after`."""
    if not after:
        return None
    run, _, place = after.partition(":")
    if not (run.isascii() and run.isdecimal() and place.isascii() and place.isdecimal() and len(after) < 40):
        raise BadRequest("`after` is not a place among the pictures", remedy="send the `after` of an earlier screen")
    return int(run), int(place)


def asker_of(connection: sa.Connection, annotator: str) -> Asker:
    """Who asks for a screen, and how many people shall label each picture."""
    people = sharing.rules(connection).people
    return Asker(annotations.find_id(connection, annotator), people, since=0, at=now())


def _queued(connection: sa.Connection, asker: Asker, count: int, without: Collection[int]) -> list[int]:
    ids = screens.next_free(connection, asker, count=count + len(without))
    return [image_id for image_id in ids if image_id not in without][:count]


def _tiles(connection: sa.Connection, run: Run | None, ids: list[int]) -> list[Tile]:
    records = images.get_many(connection, ids)
    suggested = predictions.get_many(connection, run.id, ids) if run else {}
    return [Tile(records[image_id], suggested.get(image_id)) for image_id in ids if image_id in records]


# --- the pictures as a run sees them ----------------------------------------------------------------------------------


@dataclass(eq=False)
class _View:
    """All pictures of one run, with how often each is labelled by now; shared by all requests of the process.

    seen: the run's n pictures. order: (n,) a shuffle of their rows. words: (n,) labels of each.
    """

    seen: Embeddings
    order: IntArray
    words: IntArray
    version: int | None = None  # of the class tree in which the words were read
    upto: int = -1  # the newest annotation that `words` knows of
    lock: threading.Lock = field(default_factory=threading.Lock)

    def hear(self, connection: sa.Connection) -> None:
        """Learn what was labelled or taken back since the last time; in another version of the tree, all of it."""
        with self.lock:
            version = taxonomies.newest_id(connection)
            if version != self.version:
                self.version, self.upto = version, -1
            newest = annotations.last_id(connection)
            if newest > self.upto:
                changed = screens.words_since(connection, self.upto)
                for number in {words for _, words in changed}:
                    # What was taken out comes in again without a word, and nothing is said about that.
                    self.words[self.seen.rows([i for i, words in changed if words == number])] = max(number, 0)
                self.upto = newest

    def free(self, people: int, without: Collection[int]) -> BoolArray:
        """(n,) the rows that may be shown: labelled by fewer than `people`, and none of `without`."""
        free = self.words < people
        free[self.seen.rows(without)] = False
        return free

    def seeds(self, free: BoolArray, begin: int) -> tuple[IntArray, int]:
        """The next free rows from a place of the order on, from its start again after its end; and the place after."""
        places = np.flatnonzero(free[self.order])
        first = int(np.searchsorted(places, begin))
        chosen = np.roll(places, -first)[:SEEDS]
        return self.order[chosen], int(chosen[-1]) + 1


def _view(ws: Workspace, connection: sa.Connection, run: Run | None) -> _View | None:
    """What the newest finished run saw, brought up to now; None where there is none."""
    seen = embeddings(ws.run_folder(run.id)) if run else None
    if seen is None:
        return None
    view = _viewed(seen)
    view.hear(connection)
    return view


@functools.lru_cache(maxsize=2)
def _viewed(seen: Embeddings) -> _View:
    count = len(seen.images)
    return _View(seen, np.random.default_rng(0).permutation(count), words=np.zeros(count, dtype=np.int64))
