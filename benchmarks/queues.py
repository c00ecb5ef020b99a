"""What each queue costs over 100,000 images and 16,344 classes, and a page of one's own 100,000 labels.

    python benchmarks/queues.py [--json]

Half of the images are labelled, by three people, at all levels of a made-up tree as large as iNaturalist's; a run has
predictions for all. Rows are written straight into the tables: no picture is drawn. `ms` is the processor time of the
verb: `next` after an earlier item, `first` for a person who opens the queue with nothing done in it, `late` for one
who has done 20,000 pictures in it before, `at the end` where nothing is left.
"""

import hashlib
import json
import os
import platform
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from hmgc_core.records import NewAnnotation, Prediction, QueueChoice, RunConfig
from hmgc_core.store import annotations, images, jobs, places, predictions, runs
from hmgc_core.store.images import FoundPicture
from hmgc_core.taxonomy import Taxonomy
from hmgc_core.workflow import own_labels, queues, selections, taxonomies, workspaces
from hmgc_core.workflow.own_labels import OwnFilter
from hmgc_core.workflow.workspaces import Workspace

IMAGES = 100_000
LABELLED = 50_000
NODES = 16_344
REPEATS = 15
CHUNK = 10_000


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        ws = made(Path(folder))
        rows = [*queue_rows(ws), *late_rows(ws), *own_rows(ws)]
    if "--json" in sys.argv:
        print(json.dumps({"machine": machine(), "rows": rows}))
        return
    print(machine())
    for row in rows:
        print(f"{row['what']:34}{row['when']:>12}{row['ms']:>10.2f} ms{row['items']:>5} items")


def machine() -> str:
    return f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}"


def queue_rows(ws: Workspace) -> list[dict[str, object]]:
    _, tree = taxonomies.current_taxonomy(ws)
    top = tree.keys[int(tree.children(0)[0])]
    saved = selections.save(ws, "all", list(range(1, IMAGES + 1)))
    names = ["unlabelled", "unsure", "contradicted", "folder:1", "folder:1/7", f"class:{tree.keys[0]}", f"class:{top}"]
    names += [f"predicted:{tree.keys[0]}", f"predicted:{top}", f"selection:{saved.id}"]
    rows = []
    for name in names:
        choice = QueueChoice.parse(name)
        shown = name.replace(tree.keys[0], "ROOT").replace(top, "TOP")
        first = queues.next_pictures(ws, choice, annotator="grace")
        after = first.items[-1].after
        ask = lambda after: lambda: len(queues.next_pictures(ws, choice, annotator="grace", after=after).items)  # noqa: E731, B023
        rows.append(row(shown, "first", ask("")))
        rows.append(row(shown, "next", ask(after)))
        rows.append(row(shown, "count", lambda: queues.size(ws, choice, annotator="grace").left, repeats=3))  # noqa: B023
    return rows


def late_rows(ws: Workspace) -> list[dict[str, object]]:
    """The same person after a long day: 20,000 more labels, in the order of two queues."""
    rows = []
    for name in ("unsure", "class:n0"):
        choice = QueueChoice.parse(name)
        queues.start_over(ws, choice, annotator="heidi")
        done, after = [], ""
        while len(done) < 20_000:
            items = queues.next_pictures(ws, choice, annotator="heidi", after=after, count=5000).items
            done += [item.image.id for item in items]
            after = items[-1].after
        say(ws, done, by="heidi", salt=name)
        with ws.writing() as connection:
            connection.exec_driver_sql("DELETE FROM reservation")
        ask = lambda: len(queues.next_pictures(ws, choice, annotator="heidi").items)  # noqa: E731, B023
        rows.append(row(name.replace("n0", "ROOT"), "late", ask))
    return rows


