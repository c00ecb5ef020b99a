"""Verbs of looking: predictions beside labels, one image in full, and its heatmaps."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from hmgc_core.querying import Filter, Verdict, matching, says_nothing, wrong_levels
from hmgc_core.records import Annotation, ImageRecord, Prediction, Run
from hmgc_core.store import annotations, imports, predictions, runs, tasks
from hmgc_core.store.workspace import Workspace
from hmgc_core.taxonomy import BoolArray, IntArray, Taxonomy
from hmgc_core.workflow import new_pictures
from hmgc_core.workflow.pictures import image
from hmgc_core.workflow.placings import reference_nodes
from hmgc_core.workflow.taxonomies import taxonomy_version
from hmgc_core.workflow.training import run

ORDERS = ("least sure first", "surest first", "as imported")


@dataclass(frozen=True)
class PredictionTable:
    """Predictions of a run beside the labels of now, as columns of equal length; a label of -1 is none.

    All of them by rising image id, or some: `mark` then says which, as the address does. other: the predictions of
    another run, where the mark compares with it.
    """

    taxonomy: Taxonomy
    image_ids: NDArray[np.int64]
    splits: NDArray[np.str_]
    labels: IntArray
    predicted: IntArray
    probabilities: NDArray[np.float64]
    mark: str = ""
    other: "PredictionTable | None" = None

    def only(self, keep: BoolArray, *, mark: str = "", other: "PredictionTable | None" = None) -> "PredictionTable":
        """The rows where `keep`, (B,) bool, says so."""
        return replace(
            self,
            image_ids=self.image_ids[keep],
            splits=self.splits[keep],
            labels=self.labels[keep],
            predicted=self.predicted[keep],
            probabilities=self.probabilities[keep],
            mark=mark,
            other=other,
        )

    def answer(self, image_id: int) -> int:
        """The class that is answered for an image, -1 where there is none. The rows are by image id."""
        row = int(np.searchsorted(self.image_ids, image_id))
        is_there = row < len(self.image_ids) and self.image_ids[row] == image_id
        return int(self.predicted[row]) if is_there else -1


def newest_done(ws: Workspace) -> Run | None:
    """The newest finished run: its predictions are the suggestions."""
    with ws.reading() as connection:
        return runs.newest_done(connection)


def labels_stamp(ws: Workspace) -> int:
    """A number that changes whenever a label is made or withdrawn; for caches."""
    with ws.reading() as connection:
        return annotations.last_id(connection)


def pictures_stamp(ws: Workspace) -> int:
    """A number that changes whenever pictures are taken back, or new ones predicted; for caches."""
    with ws.reading() as connection:
        return imports.undone_count(connection) + tasks.done_count(connection, kind=new_pictures.KIND)


def prediction_table(ws: Workspace, run_id: int) -> PredictionTable:
    """Every prediction of a run beside the label of now. Raises UnknownRun."""
    return with_labels(ws, answers(ws, run_id))


def answers(ws: Workspace, run_id: int) -> PredictionTable:
    """Every prediction of a run, without labels: these do not change while people label. Raises UnknownRun."""
    taxonomy = taxonomy_version(ws, run(ws, run_id).taxonomy)
    with ws.reading() as connection:
        columns = predictions.columns(connection, run_id)
    return PredictionTable(
        taxonomy,
        columns.image_ids,
        columns.splits,
        np.full(len(columns.image_ids), -1, dtype=np.int64),
        np.array([taxonomy.index(key) for key in columns.nodes], dtype=np.int64),
        columns.probabilities,
    )


def with_labels(ws: Workspace, table: PredictionTable) -> PredictionTable:
    """The same predictions beside the labels of now."""
    return replace(table, labels=reference_nodes(ws, table.taxonomy, table.image_ids))


def path_probabilities(ws: Workspace, run_id: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """(ids of the images, rising; how sure the run is at each level of its answers: (B, D), NaN below their ends).

    Raises UnknownRun.
    """
    taxonomy = taxonomy_version(ws, run(ws, run_id).taxonomy)
    ids: list[int] = []
    rows: list[NDArray[np.float64]] = []
    with ws.reading() as connection:
        for image_id, path in predictions.path_probabilities(connection, run_id):
            row = np.full(taxonomy.depth, np.nan)
            row[: len(path)] = path
            ids.append(image_id)
            rows.append(row)
    return np.array(ids, dtype=np.int64), np.array(rows).reshape(len(rows), taxonomy.depth)


@dataclass(frozen=True)
class Card:
    """One picture of a gallery. label is "" where there is none; wrong_level counts from 1 = top, 0 = right.

    nodes: the indices of answer and label in the run's tree, -1 for no label.
    other: what another run answers, where two are compared; other_node: its index, where both runs have the same tree.
    """

    image_id: int
    label: str
    predicted: str
    probability: float
    verdict: Verdict
    wrong_level: int
    nodes: tuple[int, int] = (-1, -1)
    other: str = ""
    other_node: int = -1


def find_predictions(
    table: PredictionTable, wanted: Filter, *, order: str = ORDERS[0], offset: int = 0, count: int = 60
) -> tuple[int, list[Card]]:
    """(how many pass, one page of them) of the predictions that pass the filter."""
    keep = _rows(table, wanted, order)
    return len(keep), cards(table, keep[offset : offset + count])


def cards(table: PredictionTable, rows: IntArray) -> list[Card]:
    """These rows of a table, as pictures of a gallery."""
    levels = wrong_levels(table.taxonomy, table.labels[rows], table.predicted[rows])
    return [_card(table, int(row), int(level)) for row, level in zip(rows, levels, strict=True)]


def matching_images(table: PredictionTable, wanted: Filter, *, order: str = ORDERS[0]) -> NDArray[np.int64]:
    """Ids of all images that pass the filter, in order: to step from one to the next."""
    return table.image_ids[_rows(table, wanted, order)]


def passing(table: PredictionTable, wanted: Filter) -> BoolArray:
    """(B,) bool: the rows of the table that pass the filter."""
    return matching(
        table.taxonomy,
        wanted,
        splits=table.splits,
        labels=table.labels,
        predicted=table.predicted,
        probabilities=table.probabilities,
    )


def _rows(table: PredictionTable, wanted: Filter, order: str) -> IntArray:
    """Rows of the table that pass the filter, in order."""
    keep = np.flatnonzero(passing(table, wanted))
    if order == "as imported":
        return keep
    sign = -1 if order == "surest first" else 1
    return keep[np.argsort(sign * table.probabilities[keep], kind="stable")]


def _card(table: PredictionTable, row: int, wrong_level: int) -> Card:
    label = int(table.labels[row])
    verdict: Verdict = "unlabelled" if label < 0 else "open" if wrong_level < 0 else "wrong" if wrong_level else "right"
    theirs = table.other.answer(int(table.image_ids[row])) if table.other else -1
    has_same_tree = table.other is not None and table.other.taxonomy.content_hash == table.taxonomy.content_hash
    return Card(
        image_id=int(table.image_ids[row]),
        label=table.taxonomy.name(label) if label >= 0 else "",
        predicted=table.taxonomy.name(int(table.predicted[row])),
        probability=float(table.probabilities[row]),
        verdict=verdict,
        wrong_level=max(wrong_level, 0),
        nodes=(int(table.predicted[row]), label),
        other=table.other.taxonomy.name(theirs) if table.other and theirs >= 0 else "",
        other_node=theirs if has_same_tree else -1,
    )


@dataclass(frozen=True)
class LevelView:
    """One level of an answer: its node and probability, and whether the label goes through it (None: no label)."""

    key: str
    name: str
    probability: float
    agrees: bool | None


@dataclass(frozen=True)
class ImageView:
    """One image in full: what the run says at each level, what people said, and other answers the run thought of.

    is_open: it is labelled, but no answer could be wrong: people part at the top, or say no more than the root.
    """

    image: ImageRecord
    prediction: Prediction
    levels: list[LevelView]
    label_path: list[str]
    alternatives: list[tuple[str, float]]
    history: list[Annotation]
    is_open: bool


def image_view(ws: Workspace, run_id: int, image_id: int) -> ImageView | None:
    """One image as a run sees it, None where the run has no prediction for it. Raises UnknownImage, UnknownRun."""
    record = image(ws, image_id)
    taxonomy = taxonomy_version(ws, run(ws, run_id).taxonomy)
    with ws.reading() as connection:
        prediction = predictions.get_many(connection, run_id, [image_id]).get(image_id)
        history = annotations.history(connection, image_id)
    if prediction is None:
        return None
    label = int(reference_nodes(ws, taxonomy, np.array([image_id]))[0])
    return ImageView(
        image=record,
        prediction=prediction,
        levels=[_level(taxonomy, key, probability, label) for key, probability in prediction.path],
        label_path=[taxonomy.name(node) for node in taxonomy.path(label)] if label >= 0 else [],
        alternatives=[(taxonomy.name(taxonomy.index(key)), p) for key, p in prediction.top if key != prediction.node],
        history=history,
        is_open=label >= 0 and says_nothing(taxonomy, label),
    )


def _level(taxonomy: Taxonomy, key: str, probability: float, label: int) -> LevelView:
    node = taxonomy.index(key)
    agrees = None
    # Below a coarser label nothing is known; beside it all is wrong, however deep.
    if label >= 0 and (label == node or not taxonomy.is_at_or_below(node, label)):
        agrees = bool(taxonomy.is_at_or_below(label, node))
    return LevelView(key, taxonomy.name(node), probability, agrees)
