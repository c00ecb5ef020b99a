"""Charts of predictions in a real browser: two clicks from a whole split to one picture, by mouse and by keyboard."""

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from conftest import label, write_picture
from playwright.sync_api import Page, expect

from browser.conftest import AppServer, Watch
from hmgc_core.records import Prediction, RunConfig
from hmgc_core.store import jobs, predictions
from hmgc_core.taxonomy import NodeText, Taxonomy
from hmgc_core.workflow import pictures, taxonomies, training, workspaces
from hmgc_core.workflow.workspaces import Workspace

EVIL = "<img src=http://evil.example/x.png>:red[x]"
KINDS = ["albatross", "owl", "tug", "liner"]


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """40 pictures of four classes under two, labelled; two runs, of which the second is wrong less often."""
    folder = tmp_path_factory.mktemp("charts")
    edges = [("bird", "life"), ("ship", "life"), ("albatross", "bird"), ("owl", "bird"), ("tug", "ship")]
    ws = workspaces.open_workspace(folder / "workspace")
    tree = Taxonomy.from_edges([*edges, ("liner", "ship")], {"owl": NodeText(name=EVIL)})
    taxonomies.store_taxonomy(ws, tree, source="test.csv")
    for number in range(40):
        write_picture(folder / "photos" / f"{number:03d}.png", number, side=32)
    pictures.import_images(ws, folder / "photos")
    for image_id in range(1, 41):
        label(ws, image_id, KINDS[image_id % 4])
    for every in (4, 9):
        run_id = training.queue_run(ws, RunConfig(model="flat", backbone="resnet_mini", image_size=16, epochs=1))
        said = []
        for image_id in range(1, 41):
            leaf = KINDS[(image_id + (image_id % every == 0)) % 4]
            sure = 0.3 + 0.6 * float(np.random.default_rng(image_id).random())
            path = ((tree.keys[tree.parents[tree.index(leaf)]], min(1.0, sure + 0.1)), (leaf, sure))
            said.append(Prediction(run_id, image_id, leaf, sure, path, ()))
        with ws.writing() as connection:
            jobs.claim(connection, owner="test", lease_s=60)
            predictions.replace_all(connection, run_id, said)
            jobs.finish(connection, run_id, owner="test", status="done")
    return ws


@pytest.fixture
def url(house: Workspace, app_server: Callable[[Path], AppServer]) -> str:
    return app_server(house.folder).url


def test_a_cell_opens_its_pictures_and_a_picture_opens_in_full(page: Page, url: str) -> None:
    page.goto(f"{url}/predictions?run=1&chart=mixed")
    page.locator(".cell[data-words*='Labelled albatross, answered <img']").click()
    expect(page.locator(".mark-name")).to_contain_text(f"Labelled albatross, answered {EVIL}")
    expect(page).to_have_url(re.compile("mark=taken-for"))
    expect(page.locator(".gallery img")).to_have_count(10)
    page.locator(".gallery img").first.click()
    expect(page.get_by_text("The model says")).to_be_visible()
    expect(page.get_by_text("1 of 10")).to_be_visible()
    page.get_by_role("button", name="All pictures").click()
    expect(page.locator(".gallery img")).to_have_count(10)
    page.get_by_role("button", name="Show all again").click()
    expect(page.locator(".gallery img")).to_have_count(40)
    expect(page.locator(".drawing .pressed")).to_have_count(0)


def test_marks_are_reached_and_opened_by_keyboard(page: Page, url: str) -> None:
    page.goto(f"{url}/predictions?run=1&chart=mixed")
    expect(page.locator(".gallery img")).to_have_count(40)  # the page is drawn to its end
    page.locator(".drawing [data-mark][tabindex='0']").focus()
    page.keyboard.press("ArrowRight")
    words = str(page.locator(".drawing [data-mark][tabindex='0']").get_attribute("data-words"))
    page.keyboard.press("Enter")
    expect(page.locator(".mark-name bdi")).to_be_visible()
    expect(page.locator(".drawing .told")).to_have_text(words)
    expect(page.locator(".drawing .pressed").first).to_have_attribute("aria-pressed", "true")


def test_two_runs_show_both_answers_side_by_side(page: Page, url: str) -> None:
    page.goto(f"{url}/predictions?run=2&with=1&chart=runs")
    page.locator(".row", has_text="Better: right only in run 2").click()
    expect(page.locator(".mark-name")).to_contain_text("Right here, wrong in run 1")
    expect(page.locator(".gallery img")).to_have_count(9)
    page.locator(".gallery img").first.click()
    expect(page.get_by_text("Run 1 says")).to_be_visible()


