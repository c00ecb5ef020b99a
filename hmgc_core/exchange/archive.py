"""Unpack a zip of pictures and tables, safely. Knows files; knows no workspace.

No name from the archive ever becomes a name on the disk: each member is written under a number, and its own name is
only a key. So nothing can leave the folder, clash, or be too long or too odd for the file system. Sizes in the
archive's headers are not believed: bytes are counted as they come out.
"""

import errno
import posixpath
import re
import shutil
import stat
import struct
import unicodedata
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from lzma import LZMAError
from pathlib import Path, PurePosixPath
from typing import IO, BinaryIO

from hmgc_core import settings
from hmgc_core.durable_files import FULL
from hmgc_core.errors import ArchiveError, HmgcError, WorkspaceError
from hmgc_core.pictures import SUFFIXES

TABLES = frozenset({".csv", ".tsv", ".tab"})
ARCHIVES = frozenset({".zip", ".tar", ".gz", ".tgz", ".bz2", ".xz", ".7z", ".rar"})

# The limits of unpacking, all here. The whole may grow to HMGC_UNPACKED_GB, and to no more than RATIO times its size,
# but small archives may always grow to SMALL: pictures hardly shrink in a zip, drawn ones and scans may by much.
RATIO = 100
SMALL = 1_000_000_000
LARGEST_FILE = 1_000_000_000
LARGEST_LIST = 40_000_000  # of the names in an archive: some 400,000 files, half a gigabyte once read
KEPT_FREE = 200_000_000  # of the disk, so that labels can still be saved
BLOCK = 1 << 20

# What zipfile and its decoders raise on bytes that are no zip. ValueError: names that are not the UTF-8 they claim.
_DAMAGE = (zipfile.BadZipFile, zlib.error, LZMAError, EOFError, struct.error, ValueError, IndexError)


@dataclass
class Unpacked:
    """files: name in the archive (with `/`) -> where it lies now. left_out: (name, reason). others: not wanted."""

    files: dict[str, Path] = field(default_factory=dict)
    left_out: list[tuple[str, str]] = field(default_factory=list)
    others: int = 0


def is_archive(path: Path) -> bool:
    """The file is a zip by its name or its first bytes."""
    if path.suffix.lower() == ".zip":
        return True
    try:
        with path.open("rb") as file:
            return file.read(4) in (b"PK\3\4", b"PK\5\6")
    except OSError:
        return False


def unpack(
    archive: Path,
    into: Path,
    *,
    name: str = "",
    on_progress: Callable[[int, int], None] = lambda _done, _total: None,
) -> Unpacked:
    """Write the pictures and tables of a zip into the folder `into`; what is bad is left out with its reason.

    Hidden files and what macOS adds are passed over in silence; archives inside are not opened. Raises ArchiveError
    where it is no zip, is locked as a whole or grows too large, WorkspaceError where the disk is full; what was
    written by then is for the caller to remove.
    """
    name = name or archive.name
    done = Unpacked()
    with _opened(archive, name) as source:
        wanted = [(member, inner) for member in source.infolist() if (inner := _wanted(member, done))]
        budget = _Budget(name, _allowed(archive))
        for place, (member, inner) in enumerate(wanted, 1):
            target = into / f"{place:07}{PurePosixPath(inner).suffix.lower()}"
            reason = _unpack_one(source, member, target, budget)
            if reason:
                done.left_out.append((inner, reason))
                del done.files[inner]
            else:
                done.files[inner] = target
            if place % 50 == 0 or place == len(wanted):
                on_progress(place, len(wanted))
    if not done.files and any(reason == LOCKED for _, reason in done.left_out):
        raise ArchiveError(f"{name} is locked with a password", remedy="unpack it and give the folder")
    return done


LOCKED = "it is locked with a password"


def _opened(archive: Path, name: str) -> zipfile.ZipFile:
    try:
        if not archive.stat().st_size:
            raise ArchiveError(f"{name} is empty", remedy="make or download it again, or unpack it and give the folder")
        if _list_size(archive) > LARGEST_LIST:
            raise ArchiveError(f"{name} holds far too many files", remedy="split it, or unpack it and give the folder")
        return zipfile.ZipFile(archive)
    except (*_DAMAGE, NotImplementedError) as error:
        raise ArchiveError(
            f"{name} is not a zip that can be read: it is damaged, cut off or of another kind",
            remedy="make or download it again, or unpack it and give the folder",
        ) from error
    except OSError as error:
        raise ArchiveError(f"cannot read {name}: {error.strerror}", remedy="check the path") from error


def _list_size(archive: Path) -> int:
    """How many bytes the list of members at the end of a zip takes, told before it is read into memory.

    What the zip says of it is believed because whoever reads the zip reads exactly so much. Readers differ in where
    they look: of all the places the largest size counts.
    """
    with archive.open("rb") as file:
        length = archive.stat().st_size
        file.seek(max(0, length - 65_557 - 76))  # the longest comment, and what may stand before the end record
        tail = file.read()
        ends = {tail.rfind(b"PK\5\6"), len(tail) - 22}  # the last one found, and the one that no comment follows
        found = [end for end in ends if end >= 0 and tail.startswith(b"PK\5\6", end)]
        return max((_size_at(file, tail, end, length) for end in found), default=0)


