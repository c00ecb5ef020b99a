"""The demo set, drawn by the project itself: birds and ships in a three-level tree, labelled at mixed levels.

`draw_demo` writes the pictures and says what is on them; equal seeds give equal bytes. Here is the way in; the tree is
in `classes`, what is drawn when in `plan`, the simulated annotators in `labels`, the drawing in `picture` and below.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from hmgc_core.demo.classes import demo_taxonomy
from hmgc_core.demo.labels import DemoLabel, label_images
from hmgc_core.demo.picture import draw_picture
from hmgc_core.demo.plan import DemoImage, plan_images
from hmgc_core.errors import BadRequest
from hmgc_core.records import OnProgress, quiet
from hmgc_core.taxonomy import Taxonomy

__all__ = [
    "DEMO_IMAGES",
    "DemoImage",
    "DemoLabel",
    "DemoSet",
    "demo_taxonomy",
    "draw_demo",
    "draw_picture",
]

DEMO_IMAGES = 1000

_JPEG_QUALITY = 90


@dataclass(frozen=True)
class DemoSet:
    """The tree, the pictures in their order, and what the simulated annotators say about them."""

    taxonomy: Taxonomy
    images: tuple[DemoImage, ...]
    labels: tuple[DemoLabel, ...]


def draw_demo(folder: Path, *, seed: int = 0, images: int = DEMO_IMAGES, on_progress: OnProgress = quiet) -> DemoSet:
    """Write `images` pictures to `folder/images` and return the set; their names do not tell the class.

    on_progress: called with the number of pictures drawn and the number of all, after each picture. Equal seeds and
    numbers give equal files. Raises BadRequest where `images` is below 1 or `seed` below 0.
    """
    if images < 1 or seed < 0:
        raise BadRequest(f"a demo set of {images} images with seed {seed}", remedy="give images >= 1 and seed >= 0")
    taxonomy = demo_taxonomy()
    plan = plan_images(images, np.random.default_rng([seed, 0]))
    (folder / "images").mkdir(parents=True, exist_ok=True)
    for number, image in enumerate(plan, start=1):
        picture = draw_picture(image.leaf, np.random.default_rng([seed, number]), degrade=image.degrade)
        picture.save(folder / image.path, quality=_JPEG_QUALITY, subsampling=0)
        on_progress(number, images)
    return DemoSet(taxonomy, plan, label_images(taxonomy, plan, np.random.default_rng([seed, images + 1])))
