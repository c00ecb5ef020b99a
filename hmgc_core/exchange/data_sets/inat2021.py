"""iNaturalist 2021: pictures of species in train and val, described by JSON files with the ranks of each species."""

from pathlib import Path
from typing import Any

from hmgc_core.errors import TableError
from hmgc_core.exchange.data_sets.given_tree import given_tree
from hmgc_core.exchange.data_sets.reading import (
    DataSet,
    Preparation,
    first_there,
    folder_with,
    inside,
    json_of,
    missing_files,
    tree_of_paths,
)
from hmgc_core.exchange.table import TableRow
from hmgc_core.taxonomy import NodeText, Taxonomy

RANKS = ("kingdom", "phylum", "class", "order", "family", "genus")
PARTS = {"train": ("train.json", "train_mini.json"), "val": ("val.json",)}


def read(folder: Path, preparation: Preparation) -> DataSet:
    """Pictures with species and split (train and val, as the set has them), under the ranks or a tree that was given.

    Where there is no train.json, train_mini.json serves. Raises TableError where files are missing or damaged.
    """
    places = [place for place in (preparation.lists, folder) if place]
    files = {split: path for split, names in PARTS.items() if (path := first_there(places, *names))}
    if not files:
        raise missing_files(folder, "a folder of iNaturalist 2021", ["train.json", "val.json"])
    rows: list[TableRow] = []
    left_out: list[tuple[str, str]] = []
    tree: Taxonomy | None = None
    keys: dict[int, str] = {}
    remarks: list[str] = []
    for split, path in files.items():
        content = json_of(path)
        if tree is None:
            tree, keys, remarks = _tree(path, content, preparation)
        some, strange = _rows(path, content, keys, split)
        place = folder_with(folder, [row.path for row in some], ("", split))
        rows += [TableRow(0, inside(place, row.path), row.label, split) for row in some] if place else some
        left_out += strange
    if tree is None:
        raise missing_files(folder, "a folder of iNaturalist 2021", ["train.json", "val.json"])
    return DataSet(folder, rows, tree, left_out=left_out, remarks=remarks)


def _tree(path: Path, content: Any, preparation: Preparation) -> tuple[Taxonomy, dict[int, str], list[str]]:
    """(tree, number of a species -> key, remarks)."""
    try:
        species = {int(one["id"]): one for one in content["categories"]}
        paths = {
            number: (*(str(one[rank]) for rank in RANKS if one.get(rank)), str(one["name"]))
            for number, one in species.items()
        }
    except (KeyError, TypeError, ValueError) as error:
        raise _damaged(path, error) from error
    if preparation.tree:
        tree, key_of, remarks = given_tree(preparation.tree, [names[-1] for names in paths.values()])
        return tree, {number: key_of[names[-1]] for number, names in paths.items()}, remarks
    common = {
        str(one["name"]): NodeText(name=str(one["name"]), synonyms=(str(one["common_name"]),))
        for one in species.values()
        if one.get("common_name") and one["common_name"] != one["name"]
    }
    tree, keys = tree_of_paths(paths.values(), common)
    return tree, {number: keys[names] for number, names in paths.items()}, []


def _rows(path: Path, content: Any, keys: dict[int, str], split: str) -> tuple[list[TableRow], list[tuple[str, str]]]:
    """(rows, what was left out). A picture without an annotation comes without a label."""
    try:
        species_of = {int(one["image_id"]): int(one["category_id"]) for one in content.get("annotations", ())}
        named = {int(one["id"]): str(one["file_name"]) for one in content["images"]}
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise _damaged(path, error) from error
    rows = [
        TableRow(0, name, keys.get(species_of.get(image, -1), ""), split)
        for image, name in named.items()
        if image not in species_of or species_of[image] in keys
    ]
    strange = [
        (name, f"its species {species_of[image]} is not among the categories")
        for image, name in named.items()
        if image in species_of and species_of[image] not in keys
    ]
    return rows, strange


def _damaged(path: Path, error: Exception) -> TableError:
    return TableError(
        f"{path} is no description of iNaturalist 2021: {type(error).__name__} {error}"[:300],
        remedy="unpack train.json.tar.gz and val.json.tar.gz",
    )
