"""What the answer to a question gets to work with."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from hmgc_core.errors import PictureError
from hmgc_core.learning.checkpoints import Checkpoint
from hmgc_core.learning.pixel_cache import decode_pictures
from hmgc_core.records import ImageRecord, Run
from hmgc_core.store.workspace import Workspace


@dataclass(frozen=True)
class Asked:
    """One question as its function sees it. question: plain JSON. folder: where the files of the answer go."""

    ws: Workspace
    run: Run
    checkpoint: Checkpoint
    image: ImageRecord
    question: dict[str, Any]
    folder: Path

    def pixels(self) -> NDArray[np.uint8]:
        """(3, S, S) uint8 of the picture, as the model was trained to see it. Raises PictureError."""
        return pixels(self.ws, self.checkpoint, self.image.path)

    def node(self, key: str) -> int:
        """The index of a class in the run's tree. Raises UnknownNode."""
        return self.checkpoint.taxonomy.index(key)


def pixels(ws: Workspace, checkpoint: Checkpoint, path: Path) -> NDArray[np.uint8]:
    """(3, S, S) uint8 of one picture, as the model was trained to see it. Raises PictureError."""
    decoded = decode_pictures([path], size=checkpoint.config.image_size, folder=ws.cache)
    if decoded.skipped:
        raise PictureError(f"cannot read {path}: {decoded.skipped[0].reason}", remedy="put the picture back")
    return decoded.take([0])[0]


def write_picture(path: Path, picture: Image.Image) -> None:
    """Write beside, then rename: whoever reads finds the whole picture or none."""
    draft = path.with_suffix(".tmp")
    picture.save(draft, format="PNG")
    draft.replace(path)


def write_text(path: Path, text: str) -> None:
    """The same for a text, such as `answer.json`."""
    draft = path.with_suffix(".tmp")
    draft.write_text(text, encoding="utf-8")
    draft.replace(path)


def write_answer(folder: Path, answer: dict[str, Any]) -> None:
    """Write `answer.json`. Raises ValueError for a number that is none, which JSON cannot say."""
    write_text(folder / "answer.json", json.dumps(answer, allow_nan=False))
