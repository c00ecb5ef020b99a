"""Put one picture together: stage, backdrop, subject, foreground, lens."""

import numpy as np
from PIL import Image

from hmgc_core.demo import foreground, lens, scenery
from hmgc_core.demo.albatrosses import draw_flying_albatross, draw_standing_albatross
from hmgc_core.demo.blending import lay_sheet
from hmgc_core.demo.canvas import FloatArray, Layer
from hmgc_core.demo.classes import LEAVES
from hmgc_core.demo.herons import draw_heron
from hmgc_core.demo.owls import draw_owl
from hmgc_core.demo.sailing_ships import draw_sailing_ship
from hmgc_core.demo.staging import Stage, set_stage
from hmgc_core.demo.steamships import draw_steamship
from hmgc_core.errors import BadRequest, UnknownNode


def draw_picture(leaf: str, rng: np.random.Generator, *, degrade: float = 0.0) -> Image.Image:
    """One RGB picture, 96 px wide and high, of the species `leaf`. degrade: in [0, 1], how much detail is lost.

    Equal generators give siblings the same stage, light and lens: then only the marks of the species differ.
    Raises UnknownNode where the tree has no such leaf, and BadRequest where degrade is out of range.
    """
    if leaf not in LEAVES:
        raise UnknownNode(leaf, LEAVES)
    if not 0.0 <= degrade <= 1.0:
        raise BadRequest(f"degrade is {degrade}", remedy="choose a value from 0 to 1")
    # One generator for each step, so that a step that draws more numbers leaves the others as they are.
    stages, subjects, fronts, lenses = (np.random.default_rng(seed) for seed in rng.integers(2**63, size=4))
    stage = set_stage(leaf, stages)
    light = (stages.uniform(-1, 1), -1.0)
    subject = lens.light_up(_subject(leaf, stage, subjects), stage.hour.tint, light)
    picture = scenery.backdrop(stage.place, stage.hour, stage.horizon, stages)
    if stage.perch:
        perch = foreground.perch(stage.perch, stage.pose, stage.hour, stages)
        picture = lay_sheet(picture, lens.light_up(perch, stage.hour.tint, light))
    picture = lay_sheet(foreground.settle(picture, subject, stage, stages), subject)
    picture = foreground.occlude(picture, stage, fronts)
    seen = lens.degraded(lens.expose(picture, lenses), degrade, lenses)
    return Image.fromarray((seen * 255).round().astype(np.uint8))


def _subject(leaf: str, stage: Stage, rng: np.random.Generator) -> FloatArray:
    layer = Layer(stage.pose)
    match leaf.partition("/")[0], stage.stance:
        case "albatross", "flying":
            draw_flying_albatross(layer, leaf, rng)
        case "albatross", _:
            draw_standing_albatross(layer, leaf, rng)
        case "owl", _:
            draw_owl(layer, leaf, rng)
        case "heron", _:
            draw_heron(layer, leaf, rng)
        case "sailing-ship", _:
            draw_sailing_ship(layer, leaf, rng)
        case _:
            draw_steamship(layer, leaf, rng)
    return layer.finished()
