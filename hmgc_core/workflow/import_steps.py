"""What an import does with each row, decided from what is known: the same for its preview and for itself. No SQL.

`decide` looks at read pictures in order and says which are new, where they lie, what they are called, and what is left
out. A preview decides and stops there; an import decides in its transaction and stores what came out.
"""

import hashlib
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Literal, NamedTuple, TypeVar, cast

from hmgc_core.errors import nearest_names
from hmgc_core.exchange.table import SPLIT_WORDS, TableRow
from hmgc_core.records import KINDS, Kind, Split
from hmgc_core.splits import split_of
from hmgc_core.store.images import FoundPicture
from hmgc_core.taxonomy import Taxonomy, folded

MOST_COMPARED = 400_000  # names that are compared to find those most like an unknown class; takes some 10 s

Key = TypeVar("Key")
Value = TypeVar("Value")
What = Literal["picture", "split", "label", "class"]
Said = tuple[Kind, str]  # a kind of label and the key of a class, "" for `unusable`


@dataclass(frozen=True)
class Skip:
    """One thing that was left out, and why. what: the picture itself, or only its split, label or unknown class."""

    path: str
    reason: str
    what: What = "picture"


class Stayed(NamedTuple):
    """A picture that is in one split already, while its row asks for another; all else of the row comes in."""

    path: str
    split: Split
    asked: Split


@dataclass(frozen=True)
class UnknownClass:
    """A class that a table names and the tree lacks. labels: how many rows say so; nearest: keys of the tree."""

    labels: int
    nearest: tuple[str, ...]


@dataclass
class ImportReport:
    """What an import did, or would do. images: new ones; duplicates: further places of a known content; known: seen.

    by_split: the new pictures. unknown: classes the tree lacks. changed: files that were different from what the
    preview saw. stayed: pictures that stay in their split. number: the import's own, 0 of a preview.
    """

    images: int = 0
    duplicates: int = 0
    known: int = 0
    annotations: int = 0
    skipped: list[Skip] = field(default_factory=list)
    by_split: dict[Split, int] = field(default_factory=dict)
    unknown: dict[str, UnknownClass] = field(default_factory=dict)
    changed: int = 0
    stayed: list[Stayed] = field(default_factory=list)
    number: int = 0

    @property
    def stayed_in_words(self) -> str:
        """How many pictures stay in a split although a row asks for another, and one of them; "" where none does."""
        if not self.stayed:
            return ""
        one = self.stayed[0]
        many = f"{len(self.stayed)} pictures stay in the split they are in, not in the one their rows name"
        said = "1 picture stays in the split it is in, not in the one its row names" if len(self.stayed) == 1 else many
        return (
            f"{said}; nothing else of these rows is left out for it (such as {one.path}: {one.split}, not {one.asked})"
        )

    def skip(self, path: str, reason: str, what: What = "picture") -> None:
        """Count one thing that was left out."""
        self.skipped.append(Skip(path, reason, what))


@dataclass(frozen=True, slots=True)
class ReadPicture:
    """A row whose picture could be read. place: where it lies in its folder, or will lie as a copy; stamp: of file."""

    row: TableRow
    name: str
    place: str
    file: Path
    sha256: str
    width: int
    height: int
    stamp: tuple[int, int]


@dataclass
class Known:
    """What the workspace knows of some pictures, by content. said: what each annotator calls them.

    places: content at each place of the folder. given_up: labels that came with an import and that their own annotator
    took back; they are not brought again.
    """

    splits: dict[str, Split] = field(default_factory=dict)
    places: dict[str, str] = field(default_factory=dict)
    said: dict[tuple[str, str], Said] = field(default_factory=dict)
    given_up: set[tuple[str, str, Said]] = field(default_factory=set)

    def add(self, other: "Known") -> None:
        """Know more; what is known already stays."""
        _add_new(self.splits, other.splits)
        _add_new(self.places, other.places)
        _add_new(self.said, other.said)
        self.given_up |= other.given_up


def _add_new(mine: dict[Key, Value], more: dict[Key, Value]) -> None:
    for key, value in more.items():
        mine.setdefault(key, value)


@dataclass
class Step:
    """What is to be stored: new pictures, places (path -> content), and per annotator (content, what is said).

    names: path -> what the files with this content are called in the source.
    """

    fresh: dict[str, FoundPicture] = field(default_factory=dict)
    places: dict[str, str] = field(default_factory=dict)
    names: dict[str, list[str]] = field(default_factory=dict)
    labels: dict[str, list[tuple[str, Said]]] = field(default_factory=dict)


