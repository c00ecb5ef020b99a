"""The tree explorer in a real browser: by mouse, by keyboard, by address, and how little goes over the wire."""

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from conftest import label, write_picture
from playwright.sync_api import Page, expect

from browser.conftest import AppServer
from hmgc_core.records import Prediction, RunConfig
from hmgc_core.store import jobs, predictions
from hmgc_core.taxonomy import NodeText, Taxonomy
from hmgc_core.workflow import embeddings, pictures, taxonomies, training, workspaces
from hmgc_core.workflow.workspaces import Workspace

MANY = 60  # species of finch: more than there is room for
EVIL = "<img src=x onerror=alert(1)>"


def make_workspace(folder: Path) -> Workspace:
    """70 pictures of birds, labelled by two people; run 1 takes every third albatross for an owl."""
    edges = [("bird", "life"), ("ship", "life"), ("albatross", "bird"), ("owl", "bird"), ("finch", "bird")]
    edges += [("tug", "ship"), ("laysan", "albatross"), ("evil", "owl"), *((f"f{i}", "finch") for i in range(MANY))]
    taxonomy = Taxonomy.from_edges(edges, {"evil": NodeText(name=EVIL)})
    ws = workspaces.open_workspace(folder / "workspace")
    taxonomies.store_taxonomy(ws, taxonomy, source="test.csv")
    for number in range(70):
        write_picture(folder / "photos" / f"{number:03d}.png", number, side=32)
    pictures.import_images(ws, folder / "photos")
    for image in range(1, 61):
        label(ws, image, "laysan" if image % 2 else "evil")
        if image < 20:
            label(ws, image, "albatross" if image % 2 else "ship", by="ben")
    run_id = training.queue_run(ws, RunConfig(model="flat", backbone="resnet_mini", image_size=16, epochs=1))
    said = []
    for image in range(1, 71):
        leaf = taxonomy.index("laysan" if image % 2 and image % 3 else "evil")
        path = tuple((taxonomy.keys[node], 0.8) for node in taxonomy.path(leaf))
        said.append(Prediction(run_id, image, taxonomy.keys[leaf], 0.8, path, ((taxonomy.keys[leaf], 0.8),)))
    with ws.writing() as connection:
        jobs.claim(connection, owner="test", lease_s=60)
        predictions.replace_all(connection, run_id, said)
        jobs.finish(connection, run_id, owner="test", status="done", metrics={"test": {"leaf_accuracy": 0.5}})
    ws.run_folder(run_id).mkdir(parents=True, exist_ok=True)
    vectors = np.random.default_rng(0).normal(size=(70, 8)).astype(np.float16)
    embeddings.keep(ws.run_folder(run_id), np.arange(1, 71), vectors)
    return ws


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    return make_workspace(tmp_path_factory.mktemp("tree"))


@pytest.fixture
def url(house: Workspace, app_server: Callable[[Path], AppServer]) -> str:
    return f"{app_server(house.folder).url}/taxonomy"


def title(page: Page, name: str) -> None:
    """The card is about this class."""
    expect(page.locator(".card h2")).to_have_text(name)


def item(page: Page, name: str) -> object:
    return page.locator("[role=treeitem]", has_text=name).first


def test_a_click_goes_into_a_class_and_the_outermost_leads_up(page: Page, url: str) -> None:
    page.goto(url)
    item(page, "bird").click()
    title(page, "bird")
    expect(page).to_have_url(re.compile(r"node=bird$"))
    item(page, "albatross").click()
    title(page, "albatross")
    page.locator("[role=treeitem]").first.click()
    title(page, "bird")
    page.go_back()
    title(page, "albatross")
    page.locator(".crumbs button", has_text="life").click()
    title(page, "life")


def test_back_to_the_bare_address_shows_what_it_showed(page: Page, url: str) -> None:
    page.goto(url)
    item(page, "bird").click()
    title(page, "bird")
    page.locator("label", has_text="Rings").click()
    expect(page.locator("svg.rings")).to_be_visible()
    page.go_back()
    expect(page.locator("svg.rings")).to_have_count(0)
    title(page, "bird")
    page.go_back()
    title(page, "life")
    item(page, "bird").click()
    title(page, "bird")
    page.get_by_role("link", name="Overview").click()
    expect(page.get_by_role("heading", name="Helpers")).to_be_visible()
    page.get_by_role("link", name="Class tree").first.click()
    title(page, "bird")  # from elsewhere one comes back to where one was


