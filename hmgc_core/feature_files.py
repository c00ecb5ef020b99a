"""The files of what a trained trunk sees in pictures: one vector each, kept by the picture's content. Needs no torch.

A folder belongs to one trunk and is a set of *shards*, as the pixel cache is: `N-<name>.vectors` holds N rows of
float16 (float32 where a number is too large for that), `N-<name>.json` tells the content of each row's picture and the
hash of all, and is written last. So a killed process loses at most its unfinished shard, and what stood in a damaged
one is looked at anew.
"""

import hashlib
import json
import shutil
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from hmgc_core.durable_files import write_durably
from hmgc_core.errors import WorkspaceError

FeatureArray = NDArray[np.float16] | NDArray[np.float32]

FORMAT = 1
FOLDER = "features"  # in the cache
TRUNKS_KEPT = 4
LARGEST = float(np.finfo(np.float16).max)
BYTES_TO_SPARE = 64 * 2**20  # left free on the disk, so that the database beside the cache can still write


class Row(NamedTuple):
    """Where a vector lies."""

    shard: Path
    number: int


def folder_of(cache: Path, *, reads: str, precision: str, trunk: str) -> Path:
    """Where the vectors of a trunk lie. reads: what of it; precision: in which it was asked; trunk: its name."""
    return cache / FOLDER / f"v{FORMAT}-{reads}-{precision}-{trunk[:40]}"


def count(cache: Path, trunk: str) -> int:
    """Of how many pictures it is kept what this trunk sees; told by the names of the files alone."""
    folders = (cache / FOLDER).glob(f"v{FORMAT}-*-{trunk[:40]}")
    return max((sum(_rows_by_name(index) for index in folder.glob("*.json")) for folder in folders), default=0)


def known_rows(folder: Path) -> tuple[dict[str, Row], int]:
    """(where the vector of every content lies in the shards that are whole, how long vectors are; 0 for none)."""
    rows: dict[str, Row] = {}
    width = 0
    for index in sorted(folder.glob("*.json")):
        shard = index.with_suffix(".vectors")
        try:
            told = json.loads(index.read_bytes())
            vectors = shard.read_bytes()
            is_whole = hashlib.sha256(vectors).hexdigest() == told["sha256"]
            contents, wide = list(told["contents"]), int(told["width"])
        except (OSError, ValueError, KeyError, TypeError):
            continue
        if is_whole and _rows_by_name(index) == len(contents) and width in (0, wide):
            width = wide
            rows.update((name, Row(shard, number)) for number, name in enumerate(contents))
    return rows, width


def write_shard(folder: Path, vectors: Mapping[str, FeatureArray]) -> dict[str, Row]:
    """Write vectors, each (F,) float32, by content as one shard, whole or not at all. Returns where each lies.

    Raises WorkspaceError or OutputError where the disk has no room.
    """
    folder.mkdir(parents=True, exist_ok=True)
    shard = folder / f"{len(vectors)}-{uuid.uuid4().hex}.vectors"
    table = np.stack(list(vectors.values()))
    content = table.astype(np.float16 if np.abs(table).max() <= LARGEST else np.float32).tobytes()
    _check_room(folder, len(content))
    index = {"contents": list(vectors), "width": table.shape[1], "sha256": hashlib.sha256(content).hexdigest()}
    try:
        write_durably(shard, content)
        write_durably(shard.with_suffix(".json"), json.dumps(index).encode())
    except BaseException:
        shard.unlink(missing_ok=True)
        raise
    return {name: Row(shard, number) for number, name in enumerate(vectors)}


def open_shard(shard: Path, width: int) -> FeatureArray:
    """(rows, F) read from disk as they are asked for."""
    halves = shard.stat().st_size == _rows_by_name(shard) * width * 2
    return np.memmap(shard, dtype=np.float16 if halves else np.float32, mode="r").reshape(-1, width)


def let_old_go(folder: Path) -> None:
    """Keep the vectors of the trunks that were used last, this one before all; the others can be made anew."""
    if not folder.exists():
        return
    folder.touch()
    others = [other for other in folder.parent.iterdir() if other.is_dir() and other != folder]
    for other in sorted(others, key=lambda one: one.stat().st_mtime, reverse=True)[TRUNKS_KEPT - 1 :]:
        shutil.rmtree(other, ignore_errors=True)


def _rows_by_name(index: Path) -> int:
    rows = index.name.partition("-")[0]
    return int(rows) if rows.isdecimal() else 0


def _check_room(folder: Path, needed: int) -> None:
    free = shutil.disk_usage(folder).free
    if free < needed + BYTES_TO_SPARE:
        raise WorkspaceError(
            f"there is no room for what the model sees in pictures in {folder}: {needed / 2**20:.0f} MB are needed "
            f"and {free / 2**20:.0f} MB are free",
            remedy="free some disk space, or put the workspace on a larger disk",
        )
