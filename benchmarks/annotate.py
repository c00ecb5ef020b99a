"""How fast labelling is, in a real browser on the real app: 100,000 pictures, the 16,344 classes of iNaturalist 2021.

    python benchmarks/annotate.py [--json] [--images 100000] [--labels 200]

Reads the class tree from the folder HMGC_SHARED (default ../shared). The bounds beside the figures are what the project
asks of itself; a loaded machine makes every time here longer, so the load is printed too. About ten minutes.
"""

import argparse
import json
import os
import platform
import random
import statistics
import sys
import tempfile
import time
import timeit
from pathlib import Path

import numpy as np
import streamlit
from annotator import browser as screen
from annotator.clients import Client, label_together, tree_bytes
from annotator.line import line
from annotator.stage import App, free_port, large_workspace, running_app
from playwright.sync_api import Browser
from streamlit.testing.v1 import AppTest

from hmgc_core.taxonomy import Taxonomy
from hmgc_core.taxonomy_io import read_taxonomy
from hmgc_core.workflow import taxonomies
from hmgc_core.workflow.workspaces import Workspace

ROOT = Path(__file__).parents[1]
TREE = Path(os.environ.get("HMGC_SHARED", ROOT.parent / "shared")) / "data" / "taxonomies" / "inat21.tree.csv"
PAGES = ("overview", "taxonomy", "data", "train", "runs", "predictions")
OPENINGS = 7
RERUNS = 12
CLIENTS, LABELS_EACH = 20, 150
COST_LABELS, COST_ROUNDS = 150, 4

Figures = dict[str, object]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--images", type=int, default=100_000)
    parser.add_argument("--labels", type=int, default=200, help="labels given in the browser")
    arguments = parser.parse_args()
    if not TREE.is_file():
        raise SystemExit(
            f"The class tree is not here: {TREE}. Set HMGC_SHARED to the folder that holds data/taxonomies."
        )
    with tempfile.TemporaryDirectory() as folder:
        figures = measure(Path(folder), read_taxonomy(TREE), images=arguments.images, labels=arguments.labels)
    print(json.dumps({"machine": machine(), **figures}) if arguments.json else table(figures))


def measure(folder: Path, tree: Taxonomy, *, images: int, labels: int) -> Figures:
    tell(f"Making a workspace of {images:,} pictures")
    ws = large_workspace(folder, tree, images)
    os.sync()  # else the disk is busy with it while the app is timed
    figures: Figures = {"images": images, "nodes": len(tree)}
    with running_app(ws, folder / "app.log") as app, screen.running_browser() as browser:
        for part in (in_the_browser, over_a_slow_line, searching, opening, other_pages, twenty_clients):
            tell(part.__name__.replace("_", " ").capitalize())
            figures |= part(ws, app, browser, labels)
        figures["app_memory_mb"] = round(app.memory_mb()[0])
    tell("10,000 classes against 100")
    return figures | cost_of_a_large_tree(folder)


def in_the_browser(_ws: Workspace, app: App, browser: Browser, labels: int) -> Figures:
    with screen.profile(browser) as context:
        page = context.new_page()
        traffic = screen.Traffic().over(page)
        screen.open_annotator(page, app.url, "ada")
        screen.label_many(page, 20)  # the first ones warm both sides up
        idle_s = cpu_while(app, lambda: page.wait_for_timeout(10_000)) / 10
        traffic.restart()
        start, before = time.monotonic(), app.cpu_s()
        times = screen.label_many(page, labels)
        cpu_s = app.cpu_s() - before - idle_s * (time.monotonic() - start)
        up, down = traffic.body_bytes()
    posts = sum(request.url.endswith("/api/labels") for request in traffic.posts)
    return {
        "key_to_picture_ms": spread(times),
        "ws_messages_per_label": traffic.messages / labels,
        "posts_per_label": posts / labels,
        "post_bytes_up": round(up),
        "post_bytes_down": round(down),
        "server_cpu_ms_per_label": round(1000 * cpu_s / labels, 2),
    }


