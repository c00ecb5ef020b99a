"""Labelled look-alikes of one picture: exact, per level, with the rival beside them, and never of the test split."""

import time

import numpy as np
import pytest
from conftest import label

from hmgc_core.records import Prediction
from hmgc_core.store import jobs, predictions
from hmgc_core.taxonomy import Taxonomy
from hmgc_core.workflow import seeing
from hmgc_core.workflow.embeddings import Embeddings, embeddings, keep
from hmgc_core.workflow.neighbours import COUNTED, NEAREST, Neighbours, _around, neighbours
from hmgc_core.workflow.seeing import PredictionTable
from hmgc_core.workflow.workspaces import Workspace

# The workspace: images 1 to 12 train, 13 to 16 val, 17 to 24 test; 1 to 20 labelled, every fourth coarser than a leaf.


@pytest.fixture
def seen(predicted_workspace: Workspace) -> Workspace:
    folder = predicted_workspace.run_folder(1)
    folder.mkdir(parents=True, exist_ok=True)
    vectors = np.random.default_rng(1).normal(size=(24, 16)).astype(np.float16)
    keep(folder, np.arange(1, 25), vectors)
    return predicted_workspace


def found(ws: Workspace, image_id: int) -> Neighbours:
    answer = neighbours(ws, 1, seeing.prediction_table(ws, 1), image_id)
    assert answer is not None
    return answer


def slowly(ws: Workspace, image_id: int) -> list[tuple[float, int]]:
    """(distance, image) of every labelled picture outside the test split, by one dot product each."""
    table = seeing.prediction_table(ws, 1)
    vectors = embeddings(ws.run_folder(1))
    assert vectors is not None
    at = {int(image): row for row, image in enumerate(vectors.images)}
    here = vectors.vectors[at[image_id]]
    pairs = [
        (1 - float(sum(a * b for a, b in zip(vectors.vectors[at[int(i)]], here, strict=True))), int(i))
        for i, node, split in zip(table.image_ids, table.labels, table.splits, strict=True)
        if node > 0 and split != "test" and i != image_id
    ]
    return sorted(pairs)


@pytest.mark.parametrize("image_id", [1, 4, 13, 22, 24])
def test_the_nearest_are_those_of_a_slow_comparison_of_all(seen: Workspace, image_id: int) -> None:
    near, by_hand = found(seen, image_id), slowly(seen, image_id)
    assert [p.image_id for p in near.overall] == [i for _, i in by_hand[:NEAREST]]
    assert [p.distance for p in near.overall] == pytest.approx([d for d, _ in by_hand[:NEAREST]], abs=1e-5)
    assert near.labelled == len(by_hand)

    table = seeing.prediction_table(seen, 1)
    tree, labels = table.taxonomy, dict(zip(table.image_ids.tolist(), table.labels.tolist(), strict=True))
    for level in near.levels:
        known = [i for _, i in by_hand if tree.depths[labels[i]] >= level.level]
        through = [i for i in known if tree.is_at_or_below(labels[i], level.node)]
        assert [p.image_id for p in level.nearest] == known[:NEAREST]
        assert [p.agrees for p in level.nearest] == [i in through for i in known[:NEAREST]]
        assert (level.agreeing, level.counted) == (
            len(set(known[:COUNTED]) & set(through)),
            len(known[:COUNTED]),
        )


def test_levels_are_those_of_the_answer_and_a_coarse_label_counts_only_down_to_its_own(seen: Workspace) -> None:
    near = found(seen, 3)  # taken for a tug, three levels deep
    assert [level.level for level in near.levels] == [1, 2, 3]
    coarse = {4, 8, 12, 16}  # labelled albatross, at level 2, where others name the leaf
    assert coarse & {p.image_id for p in near.levels[1].nearest + near.overall}
    assert not coarse & {p.image_id for p in near.levels[2].nearest + near.levels[2].of_rival}


def test_pictures_of_the_test_split_are_kept_out_of_sight_but_have_neighbours(seen: Workspace) -> None:
    for image_id in range(1, 25):
        near = found(seen, image_id)
        shown = {p.image_id for p in near.overall}
        for level in near.levels:
            shown |= {p.image_id for p in level.nearest + level.of_rival}
        assert shown <= set(range(1, 17)) - {image_id}
        assert near.overall


def test_the_rival_is_the_other_class_that_the_run_found_likeliest(seen: Workspace) -> None:
    path = (("bird", 0.9), ("albatross", 0.8), ("black-footed", 0.5))
    top = (("black-footed", 0.5), ("owl", 0.3), ("gull-like", 0.15), ("tug", 0.05))
    with seen.writing() as connection:
        predictions.replace_all(connection, 1, [Prediction(1, 5, "black-footed", 0.5, path, top)])
    # One prediction is enough: the table only says what is labelled.
    table = seeing.prediction_table(seen, 1)
    assert neighbours(seen, 1, table, 6) is None
    near = neighbours(seen, 1, table, 5)
    assert near is not None
    tree = table.taxonomy
    assert [tree.keys[level.rival] for level in near.levels] == ["ship", "owl", "gull-like"]
    assert [level.rival_share for level in near.levels] == [0.05, 0.3, 0.15]


