"""Every picture decoded once to a small square of uint8, kept in a folder and reused by every run.

The cache is a set of *shards*: `<name>.pixels` holds rows of (3, S, S) bytes, `<name>.json` says which picture each row
is and is written last. So two processes may fill one cache at once, a killed one loses at most its unfinished shard,
and new pictures never make the old ones stale. A row is found by path, file size, modification time and S.
"""

import errno
import json
import os
import shutil
import time
import uuid
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from hmgc_core.errors import PictureError, WorkspaceError
from hmgc_core.pictures import read_picture
from hmgc_core.records import READING, Progress

PixelArray = NDArray[np.uint8]

FORMAT = 1
PICTURES_PER_SHARD = 4096
PICTURES_PER_STEP = 32  # between two looks at `should_stop`
BYTES_TO_SPARE = 64 * 2**20  # left free on the disk, so that the database beside the cache can still write


class Stopped(Exception):
    """The caller's `should_stop` said yes."""


class Skipped(NamedTuple):
    """A picture that could not be read, and why in plain words."""

    path: Path
    reason: str


class _Row(NamedTuple):
    shard: Path
    number: int


@dataclass(frozen=True)
class Pixels:
    """Decoded pictures, read from disk as they are asked for.

    size: side S in pixels. rows: for each path asked for, where its pixels lie, or None where it was skipped.
    """

    size: int
    paths: tuple[Path, ...]
    rows: tuple[_Row | None, ...]
    skipped: tuple[Skipped, ...]
    shards: dict[Path, PixelArray]

    @property
    def readable(self) -> list[int]:
        """Places in `paths` of the pictures that could be read, in order."""
        return [place for place, row in enumerate(self.rows) if row is not None]

    def take(self, places: Sequence[int]) -> PixelArray:
        """(B, 3, S, S) uint8 RGB of the pictures at these places of `paths`; none may be a skipped one."""
        batch = np.empty((len(places), 3, self.size, self.size), dtype=np.uint8)
        for i, place in enumerate(places):
            row = self.rows[place]
            if row is None:
                raise IndexError(f"picture {place} was skipped: {self.paths[place]}")
            batch[i] = self.shards[row.shard][row.number]
        return batch


def decode_pictures(
    paths: Sequence[Path],
    *,
    size: int,
    folder: Path,
    on_progress: Callable[[Progress], None] = lambda _: None,
    should_stop: Callable[[], bool] = lambda: False,
) -> Pixels:
    """The pixels of all pictures that can be read, squeezed whole into a size x size square.

    The whole picture is kept (not a crop), so a heatmap of the square lies 1:1 on the picture.
    folder: the cache; made if need be. Pictures that are in it already cost no decoding; one that cannot be read is
    skipped with its reason. Raises WorkspaceError where the disk has no room, Stopped when `should_stop` says so.
    """
    folder.mkdir(parents=True, exist_ok=True)
    keys = [_key(path) for path in paths]
    known = _known_rows(folder, size)
    missing = [(key, path) for key, path in dict(zip(keys, paths, strict=True)).items() if key not in known]
    _check_room(folder, len(missing) * 3 * size * size)
    job = _Job(folder, size, len(missing), on_progress, should_stop)
    for start in range(0, len(missing), PICTURES_PER_SHARD):
        known.update(job.write_shard(missing[start : start + PICTURES_PER_SHARD]))
    rows = tuple(known.get(key) for key in keys)
    return Pixels(
        size=size,
        paths=tuple(paths),
        rows=rows,
        skipped=tuple(
            Skipped(path, job.reasons[key]) for key, path in zip(keys, paths, strict=True) if key in job.reasons
        ),
        shards={shard: _open_shard(shard, size) for shard in {row.shard for row in rows if row}},
    )