def _size_at(file: BinaryIO, tail: bytes, end: int, length: int) -> int:
    """What the end record at `end` of `tail`, or the ZIP64 record that stands before it, says of the list's size."""
    (size,) = struct.unpack_from("<I", tail, end + 12)
    if end < 20 or tail[end - 20 : end - 16] != b"PK\6\7":
        return int(size)
    (told,) = struct.unpack_from("<Q", tail, end - 12)
    large: list[int] = []
    for place in (told, length - len(tail) + end - 76):  # where its locator says, and right before the locator
        if 0 <= place < length:
            file.seek(place)
            record = file.read(56)
            if len(record) == 56 and record.startswith(b"PK\6\6"):
                large += struct.unpack_from("<Q", record, 40)
    return max(large) if large and size == 0xFFFFFFFF else max(size, *large)


def _wanted(member: zipfile.ZipInfo, done: Unpacked) -> str:
    """The member's name if it is to be unpacked, "" if not; notes why where that should be known."""
    name = member_name(member)
    parts = PurePosixPath(name).parts
    ending = PurePosixPath(name).suffix.lower()
    if name.endswith("/") or "__MACOSX" in parts or (parts and parts[-1].startswith(".") and parts[-1] != ".."):
        return ""
    reason = ""
    if name.startswith("/") or ".." in parts or re.match(r"[A-Za-z]:", name):
        reason = "its path leaves the archive's folder"
    elif stat.S_ISLNK(member.external_attr >> 16):
        reason = "it is a link, not a file"
    elif ending in ARCHIVES:
        reason = "an archive inside an archive is not opened"
    elif ending not in SUFFIXES | TABLES:
        done.others += 1
        return ""
    elif name in done.files:
        reason = "the archive holds two files of this name; the first stays"
    elif member.flag_bits & 0x1:
        reason = LOCKED
    if reason:
        done.left_out.append((name, reason))
        return ""
    done.files[name] = Path()  # the name is taken; the place comes when it is unpacked
    return name


def member_name(member: zipfile.ZipInfo) -> str:
    """The name of a member with `/` between folders, in the letters that its maker meant as far as can be told.

    A zip says whether its names are UTF-8; macOS writes UTF-8 without saying so, which then reads as line drawings.
    """
    name = member.filename
    if not member.flag_bits & 0x800:
        try:
            name = name.encode("cp437").decode("utf-8")
        except (UnicodeEncodeError, UnicodeDecodeError):
            name = member.filename
    return plain_name(name)


def plain_name(name: str) -> str:
    """A path in an archive, an upload or a table in the one form in which they are compared."""
    plain = unicodedata.normalize("NFC", name).replace("\\", "/")
    return plain if plain.endswith("/") or ".." in plain.split("/") else posixpath.normpath(plain)


@dataclass
class _Budget:
    """How many bytes may still come out of an archive."""

    name: str
    left: int

    def take(self, count: int) -> None:
        self.left -= count
        if self.left < 0:
            raise ArchiveError(
                f"{self.name} unpacks to far more than it should and was stopped",
                remedy="if it is no trick, unpack it and give the folder, or raise HMGC_UNPACKED_GB",
            )


def _allowed(archive: Path) -> int:
    most = int(float(settings.setting("HMGC_UNPACKED_GB")) * 1e9)
    return min(most, max(SMALL, RATIO * archive.stat().st_size))


def _unpack_one(source: zipfile.ZipFile, member: zipfile.ZipInfo, target: Path, budget: _Budget) -> str:
    """Write one member; returns why it was left out, "" when it was not."""
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        if shutil.disk_usage(target.parent).free < KEPT_FREE:
            raise OSError(errno.ENOSPC, "No space left on device")
        with source.open(member) as packed, target.open("wb") as file:
            reason = _pour(packed, file, budget)
    except HmgcError:
        raise
    except (RuntimeError, NotImplementedError) as error:
        reason = LOCKED if "password" in str(error) else "it is packed in a way that cannot be read"
    except _DAMAGE:
        reason = "it is damaged in the archive"
    except OSError as error:
        raise disk_error(error) from error
    if reason:
        target.unlink(missing_ok=True)
    return reason


def _pour(packed: IO[bytes], file: BinaryIO, budget: _Budget) -> str:
    size = 0
    while block := packed.read(BLOCK):
        size += len(block)
        budget.take(len(block))
        if size > LARGEST_FILE:
            return f"it unpacks to more than {LARGEST_FILE // 1_000_000:,} MB"
        file.write(block)
    return ""


def disk_error(error: OSError) -> WorkspaceError:
    """The error of a file that could not be written, in plain words."""
    full = error.errno in FULL
    reason = "the disk is full" if full else f"a file cannot be written ({error.strerror or error})"
    return WorkspaceError(
        f"{reason}; nothing of this import was kept", remedy="free some disk space and try again" if full else
        "check that the workspace can be written, and try again",
    )  # fmt: skip
