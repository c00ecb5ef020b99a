"""What happens once, before the first request: open the workspace, import what is heavy, and set it aside."""

import gc
import importlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from starlette.concurrency import run_in_threadpool

from app.server.trees import packed
from app.server.workspace import workspace
from hmgc_core.workflow.taxonomies import newest_taxonomy

# Imported here rather than by the first visitor's page. torch is not among them and never will be.
HEAVY = ("pandas", "pyarrow", "plotly.graph_objects", "plotly.io", "networkx", "PIL.JpegImagePlugin")


@asynccontextmanager
async def lifespan(_app: Any) -> AsyncIterator[dict[str, Any]]:
    """Warm up. Raises WorkspaceError, and the app does not start, where the workspace cannot be opened."""
    await run_in_threadpool(_warm_up)
    yield {}


def _warm_up() -> None:
    tree = newest_taxonomy(workspace())
    if tree is not None:
        packed(tree[1])
    for name in HEAVY:
        importlib.import_module(name)
    # Streamlit collects garbage after every run of a page. Frozen objects are not looked at again: this takes about
    # 100 ms off every rerun.
    gc.collect()
    gc.freeze()
