"""Take the screenshots of the README from the running app, on a demo workspace whose first training is done.

    python docs/take_screenshots.py WORKSPACE [OUT]

Starts the app and the inspector for the time it takes. Shows the drawn demo set only.
"""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

from hmgc_core.supervisor import free_port

ROOT = Path(__file__).parents[1]
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"]
FLAGS += ["--disable-background-networking", "--disable-component-update", "--disable-sync"]
WIDE, NARROW = {"width": 1440, "height": 900}, {"width": 390, "height": 844}


def main() -> None:
    workspace = Path(sys.argv[1]).resolve()
    out = Path(sys.argv[2]) if len(sys.argv) > 2 else ROOT / "docs" / "screenshots"
    out.mkdir(parents=True, exist_ok=True)
    with running_app(workspace) as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=os.environ.get("HMGC_CHROMIUM") or shutil.which("chromium"), args=FLAGS
        )
        for theme in ("light", "dark"):
            visit(browser, address, out, theme=theme, size=WIDE, suffix=theme)
        visit(browser, address, out, theme="light", size=NARROW, suffix="narrow")
        browser.close()


@contextmanager
def running_app(workspace: Path) -> Iterator[str]:
    port = free_port("127.0.0.1", 8600)
    command = [sys.executable, "-m", "hmgc_core", "serve", "--port", str(port), "--workspace", str(workspace)]
    process = subprocess.Popen(command, cwd=ROOT)
    try:
        time.sleep(8)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait()


def visit(browser: Browser, address: str, out: Path, *, theme: str, size: dict, suffix: str) -> None:
    context = browser.new_context(viewport=size, color_scheme=theme)  # type: ignore[arg-type]
    page = context.new_page()

    def shoot(name: str) -> None:
        page.wait_for_timeout(2500)
        path = out / f"{name}-{suffix}.png"
        page.screenshot(path=path)
        # 256 colours are enough to read by, and keep the pictures small in git.
        Image.open(path).convert("RGB").quantize(256, dither=Image.Dither.NONE).save(path, optimize=True)

    page.goto(address + "/overview")
    shoot("overview")
    annotate(page, address)
    shoot("annotate")
    page.goto(f"{address}/annotate?way=many")
    shoot("many")
    for name in ("taxonomy", "train", "runs", "predictions"):
        page.goto(f"{address}/{name}")
        shoot(name)
    page.goto(f"{address}/predictions?run=1&image=8")
    page.wait_for_timeout(10_000)
    shoot("heatmaps")
    context.close()


def annotate(page: Page, address: str) -> None:
    page.goto(address + "/annotate")
    page.wait_for_timeout(2500)
    name = page.get_by_role("textbox").first
    name.fill("Ada")
    page.get_by_role("button", name="Start labelling").click()
    page.wait_for_timeout(3000)
    for keys in (["1", "Enter"], ["Space"], ["1", "1", "Enter"]):
        for key in keys:
            page.keyboard.press(key)
            page.wait_for_timeout(150)
        page.wait_for_timeout(700)


if __name__ == "__main__":
    main()
