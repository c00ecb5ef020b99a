"""Recognise classes of the tree in use in a file that gives names and no keys. Pure; knows no workspace."""

from collections import Counter
from dataclasses import dataclass, field, replace
from itertools import chain, count

from hmgc_core.taxonomy import NodeText, Taxonomy, folded
from hmgc_core.taxonomy_io import TaxonomyFile, root_remark

MOST_TOLD = 5


def recognise(file: TaxonomyFile, old: Taxonomy) -> TaxonomyFile:
    """The file, where each class without a key of its own that is one of `old` by its name has the key of that one.

    A name fits a class whose name or key it is, capitals and blanks aside. Where it fits several, the class below the
    same parent is meant; else none, and a remark says so. What the file does not tell (other names, notes) stays as it
    is in `old`. New classes never get a key that `old` has.
    """
    found = _Search(file, old)
    found.look()
    if not file.unkeyed.intersection(file.taxonomy.keys[node] for node in found.same) and not found.unclear:
        return file
    added_root = root_remark(file.taxonomy.keys[0]) if 0 in found.same else ""
    remarks = [remark for remark in file.remarks if remark != added_root]
    return replace(file, taxonomy=_with_keys_of(old, file, found.same), remarks=(*remarks, *found.remarks()))


@dataclass
class _Search:
    """same: node of the file -> node of `old`. by_name: how many their name told. unclear: name -> keys it fits."""

    file: TaxonomyFile
    old: Taxonomy
    same: dict[int, int] = field(default_factory=dict)
    by_name: int = 0
    unclear: dict[str, list[str]] = field(default_factory=dict)

    def look(self) -> None:
        """Find the same classes: those with a key or in their old place first, then the others by their names."""
        new, old, unkeyed = self.file.taxonomy, self.old, self.file.unkeyed
        self.same = {
            node: old.index(key)
            for node, key in enumerate(new.keys)
            if key in old and (key not in unkeyed or _parent_key(new, node) == _parent_key(old, old.index(key)))
        }
        self._match_added_root()
        nameless = [node for node, key in enumerate(new.keys) if key in unkeyed and node not in self.same]
        wanted = Counter(folded(new.name(node)) for node in nameless)
        known, taken, left = _by_name(old), {*self.same.values()}, []
        for node in nameless:  # parents come before their children
            name = folded(new.name(node))
            found = self._choose(node, [fit for fit in known.get(name, ()) if fit not in taken], once=wanted[name] == 1)
            if found is None:
                left.append(node)
            else:
                self.same[node] = found
                taken.add(found)
                self.by_name += new.keys[node] != old.keys[found]
        for node in left:
            keys = [old.keys[fit] for fit in known.get(folded(new.name(node)), ()) if fit not in taken]
            if keys:
                self.unclear[new.name(node)] = keys

    def remarks(self) -> list[str]:
        """What people should know of it."""
        told = []
        if self.by_name == 1:
            told.append("1 class was recognised by its name and keeps its key")
        elif self.by_name:
            told.append(f"{self.by_name} classes were recognised by name and keep their keys")
        for name, keys in list(self.unclear.items())[:MOST_TOLD]:
            fits = ", ".join(map(repr, keys[:3])) + (", …" if len(keys) > 3 else "")
            told.append(f"{name!r} could be {fits} of the tree in use: taken as a new class")
        if len(self.unclear) > MOST_TOLD:
            told.append(f"{len(self.unclear) - MOST_TOLD} more names are as unclear and taken as new classes")
        return told

    def _match_added_root(self) -> None:
        """A root that was added above several top classes is that of `old`, where some of them lie right below it."""
        new, old = self.file.taxonomy, self.old
        if 0 in self.same or 0 in self.same.values() or root_remark(new.keys[0]) not in self.file.remarks:
            return
        tops = {folded(new.name(int(node))) for node in new.children(0)}
        if folded(old.name(0)) not in tops and tops & {folded(old.name(int(node))) for node in old.children(0)}:
            self.same[0] = 0

    def _choose(self, node: int, fits: list[int], *, once: bool) -> int | None:
        """The one class that is meant: by its parent, by its key, or because nothing else has this name."""
        new, old = self.file.taxonomy, self.old
        beside = self.same.get(int(new.parents[node]))
        below_it = [fit for fit in fits if beside is not None and old.parents[fit] == beside]
        exact = [fit for fit in fits if old.keys[fit] == new.keys[node]]
        for some in (below_it, exact, fits if once else []):
            if len(some) == 1:
                return some[0]
        return None


def _by_name(tree: Taxonomy) -> dict[str, list[int]]:
    """name or key, folded -> the nodes that it fits."""
    known: dict[str, list[int]] = {}
    for node, key in enumerate(tree.keys):
        for name in {folded(tree.name(node)), folded(key)}:
            known.setdefault(name, []).append(node)
    return known


def _parent_key(tree: Taxonomy, node: int) -> str:
    return tree.keys[int(tree.parents[node])] if node else ""


def _with_keys_of(old: Taxonomy, file: TaxonomyFile, same: dict[int, int]) -> Taxonomy:
    """The file's tree with the keys of the classes that were recognised, and free ones for the others."""
    new, keys, texts = file.taxonomy, list(file.taxonomy.keys), dict[str, NodeText]()
    taken = {*old.keys, *(key for key in keys if key not in file.unkeyed)}
    prefixes = {key.rpartition("/")[0] for key in old.keys}
    for node, key in enumerate(new.keys):
        text = new.texts.get(key, NodeText())
        if key not in file.unkeyed:
            texts[key] = text
        elif node in same:
            keys[node] = old.keys[same[node]]
            texts[keys[node]] = _text(new.name(node), text, old, same[node])
        else:
            parent = keys[int(new.parents[node])] if node else ""
            below_root = new.parents[node] <= 0 and parent not in prefixes
            joined = new.name(node) if below_root else f"{parent}/{new.name(node)}"
            # As an edit makes them: the name alone where no key of the tree has a prefix.
            keys[node] = _free([joined] if prefixes != {""} else [new.name(node), joined], taken)
            taken.add(keys[node])
            texts[keys[node]] = replace(text, name=new.name(node))
    return Taxonomy(tuple(keys), new.parents, texts)


def _text(name: str, text: NodeText, old: Taxonomy, node: int) -> NodeText:
    by_name = folded(name) == folded(old.name(node)) or folded(name) != folded(old.keys[node])
    shown = name if by_name and node else old.name(node)
    return NodeText(shown, text.synonyms or old.synonyms(node), text.note or old.note(node))


def _free(wanted: list[str], taken: set[str]) -> str:
    """The first of these keys that nobody has, else the last one with a number."""
    numbered = (f"{wanted[-1]} {number}" for number in count(2))
    return next(key for key in chain(wanted, numbered) if key not in taken)
