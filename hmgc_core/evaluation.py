"""What a trained model says of a workspace: a prediction for every image, and how right it is on each split.

Like the worker, which asks for it after each training, it has a door to both wings.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hmgc_core.errors import BadConfig, NotTrainable
from hmgc_core.learning.checkpoints import Checkpoint, load_checkpoint
from hmgc_core.learning.devices import pick_device
from hmgc_core.learning.features import Pictures, SpareKeeper, features_of
from hmgc_core.learning.inference import ImagePrediction, answer_calibration_error, evaluation_batch, predict
from hmgc_core.learning.pixel_cache import Skipped, decode_pictures
from hmgc_core.metrics import evaluate, unseen_metrics
from hmgc_core.models.catalog import NO_HEAD, READY_MADE
from hmgc_core.records import IS, SPLITS, ImageRecord, Prediction, Progress, Run
from hmgc_core.store import annotations, predictions
from hmgc_core.store.workspace import Workspace
from hmgc_core.taxonomy import Taxonomy
from hmgc_core.workflow import embeddings, training
from hmgc_core.workflow.training import RunLabels


def measure(
    ws: Workspace, run: Run, split: str, *, on_progress: Callable[[int, int], None] = lambda _done, _total: None
) -> dict[str, Any]:
    """Metrics of a finished run on one split, against the labels as they are now."""
    if split not in SPLITS:
        raise BadConfig(f"there is no split {split!r}", remedy=f"choose one of {', '.join(SPLITS)}")
    checkpoint = load_checkpoint(training.checkpoint_folder(run))
    with ws.reading() as connection:
        newest = annotations.last_id(connection)
    labels = training.run_labels(ws, replace(run, last_annotation_id=newest))
    samples: dict[Path, int] = {sample.path: sample.node for sample in getattr(labels, split) if sample.kind == IS}
    if not samples:
        raise NotTrainable(f"no image of the {split} split has a label", remedy="label some, or choose another split")
    pixels = decode_pictures(list(samples), size=run.config.image_size, folder=ws.cache)
    told = predict(
        checkpoint,
        pixels,
        log_probs_of=pixels.readable,
        on_progress=lambda step: on_progress(step.done, step.total),
    )
    said = list(told)
    targets = [samples[pixels.paths[one.place]] for one in said]
    return _metrics(labels.taxonomy, targets, said, _taught(run, labels))


def predict_all(
    ws: Workspace,
    run: Run,
    labels: RunLabels,
    checkpoint: Checkpoint,
    *,
    on_progress: Callable[[Progress], None],
    should_stop: Callable[[], bool],
) -> tuple[dict[str, Any], list[str]]:
    """Predict every image of a run and store it; returns (metrics per split, remarks about pictures that were skipped).

    Raises Stopped when `should_stop` says so; then nothing is stored.
    """
    # Before the pictures are read: one that changes meanwhile is then kept under a name that nobody asks for.
    keeper = _keeper(ws, run, labels.images, checkpoint, should_stop)
    pixels = _pictures(ws, run, labels.images, checkpoint, on_progress=on_progress, should_stop=should_stop)
    targets = {split: _targets(labels, split, pixels) for split in ("val", "test")}
    told = predict(
        checkpoint,
        pixels,
        device=run.config.device,
        log_probs_of=[place for nodes in targets.values() for place in nodes],
        on_features=keeper.add,
        on_progress=on_progress,
        should_stop=should_stop,
    )
    said = list(told)
    keeper.end()
    made, ids, vectors = _kept(run, labels.images, checkpoint.taxonomy, said)
    with ws.writing() as connection:
        predictions.replace_all(connection, run.id, made)
    embeddings.keep(ws.run_folder(run.id), ids, vectors)
    metrics = {}
    for split, nodes in targets.items():
        if nodes:
            of_split = [one for one in said if one.place in nodes]
            metrics[split] = _metrics(
                labels.taxonomy, [nodes[one.place] for one in of_split], of_split, _taught(run, labels)
            )
    return metrics, _skips(pixels.skipped)


def predict_new(
    ws: Workspace,
    run: Run,
    images: Sequence[ImageRecord],
    *,
    on_progress: Callable[[Progress], None],
    should_stop: Callable[[], bool],
) -> list[int]:
    """Predict images that came in after a training and store it beside the rest; returns the ids of unreadable ones.

    The run's metrics stay those of its training. Raises Stopped when `should_stop` says so; then nothing is stored.
    """
    checkpoint = load_checkpoint(training.checkpoint_folder(run))
    keeper = _keeper(ws, run, images, checkpoint, should_stop)
    told: dict[str, Any] = {"on_progress": on_progress, "should_stop": should_stop}
    pixels = _pictures(ws, run, images, checkpoint, **told)
    said = list(predict(checkpoint, pixels, device=run.config.device, on_features=keeper.add, **told))
    keeper.end()
    if said:
        made, ids, vectors = _kept(run, images, checkpoint.taxonomy, said)
        # The rows, by which an image counts as predicted, come last: cut off before, all is done again.
        embeddings.add(ws.run_folder(run.id), ids, vectors)
        with ws.writing() as connection:
            predictions.add(connection, run.id, made)
    read = set(pixels.readable)
    return [image.id for place, image in enumerate(images) if place not in read]


def _pictures(
    ws: Workspace,
    run: Run,
    images: Sequence[ImageRecord],
    checkpoint: Checkpoint,
    *,
    on_progress: Callable[[Progress], None],
    should_stop: Callable[[], bool],
) -> Pictures:
    """Images for a run: for one whose head learned alone, what its trunk sees in them."""
    paths = [image.path for image in images]
    told: dict[str, Any] = {"on_progress": on_progress, "should_stop": should_stop}
    if not run.config.freeze_backbone:
        return decode_pictures(paths, size=run.config.image_size, folder=ws.cache, **told)
    return features_of(
        checkpoint.model,
        paths,
        trunk=checkpoint.trunk,
        size=run.config.image_size,
        cache=ws.cache,
        compute=pick_device(run.config.device),
        batch_size=evaluation_batch(run.config),
        **told,
    )


def _keeper(
    ws: Workspace, run: Run, images: Sequence[ImageRecord], checkpoint: Checkpoint, should_stop: Callable[[], bool]
) -> SpareKeeper:
    """Keeps what a whole model sees in the images, so that its head can soon learn alone."""
    if run.config.freeze_backbone or run.config.model in NO_HEAD:
        return SpareKeeper(None)
    return SpareKeeper.of(
        checkpoint.model,
        [image.path for image in images],
        trunk=checkpoint.trunk,
        cache=ws.cache,
        compute=pick_device(run.config.device),
        should_stop=should_stop,
    )


def _targets(labels: RunLabels, split: str, pixels: Pictures) -> dict[int, int]:
    """Place in the pixels -> node, of the readable images of a split that have a label."""
    nodes = {sample.path: sample.node for sample in getattr(labels, split)}
    images = [(place, labels.images[place]) for place in pixels.readable]
    return {place: nodes[image.path] for place, image in images if image.split == split and image.path in nodes}


def _kept(
    run: Run, images: Sequence[ImageRecord], taxonomy: Taxonomy, said: Sequence[ImagePrediction]
) -> tuple[list[Prediction], NDArray[np.int64], NDArray[np.float16]]:
    """What is kept of n predictions: their rows, (n,) image ids, (n, D) embeddings."""
    ids = [images[one.place].id for one in said]
    made = [_prediction(run.id, image_id, taxonomy, one) for image_id, one in zip(ids, said, strict=True)]
    return made, np.array(ids, dtype=np.int64), np.array([one.embedding for one in said])


def without_nan(value: Any) -> Any:
    """The same numbers with None for what could not be measured: JSON knows no NaN."""
    if isinstance(value, dict):
        return {name: without_nan(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [without_nan(item) for item in value]
    if isinstance(value, float):
        return value if np.isfinite(value) else None
    return value


def _prediction(run_id: int, image_id: int, taxonomy: Taxonomy, one: ImagePrediction) -> Prediction:
    return Prediction(
        run_id=run_id,
        image_id=image_id,
        node=taxonomy.keys[one.node],
        probability=one.probability,
        path=tuple((taxonomy.keys[node], p) for node, p in one.path),
        top=tuple((taxonomy.keys[node], p) for node, p in one.top),
    )


def _taught(run: Run, labels: RunLabels) -> set[int]:
    """The nodes that some training label of this run names; none for a model that only reads names."""
    return set() if run.config.model in READY_MADE else {one.node for one in labels.train if one.kind == IS}


def _metrics(taxonomy: Taxonomy, targets: list[int], said: list[ImagePrediction], taught: set[int]) -> dict[str, Any]:
    probs = np.stack([one.log_probs for one in said if one.log_probs is not None])
    np.minimum(np.exp(probs, out=probs), 1, out=probs)  # in place: with thousands of classes it is large
    answers = np.stack([one.answers for one in said])
    nodes = np.array(targets, dtype=np.int64)
    measured = {**evaluate(taxonomy, nodes, probs, answers), **unseen_metrics(taxonomy, nodes, answers, taught)}
    ece = answer_calibration_error(taxonomy, targets, said)
    return without_nan({**measured, "ece_leaf": ece, "images": len(targets)})


def _skips(skipped: Sequence[Skipped]) -> list[str]:
    if not skipped:
        return []
    first = skipped[0]
    return [
        f"{len(skipped)} pictures could not be read and got no prediction; the first is {first.path}: {first.reason}"
    ]
