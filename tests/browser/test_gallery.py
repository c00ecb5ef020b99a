"""Marking pictures in a gallery as a person does it, and what can be done with them."""

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from browser.conftest import AppServer
from browser.screen import make_workspace, predict
from hmgc_core.taxonomy import Taxonomy
from hmgc_core.workflow import labelling, references, selections
from hmgc_core.workflow.workspaces import Workspace

PAGE = 60


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory, tree: Taxonomy) -> Workspace:
    ws = make_workspace(tmp_path_factory.mktemp("gallery"), 130, tree)
    predict(ws)
    return ws


class Gallery:
    """The gallery of Predictions."""

    def __init__(self, page: Page, ws: Workspace, url: str) -> None:
        self.page, self.ws, self.url = page, ws, url

    def open(self, address: str = "") -> "Gallery":
        self.page.goto(f"{self.url}/predictions?{address}".rstrip("?"))
        expect(self.cards.first.locator(".caption")).to_be_visible()  # the names have come
        return self

    @property
    def cards(self) -> Locator:
        return self.page.locator(".gallery button")

    def id_of(self, place: int) -> int:
        return int(str(self.cards.nth(place).get_attribute("data-id")))

    def marked(self) -> list[int]:
        """Places on this page."""
        found = self.cards.evaluate_all("all => all.map((card) => card.getAttribute('aria-selected') === 'true')")
        return [place for place, is_marked in enumerate(found) if is_marked]

    def do(self, command: str) -> None:
        self.page.locator(f".room [data-do={command}]").click()

    def total(self, text: str) -> None:
        expect(self.page.locator(".marked strong")).to_have_text(text)

    def tell_who(self, name: str) -> None:
        self.page.get_by_label("Your name").fill(name)
        self.page.get_by_role("button", name="Start labelling").click()

    def said(self, image_id: int) -> list[tuple[str, str]]:
        history = labelling.image_history(self.ws, image_id)
        return [(a.annotator, a.node) for a in history if not a.withdrawn]


@pytest.fixture
def shown(page: Page, house: Workspace, app_server: Callable[[Path], AppServer]) -> Iterator[Gallery]:
    page.context.clear_cookies()
    yield Gallery(page, house, app_server(house.folder).url).open("order=imported")


def test_pictures_are_marked_by_click_range_frame_and_keys_without_a_word_to_the_app(shown: Gallery) -> None:
    page, frames = shown.page, list[str]()
    page.on("request", lambda request: frames.append(request.url) if "/api/marked" in request.url else None)
    shown.cards.nth(1).locator(".check").click()
    shown.cards.nth(4).click(modifiers=["Shift"])
    assert shown.marked() == [1, 2, 3, 4]
    shown.cards.nth(2).click(modifiers=["Control"])
    assert shown.marked() == [1, 3, 4]
    shown.do("none")
    assert shown.marked() == []
    shown.do("bringBack")
    assert shown.marked() == [1, 3, 4]
    first, last = shown.cards.nth(0).bounding_box(), shown.cards.nth(2).bounding_box()
    assert first and last
    page.mouse.move(first["x"] + 40, first["y"] + 40)
    page.mouse.down()
    page.mouse.move(last["x"] + 30, last["y"] + 60, steps=4)
    page.mouse.up()
    assert shown.marked() == [0, 1, 2, 3, 4]
    assert "image=" not in page.url  # the frame was no click
    shown.do("none")
    shown.cards.nth(0).focus()
    for key in ("Space", "ArrowRight", "Shift+ArrowRight", "ArrowLeft"):
        page.keyboard.press(key)
    assert shown.marked() == [0, 1, 2]  # Shift: all from the one marked last
    page.keyboard.press("a")
    assert len(shown.marked()) == PAGE
    page.keyboard.press("Escape")
    assert shown.marked() == []
    assert frames == []