@dataclass
class Decider:
    """Decides for the rows of one import, one after the other.

    annotator: of labels whose row names none. looked_up: unknown classes that a preview has met already.
    """

    report: ImportReport
    taxonomy: Taxonomy | None
    annotator: str
    looked_up: dict[str, UnknownClass] = field(default_factory=dict)
    _names: set[str] = field(default_factory=set)
    _places: set[str] = field(default_factory=set)

    def decide(self, known: Known, pictures: list[ReadPicture]) -> Step:
        """What to store of these pictures; notes in `known` and in the report what follows from it."""
        step = Step()
        for picture in pictures:
            self._place(known, picture, step)
            if picture.row.label or picture.row.kind == "unusable":
                self._label(known, picture, step)
        return step

    def _place(self, known: Known, picture: ReadPicture, step: Step) -> None:
        split, first = self._split(picture), known.splits.get(picture.sha256)
        if first is None:
            first = split or split_of(picture.sha256)
            step.fresh[picture.sha256] = FoundPicture(
                picture.place, picture.sha256, picture.width, picture.height, first
            )
            self.report.images += 1
            self.report.by_split[first] = self.report.by_split.get(first, 0) + 1
        elif picture.name in self._names or (
            known.places.get(picture.place) == picture.sha256 and picture.place not in self._places
        ):
            self.report.known += picture.name not in self._names  # a further row about the same file counts nowhere
        else:
            self.report.duplicates += 1
        if split and split != first:
            self.report.stayed.append(Stayed(picture.row.path, first, split))
        known.splits[picture.sha256] = first
        self._names.add(picture.name)
        if picture.place not in known.places:
            self._places.add(picture.place)
        known.places[picture.place] = step.places[picture.place] = picture.sha256
        step.names.setdefault(picture.place, []).append(picture.name)

    def _split(self, picture: ReadPicture) -> Split | None:
        split = SPLIT_WORDS.get(picture.row.split)
        if split is None:
            self.report.skip(
                picture.row.path, f"the split {picture.row.split!r} is not train, val or test; it was left out", "split"
            )
        return split or None  # type: ignore[return-value]

    def _label(self, known: Known, picture: ReadPicture, step: Step) -> None:
        row = replace(picture.row, label=self._key(picture.row.label))
        annotator = row.annotator or self.annotator
        problem, what = self._problem(row)
        if problem:
            self.report.skip(row.path, problem, what)
            return
        kind = cast(Kind, row.kind or "is")
        says: Said = (kind, "" if kind == "unusable" else row.label)
        first = known.said.get((annotator, picture.sha256))
        if first is not None and first != says:
            already, more = _in_words(first), _in_words(says)
            self.report.skip(
                row.path, f"{annotator} already called this picture {already}; {more} was left out", "label"
            )
        elif (annotator, picture.sha256, says) in known.given_up:
            self.report.skip(row.path, f"{annotator} took the label {_in_words(says)} back; it was left out", "label")
        elif first is None:
            known.said[annotator, picture.sha256] = says
            step.labels.setdefault(annotator, []).append((picture.sha256, says))
            self.report.annotations += 1

    def _key(self, label: str) -> str:
        """The key that a table means: its own, or that of the only class of this name."""
        if self.taxonomy is None or label in self.taxonomy:
            return label
        named = self._keys_by_name.get(folded(label), [])
        return named[0] if len(named) == 1 else label

    @cached_property
    def _keys_by_name(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        if self.taxonomy is not None:
            for node, key in enumerate(self.taxonomy.keys):
                found.setdefault(folded(self.taxonomy.name(node)), []).append(key)
        return found

    def _problem(self, row: TableRow) -> tuple[str, What]:
        """Why a row's label cannot come in, "" where it can."""
        if self.taxonomy is None:
            return "its label was left out: import the class tree first", "label"
        if row.kind and row.kind not in KINDS:
            return f"the kind {row.kind!r} is none of {', '.join(KINDS)}; its label was left out", "label"
        if row.kind == "is_not" and row.label == self.taxonomy.keys[0]:
            return f"no picture is outside {row.label!r}, which is the whole tree; its label was left out", "label"
        if row.kind == "unusable" or row.label in self.taxonomy:
            return "", "label"
        called = self._keys_by_name.get(folded(row.label), [])
        if len(called) > 1:
            keys = ", ".join(map(repr, called[:3])) + (", …" if len(called) > 3 else "")
            return (
                f"{len(called)} classes are called {row.label!r}, its label was left out; give a key: {keys}",
                "label",
            )
        nearest = self._unknown(row.label)
        return f"unknown class {row.label!r}, its label was left out; nearest: {nearest or '–'}", "class"

    def _unknown(self, label: str) -> str:
        before = self.report.unknown.get(label)
        nearest = before.nearest if before else self._nearest(label)
        self.report.unknown[label] = UnknownClass(before.labels + 1 if before else 1, nearest)
        return ", ".join(map(repr, nearest))

    def _nearest(self, label: str) -> tuple[str, ...]:
        if label in self.looked_up:
            return self.looked_up[label].nearest
        several = self._keys_by_name.get(folded(label), [])
        if several:
            return tuple(several[:3])
        keys = self.taxonomy.keys if self.taxonomy else ()
        enough = (len(self.report.unknown) + 1) * len(keys) > MOST_COMPARED
        return () if enough else tuple(nearest_names(label, keys))


def copy_place(sha256: str, name: str) -> str:
    """Where the copy of a picture lies among the workspace's own: one file per content."""
    return f"{sha256[:2]}/{sha256}{Path(name).suffix.lower()}"


def label_uid(number: int, annotator: str, sha256: str, says: Said) -> str:
    """The uid of a label that comes with import `number`."""
    return f"import-{number}-" + hashlib.sha256("\0".join((annotator, sha256, *says)).encode()).hexdigest()[:40]


def _in_words(says: Said) -> str:
    kind, label = says
    return repr(label) if kind == "is" else f"{kind} {label!r}" if label else kind
