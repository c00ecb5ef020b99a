"""Take the screenshots of the docs from the running app, on a copy of a demo workspace with finished trainings.

    python docs/take_screenshots.py WORKSPACE [OUT [NAME ...]]

All, or those that are named. Starts the app, the worker and the inspector for the time it takes; says that Ada
is labelling, and labels three pictures. A map and a comparison of coarse labels are shown where the workspace has them.
"""

import os
import re
import shutil
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import sleep

from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

from hmgc_core import report
from hmgc_core.records import Run
from hmgc_core.supervisor import free_port
from hmgc_core.workflow import coarse_labels, picture_maps, training, workspaces

ROOT = Path(__file__).parents[1]
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"]
FLAGS += ["--disable-background-networking", "--disable-component-update", "--disable-sync"]
WIDE, NARROW = {"width": 1440, "height": 900}, {"width": 390, "height": 844}
LOOKS = [("light", WIDE, "light"), ("dark", WIDE, "dark"), ("light", NARROW, "narrow")]
PATIENT_MS = 120_000  # the first heatmap waits until the inspector has loaded torch
SETTLE_MS = 1500
START_S = 120
REPORT = "report.html"
GRAPHS = ("vig", "graphconvnet", "pvig")


@dataclass(frozen=True)
class Shot:
    """One picture of a page. ready: what is there when the page is done. top: what stands at the upper edge, "" for the
    page's own; act: what a person does first."""

    name: str
    address: str
    ready: str
    top: str = ""
    act: Callable[[Page], None] = lambda _: None


def main() -> None:
    workspace = Path(sys.argv[1]).resolve()
    out = Path(sys.argv[2]) if len(sys.argv) > 2 else ROOT / "docs" / "screenshots"
    out.mkdir(parents=True, exist_ok=True)
    with running_app(workspace) as address:
        take(workspace, address, out, sys.argv[3:])


def take(workspace: Path, address: str, out: Path, names: list[str]) -> None:
    """Take the named shots, all for [], of the app at this address."""
    with sync_playwright() as playwright:
        chromium = os.environ.get("HMGC_CHROMIUM") or shutil.which("chromium")
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        every = [*shots(workspace, mistake(browser, address)), report_shot(workspace, out)]
        wanted = [shot for shot in every if shot.name in names or not names]
        for theme, size, suffix in LOOKS:
            visit(browser, address, out, wanted, theme=theme, size=size, suffix=suffix)
        browser.close()
        (out / REPORT).unlink()


def report_shot(workspace: Path, out: Path) -> Shot:
    """The report of the newest good run as a file of its own, written for as long as the shots take."""
    ws = workspaces.open_workspace(workspace)
    best = max((run for run in training.all_runs(ws) if run.status == "done"), key=rightness)
    report.write(ws, best.id, out / REPORT)
    return Shot("report", (out / REPORT).as_uri(), "svg")


@contextmanager
def running_app(workspace: Path) -> Iterator[str]:
    port = free_port("127.0.0.1", 8600)
    address = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "hmgc_core", "serve", "--port", str(port), "--workspace", str(workspace)]
    process = subprocess.Popen(command, cwd=ROOT)
    try:
        wait_for(f"{address}/api/health")
        yield address
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait()


def wait_for(url: str) -> None:
    for _ in range(START_S):
        try:
            with urllib.request.urlopen(url, timeout=2):
                return
        except OSError:
            sleep(1)
    raise TimeoutError(f"nothing answers at {url}")


def mistake(browser: Browser, address: str) -> int:
    """The number of the test picture that the page shows first of those the newest good run gets wrong."""
    page = browser.new_page()
    page.goto(f"{address}/predictions?run=1&show=wrong&split=test&order=surest")
    card = page.locator(".gallery button").nth(MISTAKE)
    card.wait_for(timeout=PATIENT_MS)
    number = int(str(card.get_attribute("data-id")))
    page.close()
    return number


# --- what is shown ----------------------------------------------------------------------------------------------------

MISTAKE = 1
NODE = "albatross"
WHY = "text=Why this answer"
GALLERY = ".gallery button .name"
UPPERMOST = "part => { part.style.scrollMarginTop = '84px'; part.scrollIntoView({ block: 'start' }) }"


