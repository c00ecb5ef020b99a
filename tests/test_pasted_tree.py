"""A pasted class tree is told by its content; what is none is refused in plain words; what it would change is shown."""

import re
from dataclasses import replace

import numpy as np
import pytest
from conftest import label

from hmgc_core.errors import TaxonomyError
from hmgc_core.exchange.known_classes import recognise
from hmgc_core.exchange.pasted_tree import LONGEST_TEXT, read_pasted
from hmgc_core.taxonomy import NodeText, Taxonomy
from hmgc_core.workflow import taxonomies, tree_imports
from hmgc_core.workflow.tree_imports import LabelMove
from hmgc_core.workflow.workspaces import Workspace

KEYS = ("root", "bird", "bird/albatross", "bird/owl", "ship")


@pytest.mark.parametrize(
    ("text", "format"),
    [
        ("bird\n  albatross\n  owl\nship\n", "indented"),
        ("bird\r\n\talbatross\r\n\towl\r\nship", "indented"),
        ("- bird\n  - albatross\n  - owl\n- ship", "indented"),
        ("• bird\n\n  • albatross\n  • owl\n• ship\n", "indented"),
        ("level1,level2\nbird,albatross\nbird,owl\nship,", "levels"),
        ("level1\tlevel2\nbird\talbatross\nbird\towl\nship\t", "levels"),
        ("\ufefflevel1;level2\nbird;albatross\nbird;owl\nship;\n\n", "levels"),
        ('{"bird": ["albatross", "owl"], "ship": {}}', "json"),
        ('\n [{"name": "bird", "children": ["albatross", "owl"]}, "ship"]', "json"),
    ],
)
def test_the_format_is_told_by_the_content(text: str, format: str) -> None:
    pasted = read_pasted(text)
    assert (pasted.format, pasted.file.taxonomy.keys) == (format, KEYS)
    assert format in tree_imports.FORMAT_WORDS


def test_a_table_pasted_from_a_spreadsheet_keeps_names_and_quotes() -> None:
    pasted = read_pasted('child\tparent\tname\nalb\tbird\tAlbatross, large\nowl\tbird\t"Owl ""hoot"""\n')
    tree = pasted.file.taxonomy
    assert (pasted.format, pasted.lines) == ("edges", 3)
    assert [tree.name(tree.index(key)) for key in ("alb", "owl")] == ["Albatross, large", 'Owl "hoot"']


def test_names_of_several_words_and_of_any_script_are_a_list() -> None:
    text = "life\n  birds of the open sea\n    black-footed albatross, large\n  طائر\n  😀\n  a: b\n"
    assert len(read_pasted(text).file.taxonomy) == 6


PROSE = (
    "The albatross is a large seabird. It lives on the open ocean, and comes to land only to breed.\n"
    "There are several kinds, which differ in size.\n\nWe saw three of them on Tuesday, near the old ship.\n"
)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "nothing was pasted"),
        (" \n\t\n", "nothing was pasted"),
        ("bird", "a single line, 'bird', is no class tree"),
        ("https://example.org/classes.csv", "is an address"),
        ("www.example.org/a\nhttp://example.org/b\n", "is an address"),
        ("<!DOCTYPE html>\n<html><body><ul><li>bird</li></ul></body></html>", "web page or XML"),
        ("<?xml version='1.0'?>\n<tree/>", "web page or XML"),
        (PROSE, "reads like prose"),
        (PROSE.replace("\n", " "), "is no class tree"),
        ("\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "the bytes of a file"),
        ("PK\x03\x04" + "\ufffd" * 300, "the bytes of a file"),
        ("name,class\na,b\nc,d\n", "looks like a table"),
        ("name\tclass\na\tb\nc\td\n", "looks like a table"),
        ("x" * (LONGEST_TEXT + 1), "at most 5,000,000 can be pasted"),
        ("a b\n" * 12_500_000, "at most 5,000,000 can be pasted"),
        ('{"bird": [', "not JSON"),
        ("[1, 2]", "not a class"),
        ("child,parent\na,b\nb,a\n", "cycle"),
        ("child\tparent\na\tb\n\na\tc\n", "the pasted text, line 4: 'a' has two parents"),
        ("    bird\n  owl\n  tug\n", "line 2"),
    ],
)
def test_what_is_no_class_tree_is_refused_in_plain_words(text: str, words: str) -> None:
    with pytest.raises(TaxonomyError) as caught:
        read_pasted(text)
    assert words in str(caught.value)
    assert caught.value.remedy
    assert not re.search(r"Traceback|/tmp/", str(caught.value))


def test_what_a_new_tree_changes_is_told_before_it_is_taken(workspace: Workspace) -> None:
    label(workspace, 1, "owl")
    label(workspace, 2, "owl", by="ben")
    label(workspace, 3, "tug")
    new = Taxonomy.from_edges([("bird", "life"), ("ship", "life"), ("tug", "ship"), ("heron", "bird")])
    change = tree_imports.tree_change(workspace, new)
    assert change is not None
    assert change.added == ("heron",)
    assert set(change.dropped) == {"albatross", "black-footed", "gull-like", "owl", "steamer"}
    assert change.elsewhere == ("tug",)
    assert change.moves == (LabelMove("owl", "bird", 2),)
    assert taxonomies.current_taxonomy(workspace)[0] == 1
    done = taxonomies.store_taxonomy(workspace, new, source="pasted", to_ancestor=True)
    assert done.moved == 2


def test_there_is_nothing_to_compare_with_before_the_first_tree(
    empty_workspace: Workspace, tiny_tree: Taxonomy
) -> None:
    assert tree_imports.tree_change(empty_workspace, tiny_tree) is None


