"""The house keeps its rules: sizes, names, floors, and an app that never loads torch."""

import ast
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SOURCES = [*sorted(p for top in ("app", "hmgc_core") for p in (ROOT / top).rglob("*.py")), ROOT / "streamlit_app.py"]
SCRIPTS = sorted((ROOT / "app").rglob("*.js"))


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: str(p.relative_to(ROOT)))
def test_files_and_functions_stay_small_and_say_what_they_are_for(path: Path) -> None:
    text = path.read_text()
    tree = ast.parse(text)
    assert text.count("\n") <= 450
    assert ast.get_docstring(tree) or not tree.body, "a file opens with its reason"
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert (node.end_lineno or 0) - node.lineno < 60 or "migrations" in path.parts, node.name
        assert not isinstance(node, ast.Assert) or "inserted" in ast.unparse(node) or "version" in ast.unparse(node)


def test_no_module_has_a_name_that_says_nothing() -> None:
    assert not {"utils", "helpers", "common", "misc", "manager"} & {path.stem for path in SOURCES + SCRIPTS}


def test_scripts_write_data_as_text_only() -> None:
    for path in SCRIPTS:
        text = path.read_text()
        for danger in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval("):
            assert danger not in text, f"{danger} in {path}"


# Reads pickles of data sets, of which nothing is looked up or run: test_data_sets.py tries.
READS_PICKLES = ROOT / "hmgc_core" / "exchange" / "data_sets" / "pickled_arrays.py"


def test_pages_write_no_raw_html_and_load_no_pickles() -> None:
    for path in SOURCES:
        text = path.read_text()
        assert "unsafe_allow_html=True" not in text, path
        assert "shell=True" not in text, path
        if path != READS_PICKLES:
            assert "pickle" not in text.replace("pickles", "").replace("pickled_arrays", ""), path


def test_the_one_reader_of_pickles_looks_up_no_name() -> None:
    used = [node for node in ast.walk(ast.parse(READS_PICKLES.read_text())) if isinstance(node, ast.Attribute)]
    assert {node.attr for node in used if ast.unparse(node.value) == "pickle"} == {"Unpickler"}
    assert not {node.attr for node in used} & {"import_module", "modules", "__globals__"}


@pytest.mark.parametrize("module", ["app.navigation", "app.resources", "app.actions", "app.server.routes"])
def test_the_app_never_loads_torch(module: str) -> None:
    code = f"import sys, {module}; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT).returncode == 0


def test_the_package_and_the_app_never_name_a_machine() -> None:
    for path in [*SOURCES, *ROOT.glob("docs/**/*.md"), ROOT / "README.md", ROOT / "Makefile"]:
        text = path.read_text()
        assert str(ROOT) not in text, path


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_white_text_can_be_read_on_the_primary_colour(theme: str) -> None:
    colours = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text())["theme"][theme]
    channels = [int(colours["primaryColor"][start : start + 2], 16) / 255 for start in (1, 3, 5)]
    linear = [value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4 for value in channels]
    luminance = sum(weight * value for weight, value in zip((0.2126, 0.7152, 0.0722), linear, strict=True))
    assert 1.05 / (luminance + 0.05) >= 4.5  # WCAG 2.2, 1.4.3
