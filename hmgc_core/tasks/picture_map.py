"""The task of the map: the pictures of a run, laid out in a plane so that those it finds alike lie together.

By UMAP where it is installed (the extra `map`; McInnes, Healy and Melville 2018, arXiv:1802.03426), else by the two
main directions of the vectors. Both give the same map for the same vectors.
"""

import importlib.util
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hmgc_core.errors import CheckpointError
from hmgc_core.likeness import Vectors
from hmgc_core.tasks.job import Job
from hmgc_core.workflow import picture_maps
from hmgc_core.workflow.embeddings import embeddings

NEIGHBOURS = 15  # of each picture that UMAP keeps together
FEWEST_FOR_UMAP = 2 * NEIGHBOURS
EPOCHS_SMALL, EPOCHS_LARGE, LARGE = 500, 200, 10_000  # as UMAP itself chooses, so that the progress is known
WAIT_S = 0.5

_ONE_AT_A_TIME = threading.Lock()


def make(job: Job) -> dict[str, Any]:
    """Make the map of a run. Raises CheckpointError where the run left no vectors."""
    job.step("reading what the run saw", 0, 0)
    run = job.run
    seen_at, seen = picture_maps.seen_at(job.ws, run.id), embeddings(job.ws.run_folder(run.id))
    if seen is None or seen_at is None:
        raise CheckpointError(f"run {run.id} kept nothing to compare pictures by", remedy="train again")
    job.step("finding the main directions", 0, 0)
    plane: NDArray[np.floating] = main_plane(seen.vectors)
    method = "pca"
    if len(seen.images) >= FEWEST_FOR_UMAP and importlib.util.find_spec("umap"):
        plane, method = _umap(job, seen.vectors, plane), "umap"
    job.step("keeping the map", 1, 1)
    picture_maps.keep(job.folder, seen.images, plane)
    return {"method": method, "pictures": len(seen.images), "seen_at": seen_at}


def main_plane(vectors: Vectors) -> NDArray[np.float64]:
    """(n, 2): the rows, less their mean, along the two directions in which they differ most (PCA).

    Which way each direction points is arbitrary; here its largest part is positive. Missing directions are 0.
    """
    rows = vectors.astype(np.float64)
    rows -= rows.mean(axis=0)
    _, directions = np.linalg.eigh(rows.T @ rows)
    chosen = directions[:, ::-1][:, :2]
    signs = np.sign(chosen[np.abs(chosen).argmax(axis=0), np.arange(chosen.shape[1])])
    plane = np.zeros((len(rows), 2))
    plane[:, : chosen.shape[1]] = rows @ (chosen * signs)
    return plane


def _umap(job: Job, vectors: Vectors, plane: NDArray[np.floating]) -> NDArray[np.floating]:
    """UMAP from the main plane on: that keeps the large picture, and is quicker than its own beginning."""
    job.step("getting UMAP ready", 0, 0)
    import umap  # noqa: PLC0415 - takes many seconds, and is an extra

    job.step("finding each picture's neighbours", 0, 0)
    epochs = EPOCHS_SMALL if len(vectors) <= LARGE else EPOCHS_LARGE
    reducer = umap.UMAP(
        n_neighbors=NEIGHBOURS,
        min_dist=0.1,
        init=plane.astype(np.float32),
        n_epochs=epochs,
        random_state=0,
        n_jobs=1,  # what a fixed seed asks for
        tqdm_kwds={"file": _Steps(job), "bar_format": "{n} {total}", "disable": False, "mininterval": 0.5},
    )
    with _alone(job):
        return np.asarray(reducer.fit_transform(vectors))


@contextmanager
def _alone(job: Job) -> Iterator[None]:
    """One map at a time: the worker does two tasks at once, and numba's simplest threads end a process that does so."""
    while not _ONE_AT_A_TIME.acquire(timeout=WAIT_S):
        job.step("waiting for another map", 0, 0)
    try:
        yield
    finally:
        _ONE_AT_A_TIME.release()


class _Steps:
    """Takes the place of the terminal for UMAP's progress bar: each "done of all" becomes a step of the job.

    UMAP has no other voice while it lays out. A stop that somebody asked for passes through it as Stopped.
    """

    def __init__(self, job: Job) -> None:
        self.job = job

    def write(self, text: str) -> None:
        """One drawing of the bar; what is none is passed over."""
        words = text.split()
        if len(words) == 2 and all(word.isdecimal() for word in words):
            done, total = map(int, words)
            self.job.step("laying the pictures out", done, total)

    def flush(self) -> None:
        """Nothing is kept back."""
