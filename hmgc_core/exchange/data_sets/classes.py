"""Find the classes of a data set in another tree, and say where its lists and that tree disagree."""

from collections import Counter
from collections.abc import Iterable, Mapping

import numpy as np

from hmgc_core.exchange.data_sets.reading import readable, some_of
from hmgc_core.taxonomy import Taxonomy, folded


def keys_in(tree: Taxonomy, labels: Iterable[str], own: Taxonomy) -> dict[str, str]:
    """label -> key in `tree`, for those labels (keys of `own`) that have one: the same key, else the same name.

    Names are compared without capitals, leading numbers and underscores. Where several classes have that name, a label
    at the finest level of its own tree means the only one of them at the finest level.
    """
    by_name: dict[str, list[int]] = {}
    for node, key in enumerate(tree.keys):
        for name in dict.fromkeys((_plain(tree.name(node)), _plain(key), *map(_plain, tree.synonyms(node)))):
            by_name.setdefault(name, []).append(node)
    found = {}
    for label in dict.fromkeys(labels):
        if label in tree:
            found[label] = label
            continue
        node = own.index(label) if label in own else -1
        fits = by_name.get(_plain(own.name(node)), []) if node >= 0 else []
        fits = fits or by_name.get(_plain(label), [])
        if len(fits) > 1 and node >= 0 and own.is_leaf[node]:
            fits = [fit for fit in fits if tree.is_leaf[fit]]
        if len(fits) == 1:
            found[label] = tree.keys[fits[0]]
    return found


def _plain(name: str) -> str:
    return folded(readable(name))


def level_remarks(tree: Taxonomy, groups: Mapping[str, Mapping[str, str]]) -> list[str]:
    """Where columns of a list and the levels of the tree put classes together differently, with counts.

    groups: column -> key of a leaf -> its group there. A column is held against the level of the tree that is most
    like it, or said to have none.
    """
    remarks = []
    for column, group_of in groups.items() if tree.depth > 1 else ():
        leaves = [key for key in group_of if key in tree]
        if not leaves:
            continue
        theirs = [group_of[key] for key in leaves]
        above = tree.ancestors_by_depth[tree.indices(leaves)]
        apart = [(_out_of_place(theirs, above[:, depth]), depth) for depth in range(tree.depth - 1)]
        differing, depth = min(apart)
        if not differing:
            continue
        count, known = len(set(theirs)), len(set(above[:, depth].tolist()) - {-1})
        if differing > len(leaves) // 3:
            remarks.append(f"the tree has no level like the {count} groups of the lists' column {column!r}")
            continue
        split = [group for group in dict.fromkeys(theirs) if len(_inside(theirs, above[:, depth], group)) > 1]
        divided = f"; divided in the tree: {some_of(split)}" if split else ""
        remarks.append(
            f"the lists' column {column!r} has {count} groups, level {depth + 1} of the tree {known}; "
            f"{differing} of {len(leaves)} classes are put together differently{divided}. The tree counts"
        )
    return remarks


def _inside(theirs: list[str], ours: np.ndarray, group: str) -> set[int]:
    return {int(node) for mine, node in zip(theirs, ours, strict=True) if mine == group}


def _out_of_place(theirs: list[str], ours: np.ndarray) -> int:
    """How many classes would have to change their group, in one of the two, for both to be the same."""
    pairs = list(zip(theirs, (int(node) for node in ours), strict=True))
    count = Counter(pairs)
    for_theirs, for_ours = Counter[str](), Counter[int]()
    for (their, our), many in count.items():
        for_theirs[their] = max(for_theirs[their], many)
        for_ours[our] = max(for_ours[our], many)
    return len(pairs) - min(for_theirs.total(), for_ours.total())
