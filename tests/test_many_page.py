"""Many at once up to its component: the way to it, what it is handed, and what it is made of."""

import json

import pytest
from conftest import label
from test_annotate_page import handed_over, open_page

from app import state
from app.components import ways
from app.components.annotator import index as annotator
from app.components.many import index
from hmgc_core.workflow.workspaces import Workspace


def test_the_way_is_chosen_above_and_the_first_is_one_by_one(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = open_page(workspace, monkeypatch, **{state.ANNOTATOR: "ada"})
    (control,) = page.get("segmented_control")
    assert control.options == list(ways.WAYS.values())
    (first,) = page.get("bidi_component")
    assert first.proto.component_name == "hmgc_annotator"
    control.select("Many at once").run()
    (second,) = page.get("bidi_component")
    assert second.proto.component_name == "hmgc_many"
    assert handed_over(page)["annotator"] == "ada"
    assert len(json.dumps(handed_over(page))) < 500


def test_who_labels_is_asked_before_the_way(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    label(workspace, 1, "bird")
    assert not open_page(workspace, monkeypatch).get("segmented_control")


def test_the_component_is_constant_and_writes_no_markup() -> None:
    script = annotator.joined(index.SHARED, "js") + index.joined(index.SCRIPTS, "js")
    assert "export default" in script
    for danger in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "http://", "https://"):
        assert danger not in script
    assert "{" not in index.MARKUP
    assert "url(" not in index.joined(index.STYLES, "css")


def test_every_part_of_the_component_is_joined_in() -> None:
    for parts, ending in ((index.SCRIPTS, "js"), (index.STYLES, "css")):
        assert {f"{part}.{ending}" for part in parts} == {path.name for path in index.HERE.glob(f"*.{ending}")}
    assert index.SCRIPTS[-1] == "many"
    assert {f"{part}.js" for part in index.SHARED} <= {path.name for path in annotator.HERE.glob("*.js")}
