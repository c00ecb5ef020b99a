"""How the command line opens a workspace, and how it prints: results on stdout, remarks on stderr."""

import json
import math
import sys
from dataclasses import asdict, is_dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from hmgc_core import settings
from hmgc_core.errors import WorkspaceError
from hmgc_core.workflow import workspaces
from hmgc_core.workflow.workspaces import Workspace

screen = Console()
remarks = Console(stderr=True)

WorkspaceOption = Annotated[
    Path | None, typer.Option("--workspace", help="Folder of the workspace [default: data, or HMGC_WORKSPACE].")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON value and nothing else.")]


def open_workspace(folder: Path | None) -> Workspace:
    """The workspace in this folder, or where the settings say; made if need be."""
    return workspaces.open_workspace(folder or settings.workspace_folder())


def open_existing(folder: Path | None) -> Workspace:
    """The same, where there is one. Raises WorkspaceError."""
    folder = folder or settings.workspace_folder()
    if not workspaces.exists(folder):
        raise WorkspaceError(f"there is no workspace in {folder}", remedy="make one: hmgc init, or hmgc init --demo")
    return workspaces.open_workspace(folder)


def print_json(value: Any) -> None:
    """One JSON value on stdout; a number that is not one is null."""
    sys.stdout.write(json.dumps(_plain_values(value), ensure_ascii=False, allow_nan=False) + "\n")


def _plain_values(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        value = asdict(value)
    if isinstance(value, dict):
        return {str(key): _plain_values(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain_values(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, datetime):
        return value.isoformat()
    return str(value) if isinstance(value, Path) else value


def plain(text: str) -> str:
    """User text for a table: no part of it is read as a style."""
    return text.replace("[", "\\[")
