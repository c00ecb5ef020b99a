"""Choosing what comes next, sharing the work and changing one's own labels, in a real browser."""

import re
import time
from collections.abc import Callable
from pathlib import Path

from conftest import label
from playwright.sync_api import Locator, Page, expect

from browser.app_server import AppServer
from browser.screen import LOADED, Screen, make_workspace, predict
from hmgc_core.records import QueueChoice, QueueRules
from hmgc_core.taxonomy import Taxonomy
from hmgc_core.workflow import labelling, queues
from hmgc_core.workflow.workspaces import Workspace


def dialog(screen: Screen) -> Locator:
    """The dialog, opened with its key."""
    screen.press("q")
    found = screen.page.get_by_role("dialog")
    expect(found.get_by_text("Which pictures come next?")).to_be_visible()
    return found


def choose(screen: Screen, kind: str) -> None:
    box = dialog(screen)
    box.get_by_text(kind, exact=True).click()
    box.get_by_role("button", name="Label these").click()
    expect(box).to_have_count(0)


def called(screen: Screen, name: str) -> None:
    expect(screen.part("queueName")).to_have_text(name)


def my_labels(page: Page) -> Locator:
    page.get_by_text("My labels", exact=True).click()
    tiles = page.locator(".said")
    tiles.first.wait_for()
    return tiles


# --- choosing ---------------------------------------------------------------------------------------------------------


def test_a_queue_is_chosen_with_a_key_and_stands_in_the_address(screen: Screen) -> None:
    called(screen, "Not labelled yet")
    expect(screen.part("queueLeft")).to_have_text("")
    choose(screen, "Least sure first")
    called(screen, "Least sure first")
    expect(screen.part("queueLeft")).to_have_text(re.compile(r"^\d+ left$"))
    assert "queue=unsure" in screen.page.url
    screen.ready()
    image = screen.label("1", "Enter")
    screen.saved()
    assert screen.said(image) == [("is", "bird")]
    screen.page.reload()
    screen.ready()
    called(screen, "Least sure first")
    screen.page.locator("[data-do=chooseQueue]").first.click()
    expect(screen.page.get_by_role("dialog")).to_be_visible()
    screen.press("Escape")
    expect(screen.page.get_by_role("dialog")).to_have_count(0)
    following = screen.label("1", "Enter")  # the keys work again
    assert following != image


def test_a_class_is_looked_through_once_and_can_be_started_over(own: tuple[Screen, AppServer]) -> None:
    screen, _ = own
    owls = [screen.label("1", "2") for _ in range(3)]
    screen.label("2", "Enter")
    screen.saved()
    box = dialog(screen)
    box.get_by_text("Called a class", exact=True).click()
    box.get_by_label("Find the class").fill("owl")
    box.get_by_role("button", name="owl").click()
    expect(box.get_by_text("3 pictures to label")).to_be_visible()
    box.get_by_role("button", name="Label these").click()
    called(screen, "Called owl")
    screen.ready()
    assert screen.image in owls
    expect(screen.part("queueLeft")).to_have_text("3 left")
    expect(screen.part("said")).to_have_text("So far: owl (ada)")
    seen = [screen.label("1", "2")]
    expect(screen.part("queueLeft")).to_have_text("2 left")
    seen.append(screen.label("1", "1", "1"))
    screen.page.reload()  # resumes where one stopped
    screen.ready()
    expect(screen.part("queueLeft")).to_have_text("1 left")
    assert screen.image not in seen
    seen.append(screen.image)
    screen.press("1", "2")
    expect(screen.part("message")).to_contain_text("You are through with these pictures")
    assert sorted(seen) == sorted(owls)
    screen.saved()
    assert screen.said(seen[1]) == [("is", "owl"), ("is", "black-footed")]
    screen.page.get_by_role("button", name="Choose pictures").click()
    expect(screen.page.get_by_role("dialog").get_by_text("0 pictures of 2 left")).to_be_visible()
    screen.page.get_by_role("dialog").get_by_role("button", name="Start over").click()
    screen.ready()
    assert screen.image in owls


