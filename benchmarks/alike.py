"""Screens of look-alikes: how quickly they come at 100,000 pictures, and how pure they are against random order.

    python benchmarks/alike.py [--json] [--epochs 12] [--only speed|grocery|demo]

speed: through the real route, over 100,000 rows and made-up vectors of 512 numbers. grocery, demo: a model is trained
on the labels at hand (of the grocery photos one training photo in five), then a simulated person goes through all that
is unlabelled: names the deepest class that at least half of a screen shares, takes the others out, goes on. Purity is
the share of a screen in its most frequent class, per level. The photos are read from HMGC_SHARED (default ../shared).
"""

import argparse
import csv
import json
import os
import shutil
import statistics
import sys
import tempfile
import time
import uuid
from collections import Counter
from pathlib import Path

import numpy as np
import sqlalchemy as sa
from starlette.applications import Starlette
from starlette.testclient import TestClient

from app import security
from app.server.routes import routes
from hmgc_core import worker
from hmgc_core.demo.plan import plan_images
from hmgc_core.exchange.table import TableRow, write_table
from hmgc_core.likeness import compacted
from hmgc_core.records import NewAnnotation, RunConfig
from hmgc_core.store import annotations, images, jobs, schema, screens
from hmgc_core.taxonomy import Taxonomy
from hmgc_core.workflow import alike, labelling, pictures, taxonomies, training, workspaces
from hmgc_core.workflow.embeddings import embeddings
from hmgc_core.workflow.workspaces import Workspace

ROOT = Path(__file__).parents[1]
PHOTOS = Path(os.environ.get("HMGC_SHARED", ROOT.parent / "shared")) / "data" / "grocery"
IMAGES, WIDTH = 100_000, 512
SCREEN = 40


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--epochs", type=int, default=12)
    parser.add_argument("--only", choices=["speed", "grocery", "demo"])
    arguments = parser.parse_args()
    parts = {"speed": speed, "grocery": lambda: grocery(arguments.epochs), "demo": demo}
    if not PHOTOS.is_dir():
        print(f"The photos are not here: {PHOTOS}; their part is left out.", file=sys.stderr)
        del parts["grocery"]
    wanted = [arguments.only] if arguments.only else list(parts)
    told = {name: parts[name]() for name in wanted if name in parts}
    told["machine"] = f"{os.cpu_count()} cores, numpy {np.__version__}, load {os.getloadavg()[0]:.1f}"
    if arguments.json:
        print(json.dumps(told))
        return
    for name, figures in told.items():
        print(f"{name}: {figures}")


# --- speed ------------------------------------------------------------------------------------------------------------


def speed() -> dict:
    with tempfile.TemporaryDirectory() as folder:
        ws = workspaces.open_workspace(Path(folder) / "workspace")
        taxonomies.store_taxonomy(ws, Taxonomy.from_edges([("bird", "life"), ("ship", "life")]), source="made up")
        run_id = crowded(ws)
        vectors = np.load(ws.run_folder(run_id) / "embeddings.npy", mmap_mode="r")
        figures: dict = {"images": IMAGES, "width": WIDTH}
        figures["after_training_ms"] = round(1000 * timed(lambda: compacted(vectors))[0])
        embeddings(ws.run_folder(run_id))
        os.environ["HMGC_WORKSPACE"] = str(ws.folder)
        token = security.sign(ws.secret(), "ada")
        with TestClient(
            Starlette(routes=routes), base_url="http://127.0.0.1", headers={security.TOKEN_HEADER: token}
        ) as client:
            client.get("/api/health")
            first_s, screen = timed(lambda: client.get(f"/api/alike?n={SCREEN}").json())
            figures["first_screen_ms"] = round(1000 * first_s)
            next_s, cpu_s = [], []
            for _ in range(30):
                ids = [item["id"] for item in screen["items"]]
                labelling.annotate(ws, [said(i, "bird", 1) for i in ids], annotator="ada")
                address = f"/api/alike?n={SCREEN}&after={screen['after']}&without={','.join(map(str, ids))}"
                began = time.process_time()
                seconds, screen = timed(lambda address=address: client.get(address).json())
                next_s.append(seconds)
                cpu_s.append(time.process_time() - began)
        figures["next_screen_ms"] = {
            "p50": round(1000 * statistics.median(next_s), 1),
            "p95": round(1000 * float(np.quantile(next_s, 0.95)), 1),
        }
        figures["next_screen_cpu_ms"] = round(1000 * statistics.median(cpu_s), 1)  # both cores together, and the client
        return figures


def crowded(ws: Workspace) -> int:
    """Rows of IMAGES pictures and a finished run with vectors in a thousand loose heaps; returns the run."""
    rng = np.random.default_rng(0)
    with ws.writing() as connection:
        folder = images.folder_id(connection, Path("/pictures"))
        moment = schema.now()
        rows = [
            {
                "id": i, "sha256": f"{i:064x}", "width": 640, "height": 480, "split": "train",
                "priority": int(rng.integers(2**31)), "words": 0, "created_at": moment,
            }
            for i in range(1, IMAGES + 1)
        ]  # fmt: skip
        connection.execute(schema.image.insert(), rows)
        places = [{"image_id": i, "folder_id": folder, "path": f"{i}.jpg"} for i in range(1, IMAGES + 1)]
        connection.execute(schema.image_path.insert(), places)
        images.change_tally(connection, "train", labelled=False, by=IMAGES)
        by = annotations.annotator_id(connection, "import")
        annotations.add(connection, [said(1, "bird", 1), said(2, "ship", 1)], by=by)
    run_id = training.queue_run(ws, RunConfig(model="flat", backbone="resnet_mini", image_size=16, epochs=1))
    with ws.writing() as connection:
        jobs.claim(connection, owner="benchmark", lease_s=60)
        path = json.dumps([["bird", 0.9]])
        connection.execute(
            sa.text("insert into prediction select :run, id, 'bird', 0.9, :path, :path from image"),
            {"run": run_id, "path": path},
        )
        jobs.finish(connection, run_id, owner="benchmark", status="done")
    heaps = rng.normal(size=(1000, WIDTH)).astype(np.float32)
    vectors = heaps[rng.integers(1000, size=IMAGES)] + rng.normal(size=(IMAGES, WIDTH)).astype(np.float32)
    ws.run_folder(run_id).mkdir(parents=True)
    np.save(ws.run_folder(run_id) / "embeddings.npy", np.maximum(vectors, 0).astype(np.float16))
    np.save(ws.run_folder(run_id) / "embedding_images.npy", np.arange(1, IMAGES + 1))
    return run_id


