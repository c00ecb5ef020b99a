"""WordNet as a class tree: from ImageNet's own files or any class tree, cut to the classes that have pictures."""

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from xml.etree import ElementTree as Xml

from hmgc_core.errors import TaxonomyError
from hmgc_core.exchange.data_sets.reading import lines_of, some_of
from hmgc_core.taxonomy import NodeText
from hmgc_core.taxonomy_io import read_taxonomy_file

_ID = re.compile(r"n\d{8}")
_PAIR = re.compile(r"n\d{8}\s+n\d{8}")


@dataclass
class WordNet:
    """parent_of: class -> the class above, "" for a top one. words: what people read. further: classes that lie under
    several others, of which the first counts.
    """

    parent_of: dict[str, str] = field(default_factory=dict)
    words: dict[str, NodeText] = field(default_factory=dict)
    further: dict[str, None] = field(default_factory=dict)
    remarks: list[str] = field(default_factory=list)

    def add(self, child: str, parent: str) -> None:
        """Note an edge; a second parent is counted and not used."""
        if self.parent_of.setdefault(child, parent) != parent:
            self.further[child] = None


def read_wordnet(path: Path) -> WordNet:
    """A tree from structure_released.xml, wordnet.is_a.txt (`PARENT CHILD` in each line) or any file of a class tree.

    Raises TaxonomyError or TableError where it cannot be read.
    """
    if path.suffix.lower() == ".xml":
        found = _of_structure(path)
    elif path.suffix.lower() == ".txt" and all(_PAIR.fullmatch(text) for _, text in lines_of(path)):
        found = WordNet()
        for _, text in lines_of(path):
            parent, child = text.split()
            found.add(child, parent)
        for parent in list(found.parent_of.values()):
            if parent not in found.parent_of:
                found.parent_of[parent] = ""
    else:
        read = read_taxonomy_file(path)
        tree = read.taxonomy
        above = ("", *(tree.keys[parent] for parent in tree.parents[1:]))
        found = WordNet(dict(zip(tree.keys, above, strict=True)), dict(tree.texts), remarks=list(read.remarks))
    if not found.parent_of:
        raise TaxonomyError(f"{path} has no class in it", remedy="give a WordNet tree")
    if found.further:
        found.remarks.append(
            f"{len(found.further)} classes lie under several others ({some_of(found.further)}); the first counts"
        )
    return found


def _of_structure(path: Path) -> WordNet:
    """Nested synsets. A box that is no synset (such as the one of left-overs) goes, what lies in it stays."""
    found = WordNet()
    try:
        top = Xml.parse(path).getroot()  # noqa: S314 - expat fetches nothing, and bounds what entities may grow to
    except (Xml.ParseError, OSError) as error:
        raise TaxonomyError(f"cannot read {path}: {error}", remedy="give ImageNet's structure_released.xml") from error
    stack = [(one, "") for one in reversed(top.findall("synset"))]
    boxes: list[str] = []
    while stack:
        synset, parent = stack.pop()
        key = synset.get("wnid", "")
        if not key:
            raise TaxonomyError(f"{path}: a synset has no wnid", remedy="give ImageNet's structure_released.xml")
        is_box = bool(parent) and not _ID.fullmatch(key)
        if is_box:
            boxes.append(key)
        else:
            found.add(key, parent)
            words = synset.get("words", "")
            if words:
                found.words.setdefault(key, _text(words, synset.get("gloss", "")))
        stack += [(one, parent if is_box else key) for one in reversed(synset.findall("synset"))]
    if boxes:
        found.remarks.append(f"{some_of(boxes)} is no class; what lies in it is put under the class above")
    return found


def words_of(*folders: Path) -> dict[str, NodeText]:
    """What people read for WordNet ids, from the first `words.txt` (`ID, tab, words`) in these folders, if any."""
    path = next((folder / "words.txt" for folder in folders if (folder / "words.txt").is_file()), None)
    if path is None:
        return {}
    pairs = (text.split("\t", 1) for _, text in lines_of(path))
    return {pair[0].strip(): _text(pair[1]) for pair in pairs if len(pair) == 2}


def _text(words: str, gloss: str = "") -> NodeText:
    name, *synonyms = [word.strip() for word in words.split(",") if word.strip()] or [""]
    return NodeText(name=name, synonyms=tuple(synonyms), note=gloss)


def contracted(parent_of: dict[str, str], with_pictures: Collection[str], how: str) -> tuple[dict[str, str], list[str]]:
    """(class -> class above, remarks): only what has a picture at or below, less what `how` takes out.

    how: `chains` takes out a class without pictures of its own that has a single class below, `empty` every class
    without pictures of its own; what lay below goes to the nearest class above that stays. A top class always stays.
    """
    kept: set[str] = set()
    for key in with_pictures:
        while key and key not in kept:
            kept.add(key)
            key = parent_of[key]  # noqa: PLW2901 - climbs
    below: dict[str, int] = {}
    for key in kept:
        below[parent_of[key]] = below.get(parent_of[key], 0) + 1
    gone = {
        key
        for key in kept.difference(with_pictures)
        if parent_of[key] and (how == "empty" or (how == "chains" and below[key] == 1))
    }
    remarks = [
        f"{count} of {len(parent_of)} classes of the tree {why} and were taken out"
        for count, why in (
            (len(parent_of) - len(kept), "have no picture at or below them"),
            (len(gone), "have no picture of their own" + (" and one class below" if how == "chains" else "")),
        )
        if count
    ]
    order = (key for key in parent_of if key in kept and key not in gone)  # as the file has them
    return {key: _staying(parent_of, parent_of[key], gone) for key in order}, remarks


def _staying(parent_of: dict[str, str], key: str, gone: Collection[str]) -> str:
    while key in gone:
        key = parent_of[key]
    return key


def in_words(keys: Iterable[str], words: dict[str, NodeText]) -> dict[str, NodeText]:
    """What people read for these classes, as far as it is known."""
    return {key: words[key] for key in keys if words.get(key, NodeText()) != NodeText()}
