"""Verbs of the labelled pictures nearest to one picture in a run's feature space: of all, and per level of its answer.

Exact: every picture is compared. Pictures of the test split are never shown with their labels here, as in the glance:
whoever has learnt what the test pictures are can no longer label them unbiased.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hmgc_core.likeness import Vectors
from hmgc_core.records import Prediction
from hmgc_core.store import annotations, predictions
from hmgc_core.store.workspace import Workspace
from hmgc_core.taxonomy import IntArray, Taxonomy
from hmgc_core.workflow.embeddings import Embeddings, embeddings
from hmgc_core.workflow.seeing import PredictionTable
from hmgc_core.workflow.training import PLACES

NEAREST = 6  # pictures of a row
OF_THE_RIVAL = 3
COUNTED = 20  # nearest labelled pictures that are counted for and against the answer at a level
HIDDEN = "test"


@dataclass(frozen=True)
class LabelledPicture:
    """A labelled picture near another one. label: node index in the run's tree, what annotators agree on.

    distance: cosine distance of the run's vectors (`likeness.compacted`), in [0, 2]. agrees: its label goes through the
    answer; None where it ends above it.
    """

    image_id: int
    label: int
    distance: float
    agrees: bool | None


@dataclass(frozen=True)
class LevelNeighbours:
    """What lies near at one level (1 = top) of the answer. node, rival: node indices at that level, rival -1 for none.

    nearest: of the pictures whose label is known down to that level; agreeing of the `counted` nearest of them go
    through `node`. rival: the strongest other class there by the run's other answers, with their share of probability;
    where they name none it is the class of the nearest picture of another one, and the share is None. of_rival: the
    nearest pictures of that class.
    """

    level: int
    node: int
    nearest: tuple[LabelledPicture, ...]
    agreeing: int
    counted: int
    rival: int
    rival_share: float | None
    of_rival: tuple[LabelledPicture, ...]


@dataclass(frozen=True)
class Neighbours:
    """The labelled pictures near one picture: over all levels, and per level from the top. by: image id -> who says so.

    labelled: how many pictures were compared; 0 where nothing is labelled that the run has seen.
    """

    overall: tuple[LabelledPicture, ...]
    levels: tuple[LevelNeighbours, ...]
    by: Mapping[int, tuple[str, ...]]
    labelled: int


def neighbours(ws: Workspace, run_id: int, table: PredictionTable, image_id: int) -> Neighbours | None:
    """What lies near a picture as a run sees it; None where the run has left no vector of it, or no prediction.

    table: of this run.
    """
    seen = embeddings(ws.run_folder(run_id))
    here = seen.rows([image_id]).tolist() if seen else []
    with ws.reading() as connection:
        said = predictions.get_many(connection, run_id, [image_id]).get(image_id)
        if seen is None or not here or said is None:
            return None
        around = _around(table, seen, here[0])
        answer = table.taxonomy.index(said.node)
        overall = around.told(table.taxonomy, answer, np.arange(min(NEAREST, len(around.images))))
        levels = tuple(_at_level(table.taxonomy, around, node, said) for node in table.taxonomy.path(answer))
        shown = {p.image_id for part in (overall, *(one.nearest + one.of_rival for one in levels)) for p in part}
        words = annotations.words(connection, sorted(shown))
    by: dict[int, tuple[str, ...]] = {}
    for word in words:
        if word.kind in PLACES:
            by[word.image_id] = (*by.get(word.image_id, ()), word.annotator)
    return Neighbours(overall, levels, by, len(around.images))


@dataclass(frozen=True, eq=False)
class _Around:
    """Labelled pictures, the nearest first: ids, labels as node indices, cosine distances."""

    images: NDArray[np.int64]
    labels: IntArray
    distances: Vectors

    def told(self, taxonomy: Taxonomy, answer: int, rows: IntArray) -> tuple[LabelledPicture, ...]:
        """These rows, and whether each agrees with `answer`."""
        labels = self.labels[rows]
        agree = taxonomy.is_at_or_below(labels, answer)
        open_ = taxonomy.is_at_or_below(answer, labels) & ~agree
        return tuple(
            LabelledPicture(
                int(self.images[row]), int(self.labels[row]), float(self.distances[row]), None if o else bool(a)
            )
            for row, a, o in zip(rows.tolist(), agree, open_, strict=True)
        )


def _around(table: PredictionTable, seen: Embeddings, row: int) -> _Around:
    """All labelled pictures outside the test split but the one at `row` itself.

    A label at the root says nothing about what a picture shows, so it is none here.
    """
    usable = (table.labels > 0) & (table.splits != HIDDEN) & (table.image_ids != seen.images[row])
    ids, labels = table.image_ids[usable], table.labels[usable]
    places = np.searchsorted(seen.images, ids).clip(max=len(seen.images) - 1)
    known = seen.images[places] == ids
    ids, labels = ids[known], labels[known]
    distances = 1 - seen.likeness(row)[places[known]].clip(-1, 1)
    nearest = np.argsort(distances, kind="stable")  # of equals the one that came first
    return _Around(ids[nearest], labels[nearest], distances[nearest])


def _at_level(taxonomy: Taxonomy, around: _Around, node: int, said: Prediction) -> LevelNeighbours:
    level = int(taxonomy.depths[node])
    classes = taxonomy.ancestors_by_depth[around.labels, level - 1]  # -1 where a label ends above this level
    known = np.flatnonzero(classes >= 0)
    others = known[classes[known] != node]
    rival, share = _strongest_other(taxonomy, level, node, said)
    if rival < 0 and len(others):
        rival = int(classes[others[0]])
    counted = classes[known[:COUNTED]]
    return LevelNeighbours(
        level=level,
        node=node,
        nearest=around.told(taxonomy, node, known[:NEAREST]),
        agreeing=int((counted == node).sum()),
        counted=len(counted),
        rival=rival,
        rival_share=share,
        of_rival=around.told(taxonomy, node, others[classes[others] == rival][:OF_THE_RIVAL]),
    )


def _strongest_other(taxonomy: Taxonomy, level: int, node: int, said: Prediction) -> tuple[int, float | None]:
    """The class of this level, other than `node`, that holds most probability of the answers a run thought of."""
    shares: dict[int, float] = {}
    for key, probability in said.top:
        at = int(taxonomy.ancestors_by_depth[taxonomy.index(key), level - 1])
        if at not in (-1, node):
            shares[at] = shares.get(at, 0.0) + probability
    if not shares:
        return -1, None
    best = max(shares, key=lambda at: shares[at])
    return best, shares[best]
