"""The inspector: what a run says about single pictures, and where it looked. A process of its own, so that the app
needs no torch. It has a door to both wings."""

import shutil
import threading
from collections import OrderedDict
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hmgc_core.ending import stop_on_signals
from hmgc_core.errors import (
    BadConfig,
    HmgcError,
    OutOfMemory,
    OutputError,
    PictureError,
    UnknownImage,
    UnknownInspection,
)
from hmgc_core.explaining.asked import Asked, pixels, write_answer, write_picture
from hmgc_core.explaining.kinds import KINDS
from hmgc_core.explaining.patches import write_figures
from hmgc_core.given_paths import given_path
from hmgc_core.heat_pictures import file_name, overlay, under_heat
from hmgc_core.learning.cam import NO_OTHER, heatmaps
from hmgc_core.learning.cam_score import score_cam
from hmgc_core.learning.cam_told import held_against
from hmgc_core.learning.checkpoints import Checkpoint, load_checkpoint
from hmgc_core.learning.inference import ImagePrediction
from hmgc_core.learning.inference import predict as predict_pixels
from hmgc_core.learning.pixel_cache import Skipped, decode_pictures
from hmgc_core.pictures import read_picture
from hmgc_core.presence import owner_name, present
from hmgc_core.records import HEAT_METHODS, Inspection, Run
from hmgc_core.store import inspections
from hmgc_core.store.workspace import Workspace
from hmgc_core.taxonomy import Taxonomy
from hmgc_core.workflow import pictures, training

IDLE_S = 0.1
MODELS_KEPT = 2
ANSWERS_KEPT = 2000  # about 300 MB of heatmaps
TRIES = 3  # a question that ends its inspector each time, as one that fills the memory does, is given up
BEGUN = "begun"  # stands in the folder of an answer that is not finished


def inspect_forever(ws: Workspace) -> None:
    """Answer questions until SIGINT or SIGTERM, the newest first: somebody is looking at it."""
    stopping = threading.Event()
    stop_on_signals(stopping)
    checkpoints = _Checkpoints(ws)
    with present(ws, "inspector", owner_name()):
        while not stopping.is_set():
            with ws.reading() as connection:
                asked = inspections.next_queued(connection)
            if asked is None:
                stopping.wait(IDLE_S)
                continue
            error, remedy = _answer(ws, checkpoints, asked)
            with ws.writing() as connection:
                inspections.finish(connection, asked.id, error=error, remedy=remedy)
                forgotten = inspections.forget(connection, keep=ANSWERS_KEPT)
            for number in forgotten:
                shutil.rmtree(ws.inspection_folder(number), ignore_errors=True)


def _answer(ws: Workspace, checkpoints: "_Checkpoints", asked: Inspection) -> tuple[str, str]:
    """Write the answer to one question; returns ("", "") or the error and its remedy."""
    folder = ws.inspection_folder(asked.id)
    try:
        if asked.kind not in KINDS:
            raise UnknownInspection(
                f"there is no question of kind {asked.kind!r}", remedy="this inspector is older than the app"
            )
        run = training.run(ws, asked.run_id)
        image = pictures.image(ws, asked.image_id)
        _begin(folder)
        found = KINDS[asked.kind](Asked(ws, run, checkpoints.of(run), image, asked.question, folder))
        write_answer(folder, found)
    except HmgcError as error:
        return str(error), error.remedy
    except Exception as error:
        return f"{type(error).__name__}: {error}"[:500], "this is a fault of the program"
    finally:
        with suppress(OSError):
            (folder / BEGUN).unlink(missing_ok=True)
    return "", ""


def _begin(folder: Path) -> None:
    """Make the folder of an answer anew, and note in it how often. Raises OutOfMemory where it ended us each time.

    The newest question comes first, also after a restart: it would keep all others from their answers for ever.
    """
    begun = folder / BEGUN
    tries = int(begun.read_text() or 0) if begun.exists() else 0
    if tries >= TRIES:
        raise OutOfMemory(
            f"the inspector ended {TRIES} times while it did this", remedy="give it more memory, then ask again"
        )
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    begun.write_text(str(tries + 1))


@dataclass
class _Checkpoints:
    """The models looked at last, kept in memory."""

    ws: Workspace
    kept: OrderedDict[str, Checkpoint] = field(default_factory=OrderedDict)

    def of(self, run: Run) -> Checkpoint:
        """The checkpoint of a finished run."""
        folder = str(training.checkpoint_folder(run))
        if folder not in self.kept:
            self.kept[folder] = load_checkpoint(Path(folder))
        self.kept.move_to_end(folder)
        while len(self.kept) > MODELS_KEPT:
            self.kept.popitem(last=False)
        return self.kept[folder]


# --- the verbs of the command line ------------------------------------------------------------------------------------


