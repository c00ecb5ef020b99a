"""The vectors a run made of the pictures: left by the worker, compared by screens of look-alikes and by the glance."""

import contextlib
import functools
import os
import threading
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hmgc_core.durable_files import written_whole
from hmgc_core.likeness import Vectors, compacted
from hmgc_core.taxonomy import IntArray

VECTORS, IMAGES = "embeddings.npy", "embedding_images.npy"
COMPACT = "likeness.npy"  # made from them, beside them


@dataclass(frozen=True, eq=False)
class Embeddings:
    """images: (n,) image ids, rising. vectors: (n, d) float32, see `likeness.compacted`: their dot products compare."""

    images: NDArray[np.int64]
    vectors: Vectors

    def rows(self, image_ids: Collection[int] | NDArray[np.int64]) -> IntArray:
        """Rows of those of these images that the run has seen, in the order given."""
        wanted = np.fromiter(image_ids, dtype=np.int64, count=len(image_ids))
        places = np.searchsorted(self.images, wanted).clip(max=len(self.images) - 1)
        return places[self.images[places] == wanted]

    def likeness(self, row: int) -> Vectors:
        """(n,) in [-1, 1]: how alike each picture is to the one at `row`."""
        return self.vectors @ self.vectors[row]


def keep(run_folder: Path, images: NDArray[np.int64], vectors: NDArray[np.float16]) -> None:
    """Leave the vectors of a run, and what makes comparing them quick: whoever asks first shall not wait.

    images: (n,) ids in any order, vectors: (n, D) in the same.
    """
    for name, values in ((VECTORS, vectors), (IMAGES, images)):
        with written_whole(run_folder / name) as file:
            np.save(file, values)
    if len(vectors):
        _compact(run_folder)


def add(run_folder: Path, images: NDArray[np.int64], vectors: NDArray[np.float16]) -> None:
    """Leave the vectors of further images, (n,) and (n, D), beside those that are kept, in place of the same images'.

    Where the run kept none, which the screens of look-alikes would then miss, nothing is left.
    """
    try:
        kept, seen = np.load(run_folder / IMAGES), np.load(run_folder / VECTORS)
    except (OSError, ValueError, EOFError):
        return
    # Cut off between the two files, the vectors are ahead.
    stays = ~np.isin(kept, images)
    keep(run_folder, np.concatenate([kept[stays], images]), np.concatenate([seen[: len(kept)][stays], vectors]))


def embeddings(run_folder: Path) -> Embeddings | None:
    """What a run has seen; None where it left nothing (yet), or nothing usable. A file is read once."""
    try:
        return _read(run_folder, (run_folder / VECTORS).stat().st_mtime_ns)
    except (OSError, ValueError, EOFError):  # no such file, one that is being written, or none of numpy's
        return None


@functools.lru_cache(maxsize=2)
def _read(folder: Path, _written_at: int) -> Embeddings | None:
    images, vectors = np.load(folder / IMAGES), _compact(folder)
    if len(images) != len(vectors) or not len(images):
        return None
    rising = np.argsort(images, kind="stable")
    return Embeddings(images[rising], vectors[rising])


def _compact(folder: Path) -> Vectors:
    """The compact vectors of a run: as kept, or made anew where none are kept or the embeddings are newer."""
    source, kept = folder / VECTORS, folder / COMPACT
    with contextlib.suppress(OSError, ValueError, EOFError):
        if kept.stat().st_mtime_ns >= source.stat().st_mtime_ns:
            return np.asarray(np.load(kept), dtype=np.float32)
    vectors = np.load(source, mmap_mode="r")
    made = compacted(vectors.reshape(len(vectors), -1))
    with contextlib.suppress(OSError):  # a full disk costs the next start a second, nothing more
        draft = folder / f"{COMPACT}.{os.getpid()}.{threading.get_ident()}.tmp"
        with draft.open("wb") as file:
            np.save(file, made)
        draft.replace(kept)
    return made
