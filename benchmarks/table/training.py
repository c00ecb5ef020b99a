"""Carry out one training of the table and measure what it gives, as one line of plain values."""

import hashlib
import json
import math
import os
import platform
import shutil
import time
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

import hmgc_core
from hmgc_core.durable_files import write_durably
from hmgc_core.learning.batches import plan_epoch
from hmgc_core.learning.checkpoints import Checkpoint, load_checkpoint
from hmgc_core.learning.devices import pick_device
from hmgc_core.learning.inference import evaluation_batch, run_batches
from hmgc_core.learning.pixel_cache import decode_pictures
from hmgc_core.learning.training import fit
from hmgc_core.metrics import answer_metrics, certainty_metrics, deepest_answers
from hmgc_core.records import Sample, Stopped
from table.cells import Training
from table.sets import PictureSet

DIGITS = 5
# Of what a row teaches: everything its figures follow from but the pictures.
SOURCES = ("losses.py", "tree_sums.py", "relabelling.py", "recipes.py", "models", "learning", "metrics")
ANSWERS = ("leaf_accuracy", "full_path_accuracy", "level_accuracy", "tice", "wap", "h_recall", "h_f1", "severity")
CERTAINTIES = ("info_recall_at_95", "ac_info", "ece_node", "average_prc")
TO_CHOOSE_BY = ("leaf_accuracy", "full_path_accuracy", "h_recall")


def carry_out(
    training: Training, pictures: PictureSet, *, folder: Path, cache: Path, should_stop: Callable[[], bool]
) -> dict[str, Any]:
    """Train, or go on where an earlier call stopped, and measure. Returns the line of the journal.

    folder: this training's own, gone when it is finished. Raises Stopped when `should_stop` says so, and what `fit`
    raises.
    """
    spent = _Spent(folder)
    result = fit(
        training.config,
        pictures.taxonomy,
        training.labels,
        pictures.val,
        folder=folder,
        cache=cache,
        should_stop=should_stop,
        epoch_size=len(training.labels),
    )
    spent.keep()
    if result.stopped or result.checkpoint is None:
        raise Stopped
    checkpoint = load_checkpoint(result.checkpoint)
    val, test = (measured(checkpoint, part, cache=cache, should_stop=should_stop) for part in _exams(pictures))
    line = {
        **_asked(training),
        "epoch": result.epoch,
        "temperature": _rounded(checkpoint.temperature),
        "val": {name: val[name] for name in TO_CHOOSE_BY},
        "test": test,
        "test_pictures": len(pictures.test),
        **_effort(training, spent),
        **circumstances(),
    }
    shutil.rmtree(folder)
    return line


def failed(training: Training, error: Exception, *, diverged: bool, session: str) -> dict[str, Any]:
    """The line of a training that ended in an error. session: of the call that saw it, which does not try again."""
    words = f"{type(error).__name__}: {error}"
    return {**_asked(training), "error": words[:300], "diverged": diverged, "session": session, **circumstances()}


def measured(
    checkpoint: Checkpoint, samples: Sequence[Sample], *, cache: Path, should_stop: Callable[[], bool]
) -> dict[str, Any]:
    """The metrics of one split, per-level answers as the model's authors take them.

    What needs probabilities is measured twice: of `log_probs`, as the model states them, and `…_tempered`, of those
    that people are shown beside the answer, after the temperature that was fitted on the validation pictures.
    """
    pixels = decode_pictures(
        [sample.path for sample in samples], size=checkpoint.config.image_size, folder=cache, should_stop=should_stop
    )
    compute = pick_device(checkpoint.config.device)
    compute.place(checkpoint.model)
    batches = list(
        run_batches(
            checkpoint.model,
            pixels,
            pixels.readable,
            compute,
            batch_size=evaluation_batch(checkpoint.config),
            temperature=checkpoint.temperature,
            with_log_probs=True,
            should_stop=should_stop,
        )
    )
    nodes = np.array([samples[place].node for place in pixels.readable])
    answers = np.concatenate([batch.answers for batch in batches])
    told = answer_metrics(checkpoint.taxonomy, nodes, answers)
    line = {name: _rounded(told[name]) for name in ANSWERS}
    stated = _probabilities([batch.log_probs for batch in batches])
    shown = _probabilities([batch.answer_log_probs for batch in batches])
    for ending, probs, given in (("", stated, answers), ("_tempered", shown, deepest_answers(answers))):
        sure = certainty_metrics(checkpoint.taxonomy, nodes, probs, given)
        line |= {name + ending: _rounded(sure[name]) for name in CERTAINTIES}
    return line


def _exams(pictures: PictureSet) -> tuple[list[Sample], list[Sample]]:
    return pictures.val, pictures.test


def _probabilities(log_probs: Sequence[NDArray[np.float32] | None]) -> NDArray[np.float32]:
    return np.minimum(np.exp(np.concatenate([part for part in log_probs if part is not None])), np.float32(1))


class _Spent:
    """What a training took so far, over interruptions: wall and processor seconds."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "spent.json"
        self.wall_s, self.cpu_s = json.loads(self.file.read_bytes()) if self.file.exists() else (0.0, 0.0)
        self.wall_at_s, self.cpu_at_s = time.monotonic(), time.process_time()

    def keep(self) -> None:
        """Add what this process took since it began."""
        self.wall_s += time.monotonic() - self.wall_at_s
        self.cpu_s += time.process_time() - self.cpu_at_s
        self.file.parent.mkdir(parents=True, exist_ok=True)
        write_durably(self.file, json.dumps([self.wall_s, self.cpu_s]).encode())


def _asked(training: Training) -> dict[str, Any]:
    cell, config = training.cell, training.config
    return {
        "id": training.id,
        "workspace": cell.workspace,
        "row": cell.row,
        "share": cell.share,
        "budget": cell.budget,
        "seed": cell.seed,
        "lr": config.lr,
        "epochs": config.epochs,
    }


def _effort(training: Training, spent: _Spent) -> dict[str, Any]:
    """Seconds of training, its validations included. images_per_s: by processor time, so neighbours do not count."""
    count, config = len(training.labels), training.config
    steps = len(plan_epoch(count, config.batch_size, seed=config.seed, epoch=0)) * config.epochs
    return {
        "steps": steps,
        "seconds": round(spent.wall_s, 1),
        "cpu_s": round(spent.cpu_s, 1),
        "images_per_s": round(count * config.epochs / max(spent.cpu_s, 1e-6)),
    }


@cache
def circumstances() -> dict[str, Any]:
    """Where and with what: the machine, the versions, a hash of the code that the figures follow from."""
    home = Path(hmgc_core.__file__).parent
    files = [
        file for name in SOURCES for file in ([home / name] if name.endswith(".py") else (home / name).rglob("*.py"))
    ]
    digest = hashlib.sha256(b"".join(file.read_bytes() for file in sorted(files)))
    return {
        "machine": f"{platform.machine()}, {os.cpu_count()} cores",
        "torch": torch.__version__,
        "version": hmgc_core.__version__,
        "code": digest.hexdigest()[:8],
        "device": str(pick_device().torch_device),
    }


def _rounded(value: Any) -> Any:
    """Short numbers, None for what could not be measured."""
    if isinstance(value, list):
        return [_rounded(one) for one in value]
    return round(float(value), DIGITS) if math.isfinite(value) else None