def predict(ws: Workspace, run: Run, images: Sequence[str]) -> tuple[list[dict[str, Any]], list[HmgcError]]:
    """What a run says about picture files (or images of the workspace, by number), as the command line prints it.

    Returned beside it: what is wrong with each of the others, which are no picture or cannot be read.
    """
    checkpoint = load_checkpoint(training.checkpoint_folder(run))
    found: list[tuple[str, Path]] = []
    problems: list[HmgcError] = []
    for name in images:
        try:
            found.append((name, find_picture(ws, name)))
        except UnknownImage as error:
            problems.append(error)
    pixels = decode_pictures([path for _, path in found], size=checkpoint.config.image_size, folder=ws.cache)
    problems += [_unreadable(skipped) for skipped in pixels.skipped]
    return [_printed(checkpoint, found[one.place][0], one) for one in predict_pixels(checkpoint, pixels)], problems


@dataclass(frozen=True)
class Explaining:
    """How `explain` looks at a picture: which class, by which method and layer, and held against which other class."""

    node: str = ""
    method: str = HEAT_METHODS[0]
    layer: str = ""
    against: str = ""


def explain(ws: Workspace, run: Run, image: str, how: Explaining, *, out: Path) -> list[Path]:
    """Write `<level>-<key>.png`, the picture under its heatmap, for each level down to the class (or the best leaf).

    Held against another class, `<level>-<key>-not-<key>.png`, for the levels at which the two differ. Raises
    UnknownNode, BadConfig, UnknownImage, PictureError, OutputError. Where the backbone has a graph, `graph.png` and
    `graph.svg` too.
    """
    checkpoint = load_checkpoint(training.checkpoint_folder(run))
    path = find_picture(ws, image)
    levels = _explained(ws, checkpoint, path, how.node)
    nodes, others = _differing(checkpoint.taxonomy, levels, how.against)
    image_pixels = pixels(ws, checkpoint, path)
    if how.method == HEAT_METHODS[-1]:
        found = score_cam(checkpoint.model, image_pixels, nodes, against=others, layer=how.layer)
    else:
        found = heatmaps(checkpoint.model, image_pixels, nodes, against=others, layer=how.layer, method=how.method)
    _make_folder(out)
    picture = read_picture(path)
    written = []
    for node, other, heat in zip(nodes, others, found.maps, strict=True):
        written.append(out / _heat_file(checkpoint.taxonomy, node, other))
        write_picture(written[-1], under_heat(picture, overlay(heat)))
    picture.thumbnail((640, 640))
    return written + write_figures(checkpoint, image_pixels, levels, picture, out)


def _explained(ws: Workspace, checkpoint: Checkpoint, path: Path, node: str) -> list[int]:
    """The levels down to this class, or to the best leaf."""
    taxonomy = checkpoint.taxonomy
    target = taxonomy.index(node) if node else _predict_files(ws, checkpoint, [path])[0].node
    return taxonomy.path(target) or [target]


def _differing(taxonomy: Taxonomy, levels: list[int], against: str) -> tuple[list[int], list[int]]:
    """The levels to explain, and whom each is held against; without `against`, all of them and nobody."""
    others = held_against(taxonomy, {"against": against}, levels)
    if not against:
        return levels, others
    pairs = [(node, other) for node, other in zip(levels, others, strict=True) if other != NO_OTHER]
    if not pairs:
        raise BadConfig(f"{against!r} is part of the answer itself", remedy="choose another class with --not")
    return [node for node, _ in pairs], [other for _, other in pairs]


def _heat_file(taxonomy: Taxonomy, node: int, other: int) -> str:
    """What the file of one heatmap is called."""
    against = f"-not-{file_name(taxonomy.keys[other])}" if other != NO_OTHER else ""
    return f"{taxonomy.depths[node]}-{file_name(taxonomy.keys[node])}{against}.png"


def _make_folder(out: Path) -> None:
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"cannot write into {out}: {error.strerror}", remedy="choose another --out") from error


def find_picture(ws: Workspace, name: str) -> Path:
    """A picture file by its path, or an image of the workspace by its number. Raises UnknownImage."""
    path = given_path(name)
    if path.is_file():
        return path.resolve()
    try:
        return pictures.find_image(ws, name).path
    except UnknownImage as error:
        raise UnknownImage(f"there is no picture {name!r}", remedy="give a file, or the number of an image") from error


def _predict_files(ws: Workspace, checkpoint: Checkpoint, paths: list[Path]) -> list[ImagePrediction]:
    pixels = decode_pictures(paths, size=checkpoint.config.image_size, folder=ws.cache)
    if pixels.skipped:
        raise _unreadable(pixels.skipped[0])
    return list(predict_pixels(checkpoint, pixels))


def _unreadable(skipped: Skipped) -> PictureError:
    return PictureError(f"cannot read {skipped.path}: {skipped.reason}", remedy="leave it out, or give another file")


def _printed(checkpoint: Checkpoint, name: str, one: ImagePrediction) -> dict[str, Any]:
    keys = checkpoint.taxonomy.keys
    return {
        "image": name,
        "node": keys[one.node],
        "path": [keys[node] for node, _ in one.path],
        "names": [checkpoint.taxonomy.name(node) for node, _ in one.path],
        "probabilities": [probability for _, probability in one.path],
        "probability": one.probability,
        "leaf": keys[one.node],
        "source": "leaf",
        "top": [{"node": keys[node], "probability": probability} for node, probability in one.top],
    }