def test_marks_stay_over_pages_and_reloads_and_are_labelled_and_taken_back_in_one_go(shown: Gallery) -> None:
    page = shown.page
    shown.cards.nth(10).locator(".check").click()
    shown.cards.nth(11).locator(".check").click()
    images = [shown.id_of(10), shown.id_of(11)]
    page.locator("[data-testid=stPagination] button, .stPagination button").nth(2).click()
    expect(page.locator(".elsewhere")).to_have_text("2 not on this page")
    shown.cards.nth(0).locator(".check").click()
    images.append(shown.id_of(0))
    page.reload()
    expect(shown.cards.first.locator(".caption")).to_be_visible()
    shown.total("3 marked")
    shown.do("label")
    shown.tell_who("zoe")
    sheet = page.locator("dialog.sheet")
    expect(sheet.locator(".likely")).to_contain_text("Black-footed albatross")
    page.keyboard.type("alba")
    page.keyboard.press("Enter")
    expect(sheet.locator(".main")).to_have_text(re.compile("Label 3 as"))
    sheet.locator(".crumbs button", has_text="Bird").click()
    expect(sheet.locator("h3")).to_have_text("3 are new")
    expect(sheet.locator(".main")).to_have_text("Label 3 as Bird")
    page.keyboard.press("Enter")
    expect(page.locator(".act")).to_contain_text("3 pictures labelled as Bird.")
    assert [shown.said(image) for image in images] == [[("zoe", "bird")]] * 3
    page.reload()
    expect(shown.cards.first.locator(".caption")).to_be_visible()
    shown.do("undo")
    expect(page.locator(".act")).to_contain_text("Taken back")
    shown.total("3 marked")
    assert [shown.said(image) for image in images] == [[]] * 3
    shown.do("none")
    shown.do("dismiss")


def test_marked_pictures_open_in_annotate_and_become_references(shown: Gallery) -> None:
    page = shown.page
    shown.cards.nth(20).locator(".check").click()
    shown.cards.nth(21).locator(".check").click()
    images = {shown.id_of(20), shown.id_of(21)}
    shown.do("reference")
    shown.tell_who("zoe")
    sheet = page.locator("dialog.sheet")
    expect(sheet.locator(".crumbs button")).to_have_count(1)
    page.keyboard.type("owl")
    page.keyboard.press("Enter")
    sheet.locator(".main", has_text="Mark 2 for owl").click()
    expect(page.locator(".act")).to_contain_text("2 pictures marked as reference for owl.")
    assert {mark.image_id for mark in references.of_class(shown.ws, "owl")} == images
    shown.do("undo")
    shown.total("2 marked")
    assert references.of_class(shown.ws, "owl") == []
    shown.do("queue")
    sheet.locator("input").fill("A pair")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"/annotate\?queue=selection"))
    expect(page.locator("[data-part=queueName]")).to_contain_text("A pair")
    assert [(s.name, s.total) for s in selections.all_selections(shown.ws)] == [("A pair", 2)]


def test_a_finger_marks_on_a_telephone(
    open_page: Callable[..., Page], house: Workspace, app_server: Callable[[Path], AppServer]
) -> None:
    page = open_page(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    shown = Gallery(page, house, app_server(house.folder).url).open("order=imported")
    shown.cards.nth(0).scroll_into_view_if_needed()
    box = shown.cards.nth(0).bounding_box()
    assert box
    touch = page.context.new_cdp_session(page)
    points = [{"x": box["x"] + 50, "y": box["y"] + 50}]
    touch.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": points})
    expect(shown.cards.nth(0)).to_have_attribute("aria-selected", "true")
    touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    shown.cards.nth(1).tap()
    shown.total("2 marked")
    assert "image=" not in page.url
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_a_page_is_turned_in_few_messages(shown: Gallery) -> None:
    page, got = shown.page, list[int]()
    page.on("websocket", lambda socket: socket.on("framereceived", lambda frame: got.append(len(frame))))
    shown.open("order=imported")
    page.wait_for_timeout(1500)
    got.clear()
    first = shown.id_of(0)
    page.locator("[data-testid=stPagination] button, .stPagination button").nth(2).click()
    expect(shown.cards.first).not_to_have_attribute("data-id", str(first))
    page.wait_for_timeout(500)
    assert len(got) <= 10
    assert sum(got) <= 3000, json.dumps(got)
