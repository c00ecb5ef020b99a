"""Verbs on the workspace as a whole: open it, make the demo one."""

import functools
from collections.abc import Callable
from pathlib import Path

from hmgc_core.demo import draw_demo
from hmgc_core.errors import WorkspaceError
from hmgc_core.records import NewAnnotation, RunConfig
from hmgc_core.store import annotations, images, workspace
from hmgc_core.store.images import FoundPicture
from hmgc_core.store.workspace import Workspace
from hmgc_core.workflow.taxonomies import store_taxonomy
from hmgc_core.workflow.training import queue_run

__all__ = ["Workspace", "exists", "open_workspace", "shared_workspace"]

exists = workspace.exists
open_workspace = workspace.open_workspace


@functools.cache
def shared_workspace(folder: Path) -> Workspace:
    """The workspace of a long-lived process, opened once; pages and routes share its connections."""
    return open_workspace(folder)