def test_an_empty_queue_says_so_and_leads_on(own: tuple[Screen, AppServer]) -> None:
    screen, server = own
    screen.page.goto(f"{server.url}/annotate?queue=class:tug")
    expect(screen.part("message")).to_contain_text("There is no picture here for you")
    screen.page.get_by_role("button", name="Choose pictures").click()
    box = screen.page.get_by_role("dialog")
    box.get_by_text("Not labelled yet", exact=True).click()
    box.get_by_role("button", name="Label these").click()
    screen.ready()


def taken_back(screen: Screen, image: int) -> None:
    """The label is taken back somewhere else."""
    (said,) = screen.history(image)
    labelling.withdraw(screen.ws, said.uid, annotator="ada")


def label_all(screen: Screen) -> None:
    """Go through the queue to its end."""
    while screen.page.locator(LOADED).count():
        image = screen.image
        screen.press("1", "Enter")
        shown = screen.page.locator(LOADED).or_(screen.part("message").locator("button:visible")).first
        expect(shown).not_to_have_attribute("alt", f"Picture {image}")
    screen.saved()


def test_a_label_taken_back_elsewhere_is_due_again(own: tuple[Screen, AppServer]) -> None:
    screen, _ = own
    image = screen.label("1", "Enter")
    screen.saved()
    taken_back(screen, image)
    screen.page.reload()
    screen.ready()
    assert screen.image == image


def test_the_same_queue_chosen_again_shows_what_came_in(own: tuple[Screen, AppServer]) -> None:
    screen, _ = own
    image = screen.image
    label_all(screen)
    expect(screen.part("message")).to_contain_text("Everything is labelled")
    taken_back(screen, image)
    box = dialog(screen)
    expect(box.get_by_text("1 picture to label")).to_be_visible()
    box.get_by_role("button", name="Label these").click()
    screen.ready()
    assert screen.image == image


def test_starting_over_brings_skipped_pictures_too(own: tuple[Screen, AppServer]) -> None:
    screen, server = own
    owls = {screen.label("1", "2") for _ in range(3)}
    screen.saved()
    screen.page.goto(f"{server.url}/annotate?queue=class:owl")
    screen.ready()
    screen.label("1", "2")
    screen.label("s")
    screen.press("1", "2")
    expect(screen.part("message")).to_contain_text("You skipped 1 picture.")
    dialog(screen).get_by_role("button", name="Start over").click()
    screen.ready()
    assert {screen.label("1", "2"), screen.label("1", "2"), screen.image} == owls


# --- several people ---------------------------------------------------------------------------------------------------


def test_two_people_get_different_pictures(
    open_page: Callable[..., Page], app_server: Callable[[Path], AppServer], tree: Taxonomy, tmp_path: Path
) -> None:
    ws = make_workspace(tmp_path, 30, tree)
    server = app_server(ws.folder)
    ada, ben = Screen(open_page(), ws).open(server), Screen(open_page(), ws)
    ben.page.goto(f"{server.url}/annotate")
    ben.page.get_by_label("Your name").fill("ben")
    ben.page.get_by_role("button", name="Start labelling").click()
    ben.ready()
    mine, theirs = [], []
    for _ in range(2):
        mine.append(ada.label("1", "Enter"))
        theirs.append(ben.label("2", "Enter"))
    assert not set(mine) & set(theirs)
    ada.saved()
    ben.saved()
    assert labelling.label_counts(ada.ws).labelled == 4


def test_where_each_picture_needs_two_labels_everybody_sees_what_is_left_for_them(
    open_page: Callable[..., Page], app_server: Callable[[Path], AppServer], tree: Taxonomy, tmp_path: Path
) -> None:
    ws = make_workspace(tmp_path, 14, tree)
    queues.set_rules(ws, QueueRules(people=2))
    for item in queues.next_pictures(ws, QueueChoice(), annotator="chi", count=14).items:
        label(ws, item.image.id, "owl", by="chi")
    screen = Screen(open_page(), ws).open(app_server(ws.folder))
    expect(screen.part("progressText")).to_have_text("14 of 14 labelled")  # by somebody
    expect(screen.part("queueLeft")).to_have_text("14 left")
    screen.label("1", "Enter")
    expect(screen.part("queueLeft")).to_have_text("13 left")


