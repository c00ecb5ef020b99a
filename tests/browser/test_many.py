"""Many at once in a real browser: what each key, click and touch does, and what is then in the database."""

import json
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from conftest import label
from playwright.sync_api import Page, expect

from browser.app_server import AppServer
from browser.conftest import Watch
from browser.screen import EDGES, Screen, make_workspace
from browser.wall import HEAPS, LABELLED, Wall, make_heaps
from hmgc_core.taxonomy import NodeText, Taxonomy
from hmgc_core.workflow.alike import next_screen
from hmgc_core.workflow.workspaces import Workspace


@pytest.fixture(scope="session")
def heaps(tmp_path_factory: pytest.TempPathFactory, tree: Taxonomy) -> Workspace:
    """A workspace for many tests; each labels pictures of its own."""
    return make_heaps(tmp_path_factory.mktemp("heaps"), 1000, tree)


@pytest.fixture
def wall(page: Page, heaps: Workspace, app_server: Callable[[Path], AppServer]) -> Wall:
    page.set_viewport_size({"width": 1280, "height": 800})
    return Wall(page, heaps).open(app_server(heaps.folder))


@pytest.fixture
def own_wall(
    tmp_path: Path, tree: Taxonomy, open_page: Callable[..., Page], app_server: Callable[[Path], AppServer]
) -> Iterator[tuple[Wall, AppServer]]:
    """A small workspace and an app of one's own, to break."""
    ws = make_heaps(tmp_path, 130, tree)
    server = app_server(ws.folder)
    yield Wall(open_page(), ws).open(server), server
    server.stop()


def finish_all(wall: Wall) -> None:
    """Label screen after screen until there is none."""
    for _ in range(40):
        wall.tiles.first.or_(wall.part("messageButton")).first.wait_for()
        if wall.part("messageButton").is_visible():
            return
        first = wall.ready().images[0]
        wall.press("1", "Enter")
        gone = wall.page.locator(f".tile[aria-label^='Picture {first},'], .tile[aria-label='Picture {first}']")
        expect(gone).to_have_count(0)


def send(wall: Wall, key: str, code: str) -> None:
    """A key press as a keyboard with this key at this place sends it."""
    event = "([key, code]) => window.dispatchEvent(new KeyboardEvent('keydown', {key, code}))"
    wall.page.evaluate(event, [key, code])


# The first answer to a request with this in its address waits for `heldBack`.
HOLD_BACK = """(part) => {
  window.heldBack = [];
  const ask = window.fetch;
  window.fetch = async (path, options) => {
    const answer = await ask(path, options);
    const isHeld = String(path).includes(part) && !window.heldBack.length;
    if (isHeld) await new Promise((letGo) => window.heldBack.push(letGo));
    return answer;
  };
}"""
COUNT_WRITES = """() => {
  window.written = 0;
  const write = Storage.prototype.setItem;
  Storage.prototype.setItem = function (key, value) {
    window.written += value.length;
    write.call(this, key, value);
  };
}"""
FILL = """() => {
  let text = "x".repeat(1 << 20);
  for (let number = 0; text; number += 1) {
    try {
      sessionStorage.setItem(`full-${number}`, text);
    } catch {
      text = text.slice(0, text.length >> 1);
    }
  }
}"""


# --- labelling --------------------------------------------------------------------------------------------------------


def test_enter_labels_all_that_are_in_as_the_class_where_one_stands(wall: Wall) -> None:
    assert len(wall.images) >= 24
    wall.press("1")
    place = wall.name
    inside = wall.finish("Enter")
    wall.saved()
    key = {"Bird": "bird", "ship": "ship"}[place]
    assert [wall.said(image) for image in inside] == [[("is", key)]] * len(inside)
    stored = wall.history(inside[0])[-1]
    assert stored.annotator == "ada" and 0 < stored.seconds < 30
    assert wall.name == "life"


