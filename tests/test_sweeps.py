"""Searches for good settings: what they vary, that they choose, prune, stop and go on, and what they refuse."""

import pytest

from hmgc_core import worker
from hmgc_core.records import RunConfig
from hmgc_core.workflow import sweeps, tasks, training
from hmgc_core.workflow.sweeps import Sweep, Trial
from hmgc_core.workflow.workspaces import Workspace

SMALL = RunConfig(model="flat", backbone="resnet_mini", image_size=16, epochs=1, batch_size=4, lr=0.05, device="cpu")


def carried_out(ws: Workspace, asked: Sweep) -> tuple[Trial, ...]:
    worker.work(ws, once=True)
    task = tasks.task(ws, asked.task.id)
    assert (task.status, task.error) == ("done", "")
    return sweeps.tried(ws, asked)


def test_a_search_tries_what_was_asked_and_its_best_becomes_a_training(labelled_workspace: Workspace) -> None:
    ws = labelled_workspace
    asked = sweeps.ask(ws, SMALL, over=["lr=0.01:0.1", "batch_size=4|8"], trials=2)
    found = carried_out(ws, asked)
    assert [one.state for one in found] == ["done", "done"]
    assert found[0].values == {"lr": 0.05, "batch_size": 4}  # it begins with the settings as they are
    assert 0.01 <= float(found[1].values["lr"]) <= 0.1
    best = sweeps.best(found)
    assert best is not None and best.score == max(one.score for one in found)
    run = training.run(ws, sweeps.train_best(ws, asked.name))
    assert run.config.batch_size == best.values["batch_size"]
    assert run.config.lr == pytest.approx(float(best.values["lr"]), rel=1e-3)
    assert not list(sweeps.state_folder(ws).glob("*/*"))  # nothing is left of the trials but what they gave
