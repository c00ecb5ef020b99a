"""Read class trees from files: edges, levels, indented text, nested JSON. Knows files, no database.

Formats are told apart by ending and header; docs/formats.md shows each. Every error names the file, the line and what
to do about it.
"""

import csv
import io
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hmgc_core.cells import delimiter_of, unguarded
from hmgc_core.errors import TaxonomyError
from hmgc_core.taxonomy import NodeText, Taxonomy, folded

EDGE_COLUMNS = ("child", "parent", "name", "synonyms", "note")
LONGEST_KEY = 500
LARGEST_FILE = 40_000_000


@dataclass(frozen=True)
class TaxonomyFile:
    """A taxonomy as read from a file, and what was odd but harmless in it.

    unkeyed: those of its keys that the file does not give; they were made from names.
    """

    taxonomy: Taxonomy
    remarks: tuple[str, ...]
    unkeyed: frozenset[str] = frozenset()


def root_remark(key: str) -> str:
    """What is said of a root that the file does not have."""
    return f"several top classes: they were put under an added root {key!r}"


@dataclass
class _Draft:
    """Edges and texts gathered while reading, each edge with the line it stands on."""

    path: Path
    parent_of: dict[str, str] = field(default_factory=dict)
    line_of: dict[str, int] = field(default_factory=dict)
    texts: dict[str, NodeText] = field(default_factory=dict)
    repeated: list[int] = field(default_factory=list)
    unkeyed: set[str] = field(default_factory=set)

    def add(self, child: str, parent: str, line: int, *, text: NodeText | None = None, implied: bool = False) -> None:
        """Add one edge. implied: the row is about another node, so seeing this edge again is no repetition."""
        for key in (child, parent):
            _check_key(key, self.path, line)
        known = self.parent_of.get(child)
        if known is None:
            self.parent_of[child], self.line_of[child] = parent, line
        elif known != parent:
            raise _error(
                self.path, line, f"{child!r} has two parents, {known!r} (line {self.line_of[child]}) and {parent!r}",
                "give one of them another key, or remove one row",
            )  # fmt: skip
        elif not implied:
            self.repeated.append(line)
        if text is not None and text != NodeText():
            self.texts.setdefault(child, text)

    def finish(self) -> TaxonomyFile:
        if not self.parent_of:
            raise _error(self.path, 1, "no class in this file", "write at least one class, see docs/formats.md")
        try:
            taxonomy = Taxonomy.from_edges(self.parent_of.items(), self.texts)
        except TaxonomyError as error:
            raise TaxonomyError(f"{self.path}: {error}{self._lines_of(error)}", remedy=error.remedy) from error
        remarks = []
        if self.repeated:
            shown = _lines(self.repeated[:5]) + (", …" if len(self.repeated) > 5 else "")
            rows = "row repeats" if len(self.repeated) == 1 else "rows repeat"
            remarks.append(f"{len(self.repeated)} {rows} an earlier one and changed nothing ({shown})")
        if taxonomy.keys[0] not in self.parent_of and taxonomy.keys[0] not in set(self.parent_of.values()):
            remarks.append(root_remark(taxonomy.keys[0]))
            self.unkeyed |= {taxonomy.keys[0]} if self.unkeyed else set()
        remarks += _alike(taxonomy)
        return TaxonomyFile(taxonomy, tuple(remarks), frozenset(self.unkeyed))

    def _lines_of(self, error: TaxonomyError) -> str:
        named = [line for key, line in self.line_of.items() if repr(key) in str(error)]
        return f" ({_lines(sorted(named)[:6])})" if named else ""


def _alike(taxonomy: Taxonomy) -> list[str]:
    """A remark where classes side by side have one name: nobody can tell them apart."""
    found: dict[tuple[int, str], list[str]] = {}
    for node in range(1, len(taxonomy)):
        found.setdefault((int(taxonomy.parents[node]), folded(taxonomy.name(node))), []).append(taxonomy.keys[node])
    alike = [keys for keys in found.values() if len(keys) > 1]
    if not alike:
        return []
    shown = "; ".join(
        f"{taxonomy.name(taxonomy.index(keys[0]))!r} ({', '.join(map(repr, keys[:3]))})" for keys in alike[:3]
    )
    more = "; …" if len(alike) > 3 else ""
    return [f"classes below the same parent have the same name, and cannot be told apart by it: {shown}{more}"]


def _lines(numbers: list[int]) -> str:
    """`line 2`, `lines 2 and 3`, `lines 2, 3 and 4`."""
    *first, last = map(str, numbers)
    return f"lines {', '.join(first)} and {last}" if first else f"line {last}"


