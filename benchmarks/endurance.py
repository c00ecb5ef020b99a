"""Twenty people label for hours in a real browser: memory must stay flat, and every label must be in its place.

    python benchmarks/endurance.py [--json] [--hours 2] [--people 20] [--images 100000]

Each person has a browser profile of their own and labels about 1,000 pictures an hour. Every minute the memory of the
app and of the browser's pages is noted. At the end each label that was given is looked up in the database.
"""

import argparse
import json
import sys
import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from annotate import TREE, machine
from annotator import browser as screen
from annotator.stage import App, large_workspace, running_app
from playwright.sync_api import Browser, BrowserContext, Page

from hmgc_core.taxonomy_io import read_taxonomy
from hmgc_core.workflow.workspaces import Workspace

PAUSE_S = 3.6  # a thousand labels an hour
SAMPLE_S = 60.0
WARM_UP_SHARE = 0.25  # memory is compared from here on
IMAGE = """(picture) => picture.querySelector("img")?.alt ?? "" """


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--hours", type=float, default=2.0)
    parser.add_argument("--people", type=int, default=20)
    parser.add_argument("--images", type=int, default=100_000)
    arguments = parser.parse_args()
    if not TREE.is_file():
        raise SystemExit(
            f"The class tree is not here: {TREE}. Set HMGC_SHARED to the folder that holds data/taxonomies."
        )
    with tempfile.TemporaryDirectory() as folder:
        ws = large_workspace(Path(folder), read_taxonomy(TREE), arguments.images)
        with running_app(ws, Path(folder) / "app.log") as app, screen.running_browser() as browser:
            figures = endure(ws, app, browser, people=arguments.people, hours=arguments.hours)
    print(json.dumps({"machine": machine(), **figures}) if arguments.json else table(figures))


@dataclass
class Person:
    """One annotator at their page. said: (image, class name) as the page showed it; slow: times without a picture."""

    name: str
    page: Page
    due_at_s: float
    said: list[tuple[int, str]] = field(default_factory=list)
    slow: int = 0

    def label(self) -> None:
        """Go into a class, say it, and see the next picture."""
        shown = self.page.locator("[data-part=picture]").evaluate(IMAGE)
        if not shown:
            self.slow += 1
            return
        number = int(shown.rpartition(" ")[2])
        self.page.keyboard.press(str(1 + number % 2))
        key = self.page.locator("[data-part=hereName]").inner_text()
        self.page.keyboard.press("Enter")
        self.said.append((number, key))


def endure(ws: Workspace, app: App, browser: Browser, *, people: int, hours: float) -> dict[str, object]:
    samples: list[tuple[float, ...]] = []
    with ExitStack() as stack:
        contexts = [stack.enter_context(screen.profile(browser)) for _ in range(people)]
        persons = [_seat(context, app, place) for place, context in enumerate(contexts)]
        start = sampled_at = time.monotonic()
        while (now := time.monotonic()) < start + 3600 * hours:
            for person in persons:
                if person.due_at_s <= now:
                    person.label()
                    person.due_at_s = max(person.due_at_s + PAUSE_S, now)
            if now - sampled_at >= SAMPLE_S:
                sampled_at = now
                samples.append((now - start, *app.memory_mb(), sum(_heap_mb(person.page) for person in persons)))
                print(
                    "{:6.0f} s  app {:.0f} MB, {:.0f} of its own  pages {:.0f} MB".format(*samples[-1]), file=sys.stderr
                )
            time.sleep(0.005)
        for person in persons:
            screen.wait_saved(person.page)
    return {**_kept(ws, persons), **_growth(np.array(samples)), "hours": hours, "people": people}


def _seat(context: BrowserContext, app: App, place: int) -> Person:
    page = context.new_page()
    screen.open_annotator(page, app.url, f"person {place}")
    return Person(f"person {place}", page, time.monotonic() + PAUSE_S * place / 20)


def _heap_mb(page: Page) -> float:
    session = page.context.new_cdp_session(page)
    session.send("HeapProfiler.collectGarbage")
    used = session.send("Runtime.getHeapUsage")["usedSize"]
    session.detach()
    return used / 2**20


def _kept(ws: Workspace, persons: list[Person]) -> dict[str, object]:
    """Every label given is in the database once; the class is the one the page named."""
    with ws.reading() as connection:
        rows = connection.exec_driver_sql(
            "SELECT n.name, a.image_id, coalesce(nullif(o.name, ''), o.key), count(*)"
            " FROM annotation a JOIN annotator n ON n.id = a.annotator_id"
            " JOIN node o ON o.key = a.node_key AND o.taxonomy_id = a.taxonomy_id GROUP BY 1, 2, 3"
        )
        stored = {(who, image, key): times for who, image, key, times in rows.all()}
    given = [(person.name, image, key) for person in persons for image, key in person.said]
    return {
        "labels_given": len(given),
        "labels_lost": sum(label not in stored for label in given),
        "labels_doubled": sum(times > 1 for times in stored.values()),
        "labels_nobody_gave": len(stored.keys() - set(given)),
        "waits_for_a_picture": sum(person.slow for person in persons),
    }


def _growth(samples: np.ndarray) -> dict[str, object]:
    """Memory after the warm-up and at the end (mean of the first and last quarter of what follows), and MB an hour."""
    if len(samples) < 8:
        return {"samples": samples.round(1).tolist()}
    steady = samples[int(WARM_UP_SHARE * len(samples)) :]
    quarter = max(1, len(steady) // 4)
    told: dict[str, object] = {}
    for column, name in enumerate(("app", "app_own", "pages"), 1):
        slope = np.polyfit(steady[:, 0] / 3600, steady[:, column], 1)[0]
        told |= {
            f"{name}_memory_mb_early": round(float(steady[:quarter, column].mean()), 1),
            f"{name}_memory_mb_late": round(float(steady[-quarter:, column].mean()), 1),
            f"{name}_memory_mb_per_hour": round(float(slope), 2),
        }
    return told


def table(figures: dict[str, object]) -> str:
    return "\n".join([machine(), "", *(f"{name:32}{value}" for name, value in figures.items())])


if __name__ == "__main__":
    main()
