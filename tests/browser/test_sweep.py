"""Finding good settings in a real browser: asked for, watched, trained with; nothing is wider than a telephone."""

from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import label, write_picture
from playwright.sync_api import Page, expect

from browser.conftest import AppServer
from hmgc_core import worker
from hmgc_core.records import RunConfig
from hmgc_core.taxonomy import Taxonomy
from hmgc_core.workflow import pictures, sweeps, taxonomies, training, workspaces
from hmgc_core.workflow.workspaces import Workspace

SMALL = RunConfig(model="flat", backbone="resnet_mini", image_size=16, epochs=1, batch_size=8, device="cpu")
EVIL = "<img src=x onerror=document.title='broken'>"


@pytest.fixture
def house(tmp_path: Path) -> Workspace:
    ws = workspaces.open_workspace(tmp_path / "workspace")
    edges = [("bird", "life"), ("ship", "life"), ("owl", "bird"), ("tug", "ship")]
    taxonomies.store_taxonomy(ws, Taxonomy.from_edges(edges), source="test.csv")
    rows = ["path,label,split"]
    for number in range(16):
        write_picture(tmp_path / f"{number}.png", number, side=32)
        rows.append(f"{number}.png,,{('train', 'train', 'train', 'val')[number % 4]}")
    (tmp_path / "labels.csv").write_text("\n".join(rows))
    pictures.import_images(ws, tmp_path / "labels.csv")
    for image_id in range(1, 17):
        label(ws, image_id, ("owl", "tug", "bird")[image_id % 3])
    return ws


def test_a_search_is_asked_for_watched_and_trained_with(
    open_page: Callable[..., Page], house: Workspace, app_server: Callable[[Path], AppServer]
) -> None:
    sweeps.ask(house, SMALL, over=["lr=0.01:0.1", "batch_size=4|8"], trials=2, name=EVIL)
    url = app_server(house.folder).url
    page = open_page(viewport={"width": 390, "height": 844}, color_scheme="dark")
    page.goto(f"{url}/train")
    page.get_by_text("Find good settings").click()
    expect(page).to_have_url(f"{url}/train?way=search")
    expect(page.get_by_text("Waiting for its turn")).to_be_visible()
    worker.work(house, once=True)
    expect(page.get_by_text("Best:")).to_be_visible()  # the page looks by itself
    expect(page.get_by_text("What each trial reached, on validation pictures").first).to_be_visible()
    expect(page.locator(".js-plotly-plot")).to_have_count(4)  # history, two settings, labels
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.get_by_role("button", name="Train with these settings").click()
    expect(page.get_by_text("Run 1 · flat on resnet_mini")).to_be_visible()
    assert training.run(house, 1).config.image_size == 16
    expect(page.get_by_text(EVIL).first).to_be_visible()
    assert page.title() != "broken"
