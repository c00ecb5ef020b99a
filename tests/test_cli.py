"""The command line as scripts see it: JSON and nothing else on stdout, one error line with a remedy, exit codes."""

import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest
import ready_made
from conftest import TINY_EDGES, write_picture, write_table
from typer.testing import CliRunner

from hmgc_core import terminal
from hmgc_core.cli import app
from hmgc_core.workflow import labelling, taxonomies, workspaces


class Ended(NamedTuple):
    """A command that has ended."""

    returncode: int
    stdout: str
    stderr: str


Hmgc = Callable[..., Ended]


@pytest.fixture
def hmgc(tmp_path: Path) -> Hmgc:
    """hmgc(*arguments, workspace=): run a command to its end."""

    def run(*arguments: str, workspace: Path | None = None) -> Ended:
        out, err = tmp_path / "out.txt", tmp_path / "err.txt"
        for file in (out, err):
            file.write_text("")
        where = ["--workspace", str(workspace)] if workspace else []
        process = ready_made.start_hmgc(*arguments, *where, out=out, err=err)
        process.join(300)
        code = process.exitcode
        ready_made.end(process)
        assert code is not None, "still running after five minutes"
        return Ended(code, out.read_text(), err.read_text())

    return run


@pytest.fixture
def tree_file(tmp_path: Path) -> Path:
    path = tmp_path / "tree.csv"
    path.write_text("child,parent\n" + "".join(f"{child},{parent}\n" for child, parent in TINY_EDGES))
    return path


