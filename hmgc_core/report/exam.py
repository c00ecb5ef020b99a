"""Answers of a run against the labels it knew, on one split: shares, confusions, classes, examples."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hmgc_core.metrics.shares import share_interval
from hmgc_core.querying import names_one_leaf, wrong_levels
from hmgc_core.records import IS, ImageRecord, Run, Sample
from hmgc_core.report.examples import Example, examples_of
from hmgc_core.taxonomy import BoolArray, IntArray, Taxonomy
from hmgc_core.workflow import seeing
from hmgc_core.workflow.training import RunLabels
from hmgc_core.workflow.workspaces import Workspace

MOST_CONFUSIONS = 15
BINS = 10


@dataclass(frozen=True)
class Confusion:
    """A class that was taken for another. count: how often, among `of` pictures of the class."""

    label: str
    answer: str
    count: int
    of: int


@dataclass(frozen=True)
class ClassShare:
    """How often one of the finest classes, a node index, is right. taught: training labels that name it."""

    node: int
    name: str
    right: int
    of: int
    taught: int


@dataclass(frozen=True)
class Exam:
    """Answers against labels on one split, of all pictures there that have both.

    fine, right: pictures labelled at the finest level, and those of them that are right. bins: (mean certainty, share
    right, pictures) of those, by certainty. first_wrong: pictures by the first level at which they are wrong, 0 = none.
    """

    split: str
    fine: int
    right: int
    bins: list[tuple[float, float, int]]
    first_wrong: list[int]
    confusions: list[Confusion]
    classes: list[ClassShare]
    right_examples: list[Example]
    wrong_examples: list[Example]

    @property
    def range(self) -> tuple[float, float]:
        """Where the true share of right answers lies, 95 % sure, as far as these pictures tell."""
        low, high = share_interval(self.right, self.fine)
        return float(low), float(high)


def exam_of(ws: Workspace, run: Run, labels: RunLabels) -> Exam | None:
    """How the run did on the test pictures, or on those of validation; None where neither has labels and answers."""
    table = seeing.prediction_table(ws, run.id)
    places = {int(image_id): row for row, image_id in enumerate(table.image_ids)}
    by_path = {image.path: image for image in labels.images}
    for split in ("test", "val"):
        samples: list[Sample] = getattr(labels, split)
        seen = [(one, by_path[one.path]) for one in samples if one.path in by_path and one.kind == IS and one.node]
        known = [(one.node, places[image.id], image) for one, image in seen if image.id in places]
        if known:
            rows = np.array([row for _, row, _ in known])
            targets = np.array([node for node, _, _ in known], dtype=np.int64)
            images = [image for *_, image in known]
            predicted, sure = table.predicted[rows], table.probabilities[rows]
            return _told(labels.taxonomy, split, targets, predicted, sure, taught(labels), images)
    return None


def _told(
    taxonomy: Taxonomy,
    split: str,
    targets: IntArray,
    predicted: IntArray,
    sure: NDArray[np.float64],
    fine_labels: IntArray,
    images: Sequence[ImageRecord],
) -> Exam:
    fine = taxonomy.is_leaf[targets]
    right = (targets == predicted) & fine
    levels = wrong_levels(taxonomy, targets, predicted)
    wrong = np.flatnonzero(levels > 0)
    hits = np.flatnonzero(right)
    return Exam(
        split=split,
        fine=int(fine.sum()),
        right=int(right.sum()),
        bins=_bins(sure[fine], right[fine]),
        first_wrong=np.bincount(levels[levels >= 0], minlength=taxonomy.depth + 1).tolist(),
        confusions=_confusions(taxonomy, targets[fine], predicted[fine]),
        classes=_classes(taxonomy, targets[fine], right[fine], fine_labels),
        right_examples=examples_of(taxonomy, hits[np.argsort(-sure[hits])], targets, predicted, sure, images),
        wrong_examples=examples_of(taxonomy, wrong[np.argsort(-sure[wrong])], targets, predicted, sure, images),
    )


def _bins(sure: NDArray[np.float64], right: BoolArray) -> list[tuple[float, float, int]]:
    places = np.clip((sure * BINS).astype(int), 0, BINS - 1)
    found = [places == place for place in range(BINS)]
    return [(float(sure[at].mean()), float(right[at].mean()), int(at.sum())) for at in found if at.any()]


def _confusions(taxonomy: Taxonomy, targets: IntArray, predicted: IntArray) -> list[Confusion]:
    of = Counter(targets.tolist())
    pairs = Counter((a, b) for a, b in zip(targets.tolist(), predicted.tolist(), strict=True) if a != b)
    most = sorted(pairs.items(), key=lambda pair: (-pair[1], pair[0]))[:MOST_CONFUSIONS]
    return [Confusion(taxonomy.name(a), taxonomy.name(b), count, of[a]) for (a, b), count in most]


def _classes(taxonomy: Taxonomy, targets: IntArray, right: BoolArray, fine_labels: IntArray) -> list[ClassShare]:
    of = np.bincount(targets, minlength=len(taxonomy))
    hits = np.bincount(targets, weights=right, minlength=len(taxonomy)).astype(int)
    found = [
        ClassShare(n, taxonomy.name(n), int(hits[n]), int(of[n]), int(fine_labels[n]))
        for n in np.flatnonzero(of).tolist()
    ]
    return sorted(found, key=lambda one: (one.right / one.of, -one.of, one.name))


def taught(labels: RunLabels) -> IntArray:
    """(N,) int: training labels that leave only one leaf possible, at that leaf."""
    taxonomy = labels.taxonomy
    counts = np.zeros(len(taxonomy), dtype=np.int64)
    start, leaves = taxonomy.preorder_start, taxonomy.leaves
    by_place = leaves[np.argsort(start[leaves])]
    for sample in labels.train:
        if names_one_leaf(taxonomy, sample):
            counts[by_place[np.searchsorted(start[by_place], start[sample.node])]] += 1
    return counts
