"""What the annotator does when things go wrong: a killed app, a reload, a refusal, strange names."""

import json
import time
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import APIResponse, Page, Route, expect

from browser.app_server import AppServer
from browser.conftest import Watch
from browser.screen import EDGES, TEXTS, Screen, make_workspace
from hmgc_core.taxonomy import NodeText, Taxonomy
from hmgc_core.workflow import labelling, taxonomies
from hmgc_core.workflow.workspaces import Workspace


def test_a_killed_app_loses_nothing_and_doubles_nothing(own: tuple[Screen, AppServer]) -> None:
    screen, server = own
    screen.label("1", "Enter")
    screen.saved()

    def lose_the_answer(route) -> None:
        if server.is_up:  # the label reaches the app, and the app goes before its answer arrives
            route.fetch()
            server.kill()
        route.abort()

    screen.page.route("**/api/labels", lose_the_answer)
    delivered = screen.label("2", "Enter")
    expect(screen.part("status")).to_contain_text("Not saved")
    screen.page.unroute("**/api/labels")
    time.sleep(5)  # by now Streamlit has noticed too, and would stop the page
    expect(screen.page.get_by_role("dialog")).to_have_count(0)
    labelled = [screen.label("1", "Enter") for _ in range(4)]
    expect(screen.part("status")).to_contain_text("Not saved: 5 waiting")
    server.start()
    screen.saved()
    assert screen.said(delivered) == [("is", "ship")]
    assert [screen.said(image) for image in labelled] == [[("is", "bird")]] * 4
    assert labelling.label_counts(screen.ws).labelled == 6


def test_a_fresh_app_opened_at_a_page_has_its_frame(own: tuple[Screen, AppServer]) -> None:
    screen, _ = own
    expect(screen.page.get_by_role("link", name="Class tree")).to_be_visible()
    assert screen.page.title() == "HMGC Studio"


def test_unsent_labels_survive_a_reload_and_a_restart(own: tuple[Screen, AppServer]) -> None:
    screen, server = own
    screen.page.route("**/api/labels", lambda route: route.abort())
    images = [screen.label("1", "Enter") for _ in range(3)]
    expect(screen.part("status")).to_contain_text("Not saved")
    server.kill()
    server.start()
    screen.page.reload()
    screen.ready()  # without asking for the name again
    assert screen.image not in images
    screen.page.unroute("**/api/labels")
    screen.saved()
    assert [screen.said(image) for image in images] == [[("is", "bird")]] * 3


def test_a_label_taken_back_while_the_app_is_away_is_not_stored(loud: Screen) -> None:
    loud.page.route("**/api/labels", lambda route: route.abort())
    image = loud.label("1", "Enter")
    expect(loud.part("status")).to_contain_text("Not saved")
    loud.press("z")
    loud.page.unroute("**/api/labels")
    loud.saved()
    assert loud.said(image) == []


def test_a_refused_label_stays_in_sight_and_does_not_block_the_others(loud: Screen) -> None:
    refused = loud.image

    def refuse_one(route) -> None:
        if any(label["image_id"] == refused for label in json.loads(route.request.post_data)["labels"]):
            answer = {"error": "the class tree has no node 'bird'", "remedy": "choose another class"}
            route.fulfill(status=422, json=answer)
        else:
            route.continue_()

    loud.page.route("**/api/labels", refuse_one)
    loud.label("1", "Enter")
    others = [loud.label("2", "Enter") for _ in range(2)]
    expect(loud.part("status")).to_have_text("The rest is saved")
    assert [loud.said(image) for image in others] == [[("is", "ship")]] * 2
    loud.page.get_by_role("button", name="1 label refused").click()
    expect(loud.part("refusedBox")).to_contain_text("The class tree has no node 'bird'. Choose another class.")
    loud.page.unroute("**/api/labels")
    loud.page.get_by_role("button", name="Try again").click()
    loud.saved()
    assert loud.said(refused) == [("is", "bird")]


def test_two_tabs_do_not_clobber_each_other(loud: Screen, house: Workspace, app_server) -> None:
    loud.saved()
    other = Screen(loud.page.context.new_page(), loud.ws).open(app_server(house.folder))
    assert other.part("who").inner_text() == "ada"
    for tab in (loud, other):
        tab.page.route("**/api/labels", lambda route: route.abort())
    mine, theirs = loud.label("1", "Enter"), other.label("2", "Enter")
    for tab in (loud, other):
        tab.page.unroute("**/api/labels")
        tab.saved()
    assert mine == theirs  # both were shown the same picture: both words are kept
    assert sorted(loud.said(mine)) == [("is", "bird"), ("is", "ship")]


def test_an_expired_token_is_renewed_without_a_word(loud: Screen) -> None:
    used: list[str] = []

    def once_expired(route) -> None:
        used.append(route.request.headers["x-hmgc-token"])
        if len(used) == 1:
            route.fulfill(status=401, json={"error": "this page was opened too long ago", "remedy": "reload"})
        else:
            route.continue_()

    loud.page.route("**/api/labels", once_expired)
    time.sleep(1.1)  # a token signed in the same second is the same token
    image = loud.label("1", "Enter")
    loud.saved()
    assert loud.said(image) == [("is", "bird")]
    assert used[0] != used[1]