@pytest.mark.slow
def test_the_whole_way_from_files_to_predictions_in_commands(hmgc: Hmgc, tmp_path: Path, tree_file: Path) -> None:
    ws = tmp_path / "ws"
    imported = hmgc("import-taxonomy", str(tree_file), "--json", workspace=ws)
    assert json.loads(imported.stdout) == {"nodes": 9, "leaves": 4, "depth": 3, "version": 1, "moved": 0}
    rows = []
    for number in range(24):
        write_picture(tmp_path / f"{number}.png", number)
        leaf = ["owl", "tug", "gull-like", "bird"][number % 4]
        split = ["train", "train", "val", "test"][number // 4 % 4]
        rows.append({"path": f"{number}.png", "leaf": leaf, "split": split})
    table = write_table(tmp_path / "t.csv", rows)
    pictures = hmgc("import-images", str(table), "--label-column", "leaf", "--json", workspace=ws)
    assert json.loads(pictures.stdout) == {"images": 24, "duplicates": 0, "annotations": 24, "skipped": []}

    trained = hmgc(
        "train", "hrn", "--backbone", "resnet_mini", "--image-size", "16", "--epochs", "1", "--batch-size", "4",
        "--wait", "--json", workspace=ws,
    )  # fmt: skip
    assert trained.returncode == 0, trained.stderr
    run = json.loads(trained.stdout)
    assert run["status"] == "done"
    assert Path(run["checkpoint"]).exists()
    assert run["metrics"]["test"]["images"] == 4

    measured = json.loads(hmgc("evaluate", "1", "--json", workspace=ws).stdout)
    assert measured["leaf_accuracy"] == run["metrics"]["test"]["leaf_accuracy"]

    said = json.loads(hmgc("predict", "1", str(tmp_path / "0.png"), "2", "--json", workspace=ws).stdout)
    _, tree = taxonomies.current_taxonomy(workspaces.open_workspace(ws))
    for answer, name in zip(said, [str(tmp_path / "0.png"), "2"], strict=True):
        assert answer["image"] == name
        assert answer["path"] == tree.path_keys(tree.index(answer["node"]))
        assert answer["leaf"] == answer["node"]
        assert 0 < answer["probability"] <= 1
        assert answer["top"][0]["probability"] >= answer["top"][-1]["probability"]

    written = hmgc("explain", "1", "2", "--out", str(tmp_path / "why"), "--node", "black-footed", workspace=ws)
    assert written.returncode == 0, written.stderr
    assert sorted(p.name for p in (tmp_path / "why").iterdir()) == [
        "1-bird.png",
        "2-albatross.png",
        "3-black-footed.png",
    ]

    assert hmgc("explain", "1", "2", "--out", str(tmp_path / "best"), workspace=ws).returncode == 0

    (tmp_path / "text.jpg").write_text("no picture")
    some = hmgc("predict", "1", str(tmp_path / "text.jpg"), "2", "no.png", "--json", workspace=ws)
    assert (some.returncode, [answer["image"] for answer in json.loads(some.stdout)]) == (1, ["2"])
    assert "text.jpg" in some.stderr and "no picture 'no.png'" in some.stderr
    none = hmgc("predict", "1", "no.png", "--json", workspace=ws)
    assert none.returncode == 1 and json.loads(none.stdout) == []

    listed = json.loads(hmgc("runs", "--json", workspace=ws).stdout)
    assert [(r["run"], r["status"]) for r in listed] == [(1, "done")]
    for broken in (
        ["predict", "1", "no.png"],
        ["predict", "9", "1"],
        ["explain", "1", "1", "--out", "x", "--node", "nope"],
    ):
        result = hmgc(*broken, workspace=ws)
        assert (result.returncode, result.stdout) == (1, "")
        assert result.stderr.startswith("error: ")
        assert "remedy: " in result.stderr
        assert "Traceback" not in result.stderr


def test_an_import_is_looked_at_made_and_taken_back_in_commands(hmgc: Hmgc, tmp_path: Path, tree_file: Path) -> None:
    ws = tmp_path / "ws"
    hmgc("import-taxonomy", str(tree_file), workspace=ws)
    with zipfile.ZipFile(tmp_path / "birds.zip", "w") as file:
        for number in range(3):
            write_picture(tmp_path / f"{number}.png", number)
            file.write(tmp_path / f"{number}.png", f"in/{number}.png")
        file.writestr("in/t.csv", "path,label,split\n0.png,owl,train\n1.png,dragon,test\n")
        file.writestr("more.zip", "x")
    source = str(tmp_path / "birds.zip")
    looked = json.loads(hmgc("import-images", source, "--dry-run", "--json", workspace=ws).stdout)
    assert (looked["images"], looked["duplicates"], looked["annotations"], looked["known"]) == (3, 0, 1, 0)
    assert sum(looked["splits"].values()) == 3
    assert list(looked["unknown_classes"]) == ["dragon"]
    assert [skip["path"] for skip in looked["skipped"]] == ["more.zip", "in/1.png"]
    assert labelling.label_counts(workspaces.open_workspace(ws)).images == 0
    made = json.loads(hmgc("import-images", source, "--json", workspace=ws).stdout)
    assert made == {name: looked[name] for name in ("images", "duplicates", "annotations", "skipped")}
    would = json.loads(hmgc("undo-import", "--dry-run", "--json", workspace=ws).stdout)
    expected = {"number": 1, "source": "birds.zip", "images": 3, "annotations": 1, "kept": 0, "people": []}
    assert would == expected
    assert json.loads(hmgc("undo-import", "--json", workspace=ws).stdout) == expected
    assert labelling.label_counts(workspaces.open_workspace(ws)).images == 0
    nothing = hmgc("undo-import", workspace=ws)
    assert (nothing.returncode, nothing.stdout) == (1, "")
    assert "no import to take back" in nothing.stderr


runner = CliRunner()


@pytest.mark.parametrize(
    "arguments",
    [["cancel", "x"], ["nonsense"], ["train"], ["train", "flat", "--epochs", "many"], ["evaluate"], ["--nope"]],
)
def test_a_malformed_command_line_exits_with_2(arguments: list[str]) -> None:
    assert runner.invoke(app, arguments).exit_code == 2


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["import-taxonomy", "none.csv"], "cannot read none.csv"),
        (["import-images", "nowhere"], "no file or folder nowhere"),
        (["train", "hnr"], "no model 'hnr'"),
        (["train", "hrn", "--backbone", "resnet19"], "no backbone 'resnet19'"),
        (["train", "hrn", "--image-size", "3"], "image_size is 3"),
        (["train", "hrn", "--device", "tpu"], "device is 'tpu'"),
        (["train", "hrn", "--weights", "none.pt"], "no weights file none.pt"),
        (["train", "hrn", "--labelling", "nope"], "no labelling 'nope'"),
        (["train", "hrn"], "no label to learn from"),
        (["cancel", "7"], "no run 7"),
        (["evaluate", "7"], "no run 7"),
        (["benchmark", "nope"], "no benchmark 'nope'"),
    ],
)
def test_a_mistake_is_one_named_error_with_a_remedy_and_exit_1(
    hmgc: Hmgc, tmp_path: Path, tree_file: Path, arguments: list[str], words: str
) -> None:
    ws = tmp_path / "ws"
    taxonomies.import_taxonomy(workspaces.open_workspace(ws), tree_file)
    result = hmgc(*arguments, workspace=None if arguments[0] == "benchmark" else ws)
    assert (result.returncode, result.stdout) == (1, "")
    assert words in result.stderr
    assert "remedy: " in result.stderr
    assert "Traceback" not in result.stderr


def test_no_run_and_one_level_are_told_in_words(tmp_path: Path) -> None:
    (tmp_path / "flat.txt").write_text("bird\nship\n")
    where = ["--workspace", str(tmp_path / "ws")]
    assert "1 level;" in " ".join(
        runner.invoke(app, ["import-taxonomy", str(tmp_path / "flat.txt"), *where]).stdout.split()
    )
    assert "hmgc train" in runner.invoke(app, ["runs", *where]).stdout


