"""Any folder tree: the folders are the class tree, and where a picture lies is its label."""

from pathlib import Path

from hmgc_core.errors import TableError
from hmgc_core.exchange.data_sets.reading import DataSet, Preparation, pictures_below, tree_of_paths
from hmgc_core.exchange.table import SPLIT_WORDS, TableRow


def read(folder: Path, preparation: Preparation) -> DataSet:
    """Pictures below a folder, labelled by the folders they lie in; any level may hold some.

    Where the first folders are all called like splits (train, val, test), they are splits and no classes. A picture
    beside the first folders has no label. Raises TableError where no folder holds a picture.
    """
    del preparation  # nothing of it is about the folders themselves
    pictures = pictures_below(folder)
    tops = {path.split("/")[0] for path in pictures if "/" in path}
    are_splits = bool(tops) and all(SPLIT_WORDS.get(top.lower()) for top in tops)
    placed = [(path, tuple(path.split("/")[are_splits:-1])) for path in pictures]
    classes = sorted({place for _, place in placed if place})
    if not classes:
        raise TableError(
            f"{folder} has no folders with pictures in them", remedy="import it as pictures, not as a data set"
        )
    tree, keys = tree_of_paths(classes)
    rows = [TableRow(0, path, keys.get(place, ""), _split(path) if are_splits else "") for path, place in placed]
    remarks = [f"the first folders are splits: {', '.join(sorted(tops))}"] if are_splits else []
    bare = sum(not row.label for row in rows)
    if bare:
        remarks.append(f"{bare} pictures lie in no class's folder and come without a label")
    return DataSet(folder, rows, tree, remarks=remarks)


def _split(path: str) -> str:
    return SPLIT_WORDS.get(path.split("/", 1)[0].lower(), "")
