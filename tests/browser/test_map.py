"""The map and the look-alikes in a real browser: points that are looked at, drawn around, opened; by mouse and keys."""

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from browser.app_server import AppServer
from browser.test_pages import make_workspace
from hmgc_core import worker
from hmgc_core.workflow import picture_maps
from hmgc_core.workflow.embeddings import keep
from hmgc_core.workflow.picture_maps import EDGE, PictureMap
from hmgc_core.workflow.workspaces import Workspace


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """70 pictures of which 30 are labelled, and their map: two heaps of 40 and 30."""
    ws = make_workspace(tmp_path_factory.mktemp("map"))
    rng = np.random.default_rng(0)
    heaps = np.where(np.arange(70)[:, None] < 40, 1.0, -1.0) * np.ones((70, 8)) + 0.2 * rng.normal(size=(70, 8))
    ws.run_folder(1).mkdir(parents=True, exist_ok=True)
    keep(ws.run_folder(1), np.arange(1, 71), heaps.astype(np.float16))
    picture_maps.ask(ws, 1)
    worker.work(ws, once=True)
    return ws


@pytest.fixture(scope="module")
def made(house: Workspace) -> PictureMap:
    found = picture_maps.newest_map(house, 1)
    assert found is not None
    return found


@pytest.fixture
def url(house: Workspace, app_server: Callable[[Path], AppServer]) -> str:
    return f"{app_server(house.folder).url}/map"


def opened(page: Page, address: str) -> Page:
    page.goto(address)
    page.wait_for_selector(".stage[data-paint-ms]")
    return page


def place_of(page: Page, made: PictureMap, image: int) -> tuple[float, float]:
    """Where a picture lies on the screen while all of the map is in sight."""
    box = page.locator(".stage").bounding_box()
    assert box is not None
    scale = (min(box["width"], box["height"]) - 2) / (EDGE + 1)
    x, y = (float(value) - EDGE / 2 for value in made.places[image - 1])
    return box["x"] + box["width"] / 2 + x * scale, box["y"] + box["height"] / 2 + y * scale


def alone(made: PictureMap) -> int:
    """A picture with no other near it."""
    away = np.linalg.norm(made.places[:, None].astype(float) - made.places[None], axis=2)
    np.fill_diagonal(away, np.inf)
    return int(made.images[away.min(axis=1).argmax()])


def painted(page: Page) -> int:
    """How many pixels of the map have a colour that is not dimmed."""
    bright = (
        "c => c.getContext('2d').getImageData(0, 0, c.width, c.height).data.filter((v, i) => i % 4 === 3 && v > 200)"
    )
    return int(page.locator(".stage canvas").first.evaluate(f"{bright}.length"))


def test_a_point_shows_its_picture_and_a_click_opens_it(page: Page, url: str, made: PictureMap) -> None:
    opened(page, url)
    image = alone(made)
    page.mouse.move(*place_of(page, made, image))
    expect(page.locator(".card .answer")).to_have_text(re.compile("^black-footed"))
    expect(page.locator(".card img")).to_have_attribute("src", re.compile(rf"/api/images/{image}\?"))
    page.mouse.down()
    page.mouse.up()
    expect(page).to_have_url(re.compile(rf"/predictions\?.*image={image}\b"))
    expect(page.get_by_text("The model says")).to_be_visible()


def test_a_line_around_a_heap_shows_its_pictures_also_elsewhere(
    page: Page, open_page: Callable[..., Page], url: str, made: PictureMap
) -> None:
    opened(page, url)
    heap = np.array([place_of(page, made, image) for image in range(1, 41)])
    (left, top), (right, bottom) = heap.min(axis=0) - 12, heap.max(axis=0) + 12
    page.get_by_role("button", name="Draw around").click()
    page.mouse.move(left, top)
    page.mouse.down()
    for x, y in ((right, top), (right, bottom), (left, bottom), (left, top + 3)):
        page.mouse.move(x, y, steps=8)
    page.mouse.up()
    expect(page.get_by_role("heading", name="40 pictures inside the line")).to_be_visible()
    expect(page).to_have_url(re.compile("lasso="))
    address = page.url
    page.get_by_role("button", name="Forget the line").click()
    expect(page.get_by_text("Draw around some points")).to_be_visible()
    expect(page).not_to_have_url(re.compile("lasso="))
    other = open_page()
    other.goto(address)
    expect(other.get_by_role("heading", name="40 pictures inside the line")).to_be_visible()


def test_a_row_of_the_legend_leaves_only_its_points_and_the_line_takes_those(page: Page, url: str) -> None:
    opened(page, f"{url}?colour=labelled")
    all_of_them = painted(page)
    row = page.locator(".legend button", has_text="Not labelled")
    row.click()
    expect(row).to_have_attribute("aria-pressed", "true")
    page.wait_for_function("() => true")
    page.wait_for_timeout(200)
    assert 0 < painted(page) < all_of_them
    page.get_by_role("button", name="Choose all in sight").click()
    expect(page.get_by_role("heading", name="40 pictures inside the line")).to_be_visible()