def test_every_benchmark_is_named_where_one_looks_for_it() -> None:
    told = CliRunner().invoke(app, ["benchmark", "--help"]).stdout
    for script in (Path(__file__).parents[1] / "benchmarks").glob("*.py"):
        assert script.stem in told


def test_a_verb_on_no_workspace_says_how_to_make_one(hmgc: Hmgc, tmp_path: Path) -> None:
    result = hmgc("runs", workspace=tmp_path / "none")
    assert result.returncode == 1
    assert "hmgc init" in result.stderr
    assert not (tmp_path / "none").exists()


def test_a_version_that_would_orphan_labels_exits_with_1_and_counts(
    hmgc: Hmgc, tmp_path: Path, tree_file: Path
) -> None:
    ws = tmp_path / "ws"
    hmgc("import-taxonomy", str(tree_file), workspace=ws)
    write_picture(tmp_path / "a.png", 1)
    hmgc("import-images", str(write_table(tmp_path / "t.csv", [{"path": "a.png", "label": "owl"}])), workspace=ws)
    smaller = tmp_path / "smaller.csv"
    smaller.write_text("child,parent\nbird,life\nship,life\n")
    refused = hmgc("import-taxonomy", str(smaller), workspace=ws)
    assert refused.returncode == 1
    assert "'owl' (1)" in refused.stderr
    dry = hmgc("import-taxonomy", str(smaller), "--to-ancestor", "--dry-run", "--json", workspace=ws)
    assert json.loads(dry.stdout)["moved"] == 1
    moved = hmgc("import-taxonomy", str(smaller), "--to-ancestor", "--json", workspace=ws)
    assert json.loads(moved.stdout) == {"nodes": 3, "leaves": 2, "depth": 1, "version": 2, "moved": 1}


def test_what_is_only_looked_at_makes_no_workspace(hmgc: Hmgc, tmp_path: Path, tree_file: Path) -> None:
    ws = tmp_path / "ws"
    tree = hmgc("import-taxonomy", str(tree_file), "--dry-run", "--json", workspace=ws)
    assert json.loads(tree.stdout)["leaves"] == 4
    for number in range(3):
        write_picture(tmp_path / "birds" / "owl" / f"{number}.png", number)
    pictures = hmgc("import-images", str(tmp_path / "birds"), "--dry-run", "--json", workspace=ws)
    assert json.loads(pictures.stdout)["images"] == 3
    unknown = hmgc("import-images", str(tmp_path / "birds"), "--format", "folder", workspace=ws)
    assert "no format 'folder'" in unknown.stderr and "choose one of" in unknown.stderr
    a_file = hmgc("import-images", str(tree_file), "--format", "folders", workspace=ws)
    assert "is a file, no folder" in a_file.stderr
    assert not ws.exists()
    with terminal.open_or_try(ws, dry_run=True) as elsewhere:
        assert elsewhere.folder.is_dir()
    assert not elsewhere.folder.exists()
    write_picture(ws / "images" / "left.png", 1)
    lost = hmgc("import-taxonomy", str(tree_file), "--dry-run", workspace=ws)
    assert lost.returncode == 1
    assert "is gone, while images are still there" in lost.stderr


def test_the_doctor_finds_wrong_counts_and_missing_files_and_repairs_the_counts(
    hmgc: Hmgc, tmp_path: Path, tree_file: Path
) -> None:
    ws = tmp_path / "ws"
    hmgc("import-taxonomy", str(tree_file), workspace=ws)
    write_picture(tmp_path / "in" / "a.png", 1)
    hmgc("import-images", str(tmp_path / "in"), workspace=ws)
    opened = workspaces.open_workspace(ws)
    with opened.writing() as connection:
        connection.exec_driver_sql("UPDATE image_tally SET total = 99")
    (tmp_path / "in" / "a.png").unlink()
    findings = {f["what"]: f for f in json.loads(hmgc("doctor", "--json", workspace=ws).stdout)}
    assert "99" in findings["kept counts"]["state"]
    assert findings["picture files"]["state"].startswith("1 of 1 are missing")
    assert findings["database"] == {"what": "database", "state": "sound", "remedy": ""}
    repaired = json.loads(hmgc("doctor", "--repair", "--json", workspace=ws).stdout)
    assert next(f for f in repaired if f["what"] == "kept counts")["remedy"] == ""
    assert labelling.label_counts(opened).images == 1


def test_a_damaged_database_is_named_and_left_alone(hmgc: Hmgc, tmp_path: Path) -> None:
    ws = tmp_path / "ws"
    ws.mkdir()
    (ws / "hmgc.db").write_bytes(b"no database at all" * 100)
    result = hmgc("runs", workspace=ws)
    assert result.returncode == 1
    assert "damaged" in result.stderr
    assert (ws / "hmgc.db").read_bytes() == b"no database at all" * 100
