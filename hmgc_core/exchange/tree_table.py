"""The table of classes that leaves the studio: one CSV row per class. `taxonomy_io` reads it back as the same tree."""

from typing import BinaryIO

from hmgc_core.cells import write_rows
from hmgc_core.taxonomy import Taxonomy
from hmgc_core.taxonomy_io import EDGE_COLUMNS
from hmgc_core.tree_edits import BETWEEN_NAMES


def write_tree(file: BinaryIO, taxonomy: Taxonomy) -> int:
    """Write a class tree, parents before their children, the root with a blank parent; returns the number of rows."""
    keys = taxonomy.keys
    rows = (
        (key, keys[taxonomy.parents[node]] if node else "", taxonomy.name(node),
         BETWEEN_NAMES.join(taxonomy.synonyms(node)), taxonomy.note(node))
        for node, key in enumerate(keys)
    )  # fmt: skip
    return write_rows(file, EDGE_COLUMNS, rows)
