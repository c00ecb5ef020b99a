"""What is in each picture file, as a hash: a file is read for it once, and again only when it was changed."""

import hashlib
import json
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from hmgc_core.durable_files import write_durably
from hmgc_core.records import Stopped

FORMAT = 1
FILES_PER_STEP = 64  # between two looks at `should_stop`
READERS = 4


def contents_of(
    paths: Sequence[Path], memory: Path, *, should_stop: Callable[[], bool] = lambda: False
) -> list[str | None]:
    """The sha256 of every file, in order; None for one that cannot be read.

    memory: a file that keeps what was found, by path, size and modification time. A damaged one is made anew.
    Raises Stopped when `should_stop` says so, OutputError where the disk is full.
    """
    stamps = [stamp_of(path) for path in paths]
    known = _remembered(memory)
    unread = [(stamp, path) for stamp, path in dict(zip(stamps, paths, strict=True)).items() if stamp not in known]
    found: dict[str, str] = {}
    with ThreadPoolExecutor(READERS) as pool:
        for start in range(0, len(unread), FILES_PER_STEP):
            if should_stop():
                raise Stopped
            some = [(stamp, path) for stamp, path in unread[start : start + FILES_PER_STEP] if stamp]
            hashes = pool.map(hash_of, [path for _, path in some])
            found.update((stamp, told) for (stamp, _), told in zip(some, hashes, strict=True) if told)
    if found:
        memory.parent.mkdir(parents=True, exist_ok=True)
        # Another process may have written since: what it found counts too.
        merged = {**_remembered(memory), **found}
        write_durably(memory, json.dumps({"format": FORMAT, "sha256": merged}).encode())
    known.update(found)
    return [known.get(stamp) for stamp in stamps]


def stamp_of(path: Path) -> str:
    """Names the content that a file has now, as well as the file system knows it; "" where there is no file."""
    try:
        stat = path.stat()
    except OSError:
        return ""
    return f"{path.absolute()}|{stat.st_size}|{stat.st_mtime_ns}"


def hash_of(path: Path) -> str:
    """The sha256 of the file's bytes, as hexadecimal digits; "" where it cannot be read."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return ""


def _remembered(memory: Path) -> dict[str, str]:
    try:
        kept = json.loads(memory.read_bytes())
        return dict(kept["sha256"]) if kept["format"] == FORMAT else {}
    except (OSError, ValueError, KeyError, TypeError):
        return {}
