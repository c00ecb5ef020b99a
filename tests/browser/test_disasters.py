"""How other tools lost people's work, one test each: here nothing said is lost, and nothing is stored twice."""

import random
import resource
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from conftest import label
from playwright.sync_api import Page, expect

from browser.app_server import AppServer
from browser.screen import EDGES, TEXTS, Screen, make_workspace
from hmgc_core.taxonomy import NodeText, Taxonomy
from hmgc_core.workflow import labelling, taxonomies

PATIENT_MS = 60_000


@pytest.fixture
def house_of_100(
    tmp_path: Path, tree: Taxonomy, open_page: Callable[..., Page], app_server: Callable[[Path], AppServer]
) -> Iterator[tuple[Screen, AppServer]]:
    """A hundred pictures and an app of one's own, in a browser that may complain."""
    ws = make_workspace(tmp_path, 100, tree)
    server = app_server(ws.folder)
    yield Screen(open_page(), ws).open(server), server
    server.stop()


def wait_until_saved(screen: Screen) -> None:
    expect(screen.part("status")).to_have_text("All saved", timeout=PATIENT_MS)


def assert_each_said_once(screen: Screen, images: list[int], node: str = "bird") -> None:
    """Every one of these labels is in the database, exactly once, and nothing else is."""
    assert {image: screen.said(image) for image in images} == {image: [("is", node)] for image in images}
    with screen.ws.reading() as connection:
        stored = connection.exec_driver_sql("SELECT count(*) FROM annotation").scalar()
    assert stored == len(images)


def test_the_app_is_killed_at_any_moment(house_of_100: tuple[Screen, AppServer]) -> None:
    screen, server = house_of_100
    moments = random.Random(7)
    over = threading.Event()

    def kill_and_start() -> None:
        for _ in range(4):
            time.sleep(moments.uniform(0.05, 0.6))
            server.kill()
            server.start()
        over.set()

    killer = threading.Thread(target=kill_and_start)
    killer.start()
    labelled = []
    while not over.is_set() and len(labelled) < 90:
        labelled.append(label_when_there(screen))
    killer.join()
    wait_until_saved(screen)
    assert len(labelled) > 8
    assert_each_said_once(screen, labelled)


def label_when_there(screen: Screen) -> int:
    """Label the next picture as a bird; wait where the pictures that were fetched ahead have run out."""
    screen.page.wait_for_selector(".annotator .picture img", timeout=PATIENT_MS)
    image = screen.image
    screen.press("1", "Enter")
    changed = "(number) => window.hmgcShown() !== `Picture ${number}`"
    screen.page.evaluate(SHOWN)
    screen.page.wait_for_function(changed, arg=image, timeout=PATIENT_MS)
    return image


# The picture on screen, wherever the component's shadow root is.
SHOWN = """() => {
  const hosts = [...document.querySelectorAll("*")].filter((host) => host.shadowRoot);
  const root = hosts.map((host) => host.shadowRoot).find((shadow) => shadow.querySelector(".annotator"));
  window.hmgcShown = () => root.querySelector(".picture img")?.alt ?? "";
}"""


def test_the_network_is_cut_for_two_minutes_while_labelling_goes_on(
    tmp_path: Path, tree: Taxonomy, open_page: Callable[..., Page], app_server: Callable[[Path], AppServer]
) -> None:
    ws = make_workspace(tmp_path, 40, tree)
    page = open_page()
    page.clock.install()
    screen = Screen(page, ws).open(app_server(ws.folder))
    page.clock.run_for(2_000)
    page.context.set_offline(True)
    labelled = [screen.label("1", "Enter") for _ in range(5)]
    page.clock.run_for(120_000)
    expect(screen.part("status")).to_contain_text("Not saved: 5 waiting")
    assert labelling.label_counts(ws).labelled == 0
    page.context.set_offline(False)
    page.clock.run_for(10_000)
    wait_until_saved(screen)
    assert_each_said_once(screen, labelled)


