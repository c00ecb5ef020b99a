"""The demo workspace: made once, taken up again where it was interrupted, ready to be labelled and trained on."""

import subprocess
from pathlib import Path

import pytest

from hmgc_core.errors import WorkspaceError
from hmgc_core.workflow import labelling, taxonomies, training, workspaces


class Interrupted(Exception):
    pass


@pytest.mark.slow
def test_a_demo_that_was_interrupted_is_taken_up_again(tmp_path: Path) -> None:
    def interrupt(done: int, _total: int) -> None:
        if done >= 30:
            raise Interrupted

    with pytest.raises(Interrupted):
        workspaces.init_demo(tmp_path / "ws", pictures=200, on_progress=interrupt)
    ws = workspaces.init_demo(tmp_path / "ws", pictures=200)
    counts = labelling.label_counts(ws)
    assert counts.images == 200
    assert 30 <= counts.unlabelled <= 90
    assert all(counts.by_level)  # labels at the root and at each of the three levels
    tested, labelled = counts.by_split["test"]
    assert tested == labelled > 0
    assert [run.status for run in training.all_runs(ws)] == ["queued"]
    assert taxonomies.current_taxonomy(ws)[1].depth == 3
    with pytest.raises(WorkspaceError, match="already holds a workspace"):
        workspaces.init_demo(tmp_path / "ws")


@pytest.mark.parametrize(
    ("folder", "begun", "demo"), [("data", False, True), ("my own", False, False), ("my own", True, True)]
)
def test_only_the_default_workspace_begins_with_the_demo(tmp_path: Path, folder: str, begun: bool, demo: bool) -> None:
    hmgc = tmp_path / "bin" / "hmgc"
    hmgc.parent.mkdir()
    hmgc.write_text('#!/bin/sh\necho "$@" >> told\n')
    hmgc.chmod(0o755)
    if begun:
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "demo.unfinished").touch()
    makefile = Path(__file__).parents[1] / "Makefile"
    run = ["make", "-f", str(makefile), "-o", ".venv/installed", "run", f"WORKSPACE={folder}", "BIN=bin"]
    subprocess.run(run, cwd=tmp_path, check=True, capture_output=True)
    init, serve = (tmp_path / "told").read_text().splitlines()
    assert init == f"init --workspace {folder}" + " --demo" * demo
    assert serve.startswith(f"serve --workspace {folder} ")
