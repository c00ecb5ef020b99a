"""The main job on real photos: all of them imported, a few labelled at three levels in the browser."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page

from browser.app_server import AppServer
from browser.screen import Screen
from hmgc_core.workflow import labelling, pictures, taxonomies, training, workspaces

SHARED = Path(os.environ.get("HMGC_SHARED", Path(__file__).parents[3] / "shared"))
PHOTOS = SHARED / "data" / "grocery"


@pytest.mark.skipif(not PHOTOS.is_dir(), reason=f"no photos in {PHOTOS}; name their folder in HMGC_SHARED")
def test_real_photos_are_imported_and_labelled_at_three_levels(
    tmp_path: Path, app_server: Callable[[Path], AppServer], page: Page
) -> None:
    ws = workspaces.open_workspace(tmp_path / "workspace")
    taxonomies.import_taxonomy(ws, PHOTOS / "tree.csv")
    report = pictures.import_images(ws, PHOTOS / "images")
    assert (report.images, report.skipped) == (5421, [])

    screen = Screen(page, ws).open(app_server(ws.folder))
    fruit = screen.label("1", "Enter")
    apple = screen.label("1", "1", "Enter")
    golden_delicious = screen.label("1", "1", "1")
    screen.saved()
    assert screen.said(fruit) == [("is", "top/Fruit")]
    assert screen.said(apple) == [("is", "coarse/Apple")]
    assert screen.said(golden_delicious) == [("is", "fine/Golden-Delicious")]

    counts = labelling.label_counts(ws)
    assert counts.by_level == [0, 1, 1, 1]
    assert counts.unlabelled == 5418
    assert labelling.image_history(ws, fruit)[0].annotator == "ada"
    assert training.all_runs(ws) == []