class _Job:
    """One call of `decode_pictures` that has something to decode. reasons: key -> why the picture was skipped."""

    def __init__(
        self,
        folder: Path,
        size: int,
        total: int,
        on_progress: Callable[[Progress], None],
        should_stop: Callable[[], bool],
    ) -> None:
        self.folder, self.size, self.total = folder, size, total
        self.on_progress, self.should_stop = on_progress, should_stop
        self.reasons: dict[str, str] = {}
        self.done = 0
        self.started_at_s = time.monotonic()

    def write_shard(self, pictures: list[tuple[str, Path]]) -> dict[str, _Row]:
        """Decode these (key, path) pairs into one new shard; unreadable ones go to `reasons`. The index is last."""
        shard = self.folder / f"{_prefix(self.size)}{uuid.uuid4().hex}.pixels"
        keys: list[str] = []
        try:
            # Plain writes, not a growing memory map: a full disk is then an error and not a killed process.
            with shard.open("wb") as file, ThreadPoolExecutor(_decoders()) as pool:
                for start in range(0, len(pictures), PICTURES_PER_STEP):
                    self._decode_some(pool, pictures[start : start + PICTURES_PER_STEP], file, keys)
                file.flush()
                os.fsync(file.fileno())
            if not keys:
                shard.unlink()
                return {}
            draft = shard.with_suffix(".tmp")
            draft.write_text(json.dumps(keys), encoding="utf-8")
            draft.replace(shard.with_suffix(".json"))
        except BaseException as error:
            shard.unlink(missing_ok=True)
            if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
                raise _no_room(self.folder, str(error)) from error
            raise
        return {key: _Row(shard, number) for number, key in enumerate(keys)}

    def _decode_some(
        self, pool: ThreadPoolExecutor, pictures: list[tuple[str, Path]], file: BinaryIO, keys: list[str]
    ) -> None:
        if self.should_stop():
            raise Stopped
        results = pool.map(lambda picture: _decode(picture[1], self.size), pictures)
        for (key, _), result in zip(pictures, results, strict=True):
            if isinstance(result, str):
                self.reasons[key] = result
            else:
                file.write(result)
                keys.append(key)
        self.done += len(pictures)
        rate = self.done / max(time.monotonic() - self.started_at_s, 1e-6)
        self.on_progress(Progress(READING, self.done, self.total, rate, (self.total - self.done) / rate))


def _decoders() -> int:
    return min(32, os.cpu_count() or 1)


def _decode(path: Path, size: int) -> bytes | str:
    """The (3, S, S) bytes of one picture, or the reason why there are none."""
    try:
        # Twice the size is enough for a good reduction and lets a large JPEG be decoded at a fraction.
        picture = read_picture(path, smallest_side=2 * size)
    except PictureError as error:
        return str(error)
    small = picture.resize((size, size), Image.Resampling.BILINEAR, reducing_gap=2.0)
    return np.ascontiguousarray(np.asarray(small, dtype=np.uint8).transpose(2, 0, 1)).tobytes()


def _open_shard(shard: Path, size: int) -> PixelArray:
    return np.memmap(shard, dtype=np.uint8, mode="r").reshape(-1, 3, size, size)


def _key(path: Path) -> str:
    """Names the content that a picture had when it was decoded, as well as the file system knows it."""
    try:
        stat = path.stat()
    except OSError:
        return f"{path}|missing"
    return f"{path.absolute()}|{stat.st_size}|{stat.st_mtime_ns}"


def _prefix(size: int) -> str:
    return f"v{FORMAT}-{size}px-"


def _known_rows(folder: Path, size: int) -> dict[str, _Row]:
    """Where every picture of the finished shards lies. Pictures of a damaged shard are decoded again."""
    rows: dict[str, _Row] = {}
    for index in sorted(folder.glob(f"{_prefix(size)}*.json")):
        shard = index.with_suffix(".pixels")
        try:
            keys = json.loads(index.read_text(encoding="utf-8"))
            whole = shard.stat().st_size == len(keys) * 3 * size * size
        except (OSError, ValueError):
            continue
        if whole:
            rows.update((key, _Row(shard, number)) for number, key in enumerate(keys))
    return rows


def _check_room(folder: Path, needed: int) -> None:
    free = shutil.disk_usage(folder).free
    if needed and free < needed + BYTES_TO_SPARE:
        raise _no_room(folder, f"{needed / 2**20:.0f} MB are needed and {free / 2**20:.0f} MB are free")


def _no_room(folder: Path, details: str) -> WorkspaceError:
    return WorkspaceError(
        f"there is no room for decoded pictures in {folder}: {details}",
        remedy="free some disk space, choose a smaller image size, or put the workspace on a larger disk",
    )
