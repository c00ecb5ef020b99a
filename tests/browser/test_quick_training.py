"""New labels learned by one click in a real browser, from the first button of the Train page to its finished run."""

from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import label
from playwright.sync_api import Page, expect

from browser.conftest import AppServer
from hmgc_core import worker
from hmgc_core.records import RunConfig
from hmgc_core.workflow import training
from hmgc_core.workflow.workspaces import Workspace

SMALL = RunConfig(model="flat", backbone="resnet_mini", image_size=16, epochs=1, batch_size=8, device="cpu")


@pytest.mark.parametrize("width", [1280, 390])
def test_one_click_learns_from_the_new_labels(
    labelled_workspace: Workspace,
    app_server: Callable[[Path], AppServer],
    open_page: Callable[..., Page],
    width: int,
) -> None:
    ws = labelled_workspace
    training.queue_run(ws, SMALL)
    worker.work(ws, once=True)
    for image_id in (3, 4, 5):
        label(ws, image_id, "owl", by="bob")
    page = open_page(viewport={"width": width, "height": 900})
    page.goto(f"{app_server(ws.folder).url}/train")
    button = page.get_by_role("button", name="Learn from the 3 new labels · a few seconds")
    expect(button).to_be_enabled()
    assert (button.bounding_box() or {"width": width})["width"] < width
    button.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_text("Run 2 learns from them already.")).to_be_visible()
    worker.work(ws, once=True)
    expect(page.get_by_text("Run 2 · flat on resnet_mini · head only, from run 1").first).to_be_visible()
    expect(page.get_by_role("button", name="Learn from new labels")).to_be_disabled()
    page.get_by_role("button", name="Open this run").click()
    expect(page.get_by_text("See its predictions")).to_be_visible()