@pytest.mark.parametrize("view", ["boxes", "rings", "list"])
def test_the_tree_is_walked_by_keyboard(page: Page, url: str, view: str) -> None:
    page.goto(f"{url}?view={view}")
    page.locator("[role=treeitem]").first.focus()
    page.keyboard.press("ArrowRight")  # into bird
    page.keyboard.press("ArrowRight")  # into albatross
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("Enter")
    title(page, "bird")
    focused = "() => [...document.querySelectorAll('*')].map((e) => e.shadowRoot?.activeElement).find(Boolean)"
    assert page.evaluate(f"({focused})()?.dataset.focus") == "node-1"  # where it was, in the new drawing
    page.keyboard.press("Backspace")
    title(page, "life")


def test_view_and_colour_stand_in_the_address_and_come_back_from_it(page: Page, url: str) -> None:
    page.goto(f"{url}?node=bird")
    page.locator("label", has_text="Rings").click()
    expect(page.locator("svg.rings")).to_be_visible()
    page.get_by_label("Colour").select_option("People disagree")
    expect(page.locator(".about")).to_contain_text("labelled by two people or more")
    for part in ("node=bird", "view=rings", "colour=disputed"):
        expect(page).to_have_url(re.compile(part))
    page.reload()
    expect(page.locator("svg.rings")).to_be_visible()
    assert page.get_by_label("Colour").input_value() == "disputed"
    told = page.locator("[role=treeitem][aria-label^=albatross]")  # in rings a name may be cut
    expect(told).to_have_attribute("aria-label", re.compile("0% of 10 pictures"))


def test_the_rest_of_many_classes_opens(page: Page, url: str) -> None:
    page.goto(f"{url}?node=finch")
    item(page, "33 more").click()
    expect(item(page, "6 more")).to_be_visible()
    page.locator(".crumbs .back").click()
    expect(item(page, "33 more")).to_be_visible()


def test_a_mistake_opens_its_pictures(page: Page, url: str) -> None:
    page.goto(f"{url}?node=albatross")
    link = page.get_by_role("link", name=re.compile("^owl: 10 pictures"))
    assert "mark=taken-for%3Aalbatross%3Aowl" in str(link.get_attribute("href"))
    link.click()
    expect(page).to_have_url(re.compile(r"/predictions\?run=1&mark=taken-for(:|%3A)albatross(:|%3A)owl"))


def test_a_click_takes_ten_messages_at_most(page: Page, url: str) -> None:
    frames: list[object] = []

    def came(frame: object) -> None:
        frames.append(frame)

    page.on("websocket", lambda socket: socket.on("framereceived", came))
    page.goto(url)
    title(page, "life")
    page.wait_for_timeout(1500)
    for act in (
        lambda: item(page, "bird").click(),
        lambda: page.locator("label", has_text="List").click(),
        lambda: page.get_by_label("Colour").select_option("Labels"),
        lambda: page.locator("label", has_text="Odd").click(),
        lambda: page.get_by_role("button", name="Next pictures").click(),
    ):
        frames.clear()
        act()
        page.wait_for_timeout(1500)
        assert 0 < len(frames) <= 10


def test_a_name_that_is_markup_is_text_in_every_view(page: Page, url: str) -> None:
    for view in ("boxes", "rings", "list"):
        page.goto(f"{url}?node=evil&view={view}")
        title(page, EVIL)
        assert page.locator("img[src=x]").count() == 0


def test_rings_are_in_sight_at_once(page: Page, url: str) -> None:
    page.set_viewport_size({"width": 1440, "height": 900})
    page.goto(f"{url}?view=rings")
    expect(page.locator("svg.rings")).to_be_visible()
    box = page.locator("svg.rings").bounding_box()
    assert box is not None and box["height"] > 400
    assert box["y"] + box["height"] < 900
