"""A class tree that somebody pasted: what kind of text it is, told by its content alone, and the tree it holds.

A spreadsheet pastes tabs, a document pastes bullets; both are read. What is no class tree (an address, a web page,
prose, bytes) is an error that says what it looks like.
"""

import csv
import re
from dataclasses import dataclass

from hmgc_core.cells import delimiter_of
from hmgc_core.errors import TaxonomyError
from hmgc_core.taxonomy_io import EDGE_COLUMNS, TaxonomyFile, read_taxonomy_text

LONGEST_TEXT = 5_000_000  # letters; 100,000 classes with their parents are about 4 million
NAME = "the pasted text"
FORMAT_WORDS = {
    "edges": "a table of classes and their parents",
    "levels": "a table with one level in each column",
    "indented": "an indented list",
    "json": "JSON",
}
SEE_FORMATS = "paste an indented list, a table that starts with `child,parent` or `level1,level2`, or JSON"

_ADDRESS = re.compile(r"(?:[a-z][a-z0-9+.-]*://|www\.)\S+", re.IGNORECASE)
_BULLET = re.compile(r"^(\s*)[-*+•◦▪–]\s+")


@dataclass(frozen=True)
class PastedTree:
    """A tree and in which format it was pasted: one of FORMAT_WORDS. lines: how many were not blank."""

    file: TaxonomyFile
    format: str
    lines: int


def read_pasted(text: str) -> PastedTree:
    """The class tree in a pasted text. Raises TaxonomyError with what the text looks like, or with line and remedy."""
    text = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    _refuse_what_is_no_text(text)
    lines = [line for line in text.split("\n") if line.strip()]
    if text.lstrip()[0] in "{[":
        return PastedTree(read_taxonomy_text(text, "json", name=NAME), "json", len(lines))
    format = _table_format(lines[0])
    if format:
        return PastedTree(read_taxonomy_text(text, format, name=NAME), format, len(lines))
    _refuse_what_is_no_list(lines)
    if all(_BULLET.match(line) for line in lines):
        text = "\n".join(_BULLET.sub(r"\1", line) for line in text.split("\n"))
    return PastedTree(read_taxonomy_text(text, "indented", name=NAME), "indented", len(lines))


def _refuse_what_is_no_text(text: str) -> None:
    if not text.strip():
        raise TaxonomyError("nothing was pasted", remedy=SEE_FORMATS)
    if len(text) > LONGEST_TEXT:
        raise TaxonomyError(
            f"the pasted text has {len(text):,} letters; at most {LONGEST_TEXT:,} can be pasted",
            remedy="save it as a file and bring in the file",
        )
    sample = text[:10_000]
    odd = sum(letter == "\ufffd" or (ord(letter) < 32 and letter not in "\n\t") for letter in sample)
    if "\0" in text or odd * 50 > len(sample):
        raise TaxonomyError("what was pasted is no text: it looks like the bytes of a file", remedy=SEE_FORMATS)
    if re.match(r"\s*<[!?a-zA-Z]", text):
        raise TaxonomyError(
            "what was pasted is a web page or XML, not a class tree",
            remedy="copy the list as it is shown, and paste that",
        )
    if _ADDRESS.fullmatch(text.strip()) or all(_ADDRESS.fullmatch(line.strip()) for line in text.split("\n") if line):
        raise TaxonomyError(
            "what was pasted is an address, not a class tree", remedy="open it, and paste the list that is there"
        )


def _table_format(header: str) -> str:
    """The format of a table whose header we know, "" for any other text."""
    cells = next(csv.reader([header], delimiter=delimiter_of(header)), [])
    names = [name.strip().lower() for name in cells]
    if names[:2] == ["child", "parent"] and set(names) <= set(EDGE_COLUMNS):
        return "edges"
    return "levels" if all(name == f"level{place}" for place, name in enumerate(names, 1)) else ""


def _refuse_what_is_no_list(lines: list[str]) -> None:
    if len(lines) == 1:
        raise TaxonomyError(
            f"a single line, {lines[0].strip()[:40]!r}, is no class tree", remedy=f"{SEE_FORMATS}, with all classes"
        )
    words = [len(line.split()) for line in lines]
    sentences = sum(count > 4 and line.rstrip()[-1] in ".!?:;," for line, count in zip(lines, words, strict=True))
    if sum(words) / len(lines) > 8 or sentences * 3 > len(lines) or max(map(len, lines)) > 500:
        raise TaxonomyError("the pasted text reads like prose, not like a list of classes", remedy=SEE_FORMATS)
    for delimiter, word in ((",", "commas"), ("\t", "tabs"), (";", "semicolons")):
        counts = {line.strip().count(delimiter) for line in lines}
        if len(counts) == 1 and counts != {0}:
            raise TaxonomyError(
                f"the pasted text looks like a table ({word} in each line) whose first line is "
                f"{lines[0].strip()[:60]!r}",
                remedy="let it start with `child,parent` or with `level1,level2`, one for each column",
            )
