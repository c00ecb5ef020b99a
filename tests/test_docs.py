"""What a user can meet is named in the docs: every page, verb, option, model, backbone, setting, metric and key."""

import re
from pathlib import Path

import pytest
import typer.main

from app.navigation import CONTENTS
from hmgc_core.cli import app
from hmgc_core.ending import SERVED_BY
from hmgc_core.models.catalog import BACKBONES, MODELS
from hmgc_core.records import KINDS
from hmgc_core.settings import SETTINGS

ROOT = Path(__file__).parents[1]
DOCS = {path.name: path.read_text() for path in sorted((ROOT / "docs").rglob("*.md"))}
VERBS = typer.main.get_command(app).commands  # type: ignore[attr-defined]


@pytest.mark.parametrize("title", [title for title, _ in CONTENTS.values()])
def test_every_page_is_named(title: str) -> None:
    assert f"| {title} |" in DOCS["pages.md"]


@pytest.mark.parametrize("verb", sorted(VERBS))
def test_every_verb_is_named_with_its_options(verb: str) -> None:
    line = next((row for row in DOCS["commands.md"].splitlines() if row.startswith(f"| `{verb}")), "")
    assert line, f"{verb} is not in docs/commands.md"
    for parameter in VERBS[verb].params:
        for option in parameter.opts:
            if option.startswith("--") and option != "--workspace":
                assert option in line, f"{option} of {verb}"


@pytest.mark.parametrize("name", [*MODELS, *BACKBONES])
def test_every_model_and_backbone_is_named(name: str) -> None:
    assert f"`{name}`" in DOCS["models.md"]


@pytest.mark.parametrize("name", sorted(SETTINGS))
def test_every_setting_is_named_with_its_default_and_meaning(name: str) -> None:
    default, meaning = SETTINGS[name]
    line = next((row for row in DOCS["deployment.md"].splitlines() if row.startswith(f"| `{name}`")), "")
    assert default in line
    assert meaning in line


def test_no_setting_is_read_past_the_list() -> None:
    known = {*SETTINGS, SERVED_BY, "HMGC_CHROMIUM", "HMGC_REQUIRE_BROWSER", "HMGC_SHARED"}
    for path in [*ROOT.glob("hmgc_core/**/*.py"), *ROOT.glob("app/**/*.py")]:
        assert set(re.findall(r"HMGC_[A-Z_]+", path.read_text())) <= known, path


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_label_is_named(kind: str) -> None:
    assert f"| `{kind}` |" in DOCS["formats.md"]


def test_every_metric_a_run_reports_is_named() -> None:
    import numpy as np

    from hmgc_core.metrics import evaluate
    from hmgc_core.taxonomy import Taxonomy

    tree = Taxonomy.from_edges([("a", "r"), ("b", "r")])
    probs = np.array([[1.0, 0.75, 0.25], [1.0, 0.5, 0.5]])
    for name, value in evaluate(tree, np.array([1, 2]), probs, np.array([1, 1])).items():
        if isinstance(value, float | list):
            assert f"`{name}`" in DOCS["metrics.md"]


@pytest.mark.parametrize(("script", "table"), [("annotator/keys.js", "KEYS"), ("many/wallkeys.js", "WALL_KEYS")])
def test_every_key_of_the_annotator_is_named(script: str, table: str) -> None:
    text = (ROOT / "app/components" / script).read_text()
    listed = re.search(rf"const {table} = \{{(.*?)\}};", text, re.DOTALL)
    assert listed
    keys = [key.strip('"') for key in re.findall(r'^  ("[^"]+"|\w+): \[', listed.group(1), re.MULTILINE)]
    assert len(keys) > 15
    words = {"Enter": "Enter", "Backspace": "Backspace", "ArrowLeft": "←", "ArrowRight": "→", "ArrowUp": "↑",
             "ArrowDown": "↓", "PageDown": "Page Down", "PageUp": "Page Up", " ": "Space", "=": "+",
             "Shift+ArrowLeft": "Shift+←", "Shift+ArrowRight": "→", "Shift+ArrowUp": "↑", "Shift+ArrowDown": "↓",
             "Shift+v": "Shift+V", "Shift+y": "Shift+Y", "Escape": "Escape"}  # fmt: skip
    shown = [row.split("|")[1] for row in DOCS["pages.md"].splitlines() if row.startswith("| ")]
    for key in keys:
        assert any(words.get(key, key.upper()) in cell for cell in shown), key


@pytest.mark.parametrize("name", [*sorted(DOCS), "README.md"])
def test_every_link_leads_somewhere(name: str) -> None:
    path = ROOT / name if name == "README.md" else next((ROOT / "docs").rglob(name))
    for target in re.findall(r"\]\(([^)#]+)\)", path.read_text()):
        assert target.startswith("http") or (path.parent / target).exists(), target