def test_a_tab_is_left_open_for_a_day_while_others_work(
    tmp_path: Path, tree: Taxonomy, open_page: Callable[..., Page], app_server: Callable[[Path], AppServer]
) -> None:
    ws = make_workspace(tmp_path, 20, tree)
    server = app_server(ws.folder)
    page = open_page()
    page.clock.install()
    screen = Screen(page, ws).open(server)
    image = screen.image
    for other in range(1, 21):
        label(ws, other, "owl", by="grace")
    newer = Taxonomy.from_edges([*EDGES, ("rock", "life")], TEXTS)
    taxonomies.store_taxonomy(ws, newer, source="newer.csv")
    server.kill()
    server.start()
    page.clock.run_for(24 * 3600 * 1000)
    screen.press("1", "Enter")
    page.clock.run_for(10_000)
    wait_until_saved(screen)
    assert sorted(screen.said(image)) == [("is", "bird"), ("is", "owl")]


def test_a_class_is_renamed_moved_and_retired_while_the_page_still_shows_it(
    house_of_100: tuple[Screen, AppServer],
) -> None:
    screen, _ = house_of_100
    # "albatross" gets another name, "steamer" moves to the birds, "owl" goes for good.
    edges = [edge for edge in EDGES if edge[0] not in ("steamer", "owl")] + [("steamer", "bird")]
    newer = Taxonomy.from_edges(edges, {**TEXTS, "albatross": NodeText("Mollymawk")})
    renamed = screen.image
    taxonomies.store_taxonomy(screen.ws, newer, source="newer.csv", moves={"owl": "bird"})
    screen.press("1", "1")  # bird, albatross: as this page still names them
    screen.press("Enter")
    retired = screen.image
    screen.press("/")
    screen.page.keyboard.type("owl")
    screen.press("Enter")
    wait_until_saved(screen)
    assert screen.said(renamed) == [("is", "albatross")]
    assert screen.said(retired) == [("is", "owl")]  # as it was said, in the tree of the page
    with screen.ws.reading() as connection:
        words = connection.exec_driver_sql("SELECT image_id, node_key FROM word ORDER BY image_id").all()
    assert {tuple(row) for row in words} == {(renamed, "albatross"), (retired, "bird")}


def test_a_tab_is_closed_before_its_labels_are_sent(house_of_100: tuple[Screen, AppServer]) -> None:
    screen, server = house_of_100
    context = screen.page.context
    context.route("**/api/labels", lambda route: route.abort())
    labelled = [screen.label("1", "Enter") for _ in range(3)]
    screen.page.close()
    context.unroute("**/api/labels")
    again = Screen(context.new_page(), screen.ws).open(server)
    expect(again.part("status")).to_contain_text("3 from another tab")
    assert again.image not in labelled  # what is on its way is not asked for again
    deadline = time.monotonic() + 60
    while labelling.label_counts(screen.ws).labelled < 3 and time.monotonic() < deadline:
        time.sleep(0.5)  # a tab that is gone leaves its labels to the others after twenty seconds
    wait_until_saved(again)
    assert_each_said_once(again, labelled)


@contextmanager
def no_room_left(server: AppServer, folder: Path) -> Iterator[None]:
    """The app's process can make no file longer than the longest one now: what a full disk does to it."""
    assert server.process is not None
    longest = max(path.stat().st_size for path in folder.glob("hmgc.db*"))
    before = resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (longest // 8, before[1]))
    yield
    resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, before)


def test_the_disk_is_full(house_of_100: tuple[Screen, AppServer]) -> None:
    screen, server = house_of_100
    first = screen.label("1", "Enter")
    wait_until_saved(screen)
    with no_room_left(server, screen.ws.folder):
        labelled = [screen.label("1", "Enter") for _ in range(3)]
        expect(screen.part("status")).to_contain_text("Not saved: 3 waiting")
    wait_until_saved(screen)
    assert_each_said_once(screen, [first, *labelled])


def test_another_program_locks_the_database(house_of_100: tuple[Screen, AppServer]) -> None:
    screen, _ = house_of_100
    other = sqlite3.connect(screen.ws.folder / "hmgc.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    labelled = [screen.label("1", "Enter") for _ in range(3)]
    time.sleep(17)  # longer than the page waits for one answer: it sends again, and the app gets each twice
    assert screen.part("status").inner_text() != "All saved"
    other.execute("ROLLBACK")
    other.close()
    wait_until_saved(screen)
    assert_each_said_once(screen, labelled)
