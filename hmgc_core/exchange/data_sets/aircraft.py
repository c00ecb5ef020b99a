"""FGVC-Aircraft: variants, families and manufacturers, with the split of its own lists or of HRN's."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from hmgc_core.exchange.data_sets.given_tree import given_tree
from hmgc_core.exchange.data_sets.reading import (
    DataSet,
    Preparation,
    bad_line,
    first_there,
    folder_with,
    inside,
    lines_of,
    missing_files,
    some_of,
    tree_of_paths,
)
from hmgc_core.exchange.table import TableRow
from hmgc_core.taxonomy import Taxonomy

LEVELS = ("manufacturer", "family", "variant")
FINEST = LEVELS[-1]
PARTS = {"trainval": "train", "train": "train", "val": "val", "test": "test"}


def read(folder: Path, preparation: Preparation) -> DataSet:
    """Pictures with their variant and split. The tree comes from the lists of all three levels, or is given.

    HRN's lists are those of trainval and test. Where the set's own lists of train and val are there too, they say which
    pictures are for validation. Raises TableError where lists are missing or damaged.
    """
    places = [place for place in (preparation.lists, folder, folder / "data") if place]
    lists = {part: path for part in PARTS if (path := first_there(places, _name(FINEST, part)))}
    if "test" not in lists or not {"trainval", "train"} & lists.keys():
        raise missing_files(folder, "a folder of FGVC-Aircraft", [_name(FINEST, "trainval"), _name(FINEST, "test")])
    variant_of, split_of, twice = _listed(lists)
    tree, keys, remarks = _tree(places, lists, variant_of, preparation)
    if twice:
        remarks.append(f"{len(twice)} pictures stand in training and test ({some_of(twice)}); the first list counts")
    names = [f"{image}.jpg" for image in variant_of]
    place = folder_with(folder, names, ("images", "data/images", ""))
    rows = [
        TableRow(0, inside(place, name), keys[variant], split_of[image])
        for name, (image, variant) in zip(names, variant_of.items(), strict=True)
    ]
    return DataSet(folder, rows, tree, remarks=remarks)


def _name(level: str, part: str) -> str:
    return f"images_{level}_{part}.txt"


def _listed(lists: dict[str, Path]) -> tuple[dict[str, str], dict[str, str], list[str]]:
    """(picture -> variant, picture -> split, pictures in training and in test), in the order of trainval, then test."""
    variant_of: dict[str, str] = {}
    split_of: dict[str, str] = {}
    twice = []
    for part, path in lists.items():
        for image, variant in _pairs(path).items():
            known = split_of.get(image)
            if known and (part == "test") != (known == "test"):
                twice.append(image)
                continue
            variant_of.setdefault(image, variant)
            split_of[image] = PARTS[part]
    return variant_of, split_of, twice


def _pairs(path: Path) -> dict[str, str]:
    """picture -> class, of lines `PICTURE NAME WITH BLANKS`."""
    found = {}
    for line, text in lines_of(path):
        image, _, name = text.partition(" ")
        if not name.strip():
            raise bad_line(path, line, "a picture and its class after one blank")
        found[image] = name.strip()
    return found


def _tree(
    places: Sequence[Path], lists: dict[str, Path], variant_of: dict[str, str], preparation: Preparation
) -> tuple[Taxonomy, dict[str, str], list[str]]:
    """(tree, variant -> key, remarks)."""
    variants = list(dict.fromkeys(variant_of.values()))
    above = [_of_level(places, lists, level) for level in LEVELS[:-1]]
    if preparation.tree or not all(above):
        return given_tree(preparation.tree, variants)
    paths: dict[str, Counter[tuple[str, ...]]] = {variant: Counter() for variant in variants}
    for image, variant in variant_of.items():
        upper = [level.get(image, "") for level in above]
        if all(upper):
            paths[variant][*upper, variant] += 1
    remarks = []
    unclear = [variant for variant, found in paths.items() if len(found) != 1]
    if unclear:
        remarks.append(
            f"{len(unclear)} variants have several families or makers, or none, in the lists ({some_of(unclear)}); "
            "the most frequent one counts"
        )
    chosen = {v: found.most_common(1)[0][0] if found else (v,) for v, found in paths.items()}
    tree, keys = tree_of_paths(chosen.values())
    return tree, {variant: keys[path] for variant, path in chosen.items()}, remarks


def _of_level(places: Sequence[Path], lists: dict[str, Path], level: str) -> dict[str, str]:
    """picture -> class at a coarser level, from all lists of it that are there."""
    found: dict[str, str] = {}
    for part in lists:
        path = first_there(places, _name(level, part))
        if path:
            found |= _pairs(path)
    return found