def test_the_last_pictures_in_other_hands_are_told(
    own: tuple[Screen, AppServer], open_page: Callable[..., Page]
) -> None:
    ada, server = own  # 14 pictures: ada has 12 of them at hand, chi the rest
    queues.next_pictures(ada.ws, QueueChoice(), annotator="chi", count=14)
    ben = Screen(open_page(), ada.ws)
    ben.page.goto(f"{server.url}/annotate")
    ben.page.get_by_label("Your name").fill("ben")
    ben.page.get_by_role("button", name="Start labelling").click()
    expect(ben.part("message")).to_contain_text("Others have the last pictures")
    expect(ben.part("message")).to_contain_text("14 pictures are in their hands now")


def test_reservations_are_renewed_while_the_page_is_open(own: tuple[Screen, AppServer]) -> None:
    screen, _ = own

    def until() -> str:
        with screen.ws.reading() as connection:
            query = f"SELECT until FROM reservation WHERE image_id = {screen.image}"
            return str(connection.exec_driver_sql(query).scalar())

    before = until()
    screen.page.evaluate("window.dispatchEvent(new Event('online'))")  # as a laptop does that wakes up
    deadline = time.monotonic() + 5
    while until() == before and time.monotonic() < deadline:
        time.sleep(0.05)
    assert until() > before


def test_in_another_browser_one_goes_on_and_skipped_pictures_come_at_the_end(
    own: tuple[Screen, AppServer], open_page: Callable[..., Page]
) -> None:
    screen, server = own
    labelled = [screen.label("1", "Enter") for _ in range(2)]
    skipped = screen.label("s")
    expected = screen.image
    screen.saved()
    elsewhere = Screen(open_page(), screen.ws).open(server)
    assert elsewhere.image == expected
    for _ in range(10):
        assert elsewhere.label("1", "Enter") not in [*labelled, skipped]
    elsewhere.press("1", "Enter")
    expect(elsewhere.part("message")).to_contain_text("You skipped 1 picture.")
    elsewhere.page.get_by_role("button", name="Show them again").click()
    elsewhere.ready()
    assert elsewhere.image == skipped


# --- my labels --------------------------------------------------------------------------------------------------------


def test_my_labels_can_be_opened_changed_and_taken_back(own: tuple[Screen, AppServer]) -> None:
    screen, _ = own
    owl, ship, root = screen.label("1", "2"), screen.label("2", "Enter"), screen.label("Enter")
    screen.saved()
    tiles = my_labels(screen.page)
    expect(tiles.locator("bdi")).to_have_text(["life", "ship", "owl"])
    assert "way=mine" in screen.page.url
    tiles.nth(2).locator("button").first.focus()
    screen.press("Enter")
    screen.ready()
    assert screen.image == owl and screen.name == "owl"  # the class said stands chosen
    screen.label("Backspace", "Backspace", "2", "Enter")
    screen.saved()
    assert screen.said(owl) == [("is", "owl"), ("is", "ship")]
    assert screen.image not in (owl, ship, root)
    expect(screen.page.get_by_role("button", name="Back to My labels")).to_be_visible()
    screen.press("Escape")
    expect(screen.page.locator(".said bdi")).to_have_text(["ship", "life", "ship"])
    screen.page.get_by_text("One by one", exact=True).click()
    screen.ready()
    expect(screen.part("chips")).to_be_empty()
    screen.page.reload()
    screen.ready()
    assert screen.image != owl  # a wish is granted once
    tiles = my_labels(screen.page)
    expect(tiles.locator("bdi")).to_have_text(["ship", "life", "ship"])
    tiles.first.get_by_role("button", name="Take back").click()
    expect(tiles.locator("bdi")).to_have_text(["life", "ship", "owl"])
    assert screen.said(owl) == [("is", "owl")]
    screen.page.get_by_text("Changed since", exact=True).click()
    expect(screen.page.get_by_text("Nothing you said is like this.")).to_be_visible()
    screen.page.get_by_text("Taken back", exact=True).click()
    expect(screen.page.locator(".said bdi")).to_have_text(["ship"])
    screen.page.get_by_role("button", name="Undo").click()
    expect(screen.page.get_by_text("Taken back: ship")).to_have_count(0)
    assert screen.said(owl)[-1] == ("is", "ship")
    screen.page.get_by_text("One by one", exact=True).click()
    screen.ready()  # and there, what was taken back is no longer among the last labels
    expect(screen.part("recent").locator("bdi")).to_have_text(["life", "ship", "owl"])


