"""How letter codes are made: none begins another, and they read like the names. The component's own script, alone."""

import itertools
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from app.components.annotator import index
from hmgc_core.taxonomy import Taxonomy
from hmgc_core.taxonomy_io import read_taxonomy
from hmgc_core.workflow.labelling import taxonomy_for_screen

ROOT = Path(__file__).parents[2]
LARGE = Path(os.environ.get("HMGC_SHARED", ROOT.parent / "shared")) / "data" / "taxonomies" / "inat21.tree.csv"
MAKE = """([arrays, own]) => {
  const tree = new Tree(arrays, {version: 1, hash: ""});
  const codes = Codes.forAll(tree, own);
  return tree.keys.map((_, node) => codes.code(node));
}"""


@pytest.fixture(scope="module")
def bench(browser: Browser) -> Iterator[Page]:
    """An empty page with the scripts for trees and codes."""
    page = browser.new_page()
    for name in ("typos", "tree", "codes"):
        page.add_script_tag(content=(index.HERE / f"{name}.js").read_text())
    yield page
    page.close()


def make(bench: Page, tree: Taxonomy, own: dict[str, str] | None = None) -> dict[str, str]:
    """key -> code of all classes but the root, checked: each has one, and none begins another."""
    made = bench.evaluate(MAKE, [taxonomy_for_screen(tree), own or {}])
    codes = dict(zip(tree.keys[1:], made[1:], strict=True))
    assert made[0] == ""
    assert all(code.isascii() and code.islower() and code.isalpha() for code in codes.values())
    assert_prefix_free(list(codes.values()))
    return codes


def assert_prefix_free(codes: list[str]) -> None:
    ordered = sorted(codes)
    for one, other in itertools.pairwise(ordered):
        assert not other.startswith(one), (one, other)


def flat_tree(names: list[str]) -> Taxonomy:
    return Taxonomy.from_edges([(name, "all") for name in names])


def test_few_classes_have_codes_of_one_letter_taken_from_their_names(bench: Page) -> None:
    assert make(bench, flat_tree(["Bird", "Ship", "Heron"])) == {"Bird": "b", "Ship": "s", "Heron": "h"}


def test_a_class_with_many_below_has_a_code_no_longer_than_theirs(bench: Page) -> None:
    edges = [("bird", "life"), ("ship", "life")] + [(f"bird {i}", "bird") for i in range(200)]
    codes = make(bench, Taxonomy.from_edges(edges))
    assert len(codes["bird"]) == 1
    assert {len(code) for key, code in codes.items() if key.startswith("bird ")} <= {2, 3}


@pytest.mark.parametrize("count", [1, 25, 26, 27, 700, 3000])
def test_many_classes_of_one_name_all_get_a_code(bench: Page, count: int) -> None:
    codes = make(bench, flat_tree([f"Warbler {'i' * (n % 9)}{n}" for n in range(count)]))
    assert max(map(len, codes.values())) <= 4


def test_names_without_latin_letters_get_codes_too(bench: Page) -> None:
    make(bench, flat_tree(["עורב", "鳥", "🐦", "Ästhetik", "123", "-"]))


def test_codes_of_ones_own_stay_and_the_others_keep_away(bench: Page) -> None:
    tree = flat_tree([f"class {i}" for i in range(40)])
    codes = make(bench, tree, {"c": "class 7", "las": "class 8", "gone": "not there"})
    assert codes["class 7"] == "c" and codes["class 8"] == "las"
    assert codes == make(bench, tree, {"c": "class 7", "las": "class 8", "gone": "not there"})


def test_own_codes_that_take_all_the_room_leave_the_others_without(bench: Page) -> None:
    names = [f"class {i}" for i in range(30)]
    own = {letter: names[place] for place, letter in enumerate("abcdefghijklmnopqrstuvwxyz")}
    made = bench.evaluate(MAKE, [taxonomy_for_screen(flat_tree(names)), own])
    assert made[1:27] == list(own) and set(made[27:]) == {""}


@pytest.mark.skipif(not LARGE.exists(), reason="the class tree of iNaturalist is not here")
def test_sixteen_thousand_classes_have_codes_of_about_four_letters(bench: Page) -> None:
    tree = read_taxonomy(LARGE)
    codes = make(bench, tree)
    lengths = [len(code) for code in codes.values()]
    assert len(codes) == 16_343 and max(lengths) <= 5
    assert sum(lengths) / len(lengths) <= 4.1
