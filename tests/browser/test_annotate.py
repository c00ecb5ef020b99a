"""The annotator in a real browser: what each key and each button does, and what is then in the database."""

import json
import re
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from browser.app_server import AppServer
from browser.screen import LOADED, Screen
from hmgc_core.workflow.workspaces import Workspace

# --- keys -------------------------------------------------------------------------------------------------------------


def test_enter_labels_at_the_level_where_one_stands(screen: Screen) -> None:
    screen.press("1")
    assert screen.name == "Bird"
    image = screen.label("Enter")
    screen.saved()
    assert screen.said(image) == [("is", "bird")]
    (stored,) = screen.history(image)
    assert stored.annotator == "ada" and stored.seconds > 0
    assert screen.name == "life"


def test_enter_at_the_root_says_that_one_cannot_tell(screen: Screen) -> None:
    image = screen.label("Enter")
    screen.saved()
    assert screen.said(image) == [("is", "life")]


def test_a_key_pressed_twice_labels_one_picture(screen: Screen) -> None:
    first = screen.image
    screen.press("1")
    screen.page.evaluate("""() => {
      const enter = { key: "Enter", code: "Enter", bubbles: true, cancelable: true };
      for (let times = 0; times < 2; times++) document.body.dispatchEvent(new KeyboardEvent("keydown", enter));
    }""")
    expect(screen.part("toast")).to_contain_text(re.compile("nothing was labelled", re.IGNORECASE))
    screen.ready()
    second = screen.image
    screen.saved()
    assert screen.said(first) == [("is", "bird")] and screen.said(second) == []
    screen.label("Enter")
    screen.saved()
    assert screen.said(second) == [("is", "life")]


def test_digits_go_down_backspace_goes_up_and_a_leaf_is_labelled_at_once(screen: Screen) -> None:
    screen.press("1", "1")
    assert screen.name == "albatross"
    screen.press("Backspace")
    assert screen.name == "Bird"
    image = screen.label("2")  # an owl has no classes below
    screen.saved()
    assert screen.said(image) == [("is", "owl")]


def test_more_than_nine_classes_come_in_pages(screen: Screen) -> None:
    assert screen.rows() == ["Bird", "ship", "plant"]
    screen.press("3")
    assert len(screen.rows()) == 9
    expect(screen.part("pagerText")).to_have_text("1–9 of 12")
    screen.press("0")
    assert screen.rows() == ["flower 09", "flower 10", "flower 11"]
    image = screen.label("2")
    screen.saved()
    assert screen.said(image) == [("is", "flower 10")]


def test_a_digit_without_a_class_says_so(screen: Screen) -> None:
    screen.press("9")
    expect(screen.part("toast")).to_have_text("There is no class with the digit 9 here.")
    screen.press("1", "ArrowDown", "ArrowDown", "ArrowRight", "1")
    expect(screen.part("toast")).to_have_text("There is nothing below owl.")


def test_arrows_pick_a_class_and_go_there_without_labelling(screen: Screen) -> None:
    screen.press("1", "ArrowDown", "ArrowDown", "ArrowRight")
    assert screen.name == "owl"
    screen.press("ArrowLeft")
    assert screen.name == "Bird"


def test_space_accepts_the_suggestion(screen: Screen) -> None:
    expect(screen.part("steps")).to_have_text(re.compile("Bird.*98.*albatross.*91.*Black-footed albatross.*55"))
    image = screen.label("Space")
    screen.saved()
    assert screen.said(image) == [("is", "black-footed")]


def test_minus_makes_the_suggestion_coarser_and_stands_there(screen: Screen) -> None:
    screen.press("-")
    assert screen.name == "albatross"
    expect(screen.part("acceptText")).to_have_text("albatross")
    screen.press("-")
    assert screen.name == "Bird"
    screen.press("+")
    image = screen.label("Space")
    screen.saved()
    assert screen.said(image) == [("is", "albatross")]


