"""Published data sets: one file per format, which reads what the set's own files say. Knows no workspace."""

from collections.abc import Callable
from pathlib import Path

from hmgc_core.errors import TableError
from hmgc_core.exchange.data_sets import aircraft, cars, cifar100, cub, folders, imagenet21k, inat2021
from hmgc_core.exchange.data_sets.reading import DataSet, Preparation

__all__ = ["FORMATS", "DataSet", "Preparation", "read_data_set"]

FORMATS: dict[str, Callable[[Path, Preparation], DataSet]] = {
    "cub": cub.read,
    "aircraft": aircraft.read,
    "cars": cars.read,
    "cifar100": cifar100.read,
    "inat2021": inat2021.read,
    "imagenet21k": imagenet21k.read,
    "folders": folders.read,
}


def refuse_unknown(folder: Path, format: str) -> None:
    """Raise TableError where there is no such format, or no such folder."""
    if format not in FORMATS:
        raise TableError(f"there is no format {format!r}", remedy=f"choose one of {', '.join(FORMATS)}")
    if not folder.is_dir():
        what = f"{folder} is a file, no folder" if folder.is_file() else f"there is no folder {folder}"
        raise TableError(what, remedy="unpack the data set and give the folder it lies in")


def read_data_set(folder: Path, format: str, preparation: Preparation) -> DataSet:
    """What the data set in this folder says. Raises TableError or TaxonomyError with the file and what to do."""
    refuse_unknown(folder, format)
    if not 0 <= preparation.held_out < 1:
        raise TableError(f"the share held out is {preparation.held_out}", remedy="choose one from 0 to below 1")
    found = FORMATS[format](folder.resolve(), preparation)
    if not found.rows:
        raise TableError(f"{folder} holds no picture of this format", remedy="check folder and format")
    return found
