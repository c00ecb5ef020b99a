"""A class at a glance: over the page, moved through by arrows, and gone with Esc."""

import re

from playwright.sync_api import expect

from browser.screen import Screen


def test_i_shows_pictures_note_synonyms_and_siblings_of_the_suggested_class(desk: Screen) -> None:
    image = desk.image
    desk.press("i")
    expect(desk.part("glance")).to_be_visible()
    expect(desk.part("glanceName")).to_have_text("Black-footed albatross")
    expect(desk.part("glanceAlso")).to_have_text("also: Phoebastria nigripes")
    expect(desk.part("glancePath")).to_have_text("lifeBirdalbatross")
    expect(desk.part("glanceOwn").locator("img").nth(1)).to_be_visible()
    expect(desk.part("glanceSiblings").locator("li")).to_have_text(["Black-footed albatross", "gull-like"])
    expect(desk.part("glanceMine").locator("img")).to_have_attribute("alt", f"Picture {image}")
    sources = desk.part("glanceOwn").locator("img").evaluate_all("images => images.map(({src}) => src)")
    shown = {int(re.search(r"images/(\d+)", source).group(1)) for source in sources}
    assert shown >= {21, 22} and all(("is", "black-footed") in desk.said(other) for other in shown)
    desk.page.set_viewport_size({"width": 1280, "height": 720})
    name = desk.part("glanceSiblings").locator("bdi").first.bounding_box()
    go = desk.part("glanceGo").bounding_box()
    assert name is not None and go is not None and name["y"] + name["height"] < go["y"]


def test_arrows_move_to_siblings_up_and_down_without_leaving(desk: Screen) -> None:
    image, before = desk.image, desk.history(desk.image)
    desk.press("i", "ArrowRight")
    expect(desk.part("glanceName")).to_have_text("gull-like")
    desk.press("ArrowRight")  # around
    expect(desk.part("glanceName")).to_have_text("Black-footed albatross")
    desk.press("ArrowUp", "ArrowUp")
    expect(desk.part("glanceName")).to_have_text("Bird")
    expect(desk.part("glanceNote")).to_have_text("feathers, two legs")
    desk.press("ArrowLeft", "ArrowLeft", "ArrowDown")
    expect(desk.part("glanceName")).to_have_text("steamer")
    desk.press("x", "s", "1", "a")  # labels nothing
    desk.press("Escape")
    expect(desk.part("glance")).to_be_hidden()
    assert (desk.image, desk.name) == (image, "life")
    assert desk.history(image) == before


def test_enter_goes_to_the_class_and_enter_again_labels(desk: Screen) -> None:
    desk.press("i", "ArrowUp")
    expect(desk.part("glanceName")).to_have_text("albatross")
    desk.press("Enter")
    expect(desk.part("glance")).to_be_hidden()
    assert desk.name == "albatross"
    image = desk.label("Enter")
    desk.saved()
    assert desk.said(image) == [("is", "albatross")]


def test_the_class_where_one_stands_comes_first_then_the_one_picked(desk: Screen) -> None:
    desk.press("2", "i")
    expect(desk.part("glanceName")).to_have_text("ship")
    desk.press("i")
    expect(desk.part("glance")).to_be_hidden()
    desk.press("ArrowDown", "i")
    expect(desk.part("glanceName")).to_have_text("steamer")
    expect(desk.part("glanceOwn").locator("img")).to_have_count(1)


def test_a_class_without_pictures_says_so(desk: Screen) -> None:
    desk.press("3", "i")
    expect(desk.part("glanceWhy")).to_have_text("No picture is labelled as this class yet.")


def test_the_nearest_labelled_pictures_carry_their_class_and_lead_there(desk: Screen) -> None:
    desk.page.get_by_role("button", name="Pictures of a class").click()
    nearest = desk.part("glanceNearest").locator("button")
    expect(nearest).to_have_count(8)
    assert nearest.filter(has_text="owl").count() >= 1
    nearest.filter(has_text="owl").first.click()
    expect(desk.part("glanceName")).to_have_text("owl")


def test_an_app_that_cannot_be_reached_is_told_in_the_sheet(loud: Screen) -> None:
    loud.page.context.set_offline(True)
    loud.press("i")
    expect(loud.part("glanceWhy")).to_have_text("The app cannot be reached.")
    expect(loud.part("glanceNearestWhy")).to_have_text("The app cannot be reached.")
