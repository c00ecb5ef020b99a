"""Write a file whole or not at all: beside its place first, flushed to the disk, then renamed."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from hmgc_core.errors import OutputError

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


@contextmanager
def written_whole(path: Path) -> Iterator[BinaryIO]:
    """A file to write to, which takes the name `path` when the block has ended and all of it is on the disk.

    A file that had this name is replaced then. If anything goes wrong nothing is left. Raises OutputError where the
    disk is full, the folder is missing or may not be written; any OSError of the block counts as one of writing.
    """
    draft = path.with_name(f".{path.name[:200]}.{os.getpid()}.draft")
    try:
        try:
            with draft.open("wb") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            draft.replace(path)
            sync_folder(path.parent)
        finally:
            with suppress(OSError):
                draft.unlink(missing_ok=True)
    except OSError as error:
        raise not_written(path, error) from error


def write_durably(path: Path, content: bytes) -> None:
    """Write a file so that it is on the disk, whole, under its name; or not there at all. Raises OutputError."""
    with written_whole(path) as file:
        file.write(content)


def sync_folder(folder: Path) -> None:
    """See to it that a name given in this folder outlives a power cut."""
    number = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)


def not_written(path: Path, error: OSError) -> OutputError:
    """What an OSError of writing `path` means for a person."""
    if error.errno in FULL:
        return OutputError(
            f"{path.name} was not written: the disk is full", remedy="free some space, or choose another disk"
        )
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return OutputError(
            f"{path.name} was not written: {path.parent} may not be written to", remedy="choose another folder"
        )
    if error.errno in (errno.ENOENT, errno.ENOTDIR):
        return OutputError(f"there is no folder {path.parent}", remedy="make it first, or choose another one")
    if error.errno == errno.EISDIR:
        return OutputError(f"{path} is a folder", remedy="give the name of a file")
    return OutputError(f"{path} was not written: {error.strerror or error}", remedy="check the path and the disk")
