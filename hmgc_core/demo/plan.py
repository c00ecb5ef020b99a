"""Decide which pictures the demo set has: species, split, how degraded, in which order. Draws nothing."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from hmgc_core.demo.classes import LEAVES
from hmgc_core.records import Split

# Where the pictures of one species go, in turn: about 15 % test and 8 % val, and the same for each species.
_SPLIT_CYCLE: tuple[Split, ...] = ("train", "test", *("train",) * 3, "val", *("train",) * 3, "test", *("train",) * 3)

_SHARP_SHARE = 0.42


@dataclass(frozen=True)
class DemoImage:
    """One picture. path: relative to the folder of the set. leaf: key of what it truly shows.

    degrade: in [0, 1], how much detail was taken away.
    """

    path: Path
    leaf: str
    split: Split
    degrade: float


def plan_images(count: int, rng: np.random.Generator) -> tuple[DemoImage, ...]:
    """`count` pictures, each species about equally often in each split, in an order without neighbours alike."""
    turns = rng.permutation(len(LEAVES))
    drawn = [(LEAVES[turns[k % len(LEAVES)]], _SPLIT_CYCLE[k // len(LEAVES) % len(_SPLIT_CYCLE)]) for k in range(count)]
    mixed = _keep_apart([drawn[k] for k in rng.permutation(count)])
    return tuple(
        DemoImage(Path("images", f"{number:04d}.jpg"), leaf, split, _degrade(rng))
        for number, (leaf, split) in enumerate(mixed, start=1)
    )


def _keep_apart(drawn: list[tuple[str, Split]]) -> list[tuple[str, Split]]:
    """Reorder as little as it takes that a picture is followed by one of another family, while there is one."""
    waiting, ordered = list(drawn), []
    last = ""
    while waiting:
        found = next((k for k, (leaf, _) in enumerate(waiting) if leaf.partition("/")[0] != last), 0)
        ordered.append(waiting.pop(found))
        last = ordered[-1][0].partition("/")[0]
    return ordered


def _degrade(rng: np.random.Generator) -> float:
    """Two in five are sharp, the rest anything up to hopeless."""
    low, high = (0.0, 0.15) if rng.random() < _SHARP_SHARE else (0.15, 1.0)
    return round(float(rng.uniform(low, high)), 3)
