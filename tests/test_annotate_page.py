"""The annotate page up to its component: what it asks for, what it hands over. The rest is in tests/browser."""

import json
import re
from pathlib import Path

import pytest
from conftest import label
from streamlit.testing.v1 import AppTest

import app
from app import security, state
from app.components.annotator import index, who
from hmgc_core.workflow import labelling, taxonomies
from hmgc_core.workflow.workspaces import Workspace

MAIN = Path(app.__file__).parent / "main.py"


def open_page(ws: Workspace, monkeypatch: pytest.MonkeyPatch, **session: str) -> AppTest:
    monkeypatch.setenv("HMGC_WORKSPACE", str(ws.folder))
    page = AppTest.from_file(str(MAIN), default_timeout=30)
    for key, value in session.items():
        page.session_state[key] = value
    page.run()
    page.switch_page("pages/annotate.py").run()
    assert not page.exception
    return page


def handed_over(page: AppTest) -> dict[str, object]:
    """What the component was given."""
    (component,) = page.get("bidi_component")
    return json.loads(component.proto.json)


def links(page: AppTest) -> list[str]:
    return [link.value for link in page.page_link]


def test_without_a_class_tree_the_page_leads_to_where_one_comes_from(
    empty_workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = open_page(empty_workspace, monkeypatch)
    assert links(page) == ["Bring in a class tree"]
    assert not page.text_input


def test_without_pictures_the_page_leads_to_where_they_come_from(
    empty_workspace: Workspace, tiny_tree, monkeypatch: pytest.MonkeyPatch
) -> None:
    taxonomies.store_taxonomy(empty_workspace, tiny_tree, source="tiny")
    assert links(open_page(empty_workspace, monkeypatch)) == ["Bring in pictures"]


def test_who_labels_is_asked_before_anything_else(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    page = open_page(workspace, monkeypatch)
    asked = page.text_input(key=who.NEW_NAME)
    assert asked.label == "Your name"
    assert not asked.max_chars  # the browser would cut a name short without a word
    assert not page.get("bidi_component")


def test_a_name_leads_to_the_annotator_and_is_asked_once(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    page = open_page(workspace, monkeypatch)
    page.text_input(key=who.NEW_NAME).set_value("  Ada   Lovelace ")
    page.button[0].click().run()
    data = handed_over(page)
    assert data["annotator"] == "Ada Lovelace"
    assert security.annotator_of(workspace.secret(), str(data["token"])) == "Ada Lovelace"
    assert data["taxonomy"] == {"version": 1, "hash": taxonomies.current_taxonomy(workspace)[1].content_hash}
    assert data["remember"] is True
    assert labelling.annotators(workspace) == ["Ada Lovelace"]
    assert handed_over(page.run())["annotator"] == "Ada Lovelace"


def test_what_is_handed_over_is_small(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    page = open_page(workspace, monkeypatch, **{state.ANNOTATOR: "ada"})
    assert len(json.dumps(handed_over(page))) < 500


@pytest.mark.parametrize("name", ["", "   ", "a\u202eb", "a" * 61])
def test_a_useless_name_is_refused_with_a_remedy(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    page = open_page(workspace, monkeypatch)
    page.text_input(key=who.NEW_NAME).set_value(name)
    page.button[0].click().run()
    assert page.error
    assert not page.get("bidi_component")
    assert labelling.annotators(workspace) == []


def test_those_who_labelled_before_are_offered_as_text(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("import", "Grace", "![x](http://evil.example/x.png)"):
        label(workspace, 1, "bird", by=name)
    page = open_page(workspace, monkeypatch)
    (offered,) = page.get("pills")
    assert list(offered.options) == [security.escape_markdown("![x](http://evil.example/x.png)"), "Grace"]
    offered.select("Grace").run()
    assert handed_over(page)["annotator"] == "Grace"


def test_a_person_who_leaves_is_asked_for_again(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    page = open_page(workspace, monkeypatch, **{state.ANNOTATOR: ""})
    assert page.text_input(key=who.NEW_NAME)
    assert not page.get("bidi_component")


def test_the_component_is_constant_and_writes_no_markup() -> None:
    script = index.joined(index.SCRIPTS, "js")
    assert "export default" in script
    for danger in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "http://", "https://"):
        assert danger not in script
    assert "{" not in index.MARKUP
    assert "url(" not in index.joined(index.STYLES, "css")


def test_every_part_of_the_component_is_joined_in() -> None:
    for parts, ending in ((index.SCRIPTS, "js"), (index.STYLES, "css"), (["sheets"], "html")):
        assert {f"{part}.{ending}" for part in parts} == {path.name for path in index.HERE.glob(f"*.{ending}")}
    assert index.SCRIPTS[-1] == "annotator"


def test_every_command_with_a_key_has_its_meaning_in_words() -> None:
    keys, meanings = ((index.HERE / f"{name}.js").read_text() for name in ("keys", "meanings"))
    listed = re.search(r"const KEYS = \{(.*?)\};", keys, re.DOTALL)
    assert listed
    commands = set(re.findall(r'\["(\w+)"', listed.group(1))) - {"acceptAt"}  # its levels are counted, not listed
    explained = set(re.findall(r'^    "?(\w+)[ \w-]*"?: "', meanings, re.MULTILINE))
    assert commands == explained
