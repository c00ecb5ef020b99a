"""Trainings of a second: pictures whose colour names the leaf, a tiny net. Fixtures, and what goes with them.

torch is imported where it is used: the tests of the app, which share the fixtures' home, do without.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image

from hmgc_core.records import RunConfig, Sample

if TYPE_CHECKING:
    from hmgc_core.learning.training import FitResult

COLOURS = {
    "black-footed": (20, 20, 20),
    "gull-like": (230, 230, 230),
    "owl": (160, 60, 20),
    "tug": (20, 60, 200),
}


@pytest.fixture
def samples(tmp_path, tiny_tree) -> list[Sample]:
    """24 plain pictures whose colour names the leaf; every third is labelled with the leaf's parent."""
    made = []
    for number in range(24):
        leaf = list(COLOURS)[number % 4]
        noise = np.random.default_rng(number).integers(-20, 20, (16, 16, 3))
        path = tmp_path / "photos" / f"{number}.png"
        path.parent.mkdir(exist_ok=True)
        Image.fromarray(np.clip(np.array(COLOURS[leaf]) + noise, 0, 255).astype(np.uint8)).save(path)
        node = tiny_tree.index(leaf)
        made.append(Sample(path, int(tiny_tree.parents[node]) if number % 3 == 0 else node))
    return made


@pytest.fixture
def train(tmp_path, tiny_tree, samples):
    """Train a tiny model in tmp_path/NAME; the last six samples are for validation."""

    def start(name: str = "run", *, labels=None, valid=None, **given: Any) -> FitResult:
        from hmgc_core.learning.training import fit

        passed = {k: given.pop(k) for k in ("on_progress", "on_epoch", "should_stop", "epoch_size") if k in given}
        settings = {"model": "flat", "backbone": "resnet_mini", "image_size": 16, "epochs": 3, "batch_size": 8}
        return fit(
            RunConfig(**{**settings, "lr": 0.05, "device": "cpu", **given}),
            tiny_tree,
            samples[:18] if labels is None else labels,
            samples[18:] if valid is None else valid,
            folder=tmp_path / name,
            cache=tmp_path / "cache",
            **passed,
        )

    return start


def weights_of(result: FitResult) -> dict[str, Any]:
    """The state dict of the kept model."""
    from hmgc_core.learning.checkpoints import load_checkpoint

    assert result.checkpoint
    return load_checkpoint(result.checkpoint).model.state_dict()


def assert_same_weights(one: FitResult, other: FitResult) -> None:
    """Bit by bit."""
    import torch

    pairs = zip(weights_of(one).items(), weights_of(other).values(), strict=True)
    assert [name for (name, a), b in pairs if not torch.equal(a, b)] == []


class StopAfter:
    """Says yes from the n-th question on."""

    def __init__(self, questions: int) -> None:
        self.left = questions

    def __call__(self) -> bool:
        self.left -= 1
        return self.left < 0
