"""What happens once, before the first request: open the workspace, import what is heavy, and set it aside."""

import contextlib
import gc
import importlib
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from starlette.concurrency import run_in_threadpool

from app.server.trees import packed
from app.server.workspace import workspace
from hmgc_core.ending import end_with_server
from hmgc_core.workflow.taxonomies import newest_taxonomy

# Imported here rather than by the first visitor's page. torch is not among them and never will be.
HEAVY = ("pandas", "pyarrow", "plotly.graph_objects", "plotly.io", "networkx", "PIL.JpegImagePlugin")


@asynccontextmanager
async def lifespan(_app: Any) -> AsyncIterator[dict[str, Any]]:
    """Warm up. Raises WorkspaceError, and the app does not start, where the workspace cannot be opened."""
    end_with_server()
    send_at_once()
    _leave_pages_to_navigation()
    await run_in_threadpool(_warm_up)
    yield {}


def send_at_once() -> None:
    """Turn off the kernel's waiting for more to send, on the socket that listens; connections inherit it.

    Streamlit makes that socket in a way asyncio does not recognise as TCP, and so leaves the waiting on: without this,
    every answer and every message to a page on a connection in use comes 40 ms late. Nothing hands the socket to us.
    """
    for candidate in gc.get_objects():
        if type(candidate) is socket.socket and candidate.family in (socket.AF_INET, socket.AF_INET6):
            with contextlib.suppress(OSError):  # closed meanwhile, or no TCP
                candidate.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def _leave_pages_to_navigation() -> None:
    """Have Streamlit forget that a folder named `pages` lies beside the main script.

    Until the first `st.navigation` of a process it would take that for its older kind of app: whoever opens a fresh app
    at a page's own address would get that page alone, without the frame and the navigation of app/main.py.
    """
    manager = sys.modules.get("streamlit.runtime.pages_manager")  # there whenever Streamlit runs us
    if manager is not None:
        manager.PagesManager.uses_pages_directory = False


def _warm_up() -> None:
    tree = newest_taxonomy(workspace())
    if tree is not None:
        packed(tree[1])
    for name in HEAVY:
        importlib.import_module(name)
    # Frozen objects are not looked at again by a full collection: with all that is imported it would hold up every
    # thread for about 100 ms.
    gc.collect()
    gc.freeze()