def test_a_screen_holds_pictures_that_look_alike(wall: Wall) -> None:
    assert len({image % 4 for image in wall.images}) == 1
    expect(wall.part("queued")).to_be_hidden()


def test_what_is_out_stays_unlabelled_and_comes_back_with_its_like(wall: Wall) -> None:
    out = []
    for _ in range(2):
        images = wall.images
        wall.tiles.nth(1).click()
        wall.tiles.nth(4).click()
        out += [images[1], images[4]]
        expect(wall.part("chosen")).to_have_text(f"{len(images) - 2} of {len(images)} in")
        assert set(wall.finish("1", "Enter")) == set(images) - set(out)
    wall.saved()
    assert [wall.said(image) for image in out] == [[]] * 4
    assert not set(out) & set(wall.images)
    before = wall.images
    expect(wall.part("asideText")).to_have_text("4 put aside")
    wall.press("b")
    expect(wall.tiles).to_have_count(4)
    assert set(wall.ready().images) == set(out)
    assert set(wall.finish("1", "Enter")) == set(out)
    wall.saved()
    assert all(wall.said(image) for image in out)
    assert wall.images == before  # the screen that was left waits where it was


def test_enter_at_the_root_labels_nothing(wall: Wall) -> None:
    images = wall.images
    wall.press("Enter")
    expect(wall.part("toast")).to_contain_text("Go to a class first")
    assert wall.images == images and wall.said(images[0]) == []


def test_space_accepts_the_suggestion_for_all(wall: Wall) -> None:
    heap = HEAPS[wall.images[0] % 4]
    steps = wall.part("steps").inner_text()
    assert {"owl": "owl", "tug": "tug"}.get(heap, "albatross").lower() in steps.lower()
    accepted = wall.part("acceptText").inner_text()
    inside = wall.finish("Space")
    wall.saved()
    (said,) = {tuple(wall.said(image)) for image in inside}
    assert said[0][0] == "is" and said[0][1].replace("-", " ").lower() in accepted.replace("-", " ").lower()


def test_minus_makes_the_suggestion_coarser_for_all(wall: Wall) -> None:
    before = wall.part("acceptText").inner_text()
    wall.press("-")
    coarser = wall.part("acceptText").inner_text()
    assert coarser != before and wall.name == coarser
    wall.press("+")
    expect(wall.part("acceptText")).to_have_text(before)


def test_a_finest_class_is_gone_to_and_not_labelled_at_once(wall: Wall) -> None:
    images = wall.images
    wall.press("/")
    wall.page.keyboard.type("owl")
    wall.press("Enter")
    assert wall.name == "owl" and wall.images == images
    wall.press("Backspace")
    assert wall.name == "Bird"
    wall.press("/")
    wall.page.keyboard.type("flower 1")
    wall.press("ArrowDown", "Enter")
    assert wall.name == "flower 11"
    inside = wall.finish("Enter")
    wall.saved()
    assert wall.said(inside[0]) == [("is", "flower 11")]


def test_what_was_shown_is_stored_with_each_label(wall: Wall) -> None:
    bodies: list[str] = []
    wall.page.on("request", lambda sent: bodies.append(sent.post_data or "") if "/api/labels" in sent.url else None)
    count = len(wall.images)
    wall.finish("1", "Enter")
    wall.saved()
    sent = [label for body in bodies for label in json.loads(body)["labels"]]
    assert len(sent) == count and len({label["uid"] for label in sent}) == count
    assert all((label["shown"]["grid"], label["shown"]["run"]) == (count, 1) for label in sent)
    assert max(map(len, bodies)) < 40 * 500
    assert all(label["seconds"] == sent[0]["seconds"] for label in sent)