def read_taxonomy(path: Path | str, format: str = "") -> Taxonomy:
    """Read a class tree; see `read_taxonomy_file`."""
    return read_taxonomy_file(Path(path), format).taxonomy


def read_taxonomy_file(path: Path, format: str = "") -> TaxonomyFile:
    """Read a class tree and the remarks about its file.

    format: one of FORMATS, "" to tell by ending and header. Raises TaxonomyError with file, line and remedy.
    """
    if format and format not in FORMATS:
        raise TaxonomyError(f"there is no taxonomy format {format!r}", remedy=f"choose one of {', '.join(FORMATS)}")
    text = _read_text(path)
    return read_taxonomy_text(text, format or _tell_format(path, text), name=str(path))


def read_taxonomy_text(text: str, format: str, *, name: str) -> TaxonomyFile:
    """Read a class tree from text in one of FORMATS. name: what errors call the text. Raises TaxonomyError."""
    draft = _Draft(Path(name))
    FORMATS[format](draft, text)
    return draft.finish()


def _read_text(path: Path) -> str:
    try:
        size = path.stat().st_size
        if size > LARGEST_FILE:
            raise TaxonomyError(
                f"{path} holds {size / 1e6:.0f} MB; the largest class trees have a few",
                remedy="check that this is the right file",
            )
        raw = path.read_bytes()
    except OSError as error:
        raise TaxonomyError(f"cannot read {path}: {error.strerror}", remedy="check the path") from error
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        raise _error(path, line, "this is not UTF-8 text", "save the file as UTF-8") from error
    if "\0" in text:
        line = text[: text.index("\0")].count("\n") + 1
        raise _error(path, line, "a zero byte: this is not a text file", "save the file as UTF-8 text")
    if not text.strip():
        raise _error(path, 1, "the file is empty", "write at least one class, see docs/formats.md")
    return text


def _tell_format(path: Path, text: str) -> str:
    ending = path.suffix.lower()
    if ending == ".json":
        return "json"
    first = text.lstrip("\r\n").split("\n", 1)[0]
    header = [name.strip().lower() for name in next(csv.reader([first], delimiter=delimiter_of(text)), [])]
    if header[:2] == ["child", "parent"] and set(header) <= set(EDGE_COLUMNS):
        return "edges"
    if header and all(name == f"level{i}" for i, name in enumerate(header, 1)):
        return "levels"
    if ending == ".txt":
        return "indented"
    raise _error(
        path, 1, f"unknown header {','.join(header)[:80]!r}",
        "start with `child,parent[,name][,synonyms][,note]` or `level1,level2,…`, "
        f"or say which format it is ({', '.join(FORMATS)})",
    )  # fmt: skip


def _rows(path: Path, text: str) -> Iterator[tuple[int, list[str]]]:
    """(line number, cells without outer blanks) of each row that is not blank."""
    given = io.StringIO(text, newline="")
    reader = csv.reader(given, delimiter=delimiter_of(text), strict=True)  # a name may hold other signs that end lines
    while True:
        line = reader.line_num + 1
        try:
            row = next(reader, None)
        except csv.Error as error:
            raise _error(path, line, f"not readable as CSV: {error}", "check the quotes on this line") from error
        if row is None:
            return
        cells = [cell.strip() for cell in row]
        if any(cells):
            yield line, cells


def _read_edges(draft: _Draft, text: str) -> None:
    rows = _rows(draft.path, text)
    _, header = next(rows)
    # With an explicit format the header may have any names: then the columns count by place.
    names = [name.lower() for name in header]
    place = {name: i for i, name in enumerate(names if names[:2] == ["child", "parent"] else EDGE_COLUMNS)}
    for line, cells in rows:
        if len(cells) > len(header):
            raise _error(
                draft.path, line, f"{len(cells)} cells, but the header has {len(header)}",
                "put quotes around a value that holds a comma",
            )  # fmt: skip
        cell = {name: unguarded(cells[i]) if i < len(cells) else "" for name, i in place.items()}
        if not cell["child"]:
            raise _error(draft.path, line, "the child is blank", "give every row a child key")
        synonyms = tuple(s for part in cell.get("synonyms", "").split("|") if (s := part.strip()))
        words = NodeText(cell.get("name", ""), synonyms, cell.get("note", ""))
        draft.add(cell["child"], cell["parent"], line, text=words)


def _read_levels(draft: _Draft, text: str) -> None:
    rows = _rows(draft.path, text)
    next(rows)
    seen: set[tuple[str, ...]] = set()
    for line, cells in rows:
        path = tuple(cells)
        while path and not path[-1]:
            path = path[:-1]
        if "" in path:
            raise _error(
                draft.path, line, f"level{path.index('') + 1} is blank but a deeper level is not",
                "fill the blank, or move the names to the left",
            )  # fmt: skip
        _add_path(draft, path, line, known=path in seen)
        seen.update(path[:i] for i in range(1, len(path) + 1))


