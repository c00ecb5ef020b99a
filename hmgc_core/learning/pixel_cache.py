"""Every picture decoded once to a small square of uint8, kept in a folder and reused by every run.

The cache is a set of *shards*: `<name>.pixels` holds rows of (S, S, 3) bytes, `<name>.json` says what each row is, and
is written last. So two processes may fill one cache at once, a killed one loses at most its unfinished shard, and new
pictures never make the old ones stale. A row is found by S and a hash of the file's content, and the hash of a file
that was seen before by its path, size and modification time: a folder that was moved or copied is read once, to be
recognised, and not decoded again.

Older shards are still read: version 2 holds rows of (3, S, S) bytes, version 1 as well, and there they are found by
path, size and time alone. Any other is left alone.
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
from hmgc_core.learning.contents import hash_of, stamp_of
from hmgc_core.pictures import read_picture
from hmgc_core.records import READING, Progress, Stopped

PixelArray = NDArray[np.uint8]

FORMAT = 3
CHANNELS_FIRST = (1, 2)  # versions
PICTURES_PER_SHARD = 4096
PICTURES_PER_STEP = 32  # between two looks at `should_stop`
BYTES_TO_SPARE = 64 * 2**20  # left free on the disk, so that the database beside the cache can still write


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
        """(B, 3, S, S) uint8 RGB of the pictures at these places of `paths`; none may be a skipped one.

        Channels-last in memory: so a view of a 448 pixel picture is cut out and normalised in a third of the time.
        """
        batch = np.empty((len(places), self.size, self.size, 3), dtype=np.uint8).transpose(0, 3, 1, 2)
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
    names = [stamp_of(path) or str(path) for path in paths]
    known = _known(folder, size)
    missing = [(name, path) for name, path in dict(zip(names, paths, strict=True)).items() if known.row(name) is None]
    if not known.rows:  # else some may be copies: each shard looks for itself
        _check_room(folder, len(missing) * 3 * size * size)
    job = _Job(folder, size, known, len(missing), on_progress, should_stop)
    for start in range(0, len(missing), PICTURES_PER_SHARD):
        job.write_shard(missing[start : start + PICTURES_PER_SHARD])
    rows = tuple(known.row(name) for name in names)
    return Pixels(
        size=size,
        paths=tuple(paths),
        rows=rows,
        skipped=tuple(
            Skipped(path, job.reasons[name]) for name, path in zip(names, paths, strict=True) if name in job.reasons
        ),
        shards={shard: _open_shard(shard, size) for shard in {row.shard for row in rows if row}},
    )


@dataclass(frozen=True)
class _Known:
    """What a cache holds. contents: a file's name, size and time -> hash of its content. rows: hash -> its pixels."""

    contents: dict[str, str]
    rows: dict[str, _Row]

    def row(self, name: str) -> _Row | None:
        return self.rows.get(self.contents.get(name, name))  # of version 1 the name stands for the content