def test_one_key_takes_the_whole_screen_back(wall: Wall) -> None:
    images = wall.images
    wall.tiles.nth(2).click()
    wall.page.mouse.move(5, 5)
    first = wall.finish("1", "Enter")
    second = wall.finish("2", "Enter")
    wall.saved()
    wall.press("z")
    expect(wall.tiles.first).to_have_attribute("aria-label", re.compile(f"^Picture {second[0]}(,|$)"))
    wall.press("z")
    expect(wall.tiles.first).to_have_attribute("aria-label", re.compile(f"^Picture {images[0]}(,|$)"))
    assert wall.ready().images == images and wall.inside == first
    wall.saved()
    assert all(wall.said(image) == [] for image in first + second)
    expect(wall.part("aside")).to_be_hidden()
    wall.finish("2", "Enter")
    wall.saved()
    assert len({tuple(wall.said(image)) for image in first}) == 1 and wall.said(images[2]) == []


def test_taking_back_while_those_aside_are_fetched_shows_no_picture_twice(own_wall: tuple[Wall, AppServer]) -> None:
    wall, _ = own_wall
    images = wall.images
    wall.tiles.nth(2).click()
    wall.finish("1", "Enter")
    wall.page.evaluate(HOLD_BACK, "among=")
    wall.press("b")
    wall.page.wait_for_function("() => window.heldBack.length > 0")
    wall.press("z")
    expect(wall.tiles.first).to_have_attribute("aria-label", re.compile(f"^Picture {images[0]}(,|$)"))
    wall.page.evaluate("() => window.heldBack.forEach((letGo) => letGo())")
    wall.page.wait_for_timeout(500)
    wall.press("a")
    wall.finish("1", "Enter")
    wall.saved()
    assert images[2] not in wall.images
    assert len([a for a in wall.history(images[2]) if not a.withdrawn]) == 1


def test_letters_are_found_on_a_keyboard_without_latin_letters(wall: Wall) -> None:
    images = wall.images
    send(wall, "ш", "KeyI")
    assert wall.inside == []
    send(wall, "ф", "KeyA")
    assert wall.inside == images


def test_what_is_labelled_here_counts_in_how_it_goes(own_wall: tuple[Wall, AppServer]) -> None:
    wall, _ = own_wall
    wall.press("ArrowRight", "x", "Escape")
    labelled = wall.finish("1", "Enter")
    wall.finish("2", "Enter")
    wall.press("z")
    wall.saved()
    wall.page.get_by_role("radio", name="One by one").click()
    one = Screen(wall.page, wall.ws).ready()
    one.press("r")
    expect(one.part("paceRows").locator("tr").first).to_contain_text(re.compile(rf"Labels\s*{len(labelled) + 1}"))
    expect(one.part("paceLevels")).to_contain_text(re.compile("Unusable\\s*1"))


def test_a_key_held_down_labels_one_screen(wall: Wall) -> None:
    wall.press("1")
    wall.page.keyboard.down("Enter")
    for _ in range(5):
        wall.page.keyboard.down("Enter")
    wall.page.keyboard.up("Enter")
    wall.saved()
    assert wall.said(wall.images[0]) == []


# --- which are in -----------------------------------------------------------------------------------------------------


def test_clicks_and_shift_clicks_take_out_and_put_back(wall: Wall) -> None:
    images = wall.images
    wall.tiles.nth(2).click()
    wall.tiles.nth(6).click(modifiers=["Shift"])
    assert wall.inside == images[:2] + images[7:]
    wall.tiles.nth(4).click()
    wall.tiles.nth(3).click(modifiers=["Shift"])
    assert wall.inside == images[:2] + images[3:5] + images[7:]


def test_arrows_and_space_take_out_and_put_back(wall: Wall) -> None:
    images = wall.images
    wall.press("ArrowRight", "ArrowRight", "Space")
    assert wall.inside == [images[0], *images[2:]]
    wall.press("Shift+ArrowRight", "Shift+ArrowRight")
    assert wall.inside == [images[0], *images[4:]]
    expect(wall.part("tiles")).to_have_attribute("aria-activedescendant", "tile-3")
    wall.press("Space", "Escape")
    assert wall.inside == [images[0], *images[3:]]
    expect(wall.part("tiles")).not_to_have_attribute("aria-activedescendant", re.compile("."))
    wall.finish("Space")  # off the tiles it accepts again
    wall.press("ArrowRight")
    wall.finish("1", "Enter")
    wall.finish("Space")  # and so it does on the next screen


