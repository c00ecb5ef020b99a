"""The other pages in a real browser: the drawn tree, the galleries, addresses, and names that are markup."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import label, write_picture
from playwright.sync_api import Page, expect

from browser.conftest import AppServer, Watch
from hmgc_core.records import Prediction, RunConfig
from hmgc_core.store import jobs, predictions
from hmgc_core.taxonomy import NodeText, Taxonomy
from hmgc_core.workflow import pictures, taxonomies, training, workspaces
from hmgc_core.workflow.workspaces import Workspace

EVIL = "![x](http://evil.example/x.png)<img src=http://evil.example/y.png>:red[x]"
PATH = ("bird", "albatross", "black-footed")


def make_workspace(folder: Path) -> Workspace:
    """70 pictures, taken for a black-footed albatross by run 1; the last class carries markup for a name."""
    edges = [("bird", "life"), ("ship", "life"), ("albatross", "bird"), ("owl", "bird")]
    edges += [("black-footed", "albatross"), ("gull-like", "albatross"), ("evil", "bird")]
    ws = workspaces.open_workspace(folder / "workspace")
    taxonomies.store_taxonomy(
        ws, Taxonomy.from_edges(edges, {"evil": NodeText(name=EVIL, note=EVIL)}), source="test.csv"
    )
    for number in range(70):
        write_picture(folder / "photos" / f"{number:03d}.png", number, side=32)
    pictures.import_images(ws, folder / "photos")
    for image_id in range(1, 31):
        label(ws, image_id, ("albatross", "black-footed", "evil")[image_id % 3], by=EVIL[:40])
    run_id = training.queue_run(ws, RunConfig(model="flat", backbone="resnet_mini", image_size=16, epochs=1))
    said = [
        Prediction(run_id, i, PATH[-1], 0.9 - i / 100, tuple((key, 0.9 - i / 100) for key in PATH), (("evil", 0.1),))
        for i in range(1, 71)
    ]
    with ws.writing() as connection:
        jobs.claim(connection, owner="test", lease_s=60)
        predictions.replace_all(connection, run_id, said)
        jobs.finish(connection, run_id, owner="test", status="done", metrics={"test": {"leaf_accuracy": 0.5}})
    return ws


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    return make_workspace(tmp_path_factory.mktemp("pages"))


@pytest.fixture
def url(house: Workspace, app_server: Callable[[Path], AppServer]) -> str:
    return app_server(house.folder).url


def pictures_of(page: Page) -> list[str]:
    return [str(tile.get_attribute("aria-label")) for tile in page.locator(".gallery button").all()]


def all_loaded(page: Page) -> None:
    """Every picture that is in view has come."""
    page.wait_for_function("() => [...document.querySelectorAll('*')].some((e) => e.shadowRoot?.querySelector('img'))")
    first = page.locator(".gallery img").first
    expect(first).to_be_visible()
    page.wait_for_function("image => image.complete && image.naturalWidth > 0", arg=first.element_handle())


def press_until_heard(page: Page, key: str, is_heard: Callable[[], bool]) -> None:
    """Streamlit hears the keys of buttons a moment after it has drawn them."""
    for _ in range(6):
        page.keyboard.press(key)
        for _ in range(50):
            if is_heard():
                return
            page.wait_for_timeout(100)
    raise AssertionError(f"{key} was not heard")


def test_a_picture_opens_from_the_gallery_and_the_arrow_leads_on(page: Page, url: str) -> None:
    page.goto(f"{url}/predictions")
    all_loaded(page)
    assert len(pictures_of(page)) == 60
    first, second = (re.match(r"Picture (\d+)", text)[1] for text in pictures_of(page)[:2])  # type: ignore[index]
    page.locator(".gallery button").first.click()
    expect(page).to_have_url(re.compile(rf"image={first}$"))
    expect(page.get_by_text("The heatmaps are asked for")).to_be_visible()  # the last thing on the page
    press_until_heard(page, "ArrowRight", lambda: page.url.endswith(f"image={second}"))
    page.get_by_role("button", name="All pictures").click()
    expect(page.locator(".gallery button")).to_have_count(60)


def test_from_labelling_a_picture_escape_leads_back_to_it(page: Page, url: str) -> None:
    page.goto(f"{url}/predictions?split=test")
    all_loaded(page)
    page.locator(".gallery button").first.click()
    page.get_by_role("button", name="Label this picture").click()
    page.get_by_label("Your name").fill("ada")
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Back to Predictions")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page).to_have_url(re.compile(r"/predictions\?(?=.*split=test)(?=.*image=)"))
    expect(page.get_by_role("button", name="Label this picture")).to_be_visible()


def test_the_gallery_is_used_by_keyboard(page: Page, url: str) -> None:
    page.goto(f"{url}/predictions")
    all_loaded(page)
    page.locator(".gallery button").first.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    expect(page.get_by_text("2 of 70")).to_be_visible()


def test_an_address_opens_the_same_picture_elsewhere(open_page: Callable[..., Page], url: str) -> None:
    page = open_page()
    page.goto(f"{url}/predictions?run=1&image=17")
    expect(page.get_by_text("The model says")).to_be_visible()
    expect(page.get_by_role("img", name="Picture 17")).to_be_visible()


def test_an_address_works_as_the_first_visit_of_a_fresh_server(
    open_page: Callable[..., Page], app_server: Callable[[Path], AppServer], tmp_path: Path
) -> None:
    page = open_page()
    page.goto(f"{app_server(workspaces.open_workspace(tmp_path / 'fresh').folder).url}/runs")
    expect(page.get_by_role("link", name="Class tree")).to_be_visible(timeout=5000)


@pytest.mark.parametrize(
    "path", ["taxonomy?node=bird", "taxonomy?node=evil", "predictions?image=2", "runs", "train", ""]
)
def test_a_name_that_is_markup_fetches_nothing_and_makes_no_element(
    page: Page, url: str, watch: Watch, path: str
) -> None:
    page.goto(f"{url}/{path}")
    page.wait_for_selector("h2, h3")
    page.wait_for_timeout(700)
    assert page.locator("img[src*=evil], a[href*='evil.example']").count() == 0
    assert watch.remote == []


@pytest.mark.parametrize("path", ["", "taxonomy", "data", "train", "runs", "predictions", "predictions?image=2"])
def test_a_page_fits_a_telephone(open_page: Callable[..., Page], url: str, path: str) -> None:
    page = open_page(viewport={"width": 390, "height": 800})
    page.goto(f"{url}/{path}")
    page.wait_for_selector("h2, h3")
    page.wait_for_timeout(700)
    wide = page.evaluate("() => document.querySelector('[data-testid=stMain]').scrollWidth")
    assert wide <= 390