def _add_path(draft: _Draft, path: tuple[str, ...], line: int, *, known: bool) -> None:
    parent = ""
    for place, name in enumerate(path):
        key = f"{parent}/{name}" if parent else name
        last = place == len(path) - 1
        draft.add(key, parent, line, text=NodeText(name=name) if key != name else None, implied=not (last and known))
        draft.unkeyed.add(key)
        parent = key


def _read_indented(draft: _Draft, text: str) -> None:
    """Each deeper line is a child of the nearest line above with less indentation."""
    open_nodes: list[tuple[int, str]] = []  # (indentation, key) from the top down to the line above
    for line, raw in enumerate(text.splitlines(), 1):
        name = raw.strip()
        if not name:
            continue
        indent = len(raw.expandtabs(4)) - len(raw.expandtabs(4).lstrip())
        while open_nodes and open_nodes[-1][0] >= indent:
            open_nodes.pop()
        if not open_nodes and indent and draft.parent_of:
            raise _error(
                draft.path, line, f"{name!r} is indented less than its siblings but more than its parent",
                "indent siblings alike",
            )  # fmt: skip
        parent = open_nodes[-1][1] if open_nodes else ""
        key = f"{parent}/{name}" if parent else name
        draft.add(key, parent, line, text=NodeText(name=name) if key != name else None)
        draft.unkeyed.add(key)
        open_nodes.append((indent, key))


def _read_json(draft: _Draft, text: str) -> None:
    try:
        top = json.loads(text)
    except json.JSONDecodeError as error:
        raise _error(draft.path, error.lineno, f"not JSON: {error.msg}", "mend the JSON on this line") from error
    except RecursionError as error:
        raise _error(draft.path, 1, "nested too deeply", "give the tree as child,parent rows") from error
    stack: list[tuple[Any, str]] = [(node, "") for node in reversed(list(_json_nodes(draft, top)))]
    while stack:
        (name, words, key, children), parent = stack.pop()
        if not key:
            key = f"{parent}/{name}" if parent else name
            draft.unkeyed.add(key)
        draft.add(key, parent, 1, text=words if (words != NodeText(name=key)) else None)
        stack += [(child, key) for child in reversed(list(_json_nodes(draft, children)))]


_JsonNode = tuple[str, NodeText, str, Any]  # name, text, explicit key or "", children as they stand in the file


def _json_nodes(draft: _Draft, value: Any) -> Iterable[_JsonNode]:
    """The nodes that a JSON value lists: {name: children}, [name, …], or {"name": …, "children": […]}."""
    if value in (None, {}, []):
        return
    if isinstance(value, dict) and ({"name", "key"} & value.keys()) and isinstance(value.get("children", []), list):
        value = [value]
    if isinstance(value, dict):
        for name, children in value.items():
            yield name.strip(), NodeText(name=name.strip()), "", children
        return
    for item in value if isinstance(value, list) else [value]:
        if isinstance(item, str):
            yield item.strip(), NodeText(name=item.strip()), "", None
        elif isinstance(item, dict) and ({"name", "key"} & item.keys()):
            name, key = (str(item.get(word) or "").strip() for word in ("name", "key"))
            synonyms = tuple(map(str, item.get("synonyms") or ()))
            yield name or key, NodeText(name or key, synonyms, str(item.get("note") or "")), key, item.get("children")
        elif isinstance(item, dict):
            yield from _json_nodes(draft, item)
        else:
            raise _error(
                draft.path, 1, f"{json.dumps(item)[:40]} is not a class",
                'write {"name": …, "children": […]}, {"name": {…}} or a list of names',
            )  # fmt: skip


def _check_key(key: str, path: Path, line: int) -> None:
    if len(key) > LONGEST_KEY:
        raise _error(path, line, f"a key of {len(key)} characters", f"use at most {LONGEST_KEY}")
    if not key.isprintable() and any(ord(letter) < 32 or ord(letter) == 127 for letter in key):
        raise _error(path, line, f"{key!r} holds a control character", "remove line breaks and tabs from the key")


def _error(path: Path, line: int, message: str, remedy: str) -> TaxonomyError:
    return TaxonomyError(f"{path}, line {line}: {message}", remedy=remedy)


FORMATS: dict[str, Callable[[_Draft, str], None]] = {
    "edges": _read_edges,
    "levels": _read_levels,
    "indented": _read_indented,
    "json": _read_json,
}
