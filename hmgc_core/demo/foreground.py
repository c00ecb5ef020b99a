"""Paint what is under and in front of a subject: perches, shadow, mirror image, waterline, reeds, twigs, waves, fog.

A picture is a (SIDE, SIDE, 3) float array of red, green and blue in [0, 1]; a sheet has alpha as its fourth channel.
"""

import numpy as np

from hmgc_core.demo.blending import X, Y, lay_over, lay_sheet, soft_disc
from hmgc_core.demo.canvas import SIDE, FloatArray, Layer, Pose, shifted
from hmgc_core.demo.colours import Colour, darker, lighter, mix
from hmgc_core.demo.hours import Hour
from hmgc_core.demo.scenery import reed_blade
from hmgc_core.demo.staging import Perch, Stage

WOOD: Colour = (122, 94, 74)
STONE: Colour = (128, 124, 124)


def perch(kind: Perch, pose: Pose, hour: Hour, rng: np.random.Generator) -> FloatArray:
    """What a subject in this pose stands on: a finished sheet."""
    sheet = Layer()
    bark = mix(WOOD, hour.far, rng.uniform(0.0, 0.35))
    match kind:
        case "branch":
            _branch(sheet, pose, hour, bark, rng)
        case "post":
            _post(sheet, pose, bark)
        case "rock":
            _rock(sheet, pose, mix(STONE, hour.far, 0.3), rng)
    return sheet.finished()


def settle(picture: FloatArray, subject: FloatArray, stage: Stage, rng: np.random.Generator) -> FloatArray:
    """Tie a subject, a sheet that is not laid yet, to its ground: a mirror image in water, a shadow on land."""
    if stage.is_in_water:
        return lay_sheet(picture, _mirror_image(subject, stage.ground, rng))
    if stage.stance == "standing":
        shade = soft_disc((stage.pose.x, stage.ground), (20 * stage.pose.scale, 3.4))
        return lay_over(picture, (24, 30, 44), 0.45 * shade)
    return picture


def occlude(picture: FloatArray, stage: Stage, rng: np.random.Generator) -> FloatArray:
    """Sink what is in the water, and often put something in front: what the place offers, or fog."""
    if stage.is_in_water:
        picture = _waterline(picture, stage, rng)
    chance = rng.random()
    if chance < (0.22 if stage.place == "sky" else 0.12):
        return _fog(picture, stage.hour, rng)
    if chance < 0.24 and stage.place in ("wood", "meadow"):
        return _twig(picture, stage.hour, rng)
    if chance < 0.5 and stage.place in ("marsh", "meadow"):
        return _near_blades(picture, stage.hour, rng)
    if chance < 0.5 and stage.place == "sea":
        return _near_wave(picture, stage, rng)
    return picture


def _branch(sheet: Layer, pose: Pose, hour: Hour, bark: Colour, rng: np.random.Generator) -> None:
    thick, rise = rng.uniform(5.0, 7.5), rng.uniform(-8, 8)
    y = pose.y + thick * 0.42
    line = [(-6.0, y + rise), (pose.x - 16, y + rise * 0.2), (pose.x + 14, y - rise * 0.1), (SIDE + 6.0, y - rise)]
    limb = sheet.stroke(line, (thick * 1.25, thick * 0.7), (lighter(bark, 0.2), darker(bark, 0.35)))
    for drop in (-0.12 * thick, 0.16 * thick):
        sheet.stroke([(x, at + drop) for x, at in line], 0.5, darker(bark, 0.45), inside=limb)
    for side in (-1.0, 1.0):
        x = pose.x + side * rng.uniform(26, 36)
        end = (x + side * rng.uniform(8, 14), y - rng.uniform(10, 18))
        sheet.stroke([(x, y - rise * side * 0.5), end], (2.2, 0.8), darker(bark, 0.15))
        _leaves(sheet, end, hour, rng)


def _leaves(sheet: Layer, at: tuple[float, float], hour: Hour, rng: np.random.Generator) -> None:
    """Four leaves around one point."""
    root = np.array(at)
    for turn in rng.uniform(0, 2 * np.pi, 4):
        along = rng.uniform(5, 8) * np.array([np.cos(turn), np.sin(turn)])
        side = 1.8 * np.array([-np.sin(turn), np.cos(turn)])
        tip, middle = root + along, root + along * 0.5
        shade = mix(hour.leaf, lighter(hour.land, 0.2), rng.random())
        outline = np.array([root, root, middle + side, tip, tip, middle - side])
        sheet.blob(outline, (lighter(shade, 0.15), darker(shade, 0.15)))


def _post(sheet: Layer, pose: Pose, bark: Colour) -> None:
    half, top, foot = 12.0 * pose.scale, pose.y - 0.5, SIDE + 4.0
    post = sheet.box(pose.x - half, top, pose.x + half, foot, darker(bark, 0.1))
    for shift in (-0.6, -0.15, 0.3, 0.7):
        grain = [(pose.x + half * shift, top), (pose.x + half * (shift + 0.08), foot)]
        sheet.stroke(grain, 0.8, darker(bark, 0.4), inside=post)
    sheet.box(pose.x + half * 0.5, top, pose.x + half, foot, darker(bark, 0.35), inside=post)
    sheet.oval((pose.x, top + 0.6), (half, 2.6 * pose.scale), lighter(bark, 0.3))


