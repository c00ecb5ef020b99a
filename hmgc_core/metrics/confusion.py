"""Which class is taken for which, at a cut through the tree; where mistakes meet; how often each class is found."""

from dataclasses import dataclass

import numpy as np

from hmgc_core.taxonomy import BoolArray, IntArray, Taxonomy

MOST_CLASSES = 100


@dataclass(frozen=True, eq=False)
class Confusion:
    """Counts of (label, answer) at a cut. classes: (K,) nodes in the order of the tree.

    labels, answers, images: (C,) places in `classes` and how many images, for the cells that hold any; an answer of -1
    stands for all outside the class that was asked about. every: how many classes the cut has: more than K where only
    those most mixed up are kept.
    """

    classes: IntArray
    labels: IntArray
    answers: IntArray
    images: IntArray
    every: int


def standing(taxonomy: Taxonomy, level: int) -> IntArray:
    """(N,) the class that stands for each at this level: the one above it there, itself for a leaf that ends earlier.

    -1 for a class above the level: it names no class of it.
    """
    at_level = taxonomy.ancestors_by_depth[:, level - 1]
    ends_earlier = taxonomy.is_leaf & (taxonomy.depths < level)
    return np.where(ends_earlier, np.arange(len(taxonomy)), at_level)


def confusion(
    taxonomy: Taxonomy,
    targets: IntArray,
    predicted: IntArray,
    *,
    level: int,
    below: int = 0,
    most: int = MOST_CLASSES,
) -> Confusion:
    """Images counted by the class of their label and of their answer, at one level, labelled at or below one class.

    targets, predicted: (B,) int nodes, -1 for no label. Labels above the level name none of its classes and are left
    out. Where the cut has more than `most` classes, those in the most mistakes are kept, and the cells between them.
    """
    stand = standing(taxonomy, level)
    inside = taxonomy.is_at_or_below(targets, below) & (stand[targets] >= 0)
    labels, answers = stand[targets[inside]], stand[predicted[inside]]
    is_outside = ~taxonomy.is_at_or_below(predicted[inside], below)
    cut = np.unique(stand[stand >= 0])
    cut = cut[taxonomy.is_at_or_below(cut, below)]
    classes = _most_mixed_up(len(taxonomy), cut, labels, answers, most)
    classes = classes[np.argsort(taxonomy.preorder_start[classes])]
    place = np.full(len(taxonomy) + 1, -1)  # its last entry: an answer that names no class of the level
    place[classes] = np.arange(len(classes))
    rows, columns = place[labels], np.where(is_outside, -1, place[answers])
    shown = (rows >= 0) & ((columns >= 0) | is_outside)
    width = len(classes) + 1
    cells, images = np.unique(rows[shown] * width + columns[shown] + 1, return_counts=True)
    return Confusion(classes, cells // width, cells % width - 1, images, len(cut))


def _most_mixed_up(nodes: int, cut: IntArray, labels: IntArray, answers: IntArray, most: int) -> IntArray:
    """The classes of a cut that are in the most mistakes, as label or as answer; of equals those with more labels."""
    if len(cut) <= most:
        return cut
    wrong = (labels != answers) & (answers >= 0)
    mistakes = np.bincount(labels[wrong], minlength=nodes) + np.bincount(answers[wrong], minlength=nodes)
    images = np.bincount(labels, minlength=nodes)
    return cut[np.lexsort((-images[cut], -mistakes[cut]))[:most]]


def meetings(taxonomy: Taxonomy, targets: IntArray, predicted: IntArray) -> IntArray:
    """(B,) the lowest common ancestor of label and answer where they contradict each other; -1 for all others.

    targets: (B,) int nodes, -1 for none. A label below or above the answer is not contradicted by it.
    """
    result = np.full(len(targets), -1, dtype=np.int64)
    known = targets >= 0
    meeting = taxonomy.lca(targets[known], predicted[known])
    contradicts = (meeting != targets[known]) & (meeting != predicted[known])
    result[known] = np.where(contradicts, meeting, -1)
    return result


def found(taxonomy: Taxonomy, targets: IntArray, predicted: IntArray) -> tuple[IntArray, IntArray]:
    """(N,) images labelled at or below each class, and how many of them are answered at or below it too.

    targets, predicted: (B,) int nodes, -1 for no label. Returns (images, right).
    """
    known = targets >= 0
    targets, predicted = targets[known], predicted[known]
    images = np.bincount(targets, minlength=len(taxonomy))
    # Both lie at or below a class exactly where their lowest common ancestor does.
    right = np.bincount(taxonomy.lca(targets, predicted), minlength=len(taxonomy))
    return taxonomy.sum_up(images), taxonomy.sum_up(right)


def at_or_below_both(taxonomy: Taxonomy, targets: IntArray, predicted: IntArray, label: int, answer: int) -> BoolArray:
    """(B,) bool: labelled at or below `label`, answered at or below `answer`."""
    return taxonomy.is_at_or_below(targets, label) & taxonomy.is_at_or_below(predicted, answer)
