"""`hmgc edit …` as scripts see it: a dry run that changes nothing, JSON alone on stdout, named errors."""

import json
from pathlib import Path

import pytest
from conftest import label
from test_labelling import words
from typer.testing import CliRunner

from hmgc_core.cli import app
from hmgc_core.errors import BadEdit
from hmgc_core.workflow import taxonomies
from hmgc_core.workflow.workspaces import Workspace

runner = CliRunner()


def hmgc_edit(ws: Workspace, *arguments: str) -> str:
    result = runner.invoke(app, ["edit", *arguments, "--workspace", str(ws.folder)], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


def test_every_verb_makes_a_version_and_undo_leads_back_to_the_first_tree(workspace: Workspace) -> None:
    first = taxonomies.current_taxonomy(workspace)[1]
    label(workspace, 1, "owl")
    told = [
        json.loads(hmgc_edit(workspace, *arguments, "--by", "eve", "--json"))
        for arguments in (
            ["add", "bird", "Snow goose", "--synonym", "Anser", "--note", "white"],
            ["rename", "owl", "Owls"],
            ["move", "albatross", "ship"],
            ["split", "owl", "barn owl", "eagle owl"],
            ["merge", "owl", "Snow goose"],
            ["retire", "Snow goose", "--to", "albatross"],
        )
    ]
    assert [one["version"] for one in told] == [2, 3, 4, 5, 6, 7]
    assert [one["edit"]["verb"] for one in told] == ["add", "rename", "move", "split", "merge", "retire"]
    assert (told[0]["added"], told[3]["second_looks"]) == (["Snow goose"], 1)
    assert told[4]["led"] == [["owl", "Snow goose", 1]]
    assert words(workspace) == {(1, "ada"): ("is", "albatross")}
    for _ in told:
        undone = json.loads(hmgc_edit(workspace, "undo", "--json"))
    assert undone["version"] == 13
    assert taxonomies.current_taxonomy(workspace)[1] == first
    assert words(workspace) == {(1, "ada"): ("is", "owl")}


@pytest.mark.parametrize("arguments", [["retire", "owl"], ["add", "bird", "gull"]])
def test_a_dry_run_tells_and_changes_nothing(workspace: Workspace, arguments: list[str]) -> None:
    label(workspace, 1, "owl")
    told = json.loads(hmgc_edit(workspace, *arguments, "--dry-run", "--json"))
    assert (told["version"], told["seen"]) == (0, 1)
    assert taxonomies.current_taxonomy(workspace)[0] == 1


def test_people_are_told_in_sentences(workspace: Workspace) -> None:
    label(workspace, 1, "owl")
    said = hmgc_edit(workspace, "retire", "owl")
    assert "Version 2 of the class tree: 8 classes." in said
    assert "1 label goes from owl to bird." in said
    assert "This would be a new version" in hmgc_edit(workspace, "undo", "--dry-run")


@pytest.mark.parametrize(
    ("arguments", "namesakes"),
    [
        (["rename", "owl", "BIRD"], ["bird"]),
        (["rename", "owl", "Owl", "--note", "x"], []),
        (["add", "ship", "owl"], ["owl"]),
        (["split", "owl", "bird", "new"], ["bird"]),
        (["move", "owl", "ship"], []),
    ],
)
def test_a_name_that_another_class_has_is_told(
    workspace: Workspace, arguments: list[str], namesakes: list[str]
) -> None:
    assert json.loads(hmgc_edit(workspace, *arguments, "--dry-run", "--json"))["namesakes"] == namesakes
    assert ("Another class has this name" in hmgc_edit(workspace, *arguments)) == bool(namesakes)


def test_a_mistake_is_a_named_error(workspace: Workspace) -> None:
    with pytest.raises(BadEdit, match="cannot move below"):
        hmgc_edit(workspace, "move", "bird", "owl")


@pytest.mark.parametrize("arguments", [["split", "owl"], ["retire"], ["nonsense"], ["merge", "owl"]])
def test_a_malformed_command_line_exits_with_2(tmp_path: Path, arguments: list[str]) -> None:
    assert runner.invoke(app, ["edit", *arguments, "--workspace", str(tmp_path)]).exit_code == 2
