"""The annotator in a real browser: keys, mouse, what is stored, and what survives."""

import json
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from conftest import label, write_picture
from playwright.sync_api import Page, expect

from browser.conftest import AppServer, Watch
from hmgc_core.records import Annotation, Prediction, RunConfig
from hmgc_core.store import jobs, predictions
from hmgc_core.taxonomy import NodeText, Taxonomy
from hmgc_core.workflow import labelling, pictures, taxonomies, training, workspaces
from hmgc_core.workflow.workspaces import Workspace

# life: bird (albatross: black-footed, gull-like; owl), ship (steamer: tug), and twelve more classes to page through
EDGES = [("bird", "life"), ("ship", "life"), ("albatross", "bird"), ("owl", "bird"), ("black-footed", "albatross")]
EDGES += [("gull-like", "albatross"), ("steamer", "ship"), ("tug", "steamer")]
EDGES += [(f"flower {number:02d}", "plant") for number in range(12)] + [("plant", "life")]
TEXTS = {
    "bird": NodeText("Bird", ("Vogel", "aves"), "feathers, two legs"),
    "black-footed": NodeText("Black-footed albatross", ("Phoebastria nigripes",)),
}
LOADED = ".annotator .picture img"


def make_workspace(folder: Path, images: int, tree: Taxonomy) -> Workspace:
    ws = workspaces.open_workspace(folder / "workspace")
    taxonomies.store_taxonomy(ws, tree, source="test.csv")
    for number in range(images):
        write_picture(folder / "photos" / f"{number:03d}.png", number)
    pictures.import_images(ws, folder / "photos")
    return ws


def predict(ws: Workspace) -> None:
    """A finished run that takes every picture for a black-footed albatross."""
    for image_id in range(1, 7):
        label(ws, image_id, "owl", by="import")
    run_id = training.queue_run(ws, RunConfig(model="flat", backbone="resnet_mini", image_size=16, epochs=1))
    path = (("bird", 0.98), ("albatross", 0.91), ("black-footed", 0.55))
    top = (("black-footed", 0.55), ("gull-like", 0.36), ("owl", 0.07), ("tug", 0.02))
    images = range(1, labelling.label_counts(ws).images + 1)
    with ws.writing() as connection:
        jobs.claim(connection, owner="test", lease_s=60)
        said = [Prediction(run_id, image_id, "black-footed", 0.55, path, top) for image_id in images]
        predictions.replace_all(connection, run_id, said)
        jobs.finish(connection, run_id, owner="test", status="done")


class Screen:
    """The annotate page as a person uses it."""

    def __init__(self, page: Page, ws: Workspace) -> None:
        self.page, self.ws = page, ws

    def open(self, server: AppServer, name: str = "ada") -> "Screen":
        self.page.goto(f"{server.url}/annotate")
        question = self.page.get_by_label("Your name")
        question.or_(self.page.locator(".annotator")).first.wait_for()
        if question.is_visible():  # else the cookie says who it is
            question.fill(name)
            self.page.get_by_role("button", name="Start labelling").click()
        return self.ready()

    def ready(self) -> "Screen":
        self.page.wait_for_selector(LOADED)
        expect(self.part("hereName")).not_to_be_empty()
        return self

    def part(self, name: str):
        return self.page.locator(f"[data-part={name}]")

    @property
    def image(self) -> int:
        """The number of the picture on screen."""
        return int(re.sub(r"\D", "", str(self.page.locator(LOADED).get_attribute("alt"))))

    @property
    def name(self) -> str:
        """The class where one stands."""
        return self.part("hereName").inner_text()

    def rows(self) -> list[str]:
        return self.page.locator(".rows li:visible .name").all_inner_texts()

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)

    def label(self, *keys: str) -> int:
        """Press keys that label the picture on screen, wait for the next one; returns which picture it was."""
        image = self.image
        self.press(*keys)
        expect(self.page.locator(LOADED)).not_to_have_attribute("alt", f"Picture {image}")
        self.page.wait_for_selector(LOADED)
        return image

    def saved(self) -> "Screen":
        expect(self.part("status")).to_have_text("All saved")
        return self

    def said(self, image_id: int) -> list[tuple[str, str]]:
        """What is in the database about a picture: (kind, node)."""
        return [(a.kind, a.node) for a in self.history(image_id) if not a.withdrawn]

    def history(self, image_id: int) -> list[Annotation]:
        return labelling.image_history(self.ws, image_id)


@pytest.fixture(scope="module")
def tree() -> Taxonomy:
    return Taxonomy.from_edges(EDGES, TEXTS)


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory, tree: Taxonomy) -> Workspace:
    """A workspace for many tests; each labels pictures of its own."""
    ws = make_workspace(tmp_path_factory.mktemp("house"), 160, tree)
    predict(ws)
    return ws


@pytest.fixture
def screen(page: Page, house: Workspace, app_server: Callable[[Path], AppServer]) -> Screen:
    return Screen(page, house).open(app_server(house.folder))


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
    expect(screen.part("empty")).to_be_visible()
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
    screen.page.keyboard.down("Enter")
    for _ in range(5):
        screen.page.keyboard.down("Enter")  # what a held key sends
    screen.page.keyboard.up("Enter")
    screen.saved()
    following = screen.image
    assert screen.said(image) == [("is", "life")] and screen.history(following) == []


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


# --- what survives ----------------------------------------------------------------------------------------------------


@pytest.fixture
def loud(open_page: Callable[..., Page], house: Workspace, app_server: Callable[[Path], AppServer]) -> Screen:
    """A page that may complain: its requests fail on purpose."""
    return Screen(open_page(), house).open(app_server(house.folder))


@pytest.fixture
def own(
    tmp_path: Path, tree: Taxonomy, open_page: Callable[..., Page], app_server: Callable[[Path], AppServer]
) -> Iterator[tuple[Screen, AppServer]]:
    """A small workspace and an app of one's own, to break."""
    ws = make_workspace(tmp_path, 14, tree)
    server = app_server(ws.folder)
    yield Screen(open_page(), ws).open(server), server
    server.stop()


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
