"""Many at once in a real browser: what each key, click and touch does, and what is then in the database."""

import json
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from browser.app_server import AppServer
from browser.conftest import Watch
from browser.screen import EDGES, Screen, make_workspace
from browser.wall import HEAPS, LABELLED, Wall, make_heaps
from hmgc_core.taxonomy import NodeText, Taxonomy
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


# --- labelling --------------------------------------------------------------------------------------------------------


def test_enter_labels_all_that_are_in_as_the_class_where_one_stands(wall: Wall) -> None:
    assert len(wall.images) >= 24
    wall.press("1")
    place = wall.name
    inside = wall.finish("Enter")
    wall.saved()
    key = {"Bird": "bird", "ship": "ship"}[place]
    assert [wall.said(image) for image in inside] == [[("is", key)]] * len(inside)
    (stored,) = wall.history(inside[0])
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
    assert [wall.history(image) for image in out] == [[]] * 4
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
    assert wall.images == images and wall.history(images[0]) == []


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
    assert len({tuple(wall.said(image)) for image in first}) == 1 and wall.history(images[2]) == []


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


def test_all_in_invert_and_odd_ones_out(wall: Wall) -> None:
    images = wall.images
    wall.tiles.nth(0).click()
    wall.press("i")
    assert wall.inside == [images[0]]
    wall.press("a")
    assert wall.inside == images
    wall.press("1" if HEAPS[images[0] % 4] != "tug" else "2")
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
    assert wall.history(images[1]) == []
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


def test_tiles_can_be_sized_and_stay_so(wall: Wall) -> None:
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
        assert box is not None and box["y"] + box["height"] <= 800  # what is labelled is in sight
    wall.press(",", ",", ",")
    assert side() == before
    wall.finish("s")
    wall.finish("s")
    wall.finish("s")
    assert len(wall.images) == count


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
    for _ in range(20):
        wall.tiles.first.or_(wall.part("message")).first.wait_for()
        if "You put" in wall.part("message").inner_text():
            break
        first = wall.ready().images[0]
        wall.press("1", "Enter")
        gone = wall.page.locator(f".tile[aria-label^='Picture {first},'], .tile[aria-label='Picture {first}']")
        expect(gone).to_have_count(0)
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
