"""What a model says about pictures: metrics over many, or one prediction after the other, a batch at a time."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from hmgc_core.decoding import decode
from hmgc_core.learning.checkpoints import Checkpoint
from hmgc_core.learning.devices import ComputeDevice, pick_device
from hmgc_core.learning.pixel_cache import Pixels, Stopped
from hmgc_core.learning.transforms import normalise
from hmgc_core.metrics import answer_metrics, calibration_error
from hmgc_core.models.base import HierarchicalModel
from hmgc_core.records import PREDICTING, Progress
from hmgc_core.taxonomy import IntArray, Taxonomy

BATCH_SIZE = 128
TOP = 5


@dataclass(frozen=True)
class ImagePrediction:
    """What the model says about one picture. Nodes are indices of the checkpoint's taxonomy; probabilities in [0, 1].

    place: the picture's place in `pixels.paths`. node: the most probable leaf. path: (node, probability) from the top
    level down to it. top: the most probable leaves, best first. answers: (D,) int, per level as the model's authors
    answer. embedding: (C,) float16 pooled trunk features. log_probs: (N,) float32, or None where not asked for.
    """

    place: int
    node: int
    path: tuple[tuple[int, float], ...]
    top: tuple[tuple[int, float], ...]
    answers: IntArray
    embedding: NDArray[np.float16]
    log_probs: NDArray[np.float32] | None = None

    @property
    def probability(self) -> float:
        """Of the node."""
        return self.path[-1][1]


def predict(
    checkpoint: Checkpoint,
    pixels: Pixels,
    *,
    device: str = "auto",
    top: int = TOP,
    with_log_probs: bool = False,
    on_progress: Callable[[Progress], None] = lambda _: None,
    should_stop: Callable[[], bool] = lambda: False,
) -> Iterator[ImagePrediction]:
    """One prediction for every readable picture, in order; the skipped ones are named in `pixels.skipped`.

    pixels: from `decode_pictures` at the config's image size. with_log_probs: give all N log-probabilities too.
    Raises Stopped when `should_stop` says so, DeviceError where the device cannot be used.
    """
    compute = pick_device(device)
    compute.place(checkpoint.model)
    places = pixels.readable
    done = 0
    for batch in run_batches(checkpoint.model, pixels, places, compute, should_stop=should_stop):
        yield from _predictions(checkpoint.taxonomy, batch, top=top, with_log_probs=with_log_probs)
        done += len(batch.places)
        on_progress(Progress(PREDICTING, done, len(places)))


def measure(
    model: HierarchicalModel,
    pixels: Pixels,
    places: Sequence[int],
    targets: Sequence[int],
    compute: ComputeDevice,
    *,
    should_stop: Callable[[], bool] = lambda: False,
) -> dict[str, Any]:
    """The metrics of the pictures at `places`, whose labels are the nodes `targets`; {} for none.

    Raises Stopped when `should_stop` says so.
    """
    said: list[ImagePrediction] = []
    for batch in run_batches(model, pixels, places, compute, should_stop=should_stop):
        said += _predictions(model.taxonomy, batch, top=1, with_log_probs=False)
    return metrics_of(model.taxonomy, targets, said) if said else {}


def metrics_of(taxonomy: Taxonomy, targets: Sequence[int], said: Sequence[ImagePrediction]) -> dict[str, Any]:
    """What an epoch needs: the metrics of the per-level answers, and `ece_leaf`; one target node for each prediction.

    No (B, N) array is needed. The rest of `evaluate` is measured once, at the end.
    """
    nodes = np.asarray(targets, dtype=np.int64)
    answers = np.array([one.answers for one in said], dtype=np.int64).reshape(len(said), taxonomy.depth)
    right = np.array([one.node == node for one, node in zip(said, nodes, strict=True)], dtype=bool)
    confidence = np.array([one.probability for one in said])
    is_leaf = taxonomy.is_leaf[nodes]
    ece = calibration_error(confidence[is_leaf], right[is_leaf])
    return {**answer_metrics(taxonomy, nodes, answers), "ece_leaf": ece}


@dataclass(frozen=True)
class BatchOutput:
    """All that a model says about one batch.

    places: B places in the pixels. log_probs: (B, N) float32. answers: (B, D) int. embeddings: (B, C) float16.
    """

    places: list[int]
    log_probs: NDArray[np.float32]
    answers: IntArray
    embeddings: NDArray[np.float16]


def run_batches(
    model: HierarchicalModel,
    pixels: Pixels,
    places: Sequence[int],
    compute: ComputeDevice,
    *,
    should_stop: Callable[[], bool] = lambda: False,
) -> Iterator[BatchOutput]:
    """Run the model, on `compute` already, over the pictures at `places`, a batch at a time, in evaluation mode."""
    model.eval()
    for start in range(0, len(places), BATCH_SIZE):
        if should_stop():
            raise Stopped
        chunk = list(places[start : start + BATCH_SIZE])
        with torch.inference_mode(), compute.autocast():
            scores = model(normalise(compute.send(torch.from_numpy(pixels.take(chunk)))))
            output = BatchOutput(
                places=chunk,
                log_probs=model.log_probs(scores).float().cpu().numpy(),
                answers=model.answers(scores).cpu().numpy(),
                embeddings=scores.embedding.half().cpu().numpy(),
            )
        yield output


def _predictions(
    taxonomy: Taxonomy, batch: BatchOutput, *, top: int, with_log_probs: bool
) -> Iterator[ImagePrediction]:
    probs = np.minimum(np.exp(batch.log_probs), np.float32(1))
    nodes = decode(taxonomy, probs)
    of_leaves = probs[:, taxonomy.leaves]
    best = np.argsort(-of_leaves, axis=1, kind="stable")[:, :top]
    for i, place in enumerate(batch.places):
        yield ImagePrediction(
            place=place,
            node=int(nodes[i]),
            path=tuple((node, float(probs[i, node])) for node in taxonomy.path(int(nodes[i]))),
            top=tuple((int(taxonomy.leaves[j]), float(of_leaves[i, j])) for j in best[i]),
            answers=batch.answers[i],
            embedding=batch.embeddings[i],
            log_probs=batch.log_probs[i] if with_log_probs else None,
        )
