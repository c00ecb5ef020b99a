"""Verbs on the workspace as a whole: open it, fill it with the demo, examine it."""

import functools
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from hmgc_core.demo import DEMO_IMAGES, DemoSet, demo_taxonomy, draw_demo
from hmgc_core.errors import WorkspaceError
from hmgc_core.exchange.table import TableRow, write_table
from hmgc_core.records import RunConfig
from hmgc_core.store import annotations, checks, images, workspace
from hmgc_core.store.workspace import Workspace
from hmgc_core.workflow.pictures import import_images
from hmgc_core.workflow.taxonomies import newest_taxonomy, store_taxonomy
from hmgc_core.workflow.training import all_runs, queue_run, services

__all__ = [
    "DEMO_CONFIG",
    "Finding",
    "Workspace",
    "doctor",
    "exists",
    "init_demo",
    "open_workspace",
    "recount",
    "shared_workspace",
]

exists = workspace.exists
open_workspace = workspace.open_workspace

DEMO_UNFINISHED = "demo.unfinished"  # a file that is there while the demo is being made

# Small enough for about two minutes on two processor cores.
DEMO_CONFIG = RunConfig(model="flat", backbone="resnet_mini", image_size=64, epochs=60, batch_size=32, lr=0.1)


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


@dataclass(frozen=True)
class Finding:
    """One thing the doctor looked at. remedy is "" where all is well."""

    what: str
    state: str
    remedy: str = ""


def doctor(ws: Workspace) -> list[Finding]:
    """Examine the workspace: the database, its kept counts, the picture files, the disk, the services."""
    with ws.reading() as connection:
        damage = checks.damage(connection)
        counts = checks.wrong_counts(connection)
        sizes = checks.sizes(connection)
        folders = images.folders(connection)
        records = images.all_images(connection)
    findings = [
        Finding("database", "; ".join(damage[:3]) or "sound", "restore a backup" if damage else ""),
        Finding("rows", ", ".join(f"{count} {name}s" for name, count in sizes.items())),
        Finding("kept counts", "; ".join(counts) or "agree with the labels", "hmgc doctor --repair" if counts else ""),
    ]
    findings += [_folder_finding(path) for path in folders.values()]
    missing = [record.path for record in records if not record.path.exists()]
    findings.append(
        Finding(
            "picture files",
            f"{len(missing)} of {len(records)} are missing, the first is {missing[0]}" if missing else "all there",
            "put them back, or point the workspace to the moved folder on the pictures page" if missing else "",
        )
    )
    free_gb = shutil.disk_usage(ws.folder).free / 1e9
    findings.append(Finding("disk", f"{free_gb:.1f} GB free", "free some space" if free_gb < 1 else ""))
    for name, there in services(ws).items():
        findings.append(
            Finding(name, "running" if there else "not running", "" if there else f"hmgc {name}, or make run")
        )
    return findings


def recount(ws: Workspace) -> None:
    """Make every kept count anew from the statements."""
    with ws.writing() as connection:
        annotations.rebuild(connection)


def _folder_finding(path: Path) -> Finding:
    gone = not path.is_dir()
    remedy = "put it back, or point the workspace to its new place on the pictures page"
    return Finding(f"folder {path}", "gone" if gone else "there", remedy if gone else "")