def test_a_row_of_the_matrix_leads_into_its_classes_and_back(page: Page, url: str) -> None:
    page.goto(f"{url}/predictions?run=1&chart=mixed&level=1")
    page.locator(".rows button.name", has_text="bird").click()
    expect(page.locator(".rows .name")).to_have_text(["albatross", EVIL])
    expect(page).to_have_url(re.compile("below=bird"))
    page.locator(".crumbs button", has_text="All classes").click()
    expect(page.locator(".rows .name")).to_have_count(4)


@pytest.mark.parametrize("chart", ["classes", "mixed", "far", "sure", "careful", "runs"])
def test_every_chart_fits_a_telephone_and_fetches_nothing(
    open_page: Callable[..., Page], url: str, watch: Watch, chart: str
) -> None:
    page = open_page(viewport={"width": 390, "height": 800})
    page.goto(f"{url}/predictions?run=1&chart={chart}")
    expect(page.locator(".drawing [data-mark]").first).to_be_visible()
    assert page.evaluate("() => document.querySelector('[data-testid=stMain]').scrollWidth") <= 390
    assert watch.problems == []


def test_a_chart_that_is_gone_hears_nothing_and_a_new_one_keeps_the_keyboard(page: Page, url: str) -> None:
    page.add_init_script(
        """
        window.hearing = 0
        const listen = window.addEventListener.bind(window)
        window.addEventListener = (name, does, options) => {
          listen(name, does, options)
          if (name !== "hmgc-marked") return
          window.hearing += 1
          options.signal.addEventListener("abort", () => (window.hearing -= 1))
        }
        """
    )
    page.goto(f"{url}/predictions?run=1&chart=mixed&level=1")
    page.locator(".rows button.name", has_text="bird").focus()
    page.keyboard.press("Enter")
    expect(page.locator(".rows .name")).to_have_text(["albatross", EVIL])
    expect(page.locator(".drawing [data-mark][tabindex='0']")).to_be_focused()
    for chart in ("How far off", "Weak and strong classes"):
        page.get_by_role("radio", name=chart).click()
        expect(page.locator(".drawing h4").first).to_be_visible()
    page.wait_for_function("window.hearing === 1")
    page.get_by_role("radio", name="Only pictures").click()
    page.wait_for_function("window.hearing === 0")


def test_another_chart_begins_without_the_mark_of_the_one_before(page: Page, url: str) -> None:
    page.goto(f"{url}/predictions?run=1&chart=far&mark=height:1")
    expect(page.locator(".mark-name bdi")).to_have_text("Mistakes between siblings")
    few = page.locator(".gallery img").count()
    page.get_by_role("radio", name="Weak and strong classes").click()
    expect(page.locator(".mark-name bdi")).to_have_count(0)
    expect(page.locator(".gallery img")).to_have_count(40)
    assert 0 < few < 40
    assert "mark=" not in page.url
    page.locator(".drawing .mark").first.click(force=True)
    expect(page.locator(".mark-name bdi")).to_have_count(1)
    page.get_by_role("radio", name="Only pictures").click()
    expect(page.locator(".mark-name bdi")).to_have_count(0)
    expect(page.locator(".gallery img")).to_have_count(40)


def test_a_mark_and_the_way_back_take_few_messages(page: Page, url: str) -> None:
    frames: list[int] = []
    page.on("websocket", lambda socket: socket.on("framereceived", lambda data: frames.append(len(data))))
    page.goto(f"{url}/predictions?run=1&chart=far")
    expect(page.locator(".gallery .caption").first).to_be_visible()
    page.wait_for_timeout(1500)
    for act in (
        lambda: page.locator(".drawing .mark").first.click(force=True),
        lambda: page.get_by_role("button", name="Show all again").click(),
    ):
        frames.clear()
        act()
        page.wait_for_timeout(1500)
        assert 0 < len(frames) <= 9  # and one goes up
        assert sum(frames) < 3000


def test_a_mark_without_a_picture_that_passes_the_filters_still_has_its_way_back(page: Page, url: str) -> None:
    page.goto(f"{url}/predictions?run=1&show=right&mark=height:1")
    expect(page.get_by_text("No picture passes these filters.")).to_be_visible()
    page.get_by_role("button", name="Show all again").click()
    expect(page.locator(".gallery img")).to_have_count(30)
