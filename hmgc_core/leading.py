"""How a statement made in one version of the class tree reads in a later one. Pure: knows no storage.

What a person said is never rewritten. It is read on, version by version: a class that went into another leads there,
and where a change made the words say more than the person did, they are read as the less that they still say.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from hmgc_core.taxonomy import Taxonomy

KeyAndKind = tuple[str, str]


@dataclass(frozen=True)
class Step:
    """What one version did to the statements made before it.

    moves: old key -> new key. loosened: (key, kind) of statements that say less from here on: `is_not` nothing at all,
    the others only `is`; where the key itself stays, the picture deserves a second look.
    """

    version: int
    moves: Mapping[str, str] = field(default_factory=dict)
    loosened: frozenset[KeyAndKind] = frozenset()


class Reading(NamedTuple):
    """A statement as it reads now. second_look: the version that gave reason to look again, None for none."""

    kind: str
    key: str
    second_look: int | None = None


def read_on(kind: str, key: str, steps: Sequence[Step]) -> Reading | None:
    """A statement led through the steps of later versions, oldest first; None where it says nothing any more."""
    second_look = None
    for step in steps:
        if (key, kind) in step.loosened:
            if kind == "is_not":
                return None
            kind = "is"
            second_look = second_look if key in step.moves else step.version
        key = step.moves.get(key, key)
    return Reading(kind, key, second_look)


def loosened(old: Taxonomy, new: Taxonomy, moves: Mapping[str, str]) -> frozenset[KeyAndKind]:
    """Which statements about `old` say too much in `new`; moves: where the keys that `new` drops have gone.

    "None of the classes below it" was said without those added since. "Not A" says nothing about the class that A went
    into, and "not B" was said of a B without A. A dropped key with a new key of its own is the same class under another
    key: there everything stays as it was said.
    """
    sources = Counter(moves.values())
    other_key = {key: target for key, target in moves.items() if sources[target] == 1 and target not in old}
    former_key = {target: key for key, target in other_key.items()}
    known = {*old.keys, *former_key}
    grown = {new.keys[new.parents[i]] for i, key in enumerate(new.keys) if i and key not in known}
    found = {(former_key.get(key, key), "none_here") for key in grown}
    for key in moves:
        if key in old and key not in other_key:
            found |= {(key, "none_here"), (key, "is_not")}
            found |= {(wider, "is_not") for wider in _widened(old, new, key, moves[key])}
    return frozenset(statement for statement in found if statement[0] in old)


def _widened(old: Taxonomy, new: Taxonomy, key: str, target: str) -> Iterator[str]:
    """The classes at and above `target` that did not hold `key` before it went there."""
    for node in reversed([0, *new.path(new.index(target))]):
        above = new.keys[node]
        if above in old:
            if old.is_at_or_below(old.index(key), old.index(above)):
                return
            yield above
