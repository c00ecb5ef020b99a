"""Verbs of the map: all pictures of a run as points of a plane, made by the worker; and which lie inside a line."""

import gzip
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hmgc_core.durable_files import written_whole
from hmgc_core.errors import UnknownTask
from hmgc_core.store import tasks as task_rows
from hmgc_core.store.workspace import Workspace
from hmgc_core.taxonomy import BoolArray
from hmgc_core.workflow import tasks
from hmgc_core.workflow.embeddings import VECTORS

KIND = "picture-map"
FILE = "map.npz"
EDGE = 65535  # the largest coordinate
MARGIN = 0.03  # of the larger side, left free around the points
MOST_CORNERS = 100  # of a lasso

Places = NDArray[np.uint16]


@dataclass(frozen=True, eq=False)
class PictureMap:
    """One map. images: (n,) ids, rising. places: (n, 2) uint16, x to the right and y down, both of one scale.

    method: "umap" or "pca". seen_at: the moment, in ns, at which the run left the vectors it was made of.
    """

    task: int
    run: int
    method: str
    seen_at: int
    images: NDArray[np.int64]
    places: Places


def ask(ws: Workspace, run_id: int, *, anew: bool = False) -> int:
    """Ask the worker for the map of a run; returns the task's number. One that waits or runs is not doubled."""
    return tasks.ask(ws, KIND, {}, run_id=run_id, anew=anew)


def newest_map(ws: Workspace, run_id: int) -> PictureMap | None:
    """The newest map of a run whose file is there; None before the first, and where its files were deleted."""
    with ws.reading() as connection:
        known = task_rows.of_kind(connection, kind=KIND, run_id=run_id)
    found = (_map_of(ws, task) for task in known if task.status == "done")
    return next((made for made in found if made is not None), None)


def map_of_task(ws: Workspace, task_id: int) -> PictureMap:
    """The map that a task made. Raises UnknownTask where there is none, or its file is gone."""
    task = tasks.task(ws, task_id)
    found = _map_of(ws, task) if task.kind == KIND and task.status == "done" else None
    if found is None:
        raise UnknownTask(f"there is no map {task_id}", remedy="make it anew on the map's page")
    return found


def _map_of(ws: Workspace, task: tasks.Task) -> PictureMap | None:
    file = ws.task_folder(task.id) / FILE
    try:
        images, places = _read(file, file.stat().st_mtime_ns)
    except (OSError, ValueError, EOFError, KeyError):
        return None
    return PictureMap(task.id, task.run_id or 0, task.result["method"], task.result["seen_at"], images, places)


@lru_cache(maxsize=8)
def _read(file: Path, _written_at: int) -> tuple[NDArray[np.int64], Places]:
    with np.load(file) as kept:
        return kept["images"], kept["places"]


def keep(folder: Path, images: NDArray[np.int64], plane: NDArray[np.floating]) -> None:
    """Leave a map in its task's folder. images: (n,) ids, rising; plane: (n, 2), any scale. Raises OutputError."""
    with written_whole(folder / FILE) as file:
        np.savez_compressed(file, images=images, places=placed(plane))


def placed(plane: NDArray[np.floating]) -> Places:
    """(n, 2) coordinates as whole numbers up to EDGE, in the middle of the square, their proportions kept."""
    points = np.nan_to_num(np.asarray(plane, dtype=np.float64))
    low, high = points.min(axis=0), points.max(axis=0)
    side = max(float((high - low).max()), 1e-12) * (1 + 2 * MARGIN)
    return np.round(((points - (low + high) / 2) / side + 0.5) * EDGE).clip(0, EDGE).astype(np.uint16)


def seen_at(ws: Workspace, run_id: int) -> int | None:
    """The moment, in ns, at which a run left its vectors; None where it left none."""
    try:
        return (ws.run_folder(run_id) / VECTORS).stat().st_mtime_ns
    except OSError:
        return None


# --- for the browser --------------------------------------------------------------------------------------------------


def packed_points(made: PictureMap) -> bytes:
    """A map for the browser, as gzip: n (uint32), x and y of each (uint16), its id less the one before it (uint32).

    All little-endian; the same bytes for the same map.
    """
    steps = np.diff(made.images, prepend=0)
    parts = (np.array([len(steps)], "<u4"), made.places.astype("<u2"), steps.astype("<u4"))
    return gzip.compress(b"".join(part.tobytes() for part in parts), 6, mtime=0)


# --- inside a line that was drawn around some -------------------------------------------------------------------------


def inside(places: Places, corners: NDArray[np.int64]) -> BoolArray:
    """(n,) which points lie inside a closed line, by the even-odd rule. corners: (k, 2), k at least 3.

    Exact in whole numbers: of two areas that share an edge, a point on it belongs to one.
    """
    points = places.astype(np.int64)
    low, high = corners.min(axis=0), corners.max(axis=0)
    near = np.flatnonzero(((points >= low) & (points <= high)).all(axis=1))
    x, y = points[near, 0], points[near, 1]
    is_in = np.zeros(len(near), dtype=bool)
    for (ax, ay), (bx, by) in zip(corners.tolist(), np.roll(corners, -1, axis=0).tolist(), strict=True):
        if ay == by:
            continue
        crosses = (ay > y) != (by > y)
        # x < ax + (y - ay) (bx - ax) / (by - ay), without the division.
        side = (x - ax) * (by - ay) - (y - ay) * (bx - ax)
        is_in ^= crosses & (side < 0 if by > ay else side > 0)
    result = np.zeros(len(places), dtype=bool)
    result[near[is_in]] = True
    return result