def test_who_comes_to_the_tiles_by_tab_goes_to_the_first_with_space(wall: Wall) -> None:
    images = wall.images
    wall.part("tiles").focus()
    wall.press("Space")
    expect(wall.part("tiles")).to_have_attribute("aria-activedescendant", "tile-0")
    assert wall.images == images and wall.inside == images
    wall.press("Space")
    assert wall.inside == images[1:] and wall.said(images[0]) == []


def test_where_no_suggestion_fits_the_wall_says_so(own_wall: tuple[Wall, AppServer]) -> None:
    wall, _ = own_wall
    expect(wall.part("suggestionBox")).to_be_visible()  # though every tenth picture is taken for something else
    expect(wall.part("mixed")).to_be_hidden()
    wall.press("i")  # none is in
    expect(wall.part("suggestionBox")).to_be_hidden()
    expect(wall.part("mixed")).to_be_hidden()
    with wall.ws.writing() as connection:  # from now on the model takes each as much for a bird as for a ship
        torn = json.dumps([["bird", 0.45]]), json.dumps([["owl", 0.45], ["tug", 0.45]])
        connection.exec_driver_sql("UPDATE prediction SET path = ?, top = ?", torn)
    wall.page.reload()
    wall.ready()
    expect(wall.part("mixed")).to_contain_text("no suggestion fits most of them")


def test_all_in_invert_and_odd_ones_out(wall: Wall) -> None:
    images = wall.images
    wall.tiles.nth(0).click()
    wall.press("i")
    assert wall.inside == [images[0]]
    wall.press("a")
    assert wall.inside == images
    wall.part("rows").get_by_text("ship" if HEAPS[images[0] % 4] == "tug" else "Bird", exact=True).click()
    odd = [image for image in images if image % 10 == 0] if wall.name == "Bird" else []
    doubted = wall.page.locator(".tile .doubt:not(:empty)")
    expect(doubted).to_have_count(len(odd))
    wall.press("o")
    assert wall.inside == [image for image in images if image not in odd]


def test_unusable_is_for_the_chosen_ones_only(wall: Wall) -> None:
    images = wall.images
    wall.tiles.nth(3).hover()
    wall.press("x")
    expect(wall.tiles.nth(3)).to_have_attribute("aria-label", re.compile("unusable"))
    expect(wall.part("chosen")).to_have_text(f"{len(images) - 1} of {len(images)} in, 1 unusable")
    wall.page.mouse.move(5, 5)
    inside = wall.finish("1", "Enter")
    wall.saved()
    assert wall.said(images[3]) == [("unusable", "")]
    assert images[3] not in inside and wall.said(inside[0])[0][0] == "is"


def test_next_says_what_is_unusable_and_puts_the_rest_aside(wall: Wall) -> None:
    images = wall.images
    wall.press("ArrowRight", "x")
    wall.finish("s")
    wall.saved()
    assert wall.said(images[0]) == [("unusable", "")]
    assert wall.said(images[1]) == []
    expect(wall.part("asideText")).to_have_text(f"{len(images) - 1} put aside")
    wall.press("z")
    wall.saved()
    assert wall.said(images[0]) == [] and wall.images == images


