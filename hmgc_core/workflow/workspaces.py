"""Verbs on the workspace as a whole: open it, fill it with the demo."""

import functools
import shutil
from collections.abc import Callable
from pathlib import Path

from hmgc_core.demo import DEMO_IMAGES, DemoSet, demo_taxonomy, draw_demo
from hmgc_core.errors import WorkspaceError
from hmgc_core.exchange.table import TableRow, write_table
from hmgc_core.recipes import DEFAULT, DEFAULT_MODEL
from hmgc_core.records import RunConfig
from hmgc_core.store import workspace
from hmgc_core.store.workspace import Workspace
from hmgc_core.workflow.pictures import import_images
from hmgc_core.workflow.taxonomies import newest_taxonomy, store_taxonomy
from hmgc_core.workflow.training import all_runs, queue_run

__all__ = [
    "DEMO_CONFIG",
    "Workspace",
    "exists",
    "init_demo",
    "open_workspace",
    "refuse_strangers",
    "shared_workspace",
]

exists = workspace.exists
open_workspace = workspace.open_workspace
refuse_strangers = workspace.refuse_strangers

DEMO_UNFINISHED = "demo.unfinished"  # a file that is there while the demo is being made

# Small enough for about two minutes on two processor cores.
DEMO_CONFIG = RunConfig(
    model=DEFAULT_MODEL, backbone="resnet_mini", image_size=64, epochs=60, batch_size=32, lr=0.1, recipe=DEFAULT
)


@functools.cache
def shared_workspace(folder: Path) -> Workspace:
    """The workspace of a long-lived process, opened once; pages and routes share its connections."""
    return open_workspace(folder)


def init_demo(
    folder: Path,
    *,
    seed: int = 0,
    pictures: int = DEMO_IMAGES,
    on_progress: Callable[[int, int], None] = lambda _done, _total: None,
) -> Workspace:
    """Make a workspace with the drawn demo set, its simulated labels, and a first small training in the queue.

    An interrupted start is taken up again. Raises WorkspaceError where the folder already holds a workspace with
    something in it.
    """
    ws = open_workspace(folder)
    unfinished = ws.folder / DEMO_UNFINISHED
    if newest_taxonomy(ws) is not None and not unfinished.exists():
        raise WorkspaceError(f"{folder} already holds a workspace", remedy="choose another folder with --workspace")
    unfinished.touch()
    place = ws.folder / "demo"
    if not place.exists():
        _draw(place, seed=seed, images=pictures, on_progress=on_progress)
    # Each step is harmless when it was done before.
    store_taxonomy(ws, demo_taxonomy(), source="demo")
    import_images(ws, place / "labels.csv")
    if not all_runs(ws):
        queue_run(ws, DEMO_CONFIG)
    unfinished.unlink()
    return ws


def _draw(place: Path, *, seed: int, images: int, on_progress: Callable[[int, int], None]) -> None:
    """Draw the demo set beside its place and move it there whole."""
    draft = place.with_suffix(".tmp")
    shutil.rmtree(draft, ignore_errors=True)
    drawn = draw_demo(draft, seed=seed, images=images, on_progress=on_progress)
    write_table(draft / "labels.csv", _rows(drawn))
    draft.rename(place)


def _rows(drawn: DemoSet) -> list[TableRow]:
    said: dict[Path, list[tuple[str, str]]] = {}
    for label in drawn.labels:
        said.setdefault(label.path, []).append((label.node, label.annotator))
    return [
        TableRow(0, image.path.as_posix(), node, image.split, annotator)
        for image in drawn.images
        for node, annotator in said.get(image.path, [("", "")])
    ]
