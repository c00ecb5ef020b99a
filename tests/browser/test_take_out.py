"""Data leaves through a real browser: a table is downloaded as it was made, a backup too."""

import csv
import io
import zipfile
from collections.abc import Callable
from pathlib import Path

from conftest import label
from playwright.sync_api import Page, expect

from browser.conftest import AppServer
from browser.screen import make_workspace, predict
from hmgc_core.taxonomy import Taxonomy

EVIL = "=HYPERLINK(evil)"


def test_a_table_and_a_backup_are_downloaded_from_the_pictures_page(
    page: Page, app_server: Callable[[Path], AppServer], tmp_path: Path, tree: Taxonomy
) -> None:
    ws = make_workspace(tmp_path, 8, tree)
    predict(ws)
    label(ws, 1, "bird", by=EVIL)
    page.goto(f"{app_server(ws.folder).url}/data")
    page.get_by_role("button", name="Make the table").click()
    expect(page.get_by_text("7 rows")).to_be_visible()
    with page.expect_download() as coming:
        page.get_by_role("button", name="Download", exact=True).click()
    assert coming.value.suggested_filename.startswith("labels-")
    rows = list(csv.DictReader(io.StringIO(coming.value.path().read_text(encoding="utf-8"))))
    assert [(row["annotator"], row["label"]) for row in rows][-1] == (f"'{EVIL}", "bird")

    out = tmp_path / "backup.zip"
    page.get_by_role("textbox", name="File to write").fill(str(out))
    page.get_by_role("button", name="Back up").click()
    expect(page.get_by_text("The backup is written")).to_be_visible()
    with page.expect_download() as coming:
        page.get_by_role("button", name="Download it too").click()
    assert coming.value.path().read_bytes() == out.read_bytes()
    assert zipfile.ZipFile(out).testzip() is None