def cpu_while(app: App, wait: object) -> float:
    before = app.cpu_s()
    wait()
    return app.cpu_s() - before


def over_a_slow_line(_ws: Workspace, app: App, browser: Browser, labels: int) -> Figures:
    port = free_port()
    with line(app.port, port, added_s=0.1), screen.profile(browser) as context:
        page = context.new_page()
        screen.open_annotator(page, f"http://127.0.0.1:{port}", "bo")
        return {"key_to_picture_ms_rtt100": spread(screen.label_many(page, labels))}


def searching(ws: Workspace, app: App, browser: Browser, _labels: int) -> Figures:
    tree = taxonomies.current_taxonomy(ws)[1]
    queries = typed(tree, 60)
    client = Client(ws, app.port, "searcher")
    sent = json.loads(client.get(f"/api/taxonomy/{tree.content_hash}"))
    parts = (ROOT / "app" / "components" / "annotator" / f"{part}.js" for part in ("typos", "tree"))
    source = "\n".join(part.read_text() for part in parts)
    with screen.profile(browser) as context:
        page = context.new_page()
        screen.open_annotator(page, app.url, "cleo")
        starts = [query[:length] for query in queries for length in range(1, len(query) + 1)]
        slips = [f"{query[:3]}q{query[4:]}" for query in queries]  # nothing is called so: what is near is looked for
        computed = page.evaluate(screen.SEARCH, [source, sent, starts + slips])
        painted = screen.search_to_paint(page, queries[:20])
    total, bare, nodes = tree_bytes(client, tree.content_hash)
    return {
        "search_ms": spread(computed),
        "search_to_paint_ms": spread(painted),
        "taxonomy_gzip_bytes": total,
        "keys_and_parents_gzip_bytes_per_1000_nodes": round(1000 * bare / nodes),
    }


def typed(tree: Taxonomy, count: int) -> list[str]:
    """What people might type: beginnings of names, words from their middle, and a few that are in no name."""
    choice = random.Random(0)
    names = [tree.name(node).lower() for node in choice.sample(range(1, len(tree)), count)]
    return [*(name.split()[-1][:9] for name in names[::2]), *(name[:9] for name in names[1::2]), "xyzzy", "q  z", "é"]


def opening(_ws: Workspace, app: App, browser: Browser, _labels: int) -> Figures:
    with screen.profile(browser) as context:
        page = context.new_page()
        screen.open_annotator(page, app.url, "dora")
        screen.label_many(page, 1)
        page.close()
        opened = [screen.opening_ms(context, app.url) for _ in range(OPENINGS)]
    return {
        "page_open_ms": spread([took for took, _ in opened]),
        "taxonomy_requests_when_opened_again": sum(fetched for _, fetched in opened),
    }


def other_pages(ws: Workspace, app: App, browser: Browser, _labels: int) -> Figures:
    rows, port = [], free_port()
    os.environ["HMGC_WORKSPACE"] = str(ws.folder)
    with line(app.port, port) as passed, screen.profile(browser) as context:
        page = context.new_page()
        page.add_init_script(screen.WATCH_SOCKET)
        for name in PAGES:
            script = statistics.median(script_ms(name))
            reruns = screen.reruns(page, f"http://127.0.0.1:{port}/{name}", RERUNS, passed)
            rerun, in_page = (statistics.median(times) for times in zip(*reruns, strict=True))
            rows.append({
                "page": name, "script_ms": round(script, 1), "rerun_ms": round(rerun, 1),
                "bound_ms": round(3 * script + 10, 1), "in_page_ms": round(in_page, 1),
            })  # fmt: skip
    return {"reruns": rows}


def script_ms(name: str) -> list[float]:
    """The page's script alone, run by Streamlit's own test runner in this process."""
    page = AppTest.from_file(str(ROOT / "app" / "main.py"), default_timeout=60).run()
    page.switch_page(f"pages/{name}.py")
    page.run()
    took = []
    for _ in range(RERUNS):
        start = time.perf_counter()
        page.run()
        took.append(1000 * (time.perf_counter() - start))
    return took


