"""What a model says about many pictures. Memory is a batch of (B, N) probabilities and a short row per picture."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray

from hmgc_core.decoding import decode
from hmgc_core.learning.checkpoints import Checkpoint
from hmgc_core.learning.devices import ComputeDevice, pick_device
from hmgc_core.learning.pixel_cache import Pixels, Skipped, Stopped, decode_pictures
from hmgc_core.learning.transforms import normalise
from hmgc_core.metrics import calibration_error, evaluate
from hmgc_core.models.base import HierarchicalModel
from hmgc_core.records import Progress
from hmgc_core.taxonomy import IntArray, Taxonomy

BATCH_SIZE = 128
TOP = 5


@dataclass(frozen=True)
class Predicted:
    """What a model says, a row per readable picture. Nodes are indices of `taxonomy`; probabilities are in [0, 1].

    paths: the P pictures. nodes: (P,) int, the most probable leaf. path_probs: (P, D) float32, its ancestors-or-self,
    top level first, 0 below a leaf that ends early. top, top_probs: (P, K), the most probable leaves, best first.
    answers: (P, D) int, per level as the model's authors answer. embeddings: (P, C) float16, pooled trunk features.
    skipped: the pictures that could not be read.
    """

    taxonomy: Taxonomy
    paths: tuple[Path, ...]
    nodes: IntArray
    path_probs: NDArray[np.float32]
    top: IntArray
    top_probs: NDArray[np.float32]
    answers: IntArray
    embeddings: NDArray[np.float16]
    skipped: tuple[Skipped, ...]

    def take(self, rows: Sequence[int]) -> Self:
        """Only these rows, in this order."""
        chosen = np.asarray(rows, dtype=np.int64)
        arrays = {field.name: getattr(self, field.name) for field in fields(self)}
        kept = {name: values[chosen] for name, values in arrays.items() if isinstance(values, np.ndarray)}
        return replace(self, paths=tuple(self.paths[row] for row in chosen), **kept)

    def metrics(self, targets: Sequence[int]) -> dict[str, Any]:
        """The metrics of `evaluate` for the answers, given one target node per row; `ece_leaf` is of the probabilities."""
        nodes = np.asarray(targets, dtype=np.int64)
        is_leaf = self.taxonomy.is_leaf[nodes]
        ece = calibration_error(self.top_probs[is_leaf, 0], (self.top[:, 0] == nodes)[is_leaf])
        return {**evaluate(self.taxonomy, nodes, None, self.answers), "ece_leaf": ece}


def predict(
    checkpoint: Checkpoint,
    paths: Sequence[Path],
    *,
    cache: Path,
    device: str = "auto",
    on_progress: Callable[[Progress], None] = lambda _: None,
    should_stop: Callable[[], bool] = lambda: False,
) -> Predicted:
    """What the checkpoint's model says about every picture that can be read.

    cache: folder of decoded pictures. When `should_stop` says so, what is done by then comes back.
    Raises DeviceError where the device cannot be used, WorkspaceError where the cache has no room.
    """
    compute = pick_device(device)
    compute.place(checkpoint.model)
    size = checkpoint.config.image_size
    try:
        pixels = decode_pictures(paths, size=size, folder=cache, on_progress=on_progress, should_stop=should_stop)
    except Stopped:
        pixels = Pixels(size, (), (), (), {})
    places = pixels.readable
    return predict_pixels(checkpoint.model, pixels, places, compute, on_progress=on_progress, should_stop=should_stop)


def predict_pixels(
    model: HierarchicalModel,
    pixels: Pixels,
    places: Sequence[int],
    compute: ComputeDevice,
    *,
    on_progress: Callable[[Progress], None] = lambda _: None,
    should_stop: Callable[[], bool] = lambda: False,
) -> Predicted:
    """The same for a model that is on its device already and pictures that are decoded: those at `places`."""
    parts = [_summary(model.taxonomy, empty_output(model))]
    done = 0
    for output in run_batches(model, pixels, places, compute):
        parts.append(_summary(model.taxonomy, output))
        done += len(output.log_probs)
        on_progress(Progress("predicting", done, len(places)))
        if should_stop():
            break
    columns = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    said = tuple(pixels.paths[place] for place in places[:done])
    return Predicted(taxonomy=model.taxonomy, paths=said, skipped=pixels.skipped, **columns)


@dataclass(frozen=True)
class BatchOutput:
    """All that a model says about one batch.

    log_probs: (B, N) float32. answers: (B, D) int. embeddings: (B, C) float16.
    """

    log_probs: NDArray[np.float32]
    answers: IntArray
    embeddings: NDArray[np.float16]


def run_batches(
    model: HierarchicalModel, pixels: Pixels, places: Sequence[int], compute: ComputeDevice
) -> Iterator[BatchOutput]:
    """Run the model, on `compute` already, over the pictures at `places`, a batch at a time, in evaluation mode."""
    model.eval()
    for start in range(0, len(places), BATCH_SIZE):
        images = torch.from_numpy(pixels.take(places[start : start + BATCH_SIZE]))
        with torch.inference_mode(), compute.autocast():
            scores = model(normalise(compute.send(images)))
            output = BatchOutput(
                log_probs=model.log_probs(scores).float().cpu().numpy(),
                answers=model.answers(scores).cpu().numpy(),
                embeddings=scores.embedding.half().cpu().numpy(),
            )
        yield output


def empty_output(model: HierarchicalModel) -> BatchOutput:
    """What the model says about no picture: so that joined columns have their shape even then."""
    nodes, depth, channels = len(model.taxonomy), model.taxonomy.depth, model.trunk.channels
    return BatchOutput(
        log_probs=np.zeros((0, nodes), dtype=np.float32),
        answers=np.zeros((0, depth), dtype=np.int64),
        embeddings=np.zeros((0, channels), dtype=np.float16),
    )


def _summary(taxonomy: Taxonomy, output: BatchOutput) -> dict[str, NDArray]:
    """The columns of `Predicted` for one batch."""
    probs = np.minimum(np.exp(output.log_probs), np.float32(1))
    nodes = decode(taxonomy, probs)
    steps = taxonomy.ancestors_by_depth[nodes]
    path_probs = np.where(steps >= 0, np.take_along_axis(probs, np.maximum(steps, 0), axis=1), np.float32(0))
    of_leaves = probs[:, taxonomy.leaves]
    best = np.argsort(-of_leaves, axis=1, kind="stable")[:, :TOP]
    return {
        "nodes": nodes,
        "path_probs": path_probs,
        "top": taxonomy.leaves[best],
        "top_probs": np.take_along_axis(of_leaves, best, axis=1),
        "answers": output.answers,
        "embeddings": output.embeddings,
    }