def test_what_was_shown_is_stored_with_the_label(screen: Screen) -> None:
    bodies: list[str] = []
    screen.page.on("request", lambda sent: bodies.append(sent.post_data or "") if "/api/labels" in sent.url else None)
    screen.label("1", "Enter")
    screen.saved()
    (body,) = bodies
    assert json.loads(body)["labels"][0]["shown"] == {"suggestion": "black-footed", "run": 1}
    assert len(body) < 500


def test_not_this_keeps_the_picture_until_something_sure_is_said(screen: Screen) -> None:
    image = screen.image
    screen.press("n")  # not the suggested black-footed albatross
    expect(screen.part("chips")).to_contain_text("Not Black-footed albatross")
    assert screen.image == image and screen.name == "albatross"
    expect(screen.part("acceptText")).to_have_text("albatross")
    assert screen.label("Enter") == image
    screen.saved()
    assert screen.said(image) == [("is_not", "black-footed"), ("is", "albatross")]


def test_a_chip_takes_its_not_back(screen: Screen) -> None:
    image = screen.image
    screen.press("2", "n")
    screen.page.get_by_role("button", name="Not ship").click()
    expect(screen.part("chips")).to_be_empty()
    screen.saved()
    assert screen.image == image and screen.said(image) == []


def test_skipped_after_a_not_the_not_is_the_label(screen: Screen) -> None:
    image = screen.label("2", "n", "s")
    expect(screen.part("toast")).to_have_text("“Not ship” stays, and is the label of that picture.")
    screen.saved()
    assert screen.said(image) == [("is_not", "ship")]
    screen.press("z", "z")
    screen.saved()
    assert screen.image == image and screen.said(image) == []


def test_none_below_unusable_and_skip(screen: Screen) -> None:
    none_below, unusable, skipped = screen.label("1", "o"), screen.label("x"), screen.label("s")
    screen.saved()
    assert screen.said(none_below) == [("none_here", "bird")]
    assert screen.said(unusable) == [("unusable", "")]
    assert screen.history(skipped) == []


def test_undo_goes_back_step_by_step_with_the_pictures(screen: Screen) -> None:
    first, second = screen.label("1", "Enter"), screen.label("2", "Enter")
    third = screen.label("s")
    screen.saved()
    for image, place in ((third, "life"), (second, "ship"), (first, "Bird")):
        screen.press("z")
        expect(screen.page.locator(LOADED)).to_have_attribute("alt", f"Picture {image}")
        assert screen.name == place
    screen.saved()
    assert screen.said(first) == [] and screen.said(second) == []
    assert [a.withdrawn for a in screen.history(first)] == [True]
    assert screen.label("2") == first
    screen.saved()
    assert screen.said(first) == [("is", "owl")]


def test_search_finds_names_synonyms_and_keys(screen: Screen) -> None:
    screen.press("/")
    screen.page.keyboard.type("alba")
    assert screen.rows() == ["albatross", "Black-footed albatross"]
    for typed, found in (("nigri", "Black-footed albatross"), ("black-f", "Black-footed albatross"), ("VÓGEL", "Bird")):
        screen.part("search").fill(typed)
        assert screen.rows()[0] == found
    screen.part("search").fill("dragon")
    expect(screen.part("empty")).to_have_text("No class has this in its name.")
    assert screen.rows() == []
    screen.part("search").fill("black abltros")
    expect(screen.part("empty")).to_contain_text("Did you mean one of these?")
    assert screen.rows() == ["Black-footed albatross"]
    screen.press("Enter")  # nobody has chosen it yet
    assert screen.name == "life"
    screen.press("Escape")
    assert screen.rows()[0] == "Bird"
    screen.press("/")
    screen.page.keyboard.type("steam")
    screen.press("Enter")
    assert screen.name == "steamer"


def test_a_leaf_found_by_search_is_labelled_at_once(screen: Screen) -> None:
    image = screen.image
    screen.press("/")
    screen.page.keyboard.type("flower 1")
    screen.press("ArrowDown")
    screen.label("Enter")
    screen.saved()
    assert screen.said(image) == [("is", "flower 11")]


# --- considerate keys -------------------------------------------------------------------------------------------------