def test_colour_and_level_are_chosen_and_stand_in_the_address(page: Page, url: str) -> None:
    opened(page, url)
    row = page.locator(".legend button")
    expect(row.first).to_contain_text("bird")
    page.get_by_role("combobox", name="Level", exact=True).select_option("Level 3 (finest)")
    expect(row.first).to_contain_text("black-footed")
    row.first.click()
    page.get_by_role("button", name="Choose all in sight").click()
    expect(page).to_have_url(re.compile("level=3.*only=0"))
    page.get_by_role("combobox", name="Colour", exact=True).select_option("Labelled or not")
    expect(page.locator(".legend button", has_text="Not labelled")).to_be_visible()
    expect(page).to_have_url(re.compile("colour=labelled"))
    expect(page).not_to_have_url(re.compile("only="))
    expect(page.get_by_role("heading", name="70 pictures inside the line")).to_be_visible()
    expect(page.get_by_role("combobox", name="Level", exact=True)).to_be_hidden()


def test_keys_move_zoom_and_open(page: Page, url: str) -> None:
    opened(page, url)
    stage = page.locator(".stage")
    stage.focus()
    page.keyboard.press("+")
    page.keyboard.press("ArrowLeft")
    for _ in range(6):
        if page.locator(".card").is_visible():
            break
        page.keyboard.press("ArrowLeft")
    expect(page.locator(".card .answer")).to_have_text(re.compile("^black-footed"))
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"/predictions\?.*image=\d+"))


def test_the_wheel_comes_closer_where_the_pointer_is(page: Page, url: str, made: PictureMap) -> None:
    opened(page, url)
    image = alone(made)
    place = place_of(page, made, image)
    page.mouse.move(*place)
    expect(page.locator(".card")).to_be_visible()
    page.mouse.wheel(0, -800)
    expect(page.locator(".card")).to_be_hidden()
    page.mouse.move(place[0] + 1, place[1])  # it stayed under the pointer
    expect(page.locator(".card img")).to_have_attribute("src", re.compile(rf"/api/images/{image}\?"))


def test_look_alikes_are_shown_and_a_click_goes_on_to_one(page: Page, url: str) -> None:
    page.goto(url.replace("/map", "/predictions?run=1&image=35&why=alike"))
    expect(page.locator(".near section")).to_have_count(4)
    tile = page.locator(".near button").first
    expect(tile).to_have_attribute("title", re.compile(r"Picture \d+: .* cosine distance \d"))
    image = re.match(r"Picture (\d+)", str(tile.get_attribute("title")))
    assert image is not None
    tile.click()
    expect(page).to_have_url(re.compile(rf"image={image[1]}\b"))
    expect(page.locator(".near section")).to_have_count(4)


def test_a_picture_that_came_is_shown_again_after_one_that_did_not(page: Page, url: str, made: PictureMap) -> None:
    away = np.linalg.norm(made.places[:, None].astype(float) - made.places[None], axis=2)
    np.fill_diagonal(away, np.inf)
    good, bad = (int(image) for image in made.images[np.argsort(-away.min(axis=1))[:2]])
    page.route(f"**/api/images/{bad}?*", lambda route: route.fulfill(content_type="image/jpeg", body="no picture"))
    opened(page, url)
    for image, is_missing in ((good, False), (bad, True), (good, False)):
        page.mouse.move(*place_of(page, made, image))
        expect(page.locator(".card img")).to_have_attribute("src", re.compile(rf"/api/images/{image}\?"))
        missing = expect(page.locator(".card.missing"))
        missing.to_have_count(1 if is_missing else 0)
        expect(page.locator(".card img")).to_have_css("visibility", "hidden" if is_missing else "visible")


def test_a_look_alike_is_marked_in_every_row_it_stands_in(page: Page, url: str) -> None:
    page.goto(url.replace("/map", "/predictions?run=1&image=35&why=alike"))
    tiles = page.locator(".near button")
    tiles.first.focus()
    page.keyboard.press("Space")
    same = page.locator(f".near button[data-id='{tiles.first.get_attribute('data-id')}']")
    assert same.count() > 1
    assert same.evaluate_all("all => all.every((tile) => tile.ariaSelected === 'true')")
    expect(page.locator(".marked strong")).to_have_text("1 marked")
    expect(page.locator(".elsewhere")).to_be_hidden()
    page.keyboard.press("ArrowDown")
    row = "all => all.findIndex((row) => row.contains(row.getRootNode().activeElement))"
    assert page.locator(".near section").evaluate_all(row) == 1
    page.keyboard.press("Escape")
    expect(page.locator(".marked")).to_be_hidden()


def test_the_map_and_what_was_drawn_around_are_in_sight_together(page: Page, url: str) -> None:
    page.set_viewport_size({"width": 1440, "height": 900})
    opened(page, url)
    box = page.locator(".stage").bounding_box()
    assert box is not None and box["y"] + box["height"] < 900
    page.get_by_role("button", name="Choose all in sight").click()
    expect(page.locator(".gallery img").first).to_be_in_viewport()
