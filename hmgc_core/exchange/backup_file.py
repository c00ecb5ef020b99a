"""The backup file: one zip with all parts of a workspace, and a manifest with the size and sha256 of each.

Knows files and hashes, no workspace. Nothing that the zip claims is trusted: names, sizes and contents are checked.
"""

import hashlib
import json
import re
import time
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO

from hmgc_core.errors import BackupError

FORMAT = 1
MANIFEST = "backup.json"
CHUNK = 1 << 20
LONGEST_MANIFEST = 1 << 30

# Worth squeezing; pictures and weights are as small as they get, and would only cost time.
SQUEEZED = (".db", ".json")

OnBytes = Callable[[int], None]


@dataclass(frozen=True)
class Part:
    """A file to back up. name: its path inside the workspace, parts joined by `/`."""

    name: str
    file: Path


@dataclass(frozen=True)
class PartFacts:
    """What proves a part whole: its size in bytes and its hash."""

    size: int
    sha256: str


@dataclass(frozen=True)
class Manifest:
    """What a backup says of itself. workspace: the folder it was made of. counts: rows and runs, for people."""

    program: str
    made_at: str
    workspace: str
    counts: dict[str, int]
    parts: dict[str, PartFacts]

    @property
    def size(self) -> int:
        """Bytes of all parts, unpacked."""
        return sum(part.size for part in self.parts.values())


# --- writing ----------------------------------------------------------------------------------------------------------


def write_backup(
    file: BinaryIO,
    parts: Iterable[Part],
    *,
    program: str,
    made_at: str,
    workspace: str,
    counts: dict[str, int],
    on_bytes: OnBytes,
) -> list[str]:
    """Write a backup. Returns the names of parts that were gone when their turn came; on_bytes: bytes just written.

    Raises BackupError where a part cannot be read; an OSError is one of writing.
    """
    written: dict[str, PartFacts] = {}
    gone: list[str] = []
    with zipfile.ZipFile(file, "w") as archive:
        for part in parts:
            facts = _write_part(archive, part, on_bytes)
            if facts is None:
                gone.append(part.name)
            else:
                written[part.name] = facts
        manifest = {"format": FORMAT, **asdict(Manifest(program, made_at, workspace, counts, written))}
        archive.writestr(MANIFEST, json.dumps(manifest, ensure_ascii=False, indent=1), zipfile.ZIP_DEFLATED)
    return gone


def _write_part(archive: zipfile.ZipFile, part: Part, on_bytes: OnBytes) -> PartFacts | None:
    try:
        source = part.file.open("rb")
    except FileNotFoundError:
        return None
    except OSError as error:
        raise _unreadable(part, error) from error
    with source:
        info = zipfile.ZipInfo(part.name, time.localtime()[:6])
        info.compress_type = zipfile.ZIP_DEFLATED if part.name.endswith(SQUEEZED) else zipfile.ZIP_STORED
        digest, size = hashlib.sha256(), 0
        with archive.open(info, "w", force_zip64=part.file.stat().st_size > 1 << 30) as target:
            while chunk := _read(source, part):
                digest.update(chunk)
                size += len(chunk)
                target.write(chunk)
                on_bytes(len(chunk))
    return PartFacts(size, digest.hexdigest())


def _read(source: BinaryIO, part: Part) -> bytes:
    try:
        return source.read(CHUNK)
    except OSError as error:
        raise _unreadable(part, error) from error


def _unreadable(part: Part, error: OSError) -> BackupError:
    return BackupError(f"{part.file} cannot be read: {error.strerror}", remedy="check the disk and who may read it")


# --- reading ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Backup:
    """A backup that is open: every name in it is in its manifest, once, and leads to no place outside."""

    archive: zipfile.ZipFile
    manifest: Manifest

    def unpack(self, name: str, target: Path, *, on_bytes: OnBytes) -> None:
        """Write one part to `target`, which must not exist. Raises BackupError where it is not what was backed up."""
        facts, digest, size = self.manifest.parts[name], hashlib.sha256(), 0
        with _named_damage(self.archive), self.archive.open(name) as source, target.open("xb") as file:
            while size <= facts.size and (chunk := source.read(CHUNK)):
                digest.update(chunk)
                size += len(chunk)
                file.write(chunk)
                on_bytes(len(chunk))
        if (size, digest.hexdigest()) != (facts.size, facts.sha256):
            raise BackupError(f"the backup is damaged: {name} is not what was backed up", remedy="use another backup")


