"""Pictures and class trees come in through the real page: files chosen, a preview read, an import made and undone."""

import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import write_picture
from playwright.sync_api import Page, expect

from browser.conftest import AppServer, Watch
from hmgc_core.taxonomy import Taxonomy
from hmgc_core.workflow import import_history, labelling, taxonomies, workspaces
from hmgc_core.workflow.workspaces import Workspace

EVIL = "![x](http://evil.example/x.png)<img src=http:evil.png>"


@pytest.fixture
def ws(tmp_path: Path) -> Workspace:
    ws = workspaces.open_workspace(tmp_path / "workspace")
    edges = [("bird", "life"), ("ship", "life"), ("owl", "bird"), ("gull", "bird"), (EVIL, "bird")]
    taxonomies.store_taxonomy(ws, Taxonomy.from_edges(edges), source="test.csv")
    return ws


@pytest.fixture
def url(ws: Workspace, app_server: Callable[[Path], AppServer]) -> str:
    """The app goes on after the test: a page that is closed later would complain."""
    return app_server(ws.folder).url


def zip_of(folder: Path, count: int) -> Path:
    """A zip of pictures, a table of which one class is unknown, and a picture that is none; its own name is markup."""
    path = folder / "birds ![x](evil).zip"
    with zipfile.ZipFile(path, "w") as file:
        for number in range(count):
            write_picture(folder / f"{number}.png", number, side=24)
            file.write(folder / f"{number}.png", f"in/{number}.png")
        file.writestr("in/broken.png", b"no picture")
        file.writestr("in/labels.csv", f'path,label\n0.png,owl\n1.png,dragon\n2.png,"{EVIL}"\n')
    return path


def choose_files(page: Page, *paths: Path) -> None:
    page.locator("input[type=file]").first.set_input_files([str(path) for path in paths])
    expect(page.get_by_text(paths[-1].name).first).to_be_visible()


def test_a_zip_is_chosen_looked_at_added_and_taken_back(
    page: Page, ws: Workspace, url: str, tmp_path: Path, watch: Watch
) -> None:
    page.goto(f"{url}/data")
    choose_files(page, zip_of(tmp_path, 30))
    page.get_by_role("button", name="See what would happen").click()
    expect(page.get_by_text("Nothing has happened yet.")).to_be_visible()
    expect(page.get_by_text("1 class of the table is not in the class tree")).to_be_visible()
    assert labelling.label_counts(ws).images == 0
    page.get_by_role("button", name="Add 30 pictures").click()
    expect(page.get_by_text("The import is finished: 30 new pictures.")).to_be_visible()
    counts = labelling.label_counts(ws)
    assert (counts.images, counts.labelled) == (30, 2)
    assert list(ws.staging.iterdir()) == []
    page.get_by_role("button", name="Take back").click()
    expect(page.get_by_text("30 pictures and 2 labels of this import go.")).to_be_visible()
    page.get_by_role("button", name="Take this import back").click()
    expect(page.get_by_text("Taken back: 30 pictures and 2 labels.")).to_be_visible()
    assert labelling.label_counts(ws).images == 0
    assert [path for path in ws.copies.rglob("*") if path.is_file()] == []
    assert page.locator("img[src*=evil], a[href*=evil]").count() == 0
    assert watch.remote == []


def test_the_import_goes_on_while_its_page_is_left(page: Page, ws: Workspace, url: str, tmp_path: Path) -> None:
    for number in range(1500):
        write_picture(tmp_path / "many" / f"{number}.png", number, side=40)
    page.goto(f"{url}/data")
    page.get_by_role("button", name="A path").or_(page.get_by_role("radio", name="A path")).first.click()
    page.get_by_role("textbox", name="Folder of pictures, zip, or table").fill(str(tmp_path / "many"))
    page.get_by_role("button", name="See what would happen").click()
    page.get_by_role("button", name="Add 1,500 pictures").click(timeout=60_000)
    page.get_by_role("link", name="Overview").click()
    expect(page.get_by_role("heading", name="Overview")).to_be_visible()
    page.wait_for_timeout(4000)
    (record,) = import_history.history(ws)
    assert (record.done, record.images) == (1500, 1500)
    assert record.finished_at is not None


def test_a_huge_paste_is_refused_and_the_page_lives(page: Page, ws: Workspace, url: str) -> None:
    page.goto(f"{url}/taxonomy")
    page.get_by_role("button", name="Import").click()
    page.get_by_role("button", name="Paste").or_(page.get_by_role("radio", name="Paste")).first.click()
    area = page.locator("textarea")
    page.get_by_role("button", name="Look at it").click()
    expect(page.get_by_text("There is nothing to look at yet.")).to_be_visible()
    area.evaluate(
        """(area) => {
          const set = Object.getOwnPropertyDescriptor(HTMLTextAreaElement.prototype, "value").set;
          area.focus();
          set.call(area, ("x".repeat(99) + "\\n").repeat(52000));
          area.dispatchEvent(new Event("input", {bubbles: true}));
          area.blur();
        }"""
    )
    # Found by its place: looking through roles and labels takes the browser long beside five million letters.
    expect(page.locator("[data-testid=stAlert]")).to_contain_text("at most 5,000,000 can be pasted", timeout=60_000)
    expect(area).to_have_value("")
    area.fill("life\n  bird\n    owl\n  ship\n    tug\n")
    page.get_by_role("button", name="Look at it").click()
    expect(page.get_by_text("Read as an indented list: 5 lines.")).to_be_visible()
    expect(page.get_by_role("button", name="Use this class tree")).to_be_visible()


def test_the_preview_fits_a_telephone(open_page: Callable[..., Page], url: str, tmp_path: Path) -> None:
    page = open_page(viewport={"width": 390, "height": 800})
    page.goto(f"{url}/data")
    choose_files(page, zip_of(tmp_path, 3))
    page.get_by_role("button", name="See what would happen").click()
    expect(page.get_by_text("Nothing has happened yet.")).to_be_visible()
    assert page.evaluate("() => document.querySelector('[data-testid=stMain]').scrollWidth") <= 390
