"""The class tree that somebody gives for a data set whose own files have names of classes and no tree."""

from collections.abc import Sequence
from pathlib import Path

from hmgc_core.errors import TaxonomyError
from hmgc_core.exchange.data_sets.classes import keys_in
from hmgc_core.exchange.data_sets.reading import some_of, tree_of_paths
from hmgc_core.taxonomy import Taxonomy
from hmgc_core.taxonomy_io import read_taxonomy_file


def given_tree(path: Path | None, names: Sequence[str]) -> tuple[Taxonomy, dict[str, str], list[str]]:
    """(tree, class's name -> its key, remarks). path: file of the tree; None: all classes lie under the root.

    A class that the tree lacks keeps its own name as its label, which then is an unknown class. Raises TaxonomyError
    where the tree has none of the classes.
    """
    flat, keys = tree_of_paths([(name,) for name in names])
    own = {name: keys[name,] for name in names}
    if path is None:
        many = len(set(names))
        return (
            flat,
            own,
            [f"the data set has names of {many} classes and no tree above them; give the file of one as well (--tree)"],
        )
    read = read_taxonomy_file(path)
    found = keys_in(read.taxonomy, own.values(), flat)
    lacking = [name for name in names if own[name] not in found]
    if len(lacking) == len(names):
        raise TaxonomyError(
            f"{path} has none of the {len(names)} classes (such as {some_of(names[:3])})",
            remedy="its finest classes must have the names or keys that the data set uses",
        )
    remarks = list(read.remarks)
    if lacking:
        remarks.append(f"{len(lacking)} classes of the data set are not in {path.name}: {some_of(lacking)}")
    return read.taxonomy, {name: found.get(own[name], own[name]) for name in names}, remarks
