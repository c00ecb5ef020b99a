"""CUB-200-2011: its own lists, or those of HRN (Chen et al., CVPR 2022), which name pictures, species and groups."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from hmgc_core.errors import TableError
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
    numbered,
    some_of,
)
from hmgc_core.exchange.table import TableRow

HRN_LISTS = {"train": "train_images_4_level_V1.txt", "test": "test_images_4_level_V1.txt"}
OWN_LISTS = ("images.txt", "image_class_labels.txt", "train_test_split.txt", "classes.txt")
COLUMNS = ("genus", "family", "order")  # what HRN's lists have behind the species


class Listed(NamedTuple):
    """One picture of a list: path below the pictures' folder, number of its species from 1, split, further groups."""

    path: str
    species: int
    split: str
    groups: tuple[str, ...] = ()


def read(folder: Path, preparation: Preparation) -> DataSet:
    """Pictures with their species and split, under the tree that was given, else under the species alone.

    Of HRN's lists the species counts; its other columns disagree with HRN's own tree, so they are only compared.
    Raises TableError where lists are missing or damaged.
    """
    base = folder if (folder / "classes.txt").exists() or not (folder / "CUB_200_2011").is_dir() else _inner(folder)
    own = base if all((base / name).exists() for name in OWN_LISTS) else None
    lists = [first_there(filter(None, (preparation.lists, base)), name) for name in HRN_LISTS.values()]
    if not own and not all(lists):
        raise missing_files(base, "a folder of CUB-200-2011", [", ".join(OWN_LISTS), " or ".join(HRN_LISTS.values())])
    official = list(_official(base)) if own else []
    listed = [one for split, path in zip(HRN_LISTS, lists, strict=True) if path for one in _hrn(path, split)]
    remarks = _disagreements(official, listed) if all(lists) and own else []
    listed = listed if all(lists) else official
    names = numbered(base / "classes.txt") if (base / "classes.txt").exists() else _names_of(listed)
    left_out = [
        (one.path, f"its species {one.species} is not in the list") for one in listed if one.species not in names
    ]
    listed = [one for one in listed if one.species in names]
    tree, keys, more = given_tree(preparation.tree, list(names.values()))
    place = folder_with(base, [one.path for one in listed], ("images", "", "CUB_200_2011/images"))
    rows = [TableRow(0, inside(place, one.path), keys[names[one.species]], one.split) for one in listed]
    groups = _groups(listed, {number: keys[name] for number, name in names.items()})
    return DataSet(base, rows, tree, left_out=left_out, remarks=[*remarks, *more], groups=groups)


def _inner(folder: Path) -> Path:
    return folder / "CUB_200_2011"


def _official(base: Path) -> Iterator[Listed]:
    species, training = (numbered(base / name) for name in OWN_LISTS[1:3])
    for number, path in numbered(base / OWN_LISTS[0]).items():
        if number not in species or number not in training:
            raise TableError(
                f"picture {number} of {base / OWN_LISTS[0]} is not in {OWN_LISTS[1]} or {OWN_LISTS[2]}",
                remedy="unpack the data set again",
            )
        if not species[number].isdecimal():
            raise TableError(f"{base / OWN_LISTS[1]}: {species[number]!r} is no species' number")
        yield Listed(path, int(species[number]), "train" if training[number] == "1" else "test")


def _hrn(path: Path, split: str) -> Iterator[Listed]:
    for line, text in lines_of(path):
        name, *columns = text.rsplit(None, 4)
        if len(columns) != 4 or not all(column.isdecimal() for column in columns):
            raise bad_line(path, line, "a path and the numbers of species, genus, family and order")
        yield Listed(name, int(columns[0]), split, tuple(columns[1:]))


def _names_of(listed: list[Listed]) -> dict[int, str]:
    """The species' names from the folders their pictures lie in, where there is no classes.txt."""
    seen: dict[int, Counter[str]] = {}
    for one in listed:
        seen.setdefault(one.species, Counter())[one.path.rsplit("/", 2)[-2] if "/" in one.path else one.path] += 1
    return {number: names.most_common(1)[0][0] for number, names in sorted(seen.items())}


def _groups(listed: list[Listed], keys: dict[int, str]) -> dict[str, dict[str, str]]:
    """column -> species' key -> its group, from the lists that have such columns."""
    found: dict[str, dict[str, str]] = {column: {} for column in COLUMNS}
    for one in listed:
        for column, group in zip(COLUMNS, one.groups, strict=False):
            found[column].setdefault(keys[one.species], group)
    return {column: groups for column, groups in found.items() if groups}


def _disagreements(official: list[Listed], listed: list[Listed]) -> list[str]:
    """What the two sets of lists say differently of the same picture; the further lists count."""
    known = {one.path: one for one in official}
    pairs = [(known[one.path], one) for one in listed if one.path in known]
    remarks = []
    for what, differing in (
        ("another species", [new.path for old, new in pairs if old.species != new.species]),
        ("another split", [new.path for old, new in pairs if old.split != new.split]),
        ("a picture that images.txt lacks", [one.path for one in listed if one.path not in known]),
        ("no line for a picture of images.txt", sorted(known.keys() - {one.path for one in listed})),
    ):
        if differing:
            remarks.append(f"HRN's lists have {what} {len(differing)} times ({some_of(differing)}); they count")
    return remarks
