"""The annotate page as a person uses it, and workspaces to use it in."""

import re
from pathlib import Path

from conftest import label, write_picture
from playwright.sync_api import Locator, Page, expect

from browser.app_server import AppServer
from hmgc_core.records import Annotation, Prediction, RunConfig
from hmgc_core.store import jobs, predictions
from hmgc_core.taxonomy import NodeText, Taxonomy
from hmgc_core.workflow import labelling, pictures, taxonomies, training, workspaces
from hmgc_core.workflow.workspaces import Workspace

# life: bird (albatross: black-footed, gull-like; owl), ship (steamer: tug), and twelve more classes to page through
EDGES = [("bird", "life"), ("ship", "life"), ("albatross", "bird"), ("owl", "bird"), ("black-footed", "albatross")]
EDGES += [("gull-like", "albatross"), ("steamer", "ship"), ("tug", "steamer")]
EDGES += [(f"flower {number:02d}", "plant") for number in range(12)] + [("plant", "life")]
TEXTS = {
    "bird": NodeText("Bird", ("Vogel", "aves"), "feathers, two legs"),
    "black-footed": NodeText("Black-footed albatross", ("Phoebastria nigripes",)),
}
LOADED = ".annotator .picture img"


def make_workspace(folder: Path, images: int, tree: Taxonomy) -> Workspace:
    ws = workspaces.open_workspace(folder / "workspace")
    taxonomies.store_taxonomy(ws, tree, source="test.csv")
    for number in range(images):
        write_picture(folder / "photos" / f"{number:03d}.png", number)
    pictures.import_images(ws, folder / "photos")
    return ws


def predict(ws: Workspace, sure: tuple[float, float, float] = (0.98, 0.91, 0.55)) -> None:
    """A finished run that takes every picture for a black-footed albatross, level by level as `sure`."""
    for image_id in range(1, 7):
        label(ws, image_id, "owl", by="import")
    run_id = training.queue_run(ws, RunConfig(model="flat", backbone="resnet_mini", image_size=16, epochs=1))
    path = tuple(zip(("bird", "albatross", "black-footed"), sure, strict=True))
    bird, albatross, leaf = sure
    top = (("black-footed", leaf), ("gull-like", albatross - leaf), ("owl", bird - albatross), ("tug", 1 - bird))
    images = range(1, labelling.label_counts(ws).images + 1)
    with ws.writing() as connection:
        jobs.claim(connection, owner="test", lease_s=60)
        said = [Prediction(run_id, image_id, "black-footed", leaf, path, top) for image_id in images]
        predictions.replace_all(connection, run_id, said)
        jobs.finish(connection, run_id, owner="test", status="done")


class Screen:
    """The annotate page as a person uses it."""

    def __init__(self, page: Page, ws: Workspace) -> None:
        self.page, self.ws = page, ws

    def open(self, server: AppServer, name: str = "ada", address: str = "") -> "Screen":
        """address: what stands behind the `?`."""
        self.page.goto(f"{server.url}/annotate?{address}".rstrip("?"))
        question = self.page.get_by_label("Your name")
        question.or_(self.page.locator(".annotator")).first.wait_for()
        if question.is_visible():  # else the cookie says who it is
            question.fill(name)
            self.page.get_by_role("button", name="Start labelling").click()
        return self.ready()

    def ready(self) -> "Screen":
        self.page.wait_for_selector(LOADED)
        expect(self.part("hereName")).not_to_be_empty()
        return self

    def part(self, name: str) -> Locator:
        return self.page.locator(f"[data-part={name}]")

    @property
    def image(self) -> int:
        """The number of the picture on screen."""
        return int(re.sub(r"\D", "", str(self.page.locator(LOADED).get_attribute("alt"))))

    @property
    def name(self) -> str:
        """The class where one stands."""
        return self.part("hereName").inner_text()

    def rows(self) -> list[str]:
        return self.page.locator(".rows li:visible .name").all_inner_texts()

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)

    def label(self, *keys: str) -> int:
        """Press keys that label the picture on screen, wait for the next one; returns which picture it was."""
        image = self.image
        if keys[0] == "Enter":
            self.page.wait_for_timeout(350)  # at the root, a key that comes sooner is taken for a slip
        self.press(*keys)
        expect(self.page.locator(LOADED)).not_to_have_attribute("alt", f"Picture {image}")
        self.page.wait_for_selector(LOADED)
        return image

    def saved(self) -> "Screen":
        expect(self.part("status")).to_have_text("All saved")
        return self

    def said(self, image_id: int) -> list[tuple[str, str]]:
        """What is in the database about a picture: (kind, node)."""
        return [(a.kind, a.node) for a in self.history(image_id) if not a.withdrawn]

    def history(self, image_id: int) -> list[Annotation]:
        return labelling.image_history(self.ws, image_id)