def test_a_tile_is_shown_large_beside_the_mouse_and_on_a_key(wall: Wall) -> None:
    images = wall.images
    wall.tiles.nth(1).hover()
    expect(wall.part("large")).to_be_visible()
    expect(wall.part("largePicture")).to_have_attribute("src", re.compile(f"/api/images/{images[1]}\\?w=640"))
    wall.page.mouse.move(5, 5)
    expect(wall.part("large")).to_be_hidden()
    wall.press("ArrowRight", "v", "ArrowRight")
    expect(wall.part("largePicture")).to_have_attribute("alt", f"Picture {images[1]}, large")
    wall.press("Space")
    assert wall.inside == [images[0], *images[2:]]
    wall.press("Escape")
    expect(wall.part("large")).to_be_hidden()


def test_tiles_can_be_sized_and_stay_so(
    open_page: Callable[..., Page], heaps: Workspace, app_server: Callable[[Path], AppServer]
) -> None:
    wall = Wall(open_page(), heaps).open(app_server(heaps.folder))  # a browser of its own: the size stays in it

    def side() -> float:
        box = wall.tiles.first.bounding_box()
        assert box is not None
        return box["width"]

    before, count = side(), len(wall.images)
    wall.press(".", ".", ".")
    assert side() > before and len(wall.images) < count
    after = side()
    wall.page.reload()
    wall.ready()
    assert side() == after
    for tile in wall.tiles.all():
        box = tile.bounding_box()
        assert box is not None and box["y"] + box["height"] <= 900  # what is labelled is in sight
    wall.press(",", ",", ",")
    assert side() == before
    wall.finish("s")
    wall.finish("s")
    wall.finish("s")
    assert len(wall.images) == count


# --- with others ------------------------------------------------------------------------------------------------------


def test_a_screen_in_sight_is_reserved(own_wall: tuple[Wall, AppServer]) -> None:
    wall, _ = own_wall
    images = wall.images
    rest = set(range(1, 131)) - set(images)
    deadline = time.monotonic() + 10
    while next_screen(wall.ws, annotator="ben", count=60, without=rest).tiles and time.monotonic() < deadline:
        time.sleep(0.1)
    assert next_screen(wall.ws, annotator="ben", count=60, without=rest).tiles == []
    following = wall.finish("1", "Enter")
    wall.saved()
    assert following == images


@pytest.mark.parametrize("waking", ["focus", "online"])
def test_what_others_labelled_meanwhile_leaves_the_screen(own_wall: tuple[Wall, AppServer], waking: str) -> None:
    wall, _ = own_wall
    images = wall.images
    wall.press("ArrowRight", "ArrowRight", "ArrowRight")
    wall.tiles.nth(4).click()
    for image in (images[0], images[1]):
        label(wall.ws, image, "owl", by="ben")
    wall.page.evaluate("(name) => window.dispatchEvent(new Event(name))", waking)
    expect(wall.part("toast")).to_contain_text("2 pictures left this screen")
    assert wall.ready().images == images[2:] and wall.inside == [images[2], images[3], *images[5:]]
    expect(wall.part("tiles")).to_have_attribute("aria-activedescendant", "tile-0")
    wall.finish("1", "Enter")
    wall.saved()
    assert wall.said(images[0]) == [("is", "owl")]


def test_a_screen_that_others_finished_makes_room_for_the_next(own_wall: tuple[Wall, AppServer]) -> None:
    wall, _ = own_wall
    images = wall.images
    for image in images:
        label(wall.ws, image, "owl", by="ben")
    wall.page.evaluate("() => window.dispatchEvent(new Event('focus'))")
    expect(wall.page.locator(f".tile[aria-label='Picture {images[0]}']")).to_have_count(0)
    assert not set(wall.ready().images) & set(images)


# --- nothing is lost --------------------------------------------------------------------------------------------------


