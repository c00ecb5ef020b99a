"""One walk through the house, with nothing prepared but pictures: a training, what it knows, why, and what to do."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import ready_made
from conftest import TINY_EDGES, write_table
from PIL import Image
from playwright.sync_api import Locator, Page, expect
from small_trainings import COLOURS

from browser.app_server import AppServer
from browser.screen import Screen
from hmgc_core.records import RunConfig
from hmgc_core.taxonomy import Taxonomy
from hmgc_core.workflow import labelling, pictures, taxonomies, training, workspaces
from hmgc_core.workflow.workspaces import Workspace

PARENTS = {leaf: parent for leaf, parent in TINY_EDGES if leaf in COLOURS}
TRAINING_S = 500  # a few seconds; the worker steps back behind all else, on a busy machine for minutes
RUN = RunConfig(model="flat", backbone="resnet_mini", image_size=16, epochs=2, batch_size=8, lr=0.05, device="cpu")


@pytest.fixture(scope="module")
def coloured(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """24 pictures whose colour names the class, every third labelled no finer than its parent; one training waits."""
    folder = tmp_path_factory.mktemp("walk")
    ws = workspaces.open_workspace(folder / "workspace")
    taxonomies.store_taxonomy(ws, Taxonomy.from_edges(TINY_EDGES), source="tiny.csv")
    (folder / "photos").mkdir()
    rows = []
    for number in range(24):
        leaf = list(COLOURS)[number % len(COLOURS)]
        noise = np.random.default_rng(number).integers(-20, 20, (16, 16, 3))
        colours = np.clip(np.array(COLOURS[leaf]) + noise, 0, 255).astype(np.uint8)
        Image.fromarray(colours).save(folder / "photos" / f"{number:02d}.png")
        label = PARENTS[leaf] if number % 3 == 0 else leaf
        rows.append({"path": f"photos/{number:02d}.png", "label": label, "split": "train" if number < 16 else "val"})
    pictures.import_images(ws, write_table(folder / "labels.csv", rows))
    training.queue_run(ws, RUN)
    return ws


@pytest.fixture(scope="module")
def house(coloured: Workspace, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    """The training is done, by a worker of its own; an inspector waits for questions."""
    log = tmp_path_factory.mktemp("logs") / "log"
    at = ("--workspace", str(coloured.folder))
    worker = ready_made.start_hmgc("worker", "--once", *at, out=log, err=log, environment={"HMGC_THREADS": "1"})
    worker.join(TRAINING_S)
    ready_made.end(worker)
    assert worker.exitcode == 0, log.read_text()
    inspector = ready_made.start_hmgc("inspector", *at, out=log, err=log)
    yield coloured
    ready_made.end(inspector)


FIRST_HEAT_MS = 300_000  # the inspector loads torch first, and others may need the machine


class Walker:
    """Somebody who looks around, and labels what they find."""

    def __init__(self, page: Page, ws: Workspace) -> None:
        self.page, self.ws = page, ws

    def into_the_class(self, name: str) -> None:
        self.page.locator("[role=treeitem]", has_text=name).first.click()
        expect(self.page.locator(".card h2")).to_have_text(name)

    def open_a_picture(self) -> None:
        self.page.locator(".gallery button").first.click()
        expect(self.page).to_have_url(re.compile(r"/predictions\?.*image=\d+"))

    def see_where_the_model_looked(self, levels: int) -> None:
        heat = self.page.locator("img.heat")
        expect(heat).to_have_count(levels, timeout=FIRST_HEAT_MS)
        for place in range(levels):
            expect(heat.nth(place)).to_be_visible()
            assert heat.nth(place).evaluate("image => image.decode().then(() => image.naturalWidth)") > 0

    def mark_two_look_alikes(self) -> list[int]:
        self.page.get_by_text("Labelled pictures like it", exact=True).click()
        tiles = self.page.locator(".near button")
        tiles.first.focus()
        for key in ("Space", "ArrowRight", "Space"):
            self.page.keyboard.press(key)
        expect(self.page.locator(".marked strong")).to_have_text("2 marked")
        return [int(str(tiles.nth(place).get_attribute("data-id"))) for place in (0, 1)]

    def do(self, command: str) -> None:
        self.page.locator(f".room [data-do={command}]").click()

    @property
    def sheet(self) -> Locator:
        return self.page.locator("dialog.sheet")

    def said(self, image_id: int) -> list[tuple[str, str]]:
        history = labelling.image_history(self.ws, image_id)
        return [(one.annotator, one.node) for one in history if not one.withdrawn and one.annotator != "import"]


def test_from_the_tree_over_a_heatmap_and_look_alikes_to_a_label_and_back(
    page: Page, house: Workspace, app_server: Callable[[Path], AppServer]
) -> None:
    walker = Walker(page, house)
    page.context.clear_cookies()
    page.goto(f"{app_server(house.folder).url}/taxonomy")
    walker.into_the_class("bird")
    walker.into_the_class("albatross")
    walker.open_a_picture()
    walker.see_where_the_model_looked(levels=3)
    images = walker.mark_two_look_alikes()

    walker.do("label")
    page.get_by_label("Your name").fill("zoe")
    page.get_by_role("button", name="Start labelling").click()
    expect(walker.sheet.locator(".crumbs button")).to_have_count(1)
    page.keyboard.type("bird")
    page.keyboard.press("Enter")
    expect(walker.sheet.locator("h3")).to_have_text("2 are new")
    expect(walker.sheet.locator(".thumbs img")).to_have_count(2)
    expect(walker.sheet.locator(".main")).to_have_text("Label 2 as bird")
    page.keyboard.press("Enter")
    expect(page.locator(".act")).to_contain_text("2 pictures labelled as bird.")
    assert [walker.said(image) for image in images] == [[("zoe", "bird")]] * 2

    walker.do("undo")
    expect(page.locator(".act")).to_contain_text("Taken back: bird.")
    assert [walker.said(image) for image in images] == [[]] * 2

    expect(page.locator(".marked strong")).to_have_text("2 marked")  # they wait for another act
    walker.do("queue")
    walker.sheet.get_by_role("button", name="Open in Annotate").click()
    expect(page).to_have_url(re.compile(r"/annotate\?queue=selection"))
    desk = Screen(page, house).ready()
    shown = [desk.label("1", "Enter"), desk.image]
    assert sorted(shown) == sorted(images)
    desk.saved()
    assert walker.said(shown[0]) == [("zoe", "bird")]
