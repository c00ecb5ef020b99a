"""What a model says about pictures: metrics over many, or one prediction after the other, a batch at a time."""

import math
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from hmgc_core.decoding import decode
from hmgc_core.learning.checkpoints import Checkpoint
from hmgc_core.learning.devices import ComputeDevice, memory_told, pick_device
from hmgc_core.learning.features import Features, Pictures
from hmgc_core.learning.temperature import fit_temperature, tempered
from hmgc_core.learning.transforms import normalise
from hmgc_core.metrics import answer_metrics, calibration_error
from hmgc_core.models.base import HierarchicalModel
from hmgc_core.records import PREDICTING, Progress, RunConfig, Stopped
from hmgc_core.taxonomy import IntArray, Taxonomy

LARGEST_BATCH = 128
NEEDS_LESS = "train with smaller batches, smaller pictures or a smaller backbone, or end other programs"
TOP = 5
MOST_TO_CALIBRATE = 2000  # images are plenty for one number


@dataclass(frozen=True)
class ImagePrediction:
    """What the model says about one picture. Nodes are indices of the checkpoint's taxonomy; probabilities in [0, 1].

    Probabilities are those of the model's answers, which are leaves: `answer_log_probs`, calibrated.
    place: the picture's place in `pixels.paths`. node: the most probable leaf. path: (node, probability) from the top
    level down to it. top: the most probable leaves, best first. answers: (D,) int, per level as the model's authors
    answer. embedding: (C,) float16 pooled trunk features. log_probs: (N,) float32 for hedging, or None.
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
    pixels: Pictures,
    *,
    device: str = "auto",
    top: int = TOP,
    log_probs_of: Collection[int] = (),
    on_features: Callable[[list[int], Tensor], None] = lambda _places, _features: None,
    on_progress: Callable[[Progress], None] = lambda _: None,
    should_stop: Callable[[], bool] = lambda: False,
) -> Iterator[ImagePrediction]:
    """One prediction for every readable picture; the skipped ones are named in `pixels.skipped`.

    pixels: from `decode_pictures` at the config's image size, or from `features_of` this model. on_features: is told
    what the model sees, a batch at a time. log_probs_of: places of the pictures whose N
    log-probabilities are given too; these come first, the others after them, both in order.
    Raises Stopped when `should_stop` says so, DeviceError where the device cannot be used, OutOfMemory.
    """
    compute = pick_device(device)
    compute.place(checkpoint.model)
    in_full = set(log_probs_of)
    done = 0
    for with_log_probs in (True, False):
        for batch in run_batches(
            checkpoint.model,
            pixels,
            [place for place in pixels.readable if (place in in_full) == with_log_probs],
            compute,
            batch_size=evaluation_batch(checkpoint.config),
            temperature=checkpoint.temperature,
            with_log_probs=with_log_probs,
            on_features=on_features,
            should_stop=should_stop,
        ):
            yield from _predictions(checkpoint.taxonomy, batch, top=top)
            done += len(batch.places)
            on_progress(Progress(PREDICTING, done, len(pixels.readable)))


def evaluation_batch(config: RunConfig) -> int:
    """How many pictures at a time where nothing is learned: twice as many as a step of training need less memory."""
    return min(LARGEST_BATCH, 2 * config.batch_size)


def measure(
    model: HierarchicalModel,
    pixels: Pictures,
    places: Sequence[int],
    targets: Sequence[int],
    compute: ComputeDevice,
    *,
    batch_size: int,
    should_stop: Callable[[], bool] = lambda: False,
) -> dict[str, Any]:
    """The metrics of the pictures at `places`, whose labels are the nodes `targets`; {} for none.

    Raises Stopped when `should_stop` says so.
    """
    said: list[ImagePrediction] = []
    for batch in run_batches(model, pixels, places, compute, batch_size=batch_size, should_stop=should_stop):
        said += _predictions(model.taxonomy, batch, top=1)
    return metrics_of(model.taxonomy, targets, said) if said else {}


def metrics_of(taxonomy: Taxonomy, targets: Sequence[int], said: Sequence[ImagePrediction]) -> dict[str, Any]:
    """What an epoch needs: the metrics of the per-level answers, and `ece_leaf`; one target node for each prediction.

    No (B, N) array is needed. The rest of `evaluate` is measured once, at the end. `ece_leaf` is of the probabilities
    that people are shown.
    """
    nodes = np.asarray(targets, dtype=np.int64)
    answers = np.array([one.answers for one in said], dtype=np.int64).reshape(len(said), taxonomy.depth)
    return {**answer_metrics(taxonomy, nodes, answers), "ece_leaf": answer_calibration_error(taxonomy, nodes, said)}


def answer_calibration_error(
    taxonomy: Taxonomy, targets: Sequence[int] | IntArray, said: Sequence[ImagePrediction]
) -> float:
    """`calibration_error` of the probabilities that people are shown, over the images labelled with a leaf."""
    nodes = np.asarray(targets, dtype=np.int64)
    right = np.array([one.node == node for one, node in zip(said, nodes, strict=True)], dtype=bool)
    confidence = np.array([one.probability for one in said])
    is_leaf = taxonomy.is_leaf[nodes]
    return calibration_error(confidence[is_leaf], right[is_leaf])


def answer_calibration(
    model: HierarchicalModel,
    pixels: Pictures,
    places: Sequence[int],
    targets: Sequence[int],
    compute: ComputeDevice,
    *,
    batch_size: int,
    should_stop: Callable[[], bool] = lambda: False,
) -> dict[str, float]:
    """What makes the certainties of the model's answers honest: {"temperature": T}, or {} where there is no picture.

    places: in `pixels`; targets: their labels, as nodes. Raises Stopped when `should_stop` says so.
    """
    if not places:
        return {}
    step = math.ceil(len(places) / MOST_TO_CALIBRATE)
    batches = run_batches(model, pixels, places[::step], compute, batch_size=batch_size, should_stop=should_stop)
    leaves = np.concatenate([batch.answer_log_probs[:, model.taxonomy.leaves] for batch in batches])
    return {"temperature": fit_temperature(torch.from_numpy(leaves), torch.tensor(targets[::step]), model.taxonomy)}


@dataclass(frozen=True)
class BatchOutput:
    """All that a model says about one batch.

    places: B places in the pixels. answer_log_probs: (B, N) float32, over the leaves and tempered. answers: (B, D)
    int. embeddings: (B, C) float16. log_probs: (B, N) float32, or None where not asked for.
    """

    places: list[int]
    answer_log_probs: NDArray[np.float32]
    answers: IntArray
    embeddings: NDArray[np.float16]
    log_probs: NDArray[np.float32] | None


def run_batches(
    model: HierarchicalModel,
    pixels: Pictures,
    places: Sequence[int],
    compute: ComputeDevice,
    *,
    batch_size: int,
    temperature: float = 1.0,
    with_log_probs: bool = False,
    on_features: Callable[[list[int], Tensor], None] = lambda _places, _features: None,
    should_stop: Callable[[], bool] = lambda: False,
) -> Iterator[BatchOutput]:
    """Run the model, on `compute` already, over the pictures at `places`, a batch at a time, in evaluation mode.

    Of pictures whose features are at hand only the head runs.
    Raises Stopped when `should_stop` says so, OutOfMemory.
    """
    model.eval()
    for start in range(0, len(places), batch_size):
        if should_stop():
            raise Stopped
        chunk = list(places[start : start + batch_size])
        what = f"predictions of {len(chunk)} pictures of {pixels.size} px at a time"
        with memory_told(what, NEEDS_LESS), torch.inference_mode(), compute.autocast():
            taken = compute.send(compute.ready(pixels.take(chunk)))
            features = taken.float() if isinstance(pixels, Features) else model.features(normalise(taken))
            on_features(chunk, features)
            scores = model.from_features(features)
            output = BatchOutput(
                places=chunk,
                answer_log_probs=tempered(model.answer_log_probs(scores), model.taxonomy, temperature).cpu().numpy(),
                answers=model.answers(scores).cpu().numpy(),
                embeddings=scores.embedding.half().cpu().numpy(),
                log_probs=model.log_probs(scores).float().cpu().numpy() if with_log_probs else None,
            )
        yield output


def probabilities(checkpoint: Checkpoint, image: NDArray[np.uint8], *, device: str = "auto") -> NDArray[np.float32]:
    """(N,) the probability of every node for one picture: of `predict`, whose predictions keep the best few only.

    image: (3, S, S) uint8 RGB, as in the pixel cache. Raises DeviceError, OutOfMemory.
    """
    compute, model = pick_device(device), checkpoint.model
    compute.place(model)
    model.eval()
    with memory_told("the prediction of one picture", NEEDS_LESS), torch.inference_mode(), compute.autocast():
        # A copy: the pixels may be a read-only memory map.
        scores = model(normalise(compute.send(compute.ready(image[None].copy()))))
        log_probs = tempered(model.answer_log_probs(scores), checkpoint.taxonomy, checkpoint.temperature)
    return np.minimum(np.exp(log_probs[0].cpu().numpy()), np.float32(1))


def _predictions(taxonomy: Taxonomy, batch: BatchOutput, *, top: int) -> Iterator[ImagePrediction]:
    """One prediction a picture. Rows are copied: a view of one would keep the whole batch in memory."""
    probs = np.minimum(np.exp(batch.answer_log_probs), np.float32(1))
    nodes = decode(taxonomy, probs)
    of_leaves = probs[:, taxonomy.leaves]
    best = np.argsort(-of_leaves, axis=1, kind="stable")[:, :top]
    for i, place in enumerate(batch.places):
        yield ImagePrediction(
            place=place,
            node=int(nodes[i]),
            path=tuple((node, float(probs[i, node])) for node in taxonomy.path(int(nodes[i]))),
            top=tuple((int(taxonomy.leaves[j]), float(of_leaves[i, j])) for j in best[i]),
            answers=batch.answers[i].copy(),
            embedding=batch.embeddings[i].copy(),
            log_probs=None if batch.log_probs is None else batch.log_probs[i].copy(),
        )
