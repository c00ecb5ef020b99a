"""Open a page of the app in a test, and read what is on it."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

import app
from app.components.gallery.packing import unpacked
from hmgc_core.records import EpochMetrics, RunConfig
from hmgc_core.store import jobs, runs
from hmgc_core.workflow import training
from hmgc_core.workflow.workspaces import Workspace

MAIN = Path(app.__file__).parent / "main.py"


def open_page(monkeypatch: pytest.MonkeyPatch, ws: Workspace, name: str, **address: str) -> AppTest:
    """A page of the app on this workspace, without an exception. address: what stands behind the `?`."""
    monkeypatch.setenv("HMGC_WORKSPACE", str(ws.folder))
    page = AppTest.from_file(str(MAIN), default_timeout=30).run()
    page.switch_page(f"pages/{name}.py")
    for key, value in address.items():
        page.query_params[key] = value
    page.run()
    assert not page.exception, page.exception[0].value
    return page


def words(page: AppTest) -> Iterator[str]:
    """Every text of the page that Streamlit reads as markdown."""
    for kind in ("markdown", "caption", "header", "subheader", "warning", "error", "info", "success", "metric"):
        for element in page.get(kind):
            yield str(getattr(element, "label", None) or element.value)
    for kind in ("button", "checkbox", "expander", "text_input", "selectbox", "radio", "progress", "page_link"):
        for element in page.get(kind):
            yield str(getattr(element, "label", None) or getattr(element.proto, "text", ""))


def said(page: AppTest) -> str:
    return "\n".join(words(page)).replace("\\", "")


def gallery(page: AppTest) -> list[list[int]]:
    """The cards of the gallery: [image, answer, label, 4 * per cent + verdict]."""
    return unpacked(data_of_gallery(page).get("cards", ""))


def data_of_gallery(page: AppTest) -> dict[str, Any]:
    """What is sent to the gallery of the page; {} where there is none."""
    return component(page, "cards")


def component(page: AppTest, part: str) -> dict[str, Any]:
    """What is sent to the component that is told a `part`; empty where there is none on the page."""
    sent = (json.loads(one.proto.json) for one in page.get("bidi_component"))
    return next((data for data in sent if part in data), {})


def tree_card(page: AppTest) -> dict[str, Any]:
    """The card of the class on the Class tree page."""
    return component(page, "figures")


def explorer(page: AppTest) -> dict[str, Any]:
    """The drawn tree on the Class tree page."""
    return component(page, "boxes")


def button(page: AppTest, text: str) -> Any:
    return next(found for found in page.button if found.label.replace("\\", "").startswith(text))


def with_failed_run(ws: Workspace) -> Workspace:
    """The predicted workspace, an epoch of its run 1, and a run 2 that failed with a remedy."""
    run_id = training.queue_run(ws, RunConfig(model="hrn", backbone="resnet18"))
    with ws.writing() as connection:
        jobs.claim(connection, owner="test", lease_s=60)
        jobs.finish(connection, run_id, owner="test", status="failed", error="no memory left", remedy="choose fewer")
        runs.add_epoch(
            connection, 1, EpochMetrics(0, 2.0, 90.0, 0.0, {"leaf_accuracy": 0.5, "level_accuracy": [0.9, 0.5]})
        )
    return ws
