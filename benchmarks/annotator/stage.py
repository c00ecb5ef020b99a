"""A workspace of 100,000 pictures and a large tree, and the real app on it as a process of its own."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import sqlalchemy as sa
from PIL import Image

from hmgc_core.records import Prediction, RunConfig
from hmgc_core.store import annotations, images, jobs, places, predictions, runs
from hmgc_core.store.images import FoundPicture
from hmgc_core.supervisor import app_environment
from hmgc_core.taxonomy import Taxonomy
from hmgc_core.workflow import taxonomies, workspaces
from hmgc_core.workflow.workspaces import Workspace

ROOT = Path(__file__).parents[2]
FILES = 300
SIZE = (640, 480)
START_S = 120
CHUNK = 5_000


def large_workspace(folder: Path, tree: Taxonomy, count: int) -> Workspace:
    """`count` image rows over 300 files, and a finished run that has a suggestion for each.

    A workspace keeps one row for each content; here the rows get invented hashes, so that few files do for many rows.
    """
    ws = workspaces.open_workspace(folder / "workspace")
    taxonomies.store_taxonomy(ws, tree, source="benchmark")
    draw_photos(folder / "photos")
    for start in range(0, count, CHUNK):
        with ws.writing() as connection:
            add_images(connection, folder, range(start, min(start + CHUNK, count)))
    _suggest(ws, tree, count)
    return ws


def draw_photos(folder: Path) -> None:
    """Photo-like JPEG files of about 30 kB."""
    random = np.random.default_rng(0)
    folder.mkdir(parents=True)
    for number in range(FILES):
        small = random.integers(0, 255, (6, 8, 3), dtype=np.uint8)
        smooth = np.asarray(Image.fromarray(small).resize(SIZE, Image.Resampling.BICUBIC), dtype=np.float64)
        noisy = smooth + random.normal(0, 10, smooth.shape)
        Image.fromarray(np.clip(noisy, 0, 255).astype(np.uint8)).save(folder / f"{number:03}.jpg", quality=80)


def add_images(
    connection: sa.Connection, folder: Path, numbers: range, split: Callable[[int], str] = lambda _number: "train"
) -> None:
    """Each row has a path of its own: the same 300 files, seen through many names of their folder."""
    hashes = {number: f"{number:064x}" for number in numbers}
    where = {}
    for number in numbers:
        shelf = folder / f"shelf-{number // FILES:04}"
        if not shelf.exists():
            shelf.symlink_to(folder / "photos", target_is_directory=True)
        where[number] = f"{shelf.name}/{number % FILES:03}.jpg"
    base = images.folder_id(connection, folder)
    images.add(connection, [FoundPicture(where[n], hashes[n], *SIZE, split(n)) for n in numbers])
    known = images.by_sha256(connection, hashes.values())
    places.add(connection, base, {where[n]: known[hashes[n]][0] for n in numbers})


def _suggest(ws: Workspace, tree: Taxonomy, count: int) -> None:
    version = taxonomies.current_taxonomy(ws)[0]
    random = np.random.default_rng(1)
    with ws.writing() as connection:
        newest = annotations.last_id(connection)
        run_id = runs.add(connection, RunConfig(model="flat"), taxonomy_id=version, last_annotation_id=newest)
        jobs.claim(connection, owner="benchmark", lease_s=600)
    leaves = random.choice(tree.leaves, (count, 5))
    said = [_prediction(run_id, image_id, tree, row) for image_id, row in enumerate(leaves, 1)]
    with ws.writing() as connection:
        predictions.replace_all(connection, run_id, said)
        jobs.finish(connection, run_id, owner="benchmark", status="done", progress=1.0)


def _prediction(run_id: int, image_id: int, tree: Taxonomy, leaves: np.ndarray) -> Prediction:
    path = [(tree.keys[node], round(0.9 / step, 4)) for step, node in enumerate(tree.path(int(leaves[0])), 1)]
    top = [(tree.keys[leaf], round(0.5 / place, 4)) for place, leaf in enumerate(leaves, 1)]
    return Prediction(run_id, image_id, tree.keys[leaves[0]], path[-1][1], tuple(path), tuple(top))


# --- the app ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class App:
    """The running app. port: where it listens. process: its process, nothing else runs in it."""

    port: int
    process: subprocess.Popen[bytes]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def cpu_s(self) -> float:
        """Processor time the app has taken so far, in the kernel and outside."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def memory_mb(self) -> tuple[float, float]:
        """Memory the app holds now: in all (its resident set), and without the files that it shares with others."""
        lines = Path(f"/proc/{self.process.pid}/smaps_rollup").read_text().splitlines()[1:]
        kb = {name: int(words.split()[0]) for name, _, words in (line.partition(":") for line in lines)}
        return kb["Rss"] / 1024, kb["Anonymous"] / 1024


@contextmanager
def running_app(ws: Workspace, log: Path) -> Iterator[App]:
    """The app as `hmgc serve` runs it, without worker and inspector; ended afterwards."""
    port = free_port()
    command = [sys.executable, "-m", "streamlit", "run", str(ROOT / "streamlit_app.py")]
    command += ["--server.port", str(port), "--server.address", "127.0.0.1"]
    environment = app_environment(ws.folder, "127.0.0.1")
    with log.open("wb") as out:
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, stdout=out, stderr=out)
    try:
        app = App(port, process)
        _wait(app, log)
        yield app
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(20)


def _wait(app: App, log: Path) -> None:
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline and app.process.poll() is None:
        try:
            with urllib.request.urlopen(f"{app.url}/api/health", timeout=1):
                return
        except OSError:
            time.sleep(0.1)
    raise SystemExit(f"the app did not start:\n{log.read_text()}")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
