"""Connected patches, and the classes around an answer, in a real browser."""

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from made_graphs import answer_with, graph_run, made_graph
from playwright.sync_api import Page, expect

from browser.conftest import AppServer
from browser.test_pages import EVIL, make_workspace
from hmgc_core.store import inspections
from hmgc_core.workflow import relations, taxonomies
from hmgc_core.workflow.workspaces import Workspace

PATH = ["bird", "albatross", "black-footed"]
RUN, IMAGE = 2, 3


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """Run 2 is of a graph net; picture 3 has its graphs, and the probabilities of all classes."""
    ws = make_workspace(tmp_path_factory.mktemp("evidence"))
    assert graph_run(ws) == RUN
    answer_with(ws, RUN, IMAGE, made_graph(PATH))
    number = relations.ask_answer(ws, RUN, IMAGE)
    _, tree = taxonomies.current_taxonomy(ws)
    mass = np.zeros(len(tree))
    mass[[tree.index(key) for key in ("black-footed", "gull-like", "evil", "ship")]] = 0.5, 0.2, 0.2, 0.1
    ws.inspection_folder(number).mkdir(parents=True)
    np.save(ws.inspection_folder(number) / relations.FILE, tree.sum_up(mass).astype(np.float32))
    with ws.writing() as connection:
        inspections.finish(connection, number)
    return ws


@pytest.fixture
def address(house: Workspace, app_server: Callable[[Path], AppServer]) -> str:
    return f"{app_server(house.folder).url}/predictions?run={RUN}&image={IMAGE}"


def frames_heard(page: Page) -> list[str | bytes]:
    """What the server sends from the next visit on, as it comes."""
    heard: list[str | bytes] = []

    def hear(frame: str | bytes) -> None:
        heard.append(frame)

    page.on("websocket", lambda socket: socket.on("framereceived", hear))
    return heard


def test_any_patch_is_put_in_the_middle_without_asking_the_server(page: Page, address: str) -> None:
    heard = frames_heard(page)
    page.goto(f"{address}&why=patches")
    figures = page.locator(".patches figure")
    expect(figures).to_have_count(3)
    expect(figures.nth(0)).to_contain_text("Strongest patch for black-footed: row 1, column 3, connected with 3.")
    expect(figures.nth(1)).to_contain_text("row 2, column 5")
    expect(figures.nth(2)).to_contain_text("no evidence")
    expect(figures.nth(0).locator("line.edge")).to_have_count(3)
    expect(figures.nth(2).locator("line.edge")).to_have_count(0)
    page.wait_for_timeout(700)  # until the page is quiet
    before = len(heard)

    # A click in one block moves all of them; arrows go on from there; Escape leads back to the stars.
    frame = figures.nth(0).locator(".frame")
    area = frame.bounding_box()
    assert area is not None
    frame.click(position={"x": area["width"] * 0.1, "y": area["height"] * 0.9})
    expect(figures.nth(0)).to_contain_text("row 4, column 1")
    expect(figures.nth(2)).to_contain_text("row 4, column 1, connected with 3.")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowUp")
    expect(figures.nth(1)).to_contain_text("row 3, column 2")
    # Patch 11 is connected with 12, 13 and 14: hover tells how alike they are.
    figures.nth(1).locator("button.chip").nth(1).hover()
    expect(figures.nth(1)).to_contain_text("2nd nearest: 80% alike, row 3, column 4.")
    figures.nth(1).locator("button.chip").nth(1).click()
    expect(figures.nth(0)).to_contain_text("row 3, column 4")
    frame.focus()
    page.keyboard.press("Escape")
    expect(figures.nth(0)).to_contain_text("row 1, column 3")
    assert len(heard) == before
    assert page.url.endswith("why=patches"), "the arrows did not lead to another picture"