def shots(workspace: Path, image: int) -> list[Shot]:
    """All pictures of the docs; image: the one whose page is shown."""
    ws = workspaces.open_workspace(workspace)
    done = [run for run in training.all_runs(ws) if run.status == "done"]
    done.sort(key=rightness, reverse=True)
    best = done[0].id
    picture = f"predictions?run={best}&image={image}"
    chart = f"predictions?run={best}&split=test&chart="
    tree = f"taxonomy?run={best}&colour=accuracy&view="
    made = [
        Shot("overview", "overview", "[data-testid=stPageLink]"),
        Shot("annotate", "annotate", ".annotator .picture img", act=label_three),
        Shot("many", "annotate?way=many", ".tiles img, .wall img"),
        *(Shot(name, name, "h2, h1") for name in ("train", "runs")),
        Shot("predictions", f"predictions?run={best}", GALLERY),
        Shot("tree-boxes", f"{tree}boxes", "[role=treeitem]"),
        Shot("tree-rings", f"{tree}rings", "svg.rings", top="svg.rings"),
        Shot("tree-list", f"{tree}list", "[role=treeitem]"),
        Shot("class-card", f"{tree}boxes&node={NODE}", ".card h2", top=".card h2"),
        *(Shot(f"chart-{name}", f"{chart}{name}", CHARTED) for name in ("classes", "mixed", "far", "sure", "careful")),
        Shot("chart-runs", f"{chart}runs&with={done[min(1, len(done) - 1)].id}", CHARTED),
        Shot("heatmaps", picture, "img.heat", WHY),
        Shot("contrast", f"{picture}&siblings=yes", "img.heat", WHY),
        Shot("alike", f"{picture}&why=alike", ".near img", WHY),
        Shot("around", f"{picture}&why=around", "text=the way to the answer", WHY),
        Shot(
            "marking", f"predictions?run={best}&show=unlabelled&class={NODE}&order=surest", GALLERY, act=mark_and_label
        ),
    ]
    graphs = next((run for run in done if run.config.backbone.startswith(GRAPHS)), None)
    if graphs:
        made.append(Shot("patches", f"predictions?run={graphs.id}&image={image}&why=patches", ".patches figure", WHY))
    for run in done:
        if picture_maps.newest_map(ws, run.id):
            made.append(Shot("map", f"map?run={run.id}&level=1", ".stage canvas", ".stage"))
            break
    for run in done:
        if coarse_labels.bought(ws, run.id):
            made.append(Shot("bought", f"runs?run={run.id}", BOUGHT, BOUGHT))
            break
    return made


CHARTED = "[data-mark]"
BOUGHT = "text=What the coarse labels bought"


def rightness(run: Run) -> float:
    return float(run.metrics.get("test", {}).get("leaf_accuracy", 0))


def mark_and_label(page: Page) -> None:
    """Mark six pictures, open the window that labels them, and look a class up in it."""
    for place in range(6):
        page.locator(".gallery button .check").nth(place).click(force=True)
    page.locator(".room [data-do=label]").click()
    tell_who(page)
    page.locator("dialog.sheet .crumbs button").first.wait_for(timeout=PATIENT_MS)
    page.locator("dialog.sheet .likely button").first.click()
    page.locator("dialog.sheet .crumbs button").nth(-2).click()
    page.locator("dialog.sheet h3").first.wait_for(timeout=PATIENT_MS)


def label_three(page: Page) -> None:
    """Label one picture in the middle of the tree, one as the model suggests, one a level further down."""
    for keys in (["1", "Enter"], ["Space"], ["1", "1", "Enter"]):
        for key in keys:
            page.keyboard.press(key)
            page.wait_for_timeout(150)
        page.wait_for_timeout(700)


# --- taking it --------------------------------------------------------------------------------------------------------


def visit(
    browser: Browser, address: str, out: Path, wanted: list[Shot], *, theme: str, size: dict, suffix: str
) -> None:
    context = browser.new_context(viewport=size, color_scheme=theme)  # type: ignore[arg-type]
    context.set_default_timeout(PATIENT_MS)
    for shot in wanted:
        page = context.new_page()
        page.goto(shot.address if shot.address.startswith("file:") else f"{address}/{shot.address}")
        if shot.address.startswith("annotate"):
            tell_who(page)
        page.locator(shot.ready).first.wait_for()
        shot.act(page)
        page.wait_for_timeout(SETTLE_MS)
        if shot.top:
            page.locator(shot.top).first.evaluate(UPPERMOST)
            page.wait_for_timeout(SETTLE_MS)
        keep(page, out / f"{shot.name}-{suffix}.png")
        page.close()
    context.close()


def tell_who(page: Page) -> None:
    """Say who is labelling, where that is asked."""
    question = page.get_by_label("Your name")
    question.or_(page.locator(".annotator, .wall, dialog.sheet")).first.wait_for()
    if question.is_visible():
        question.fill("Ada")
        page.get_by_role("button", name=re.compile("Start labelling")).click()


def keep(page: Page, path: Path) -> None:
    """256 colours are enough to read by, and keep the pictures small in git."""
    page.screenshot(path=path)
    Image.open(path).convert("RGB").quantize(256, dither=Image.Dither.NONE).save(path, optimize=True)


if __name__ == "__main__":
    main()
