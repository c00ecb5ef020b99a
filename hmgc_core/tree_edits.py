"""Changes of the class tree as pure functions: a tree and an edit in, a new tree and where dropped keys go out.

Keys are stable: a rename changes what people read, never the key. Knows nothing of labels or storage.
"""

import itertools
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, ClassVar

from hmgc_core.errors import BadEdit
from hmgc_core.taxonomy import NodeText, Taxonomy

LONGEST_NAME = 120
LONGEST_KEY = 250
LONGEST_NOTE = 2000
BETWEEN_NAMES = "|"  # splits the synonyms in files of class trees
# Signs that turn the reading direction of the text around them.
_TURNING = {*"\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"}


@dataclass(frozen=True)
class Add:
    """A new class below `parent`. key: "" has one made from the name."""

    verb: ClassVar[str] = "add"
    parent: str
    name: str
    key: str = ""
    synonyms: tuple[str, ...] = ()
    note: str = ""


@dataclass(frozen=True)
class Rename:
    """What people read about a class; its key stays. None leaves a part as it is."""

    verb: ClassVar[str] = "rename"
    key: str
    name: str | None = None
    synonyms: tuple[str, ...] | None = None
    note: str | None = None


@dataclass(frozen=True)
class Move:
    """A class, with all below it, goes under another parent."""

    verb: ClassVar[str] = "move"
    key: str
    under: str


@dataclass(frozen=True)
class Merge:
    """A class goes into another: its labels, the classes below it, and its names as other names."""

    verb: ClassVar[str] = "merge"
    key: str
    into: str


@dataclass(frozen=True)
class Retire:
    """Nobody can choose the class any more. Its labels go `to` a class, "" for its parent; the classes below go up."""

    verb: ClassVar[str] = "retire"
    key: str
    to: str = ""


@dataclass(frozen=True)
class Split:
    """New classes below one that was too coarse; its pictures deserve a second look."""

    verb: ClassVar[str] = "split"
    key: str
    children: tuple[str, ...]


Edit = Add | Rename | Move | Merge | Retire | Split


@dataclass(frozen=True)
class Edited:
    """What an edit makes of a tree. moves: dropped key -> the key its labels go to. touched: whose labels it concerns.

    look_again: (key, kind) of statements to be looked at once more, beyond those that `leading.loosened` finds.
    """

    taxonomy: Taxonomy
    touched: frozenset[str]
    moves: Mapping[str, str] = field(default_factory=dict)
    look_again: frozenset[tuple[str, str]] = frozenset()
    added: tuple[str, ...] = ()


def edit_values(edit: Edit) -> dict[str, Any]:
    """An edit as JSON-ready values; `verb` says which it is."""
    return {"verb": edit.verb, **asdict(edit)}


def apply_edit(taxonomy: Taxonomy, edit: Edit, *, was_used: Callable[[str], bool]) -> Edited:
    """The tree after an edit. was_used: an earlier version has this key; it is never given to another class.

    Raises BadEdit where the edit makes no sense or changes nothing, UnknownNode for a key that is not in the tree.
    """
    plan: Callable[..., Edited] = _PLANS[type(edit)]
    return _keep_names(taxonomy, plan(_Draft(taxonomy, was_used), edit))


