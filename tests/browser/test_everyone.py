"""The annotator for everyone: readable, large and small, by touch, and by ear."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from browser.app_server import AppServer
from browser.screen import LOADED, Screen
from hmgc_core.workflow.workspaces import Workspace

CONTRAST = (Path(__file__).parent / "contrast.js").read_text().partition("*/")[2].strip().rstrip(";")

Open = Callable[..., Screen]


@pytest.fixture
def opened(open_page: Callable[..., Page], desk_house: Workspace, app_server: Callable[[Path], AppServer]) -> Open:
    """opened(**context options): the annotator in a fresh browser."""
    return lambda **options: Screen(open_page(**options), desk_house).open(app_server(desk_house.folder))


def faint(screen: Screen) -> list[object]:
    screen.page.wait_for_timeout(300)  # colours change over a tenth of a second
    return list(screen.page.locator(".annotator").evaluate(CONTRAST))


# --- contrast ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_everything_can_be_read(opened: Open, scheme: str) -> None:
    screen = opened(color_scheme=scheme)
    page = screen.page
    found = {"at first": faint(screen)}
    screen.press("ArrowDown", "n", "v", "1")
    page.get_by_role("button", name="Zoom and light").click()
    found["not this, lens open"] = faint(screen)
    screen.press("d")
    found["a remark"] = faint(screen)
    screen.press("/")
    found["search"] = faint(screen)
    page.keyboard.type("a")
    found["found"] = faint(screen)
    screen.press("Escape", ";", "f")
    found["code"] = faint(screen)
    screen.press("Escape")
    for key, part in (("?", "help"), ("i", "glance"), ("r", "pace")):
        screen.press(key)
        expect(screen.part(part)).to_be_visible()
        found[part] = faint(screen)
        screen.press("Escape")
    page.route("**/api/labels", lambda route: route.abort())
    screen.label("s")
    screen.label("a")
    expect(screen.part("status")).to_contain_text("Not saved")
    found["not saved"] = faint(screen)
    page.unroute("**/api/labels")
    assert {state: texts for state, texts in found.items() if texts} == {}


# --- sizes ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("width", "height"), [(1280, 720), (1920, 1080), (2560, 1440), (3840, 2160)])
def test_a_screen_of_any_size_holds_all_of_it(opened: Open, width: int, height: int) -> None:
    screen = opened(viewport={"width": width, "height": height})
    screen.page.wait_for_timeout(300)
    for button in screen.page.locator(".annotator button:visible").all():
        box = button.bounding_box()
        assert box is not None
        assert box["x"] >= 0 and box["x"] + box["width"] <= width, button.inner_text()
        assert box["y"] + box["height"] <= height, button.inner_text()
    picture, frame = screen.page.locator(LOADED).bounding_box(), screen.part("frame").bounding_box()
    assert picture is not None and frame is not None
    assert frame["width"] * frame["height"] > 0.4 * width * height
    row = screen.page.locator(".rows li:visible").first.bounding_box()
    assert row is not None and row["y"] + row["height"] <= height


@pytest.fixture
def phone(opened: Open) -> Screen:
    screen = opened(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True, device_scale_factor=2)
    screen.page.wait_for_timeout(300)
    return screen


def test_on_a_phone_picture_suggestion_and_first_classes_are_in_sight(phone: Screen) -> None:
    page = phone.page
    actions = page.locator(".actions").bounding_box()
    assert actions is not None and actions["y"] + actions["height"] <= 845
    for part in (page.locator(LOADED), phone.part("suggestionBox"), *page.locator(".rows li:visible").all()[:2]):
        box = part.bounding_box()
        assert box is not None and box["y"] >= 0
        assert box["y"] + box["height"] <= actions["y"] + 1
    assert page.evaluate("[window.scrollY, document.scrollingElement.scrollWidth]") == [0, 390]
    progress = phone.part("progressText")
    expect(progress).to_contain_text("of 160 labelled")
    assert progress.evaluate("it => it.parentElement.scrollWidth <= it.parentElement.clientWidth")


def test_on_a_phone_the_step_that_accept_would_take_is_in_sight_and_the_first_a_swipe_away(phone: Screen) -> None:
    steps = phone.part("steps")
    inside = """(steps, chosen) => {
      const [own, its] = [steps, steps.querySelector(chosen)].map((one) => one.getBoundingClientRect());
      return [its.left >= own.left - 1, its.right <= own.right + 1];
    }"""
    assert steps.evaluate("(steps) => steps.scrollWidth > steps.clientWidth"), "the path is wider than the screen"
    assert steps.evaluate(inside, "[aria-current]") == [True, True]
    steps.evaluate("(steps) => { steps.scrollLeft = 0 }")
    assert steps.evaluate(inside, "button") == [True, True]


def test_on_a_phone_everything_is_large_enough_for_a_thumb(phone: Screen) -> None:
    phone.page.get_by_role("button", name="Zoom and light").tap()
    for button in phone.page.locator(".annotator button:visible").all():
        box = button.bounding_box()
        assert box is not None and box["height"] >= 44, button.inner_text()
        assert box["width"] >= 44, button.inner_text()


def test_a_phone_labels_by_touch_alone(phone: Screen) -> None:
    page = phone.page
    first = phone.image
    phone.part("steps").get_by_role("button", name="albatross 91").tap()
    phone.saved()
    assert phone.said(first) == [("is", "albatross")]
    second = phone.image
    page.get_by_role("button", name=re.compile("ship.*below")).tap()
    page.get_by_role("button", name="Label as ship").tap()
    phone.saved()
    assert phone.said(second) == [("is", "ship")]
    page.get_by_role("button", name="Undo").tap()
    expect(page.locator(LOADED)).to_have_attribute("alt", f"Picture {second}")
    page.get_by_role("button", name="Pictures of a class").tap()
    expect(phone.part("glance")).to_be_visible()
    page.get_by_role("button", name="Close", exact=True).tap()
    expect(phone.part("glance")).to_be_hidden()
    phone.saved()
    assert phone.said(second) == []


@pytest.mark.parametrize("part", ["help", "glance", "pace"])
def test_sheets_fit_a_phone(opened: Open, part: str) -> None:
    screen = opened(viewport={"width": 390, "height": 844})
    screen.press({"help": "?", "glance": "i", "pace": "r"}[part])
    expect(screen.part(part)).to_be_visible()
    screen.page.wait_for_timeout(300)
    box = screen.part(part).bounding_box()
    assert box is not None and box["x"] >= 0 and box["x"] + box["width"] <= 390 and box["height"] <= 844
    assert screen.part(part).evaluate("sheet => sheet.scrollWidth <= sheet.clientWidth + 1")


# --- by ear -----------------------------------------------------------------------------------------------------------


def test_what_was_done_is_said_aloud(desk: Screen) -> None:
    said = desk.part("announcer")
    assert (said.get_attribute("role"), said.get_attribute("aria-live")) == ("status", "polite")
    desk.label("a")
    expect(said).to_have_text("Labelled: Bird.")
    desk.press("z")
    expect(said).to_have_text("Taken back: Bird.")
    desk.label("s")
    expect(said).to_have_text("Skipped.")
    desk.press("t")
    expect(said).to_have_text("Classes in tree order.")


def test_landmarks_names_and_roles_tell_where_one_is(desk: Screen) -> None:
    page = desk.page
    for role, name in (("region", "Picture to label"), ("region", "Class"), ("navigation", "Where you stand")):
        expect(page.get_by_role(role, name=name, exact=True)).to_have_count(1)  # type: ignore[arg-type]
    expect(page.get_by_role("progressbar", name="Pictures labelled")).to_have_count(1)
    expect(page.get_by_role("group", name="Suggestion, from the top level down")).to_be_visible()
    expect(page.get_by_role("list", name="Classes to choose from")).to_be_visible()
    for key, title in (("?", "Keys"), ("i", "Black-footed albatross"), ("r", "How your labelling goes")):
        desk.press(key)
        expect(page.get_by_role("dialog", name=title)).to_be_visible()
        desk.press("Escape")
    nameless = page.locator(".annotator").evaluate(
        """root => [...root.querySelectorAll("button, input, textarea, img")].filter((element) =>
          element.checkVisibility() && !(element.ariaLabel || element.alt !== undefined && element.tagName === "IMG"
            || element.innerText?.trim() || element.labels?.length)).map(({outerHTML}) => outerHTML)"""
    )
    assert nameless == []


def test_tab_reaches_every_control_and_none_is_a_trap(desk: Screen) -> None:
    page = desk.page
    page.locator("[data-do=openPace]").focus()
    reached = []
    for _ in range(45):
        page.keyboard.press("Tab")
        reached.append(
            page.evaluate(
                """() => { let at = document.activeElement;
                  while (at?.shadowRoot?.activeElement) at = at.shadowRoot.activeElement;
                  return at?.dataset?.do || at?.dataset?.part || at?.tagName; }"""
            )
        )
    for control in ("toggleLens", "fullScreen", "acceptAt", "accept", "search", "openGlance", "row", "label", "help"):
        assert control in reached
    assert reached[-1] not in ("help", "search")  # it goes on, out of the annotator


def test_enter_twice_on_a_step_of_the_path_labels_nothing(opened: Open) -> None:
    screen = opened()
    image = screen.image
    screen.press("1", "1", "Tab")
    screen.part("crumbs").get_by_role("button").nth(1).focus()
    screen.press("Enter")
    expect(screen.part("hereName")).to_have_text("Bird")
    screen.press("Enter")
    screen.page.wait_for_timeout(300)
    assert screen.image == image and screen.said(image) == []