@contextmanager
def open_backup(path: Path) -> Iterator[Backup]:
    """Open a backup and check its table of contents. Raises BackupError where it is none, damaged, or not safe."""
    try:
        archive = zipfile.ZipFile(path)
    except OSError as error:
        raise BackupError(f"cannot read {path}: {error.strerror}", remedy="check the path") from error
    except zipfile.BadZipFile as error:
        raise BackupError(
            f"{path.name} is no backup, or was cut off", remedy="give a file that `hmgc backup` wrote, whole"
        ) from error
    with archive:
        manifest = _read_manifest(archive, path)
        _check_names(archive, manifest)
        yield Backup(archive, manifest)


def _read_manifest(archive: zipfile.ZipFile, path: Path) -> Manifest:
    try:
        info = archive.getinfo(MANIFEST)
    except KeyError as error:
        raise BackupError(f"{path.name} is no backup", remedy="give a file that `hmgc backup` wrote") from error
    if info.file_size > LONGEST_MANIFEST:
        raise BackupError("the backup's manifest is too large", remedy="use another backup")
    with _named_damage(archive):
        content = archive.read(info)
    try:
        values: dict[str, Any] = json.loads(content)
        if values["format"] != FORMAT:
            raise BackupError(
                f"the backup has format {values['format']}; this version reads {FORMAT}",
                remedy="update the program",
            )
        return _manifest_of(values)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise BackupError("the backup's manifest is damaged", remedy="use another backup") from error


def _manifest_of(values: dict[str, Any]) -> Manifest:
    """Raises ValueError, KeyError, TypeError or AttributeError for anything that `write_backup` does not write."""
    parts = {str(name): PartFacts(int(facts["size"]), str(facts["sha256"])) for name, facts in values["parts"].items()}
    if any(facts.size < 0 or not re.fullmatch(r"[0-9a-f]{64}", facts.sha256) for facts in parts.values()):
        raise ValueError("a size or a hash is none")
    counts = {str(name): int(count) for name, count in values["counts"].items()}
    return Manifest(str(values["program"]), str(values["made_at"]), str(values["workspace"]), counts, parts)


def _check_names(archive: zipfile.ZipFile, manifest: Manifest) -> None:
    names = [info.filename for info in archive.infolist() if info.filename != MANIFEST]
    for info in archive.infolist():
        if not _is_inside(info.filename) or info.is_dir() or (info.external_attr >> 16) & 0o170000 == 0o120000:
            raise _unsafe(f"{info.filename!r} leads out of the workspace")
        if info.flag_bits & 1:
            raise _unsafe(f"{info.filename!r} is encrypted")
    if len(names) != len(archive.infolist()) - 1 or len(set(names)) != len(names):
        raise _unsafe("it holds a name twice")
    stranger = next(iter(set(names) - manifest.parts.keys()), None)
    if stranger is not None:
        raise _unsafe(f"{stranger!r} is not in its manifest")
    missing = next(iter(manifest.parts.keys() - set(names)), None)
    if missing is not None:
        raise BackupError(f"the backup is damaged: {missing} is missing", remedy="use another backup")


def _is_inside(name: str) -> bool:
    """A path of plain steps downwards."""
    return (
        "\\" not in name
        and all(step not in ("", ".", "..") for step in name.split("/"))
        and PurePosixPath(name).name != ""
    )


def _unsafe(what: str) -> BackupError:
    return BackupError(f"this backup is not safe to restore: {what}", remedy="use a file that `hmgc backup` wrote")


@contextmanager
def _named_damage(archive: zipfile.ZipFile) -> Iterator[None]:
    """What zipfile raises on a damaged member becomes a BackupError; errors of writing pass."""
    try:
        yield
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        raise BackupError(f"{archive.filename} is damaged: {error}", remedy="use another backup") from error