# --- names of the tree in use -----------------------------------------------------------------------------------------

# life
# ├── bird           "Bird"
# │   ├── albatross  "Albatross", note "long wings"
# │   └── other-bird "Other"
# └── ship           "Ship"
#     └── other-ship "Other"
NAMED = Taxonomy.from_edges(
    [("bird", "life"), ("albatross", "bird"), ("other-bird", "bird"), ("ship", "life"), ("other-ship", "ship")],
    {
        "life": NodeText("Bird or ship"),
        "bird": NodeText("Bird"),
        "albatross": NodeText("Albatross", ("Diomedeidae",), "long wings"),
        "other-bird": NodeText("Other"),
        "ship": NodeText("Ship"),
        "other-ship": NodeText("Other"),
    },
)


def recognised(text: str, old: Taxonomy = NAMED) -> tuple[dict[str, str], tuple[str, ...]]:
    """(key -> key above it, remarks) of a pasted text beside a tree in use."""
    file = recognise(read_pasted(text).file, old)
    tree = file.taxonomy
    above = {key: tree.keys[tree.parents[node]] if node else "" for node, key in enumerate(tree.keys)}
    return above, file.remarks


def test_classes_of_a_list_of_names_keep_the_keys_of_those_that_are_there() -> None:
    above, remarks = recognised("bird or  SHIP\n  Albatross\n  Owl\n  Ship\n    Car")
    assert above == {"life": "", "albatross": "life", "Owl": "life", "ship": "life", "Car": "ship"}
    assert remarks == ("3 classes were recognised by name and keep their keys",)


def test_a_class_recognised_by_name_keeps_what_the_list_cannot_say() -> None:
    tree = recognise(read_pasted("Bird or ship\n  ALBATROSS\n  Ship").file, NAMED).taxonomy
    assert tree.texts["albatross"] == NodeText("ALBATROSS", ("Diomedeidae",), "long wings")


@pytest.mark.parametrize("root", [True, False])
def test_the_same_list_of_names_is_the_same_tree(root: bool) -> None:
    lines = [f"{'  ' * (NAMED.depths[node] - (not root))}{NAMED.name(node)}" for node in range(not root, len(NAMED))]
    assert recognise(read_pasted("\n".join(lines)).file, NAMED).taxonomy == NAMED


def test_of_several_classes_with_a_name_the_parent_decides_else_it_is_told() -> None:
    above, remarks = recognised("Bird or ship\n  Bird\n    Other\n  Other\n  Toy\n    Other")
    assert above["other-bird"] == "bird"
    assert {"Other", "Toy/Other"} <= above.keys() or {"Other", "Other 2"} <= above.keys()
    assert any("'Other' could be 'other-ship'" in remark for remark in remarks)


def test_a_new_class_never_gets_the_key_of_another_one() -> None:
    old = Taxonomy.from_edges([("a", "life"), ("b", "life")], {"a": NodeText("b"), "b": NodeText("c")})
    above, _ = recognised("life\n  b\n    b\n  c", old)
    assert set(above) >= {"life", "b"} and len(above) == 4


@pytest.mark.parametrize("text", ["level1,level2\nBird,Albatross\nShip,", '{"Bird": ["Albatross"], "Ship": {}}'])
def test_other_formats_without_keys_are_recognised_too(text: str) -> None:
    above, _ = recognised(text)
    assert above == {"life": "", "bird": "life", "albatross": "bird", "ship": "life"}


def test_keys_that_a_file_gives_count_alone() -> None:
    file = read_pasted("child,parent,name\nx,life,Albatross\ny,life,Owl").file
    assert recognise(file, NAMED) == file


def test_random_trees_are_known_again_by_their_names_alone() -> None:
    rng = np.random.default_rng(4)
    for _ in range(20):
        size = int(rng.integers(3, 40))
        edges = [(f"k{node}", f"k{rng.integers(node)}") for node in range(1, size)]
        names = {f"k{node}": NodeText(f"Name {node if rng.random() < 0.7 else -node}") for node in range(size)}
        tree = Taxonomy.from_edges(edges, names)
        text = "\n".join("  " * int(tree.depths[node]) + tree.name(node) for node in range(size))
        assert recognise(read_pasted(text).file, tree).taxonomy == tree


def test_labels_stay_with_classes_that_are_pasted_by_name(empty_workspace: Workspace) -> None:
    taxonomies.store_taxonomy(empty_workspace, NAMED, source="first")
    file = taxonomies.recognised(empty_workspace, read_pasted("Bird or ship\n  Albatross\n  Car").file)
    change = tree_imports.tree_change(empty_workspace, file.taxonomy)
    assert change is not None
    assert (change.added, change.elsewhere) == (("Car",), ("albatross",))
    assert "albatross" not in change.dropped


@pytest.mark.parametrize("text", ["life\n  bird\n    owl\n  ship", "bird\n  owl\nship"])
def test_a_tree_of_joined_keys_keeps_that_way_of_making_them_and_its_notes(text: str) -> None:
    old = read_pasted(text).file.taxonomy
    owl = next(key for key in old.keys if key.endswith("owl"))
    noted = replace(old, texts={**old.texts, owl: NodeText("owl", (), "round eyes")})
    indent = "  " * (1 + text.startswith("life"))
    tree = recognise(read_pasted(f"{text}\n{indent}tug").file, noted).taxonomy
    assert tree.texts[owl].note == "round eyes"
    assert set(tree.keys) == {*read_pasted(f"{text}\n{indent}tug").file.taxonomy.keys}