def own_rows(ws: Workspace) -> list[dict[str, object]]:
    say(ws, list(range(1, IMAGES + 1)), by="mallory", salt="own")
    _, tree = taxonomies.current_taxonomy(ws)
    rare = tree.keys[int(tree.leaves[-1])]
    filters = {
        "all": OwnFilter(),
        "one class": OwnFilter(node=rare),
        "level 2": OwnFilter(level=2),
        "kind": OwnFilter(kind="unusable"),
        "changed": OwnFilter(state="changed"),
        "taken back": OwnFilter(state="taken back"),
    }
    page = lambda wanted, offset: lambda: len(own_labels.page(ws, wanted, annotator="mallory", offset=offset))  # noqa: E731
    rows = [row(f"my labels: {name}", "first", page(wanted, 0), repeats=5) for name, wanted in filters.items()]
    return [*rows, row("my labels: all", "last page", page(OwnFilter(), IMAGES - 48), repeats=5)]


def row(what: str, when: str, ask: Callable[[], int], *, repeats: int = REPEATS) -> dict[str, object]:
    """The median processor time of a question, asked again and again."""
    items, spent = ask(), []
    for _ in range(repeats):
        before = time.process_time()
        ask()
        spent.append(1000 * (time.process_time() - before))
    return {"what": what, "when": when, "ms": float(np.median(spent)), "items": items}


# --- the workspace ----------------------------------------------------------------------------------------------------


def made(folder: Path) -> Workspace:
    ws = workspaces.open_workspace(folder)
    tree = random_tree()
    version = taxonomies.store_taxonomy(ws, tree, source="made up").version
    for start in range(0, IMAGES, CHUNK):
        numbers = range(start, start + CHUNK)
        with ws.writing() as connection:
            images.add(
                connection, [FoundPicture("", hashlib.sha256(b"%d" % n).hexdigest(), 64, 64, "train") for n in numbers]
            )
            photos = images.folder_id(connection, folder / "photos")
            places.add(connection, photos, {f"{n % 100}/{n:06}.jpg": n + 1 for n in numbers})
    rng = np.random.default_rng(0)
    for place, by in enumerate(("ada", "ben", "chi")):
        say(ws, (rng.permutation(LABELLED)[: LABELLED // 2] + 1).tolist(), by=by, salt=str(place))
    with ws.writing() as connection:
        last = annotations.last_id(connection)
        run = runs.add(connection, RunConfig(), taxonomy_id=version, last_annotation_id=last)
        jobs.claim(connection, owner="benchmark", lease_s=60)
        predictions.replace_all(connection, run, [predicted(tree, run, n, rng) for n in range(1, IMAGES + 1)])
        jobs.finish(connection, run, owner="benchmark", status="done")
    return ws


def random_tree() -> Taxonomy:
    """A tree of seven levels or so, whose first children have about equal shares."""
    rng = np.random.default_rng(1)
    parents = [0] + [
        int(rng.integers(0, 12)) if n < 200 else int(rng.integers(n // 12, n // 3)) for n in range(1, NODES)
    ]
    return Taxonomy.from_edges([(f"n{n}", f"n{min(parents[n], n - 1)}") for n in range(1, NODES)])


def predicted(tree: Taxonomy, run: int, image: int, rng: np.random.Generator) -> Prediction:
    leaf = int(tree.leaves[rng.integers(len(tree.leaves))])
    sure = float(rng.random())
    path = tuple((tree.keys[node], sure) for node in tree.path(leaf))
    return Prediction(run, image, tree.keys[leaf], sure, path, ((tree.keys[leaf], sure),))


def say(ws: Workspace, image_ids: list[int], *, by: str, salt: str) -> None:
    """Labels of one person at random classes."""
    version, tree = taxonomies.current_taxonomy(ws)
    rng = np.random.default_rng(len(salt) + len(by))
    nodes = rng.integers(0, len(tree), len(image_ids)).tolist()
    said = [
        NewAnnotation(f"{salt}-{by}-{image:08}", image, tree.keys[node], "is", version)
        for image, node in zip(image_ids, nodes, strict=True)
    ]
    with ws.writing() as connection:
        annotations.add(connection, said, by=annotations.annotator_id(connection, by))


if __name__ == "__main__":
    main()