def test_a_killed_app_loses_nothing_and_doubles_nothing(own_wall: tuple[Wall, AppServer]) -> None:
    wall, server = own_wall

    def lose_the_answer(route) -> None:
        if server.is_up:
            route.fetch()
            server.kill()
        route.abort()

    wall.page.route("**/api/labels", lose_the_answer)
    first = wall.finish("1", "Enter")
    expect(wall.part("status")).to_contain_text("Not saved")
    wall.page.unroute("**/api/labels")
    second = wall.finish("2", "Enter")  # the next screen was there already
    expect(wall.part("status")).to_contain_text(f"{len(first) + len(second)} waiting")
    server.start()
    wall.saved()
    assert len({tuple(wall.said(image)) for image in first}) == 1
    assert all(len(wall.history(image)) == 1 for image in first + second)
    assert wall.counts()[1] == LABELLED + len(first) + len(second)


def test_a_reload_keeps_what_is_unsent_what_is_out_and_what_is_aside(own_wall: tuple[Wall, AppServer]) -> None:
    wall, _ = own_wall
    wall.page.route("**/api/labels", lambda route: route.abort())
    images = wall.images
    wall.tiles.nth(0).click()
    labelled = wall.finish("1", "Enter")
    expect(wall.part("status")).to_contain_text("Not saved")
    here = wall.images
    wall.tiles.nth(1).click()
    wall.page.reload()
    wall.ready()
    assert not set(labelled) & set(wall.images)
    assert images[0] not in wall.images and here[1] not in wall.inside
    expect(wall.part("asideText")).to_have_text("1 put aside")
    wall.page.unroute("**/api/labels")
    wall.saved()
    assert all(len(wall.said(image)) == 1 for image in labelled)
    wall.press("z")
    wall.saved()
    assert wall.ready().images == images and all(wall.said(image) == [] for image in labelled)


def test_pictures_that_failed_come_by_themselves_and_are_not_labelled_before(
    open_page: Callable[..., Page], tmp_path: Path, tree: Taxonomy, app_server: Callable[[Path], AppServer]
) -> None:
    ws = make_heaps(tmp_path, 60, tree)
    page = open_page()
    page.route("**/api/images/**", lambda route: route.abort())
    wall = Wall(page, ws).open(app_server(ws.folder))
    expect(wall.part("chosen")).to_have_text(re.compile(r"^0 of \d+ in$"))
    images = wall.images
    wall.press("a", "1", "Enter")
    expect(wall.part("toast")).to_contain_text("No picture is in")
    page.unroute("**/api/images/**")
    expect(page.locator(".tile[data-state=ready]")).to_have_count(len(images))
    seen = page.locator(".tile img").evaluate_all("images => images.map((image) => image.naturalWidth > 0)")
    assert seen == [True] * len(images)
    assert wall.inside == []  # they were out before the person's eyes
    wall.press("a", "Enter")
    wall.saved()
    assert wall.said(images[0]) != []


def test_what_failed_behind_the_screen_is_in_again_when_it_comes(
    open_page: Callable[..., Page], tmp_path: Path, tree: Taxonomy, app_server: Callable[[Path], AppServer]
) -> None:
    ws = make_heaps(tmp_path, 130, tree)
    page = open_page()
    failed: list[str] = []

    def fail_later_ones(route) -> None:
        number = int(route.request.url.split("/api/images/")[1].split("?")[0])
        if number in shown:
            route.continue_()
        else:
            failed.append(route.request.url)
            route.abort()

    shown = {tile.image.id for tile in next_screen(ws, annotator="ada", count=60).tiles}
    page.route("**/api/images/**", fail_later_ones)
    wall = Wall(page, ws).open(app_server(ws.folder))
    page.wait_for_timeout(500)
    assert failed and set(wall.images) <= shown
    page.unroute("**/api/images/**")
    with page.expect_response("**/api/images/**"):  # by themselves
        pass
    page.wait_for_timeout(500)
    wall.finish("1", "Enter")
    assert wall.inside == wall.images != []


def test_a_smaller_window_at_the_end_leaves_nothing_behind(own_wall: tuple[Wall, AppServer]) -> None:
    wall, _ = own_wall
    for _ in range(2):
        wall.finish("1", "Enter")
    wall.saved()
    wall.page.wait_for_timeout(500)  # the app has said that there is no more
    wall.page.set_viewport_size({"width": 1100, "height": 640})
    wall.page.wait_for_timeout(1000)
    finish_all(wall)
    expect(wall.part("message")).to_contain_text("Everything is labelled")
    wall.saved()
    assert wall.counts() == (130, 130)


