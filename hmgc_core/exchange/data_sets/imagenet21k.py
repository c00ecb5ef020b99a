"""ImageNet-21k: a folder per WordNet id, under a WordNet tree that is given; prepared as HGR-Net's authors do.

Classes without a picture at or below them leave the tree. What is learned from may be some classes only, all others
being new ones with no or a few pictures to learn from (Yi et al., ECCV 2022, whose draws had no seed; here they follow
from the pictures' names).
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from hmgc_core.errors import TableError
from hmgc_core.exchange.data_sets.reading import (
    DataSet,
    Preparation,
    drawn_by,
    json_of,
    lines_of,
    pictures_below,
    some_of,
)
from hmgc_core.exchange.data_sets.wordnet_tree import contracted, in_words, read_wordnet, words_of
from hmgc_core.exchange.table import SPLIT_WORDS, TableRow
from hmgc_core.taxonomy import Taxonomy

VALIDATION = 50  # pictures at most of each new class, as the authors have
CONTRACTIONS = ("none", "chains", "empty")


def read(folder: Path, preparation: Preparation) -> DataSet:
    """Pictures labelled by their folder's WordNet id. Raises TableError or TaxonomyError, also without a tree."""
    if preparation.contract not in CONTRACTIONS:
        raise TableError(
            f"there is no contraction {preparation.contract!r}", remedy=f"choose one of {', '.join(CONTRACTIONS)}"
        )
    if preparation.tree is None:
        raise TableError(
            "ImageNet-21k's folders have no tree of their own",
            remedy="give the file of a WordNet tree as well (--tree): structure_released.xml, wordnet.is_a.txt, or "
            "any class tree",
        )
    whole = read_wordnet(preparation.tree)
    pictures: dict[str, list[str]] = {}
    for path in pictures_below(folder):
        pictures.setdefault(path.split("/")[-2] if "/" in path else "", []).append(path)
    bare = pictures.pop("", [])
    left_out = [(path, "it lies in no class's folder") for path in bare]
    left_out += [
        (path, f"the tree has no class {name!r}")
        for name, found in pictures.items()
        if name not in whole.parent_of
        for path in found
    ]
    here = {name: found for name, found in pictures.items() if name in whole.parent_of}
    if not here:
        raise TableError(
            f"none of the {len(pictures)} folders is a class of {preparation.tree.name}", remedy="give the tree for it"
        )
    parent_of, taken_out = contracted(whole.parent_of, here, preparation.contract)
    texts = in_words(parent_of, whole.words | words_of(folder, preparation.tree.parent))
    rows, remarks = _prepared(here, preparation)
    tree = Taxonomy.from_edges(parent_of.items(), texts)
    return DataSet(folder, rows, tree, left_out=left_out, remarks=[*whole.remarks, *taken_out, *remarks])


def _prepared(pictures: dict[str, list[str]], preparation: Preparation) -> tuple[list[TableRow], list[str]]:
    """(rows, remarks). Without a list of classes to learn from, only a first folder called like a split tells one."""
    if preparation.seen is None:
        return [TableRow(0, path, name, _split(path)) for name, found in pictures.items() for path in found], []
    seen = set(_classes_of(preparation.seen))
    known = seen & pictures.keys()
    if not known:
        raise TableError(f"{preparation.seen} names none of the classes here", remedy="one WordNet id in each line")
    rows = []
    for name, found in pictures.items():
        splits = ["train"] * len(found) if name in seen else _new_class(len(found), preparation.shots)
        drawn = found if name in seen else sorted(found, key=drawn_by)
        rows += [TableRow(0, path, name, split) for path, split in zip(drawn, splits, strict=True)]
    remarks = [f"{len(known)} classes to learn from, {len(pictures) - len(known)} new ones"]
    gone = [name for name in seen if name not in pictures]
    return rows, remarks + ([f"{len(gone)} classes to learn from have no picture ({some_of(gone)})"] if gone else [])


def _split(path: str) -> str:
    return SPLIT_WORDS.get(path.split("/", 1)[0].lower(), "")


def _new_class(count: int, shots: int) -> list[str]:
    """Splits of the pictures of a new class: some to learn from, up to 50 for validation but at most half, the rest."""
    train = min(shots, count)
    val = min(VALIDATION, (count - train) // 2)
    return ["train"] * train + ["val"] * val + ["test"] * (count - train - val)


def _classes_of(path: Path) -> Iterable[str]:
    """WordNet ids from a list, or from `train` of the authors' JSON file."""
    if path.suffix.lower() != ".json":
        return [text.split()[0] for _, text in lines_of(path)]
    content: Any = json_of(path)
    listed = content.get("train", content.get("seen")) if isinstance(content, dict) else content
    if not isinstance(listed, list) or not all(isinstance(one, str) for one in listed):
        raise TableError(f"{path} has no list `train` of WordNet ids", remedy="give one id in each line of a .txt")
    return listed
