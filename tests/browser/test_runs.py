"""The page of a run in a real browser: its coarse labels are weighed, and it is taken out as a file."""

from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import label, write_picture
from playwright.sync_api import Page, expect

from browser.conftest import AppServer
from hmgc_core import worker
from hmgc_core.records import RunConfig
from hmgc_core.taxonomy import NodeText, Taxonomy
from hmgc_core.workflow import coarse_labels, pictures, taxonomies, training, workspaces
from hmgc_core.workflow.workspaces import Workspace

EVIL = "![x](http://evil.example/x.png)<img src=http://evil.example/y.png onerror=document.title='broken'>"
SMALL = RunConfig(model="flat", backbone="resnet_mini", image_size=16, epochs=1, batch_size=8, device="cpu")


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """A finished run 1 on 24 pictures, one class of which is called like markup."""
    folder = tmp_path_factory.mktemp("runs")
    ws = workspaces.open_workspace(folder / "workspace")
    edges = [("bird", "life"), ("ship", "life"), ("owl", "bird"), ("evil", "bird"), ("tug", "ship")]
    taxonomies.store_taxonomy(ws, Taxonomy.from_edges(edges, {"evil": NodeText(name=EVIL)}), source="test.csv")
    rows = ["path,label,split"]
    for number in range(24):
        write_picture(folder / f"{number}.png", number, side=32)
        rows.append(f"{number}.png,,{('train', 'train', 'train', 'test')[number % 4]}")
    (folder / "labels.csv").write_text("\n".join(rows))
    pictures.import_images(ws, folder / "labels.csv")
    for image_id in range(1, 25):
        label(ws, image_id, ("owl", "tug", "bird", "evil", "owl")[image_id % 5])
    training.queue_run(ws, SMALL)
    worker.work(ws, once=True)
    return ws


@pytest.fixture
def url(trained: Workspace, app_server: Callable[[Path], AppServer]) -> str:
    return app_server(trained.folder).url


def test_the_report_comes_by_one_click_and_stands_alone(
    page: Page, open_page: Callable[..., Page], url: str, tmp_path: Path
) -> None:
    page.goto(f"{url}/runs?run=1")
    with page.expect_download() as waiting:
        page.get_by_role("button", name="Report").click()
    assert waiting.value.suggested_filename == "run-1-report.html"
    file = tmp_path / "report.html"
    waiting.value.save_as(file)
    for size in ({"width": 1280, "height": 900}, {"width": 390, "height": 844}):
        alone = open_page(viewport=size, offline=True)
        alone.set_content(file.read_text())
        expect(alone).to_have_title("Run 1: flat on resnet_mini")
        expect(alone.get_by_text(EVIL, exact=True).first).to_be_visible()
        expect(alone.locator("svg").first).to_be_visible()
        assert alone.locator("img").first.evaluate("image => image.naturalWidth") > 0
        assert alone.evaluate("document.documentElement.scrollWidth") <= size["width"]


def test_the_model_card_comes_by_one_click(page: Page, url: str, tmp_path: Path) -> None:
    page.goto(f"{url}/runs?run=1")
    with page.expect_download() as waiting:
        page.get_by_role("button", name="Model card").click()
    waiting.value.save_as(tmp_path / "card.md")
    assert (tmp_path / "card.md").read_text().startswith("# Model card: Run 1: flat on resnet")


def test_what_the_coarse_labels_bought_comes_by_one_click_and_stays(page: Page, url: str, trained: Workspace) -> None:
    page.goto(f"{url}/runs?run=1")
    page.get_by_role("button", name="Find out").click()
    expect(page.get_by_text("Waiting for its turn")).to_be_visible()
    expect(page.get_by_text("The worker is not running")).to_be_visible()
    worker.work(trained, once=True)
    found = coarse_labels.bought(trained, 1)
    assert found is not None
    expect(page.get_by_text(found.headline.partition(",")[0]).first).to_be_visible()  # the page looks by itself
    page.reload()
    expect(page.get_by_text(found.headline.partition(",")[0]).first).to_be_visible()
    expect(page.get_by_role("button", name="Find out")).to_have_count(0)
