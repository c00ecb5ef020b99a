"""CIFAR-100, python version: pixels and labels in two pickles, names of classes in a third one."""

from collections import Counter
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from hmgc_core.errors import TableError
from hmgc_core.exchange.data_sets.given_tree import given_tree
from hmgc_core.exchange.data_sets.pickled_arrays import plain_values
from hmgc_core.exchange.data_sets.reading import DataSet, Preparation, missing_files, some_of, tree_of_paths
from hmgc_core.exchange.table import TableRow
from hmgc_core.taxonomy import Taxonomy

SIDE = 32
INNER = "cifar-100-python"


def read(folder: Path, preparation: Preparation) -> DataSet:
    """Pictures with fine label and split, under the 20 coarse classes or a tree that was given.

    Raises TableError where a file is missing, is not of CIFAR-100, or would do more than hold data.
    """
    base = folder / INNER if (folder / INNER).is_dir() else folder
    lacking = [name for name in ("train", "test", "meta") if not (base / name).is_file()]
    if lacking:
        raise missing_files(base, "CIFAR-100 (python version)", lacking)
    meta = _values(base / "meta")
    fine, coarse = (_names(base / "meta", meta, f"{level}_label_names") for level in ("fine", "coarse"))
    parts = {split: _Part(base / split, len(fine), len(coarse)) for split in ("train", "test")}
    tree, keys, remarks = _tree(preparation, fine, coarse, parts)
    rows, pixels = [], {}
    for split, part in parts.items():
        for number, (pixel, name) in enumerate(zip(part.pixels, part.names, strict=True)):
            label = fine[part.fine[number]]
            path = f"{split}/{label}/{name}"
            if path in pixels:
                path = f"{split}/{label}/{number}-{name}"
            pixels[path] = pixel
            rows.append(TableRow(0, path, keys[label], split))
    return DataSet(base, rows, tree, pixels=pixels, remarks=remarks)


class _Part:
    """One of the two files. pixels: (N, 32, 32, 3) uint8; fine, coarse: (N,) numbers of classes; names: of files."""

    def __init__(self, path: Path, fine: int, coarse: int) -> None:
        values = _values(path)
        data = values.get("data")
        if not isinstance(data, np.ndarray) or data.dtype != np.uint8 or data.shape[1:] != (3 * SIDE * SIDE,):
            raise _not_cifar(path, f"no `data` of {3 * SIDE * SIDE} bytes a picture")
        self.pixels = data.reshape(-1, 3, SIDE, SIDE).transpose(0, 2, 3, 1)
        self.fine, self.coarse = (
            _numbers(path, values, f"{level}_labels", len(data), below)
            for level, below in (("fine", fine), ("coarse", coarse))
        )
        given = values.get("filenames") or [f"{number:05d}.png" for number in range(len(data))]
        if not isinstance(given, list) or len(given) != len(data):
            raise _not_cifar(path, "another number of file names than of pictures")
        self.names = [f"{PurePosixPath(_text(name)).stem or number}.png" for number, name in enumerate(given)]


def _values(path: Path) -> dict[str, Any]:
    values = plain_values(path)
    if not isinstance(values, dict):
        raise _not_cifar(path, f"not a dict but a {type(values).__name__}")
    return {_text(key): value for key, value in values.items()}


def _names(path: Path, values: dict[str, Any], name: str) -> list[str]:
    found = values.get(name)
    if not isinstance(found, list) or not found or not all(isinstance(one, (bytes, str)) for one in found):
        raise _not_cifar(path, f"no list {name!r}")
    names = [_text(one) for one in found]
    if len(set(names)) < len(names):
        raise _not_cifar(path, f"two classes of one name in {name!r}")
    return names


def _numbers(path: Path, values: dict[str, Any], name: str, count: int, below: int) -> list[int]:
    found = values.get(name)
    if not isinstance(found, list) or len(found) != count:
        raise _not_cifar(path, f"no {name!r} for each of {count} pictures (CIFAR-10 has none)")
    if not all(isinstance(one, int) and 0 <= one < below for one in found):
        raise _not_cifar(path, f"a number in {name!r} that is none of the {below} classes")
    return found


def _not_cifar(path: Path, why: str) -> TableError:
    return TableError(f"{path} is no part of CIFAR-100: {why}", remedy="unpack cifar-100-python.tar.gz and give it")


def _text(value: Any) -> str:
    return value.decode("utf-8", errors="replace") if isinstance(value, bytes) else str(value)


def _tree(
    preparation: Preparation, fine: list[str], coarse: list[str], parts: dict[str, _Part]
) -> tuple[Taxonomy, dict[str, str], list[str]]:
    """(tree, fine name -> key, remarks). Which coarse class a fine one lies in is counted over all pictures."""
    if preparation.tree:
        return given_tree(preparation.tree, fine)
    seen: dict[int, Counter[int]] = {}
    for part in parts.values():
        for low, high in zip(part.fine, part.coarse, strict=True):
            seen.setdefault(low, Counter())[high] += 1
    unclear = [fine[low] for low, found in seen.items() if len(found) > 1]
    paths = [(coarse[found.most_common(1)[0][0]], fine[low]) for low, found in sorted(seen.items())]
    tree, keys = tree_of_paths(sorted(paths))
    told = f"{len(unclear)} classes have pictures in several coarse classes ({some_of(unclear)}); the most count"
    return tree, {path[-1]: keys[path] for path in paths}, [told] if unclear else []