def _rock(sheet: Layer, pose: Pose, stone: Colour, rng: np.random.Generator) -> None:
    """A boulder whose top is where the soles of a standing albatross are."""
    half, top = rng.uniform(28, 40), pose.y + 25.5 * pose.scale
    left = [(-half, SIDE + 6), (-half * 0.86, top + 6), (-half * 0.4, top)]
    right = [(half * 0.45, top - 0.5), (half * 0.8, top + 5), (half * 1.05, SIDE + 6)]
    rock = sheet.blob(shifted([*left, *right], pose.x, 0), (lighter(stone, 0.25), darker(stone, 0.4)))
    for _ in range(5):
        x, y = pose.x + rng.uniform(-0.7, 0.7) * half, top + rng.uniform(4, 16)
        crack = [(x, y), (x + rng.uniform(4, 9), y + rng.uniform(-1, 2)), (x + 10, y + 5)]
        sheet.stroke(crack, (1.6, 0.3), darker(stone, 0.35), inside=rock)
    sheet.oval((pose.x, top + 2), (half * 0.5, 1.4), lighter(stone, 0.4), inside=rock)


def _mirror_image(sheet: FloatArray, ground: float, rng: np.random.Generator) -> FloatArray:
    """The sheet upside down below y = ground px: wavy, and fainter with depth."""
    depth = Y - ground
    waver = 1.6 * np.sin(Y / rng.uniform(1.3, 2.2) + rng.uniform(0, 6.3)) * np.clip(depth / 8, 0.2, 1)
    rows = np.clip(2 * ground - Y, 0, SIDE - 1).astype(int)
    columns = np.clip(X + waver, 0, SIDE - 1).astype(int)
    image = sheet[rows, columns]
    image[..., 3] *= np.where(depth > 0, 0.5 * np.exp(-depth / 14.0), 0.0)
    return image


def _waterline(picture: FloatArray, stage: Stage, rng: np.random.Generator) -> FloatArray:
    """A film of water over what reaches below the surface, thickest at its edge."""
    below = Y - stage.ground - 0.7 * np.sin(X / rng.uniform(1.8, 3.0))
    film = 0.62 * np.clip(below, 0, 1) * np.exp(-np.clip(below, 0, None) / 5.0)
    return lay_over(picture, mix(*stage.hour.water, 0.7), film)


def _fog(picture: FloatArray, hour: Hour, rng: np.random.Generator) -> FloatArray:
    pale = mix(hour.cloud, hour.sky[2], 0.4)
    for _ in range(2):
        patch = soft_disc(
            (rng.uniform(10, SIDE - 10), rng.uniform(30, SIDE)), (rng.uniform(20, 44), rng.uniform(8, 15))
        )
        picture = lay_over(picture, pale, rng.uniform(0.45, 0.8) * patch)
    return picture


def _twig(picture: FloatArray, hour: Hour, rng: np.random.Generator) -> FloatArray:
    """A thin branch with leaves that reaches in from one side."""
    sheet = Layer()
    root, inward = (0.0, 1.0) if rng.random() < 0.5 else (float(SIDE), -1.0)
    y = rng.uniform(6, SIDE - 6)
    bend, end = (root + 16 * inward, y - 4), (root + rng.uniform(30, 48) * inward, y + rng.uniform(-14, 6))
    sheet.stroke([(root - 6 * inward, y), bend, end], (3.0, 0.9), darker(WOOD, 0.3))
    _leaves(sheet, bend, hour, rng)
    _leaves(sheet, end, hour, rng)
    return lay_sheet(picture, sheet.finished())


def _near_blades(picture: FloatArray, hour: Hour, rng: np.random.Generator) -> FloatArray:
    """A few reeds close to the lens."""
    sheet = Layer()
    middle = rng.uniform(10, SIDE - 10)
    for _ in range(rng.integers(4, 9)):
        foot, tall = (middle + rng.normal(0, 11), SIDE + 3.0), rng.uniform(22, 58)
        shade = darker(mix(hour.leaf, hour.land, rng.random()), 0.12)
        reed_blade(sheet, foot, tall=tall, bend=rng.uniform(-0.35, 0.35), width=2.6, paint=shade)
    return lay_sheet(picture, sheet.finished())


def _near_wave(picture: FloatArray, stage: Stage, rng: np.random.Generator) -> FloatArray:
    """A swell with broken foam along its top; it may lap at what floats, and stays below what is perched."""
    water, crest = stage.hour.water, stage.ground if stage.is_in_water else 92.0
    swell = mix(*water, 0.55)
    xs = np.linspace(-4, SIDE + 4, 30)
    ys = crest + rng.uniform(-2.5, 3.0) + 2.4 * np.sin(xs / rng.uniform(9, 15) + rng.uniform(0, 6.3))
    top = np.stack([xs, ys], axis=1)
    sheet = Layer()
    depths = np.array([(SIDE + 4, SIDE + 4), (-4, SIDE + 4)])
    body = sheet.polygon(np.concatenate([top, depths]), (lighter(swell, 0.1), darker(water[1], 0.2)))
    for start in range(0, 27, 3):
        foam = shifted(top[start : start + int(rng.integers(2, 5))], 0, rng.uniform(0.3, 1.0))
        sheet.stroke(foam, (1.3, 0.4), lighter(water[0], 0.7), inside=body)
    for _ in range(9):
        glint = (rng.uniform(0, SIDE), crest + rng.uniform(5, 16))
        sheet.oval(glint, (rng.uniform(2.5, 6), 0.45), lighter(swell, 0.3), inside=body)
    return lay_sheet(picture, sheet.finished())