class _Draft:
    """A tree being changed: the parent and the text of each key, in the order of the file."""

    def __init__(self, taxonomy: Taxonomy, was_used: Callable[[str], bool]) -> None:
        self.taxonomy, self.was_used = taxonomy, was_used
        self.root = taxonomy.keys[0]
        keys = taxonomy.keys
        self.parents = {key: keys[taxonomy.parents[i]] if i else "" for i, key in enumerate(keys)}
        self.texts = dict(taxonomy.texts)

    def known(self, key: str) -> str:
        """The key, checked to be in the tree. Raises UnknownNode."""
        return self.taxonomy.keys[self.taxonomy.index(key)]

    def name(self, key: str) -> str:
        """What people read for a key of the tree before the edit."""
        return self.taxonomy.name(self.taxonomy.index(key))

    def is_at_or_below(self, key: str, other: str) -> bool:
        """`key` is `other` or lies below it, before the edit."""
        return bool(self.taxonomy.is_at_or_below(self.taxonomy.index(key), self.taxonomy.index(other)))

    def below_root(self, key: str, doing: str) -> str:
        """The key, checked to be in the tree and not its root. Raises UnknownNode, BadEdit."""
        if self.known(key) == self.root:
            raise BadEdit(
                f"{self.name(key)!r} is the root, which holds every class; it cannot be {doing}",
                remedy="choose a class below it, or rename the root",
            )
        return key

    def add(self, parent: str, name: str, key: str = "", synonyms: tuple[str, ...] = (), note: str = "") -> str:
        """Put a class below `parent`; returns its key."""
        name = clean_name(name)
        key = self._free_key(key) if key else self._new_key(parent, name)
        self.parents[key] = parent
        self.texts[key] = NodeText(name, _clean_synonyms(synonyms), _clean_note(note))
        return key

    def _free_key(self, key: str) -> str:
        """The key that a person chose, if it can be had."""
        _check_key(key)
        if key in self.parents:
            raise BadEdit(
                f"there is a class with the key {key!r} already", remedy="choose another key, or leave it blank"
            )
        if self.was_used(key):
            raise BadEdit(
                f"the key {key!r} belonged to a class of an earlier version of the tree",
                remedy="choose another key, or leave it blank: labels of then must not be taken for labels of now",
            )
        return key

    def _new_key(self, parent: str, name: str) -> str:
        """The first key for this name that nobody has or had."""
        wanted = self._keys_for(parent, name)
        return next(key for key in wanted if key not in self.parents and not self.was_used(key))

    def _keys_for(self, parent: str, name: str) -> Iterator[str]:
        """Keys made from a name: like those beside it, joined to the parent's key or the name alone; then numbered."""
        joined = f"{'' if parent == self.root else parent}/{name}"[-LONGEST_KEY:].lstrip("/")
        beside = [key for key in self.children(parent) if key.startswith(f"{parent}/")]
        if not (self.taxonomy.keys_are_prefixed or beside or "/" in parent):
            yield name
        yield joined
        yield from (f"{joined} {number}" for number in itertools.count(2))

    def drop(self, key: str, *, children_to: str) -> None:
        """Take a class out; the classes directly below it go below another."""
        for child in self.children(key):
            self.parents[child] = children_to
        del self.parents[key]
        self.texts.pop(key, None)

    def children(self, key: str) -> list[str]:
        """Keys directly below a key of the tree before the edit."""
        return [self.taxonomy.keys[i] for i in self.taxonomy.children(self.taxonomy.index(key))]

    def made(self) -> Taxonomy:
        """The tree as it is now. Raises BadEdit where the edit changed nothing, or left nothing but the root."""
        if len(self.parents) < 2:
            raise BadEdit("this would leave no class but the root", remedy="add the classes that shall take its place")
        made = Taxonomy.from_edges(self.parents.items(), self.texts)
        if made == self.taxonomy:
            raise BadEdit("this changes nothing", remedy="the class tree is already like that")
        return made


def _add(draft: _Draft, edit: Add) -> Edited:
    parent = draft.known(edit.parent)
    _check_new_names(draft, parent, [clean_name(edit.name)])
    key = draft.add(parent, edit.name, edit.key, edit.synonyms, edit.note)
    return Edited(draft.made(), frozenset({parent}), added=(key,))


def _rename(draft: _Draft, edit: Rename) -> Edited:
    key = draft.known(edit.key)
    text = draft.texts.get(key, NodeText())
    if edit.name is not None:
        text = replace(text, name=clean_name(edit.name))
    if edit.synonyms is not None:
        text = replace(text, synonyms=_clean_synonyms(edit.synonyms))
    if edit.note is not None:
        text = replace(text, note=_clean_note(edit.note))
    draft.texts[key] = text
    return Edited(draft.made(), frozenset({key}))


def _move(draft: _Draft, edit: Move) -> Edited:
    key, under = draft.below_root(edit.key, "moved"), draft.known(edit.under)
    if draft.is_at_or_below(under, key):
        where = "itself" if under == key else f"{draft.name(under)!r}, which lies below it"
        raise BadEdit(
            f"{draft.name(key)!r} cannot move below {where}", remedy="choose a class outside of it as the new parent"
        )
    draft.parents[key] = under
    return Edited(draft.made(), frozenset(_keys_below(draft.taxonomy, key)))


def _keys_below(taxonomy: Taxonomy, key: str) -> list[str]:
    """The keys at and below a key."""
    node = taxonomy.index(key)
    start, end = taxonomy.preorder_start[node], taxonomy.preorder_end[node]
    inside = (taxonomy.preorder_start >= start) & (taxonomy.preorder_start < end)
    return [taxonomy.keys[i] for i in inside.nonzero()[0]]


def _merge(draft: _Draft, edit: Merge) -> Edited:
    key, into = draft.below_root(edit.key, "merged into another"), draft.known(edit.into)
    _check_target(
        draft, key, into, "merged into", remedy=f"merge {draft.name(into)!r} into {draft.name(key)!r} instead"
    )
    gone, stays = draft.texts.get(key, NodeText()), draft.texts.get(into, NodeText())
    names = (*stays.synonyms, draft.name(key), *gone.synonyms)
    others = [name for name in names if name != draft.name(into) and BETWEEN_NAMES not in name]
    draft.drop(key, children_to=into)
    draft.texts[into] = replace(stays, synonyms=tuple(dict.fromkeys(others)))
    return Edited(draft.made(), frozenset({key, into}), moves={key: into})


def _retire(draft: _Draft, edit: Retire) -> Edited:
    key = draft.below_root(edit.key, "retired")
    parent = draft.parents[key]
    to = draft.known(edit.to) if edit.to else parent
    _check_target(draft, key, to, "replaced by", remedy="choose a class beside or above it")
    draft.drop(key, children_to=parent)
    return Edited(draft.made(), frozenset({key}), moves={key: to})


