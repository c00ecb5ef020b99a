"""The suggestion as a ladder: every level of its path is one key or one click away, on every keyboard."""

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from browser.app_server import AppServer
from browser.screen import Screen, make_workspace, predict
from hmgc_core.taxonomy import Taxonomy


def send(screen: Screen, key: str, code: str, *, shift: bool = False) -> None:
    """A key press as another keyboard layout would send it."""
    screen.page.evaluate(
        "([key, code, shiftKey]) => window.dispatchEvent(new KeyboardEvent('keydown', {key, code, shiftKey}))",
        [key, code, shift],
    )


@pytest.mark.parametrize(("key", "node"), [("a", "bird"), ("b", "albatross"), ("c", "black-footed")])
def test_a_letter_accepts_the_suggestion_at_its_level(desk: Screen, key: str, node: str) -> None:
    image = desk.label(key)
    desk.saved()
    assert desk.said(image) == [("is", node)]


def test_the_letters_stand_on_the_steps_and_a_click_does_the_same(desk: Screen) -> None:
    expect(desk.part("steps").locator("kbd")).to_have_text(["A", "B", "C"])
    image = desk.image
    desk.part("steps").get_by_role("button", name="albatross 91").click()
    desk.saved()
    assert desk.said(image) == [("is", "albatross")]


def test_space_accepts_as_far_down_as_the_model_is_sure(
    tmp_path: Path, open_page: Callable[..., Page], app_server: Callable[[Path], AppServer], tree: Taxonomy
) -> None:
    ws = make_workspace(tmp_path, 12, tree)
    predict(ws, sure=(0.9, 0.7, 0.3))
    desk = Screen(open_page(), ws).open(app_server(ws.folder))
    expect(desk.part("acceptText")).to_have_text("albatross")
    expect(desk.part("steps").locator("[aria-current]")).to_contain_text("albatross")
    image = desk.label("Space")
    desk.saved()
    assert desk.said(image) == [("is", "albatross")]
    desk.press("+")
    expect(desk.part("acceptText")).to_have_text("Black-footed albatross")
    image = desk.label("Space")
    desk.saved()
    assert desk.said(image) == [("is", "black-footed")]
    image = desk.label("c")
    desk.saved()
    assert desk.said(image) == [("is", "black-footed")]


def test_what_was_ruled_out_is_no_step_any_more(desk: Screen) -> None:
    desk.press("2", "Backspace", "1", "1", "n")  # not an albatross
    expect(desk.part("steps").locator("kbd")).to_have_text(["A"])
    desk.press("b")
    expect(desk.part("toast")).to_contain_text("does not go down")
    image = desk.label("a")
    desk.saved()
    assert desk.said(image) == [("is_not", "albatross"), ("is", "bird")]


def test_coarser_and_finer_have_buttons(desk: Screen) -> None:
    coarser, finer = desk.part("coarser"), desk.part("finer")
    expect(finer).to_be_disabled()
    coarser.click()
    coarser.click()
    expect(desk.part("acceptText")).to_have_text("Bird")
    finer.click()
    expect(desk.part("acceptText")).to_have_text("albatross")
    finer.click()
    expect(finer).to_be_disabled()


def test_on_a_french_keyboard_letters_and_digits_mean_what_they_say(desk: Screen) -> None:
    send(desk, "&", "Digit1")  # the key with 1 on it
    assert desk.name == "Bird"
    send(desk, "1", "Digit1", shift=True)
    assert desk.name == "albatross"
    image = desk.image
    send(desk, "a", "KeyQ")
    desk.saved()
    assert desk.said(image) == [("is", "bird")]


def test_where_the_keyboard_has_no_latin_letters_their_places_count(desk: Screen) -> None:
    image = desk.image
    send(desk, "ф", "KeyA")
    desk.saved()
    assert desk.said(image) == [("is", "bird")]


def test_caps_lock_changes_nothing(desk: Screen) -> None:
    image = desk.image
    send(desk, "B", "KeyB")
    desk.saved()
    assert desk.said(image) == [("is", "albatross")]
