"""How alike pictures are to a run: cosines between the embeddings that the worker left beside it. No torch."""

import functools
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

BLOCK = 4096  # rows made float32 at once: a block stays in the processor's cache
SKETCH = 64  # numbers for each picture that are kept in memory
SAMPLE = 2048  # rows that tell in which directions the embeddings differ most

Places = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Embeddings:
    """The embeddings of one run, mapped from its file. vectors: (n, D) float16; images: (n,) ids.

    order: (n,) places of the images by rising id. sketch: (n, at most SKETCH) float32, the unit vectors seen along the
    directions in which they differ most: enough to find candidates among many, 25 MB for 100,000 pictures.
    """

    vectors: NDArray[np.float16]
    images: NDArray[np.int64]
    order: Places
    sketch: NDArray[np.float32]

    def places(self, image_ids: NDArray[np.int64]) -> Places:
        """Where these images stand, in rising order of place; those the run has not seen are left out."""
        known = self.images[self.order]
        found = np.searchsorted(known, image_ids)
        inside = found < len(known)
        hits = found[inside][known[found[inside]] == image_ids[inside]]
        return np.sort(self.order[hits])

    def likely(self, place: int) -> Places:
        """(n,) all places, those first that look most like `place` in the sketch."""
        return np.argsort(-(self.sketch @ self.sketch[place]), kind="stable")

    def cosines(self, place: int, others: Places) -> NDArray[np.float32]:
        """(k,) exact cosines in [-1, 1] between the picture at `place` and those at k other places."""
        (wanted,) = _units(self.vectors[place : place + 1])
        blocks = [
            _units(self.vectors[others[start : start + BLOCK]]) @ wanted for start in range(0, len(others), BLOCK)
        ]
        return np.concatenate(blocks) if blocks else np.empty(0, dtype=np.float32)


def embeddings(run_folder: Path) -> Embeddings | None:
    """The embeddings of a run, None where it has none (yet). Opened once for each version of the file."""
    file = run_folder / "embeddings.npy"
    try:
        return _opened(file, file.stat().st_mtime_ns)
    except (OSError, ValueError, EOFError):  # no file, or one that is just being written
        return None


@functools.lru_cache(maxsize=2)
def _opened(file: Path, _changed_ns: int) -> Embeddings | None:
    vectors = np.load(file, mmap_mode="r")
    images = np.load(file.with_name("embedding_images.npy"))
    if vectors.ndim != 2 or len(vectors) != len(images):
        return None
    directions = _directions(vectors)
    sketch = [_units(vectors[start : start + BLOCK]) @ directions for start in range(0, len(vectors), BLOCK)]
    return Embeddings(vectors, images, np.argsort(images, kind="stable"), np.concatenate(sketch))


def _directions(vectors: NDArray[np.float16]) -> NDArray[np.float32]:
    """(D, at most SKETCH): the principal directions of a sample of unit vectors; all of them where D is small."""
    if vectors.shape[1] <= SKETCH:
        return np.eye(vectors.shape[1], dtype=np.float32)
    sample = _units(vectors[np.linspace(0, len(vectors) - 1, min(SAMPLE, len(vectors))).astype(int)])
    _, found = np.linalg.eigh(sample.T @ sample)
    return np.ascontiguousarray(found[:, -SKETCH:].astype(np.float32))


def _units(vectors: NDArray[np.float16]) -> NDArray[np.float32]:
    """The same vectors at length 1; a vector of zeros stays, one beyond float16 becomes zeros."""
    wide = np.nan_to_num(vectors.astype(np.float32), nan=0.0, posinf=0.0, neginf=0.0)
    lengths = np.sqrt(np.einsum("ij,ij->i", wide, wide))
    return wide / np.maximum(lengths, 1e-12)[:, None]