def _check_target(draft: _Draft, key: str, target: str, doing: str, *, remedy: str) -> None:
    """Labels may go to any class but those below: there they would claim more than people said."""
    if target == key:
        raise BadEdit(f"{draft.name(key)!r} cannot be {doing} itself", remedy="choose another class")
    if draft.is_at_or_below(target, key):
        raise BadEdit(
            f"{draft.name(key)!r} cannot be {doing} {draft.name(target)!r}, which lies below it: "
            "its labels would claim more than people said",
            remedy=remedy,
        )


def _split(draft: _Draft, edit: Split) -> Edited:
    key = draft.known(edit.key)
    names = [clean_name(name) for name in edit.children]
    if len(names) < 2:
        raise BadEdit(
            f"{draft.name(key)!r} can only be split into two classes or more",
            remedy="name at least two, or add a single class below it",
        )
    _check_new_names(draft, key, names)
    added = tuple(draft.add(key, name) for name in names)
    look_again = frozenset({(key, "is"), (key, "none_here")})
    return Edited(draft.made(), frozenset({key}), look_again=look_again, added=added)


def _check_new_names(draft: _Draft, parent: str, names: list[str]) -> None:
    """Two classes of one name are fine below two parents, not side by side."""
    taken = {draft.name(child).casefold() for child in draft.children(parent)}
    for name in names:
        if name.casefold() in taken:
            raise BadEdit(
                f"{name!r} would be below {draft.name(parent)!r} twice", remedy="give each class a name of its own"
            )
        taken.add(name.casefold())


_PLANS: dict[type, Callable[..., Edited]] = {
    Add: _add,
    Rename: _rename,
    Move: _move,
    Merge: _merge,
    Retire: _retire,
    Split: _split,
}


def _keep_names(old: Taxonomy, edited: Edited) -> Edited:
    """The same, where what people read for a class does not hang on which other keys there are."""
    new = edited.taxonomy
    if old.keys_are_prefixed == new.keys_are_prefixed:
        return edited
    texts = dict(new.texts)
    for i, key in enumerate(new.keys):
        text = texts.get(key, NodeText())
        if not text.name and key in old:
            texts[key] = replace(text, name=old.name(old.index(key)))
        elif not text.name:
            texts[key] = replace(text, name=new.name(i))
    return replace(edited, taxonomy=replace(new, texts=texts))


# --- the former tree again --------------------------------------------------------------------------------------------


def way_back(former: Taxonomy, present: Taxonomy) -> dict[str, str]:
    """Where labels made in `present` go when the `former` tree takes its place: to the nearest class that it has."""
    moves = {}
    for i, key in enumerate(present.keys):
        if key not in former:
            staying = [present.keys[j] for j in reversed(present.path(i)) if present.keys[j] in former]
            moves[key] = staying[0] if staying else former.keys[0]
    return moves


# --- what may be written ----------------------------------------------------------------------------------------------


def clean_name(name: str) -> str:
    """A name as it is kept: one line, no blanks around it. Raises BadEdit for an empty, overlong or unreadable one."""
    tidy = " ".join(unicodedata.normalize("NFC", name).split())
    if not tidy:
        raise BadEdit("a class needs a name", remedy="type the name that people shall read")
    if not _is_plain(tidy):
        raise BadEdit("the name holds signs that cannot be shown", remedy="type it again, in letters")
    if len(tidy) > LONGEST_NAME:
        raise BadEdit(
            f"a name of {len(tidy)} letters", remedy=f"use at most {LONGEST_NAME}; the note has room for more"
        )
    return tidy


def _clean_synonyms(synonyms: tuple[str, ...]) -> tuple[str, ...]:
    tidy = tuple(dict.fromkeys(clean_name(name) for name in synonyms if name.strip()))
    if any(BETWEEN_NAMES in name for name in tidy):
        raise BadEdit(
            f"another name holds the sign {BETWEEN_NAMES}",
            remedy="leave it out: files split names there",
        )
    return tidy


def _clean_note(note: str) -> str:
    tidy = " ".join(unicodedata.normalize("NFC", note).split())
    if len(tidy) > LONGEST_NOTE or not _is_plain(tidy):
        raise BadEdit("the note is too long or holds signs that cannot be shown", remedy=f"use {LONGEST_NOTE} letters")
    return tidy


def _check_key(key: str) -> None:
    if key != key.strip() or not _is_plain(key):
        raise BadEdit(
            "a key is one line without tabs and without blanks around it", remedy="leave it blank: one is made"
        )
    if len(key) > LONGEST_KEY:
        raise BadEdit(f"a key of {len(key)} letters", remedy=f"use at most {LONGEST_KEY}, or leave it blank")


def _is_plain(text: str) -> bool:
    """Nothing but signs of writing: no control, no lone surrogate. Joiners are writing in Persian and Hindi."""
    return not any(unicodedata.category(sign) in ("Cc", "Cn", "Cs", "Zl", "Zp") for sign in text) and not (
        _TURNING & {*text}
    )
