"""Several processes learn one model together, and it becomes the model that one process would have learned."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from conftest import TINY_EDGES

from hmgc_core.learning.batches import plan_epoch
from hmgc_core.learning.checkpoints import load_checkpoint
from hmgc_core.learning.processes import ALONE, Share, launched, whole
from hmgc_core.learning.transforms import random_views, weak_views
from hmgc_core.records import RunConfig
from hmgc_core.workflow import training

ROOT = Path(__file__).parents[1]
# 18 pictures in batches of 7, 7 and 4: no share is like another.
SMALL = RunConfig(model="flat", backbone="resnet_mini", image_size=16, epochs=2, batch_size=7, lr=0.05, device="cpu")
TORCHRUN = ("-m", "torch.distributed.run", "--standalone")

Together = Callable[..., list[dict[str, Any]]]


@pytest.fixture
def together(tmp_path, samples) -> Together:
    """Do these trainings, in this order, in several processes; gives what the first one answers."""

    def start(*trainings: dict[str, Any], processes: int = 2) -> list[dict[str, Any]]:
        request = tmp_path / "request.json"
        listed = [
            {**one, "config": asdict(one["config"]), "folder": str(tmp_path / one["folder"])} for one in trainings
        ]
        told = [[str(one.path), one.node, one.kind, one.weight] for one in samples]
        asked = {"trainings": listed, "samples": told, "train": 18, "edges": TINY_EDGES, "cache": str(tmp_path / "c")}
        request.write_text(json.dumps(asked))
        launcher = [*TORCHRUN, f"--nproc-per-node={processes}"] if processes > 1 else []
        done = subprocess.run(
            [sys.executable, *launcher, str(ROOT / "tests" / "learns_together.py"), str(request)],
            env={**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}, capture_output=True, text=True,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr[-4000:]
        return json.loads((tmp_path / "answers-0.json").read_text())

    return start


def weights(folder: Path) -> dict[str, torch.Tensor]:
    return load_checkpoint(folder / "checkpoint").model.state_dict()


def assert_alike(one: Path, other: Path, *, within: float) -> None:
    """Weights and running statistics, each relative to the largest number of its tensor."""
    for (name, expected), found in zip(weights(one).items(), weights(other).values(), strict=True):
        apart = (found.double() - expected.double()).abs().max() / expected.double().abs().max().clamp_min(0.1)
        assert apart <= within, f"{name}: {apart:.2g}"


@pytest.mark.slow
def test_two_processes_learn_what_one_learns(together, tmp_path):
    self_taught = {"views": "strong", "exact_share": 0.5, "pseudo_labels": True, "sure_from": 0.3, "pseudo_after": 0.2}
    # Few small steps: rounding grows from step to step, whoever learns.
    short = replace(SMALL, epochs=1, lr=0.01)
    configs = {
        "flat": short,
        "hrn": replace(short, model="hrn"),  # two means with different totals, and a head with norms of its own
        "per_level": replace(short, model="per_level"),  # a mean for each level
        "soft_margin": replace(short, model="soft_margin", switches={"ancestor_weight": 0.5, "views": "hrn"}),
        "self_taught": replace(short, switches=self_taught),
    }
    listed = [{"config": config, "folder": name} for name, config in configs.items()]
    apart = together(*[{**one, "folder": f"{one['folder']}-two"} for one in listed])
    alone = together(*listed, processes=1)
    for name, two, one in zip(configs, apart, alone, strict=True):
        assert two["losses"] == pytest.approx(one["losses"], rel=1e-4), name
        assert_alike(tmp_path / name, tmp_path / f"{name}-two", within=1e-3)
        assert two["remarks"] == one["remarks"]


@pytest.mark.slow
def test_a_run_of_several_processes_that_was_stopped_ends_the_same(together, tmp_path):
    config = replace(SMALL, switches={"averaged": True})
    straight, stopped, resumed, moved = together(
        {"config": config, "folder": "straight"},
        {"config": config, "folder": "stopped", "questions": 6},
        {"config": config, "folder": "stopped"},
        {"config": config, "folder": "moved", "questions": 4},
    )
    assert stopped["stopped"] and moved["stopped"] and not resumed["stopped"]
    assert straight["losses"][-1] == resumed["losses"][-1]
    assert_alike(tmp_path / "straight", tmp_path / "stopped", within=0)
    together({"config": config, "folder": "moved"}, processes=1)  # on a machine with less
    assert_alike(tmp_path / "straight", tmp_path / "moved", within=1e-3)


@pytest.mark.slow
def test_an_error_leaves_them_in_step(together, tmp_path):
    (tmp_path / "a-file").touch()
    too_small, no_weights, no_folder, fine = together(
        {"config": replace(SMALL, batch_size=2), "folder": "small"},
        {"config": replace(SMALL, weights="gone.safetensors"), "folder": "weights"},
        {"config": SMALL, "folder": "a-file/below"},  # only the first process writes
        {"config": SMALL, "folder": "fine"},
        processes=3,
    )
    assert (
        "3 processes cannot share out batches of 2" in too_small["error"] and "batch size of 3" in too_small["remedy"]
    )
    assert "gone.safetensors" in no_weights["error"]
    assert "a-file" in no_folder["error"]
    assert len(fine["losses"]) == SMALL.epochs
    answers = [json.loads((tmp_path / f"answers-{number}.json").read_text()) for number in range(3)]
    assert [[one.get("error") for one in each] for each in answers[1:]] == 2 * [
        [one.get("error") for one in answers[0]]
    ]


def test_a_process_alone_needs_no_fabric(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    assert launched() is ALONE
    code = "import sys, hmgc_core.learning.training; sys.exit(any('fabric' in name for name in sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT).returncode == 0


@pytest.mark.parametrize("count", [3, 4, 7, 64])
def test_shares_make_up_the_batch(count):
    shares = whole(count).split(3)
    rows = np.arange(count)
    assert np.array_equal(np.concatenate([rows[share.rows] for share in shares]), rows)
    assert max(map(len, shares)) - min(map(len, shares)) <= 1
    assert [part for share in shares for part in share.split(1)] == shares


@pytest.mark.parametrize("size", [16, 128])
@pytest.mark.parametrize("kind", ["plain", "strong", "hrn", "weak"])
def test_a_picture_has_the_same_view_wherever_the_others_are_learned(kind, size):
    pixels = torch.randint(0, 256, (5, 3, size, size), dtype=torch.uint8)
    step = {"side": 12, "seed": 1, "epoch": 2, "step": 3}

    def views(share: Share) -> torch.Tensor:
        if kind == "weak":
            return weak_views(pixels[share.rows], share=share, **step)
        return random_views(pixels[share.rows], kind=kind, share=share, **step)

    assert torch.equal(views(whole(5)), torch.cat([views(share) for share in whole(5).split(2)]))


def test_no_batch_is_too_small_for_the_processes():
    assert [len(batch) for batch in plan_epoch(10, 4, seed=0, epoch=0)] == [4, 4, 2]
    assert [len(batch) for batch in plan_epoch(10, 4, seed=0, epoch=0, fewest=3)] == [4, 6]


@pytest.mark.slow
def test_a_worker_of_two_processes_trains_what_is_queued(labelled_workspace, tmp_path):
    ws, gone = labelled_workspace, tmp_path / "gone.safetensors"
    gone.touch()
    run_id = training.queue_run(ws, replace(SMALL, device="auto"))
    failing = training.queue_run(ws, replace(SMALL, batch_size=2, weights=str(gone)))
    after = training.queue_run(ws, replace(SMALL, seed=1))
    command = [sys.executable, "-m", "hmgc_core", "worker", "--once", "--processes", "2", "--workspace", str(ws.folder)]
    done = subprocess.run(
        command, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr[-4000:]
    assert [training.run(ws, one).status for one in (run_id, failing, after)] == ["done", "failed", "done"]
    assert len(training.run(ws, run_id).metrics["test"]) > 0