def test_a_mark_from_before_a_reload_counts_once(own_wall: tuple[Wall, AppServer]) -> None:
    wall, _ = own_wall
    out = wall.images[1]
    wall.tiles.nth(1).click()
    wall.page.reload()
    wall.ready()
    assert out in wall.images and out not in wall.inside
    wall.finish("1", "Enter")
    wall.press("b")
    expect(wall.tiles).to_have_count(1)
    assert wall.images == wall.inside == [out]


def test_a_click_writes_little_and_a_full_storage_keeps_the_newest(own_wall: tuple[Wall, AppServer]) -> None:
    wall, _ = own_wall
    wall.press(".", ".", ".", ".", ".", ".")
    wall.page.wait_for_timeout(1000)
    for _ in range(3):
        wall.finish("1", "Enter")
    wall.page.evaluate(COUNT_WRITES)
    wall.tiles.nth(1).click()
    assert 0 < wall.page.evaluate("() => window.written") < 2000
    wall.page.evaluate(FILL)
    images = wall.images
    wall.finish("1", "Enter")
    wall.saved()
    wall.page.reload()
    wall.ready()
    wall.press("z")
    expect(wall.tiles.first).to_have_attribute("aria-label", re.compile(f"^Picture {images[0]}(,|$)"))
    wall.saved()
    assert wall.said(images[0]) == []


def test_the_other_way_takes_over_what_is_unsent(own_wall: tuple[Wall, AppServer]) -> None:
    wall, _ = own_wall
    wall.page.route("**/api/labels", lambda route: route.abort())
    labelled = wall.finish("1", "Enter")
    expect(wall.part("status")).to_contain_text("Not saved")
    wall.page.get_by_role("radio", name="One by one").click()
    one = Screen(wall.page, wall.ws).ready()
    assert "way" not in wall.page.url and one.image not in labelled
    wall.page.unroute("**/api/labels")
    one.saved()
    assert all(len(wall.said(image)) == 1 for image in labelled)
    wall.page.get_by_role("radio", name="Many at once").click()
    wall.ready()
    assert "way=many" in wall.page.url


def test_the_end_is_told_and_what_is_aside_is_offered(own_wall: tuple[Wall, AppServer]) -> None:
    wall, _ = own_wall
    wall.tiles.nth(0).click()
    out = wall.images[0]
    wall.finish("1", "Enter")
    finish_all(wall)
    expect(wall.part("message")).to_contain_text("You put 1 picture aside.")
    wall.page.get_by_role("button", name="Show them together").click()
    assert wall.ready().images == [out]
    wall.press("1", "Enter")
    expect(wall.part("message")).to_contain_text("Everything is labelled")
    expect(wall.part("progressText")).to_have_text("130 of 130 labelled")
    wall.saved()
    assert wall.counts() == (130, 130)


def test_before_the_first_training_the_order_is_told(
    tmp_path: Path, tree: Taxonomy, page: Page, app_server: Callable[[Path], AppServer]
) -> None:
    ws = make_workspace(tmp_path, 14, tree)
    wall = Wall(page, ws).open(app_server(ws.folder))
    expect(wall.part("queued")).to_contain_text("No model is trained yet")
    assert len(wall.images) == 14
    wall.press("1", "Enter")
    wall.saved()
    assert wall.counts() == (14, 14)


# --- for everyone -----------------------------------------------------------------------------------------------------