def test_class_and_blocks_are_chosen_in_the_browser_and_stand_in_the_address(page: Page, address: str) -> None:
    heard = frames_heard(page)
    page.goto(f"{address}&why=patches")
    figures = page.locator(".patches figure")
    expect(figures).to_have_count(3)
    page.wait_for_timeout(700)
    before = len(heard)
    page.locator(".patches").get_by_role("button", name="bird, 90%").click()
    expect(figures.nth(0)).to_contain_text("Strongest patch for bird: row 1, column 1")
    expect(page).to_have_url(re.compile(r"of=bird"))
    page.wait_for_timeout(500)
    assert 0 < len(heard) - before <= 10
    page.locator(".patches").get_by_role("button", name="Block 4", exact=True).click()
    expect(figures).to_have_count(4)
    expect(figures.nth(3)).to_contain_text("connected with 4.")
    expect(page).to_have_url(re.compile(r"blocks=1%2C2%2C3%2C4"))

    with page.expect_download() as kept:
        page.locator(".patches a", has_text="SVG").click()
    svg = kept.value.path().read_text()
    assert "Block 4 of 4" in svg and ">bird<" in svg
    page.reload()
    expect(figures).to_have_count(4)
    expect(figures.nth(0)).to_contain_text("Strongest patch for bird")

    page.wait_for_timeout(700)
    before = len(heard)
    page.get_by_role("radio", name="Around the answer").click()
    expect(page.locator(".relations button.node").first).to_be_visible()
    page.wait_for_timeout(500)
    assert 0 < len(heard) - before <= 10


def test_around_the_answer_every_class_has_its_probability_and_excludes_those_beside_it(
    page: Page, address: str
) -> None:
    heard = frames_heard(page)
    page.goto(f"{address}&why=around")
    boxes = page.locator(".relations button.node")
    expect(boxes).to_have_count(8)
    told = {str(box.get_attribute("aria-label")) for box in boxes.all()}
    assert "albatross: 70%, on the way to the answer, people say so, 2 below it" in told
    assert f"{EVIL}: 20%" in told, "markup in a name is text"
    expect(page.locator(".relations .people")).to_have_count(2)  # one in the legend

    boxes.filter(has_text="gull-like").hover()
    expect(page.locator(".relations .excluded")).to_have_text(re.compile("black-footed"))
    boxes.filter(has_text="ship").click()
    panel = page.locator(".relations .panel")
    expect(panel).to_contain_text("if it is this, it is none of the 1 beside it")
    page.wait_for_timeout(700)  # until the page is quiet
    before = len(heard)
    panel.get_by_role("button", name="Look around it").click()
    expect(page).to_have_url(re.compile("of=ship"))
    expect(boxes.filter(has_text="black-footed")).to_have_count(1)  # the answer stays in sight
    expect(page.get_by_role("button", name="Back to the answer")).to_be_visible()
    expect(boxes.filter(has_text="ship")).to_be_focused()  # the button that led here is gone
    page.wait_for_timeout(500)
    assert 0 < len(heard) - before <= 10


def test_from_a_class_around_the_answer_to_its_patches_and_to_its_page(page: Page, address: str) -> None:
    page.goto(f"{address}&why=around")
    boxes = page.locator(".relations button.node")
    boxes.filter(has_text="albatross").click()
    page.get_by_role("button", name="Connected patches for it").click()
    figures = page.locator(".patches figure")
    expect(figures.first).to_contain_text("Strongest patch for albatross")
    page.goto(f"{address}&why=around")
    boxes.filter(has_text="albatross").click()
    page.get_by_role("button", name="Open the class").click()
    expect(page).to_have_url(re.compile(r"taxonomy\?node=albatross"))


@pytest.mark.parametrize("why", ["patches", "around"])
def test_on_a_telephone_nothing_is_wider_than_the_page(open_page: Callable[..., Page], address: str, why: str) -> None:
    page = open_page(viewport={"width": 390, "height": 844}, color_scheme="dark")
    page.goto(f"{address}&why={why}")
    part = page.locator(".patches figure, .relations button.node")
    expect(part.first).to_be_visible()
    widths = part.evaluate_all("all => all.map(one => one.getBoundingClientRect().right)")
    assert max(widths) <= 390
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