def twenty_clients(ws: Workspace, app: App, _browser: Browser, _labels: int) -> Figures:
    version, tree = taxonomies.current_taxonomy(ws)
    done = label_together(
        ws, app.port, clients=CLIENTS, labels=LABELS_EACH, nodes=list(tree.keys[1:2000]), version=version
    )
    return {
        "labels_per_s_20_clients": round(done.labels_per_s, 1),
        "labels_sent": done.sent,
        "labels_lost": done.lost,
        "labels_doubled": done.doubled,
    }


def cost_of_a_large_tree(folder: Path) -> Figures:
    """Processor time of a label (the queue, its POST) with 10,000 classes over that with 100, in turns."""
    cost: dict[int, list[float]] = {100: [], 10_000: []}
    stages = {}
    for nodes in cost:
        tree = broad_tree(nodes)
        stages[nodes] = large_workspace(folder / str(nodes), tree, 3_000)
    with (
        running_app(stages[100], folder / "small.log") as small,
        running_app(stages[10_000], folder / "large.log") as large,
    ):
        for turn in range(COST_ROUNDS + 1):
            for nodes, app in ((100, small), (10_000, large)):
                spent = cpu_per_label_ms(stages[nodes], app, turn)
                if turn:  # the first turn warms up
                    cost[nodes].append(spent)
    small_ms, large_ms = (statistics.median(cost[nodes]) for nodes in (100, 10_000))
    return {"cpu_ms_100_nodes": round(small_ms, 2), "cpu_ms_10000_nodes": round(large_ms, 2),
            "ratio_10000_to_100_nodes": round(large_ms / small_ms, 2)}  # fmt: skip


def broad_tree(nodes: int) -> Taxonomy:
    """About `nodes` classes in three levels below the root."""
    branches = round(nodes ** (1 / 3))
    edges = [
        (f"class {number}", f"class {number // branches}" if number >= branches else "root") for number in range(nodes)
    ]
    return Taxonomy.from_edges(edges)


def cpu_per_label_ms(ws: Workspace, app: App, turn: int) -> float:
    version, tree = taxonomies.current_taxonomy(ws)
    client = Client(ws, app.port, "ada")
    before, after = app.cpu_s(), ""
    for number in range(COST_LABELS):
        if number % 12 == 0:
            items = json.loads(client.get(f"/api/queue?n=12&after={after}"))["items"]
        item = items[number % 12]
        after = item["after"]
        client.label(item["id"], tree.keys[1 + (turn * COST_LABELS + number) % (len(tree) - 1)], version)
    return 1000 * (app.cpu_s() - before) / COST_LABELS


# --- how it is told ---------------------------------------------------------------------------------------------------


def spread(times: list[float]) -> dict[str, float]:
    return {"p50": round(float(np.percentile(times, 50)), 1), "p95": round(float(np.percentile(times, 95)), 1)}


def machine() -> str:
    """What it was measured on. The last figure tells how quick a core is now: shared ones change by the hour."""
    additions_ms = 1000 * min(timeit.repeat(lambda: sum(number for number in range(1_000_000)), number=1, repeat=5))
    return (
        f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}, "
        f"streamlit {streamlit.__version__}, load {os.getloadavg()[0]:.1f}, "
        f"a million additions in {additions_ms:.0f} ms"
    )


def tell(what: str) -> None:
    print(f"{what} …", file=sys.stderr, flush=True)


def table(figures: Figures) -> str:
    rows = figures.pop("reruns")
    lines = [machine(), "", *(f"{name:48}{value}" for name, value in figures.items()), ""]
    reruns = (
        "{page:12} rerun {rerun_ms:7.1f} of {bound_ms:7.1f} ms, in the page {in_page_ms:7.1f}; script {script_ms:7.1f}"
    )
    lines += [reruns.format(**row) for row in rows]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
