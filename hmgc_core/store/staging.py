"""Temporary folders in a workspace's cache: gone when done with, and at the next start after a kill.

A folder is in use as long as the process that made it holds a lock on it, so a second process that starts meanwhile
sweeps away only what nobody holds any more.
"""

import fcntl
import os
import shutil
import tempfile
import weakref
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


def place_in(folder: Path) -> Path:
    """Where a workspace's temporary folders lie."""
    return folder / "cache" / "imports"


class Staging:
    """A fresh folder of one's own. It is removed by `drop`, or when nobody refers to it any more."""

    def __init__(self, parent: Path) -> None:
        parent.mkdir(parents=True, exist_ok=True)
        with _only_one(parent):
            self.folder = Path(tempfile.mkdtemp(dir=parent))
            lock = os.open(self.folder, os.O_RDONLY)
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        self._remove = weakref.finalize(self, _remove, self.folder, lock)

    def drop(self) -> None:
        """Remove the folder; doing it twice is harmless."""
        self._remove()


def sweep(parent: Path) -> None:
    """Remove the folders that nobody holds: what a killed process left behind."""
    if not parent.is_dir():
        return
    with _only_one(parent):
        for folder in parent.iterdir():
            with suppress(OSError):  # held by another process, or gone meanwhile
                lock = os.open(folder, os.O_RDONLY)
                try:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    shutil.rmtree(folder, ignore_errors=True)
                finally:
                    os.close(lock)


def _remove(folder: Path, lock: int) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    os.close(lock)


@contextmanager
def _only_one(parent: Path) -> Iterator[None]:
    """Between making a folder and locking it nobody may sweep."""
    guard = os.open(parent, os.O_RDONLY)
    try:
        fcntl.flock(guard, fcntl.LOCK_EX)
        yield
    finally:
        os.close(guard)