def test_someone_else_can_take_over_and_each_keeps_their_own_labels(loud: Screen) -> None:
    loud.page.route("**/api/labels", lambda route: route.abort())
    first = loud.label("1", "Enter")
    expect(loud.part("status")).to_contain_text("Not saved")
    loud.page.locator("[data-do=leave]").click()
    loud.page.get_by_label("Your name").fill("grace")
    loud.page.get_by_role("button", name="Start labelling").click()
    loud.ready()
    loud.page.unroute("**/api/labels")
    expect(loud.part("foreign")).to_contain_text("1 label of someone else")
    second = loud.label("2", "Enter")
    loud.saved()
    assert [a.annotator for a in loud.history(second)] == ["grace"]
    loud.page.locator("[data-do=leave]").click()
    loud.page.get_by_label("Your name").fill("ada")
    loud.page.get_by_role("button", name="Start labelling").click()
    loud.ready().saved()
    assert [a.annotator for a in loud.history(first) if a.node == "bird"] == ["ada"]


def test_the_end_is_told_and_skipped_pictures_come_again(own: tuple[Screen, AppServer]) -> None:
    screen, _ = own
    skipped = screen.label("s")
    for _ in range(12):
        screen.label("1", "Enter")
    screen.press("1", "Enter")
    expect(screen.part("message")).to_contain_text("You skipped 1 picture.")
    screen.page.get_by_role("button", name="Show them again").click()
    screen.ready()
    assert screen.image == skipped
    screen.press("1", "Enter")
    expect(screen.part("message")).to_contain_text("Everything is labelled")
    expect(screen.part("progressText")).to_have_text("14 of 14 labelled")
    screen.press("z")
    screen.ready()
    assert screen.image == skipped


def test_a_picture_that_could_not_be_fetched_comes_by_itself(own: tuple[Screen, AppServer]) -> None:
    screen, _ = own
    screen.page.route("**/api/images/**", lambda route: route.abort())
    screen.page.reload()
    expect(screen.part("message")).to_contain_text("This picture cannot be shown")
    screen.page.unroute("**/api/images/**")
    screen.ready()


def test_answers_that_overtake_each_other_count_right(own: tuple[Screen, AppServer]) -> None:
    screen, _ = own
    late: list[tuple[Route, APIResponse]] = []
    screen.page.route("**/api/queue*", lambda route: late.append((route, route.fetch())))
    labelled = 0
    while not late:
        screen.label("1", "Enter")
        labelled += 1
    screen.label("1", "Enter")
    screen.saved()
    for route, counted_before in late:
        route.fulfill(response=counted_before)
    screen.page.unroute("**/api/queue*")
    expect(screen.part("progressText")).to_have_text(f"{labelled + 1} of 14 labelled")
    screen.page.wait_for_timeout(300)
    expect(screen.part("progressText")).to_have_text(f"{labelled + 1} of 14 labelled")


def test_a_new_class_tree_is_picked_up_and_nothing_is_lost(own: tuple[Screen, AppServer], tree: Taxonomy) -> None:
    screen, _ = own
    newer = Taxonomy.from_edges([*EDGES, ("rock", "life")], TEXTS)
    taxonomies.store_taxonomy(screen.ws, newer, source="newer.csv")
    images = []
    while "rock" not in screen.rows():
        images.append(screen.label("1", "Enter"))
        time.sleep(0.2)
        assert len(images) < 12
    screen.saved()
    assert [screen.said(image) for image in images] == [[("is", "bird")]] * len(images)
    image = screen.label(str(screen.rows().index("rock") + 1))
    screen.saved()
    (stored,) = screen.history(image)
    assert (stored.node, stored.taxonomy) == ("rock", 2)


# --- names are data ---------------------------------------------------------------------------------------------------

STRANGE = [
    "<img src=http://evil.example/x.png onerror=alert(1)>",
    "<script>document.title='broken'</script>",
    "![x](http://evil.example/y.png)",
    "🐦‍⬛ blackbird",
    "עורב",
    "\u202eright to left",
    "javascript:alert(1)",
    "a" * 300,
]


def test_names_with_markup_emoji_and_right_to_left_are_text(
    page: Page, watch: Watch, tmp_path: Path, app_server: Callable[[Path], AppServer]
) -> None:
    texts = {f"key{place}": NodeText(name, (f"also {name}",), f"note {name}") for place, name in enumerate(STRANGE)}
    edges = [(key, "life") for key in texts] + [("leaf", "key0")]
    ws = make_workspace(tmp_path, 14, Taxonomy.from_edges(edges, texts))
    screen = Screen(page, ws).open(app_server(ws.folder), name="<b>Ada</b> 🐦")
    assert page.locator(".rows li:visible .name").all_text_contents() == STRANGE
    expect(screen.part("who")).to_have_text("<b>Ada</b> 🐦")
    screen.press("1")
    assert screen.part("hereName").text_content() == STRANGE[0]
    screen.press("n")
    expect(screen.part("chips")).to_contain_text(STRANGE[0])
    screen.press("/")
    page.keyboard.type("<script>")
    assert page.locator(".rows li:visible .name").all_text_contents() == [STRANGE[1]]
    image = screen.label("Enter")
    screen.saved()
    assert screen.said(image) == [("is_not", "key0"), ("is", "key1")]
    box = page.locator(".annotator").bounding_box()
    assert box is not None and box["x"] + box["width"] <= 1440
    assert page.title() != "broken"
    assert page.locator(".annotator img:not(.picture img):not(.recent img)").count() == 0
    assert watch.remote == []
