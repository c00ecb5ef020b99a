"""Label the demo set as people would: fine where they see enough, coarse where they do not, rarely wrong."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from hmgc_core.demo.plan import DemoImage
from hmgc_core.taxonomy import Taxonomy

ANSWER_KEY = "Demo key"  # labels val and test pictures with what they truly show

# Who labels, and how much more (or less) detail each dares to read out of a picture.
ANNOTATORS = {"Ada": 0.07, "Ben": -0.08, "Chi": 0.0}

_UNLABELLED = 0.34  # share of the train pictures left for the user
_SEEN_TWICE = 0.25  # share of the labelled train pictures that a second annotator labels too
_SLIP = 0.02  # chance of taking a sibling for the right class
_NEEDED = (0.05, 0.33, 0.62)  # clarity from which on family, genus and species are named


@dataclass(frozen=True)
class DemoLabel:
    """One annotator's word: the picture at `path` shows `node`, a key at any level."""

    path: Path
    annotator: str
    node: str


def label_images(taxonomy: Taxonomy, images: Sequence[DemoImage], rng: np.random.Generator) -> tuple[DemoLabel, ...]:
    """True leaves for val and test; for train none, one or two annotators' words at the level each is sure of."""
    labels: list[DemoLabel] = []
    for image in images:
        if image.split != "train":
            labels.append(DemoLabel(image.path, ANSWER_KEY, image.leaf))
            continue
        for annotator in _who_looks(rng):
            labels.append(DemoLabel(image.path, annotator, _word(taxonomy, image, ANNOTATORS[annotator], rng)))
    return tuple(labels)


def _who_looks(rng: np.random.Generator) -> list[str]:
    if rng.random() < _UNLABELLED:
        return []
    count = 2 if rng.random() < _SEEN_TWICE else 1
    return [str(name) for name in rng.choice(list(ANNOTATORS), size=count, replace=False)]


def _word(taxonomy: Taxonomy, image: DemoImage, boldness: float, rng: np.random.Generator) -> str:
    """The key that someone this bold gives; now and then the key of a sibling."""
    clarity = 1.0 - image.degrade + boldness + rng.normal(0.0, 0.09)
    level = sum(clarity >= needed for needed in _NEEDED)
    node = [0, *taxonomy.path(taxonomy.index(image.leaf))][level]
    siblings = [other for other in taxonomy.children(int(taxonomy.parents[node])) if other != node] if node else []
    if siblings and rng.random() < _SLIP:
        node = int(rng.choice(siblings))
    return taxonomy.keys[node]
