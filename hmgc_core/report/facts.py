"""What a report tells: gathered once from the workspace, as plain values. Knows nothing of how it is written."""

from __future__ import annotations

import hashlib
import platform
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from hmgc_core import __version__
from hmgc_core.checkpoint_files import WEIGHTS, read_manifest
from hmgc_core.learning.schedule import growth
from hmgc_core.metrics.words import figures
from hmgc_core.querying import names_one_leaf
from hmgc_core.records import IS, IS_NOT, NONE_HERE, EpochMetrics, OnProgress, Run, RunConfig, quiet
from hmgc_core.report.exam import Exam, exam_of, taught
from hmgc_core.taxonomy import Taxonomy
from hmgc_core.workflow import coarse_labels, training
from hmgc_core.workflow.coarse_labels import Bought
from hmgc_core.workflow.run_settings import said, settings_of
from hmgc_core.workflow.taxonomies import newest_taxonomy
from hmgc_core.workflow.training import RunLabels
from hmgc_core.workflow.workspaces import Workspace


@dataclass(frozen=True)
class Facts:
    """All that a report or a model card tells of a finished run. See the templates for where it stands.

    splits: split -> (pictures, labels that count). levels: (level, labels at it) of the training, the root as 0. kinds:
    other kinds of labels. unseen: the finest classes that no training label names, untested: that no picture of the
    exam shows.
    """

    run: Run
    taxonomy: Taxonomy
    tree_in_use: bool
    made_at: datetime
    epochs: list[EpochMetrics]
    splits: dict[str, tuple[int, int]]
    levels: list[tuple[int, int]]
    kinds: dict[str, int]
    fine_labels: int
    unseen: list[str]
    untested: list[str]
    exam: Exam | None
    bought: Bought | None
    settings: list[tuple[str, str, str]]
    hashes: list[tuple[str, str]]
    versions: list[tuple[str, str]]
    kept_epoch: int
    temperature: float | None

    @property
    def title(self) -> str:
        """The run in a few words."""
        return f"Run {self.run.id}: {self.run.config.model} on {self.run.config.backbone}"

    @property
    def why_curves_jump(self) -> str:
        """As a sentence, "" where nothing jumps."""
        return why_curves_jump(self.run.config)

    @property
    def measured_split(self) -> str:
        """test if it was measured, else val; "" if neither was."""
        return next((split for split in ("test", "val") if self.run.metrics.get(split)), "")

    def figure(self, exact: str) -> str:
        """One measure of the measured split in words, a dash where it is none."""
        found = figures(self.run.metrics.get(self.measured_split, {}))
        return next((one.text for one in found if one.exact == exact), "–")


def why_curves_jump(config: RunConfig) -> str:
    """What somebody wonders about who sees the curves of this training, as a sentence; "" where nothing jumps."""
    shares = growth(config.image_size) if config.epochs > 1 and not config.freeze_backbone else []
    if not shares:
        return ""
    told = " and ".join(f"{share:.0%}" for share in shares)
    return f"The curves jump after {told} of the steps: until then it learned from smaller pictures, which is faster."


def gather(ws: Workspace, run_id: int, *, on_progress: OnProgress = quiet) -> Facts:
    """The facts of a finished run, on the pictures and labels that it knew.

    Raises UnknownRun, CheckpointError where the run has no model.
    """
    run = training.run(ws, run_id)
    manifest = read_manifest(training.checkpoint_folder(run))
    on_progress(0, 3)
    labels = training.known_labels(ws, run)
    taxonomy = labels.taxonomy
    on_progress(1, 3)
    exam = exam_of(ws, run, labels)
    on_progress(2, 3)
    newest = newest_taxonomy(ws)
    fine_labels = taught(labels)
    tested = {one.node for one in exam.classes} if exam else set()
    names = [(int(leaf), taxonomy.name(int(leaf))) for leaf in taxonomy.leaves]
    facts = Facts(
        run=run,
        taxonomy=taxonomy,
        tree_in_use=newest is not None and newest[0] == run.taxonomy,
        made_at=datetime.now(UTC),
        epochs=training.epochs(ws, run_id),
        splits=_splits(labels),
        levels=_levels(labels),
        kinds=_kinds(labels),
        fine_labels=sum(names_one_leaf(taxonomy, sample) for sample in labels.train),
        unseen=[name for leaf, name in names if not fine_labels[leaf]],
        untested=[name for leaf, name in names if leaf not in tested],
        exam=exam,
        bought=coarse_labels.bought(ws, run_id),
        settings=[(words, said(run, setting), setting) for setting, words in settings_of(run).items()],
        hashes=_hashes(labels, manifest),
        versions=_versions(manifest),
        kept_epoch=int(manifest["epoch"]) + 1,
        temperature=manifest.get("calibration", {}).get("temperature"),
    )
    on_progress(3, 3)
    return facts


# --- labels -----------------------------------------------------------------------------------------------------------


def _splits(labels: RunLabels) -> dict[str, tuple[int, int]]:
    images = Counter(image.split for image in labels.images)
    counted = {"train": len(labels.train), "val": len(labels.val), "test": len(labels.test)}
    return {split: (images[split], count) for split, count in counted.items()}  # type: ignore[index]


def _levels(labels: RunLabels) -> list[tuple[int, int]]:
    depths = Counter(int(labels.taxonomy.depths[sample.node]) for sample in labels.train if sample.kind == IS)
    return [(depth, depths[depth]) for depth in range(labels.taxonomy.depth + 1)]


def _kinds(labels: RunLabels) -> dict[str, int]:
    counts = Counter(sample.kind for sample in labels.train)
    words = {IS_NOT: "say what a picture is not", NONE_HERE: "say that its kind is missing from the tree"}
    return {said: counts[kind] for kind, said in words.items() if counts[kind]}


# --- proof ------------------------------------------------------------------------------------------------------------


def _hashes(labels: RunLabels, manifest: dict[str, Any]) -> list[tuple[str, str]]:
    return [
        ("Data (pictures, splits and labels)", data_hash(labels)),
        ("Class tree", labels.taxonomy.content_hash),
        ("Model weights", manifest["sha256"][WEIGHTS]),
    ]


def data_hash(labels: RunLabels) -> str:
    """sha256 of what a run learned from and was measured on: the same pictures and labels have the same, in any order.

    Of each picture its content and split, of each label the picture's content, the key, the kind and the weight.
    """
    content: dict[Path, str] = {image.path: image.sha256 for image in labels.images}
    lines = [f"picture {image.sha256} {image.split}" for image in labels.images]
    for split in ("train", "val", "test"):
        for one in getattr(labels, split):
            key = labels.taxonomy.keys[one.node]
            lines.append(f"label {content.get(one.path, '')} {split} {one.kind} {one.weight:.6g} {key}")
    return hashlib.sha256("\n".join(sorted(lines)).encode()).hexdigest()


def _versions(manifest: dict[str, Any]) -> list[tuple[str, str]]:
    return [
        ("HMGC Studio, which wrote this", __version__),
        ("PyTorch of the training", str(manifest.get("torch", ""))),
        ("Python here", platform.python_version()),
        ("numpy here", np.__version__),
    ]
