"""Questions over columns of labels and predictions: what is right, where it goes wrong, which rows to show.

Pure numpy over node indices of one taxonomy; -1 stands for "no label".
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from hmgc_core.errors import BadRequest
from hmgc_core.records import IS_NOT, Sample
from hmgc_core.taxonomy import BoolArray, IntArray, Taxonomy

Verdict = Literal["right", "wrong", "unlabelled", "open"]  # open: labelled, without a class agreed on


def agreed_node(taxonomy: Taxonomy, nodes: Iterable[int]) -> int:
    """One node for what several annotators said of an image: the deepest if all lie on one path, else where they part.

    Returns a node index; the root when they part at the top. `nodes` must not be empty.
    """
    said = sorted(nodes, key=lambda node: int(taxonomy.depths[node]))
    deepest = said[-1]
    if all(taxonomy.is_at_or_below(deepest, node) for node in said):
        return deepest
    meeting = said[0]
    for node in said[1:]:
        meeting = int(taxonomy.lca(meeting, node))
    return meeting


@dataclass(frozen=True, eq=False)
class Agreement:
    """What several annotators together say of each image that one of them placed, as columns of equal length.

    images: (P,) ids, rising. nodes: (P,) see `agreed_node`. people: (P,) how many placed it. disputed: (P,) two of them
    chose different branches.
    """

    images: IntArray
    nodes: IntArray
    people: IntArray
    disputed: BoolArray


def agreements(taxonomy: Taxonomy, images: IntArray, nodes: IntArray) -> Agreement:
    """`agreed_node` of every image at once. images, nodes: (W,) one row per word, in any order."""
    order = np.lexsort((taxonomy.preorder_start[nodes], images))
    words, nodes = images[order], nodes[order]
    ids, first, people = np.unique(words, return_index=True, return_counts=True)
    if not len(ids):
        return Agreement(ids, ids, people, np.zeros(0, dtype=bool))
    last = first + people - 1
    # In pre-order a path goes down step by step; whoever is not below the one before stands on another branch.
    steps = np.append(taxonomy.is_at_or_below(nodes[1:], nodes[:-1]), True)
    steps[last] = True
    on_one_path = np.logical_and.reduceat(steps, first)
    # The first and the last in pre-order meet where all do.
    agreed = np.where(on_one_path, nodes[last], taxonomy.lca(nodes[first], nodes[last]))
    return Agreement(ids, agreed, people, ~on_one_path)


def names_one_leaf(taxonomy: Taxonomy, sample: Sample) -> bool:
    """The label leaves one leaf possible: it stands at a leaf, or where only one is below; `is_not` names none."""
    return sample.kind != IS_NOT and bool(taxonomy.leaf_counts[sample.node] == 1)


def says_nothing(taxonomy: Taxonomy, node: int) -> bool:
    """Every leaf lies below the node: the root, or a class that is its only child, and so on down."""
    return bool(taxonomy.leaf_counts[node] == len(taxonomy.leaves))


def wrong_levels(taxonomy: Taxonomy, labels: IntArray, predicted: IntArray) -> IntArray:
    """The first level (1 = top) at which each prediction leaves the path of its label; 0 where it never does.

    labels, predicted: (B,) node indices, -1 for no label. A label above the prediction is not contradicted by it.
    Returns (B,) int, -1 where there is no label, and where it says nothing: no answer could be wrong there. It stands
    at the root where people part at the top.
    """
    result = np.full(len(labels), -1, dtype=np.int64)
    known = labels >= 0
    known[known] = taxonomy.leaf_counts[labels[known]] < len(taxonomy.leaves)
    if known.any():
        meeting = taxonomy.lca(labels[known], predicted[known])
        leaves_path = (meeting != labels[known]) & (meeting != predicted[known])
        result[known] = np.where(leaves_path, taxonomy.depths[meeting] + 1, 0)
    return result


@dataclass(frozen=True)
class Filter:
    """Which predictions to show. Empty values filter nothing. wrong_level: 1 = top level, 0 = any."""

    split: str = ""
    node: int = 0
    verdict: Verdict | Literal[""] = ""
    wrong_level: int = 0
    least_probability: float = 0.0
    most_probability: float = 1.0


def matching(
    taxonomy: Taxonomy,
    wanted: Filter,
    *,
    splits: NDArray[np.str_],
    labels: IntArray,
    predicted: IntArray,
    probabilities: NDArray[np.float64],
) -> BoolArray:
    """(B,) bool: the rows that pass. `node` passes a row whose prediction or label lies at or below it."""
    levels = wrong_levels(taxonomy, labels, predicted)
    keep = (probabilities >= wanted.least_probability) & (probabilities <= wanted.most_probability)
    if wanted.split:
        keep &= splits == wanted.split
    if wanted.node > 0:
        keep &= taxonomy.is_at_or_below(predicted, wanted.node) | taxonomy.is_at_or_below(labels, wanted.node)
    if wanted.verdict:
        keep &= {
            "right": levels == 0,
            "wrong": levels > 0,
            "unlabelled": labels < 0,
            "open": (levels < 0) & (labels >= 0),
        }[wanted.verdict]
    if wanted.wrong_level:
        keep &= levels == wanted.wrong_level
    return keep


@dataclass(frozen=True)
class Cut:
    """How fine an answer may be. level: no class below this level (1 = top); None = no bound. at: none below these."""

    level: int | None = None
    at: tuple[str, ...] = ()


def cut_nodes(taxonomy: Taxonomy, cut: Cut) -> IntArray:
    """(N,) int: the node that stands for each node at this cut: its highest ancestor that the cut ends at, or itself.

    Raises UnknownNode for a key of the cut that the tree does not have, BadRequest for a negative level.
    """
    if cut.level is not None and cut.level < 0:
        raise BadRequest(f"there is no level {cut.level}", remedy="count levels from 1, the coarsest")
    ends = np.zeros(len(taxonomy), dtype=bool)
    ends[[taxonomy.index(key) for key in cut.at]] = True
    if cut.level is not None:
        ends |= taxonomy.depths == cut.level
    stand = np.arange(len(taxonomy))
    for node in range(1, len(taxonomy)):
        parent = taxonomy.parents[node]
        if ends[parent] or stand[parent] != parent:
            stand[node] = stand[parent]
    return stand