class _Job:
    """One call of `decode_pictures` that has something to decode. reasons: name -> why the picture was skipped."""

    def __init__(
        self,
        folder: Path,
        size: int,
        known: _Known,
        total: int,
        on_progress: Callable[[Progress], None],
        should_stop: Callable[[], bool],
    ) -> None:
        self.folder, self.size, self.known, self.total = folder, size, known, total
        self.on_progress, self.should_stop = on_progress, should_stop
        self.reasons: dict[str, str] = {}
        self.done = 0
        self.started_at_s = time.monotonic()

    def write_shard(self, pictures: list[tuple[str, Path]]) -> None:
        """Decode these (name, path) pairs into a new shard, and know them. The index is written last.

        Unreadable ones go to `reasons`; of content that is known already the name alone is kept.
        """
        shard = self.folder / f"{_prefix(FORMAT, self.size)}{uuid.uuid4().hex}.pixels"
        fresh: dict[str, int] = {}
        contents: dict[str, str] = {}
        try:
            # Plain writes, not a growing memory map: a full disk is then an error and not a killed process.
            with shard.open("wb") as file, ThreadPoolExecutor(_decoders()) as pool:
                for start in range(0, len(pictures), PICTURES_PER_STEP):
                    self._decode_some(pool, pictures[start : start + PICTURES_PER_STEP], file, fresh, contents)
                file.flush()
                os.fsync(file.fileno())
            if not fresh:
                shard.unlink()
            if contents:
                draft = shard.with_suffix(".tmp")
                draft.write_text(json.dumps({"contents": list(fresh), "names": contents}), encoding="utf-8")
                draft.replace(shard.with_suffix(".json"))
        except BaseException as error:
            shard.unlink(missing_ok=True)
            if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
                raise _no_room(self.folder, str(error)) from error
            raise
        self.known.contents.update(contents)
        self.known.rows.update((content, _Row(shard, number)) for content, number in fresh.items())

    def _decode_some(
        self,
        pool: ThreadPoolExecutor,
        pictures: list[tuple[str, Path]],
        file: BinaryIO,
        fresh: dict[str, int],
        contents: dict[str, str],
    ) -> None:
        if self.should_stop():
            raise Stopped
        _check_room(self.folder, len(pictures) * 3 * self.size * self.size)
        # One that cannot be read goes by its path, so that `_decode` tells why.
        hashes = list(pool.map(lambda path: hash_of(path) or str(path), [path for _, path in pictures]))
        new = {
            content: path
            for (_, path), content in zip(pictures, hashes, strict=True)
            if content not in self.known.rows and content not in fresh
        }
        results = dict(zip(new, pool.map(lambda path: _decode(path, self.size), new.values()), strict=True))
        for content, result in results.items():
            if not isinstance(result, str):
                file.write(result)
                fresh[content] = len(fresh)
        for (name, _), content in zip(pictures, hashes, strict=True):
            reason = results.get(content)
            if isinstance(reason, str):
                self.reasons[name] = reason
            else:
                contents[name] = content
        self.done += len(pictures)
        rate = self.done / max(time.monotonic() - self.started_at_s, 1e-6)
        self.on_progress(Progress(READING, self.done, self.total, rate, (self.total - self.done) / rate))


def _decoders() -> int:
    return min(32, os.cpu_count() or 1)


def _decode(path: Path, size: int) -> bytes | str:
    """The (S, S, 3) bytes of one picture, or the reason why there are none."""
    try:
        # Twice the size is enough for a good reduction and lets a large JPEG be decoded at a fraction.
        picture = read_picture(path, smallest_side=2 * size)
    except PictureError as error:
        return str(error)
    small = picture.resize((size, size), Image.Resampling.BILINEAR, reducing_gap=2.0)
    return small.tobytes()


def _open_shard(shard: Path, size: int) -> PixelArray:
    """(…, 3, S, S), whichever way its rows lie in memory."""
    rows = np.memmap(shard, dtype=np.uint8, mode="r")
    if any(shard.name.startswith(_prefix(version, size)) for version in CHANNELS_FIRST):
        return rows.reshape(-1, 3, size, size)
    return rows.reshape(-1, size, size, 3).transpose(0, 3, 1, 2)


def _prefix(version: int, size: int) -> str:
    return f"v{version}-{size}px-"


def _known(folder: Path, size: int) -> _Known:
    """What the finished shards hold. Pictures of a damaged shard are decoded again."""
    known = _Known({}, {})
    for version in (*CHANNELS_FIRST, FORMAT):
        for index in sorted(folder.glob(f"{_prefix(version, size)}*.json")):
            shard = index.with_suffix(".pixels")
            try:
                told = json.loads(index.read_text(encoding="utf-8"))
                contents, names = (told, {}) if version == 1 else (told["contents"], told["names"])
                whole = not contents or shard.stat().st_size == len(contents) * 3 * size * size
            except (OSError, ValueError, KeyError, TypeError):
                continue
            if whole:
                known.contents.update(names)
                known.rows.update((content, _Row(shard, number)) for number, content in enumerate(contents))
    return known


def _check_room(folder: Path, needed: int) -> None:
    free = shutil.disk_usage(folder).free
    if needed and free < needed + BYTES_TO_SPARE:
        raise _no_room(folder, f"{needed / 2**20:.0f} MB are needed and {free / 2**20:.0f} MB are free")


def _no_room(folder: Path, details: str) -> WorkspaceError:
    return WorkspaceError(
        f"there is no room for decoded pictures in {folder}: {details}",
        remedy="free some disk space, choose a smaller image size, or put the workspace on a larger disk",
    )