def test_a_listener_hears_what_is_in_and_what_was_done(wall: Wall) -> None:
    count = len(wall.images)
    expect(wall.page.get_by_role("listbox", name=re.compile("look alike"))).to_have_attribute(
        "aria-multiselectable", "true"
    )
    expect(wall.page.get_by_role("option", selected=True)).to_have_count(count)
    wall.tiles.nth(0).click()
    expect(wall.part("announcer")).to_have_text(f"{count - 1} of {count} in.")
    wall.finish("1", "Enter")
    expect(wall.part("announcer")).to_have_text(re.compile(rf"^Done: {count - 1} as \w+\.$"))


def test_a_finger_takes_out_and_looks_closer(
    open_page: Callable[..., Page], heaps: Workspace, app_server: Callable[[Path], AppServer]
) -> None:
    page = open_page(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    wall = Wall(page, heaps).open(app_server(heaps.folder))
    images = wall.images
    assert len(images) >= 12
    wall.tiles.nth(1).tap()
    assert wall.inside == [images[0], *images[2:]]
    wall.tiles.nth(2).dispatch_event("pointerdown", {"pointerType": "touch", "clientX": 5, "clientY": 5})
    expect(wall.part("large")).to_be_visible()
    page.locator("[data-part=largeUnusable]").tap()
    page.locator("[data-do=shrink]").tap()
    expect(wall.part("large")).to_be_hidden()
    expect(wall.tiles.nth(2)).to_have_attribute("aria-label", re.compile("unusable"))
    page.locator("[data-do=undo]").wait_for()
    page.locator(".rows li:visible button").first.tap()
    page.locator("[data-do=label]").tap()
    wall.saved()
    assert wall.said(images[2]) == [("unusable", "")] and wall.said(images[0])[0][0] == "is"


@pytest.mark.parametrize("width", [390, 768, 1440])
def test_nothing_is_cut_off_and_touch_targets_are_large(
    open_page: Callable[..., Page], heaps: Workspace, app_server: Callable[[Path], AppServer], width: int
) -> None:
    touch = {"has_touch": True, "is_mobile": True} if width < 1000 else {}
    page = open_page(viewport={"width": width, "height": 900}, **touch)
    wall = Wall(page, heaps).open(app_server(heaps.folder))
    time.sleep(0.3)
    box = page.locator(".many").bounding_box()
    assert box is not None and box["x"] >= 0 and box["x"] + box["width"] <= width
    for button in page.locator(".many button:visible").all():
        place = button.bounding_box()
        assert place is not None
        if width < 1000:
            assert place["height"] >= 40, button.inner_text()
        else:
            assert place["y"] + place["height"] <= 900, button.inner_text()
        assert (button.get_attribute("aria-label") or button.inner_text()).strip()
    for tile in wall.tiles.all():
        place = tile.bounding_box()
        assert place is not None and place["x"] >= 0 and place["x"] + place["width"] <= width
    sizer, row, actions = (
        page.locator(part).first.bounding_box() for part in ("[data-part=sizer]", ".rows li", ".many .actions")
    )
    assert sizer is not None and row is not None and actions is not None
    assert sizer["width"] >= 50 and sizer["x"] + sizer["width"] <= width
    if width < 480:
        assert row["y"] + row["height"] <= actions["y"]  # on a telephone a class is in sight at once


def test_names_with_markup_are_text(
    page: Page, watch: Watch, tmp_path: Path, app_server: Callable[[Path], AppServer]
) -> None:
    name = "<img src=http://evil.example/x.png onerror=alert(1)>"
    tree = Taxonomy.from_edges(EDGES, {"bird": NodeText(name), "tug": NodeText("\u202ebackwards")})
    ws = make_heaps(tmp_path, 60, tree)
    wall = Wall(page, ws).open(app_server(ws.folder), name="<b>Ada</b>")
    assert name in page.locator(".rows li:visible .name").all_text_contents()
    wall.press(str(wall.rows().index(name) + 1))
    assert wall.part("hereName").text_content() == name
    wall.finish("Enter")
    wall.saved()
    assert name in (wall.part("last").text_content() or "")
    assert watch.remote == []
