"""Files of class trees: each format, and every way a file can be wrong."""

import json
from pathlib import Path

import pytest

from hmgc_core.errors import TaxonomyError
from hmgc_core.taxonomy_io import read_taxonomy, read_taxonomy_file


def write(path: Path, text: str | bytes) -> Path:
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def test_edges_carry_names_synonyms_and_notes(tmp_path: Path) -> None:
    tree = read_taxonomy(
        write(
            tmp_path / "t.csv", 'child,parent,name,synonyms,note\nalb,bird,Albatross,mollymawk | gooney,"big, white"\n'
        )
    )
    node = tree.index("alb")
    assert (tree.name(node), tree.synonyms(node), tree.note(node)) == (
        "Albatross",
        ("mollymawk", "gooney"),
        "big, white",
    )


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("t.csv", "level1,level2\nbird,albatross\nbird,owl\nship\n"),
        ("t.txt", "bird\n\talbatross\n\towl\nship\n"),
        ("t.txt", "bird\n  albatross\n  owl\n\nship\n"),
        ("t.json", '{"bird": ["albatross", "owl"], "ship": {}}'),
        ("t.json", '[{"name": "bird", "children": [{"name": "albatross"}, "owl"]}, "ship"]'),
    ],
)
def test_levels_indents_and_json_give_the_same_tree(tmp_path: Path, name: str, text: str) -> None:
    tree = read_taxonomy(write(tmp_path / name, text))
    assert tree.keys == ("root", "bird", "bird/albatross", "bird/owl", "ship")
    assert [tree.name(i) for i in range(5)] == ["root", "bird", "albatross", "owl", "ship"]


def test_json_nodes_may_have_their_own_keys_and_synonyms(tmp_path: Path) -> None:
    nested = {"key": "life", "name": "Life", "children": [{"key": "a1", "name": "Owl", "synonyms": ["hooter"]}]}
    tree = read_taxonomy(write(tmp_path / "t.json", json.dumps(nested)))
    assert tree.keys == ("life", "a1")
    assert tree.synonyms(1) == ("hooter",)


def test_a_bom_windows_line_ends_and_quoted_commas_are_read(tmp_path: Path) -> None:
    tree = read_taxonomy(write(tmp_path / "t.csv", b'\xef\xbb\xbfchild,parent\r\n"Food, canned",r\r\n"x ""y""",r\r\n'))
    assert tree.keys == ("r", "Food, canned", 'x "y"')


@pytest.mark.parametrize("sign", [";", "\t"])
def test_a_spreadsheets_semicolons_and_tabs_stand_for_commas(tmp_path: Path, sign: str) -> None:
    rows = "child,parent,name|owl,bird,Owl|bird,life,Bird".replace(",", sign).replace("|", "\n")
    assert read_taxonomy(write(tmp_path / "t.csv", rows)).keys == ("life", "bird", "owl")
    levels = f"level1{sign}level2\nbird{sign}owl, grey\n"
    assert read_taxonomy(write(tmp_path / "l.csv", levels)).keys == ("bird", "bird/owl, grey")


def test_markup_slashes_emoji_and_right_to_left_names_are_only_text(tmp_path: Path) -> None:
    keys = ["<script>alert(1)</script>", "a/b", "😀", "طائر", "![x](http://example.org/x.png)", "'; drop table node"]
    tree = read_taxonomy(write(tmp_path / "t.csv", "child,parent\n" + "".join(f'"{k}",root\n' for k in keys)))
    assert list(tree.keys[1:]) == keys


def test_an_identical_row_twice_is_reported_and_harmless(tmp_path: Path) -> None:
    read = read_taxonomy_file(write(tmp_path / "t.csv", "child,parent\na,r\nb,r\na,r\n"))
    assert len(read.taxonomy) == 3
    assert "line 4" in read.remarks[0]


def test_classes_side_by_side_of_one_name_are_remarked_upon(tmp_path: Path) -> None:
    rows = "child,parent,name\nb,r,Apple\nc,r,apple\nd,r,Pear\ne,d,Apple\n"
    (remark,) = read_taxonomy_file(write(tmp_path / "t.csv", rows)).remarks
    assert "'Apple' ('b', 'c')" in remark


def test_several_roots_get_one_and_it_is_said(tmp_path: Path) -> None:
    read = read_taxonomy_file(write(tmp_path / "t.csv", "child,parent\na,x\nb,y\n"))
    assert read.taxonomy.keys[0] == "root"
    assert "several top classes" in read.remarks[0]


@pytest.mark.parametrize(
    ("name", "text", "message", "line"),
    [
        ("t.csv", "child,parent\na,b\nb,a\n", "cycle", "lines 2 and 3"),
        ("t.csv", "child,parent\na,b\n\na,c\n", "two parents", "line 4"),
        ("t.csv", "", "empty", "line 1"),
        ("t.csv", " \n\n", "empty", "line 1"),
        ("t.csv", "child,parent\n", "no class", "line 1"),
        ("t.csv", "node,superclass\na,b\n", "unknown header 'node,superclass'", "line 1"),
        ("t.csv", "child,parent\n,b\n", "the child is blank", "line 2"),
        ("t.csv", "child,parent\na,b,c\n", "3 cells", "line 2"),
        ("t.csv", 'child,parent\n"a,b\n', "not readable as CSV", "line 2"),
        ("t.csv", b"child,parent\n\xff\xfe,b\n", "not UTF-8", "line 2"),
        ("t.csv", b"child,parent\na\x00,b\n", "zero byte", "line 2"),
        ("t.csv", 'child,parent\n"a\nb",c\n', "control character", "line 2"),
        ("t.csv", f"child,parent\n{'a' * 501},c\n", "501 characters", "line 2"),
        ("t.csv", "level1,level2\n,b\n", "level1 is blank", "line 2"),
        ("t.json", "{nope", "not JSON", "line 1"),
        ("t.json", "[1]", "not a class", "line 1"),
        ("t.json", "[" * 100_000, "nested too deeply", "line 1"),
    ],
)
def test_a_wrong_file_is_refused_with_file_line_and_remedy(
    tmp_path: Path, name: str, text: str | bytes, message: str, line: str
) -> None:
    with pytest.raises(TaxonomyError) as caught:
        read_taxonomy(write(tmp_path / name, text))
    assert message in str(caught.value)
    assert line in str(caught.value)
    assert name in str(caught.value)
    assert caught.value.remedy


def test_a_missing_file_and_a_missing_format_are_named(tmp_path: Path) -> None:
    with pytest.raises(TaxonomyError, match="cannot read"):
        read_taxonomy(tmp_path / "none.csv")
    with pytest.raises(TaxonomyError, match="no taxonomy format 'xml'"):
        read_taxonomy(write(tmp_path / "t.csv", "child,parent\na,b\n"), "xml")


def test_a_named_format_reads_columns_by_place(tmp_path: Path) -> None:
    assert read_taxonomy(write(tmp_path / "t.csv", "node,superclass\na,b\n"), "edges").keys == ("b", "a")


def test_a_hundred_thousand_rows_are_read(tmp_path: Path) -> None:
    rows = "".join(f"n{i},n{(i - 1) // 7}\n" for i in range(1, 100_001))
    assert len(read_taxonomy(write(tmp_path / "t.csv", "child,parent\n" + rows))) == 100_001