def test_keys_with_modifiers_in_fields_and_under_dialogs_are_left_alone(screen: Screen) -> None:
    image = screen.image
    screen.press("Control+Enter", "Alt+1", "Meta+Enter")
    screen.press("?")
    expect(screen.part("help")).to_be_visible()
    screen.press("x", "s", "1")
    screen.press("Escape")
    expect(screen.part("help")).to_be_hidden()
    screen.press("/")
    screen.page.keyboard.type("sxn1")
    screen.press("Escape")
    assert (screen.image, screen.name) == (image, "life")
    assert screen.history(image) == []


def test_a_key_held_down_labels_one_picture(screen: Screen) -> None:
    image = screen.image
    screen.press("1")
    screen.page.keyboard.down("Enter")
    for _ in range(5):
        screen.page.keyboard.down("Enter")  # what a held key sends
    screen.page.keyboard.up("Enter")
    screen.saved()
    following = screen.image
    assert screen.said(image) == [("is", "bird")] and screen.history(following) == []


def test_a_button_reached_by_tab_keeps_its_enter(screen: Screen) -> None:
    image = screen.image
    screen.page.keyboard.press("Tab")
    screen.page.locator("[data-do=help]").focus()
    screen.press("Enter")
    expect(screen.part("help")).to_be_visible()
    assert screen.image == image


def test_the_keys_are_released_when_the_page_is_left(screen: Screen) -> None:
    image = screen.image
    screen.page.get_by_role("link", name="Overview").click()
    expect(screen.page.locator(".annotator")).to_have_count(0)
    screen.page.locator("body").press("x")
    screen.page.keyboard.press("1")
    time.sleep(0.3)
    assert screen.history(image) == []
    screen.page.get_by_role("link", name="Annotate").click()
    screen.ready()
    assert screen.image == image


# --- mouse, touch, narrow ---------------------------------------------------------------------------------------------


def test_everything_can_be_done_with_the_mouse(screen: Screen) -> None:
    page, image = screen.page, screen.image
    page.get_by_role("button", name=re.compile("Bird.*below")).click()
    page.get_by_role("button", name=re.compile(r"albatross.*below")).click()
    page.get_by_label("Where you stand").get_by_role("button", name="Bird").click()
    assert screen.name == "Bird"
    page.get_by_role("button", name="Label as Bird").click()
    screen.saved()
    assert screen.said(image) == [("is", "bird")]
    page.get_by_role("button", name="Undo").click()
    screen.saved()
    assert screen.image == image and screen.said(image) == []
    screen.label("Enter")  # the buttons have not taken the keyboard away
    screen.saved()
    assert screen.said(image) == [("is", "bird")]


def test_a_last_label_can_be_opened_again_and_the_latest_word_counts(screen: Screen) -> None:
    image = screen.label("1", "Enter")
    screen.page.get_by_label("Your last labels").get_by_role("button", name="Bird").first.click()
    expect(screen.page.locator(LOADED)).to_have_attribute("alt", f"Picture {image}")
    screen.label("Backspace", "2", "Enter")
    screen.saved()
    assert screen.said(image) == [("is", "bird"), ("is", "ship")]
    strip = screen.part("recent").locator("li")
    expect(strip).to_have_text(["ship"])  # once, with what counts now
    expect(strip.locator("img")).to_have_count(1)


@pytest.mark.parametrize("width", [390, 768, 1440])
def test_nothing_is_cut_off_and_touch_targets_are_large(
    open_page: Callable[..., Page], house: Workspace, app_server: Callable[[Path], AppServer], width: int
) -> None:
    touch = {"has_touch": True, "is_mobile": True} if width < 1000 else {}
    page = open_page(viewport={"width": width, "height": 900}, **touch)
    Screen(page, house).open(app_server(house.folder))
    time.sleep(0.3)
    box = page.locator(".annotator").bounding_box()
    assert box is not None and box["x"] >= 0 and box["x"] + box["width"] <= width
    for button in page.locator(".annotator button:visible").all():
        place = button.bounding_box()
        assert place is not None
        if width < 1000:
            assert place["height"] >= 40, button.inner_text()
        else:
            assert place["y"] + place["height"] <= 900, button.inner_text()
        assert (button.get_attribute("aria-label") or button.inner_text()).strip()
