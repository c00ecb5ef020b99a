"""What a published data set says of itself once its own files are read, and what its readers share.

A reader takes a folder and gives a `DataSet`; it knows no workspace, opens no picture and decides nothing.
"""

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from hmgc_core.errors import TableError
from hmgc_core.exchange.table import TableRow
from hmgc_core.pictures import SUFFIXES
from hmgc_core.taxonomy import NodeText, Taxonomy

HELD_OUT = 0.1
LARGEST_LIST = 4_000_000_000  # bytes; a list of three million pictures with their places takes one
MOST_TOLD = 5
_NUMBER = re.compile(r"^\d+\.(?=\D)")  # as CUB has it; 707-320 is a name


@dataclass(frozen=True)
class Preparation:
    """How a data set is to be prepared, as far as its format has such a thing.

    tree: a class tree to use instead of its own. lists: folder of list files, where they lie elsewhere. held_out:
    share of its training pictures for validation, where it has none. contract: which classes without pictures of
    their own are taken out of the tree, `none`, `chains` (those with a single child) or `empty` (all). seen: file
    with the classes to learn from, all others being new ones. shots: pictures of each new class to learn from.
    """

    tree: Path | None = None
    lists: Path | None = None
    held_out: float = HELD_OUT
    contract: str = "none"
    seen: Path | None = None
    shots: int = 0


@dataclass
class DataSet:
    """rows: pictures, relative to `base`, each labelled with a key of `taxonomy`, in the order of the lists.

    pixels: row path -> (H, W, 3) uint8, of pictures that have no file of their own. left_out: (path, reason).
    remarks: what people should know. groups: column of its lists -> label -> group there, which a tree may contradict.
    """

    base: Path
    rows: list[TableRow]
    taxonomy: Taxonomy
    pixels: dict[str, NDArray] | None = None
    left_out: list[tuple[str, str]] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    groups: dict[str, dict[str, str]] = field(default_factory=dict)


def lines_of(path: Path) -> Iterator[tuple[int, str]]:
    """(number, text) of the lines of a list that are not blank. Raises TableError where it cannot be read."""
    try:
        if path.stat().st_size > LARGEST_LIST:
            raise TableError(f"{path} is too large for a list of pictures", remedy="is this the right file?")
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise TableError(f"cannot read {path}: {error.strerror}", remedy="check the folder and its files") from error
    except UnicodeDecodeError as error:
        raise TableError(f"{path} is not UTF-8 text", remedy="unpack the data set again") from error
    for number, line in enumerate(text.split("\n"), 1):  # `splitlines` also breaks at signs that names may have
        if line.strip():
            yield number, line.strip()


def numbered(path: Path) -> dict[int, str]:
    """number -> text, of a list with lines `NUMBER TEXT`. Raises TableError with file and line."""
    found: dict[int, str] = {}
    for line, text in lines_of(path):
        number, _, rest = text.partition(" ")
        if not number.isdecimal() or not rest.strip():
            raise bad_line(path, line, "a number and a text after one blank")
        found[int(number)] = rest.strip()
    return found


def bad_line(path: Path, line: int, wanted: str) -> TableError:
    """The error for a line of a list that is none."""
    return TableError(f"{path}, line {line}: not {wanted}", remedy="is this the right file? unpack the data set again")


def json_of(path: Path) -> Any:
    """The content of a JSON file. Raises TableError."""
    try:
        return json.loads(path.read_bytes())
    except OSError as error:
        raise TableError(f"cannot read {path}: {error.strerror}", remedy="check the folder and its files") from error
    except (ValueError, RecursionError) as error:
        raise TableError(f"{path} is not JSON: {error}", remedy="unpack the data set again") from error


def first_there(folders: Iterable[Path], *names: str) -> Path | None:
    """The first of these names that is there, in the first folder that has one."""
    return next((folder / name for folder in folders for name in names if (folder / name).exists()), None)


def missing_files(folder: Path, what: str, names: Iterable[str]) -> TableError:
    """The error for a folder that is not the data set it was said to be."""
    return TableError(f"{folder} is not {what}: it has no {' and no '.join(names)}", remedy="check folder and format")


def folder_with(base: Path, names: Sequence[str], places: Sequence[str]) -> str:
    """Of these places inside a folder the one where most of the first pictures lie, "" for the folder itself."""
    some = names[:: max(1, len(names) // 20)][:20]
    return max(places, key=lambda place: sum((base / place / name).is_file() for name in some))


def inside(place: str, name: str) -> str:
    """A name inside a place, which may be the folder itself."""
    return f"{place}/{name}" if place else name


def pictures_below(base: Path) -> list[str]:
    """Paths of all pictures below a folder, relative to it, folder by folder and in order."""
    found: list[str] = []
    stack = [base]
    while stack:
        folder = stack.pop()
        inner = sorted(folder.iterdir(), key=lambda path: path.name)
        found += [
            path.relative_to(base).as_posix()
            for path in inner
            if path.suffix.lower() in SUFFIXES and not path.name.startswith(".") and path.is_file()
        ]
        stack += [path for path in reversed(inner) if path.is_dir() and not path.is_symlink()]
    return found


def readable(name: str) -> str:
    """A class's name as people read it: without a number before it, blanks for underscores."""
    return " ".join(_NUMBER.sub("", name).replace("_", " ").split()) or name


def tree_of_paths(paths: Iterable[Sequence[str]], texts: dict[str, NodeText] | None = None) -> tuple[Taxonomy, dict]:
    """(tree, path -> its key). The key is the last name where no other class has it; else all keys are joined paths.

    paths: from the top level down; texts: what people read, by the last name, else by `readable`.
    """
    nodes = dict.fromkeys(tuple(path[: end + 1]) for path in paths for end in range(len(path)))
    plain = len({node[-1] for node in nodes}) == len(nodes)
    keys = {node: node[-1] if plain else "/".join(node) for node in nodes}
    words = {}
    for node, key in keys.items():
        text = (texts or {}).get(node[-1], NodeText(name=readable(node[-1])))
        words[key] = text if text.name != key or text.synonyms or text.note else NodeText()
    edges = [(key, keys[node[:-1]] if len(node) > 1 else "") for node, key in keys.items()]
    return Taxonomy.from_edges(edges, {key: text for key, text in words.items() if text != NodeText()}), keys


def hold_out(rows: list[TableRow], share: float) -> tuple[list[TableRow], int]:
    """(rows, how many moved): the same share of the training pictures of each class becomes validation.

    Which ones follows from their names: the same at every import. Rows that have validation already stay as they are.
    """
    if share <= 0 or any(row.split == "val" for row in rows):
        return rows, 0
    by_class: dict[str, list[int]] = {}
    for place, row in enumerate(rows):
        if row.split == "train":
            by_class.setdefault(row.label, []).append(place)
    chosen: set[int] = set()
    for places in by_class.values():
        drawn = sorted(places, key=lambda place: drawn_by(rows[place].path))
        chosen.update(drawn[: min(len(places) - 1, int(share * len(places) + 0.5))])
    return [replace(row, split="val") if place in chosen else row for place, row in enumerate(rows)], len(chosen)


def drawn_by(path: str) -> bytes:
    """What pictures are put in order by where some are to be drawn: as good as chance, and the same every time."""
    return hashlib.sha256(path.encode(errors="surrogateescape")).digest()


def some_of(names: Iterable[str]) -> str:
    """The first of these names, for people."""
    listed = list(names)
    return ", ".join(map(repr, listed[:MOST_TOLD])) + (", …" if len(listed) > MOST_TOLD else "")
