"""Choose where and how a subject shows itself: place, hour, horizon, pose. Draws nothing."""

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from hmgc_core.demo.canvas import Pose
from hmgc_core.demo.hours import HOURS, Hour

Place = Literal["sky", "sea", "marsh", "meadow", "wood"]
Stance = Literal["flying", "standing", "perched", "wading", "afloat"]
Perch = Literal["branch", "post", "rock"]


@dataclass(frozen=True)
class Stage:
    """One scene before it is painted. horizon, ground: y in px of the horizon and of what the subject is on."""

    place: Place
    stance: Stance
    hour: Hour
    horizon: float
    ground: float
    pose: Pose
    perch: Perch | None = None

    @property
    def is_in_water(self) -> bool:
        """The subject wades or floats: it has a mirror image and a waterline."""
        return self.stance in ("wading", "afloat")


_HOUR_SHARES = (0.15, 0.25, 0.20, 0.12, 0.16, 0.12)  # of HOURS, which run from dawn to dusk

# How much larger than designed a genus is drawn, so that each fills its picture about as well.
_FIT = {
    "albatross/great": 0.96,
    "albatross/mollymawk": 1.12,
    "albatross/north-pacific": 1.02,
    "owl/eagle": 1.01,
    "owl/barn": 0.98,
    "owl/pygmy": 1.38,
    "heron/great": 1.04,
    "heron/egret": 1.06,
    "heron/night": 1.32,
    "steamship/tug": 1.06,
    "steamship/liner": 0.94,
}


def set_stage(leaf: str, rng: np.random.Generator) -> Stage:
    """A random stage on which the species `leaf` may stand; siblings get the same one from equal generators."""
    family, genus = leaf.partition("/")[0], leaf.rpartition("/")[0]
    hour = HOURS[rng.choice(len(HOURS), p=_HOUR_SHARES)]
    scale = _FIT.get(genus, 1.0) * rng.uniform(0.86, 1.06)
    pose = Pose(48 + rng.uniform(-5, 5), 48 + rng.uniform(-4, 4), scale, rng.uniform(-0.06, 0.06), rng.random() < 0.5)
    match family:
        case "albatross":
            return _flying(hour, pose, rng) if rng.random() < 0.6 else _ashore(hour, pose, rng)
        case "owl":
            return _perched(hour, pose, rng)
        case "heron":
            return _wading(hour, pose, rng)
        case _:
            return _afloat(hour, pose, rng)


def _flying(hour: Hour, pose: Pose, rng: np.random.Generator) -> Stage:
    """High or low over the sea, banking."""
    pose = replace(pose, tilt=rng.uniform(-0.45, 0.55))
    return Stage("sky", "flying", hour, rng.uniform(58, 108), 96.0, pose)


def _ashore(hour: Hour, pose: Pose, rng: np.random.Generator) -> Stage:
    """On a grassy slope or on a rock in the sea; the tail is longer than the bill, so the body stands forward."""
    pose = replace(pose, x=pose.x + (-3 if pose.faces_left else 3), y=pose.y + 7, scale=pose.scale * 1.1)
    ground = pose.y + 26 * pose.scale
    horizon = ground - rng.uniform(8, 26)
    if rng.random() < 0.5:
        return Stage("sea", "perched", hour, horizon, ground, pose, "rock")
    return Stage("meadow", "standing", hour, horizon, ground, pose)


def _perched(hour: Hour, pose: Pose, rng: np.random.Generator) -> Stage:
    """In a wood, by a meadow, or on a mooring post."""
    pose = replace(pose, y=pose.y + 28)
    horizon, chance, on_post = rng.uniform(52, 80), rng.random(), rng.random() < 0.3
    if chance < 0.2:
        return Stage("sea", "perched", hour, horizon, pose.y, pose, "post")
    return Stage(
        "wood" if chance < 0.7 else "meadow", "perched", hour, horizon, pose.y, pose, "post" if on_post else "branch"
    )


def _wading(hour: Hour, pose: Pose, rng: np.random.Generator) -> Stage:
    """In a marsh, in the shallow sea, or on a meadow."""
    pose = replace(pose, x=pose.x + (3 if pose.faces_left else -3), y=pose.y + 40)
    horizon, chance = pose.y - rng.uniform(14, 40), rng.random()
    if chance < 0.25:
        return Stage("meadow", "standing", hour, horizon, pose.y, pose)
    return Stage("sea" if chance < 0.4 else "marsh", "wading", hour, horizon, pose.y, pose)


def _afloat(hour: Hour, pose: Pose, rng: np.random.Generator) -> Stage:
    pose = replace(pose, y=pose.y + 33)
    return Stage("sea", "afloat", hour, pose.y - rng.uniform(4, 22), pose.y, pose)
