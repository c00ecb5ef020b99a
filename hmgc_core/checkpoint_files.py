"""The files of a checkpoint and the manifest that proves them whole. Hashes only: needs no torch, builds no model."""

import hashlib
import json
from pathlib import Path
from typing import Any

from hmgc_core.errors import CheckpointError

FORMAT = 1
MANIFEST, WEIGHTS, TAXONOMY = "checkpoint.json", "weights.safetensors", "taxonomy.json"

REMEDY = "restore it from a backup, or train again"


def hash_of_the_rest(manifest: dict[str, Any]) -> str:
    """sha256 of all that the manifest says, but for this hash itself."""
    rest = {name: value for name, value in manifest.items() if name != "sha256_of_the_rest"}
    return hashlib.sha256(json.dumps(rest, sort_keys=True).encode()).hexdigest()


def read_manifest(folder: Path) -> dict[str, Any]:
    """What a checkpoint says of itself. Raises CheckpointError where there is none, or it was changed or cut off."""
    path = folder / MANIFEST
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
        whole = manifest["sha256_of_the_rest"] == hash_of_the_rest(manifest)
    except FileNotFoundError as error:
        raise CheckpointError(
            f"there is no checkpoint in {folder}", remedy="train again, or restore a backup"
        ) from error
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise CheckpointError(f"{path} is damaged: {error}", remedy=REMEDY) from error
    if not whole:
        raise CheckpointError(f"{path} is damaged", remedy=REMEDY)
    if manifest["format"] != FORMAT:
        raise CheckpointError(
            f"{path} has format {manifest['format']}; this version reads {FORMAT}",
            remedy="use the version that wrote it, or train again",
        )
    return dict(manifest)


def trunk_of(manifest: dict[str, Any]) -> str:
    """Names the weights that a checkpoint's features follow from: the hash of the weights file where they learned."""
    return str(manifest.get("trunk") or manifest["sha256"][WEIGHTS])


def read_checked(path: Path, sha256: str) -> bytes:
    """The content of one file of a checkpoint. Raises CheckpointError where it is not what was written."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise CheckpointError(f"{path} cannot be read: {error}", remedy=REMEDY) from error
    if hashlib.sha256(content).hexdigest() != sha256:
        raise CheckpointError(f"{path} is damaged: its content is not what was written", remedy=REMEDY)
    return content


def check_files(folder: Path) -> None:
    """Read a checkpoint through. Raises CheckpointError at the first file that is missing, changed or cut off."""
    for name, sha256 in read_manifest(folder)["sha256"].items():
        read_checked(folder / name, sha256)
