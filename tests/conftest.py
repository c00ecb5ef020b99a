"""Fixtures that many tests share: small trees, small pictures, small workspaces. Real files, real database."""

import csv
import os
from pathlib import Path

# Several test processes share the cores; threads that wait for each other would slow all of them down.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import pytest
from PIL import Image
from small_trainings import samples, train  # noqa: F401 - fixtures for all

from hmgc_core.models.catalog import READING_NAMES
from hmgc_core.records import NewAnnotation, Prediction, QueueChoice, RunConfig
from hmgc_core.store import jobs, predictions
from hmgc_core.taxonomy import Taxonomy
from hmgc_core.workflow import labelling, pictures, queues, taxonomies, training, workspaces
from hmgc_core.workflow.workspaces import Workspace

#            life
#        /          \
#      bird         ship
#     /    \          |
# albatross owl     steamer      (steamer is an only child)
#   /   \             |
# black  gull        tug
TINY_EDGES = [
    ("bird", "life"),
    ("ship", "life"),
    ("albatross", "bird"),
    ("owl", "bird"),
    ("black-footed", "albatross"),
    ("gull-like", "albatross"),
    ("steamer", "ship"),
    ("tug", "steamer"),
]
TINY_LEAVES = ["black-footed", "gull-like", "owl", "tug"]


def backbone_for(model: str) -> str:
    """The smallest backbone that serves this model."""
    return "clip:tiny" if model in READING_NAMES else "resnet_mini"


@pytest.fixture(autouse=True)
def _no_workspace_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HMGC_WORKSPACE", "HMGC_HOST", "HMGC_PORT", "HMGC_ALLOWED_HOSTS", "HMGC_LEASE_S"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def tiny_tree() -> Taxonomy:
    return Taxonomy.from_edges(TINY_EDGES)


@pytest.fixture
def empty_workspace(tmp_path: Path) -> Workspace:
    return workspaces.open_workspace(tmp_path / "workspace")


def write_picture(path: Path, number: int, *, side: int = 48) -> None:
    """A picture whose colour and stripe tell its number; no two are alike."""
    rng = np.random.default_rng(number)
    pixels = np.full((side, side, 3), rng.integers(0, 200, 3), dtype=np.uint8)
    pixels[(number % 7) * 6 : (number % 7) * 6 + 4] = 255
    pixels += rng.integers(0, 30, pixels.shape, dtype=np.uint8)
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)


def write_table(path: Path, rows: list[dict[str, str]]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


@pytest.fixture
def workspace(empty_workspace: Workspace, tiny_tree: Taxonomy, tmp_path: Path) -> Workspace:
    """24 pictures under the tiny tree: 12 train, 4 val, 8 test; nothing labelled."""
    taxonomies.store_taxonomy(empty_workspace, tiny_tree, source="tiny.csv")
    splits = ["train"] * 12 + ["val"] * 4 + ["test"] * 8
    rows = []
    for number, split in enumerate(splits):
        write_picture(tmp_path / "photos" / f"{number:02d}.png", number)
        rows.append({"path": f"photos/{number:02d}.png", "label": "", "split": split})
    pictures.import_images(empty_workspace, write_table(tmp_path / "labels.csv", rows))
    return empty_workspace


def label(ws: Workspace, image_id: int, node: str, *, kind: str = "is", by: str = "ada", uid: str = "") -> str:
    """One statement; returns its uid."""
    version, _ = taxonomies.current_taxonomy(ws)
    uid = uid or f"uid-{by}-{image_id}-{node}-{kind}"
    labelling.annotate(ws, [NewAnnotation(uid, image_id, node, kind, version)], annotator=by)  # type: ignore[arg-type]
    return uid


def upcoming(
    ws: Workspace, queue: str = "", *, by: str = "ada", after: str = "", count: int = 12
) -> list[queues.QueueItem]:
    """The next pictures of a queue for somebody."""
    choice = QueueChoice.parse(queue)
    return queues.next_pictures(ws, choice, annotator=by, after=after, count=count).items


@pytest.fixture
def labelled_workspace(workspace: Workspace) -> Workspace:
    """The workspace with images 1 to 20 labelled: leaves, and for every fourth image its parent; 21 to 24 are not."""
    _, tree = taxonomies.current_taxonomy(workspace)
    for image_id in range(1, 21):
        leaf = TINY_LEAVES[image_id % 4]
        node = tree.keys[tree.parents[tree.index(leaf)]] if image_id % 4 == 0 else leaf
        label(workspace, image_id, node)
    return workspace


@pytest.fixture
def predicted_workspace(labelled_workspace: Workspace) -> Workspace:
    """The labelled workspace with a finished run 1 whose predictions are made up: right, but for image 1 and 2."""
    ws = labelled_workspace
    run_id = training.queue_run(ws, RunConfig(model="flat", backbone="resnet_mini", image_size=16, epochs=1))
    _, tree = taxonomies.current_taxonomy(ws)
    made = []
    for image_id in range(1, 25):
        leaf = tree.index(TINY_LEAVES[(image_id + (image_id <= 2)) % 4])
        path = tuple((tree.keys[node], 0.95 - 0.1 * depth) for depth, node in enumerate(tree.path(leaf)))
        made.append(Prediction(run_id, image_id, tree.keys[leaf], path[-1][1], path, ((tree.keys[leaf], path[-1][1]),)))
    with ws.writing() as connection:
        jobs.claim(connection, owner="test", lease_s=60)
        predictions.replace_all(connection, run_id, made)
        jobs.finish(connection, run_id, owner="test", status="done", metrics={"test": {"leaf_accuracy": 0.9}})
    return ws
