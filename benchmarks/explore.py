"""Looking through 100,000 predictions in a real browser on the real app: openings, clicks, galleries, memory.

    python benchmarks/explore.py [--json] [--images 100000] [--interactions 500]

Reads the class tree (16,344 nodes) from the folder HMGC_SHARED (default ../shared). Two finished runs with embeddings.
"Answered" is the time from a click's first message to the last message of the answer, on the line: the app's work and
what the machine adds. The asked figures are those of the project. About fifteen minutes.
"""

import argparse
import json
import os
import statistics
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from annotate import TREE, machine, tell
from annotator import browser as screen
from annotator.stage import App, running_app
from explorer.clicks import Cost, click, open_page, watched
from explorer.stage import two_runs
from playwright.sync_api import Browser, Page

from hmgc_core.taxonomy_io import read_taxonomy

ASKED = {"opening_s": 2.0, "answered_s": 0.5, "messages": 10, "gallery_bytes": 3000, "memory_mb": 500}
PAGES = {
    "Overview": "",
    "Class tree": "taxonomy",
    "Pictures": "data",
    "Train": "train",
    "Runs": "runs",
    "Runs, two side by side": "runs?run=2&with=1",
    "Predictions": "predictions",
    "Predictions, weak classes": "predictions?run=2&chart=classes",
    "Predictions, mixed up": "predictions?run=2&chart=mixed",
    "Predictions, how sure": "predictions?run=2&chart=sure",
    "Predictions, two runs": "predictions?run=2&chart=runs&with=1",
    "One picture": "predictions?run=2&image=17",
}
CHARTS = ("Weak and strong classes", "Mixed up", "How far off", "How sure", "How careful", "Two runs")
ROUNDS = 3
MEMORY_EVERY = 50

Figures = dict[str, object]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--images", type=int, default=100_000)
    parser.add_argument("--interactions", type=int, default=500, help="over which memory has to stay flat")
    arguments = parser.parse_args()
    if not TREE.is_file():
        raise SystemExit(
            f"The class tree is not here: {TREE}. Set HMGC_SHARED to the folder that holds data/taxonomies."
        )
    with tempfile.TemporaryDirectory() as folder:
        figures = measure(Path(folder), images=arguments.images, interactions=arguments.interactions)
    print(json.dumps({"machine": machine(), **figures}) if arguments.json else table(figures))


def measure(folder: Path, *, images: int, interactions: int) -> Figures:
    tree = read_taxonomy(TREE)
    tell(f"Making a workspace of {images:,} pictures and two runs")
    ws = two_runs(folder, tree, images)
    os.sync()  # else the disk is busy with it while the app is timed
    figures: Figures = {"images": images, "nodes": len(tree), "interactions": interactions}
    with running_app(ws, folder / "app.log") as app, screen.running_browser() as browser:
        tell("Openings")
        figures["openings"] = openings(app, browser)
        tell("Clicks")
        figures["clicks"] = clicks(app, browser)
        tell(f"Memory over {interactions} interactions")
        figures["memory_mb"] = memory(app, browser, interactions)
    return figures


def openings(app: App, browser: Browser) -> list[Figures]:
    """The first opening of each page in a fresh profile, then the median of the next ones."""
    rows: list[Figures] = []
    for name, path in PAGES.items():
        with screen.profile(browser) as context:
            times = [open_page(watched(context.new_page()), f"{app.url}/{path}") for _ in range(1 + ROUNDS)]
        rows.append({"page": name, "first_s": round(times[0], 2), "again_s": round(statistics.median(times[1:]), 2)})
        print("  {page:28} first {first_s:6.2f} s, again {again_s:6.2f} s".format(**rows[-1]), file=sys.stderr)
    return rows


def clicks(app: App, browser: Browser) -> list[Figures]:
    """Each kind of click a few times, the first one apart: it may fill a cache."""
    rows: list[Figures] = []
    with screen.profile(browser) as context:
        page = watched(context.new_page())
        costs: dict[str, list[Cost]] = {}
        for _ in range(1 + ROUNDS):
            open_page(page, f"{app.url}/predictions?run=2")
            for name, act in _walk(page):
                costs.setdefault(name, []).append(click(page, act))
    for name, (first, *later) in costs.items():
        rows.append(
            {
                "click": name,
                "first_s": round(first.answered_s, 3),
                "answered_s": round(statistics.median(cost.answered_s for cost in later), 3),
                "messages": max(cost.messages for cost in later),
                "bytes_down": round(statistics.median(cost.bytes_down for cost in later)),
            }
        )
        print(
            "  {click:32} first {first_s:6.3f} s, {answered_s:6.3f} s, {messages} messages, {bytes_down} bytes".format(
                **rows[-1]
            ),
            file=sys.stderr,
        )
    return rows


def _walk(page: Page) -> list[tuple[str, Callable[[], object]]]:
    """From the whole split to one picture, by every chart."""
    steps: list[tuple[str, Callable[[], object]]] = []
    for chart in CHARTS:
        steps.append((f"chart: {chart}", lambda chart=chart: _choose(page, chart)))
        steps.append((f"mark: {chart}", lambda: page.locator(".drawing .mark").first.click(force=True)))
    steps += [
        ("show all again", lambda: page.get_by_role("button", name="Show all again").click()),
        ("chart: none", lambda: _choose(page, "Only pictures")),
        ("page of 60 pictures", page.get_by_role("button", name="Page 2", exact=True).first.click),
        ("filter: wrong", lambda: _choose(page, "✗ Wrong")),
        ("filter: all", lambda: _choose(page, "All")),
        ("open a picture", page.locator(".gallery img").first.click),
        ("next picture", lambda: page.get_by_role("button", name="Next").click()),
        ("back to all pictures", lambda: page.get_by_role("button", name="All pictures").click()),
    ]
    return steps


def _choose(page: Page, name: str) -> None:
    page.get_by_role("radio", name=name, exact=True).or_(
        page.get_by_role("button", name=name, exact=True)
    ).first.click()


def memory(app: App, browser: Browser, interactions: int) -> list[float]:
    """The app's resident memory at the start and after every so many interactions, in MB."""
    samples = [app.memory_mb()[0]]
    done = 0
    with screen.profile(browser) as context:
        page = watched(context.new_page())
        while done < interactions:
            open_page(page, f"{app.url}/predictions?run=2")
            for _, act in _walk(page):
                click(page, act)
                done += 1
                if done % MEMORY_EVERY == 0:
                    samples.append(app.memory_mb()[0])
                    print(f"  {done:4} interactions: {samples[-1]:.0f} MB", file=sys.stderr)
    return [round(sample, 1) for sample in samples]


def table(figures: Figures) -> str:
    """The figures as the tables of docs/results/explore.md."""
    lines = [machine(), "", "| page | first opening | again |", "|---|---|---|"]
    lines += ["| {page} | {first_s:.2f} s | {again_s:.2f} s |".format(**row) for row in figures["openings"]]
    lines += ["", "| click | first | answered | messages | bytes down |", "|---|---|---|---|---|"]
    shape = "| {click} | {first_s:.3f} s | {answered_s:.3f} s | {messages} | {bytes_down:,} |"
    lines += [shape.format(**row) for row in figures["clicks"]]
    lines += ["", f"Memory of the app, MB, every {MEMORY_EVERY} interactions: {figures['memory_mb']}", ""]
    return "\n".join([*lines, f"Asked: {ASKED}"])


if __name__ == "__main__":
    main()