def test_where_the_run_thought_of_no_other_the_nearest_other_class_is_the_rival(seen: Workspace) -> None:
    table = seeing.prediction_table(seen, 1)
    labels = dict(zip(table.image_ids.tolist(), table.labels.tolist(), strict=True))
    for level in found(seen, 7).levels:
        classes = [int(table.taxonomy.ancestors_by_depth[labels[i], level.level - 1]) for _, i in slowly(seen, 7)]
        assert level.rival_share is None
        assert level.rival == next((at for at in classes if at not in (-1, level.node)), -1)
        assert all(p.agrees is False for p in level.of_rival)


def test_names_of_all_who_say_what_it_is(seen: Workspace) -> None:
    nearest = found(seen, 1).overall[0].image_id
    label(seen, nearest, "owl", by="ben")
    label(seen, nearest, "bird", kind="is_not", by="eve")
    near = found(seen, 1)
    assert near.by[nearest] == ("ada", "ben")
    shown = {p.image_id for p in near.overall} | {p.image_id for level in near.levels for p in level.nearest}
    assert shown <= set(near.by)


def test_a_label_at_the_root_says_nothing(seen: Workspace) -> None:
    nearest = found(seen, 1).overall[0].image_id
    label(seen, nearest, "life")
    assert nearest not in {p.image_id for p in found(seen, 1).overall}


def test_an_answer_below_a_label_is_neither_right_nor_wrong(seen: Workspace) -> None:
    nearest = found(seen, 1).overall[0].image_id
    answer = seeing.prediction_table(seen, 1).predicted[0]
    tree = seeing.prediction_table(seen, 1).taxonomy
    label(seen, nearest, tree.keys[tree.path(int(answer))[0]], uid="changed-my-mind")
    assert found(seen, 1).overall[0].agrees is None


def test_without_vectors_there_is_nothing_to_compare(predicted_workspace: Workspace) -> None:
    assert neighbours(predicted_workspace, 1, seeing.prediction_table(predicted_workspace, 1), 1) is None


def test_where_nothing_is_labelled_the_levels_stand_empty(workspace: Workspace) -> None:
    from hmgc_core.records import RunConfig
    from hmgc_core.workflow import training

    training.queue_run(workspace, RunConfig(model="clip_zero_shot", backbone="clip:tiny", image_size=16, epochs=1))
    path = (("bird", 0.9), ("owl", 0.5))
    with workspace.writing() as connection:
        jobs.claim(connection, owner="test", lease_s=60)
        made = [Prediction(1, i, "owl", 0.5, path, (("owl", 0.5),)) for i in range(1, 25)]
        predictions.replace_all(connection, 1, made)
        jobs.finish(connection, 1, owner="test", status="done")
    workspace.run_folder(1).mkdir(parents=True, exist_ok=True)
    keep(workspace.run_folder(1), np.arange(1, 25), np.eye(24, dtype=np.float16))
    near = found(workspace, 2)
    assert (near.overall, near.labelled) == ((), 0)
    assert [(level.nearest, level.counted, level.rival) for level in near.levels] == [((), 0, -1)] * 2


def test_a_picture_that_was_taken_out_since_is_no_neighbour() -> None:
    tree = Taxonomy.from_edges([("a", "r"), ("b", "r")])
    table = PredictionTable(  # pictures 1, 2 and 9; the run has no vector of 9, and 3 is gone
        tree, np.array([1, 2, 9]), np.array(["train"] * 3), np.array([1, 2, 1]), np.array([1, 1, 1]), np.ones(3)
    )
    seen = Embeddings(np.array([1, 2, 3]), np.eye(3, dtype=np.float32))
    assert _around(table, seen, 0).images.tolist() == [2]


def test_a_hundred_thousand_pictures_are_compared_in_no_time() -> None:
    rng = np.random.default_rng(0)
    tree = Taxonomy.from_edges([(f"n{i}", f"n{(i - 1) // 7}") for i in range(1, 16_344)])
    count = 100_000
    vectors = rng.normal(size=(count, 64)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    ids = np.arange(1, count + 1)
    labels = rng.integers(0, len(tree), count)
    table = PredictionTable(tree, ids, np.array(["train"] * count), labels, labels, np.ones(count))
    assert tree.ancestors_by_depth.shape[0] == len(tree)  # made once for a tree
    begun = time.process_time()
    around = _around(table, Embeddings(ids, vectors), 7)
    assert time.process_time() - begun < 0.5
    assert len(around.images) == int((labels > 0).sum()) - int(labels[7] > 0)