def test_a_label_taken_back_among_mine_is_none_of_the_last_labels_after_a_reload(own: tuple[Screen, AppServer]) -> None:
    screen, _ = own
    screen.label("1", "2"), screen.label("2", "Enter")
    screen.saved()
    tiles = my_labels(screen.page)
    expect(tiles.locator("bdi")).to_have_text(["ship", "owl"])
    tiles.first.get_by_role("button", name="Take back").click()
    expect(tiles.locator("bdi")).to_have_text(["owl"])
    screen.page.reload()  # the app's own memory of the visit is gone
    expect(tiles.locator("bdi")).to_have_text(["owl"])
    screen.page.get_by_text("One by one", exact=True).click()
    screen.ready()
    expect(screen.part("recent").locator("bdi")).to_have_text(["owl"])


def test_arrows_move_between_my_labels(own: tuple[Screen, AppServer]) -> None:
    screen, _ = own
    for _ in range(3):
        screen.label("1", "Enter")
    screen.saved()
    tiles = my_labels(screen.page)
    tiles.first.locator("button").first.focus()
    screen.press("ArrowRight", "ArrowRight")
    expect(tiles.nth(2).locator("button").first).to_be_focused()
    screen.press("ArrowLeft")
    expect(tiles.nth(1).locator("button").first).to_be_focused()


# --- undo -------------------------------------------------------------------------------------------------------------


def test_undo_goes_on_after_a_reload_for_every_kind(own: tuple[Screen, AppServer]) -> None:
    screen, _ = own
    images = [screen.label("1", "Enter"), screen.label("1", "o"), screen.label("x"), screen.label("s")]
    against = screen.image
    screen.press("2", "n")
    expect(screen.part("chips")).to_contain_text("Not ship")
    screen.saved()
    screen.page.reload()
    screen.ready()
    expected = [against, *reversed(images)]
    for image in expected:
        screen.press("z")
        expect(screen.page.locator(LOADED)).to_have_attribute("alt", f"Picture {image}")
    screen.saved()
    assert [screen.said(image) for image in expected] == [[]] * 5
    assert labelling.label_counts(screen.ws).labelled == 0
    expect(screen.part("progressText")).to_have_text("0 of 14 labelled")
    assert [screen.label("1", "Enter") for _ in range(4)] == images  # they come again in their order
    screen.saved()


def test_sixty_steps_can_be_undone(
    open_page: Callable[..., Page], app_server: Callable[[Path], AppServer], tree: Taxonomy, tmp_path: Path
) -> None:
    ws = make_workspace(tmp_path, 64, tree)
    screen = Screen(open_page(), ws).open(app_server(ws.folder))
    images = [screen.label("1", "Enter") for _ in range(60)]
    screen.saved()
    for image in reversed(images):
        screen.press("z")
        expect(screen.page.locator(LOADED)).to_have_attribute("alt", f"Picture {image}")
    screen.saved()
    assert labelling.label_counts(ws).labelled == 0


# --- a saved selection ----------------------------------------------------------------------------------------------


def test_a_search_is_saved_and_labelled(
    open_page: Callable[..., Page], app_server: Callable[[Path], AppServer], tree: Taxonomy, tmp_path: Path
) -> None:
    ws: Workspace = make_workspace(tmp_path, 14, tree)
    predict(ws)
    server = app_server(ws.folder)
    screen = Screen(open_page(), ws).open(server)
    screen.page.goto(f"{server.url}/predictions")
    screen.page.get_by_text("✗ Wrong", exact=True).click()
    screen.page.get_by_role("button", name="Save as selection").click()
    screen.page.get_by_label("Name", exact=True).fill("Owls to check")
    screen.page.get_by_role("button", name="Save 6 pictures").click()
    screen.page.get_by_role("link", name="Label these pictures").click()
    screen.ready()
    called(screen, "Owls to check")
    assert screen.image <= 6  # those that were imported as owls
    first = screen.label("1", "2")
    screen.saved()
    assert screen.said(first) == [("is", "owl"), ("is", "owl")]
    assert queues.rules(ws).people == 1