def timed(work):
    start = time.perf_counter()
    value = work()
    return time.perf_counter() - start, value


def said(image_id: int, node: str, version: int) -> NewAnnotation:
    return NewAnnotation(str(uuid.uuid4()), image_id, node, "is", version)


# --- purity -----------------------------------------------------------------------------------------------------------


def grocery(epochs: int) -> dict:
    with (PHOTOS / "labels.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    with tempfile.TemporaryDirectory() as folder:
        ws = workspaces.open_workspace(Path(folder) / "workspace")
        taxonomies.import_taxonomy(ws, PHOTOS / "tree.csv")
        shutil.copytree(PHOTOS / "images", Path(folder) / "images")
        train = [row for row in rows if row["split"] == "train"]
        kept = {row["path"] for row in train[::5]} | {row["path"] for row in rows if row["split"] != "train"}
        table = [
            TableRow(0, row["path"], row["leaf"] if row["path"] in kept else "", row["split"], "import") for row in rows
        ]
        write_table(Path(folder) / "labels.csv", table)
        pictures.import_images(ws, Path(folder) / "labels.csv")
        run(ws, training.queue_run(ws, RunConfig(model="flat", epochs=epochs)))
        return purity(ws, {Path(folder) / row["path"]: row["leaf"] for row in rows})


def demo() -> dict:
    with tempfile.TemporaryDirectory() as folder:
        ws = workspaces.init_demo(Path(folder) / "workspace")
        run(ws, training.all_runs(ws)[0].id)
        plan = plan_images(1000, np.random.default_rng([0, 0]))
        return purity(ws, {ws.folder / "demo" / image.path: image.leaf for image in plan})


def run(ws: Workspace, run_id: int) -> None:
    worker.wait_for(ws, run_id, on_progress=lambda *_: None)
    ended = training.run(ws, run_id)
    if ended.status != "done":
        raise SystemExit(f"the run is {ended.status}: {ended.error}")


def purity(ws: Workspace, truth: dict[Path, str]) -> dict:
    version, tree = taxonomies.current_taxonomy(ws)
    with ws.reading() as connection:
        records = images.all_images(connection)
        free = set(screens.next_free(connection, alike.asker_of(connection, "ada"), count=len(records)))
    paths = {
        record.id: [tree.keys[node] for node in tree.path(tree.index(truth[record.path]))]
        for record in records
        if record.id in free
    }
    shuffled = np.random.default_rng(0).permutation(sorted(paths)).tolist()
    at_random = [shuffled[start : start + SCREEN] for start in range(0, len(shuffled), SCREEN)]
    worked = list(work_through(ws, version, paths))
    return {
        "unlabelled": len(paths),
        "screens": len(worked),
        "purity": per_level([ids for ids, _ in worked], paths, tree.depth),
        "purity_of_the_first_half": per_level([ids for ids, _ in worked[: len(worked) // 2]], paths, tree.depth),
        "purity_at_random": per_level(at_random, paths, tree.depth),
        "labelled_a_screen": round(statistics.mean(len(done) for _, done in worked), 1),
        "taken_out_a_screen": round(statistics.mean(len(ids) - len(done) for ids, done in worked), 1),
        "levels_of_labels": dict(sorted(Counter(level for ids, done in worked for level in done.values()).items())),
    }


def work_through(ws: Workspace, version: int, paths: dict[int, list[str]]):
    """Screen by screen until nothing new comes: (ids shown, {id labelled: level})."""
    after, aside = "", set()
    while True:
        screen = alike.next_screen(ws, annotator="ada", count=SCREEN, after=after, without=aside)
        ids = [tile.image.id for tile in screen.tiles]
        if not ids:
            return
        level, key = shared_class([paths[i] for i in ids])
        done = {i: level for i in ids if key in paths[i]}
        labelling.annotate(ws, [said(i, key, version) for i in done], annotator="ada")
        aside |= set(ids) - done.keys()
        after = screen.after
        yield ids, done


def shared_class(shown: list[list[str]]) -> tuple[int, str]:
    """(level, key) of the deepest class that at least half share; of the most frequent one at the top where none is."""
    found = (1, Counter(path[0] for path in shown).most_common(1)[0][0])
    for level in range(1, max(map(len, shown)) + 1):
        key, count = Counter(path[level - 1] for path in shown if len(path) >= level).most_common(1)[0]
        if 2 * count >= len(shown):
            found = level, key
    return found


def per_level(screens: list[list[int]], paths: dict[int, list[str]], depth: int) -> list[float]:
    """Mean share of a screen in its most frequent class, per level, the top first."""
    shares = [
        [
            Counter(paths[i][min(level, len(paths[i]) - 1)] for i in ids).most_common(1)[0][1] / len(ids)
            for level in range(depth)
        ]
        for ids in screens
    ]
    return [round(statistics.mean(level), 3) for level in zip(*shares, strict=True)]


if __name__ == "__main__":
    main()
