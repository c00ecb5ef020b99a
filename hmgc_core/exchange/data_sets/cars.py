"""Stanford Cars: HRN's lists of pictures in a folder per class, or the annotations that came with the set (.mat)."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

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
    some_of,
)
from hmgc_core.exchange.table import TableRow

HRN_LISTS = {"train": "car_train.txt", "test": "car_test.txt"}
NAMES = "cars_meta.mat"
ANNOTATIONS = {
    "train": ("cars_train_annos.mat",),
    "test": ("cars_test_annos_withlabels.mat", "cars_test_annos_withlabels (1).mat"),
}
INNER = ("", "Stanford Cars", "images", "car_data", "car_data/car_data")


class Listed(NamedTuple):
    """One picture: path as the list has it, number of its class from 1, split."""

    path: str
    number: int
    split: str


def read(folder: Path, preparation: Preparation) -> DataSet:
    """Pictures with class and split, under the tree that was given, else under the classes alone.

    Raises TableError where neither HRN's lists nor the annotations are there, or they cannot be read.
    """
    places = [place for place in (preparation.lists, folder, folder / "devkit", *map(folder.joinpath, INNER)) if place]
    lists = {split: path for split, name in HRN_LISTS.items() if (path := first_there(places, name))}
    listed = [one for split, path in lists.items() for one in _hrn(path, split)]
    remarks: list[str] = []
    if len(lists) == len(HRN_LISTS):
        names, remarks = _names_of_folders(listed)
        paths = _below_one_of(folder, listed)
    else:
        names, listed = _annotated(folder, places)
        paths = _below_one_of(folder, listed)
    left_out = [(one.path, f"there is no class number {one.number}") for one in listed if one.number not in names]
    tree, keys, more = given_tree(preparation.tree, list(names.values()))
    rows = [
        TableRow(0, path, keys[names[one.number]], one.split)
        for path, one in zip(paths, listed, strict=True)
        if one.number in names
    ]
    return DataSet(folder, rows, tree, left_out=left_out, remarks=[*remarks, *more])


def _hrn(path: Path, split: str) -> Iterator[Listed]:
    for line, text in lines_of(path):
        name, _, number = text.rpartition(" ")
        if not number.isdecimal() or "/" not in name:
            raise bad_line(path, line, "a picture in the folder of its class, and the number of the class")
        yield Listed(name.strip(), int(number), split)


def _names_of_folders(listed: list[Listed]) -> tuple[dict[int, str], list[str]]:
    """(number -> name of the folder its first picture lies in, remarks on pictures that lie elsewhere)."""
    names: dict[int, str] = {}
    strange = []
    for one in listed:
        name = one.path.rsplit("/", 2)[-2]
        if names.setdefault(one.number, name) != name:
            strange.append(one.path)
    told = f"{len(strange)} pictures lie in another folder than their class ({some_of(strange)}); the list counts"
    return dict(sorted(names.items())), [told] if strange else []


def _below_one_of(folder: Path, listed: list[Listed]) -> list[str]:
    """Where each picture lies below the folder: the sets that go round have them in different places."""
    place_of = {}
    for split in HRN_LISTS:
        names = [one.path for one in listed if one.split == split]
        places = [
            inside(inner, part)
            for inner in INNER
            for part in ("", split, f"cars_{split}", f"cars_{split}/cars_{split}")
        ]
        place_of[split] = folder_with(folder, names, [place.strip("/") for place in places])
    return [inside(place_of[one.split], one.path) for one in listed]


def _annotated(folder: Path, places: list[Path]) -> tuple[dict[int, str], list[Listed]]:
    """(number -> name, pictures), from the MATLAB files."""
    names = first_there(places, NAMES)
    files = {split: path for split, choice in ANNOTATIONS.items() if (path := first_there(places, *choice))}
    if not names or len(files) < len(ANNOTATIONS):
        raise missing_files(
            folder, "a folder of Stanford Cars", [" or ".join(HRN_LISTS.values()), f"{NAMES} with its annotations"]
        )
    classes = {place: str(name) for place, name in enumerate(_matrix(names, "class_names").ravel(), 1)}
    listed = []
    for split, path in files.items():
        for one in _matrix(path, "annotations").ravel():
            try:
                listed.append(Listed(str(one["fname"]), int(one["class"]), split))
            except (KeyError, IndexError, TypeError, ValueError) as error:
                raise TableError(
                    f"{path.name} has no file name or class for a picture",
                    remedy="take the annotations with labels, or HRN's lists",
                ) from error
    return classes, listed


def _matrix(path: Path, name: str) -> Any:
    """One array of a MATLAB file, as (n, 1) or (1, n) of plain values. Such a file holds data only, no code."""
    try:
        from scipy.io import loadmat  # noqa: PLC0415 - it comes with other packages, and no other format needs it
    except ImportError as error:
        raise TableError(f"{path.name} cannot be read without scipy", remedy="give HRN's list files instead") from error
    try:
        import numpy as np  # noqa: PLC0415 - beside scipy only

        return np.atleast_1d(loadmat(path, squeeze_me=True, simplify_cells=False)[name])
    except Exception as error:  # on a damaged file it raises a dozen types
        raise TableError(f"{path} has no {name!r} that can be read", remedy="unpack the data set again") from error
