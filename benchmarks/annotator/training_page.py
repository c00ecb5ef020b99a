"""A training asked for on the train page, and its predictions and heatmaps looked at, in a real Chromium."""

import re
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Page

from annotator import browser as screen
from annotator.stage import free_port
from app.components import model_words

LONGEST_TRAINING_MS = 1_800_000
LONGEST_HEATMAPS_MS = 180_000
HEAT = "img.heat"


@contextmanager
def open_studio(workspace: Path) -> Iterator[tuple[Page, str]]:
    """The whole app on a workspace, as people start it, and a page of a fresh browser: (page, address)."""
    port = free_port()
    command = [sys.executable, "-m", "hmgc_core", "serve", "--workspace", str(workspace), "--port", str(port)]
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    try:
        for line in process.stdout:
            if found := re.search(rb"http://\S+", line):
                break
        else:
            raise SystemExit("the app did not start")
        address = found.group().decode()
        with urllib.request.urlopen(f"{address}/api/health", timeout=60):
            pass
        with screen.running_browser() as browser, screen.profile(browser) as context:
            yield context.new_page(), address
    finally:
        process.terminate()
        process.wait(60)


def train(page: Page, address: str, model: str, backbone: str) -> int:
    """Choose model and backbone, leave the rest as the last run had it, start, wait; the number of the run."""
    page.goto(f"{address}/train")
    _choose(page, "Model", model)
    _choose(page, "Backbone", model_words.backbone(backbone), type_in=backbone)
    page.get_by_role("button", name="Start training").click()
    said = page.get_by_text(re.compile(r"Run \d+ waits for its turn")).first
    problem = page.get_by_test_id("stAlertContentError").first
    said.or_(problem).first.wait_for()
    if problem.is_visible():
        raise SystemExit(f"{model} on {backbone}: {problem.inner_text()}")
    run = int(re.search(r"\d+", said.inner_text()).group())
    page.get_by_role("heading", name="In progress").wait_for()
    page.get_by_role("heading", name="In progress").wait_for(state="detached", timeout=LONGEST_TRAINING_MS)
    return run


def _choose(page: Page, label: str, option: str, *, type_in: str = "") -> None:
    """An option of a list; where the list lacks it, what is typed in."""
    box = page.get_by_role("combobox", name=re.compile(rf"\b{label}\b"))
    box.click()
    listed = page.get_by_role("option", name=option, exact=True)
    box.fill(option)
    if listed.count():
        listed.first.click()
    else:
        box.fill(type_in)
        box.press("Enter")
    page.wait_for_timeout(500)  # the page is drawn anew with what this choice can be told


def look(page: Page, address: str, run: int, image: int, shot: Path | None = None) -> int:
    """Open a picture's page and wait for its heatmaps; how many there are."""
    page.goto(f"{address}/predictions?run={run}&image={image}")
    page.locator(HEAT).first.wait_for(timeout=LONGEST_HEATMAPS_MS)
    page.wait_for_function(
        "(maps) => maps.every((map) => map.complete && map.naturalWidth > 0)",
        arg=page.locator(HEAT).element_handles(),
    )
    if shot:
        page.screenshot(path=shot, full_page=True)
    return page.locator(HEAT).count()
