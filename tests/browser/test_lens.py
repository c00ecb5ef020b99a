"""Looking closer at a picture: larger, moved, brighter, on the whole screen; and as it was for the next one."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import write_picture
from playwright.sync_api import Page, expect

from browser.app_server import AppServer
from browser.screen import LOADED, Screen
from hmgc_core.taxonomy import Taxonomy
from hmgc_core.workflow import pictures, taxonomies, workspaces
from hmgc_core.workflow.workspaces import Workspace


def scale(screen: Screen) -> float:
    """How much larger the picture is shown."""
    found = re.search(r"scale\(([\d.]+)\)", screen.part("picture").get_attribute("style") or "")
    return float(found.group(1)) if found else 1.0


def place(screen: Screen) -> tuple[float, float]:
    """Where the middle of the picture is, in points of the page."""
    box = screen.page.locator(LOADED).bounding_box()
    assert box is not None
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def middle(screen: Screen) -> tuple[float, float]:
    box = screen.part("frame").bounding_box()
    assert box is not None
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def test_keys_enlarge_and_the_next_picture_is_whole_again(desk: Screen) -> None:
    desk.press(".", ".")
    assert scale(desk) == 2.25
    desk.press(",")
    assert scale(desk) == 1.5
    desk.press("v", "y")
    assert "brightness" in str(desk.part("picture").get_attribute("style"))
    desk.label("s")
    assert (desk.part("picture").get_attribute("style") or "") == ""
    desk.press("z")


def test_w_shows_the_whole_picture_as_it_was(desk: Screen) -> None:
    desk.press(".", "v", "v", "Shift+y", "Shift+ArrowLeft")
    style = str(desk.part("picture").get_attribute("style"))
    assert "translate" in style and "brightness(1.41" in style and "contrast(0.84" in style
    desk.press("w")
    assert (desk.part("picture").get_attribute("style") or "") == ""


def test_a_view_that_is_kept_holds_for_the_next_picture(desk: Screen) -> None:
    desk.page.get_by_role("button", name="Zoom and light").click()
    desk.page.get_by_label("Keep for the next pictures").check()
    desk.press(".")
    desk.label("s")
    assert scale(desk) == 1.5
    desk.press("z")
    expect(desk.page.locator(LOADED)).to_be_visible()


def test_a_click_on_the_words_beside_a_box_leaves_the_keyboard_alone(desk: Screen) -> None:
    desk.page.get_by_role("button", name="Zoom and light").click()
    desk.page.get_by_text("Keep for the next pictures").click()
    expect(desk.page.get_by_label("Keep for the next pictures")).to_be_checked()
    desk.press("1")
    expect(desk.part("hereName")).not_to_have_text("life")


def test_the_wheel_enlarges_where_the_mouse_is_and_dragging_moves(desk: Screen) -> None:
    mouse, (x, y) = desk.page.mouse, middle(desk)
    mouse.move(x + 100, y + 50)
    mouse.wheel(0, -600)
    expect(desk.part("zoomText")).to_have_text("4.0×")
    before = place(desk)
    assert before == pytest.approx((x - 300, y - 150), abs=3)  # the point under the mouse has stayed
    mouse.down()
    mouse.move(x + 160, y + 80, steps=4)
    mouse.up()
    assert place(desk) == pytest.approx((before[0] + 60, before[1] + 30), abs=3)


def test_a_double_click_enlarges_and_a_second_one_takes_it_back(desk: Screen) -> None:
    (x, y), image = middle(desk), desk.image
    before = desk.history(image)
    desk.page.mouse.dblclick(x, y)
    assert scale(desk) == 2.5
    desk.page.mouse.dblclick(x, y)
    assert scale(desk) == 1.0
    assert desk.image == image and desk.history(image) == before


def test_the_picture_cannot_be_moved_out_of_sight(desk: Screen) -> None:
    desk.press(".", ".", ".", *["Shift+ArrowRight"] * 40)
    frame, box = desk.part("frame").bounding_box(), desk.page.locator(LOADED).bounding_box()
    assert frame is not None and box is not None
    assert box["x"] + box["width"] == pytest.approx(frame["x"] + frame["width"], abs=2)


def test_the_sliders_and_buttons_do_the_same(desk: Screen) -> None:
    desk.page.get_by_role("button", name="Zoom and light").click()
    desk.page.get_by_role("button", name="Larger").click()
    assert scale(desk) == 1.5
    desk.page.get_by_label("Light", exact=True).click(position={"x": 2, "y": 4})
    desk.press("1")  # moved by hand, the slider does not keep the keyboard
    expect(desk.part("hereName")).not_to_have_text("life")
    desk.page.get_by_label("Light", exact=True).fill("1")
    assert "brightness(2)" in str(desk.part("picture").get_attribute("style"))
    desk.page.get_by_role("button", name="Whole picture").click()
    assert (desk.part("picture").get_attribute("style") or "") == ""
    expect(desk.part("lightRange")).to_have_value("0")


def test_two_fingers_enlarge(
    open_page: Callable[..., Page], desk_house: Workspace, app_server: Callable[[Path], AppServer]
) -> None:
    page = open_page(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    screen = Screen(page, desk_house).open(app_server(desk_house.folder))
    x, y = middle(screen)
    touch = page.context.new_cdp_session(page)

    def fingers(kind: str, *apart: float) -> None:
        points = [{"x": x + side * far, "y": y, "id": side} for far in apart for side in (-1, 1)]
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    fingers("touchStart", 40)
    for far in (50, 60, 70, 80):
        fingers("touchMove", far)
    fingers("touchEnd")
    assert scale(screen) == pytest.approx(2.0, abs=0.15)


def test_enlarged_pictures_become_sharp_and_the_next_one_does_not_wait(
    tmp_path: Path, tree: Taxonomy, open_page: Callable[..., Page], app_server: Callable[[Path], AppServer]
) -> None:
    ws = workspaces.open_workspace(tmp_path / "workspace")
    taxonomies.store_taxonomy(ws, tree, source="test.csv")
    for number in range(3):
        write_picture(tmp_path / "photos" / f"{number}.png", number, side=3000)
    pictures.import_images(ws, tmp_path / "photos")
    server = app_server(ws.folder)
    screen = Screen(open_page(), ws).open(server)
    image, page = screen.image, screen.page
    loaded = page.locator(LOADED)
    assert loaded.evaluate("image => image.naturalWidth") < 3000
    with page.expect_response(re.compile(r"w=(1920|3840)")):
        screen.press(".", ".", ".")
    expect(loaded).to_have_js_property("naturalWidth", 3000)
    assert screen.image == image and scale(screen) == 3.375
    screen.press(".", ".")
    screen.label("s")  # at once, whatever is still on its way
    assert scale(screen) == 1.0
    server.stop()


def test_the_whole_screen_and_back(desk: Screen) -> None:
    desk.press("p")
    box = desk.page.locator(".annotator").bounding_box()
    assert box is not None and (round(box["x"]), round(box["y"]), round(box["width"])) == (0, 0, 1440)
    image = desk.label("1", "Enter")
    desk.saved()
    assert desk.said(image) == [("is", "bird")]
    desk.press("p")
    expect(desk.page.get_by_role("link", name="Overview")).to_be_visible()
    box = desk.page.locator(".annotator").bounding_box()
    assert box is not None and box["y"] > 20
