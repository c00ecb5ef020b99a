"""The table of models: which training comes next, lines that survive anything, and a small table end to end."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from small_trainings import COLOURS, StopAfter
from table import journal, sets
from table.cells import (
    LONG,
    RATES,
    SHORT,
    TRIAL_SEEDS,
    TRIED_ON,
    TUNING_SEED,
    Cell,
    Planner,
    Wishes,
    best_rate,
    longer_rate,
)
from table.figures import table_of
from table.rows import BARS, FACTORIAL_OF, ROWS, TELLING, TRIALS, combinations, config_of, name_of
from table.sets import PictureSet

from hmgc_core.records import Sample
from hmgc_core.store.workspace import Workspace
from hmgc_core.taxonomy import Taxonomy

SCRIPT = Path(__file__).parents[1] / "benchmarks" / "models.py"
TWO_ROWS = Wishes(("tiny",), ("flat", "hrn"), (0.5,), (SHORT,), seeds=1, epochs=1)


@pytest.fixture
def tiny_set(tiny_tree: Taxonomy, samples: list[Sample]) -> PictureSet:
    """16 pictures to train on, 4 to choose by, 4 to measure on, each labelled with its leaf."""
    exact = [replace(sample, node=tiny_tree.index(list(COLOURS)[number % 4])) for number, sample in enumerate(samples)]
    return PictureSet("tiny", tiny_tree, exact[:16], exact[16:20], exact[20:])


def line(training, leaf: float) -> dict:
    """As if it had been trained, with this share right on validation."""
    return {"id": training.id, "val": {"leaf_accuracy": leaf}}


# --- which rows coincide ----------------------------------------------------------------------------------------------


def test_rows_that_coincide_are_one_training(tiny_set: PictureSet) -> None:
    plan = Planner(Wishes(("tiny",)), {"tiny": tiny_set})

    def names(share: float, rows: list[str]) -> set[str]:
        return {plan.training(Cell("tiny", row, share, LONG, 0), 0.1).id for row in rows}

    assert len(names(0, ["flat", "flat_balanced", "coarse_dropped", "self_taught", "oracle"])) == 1
    assert len(names(0.5, ["flat", "flat_balanced"])) == 1
    assert len(names(0.5, ["flat", "coarse_dropped", "self_taught", "oracle"])) == 4
    # Of these few labels a quarter stays exact whatever is coarse.
    assert names(0.9, ["exact_quarter"]) == names(0.9, ["flat"])
    assert len(names(0.9, list(ROWS))) == len(ROWS) - 1
    assert names(0, ["oracle"]) == names(0.9, ["oracle"])


def test_a_training_knows_all_it_answers(tiny_set: PictureSet) -> None:
    plan = Planner(Wishes(("tiny",)), {"tiny": tiny_set})
    oracle = plan.training(Cell("tiny", "oracle", 0.9, LONG, 1), 0.3)
    same = ["flat", "flat_balanced", "exact_quarter", "coarse_dropped", "self_taught"]
    assert set(plan.answered_by(oracle)) == {("oracle", share) for share in (0, 0.5, 0.9)} | {(row, 0) for row in same}


def test_the_hardest_pictures_get_the_coarse_labels(tiny_set: PictureSet) -> None:
    hard = replace(tiny_set, hardness=tuple(float(-number) for number in range(16)))
    exact = [sample.node for sample in tiny_set.train]
    for given, kept in ((tiny_set, range(8)), (hard, range(8, 16))):
        labels = [sample.node for sample in given.labels(0.5)]
        # The owl's parent is above the top level's child, so every leaf of the tiny tree has a parent to lose to.
        assert [place for place in range(16) if labels[place] == exact[place]] == list(kept)
    assert len(hard.cut(5).hardness) == len(hard.cut(5).train) == 4


def test_all_rows_share_backbone_views_and_batches(tiny_set: PictureSet) -> None:
    labels = tiny_set.labels(0.9)
    for row in ROWS.values():
        if row.once:
            continue
        config = config_of(row, tiny_set.taxonomy, labels, backbone="resnet_mini", epochs=3, lr=0.1, seed=0)
        shared = (config.backbone, config.image_size, config.batch_size, config.epochs, config.weight_decay)
        assert shared == ("resnet_mini", 32, 128, 3, 5e-4)
        assert not {"views", "averaged"} & set(config.switches)


def test_a_set_names_the_net_of_the_rows_that_name_none(tiny_set: PictureSet) -> None:
    plan = Planner(Wishes(("tiny",)), {"tiny": replace(tiny_set, backbone="resnet18")})
    nets = {row: plan.training(Cell("tiny", row, 0.5, LONG, 0), 0.1).config.backbone for row in ROWS}
    assert nets.pop("graphconvnet_ti") == "graphconvnet_ti"
    assert set(nets.values()) == {"resnet18"}


@pytest.mark.parametrize("change", ["labels", "seed", "lr", "epochs", "pictures"])
def test_a_training_has_another_name_when_anything_changes(tiny_set: PictureSet, change: str) -> None:
    wishes = Wishes(("tiny",), epochs=5 if change == "epochs" else 4)
    cell = Cell("tiny", "flat", 0.9, LONG, 0)
    known = Planner(Wishes(("tiny",), epochs=4), {"tiny": tiny_set}).training(cell, 0.1).id
    given = replace(tiny_set, test=tiny_set.test[::-1]) if change == "pictures" else tiny_set
    other = replace(cell, **{"labels": {"share": 0.5}, "seed": {"seed": 1}}.get(change, {}))
    assert Planner(wishes, {"tiny": given}).training(other, 0.3 if change == "lr" else 0.1).id != known


# --- what comes next --------------------------------------------------------------------------------------------------


def slow_best_rate(goodness: dict[float, float]) -> float:
    """Try the middle three, then walk outwards one by one."""
    tried = set(RATES[1:-1])
    while True:
        best = min(lr for lr in tried if goodness[lr] == max(goodness[other] for other in tried))
        place = RATES.index(best)
        near = {RATES[k] for k in (place - 1, place + 1) if 0 <= k < len(RATES)}
        if near <= tried:
            return best
        tried |= near


@pytest.mark.parametrize("seed", range(30))
def test_the_rate_is_found_by_walking_outwards(seed: int) -> None:
    goodness = dict(zip(RATES, np.random.default_rng(seed).integers(0, 5, len(RATES)).astype(float), strict=True))
    tried: dict[float, float] = {}
    while (found := best_rate(tried))[1]:
        tried |= {lr: goodness[lr] for lr in found[1]}
    assert found[0] == slow_best_rate(goodness)


def slow_longer_rate(goodness: dict[float, float], start: float) -> float:
    place = RATES.index(start)
    while place and goodness[RATES[place - 1]] > goodness[RATES[place]]:
        place -= 1
    return RATES[place]


@pytest.mark.parametrize("seed", range(30))
def test_a_longer_training_goes_down_from_the_rate_of_a_shorter_one(seed: int) -> None:
    rng = np.random.default_rng(seed)
    goodness = dict(zip(RATES, rng.integers(0, 5, len(RATES)).astype(float), strict=True))
    start = float(rng.choice(RATES))
    tried: dict[float, float] = {}
    while (found := longer_rate(tried, start))[1]:
        tried |= {lr: goodness[lr] for lr in found[1]}
    assert found[0] == slow_longer_rate(goodness, start)
    assert max(tried) == start and len(tried) <= 2 + RATES.index(start) - RATES.index(found[0])


def test_no_rate_is_the_best_where_all_diverge() -> None:
    assert best_rate(dict.fromkeys(RATES, -np.inf)) == (None, [])
    assert longer_rate(dict.fromkeys(RATES, -np.inf), 0.3) == (None, [])
    assert longer_rate({0.3: -np.inf, 0.1: 0.2, 0.03: 0.1}, 0.3) == (0.1, [])


def test_the_table_is_done_when_every_cell_has_its_answer(tiny_set: PictureSet) -> None:
    wishes = Wishes(("tiny",), ("flat", "flat_balanced", "hrn"), (0.0, 0.9), seeds=2)
    plan = Planner(wishes, {"tiny": tiny_set})
    done: dict[str, dict] = {}
    order = []
    while (training := plan.next(done, set())) is not None:
        done[training.id] = line(training, {0.03: 0.2, 0.1: 0.4, 0.3: 0.3}[training.config.lr])
        order.append(training)
    assert all(plan.answer(cell, done) for cell in wishes.cells())
    trials = [one for one in order if one.config.lr != 0.1]
    assert {one.config.lr for one in trials if one.cell.budget == LONG} == {0.03}
    assert {one.cell.seed for one in trials} == {TUNING_SEED}
    # Five questions learn differently: flat and hrn at 0 and at 0.9, flat_balanced at 0.9. Each three trials that lost.
    assert len(trials) == 15
    assert len(order) == 15 + 5 * 2 * 2


def test_what_is_taken_or_failed_is_passed_over_and_tried_again_later(tiny_set: PictureSet) -> None:
    plan = Planner(TWO_ROWS, {"tiny": tiny_set})
    first = plan.next({}, set())
    second = plan.next({}, {first.id})
    assert first.id != second.id
    failed = {first.id: {"id": first.id, "error": "OSError: no room"}}
    assert plan.next(failed, set()) == first
    diverged = {first.id: {"id": first.id, "error": "Diverged", "diverged": True}}
    assert plan.next(diverged, set()) == second


def test_the_most_telling_cells_come_first() -> None:
    cells = Wishes().cells()
    assert len(cells) == len(set(cells))
    head = cells[: len(TELLING) * (5 + 3)]
    assert {cell.row for cell in head} == set(TELLING)
    assert {(cell.share, cell.budget) for cell in head} == {(0.9, LONG)}
    assert {cell.workspace for cell in head[: 2 * len(TELLING)]} == {"cifar", "grocery"}
    assert {cell.seed for cell in head[: 2 * len(TELLING)]} == {0}
    assert set(BARS) < set(TELLING)


def test_trials_are_few_and_change_what_they_name(tiny_set: PictureSet) -> None:
    cells = [cell for cell in Wishes().cells() if cell.row in TRIALS]
    assert len(cells) == TRIAL_SEEDS * len(TRIALS)
    assert {(cell.workspace, cell.share, cell.budget) for cell in cells} == {(TRIED_ON, 0.9, LONG)}
    for name, row in TRIALS.items():
        assert row.of in ROWS and row.name == name and not row.recipe
        assert (row.model, row.switches) != (ROWS[row.of].model, ROWS[row.of].switches)
    names = [name_of(one) for one in combinations()]
    assert names[0] == FACTORIAL_OF and len(set(names)) == len(names) and set(names[1:]) < set(TRIALS)


def test_a_trial_waits_for_the_rate_of_its_row_and_takes_it(tiny_set: PictureSet) -> None:
    wishes = Wishes(("tiny",), ("strong_views",), (0.5,), seeds=1)
    plan = Planner(wishes, {"tiny": tiny_set})
    done: dict[str, dict] = {}
    cell = Cell("tiny", "strong_views", 0.5, LONG, 1)
    while (missing := plan.rate(cell, done)[1]) and len(done) < 20:
        for training in missing:
            assert training.cell.row == TRIALS["strong_views"].of
            done[training.id] = line(training, {0.03: 0.4}.get(training.config.lr, 0.1))
    assert plan.rate(cell, done) == (0.03, [])
    assert plan.training(cell, 0.03).config.switches["views"] == "strong"


# --- the journal ------------------------------------------------------------------------------------------------------


def test_exact_labels_answer_in_every_workspace_of_the_same_pictures() -> None:
    table = table_of(journal.read(Path(__file__).parents[1] / "docs/results/models.jsonl"))
    for row, share in (("oracle", 0.9), ("flat", 0.0)):
        hard, drawn = (table.seeds(name, row, share, "long") for name in ("drawn_hard", "drawn"))
        assert hard == drawn != {}
    hard, drawn = (table.seeds(name, "flat", 0.9, "long") for name in ("drawn_hard", "drawn"))
    assert {line["id"] for line in hard.values()}.isdisjoint(line["id"] for line in drawn.values())


def test_a_line_that_was_cut_off_costs_only_itself(tmp_path: Path) -> None:
    path = tmp_path / "new" / "j.jsonl"
    journal.append(path, {"id": "a", "val": 1})
    with path.open("a") as file:
        file.write('{"id": "b", "va')
    journal.append(path, {"id": "c", "val": 3})
    assert journal.read(path) == {"a": {"id": "a", "val": 1}, "c": {"id": "c", "val": 3}}


def test_a_result_replaces_an_error_and_never_the_other_way_round(tmp_path: Path) -> None:
    path = tmp_path / "j.jsonl"
    for told in ({"error": "x"}, {"val": 1}, {"error": "y"}):
        journal.append(path, {"id": "a", **told})
    assert journal.read(path) == {"a": {"id": "a", "val": 1}}


# --- trainings --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("row", ["self_taught", "hrn"])
def test_an_interrupted_training_gives_the_line_of_a_straight_one(
    tmp_path: Path, tiny_set: PictureSet, row: str
) -> None:
    from table.training import Stopped, carry_out

    plan = Planner(replace(TWO_ROWS, epochs=4), {"tiny": tiny_set})
    training = plan.training(Cell("tiny", row, 0.5, SHORT, 0), 0.1)

    def train(name: str, should_stop=lambda: False) -> dict:
        told = carry_out(training, tiny_set, folder=tmp_path / name, cache=tmp_path / "cache", should_stop=should_stop)
        return {key: value for key, value in told.items() if key not in ("seconds", "cpu_s", "images_per_s")}

    straight = train("one")
    with pytest.raises(Stopped):
        train("other", StopAfter(5))
    assert train("other") == straight
    assert straight["steps"] == 4
    assert not (tmp_path / "other").exists()


@pytest.mark.slow
def test_a_small_table_end_to_end(tmp_path: Path, labelled_workspace: Workspace) -> None:
    """Two rows, one seed, one epoch; one process is told to end, the next call goes on, a third has nothing to do."""
    path = tmp_path / "results" / "models.jsonl"
    asked = [
        *("--workspace", str(labelled_workspace.folder), "--row", "flat", "--row", "coarse_dropped"),
        *("--share", "0.5", "--budget", "short", "--seeds", "1", "--epochs", "1", "--processes", "1"),
        *("--journal", str(path), "--folder", str(tmp_path / "work")),
    ]

    def models(*more: str) -> str:
        ended = subprocess.run(
            [sys.executable, str(SCRIPT), *asked, *more], capture_output=True, text=True, env={**os.environ}
        )
        assert ended.returncode == 0, ended.stderr
        return ended.stdout

    assert "0 of 2 cells" in models("--minutes", "0")
    assert "2 of 2 cells" in models()
    lines = [json.loads(text) for text in path.read_text().splitlines()]
    assert {one["row"] for one in lines} == {"flat", "coarse_dropped"}
    assert {one["lr"] for one in lines} >= set(RATES[1:-1])
    assert len({one["id"] for one in lines}) == len(lines)
    models()
    assert "cells in" in subprocess.run(
        [sys.executable, str(SCRIPT), "--report", "--journal", str(path), "--results", str(path.parent)],
        capture_output=True, text=True, env={**os.environ},
    ).stderr  # fmt: skip
    page = path.parent.with_suffix(".md").read_text()
    assert "| `flat` | 1 |" in page
    assert "| `coarse_dropped` | 1 |" in page
    assert "| `hrn` | – |" in page
    assert len(path.read_text().splitlines()) == len(lines)


def test_a_folder_that_is_no_workspace_is_refused(tmp_path: Path) -> None:
    ended = subprocess.run(
        [sys.executable, str(SCRIPT), "--workspace", str(tmp_path)], capture_output=True, text=True, env={**os.environ}
    )
    assert ended.returncode == 1
    assert "is no workspace" in ended.stderr


def test_a_workspace_gives_its_labels_as_they_are(labelled_workspace: Workspace, tmp_path: Path) -> None:
    given = sets.load(str(labelled_workspace.folder), tmp_path)
    assert [len(part) for part in (given.train, given.val, given.test)] == [12, 4, 4]
    cut = sets.load(str(labelled_workspace.folder), tmp_path, pictures=5)
    assert [len(part) for part in (cut.train, cut.val, cut.test)] == [4, 4, 4]
    assert cut.content != given.content
