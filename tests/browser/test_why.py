"""Why this answer, in a real browser: heat over the picture, choices, and pictures to keep."""

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from conftest import TINY_EDGES, label, write_picture
from PIL import Image
from playwright.sync_api import Page, expect
from small_models import answer_all, finish_with_model

from browser.conftest import AppServer
from hmgc_core.records import Prediction, RunConfig
from hmgc_core.store import predictions
from hmgc_core.taxonomy import NodeText, Taxonomy
from hmgc_core.workflow import pictures, taxonomies, training, workspaces
from hmgc_core.workflow.workspaces import Workspace

EVIL = "<img src=http://evil.example/y.png>![x](http://evil.example/x.png)"
PATH = ("bird", "albatross", "gull-like")


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """Six pictures, taken for a gull-like albatross by run 1, whose model is untrained; `owl` has markup for a name."""
    folder = tmp_path_factory.mktemp("why")
    ws = workspaces.open_workspace(folder / "workspace")
    tree = Taxonomy.from_edges(TINY_EDGES, {"owl": NodeText(name=EVIL)})
    taxonomies.store_taxonomy(ws, tree, source="tiny.csv")
    for number in range(6):
        write_picture(folder / "photos" / f"{number}.png", number)
    pictures.import_images(ws, folder / "photos")
    for image_id, node in ((1, "gull-like"), (2, "owl"), (3, "tug"), (4, "black-footed")):
        label(ws, image_id, node)
    config = RunConfig(model="flat", backbone="resnet_mini", image_size=32, epochs=1)
    number = training.queue_run(ws, config)
    path = tuple((key, 0.9) for key in PATH)
    said = [
        Prediction(number, image_id, PATH[-1], 0.9, path, ((PATH[-1], 0.9), ("owl", 0.1))) for image_id in range(1, 7)
    ]
    with ws.writing() as connection:
        predictions.replace_all(connection, number, said)
    finish_with_model(ws, number, config)
    return ws


@pytest.fixture
def url(house: Workspace, app_server: Callable[[Path], AppServer]) -> str:
    return app_server(house.folder).url


def look(page: Page, house: Workspace, address: str, *, tiles: int = 3) -> None:
    """Open a picture's page, and answer what it asks for."""
    page.goto(address)
    expect(page.get_by_text("The heatmaps are asked for")).to_be_visible()
    answer_all(house)
    expect(page.locator("img.heat")).to_have_count(tiles)


def test_heat_lies_over_the_picture_and_its_strength_is_set_in_the_browser(
    page: Page, house: Workspace, url: str
) -> None:
    look(page, house, f"{url}/predictions?run=1&image=1")
    slider = page.get_by_role("slider", name="Strength of the heat")
    slider.fill("0.2")
    heat = page.locator("img.heat").first
    assert heat.evaluate("image => getComputedStyle(image).opacity") == "0.2"
    assert heat.evaluate("image => image.decode().then(() => image.naturalWidth)") == 320
    slider.press("ArrowRight")
    assert heat.evaluate("image => getComputedStyle(image).opacity") == "0.25"


def test_the_picture_is_kept_under_its_heat_as_strong_as_it_is_shown(page: Page, house: Workspace, url: str) -> None:
    look(page, house, f"{url}/predictions?run=1&image=2")
    page.get_by_role("slider", name="Strength of the heat").fill("0")
    with page.expect_download() as saved:
        page.get_by_role("link", name="Save the picture under the heat for gull-like").click()
    assert saved.value.suggested_filename == "picture-2-gull-like-grad-cam-run-1.png"
    got = Image.open(io.BytesIO(Path(saved.value.path()).read_bytes()))
    with Image.open(pictures.image(house, 2).path) as picture:
        plain = picture.convert("RGB").resize((640, 640), Image.Resampling.LANCZOS)
    assert np.array_equal(np.asarray(got), np.asarray(plain))


def test_another_class_and_one_to_compare_with_are_chosen_and_stand_in_the_address(
    page: Page, house: Workspace, url: str
) -> None:
    look(page, house, f"{url}/predictions?run=1&image=3")
    menu = page.get_by_role("combobox", name="And not")
    menu.select_option("each with its strongest sibling")
    expect(page.get_by_text("The heatmaps are asked for")).to_be_visible()
    answer_all(house)
    expect(page.locator(".below").nth(0)).to_contain_text("and not ship")
    page.get_by_role("combobox", name="Why").select_option("Another class …")
    page.get_by_placeholder("Search for the class to explain").fill("tug")
    page.get_by_role("button", name="tug in steamer").click()
    expect(page.get_by_text("The heatmaps are asked for")).to_be_visible()
    answer_all(house)
    expect(page.locator("figcaption")).to_contain_text(["The picture", "ship", "steamer", "tug"])
    expect(page.locator("img.heat")).to_have_count(3)
    page.wait_for_url("**of=tug*")
    assert "siblings=yes" in page.url
    page.reload()
    expect(page.locator("figcaption")).to_contain_text(["The picture", "ship", "steamer", "tug"])


def test_a_choice_by_keyboard_keeps_its_place_and_sends_few_messages(page: Page, house: Workspace, url: str) -> None:
    messages: list[int] = []
    page.on("websocket", lambda socket: socket.on("framereceived", lambda frame: messages.append(len(frame))))
    look(page, house, f"{url}/predictions?run=1&image=5")
    page.wait_for_timeout(1000)
    for text in ("Two before · 16 × 16 places", "Last block · 4 × 4 places"):
        messages.clear()
        menu = page.get_by_role("combobox", name="Layer")
        menu.focus()
        menu.select_option(text)
        if text.startswith("Two"):
            expect(page.get_by_text("The heatmaps are asked for")).to_be_visible()
            answer_all(house)
        expect(page.locator(".waiting")).to_have_count(0)
        expect(page.locator("img.heat")).to_have_count(3)
    page.wait_for_timeout(500)
    assert len(messages) <= 10 and sum(messages) < 20_000  # of the choice whose answer was there
    assert page.evaluate("() => document.activeElement.shadowRoot?.activeElement?.tagName") in ("SELECT", None)


def test_a_narrow_screen_shows_all_without_scrolling_sideways_and_names_stay_text(
    open_page: Callable[..., Page], house: Workspace, url: str
) -> None:
    page = open_page(viewport={"width": 390, "height": 844})
    look(page, house, f"{url}/predictions?run=1&image=4&of=owl", tiles=2)
    expect(page.locator("figcaption", has_text="evil.example")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert page.locator("img[src*=evil]").count() == 0
