"""Many at once as a person uses it, and a workspace whose pictures stand in heaps."""

import re
from pathlib import Path

import numpy as np
from conftest import label
from playwright.sync_api import Locator, expect

from browser.app_server import AppServer
from browser.screen import Screen, make_workspace
from hmgc_core.records import Prediction, RunConfig
from hmgc_core.store import jobs, predictions
from hmgc_core.taxonomy import Taxonomy
from hmgc_core.workflow import labelling, training
from hmgc_core.workflow.workspaces import Workspace

LABELLED = 6  # the first pictures, by an import
# What the pictures of a heap are taken for: sure of the bird, less of the kind. Every tenth is taken for a tug.
HEAPS = ("black-footed", "gull-like", "owl", "tug")


def make_heaps(folder: Path, images: int, tree: Taxonomy) -> Workspace:
    """Pictures in four heaps by their number, and a finished run that sees them so."""
    ws = make_workspace(folder, images, tree)
    for image_id in range(1, LABELLED + 1):
        label(ws, image_id, "owl", by="import")
    run_id = training.queue_run(ws, RunConfig(model="flat", backbone="resnet_mini", image_size=16, epochs=1))
    rng = np.random.default_rng(0)
    centres = np.eye(8)[:4] * 10 + 1
    vectors = centres[np.arange(1, images + 1) % 4] + rng.uniform(0, 0.5, (images, 8))
    ws.run_folder(run_id).mkdir(parents=True)
    np.save(ws.run_folder(run_id) / "embeddings.npy", vectors.astype(np.float16))
    np.save(ws.run_folder(run_id) / "embedding_images.npy", np.arange(1, images + 1))
    with ws.writing() as connection:
        jobs.claim(connection, owner="test", lease_s=60)
        said = [_prediction(tree, run_id, i) for i in range(1, images + 1)]
        predictions.replace_all(connection, run_id, said)
        jobs.finish(connection, run_id, owner="test", status="done")
    return ws


def _prediction(tree: Taxonomy, run_id: int, image_id: int) -> Prediction:
    leaf = "tug" if image_id % 10 == 0 else HEAPS[image_id % 4]
    steps = tree.path(tree.index(leaf))
    path = tuple((tree.keys[node], round(0.95 - 0.15 * depth, 2)) for depth, node in enumerate(steps))
    return Prediction(run_id, image_id, leaf, path[-1][1], path, ((leaf, path[-1][1]),))


class Wall(Screen):
    """Many at once, as a person uses it."""

    def open(self, server: AppServer, name: str = "ada") -> "Wall":
        self.page.goto(f"{server.url}/annotate?way=many")
        question = self.page.get_by_label("Your name")
        question.or_(self.page.locator(".many")).first.wait_for()
        if question.is_visible():
            question.fill(name)
            self.page.get_by_role("button", name="Start labelling").click()
        return self.ready()

    def ready(self) -> "Wall":
        self.page.wait_for_selector(".tile img")
        expect(self.part("hereName")).not_to_be_empty()
        decoded = "images => Promise.all(images.map((image) => image.decode().catch(() => null)))"
        self.page.locator(".tile img").evaluate_all(decoded)
        return self

    def saved(self) -> "Wall":
        # A screen taken back goes out one withdrawal at a time.
        expect(self.part("status")).to_have_text("All saved", timeout=20_000)
        return self

    @property
    def tiles(self) -> Locator:
        return self.page.locator(".tile")

    @property
    def images(self) -> list[int]:
        """Numbers of the pictures in sight, in their order."""
        said = self.tiles.evaluate_all("items => items.map((item) => item.getAttribute('aria-label'))")
        return [int(text.split(",")[0].removeprefix("Picture ")) for text in said]

    @property
    def inside(self) -> list[int]:
        """Numbers of those that are in."""
        selected = self.tiles.evaluate_all(
            "items => items.map((item) => item.getAttribute('aria-selected') === 'true')"
        )
        return [image for image, is_in in zip(self.images, selected, strict=True) if is_in]

    def finish(self, *keys: str) -> list[int]:
        """Press keys that end this screen, wait for the next; returns the pictures that were in."""
        images, inside = self.images, self.inside
        self.press(*keys)
        expect(self.tiles.first).not_to_have_attribute("aria-label", re.compile(rf"^Picture {images[0]}(,|$)"))
        self.ready()
        return inside

    def counts(self) -> tuple[int, int]:
        """(images, labelled) in the database."""
        counts = labelling.label_counts(self.ws)
        return counts.images, counts.labelled
