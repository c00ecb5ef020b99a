"""How alike pictures are to a run: cosines between the embeddings that the worker left beside it. No torch."""

import functools
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

BLOCK = 4096  # rows made float32 at once: a block stays in the processor's cache


@dataclass(frozen=True, eq=False)
class Embeddings:
    """The embeddings of one run, mapped from its file. vectors: (n, D) float16; images: (n,) ids; norms: (n,) float32.

    order: (n,) places of the images by rising id.
    """

    vectors: NDArray[np.float16]
    images: NDArray[np.int64]
    norms: NDArray[np.float32]
    order: NDArray[np.int64]

    def places(self, image_ids: NDArray[np.int64]) -> NDArray[np.int64]:
        """Where these images stand, in rising order of place; those the run has not seen are left out."""
        known = self.images[self.order]
        found = np.searchsorted(known, image_ids)
        inside = found < len(known)
        hits = found[inside][known[found[inside]] == image_ids[inside]]
        return np.sort(self.order[hits])

    def cosines(self, place: int, others: NDArray[np.int64]) -> NDArray[np.float32]:
        """(k,) cosines in [-1, 1] between the picture at `place` and those at k other places."""
        wanted = self.vectors[place].astype(np.float32)
        wanted /= max(float(np.linalg.norm(wanted)), 1e-12)
        made = np.empty(len(others), dtype=np.float32)
        for start in range(0, len(others), BLOCK):
            rows = others[start : start + BLOCK]
            made[start : start + BLOCK] = self.vectors[rows].astype(np.float32) @ wanted / self.norms[rows]
        return np.nan_to_num(made, nan=-1.0, posinf=-1.0, neginf=-1.0)


def embeddings(run_folder: Path) -> Embeddings | None:
    """The embeddings of a run, None where it has none (yet). Opened once for each version of the file."""
    file = run_folder / "embeddings.npy"
    try:
        return _opened(file, file.stat().st_mtime_ns)
    except (OSError, ValueError):  # no file, or one that is just being written
        return None


@functools.lru_cache(maxsize=2)
def _opened(file: Path, _changed_ns: int) -> Embeddings | None:
    vectors = np.load(file, mmap_mode="r")
    images = np.load(file.with_name("embedding_images.npy"))
    if vectors.ndim != 2 or len(vectors) != len(images):
        return None
    norms = np.empty(len(vectors), dtype=np.float32)
    for start in range(0, len(vectors), BLOCK):
        block = vectors[start : start + BLOCK].astype(np.float32)
        norms[start : start + BLOCK] = np.sqrt(np.einsum("ij,ij->i", block, block))
    return Embeddings(vectors, images, np.maximum(norms, 1e-12), np.argsort(images, kind="stable"))
