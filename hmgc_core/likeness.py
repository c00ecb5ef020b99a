"""Which pictures look alike, by the vectors a model made of them. Pure numpy; knows no model and no database."""

import numpy as np
from numpy.typing import NDArray

from hmgc_core.taxonomy import IntArray

Vectors = NDArray[np.float32]

DIMENSIONS = 64  # kept of a model's vectors: cosines hardly change, and 100,000 pictures take 26 MB
SAMPLE = 4096  # pictures that the directions are learnt from
BLOCK = 8192  # pictures taken into memory at once
CLOSE = 12  # neighbours that tell how dense it is around a picture
LEAST_ALIKE = 0.5  # likeness below which a picture is a stranger on a screen
FEWEST = 8  # pictures of a screen, strangers among them if need be


def compacted(embeddings: NDArray[np.float16]) -> Vectors:
    """Vectors whose dot product says how alike two pictures are, in [-1, 1].

    embeddings: (n, D), also a memory-mapped file; what is not finite counts as 0. Returns (n, at most DIMENSIONS): each
    row of length 1 (0 where a picture has no direction), the mean taken away, on the main directions of a sample.
    """
    sample = _units(embeddings[:: max(1, len(embeddings) // SAMPLE)])
    mean = sample.mean(axis=0)
    directions = _main_directions(sample - mean)
    compact = np.empty((len(embeddings), directions.shape[1]), dtype=np.float32)
    for start in range(0, len(embeddings), BLOCK):
        block = _units(embeddings[start : start + BLOCK])
        compact[start : start + BLOCK] = _unit_rows((block - mean) @ directions)
    return compact


def _units(embeddings: NDArray[np.float16]) -> Vectors:
    rows = embeddings.astype(np.float32)
    if not np.isfinite(rows).all():  # rare, and putting it right is dear
        rows = np.nan_to_num(rows, nan=0.0, posinf=0.0, neginf=0.0)
    return _unit_rows(rows)


def _unit_rows(rows: Vectors) -> Vectors:
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return rows / np.maximum(lengths, np.float32(1e-12))


def _main_directions(centred: Vectors) -> Vectors:
    """(D, d): the directions in which the rows differ most; all of them where there are few."""
    width = centred.shape[1]
    if width <= DIMENSIONS:
        return np.eye(width, dtype=np.float32)
    _, directions = np.linalg.eigh(centred.T @ centred)
    return np.ascontiguousarray(directions[:, -DIMENSIONS:])


def tightest_screen(vectors: Vectors, *, seeds: IntArray, among: IntArray, count: int) -> IntArray:
    """The seed whose surroundings are densest, and the pictures most like it: at most `count` rows, most alike first.

    Fewer than `count` where the heap ends; FEWEST in any case, while there are so many.
    vectors: of `compacted`. seeds, among: rows of it; the answer is of `among`, which holds the seeds. Equal likeness
    goes by the order of `among`, so the same question has the same answer.
    """
    likeness = vectors[seeds] @ vectors[among].T  # (seeds, among)
    close = min(CLOSE, len(among))
    density = np.partition(likeness, len(among) - close, axis=1)[:, len(among) - close :].mean(axis=1)
    best = likeness[int(density.argmax())]
    count = min(count, len(among))
    nearest = np.argpartition(-best, count - 1)[:count]
    nearest = nearest[np.lexsort((nearest, -best[nearest]))]
    alike = int((best[nearest] >= LEAST_ALIKE).sum())
    return among[nearest[: max(alike, FEWEST)]]
