"""The map of all pictures: where the points lie, what colours them, who lies inside a line; made by the worker."""

import gzip
import importlib.util
from pathlib import Path

import numpy as np
import pytest
from conftest import TINY_LEAVES, label
from random_trees import random_tree

from hmgc_core import worker
from hmgc_core.errors import UnknownTask
from hmgc_core.records import Stopped
from hmgc_core.store import predictions
from hmgc_core.tasks import picture_map
from hmgc_core.tasks.job import Job
from hmgc_core.workflow import map_colours, picture_maps, seeing, tasks
from hmgc_core.workflow.embeddings import keep
from hmgc_core.workflow.map_colours import GONE, WAYS, colouring
from hmgc_core.workflow.picture_maps import EDGE, PictureMap
from hmgc_core.workflow.seeing import PredictionTable
from hmgc_core.workflow.workspaces import Workspace


def leave_vectors(ws: Workspace, images: list[int], *, seed: int = 1) -> None:
    folder = ws.run_folder(1)
    folder.mkdir(parents=True, exist_ok=True)
    vectors = np.random.default_rng(seed).normal(size=(len(images), 16)).astype(np.float16)
    keep(folder, np.array(images), vectors)


@pytest.fixture
def mapped(predicted_workspace: Workspace) -> Workspace:
    leave_vectors(predicted_workspace, list(range(1, 25)))
    picture_maps.ask(predicted_workspace, 1)
    worker.work(predicted_workspace, once=True)
    return predicted_workspace


def newest(ws: Workspace) -> PictureMap:
    made = picture_maps.newest_map(ws, 1)
    assert made is not None
    return made


# --- where the points lie ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(50, 8), (7, 2), (3, 16), (40, 3)])
def test_the_main_plane_is_that_of_a_singular_value_decomposition(shape: tuple[int, int]) -> None:
    rows = np.random.default_rng(shape[0]).normal(size=shape).astype(np.float32) * np.arange(1, shape[1] + 1)
    centred = rows.astype(np.float64) - rows.astype(np.float64).mean(axis=0)
    left, sizes, _ = np.linalg.svd(centred, full_matrices=False)
    expected = left[:, :2] * sizes[:2]
    plane = picture_map.main_plane(rows)
    signs = np.sign((plane * expected).sum(axis=0))
    np.testing.assert_allclose(plane, expected * signs, atol=1e-9 * np.abs(expected).max())


def test_the_plane_of_the_same_vectors_is_the_same_and_missing_directions_are_nothing() -> None:
    rows = np.random.default_rng(0).normal(size=(9, 1)).astype(np.float32)
    plane = picture_map.main_plane(rows)
    assert np.array_equal(plane, picture_map.main_plane(rows.copy()))
    assert not plane[:, 1].any()
    assert not picture_map.main_plane(rows[:1]).any()


def test_places_keep_their_proportions_and_stay_inside() -> None:
    plane = np.random.default_rng(2).normal(size=(200, 2)) * (30, 10) + (5, -400)
    places = picture_maps.placed(plane).astype(float)
    assert places.min() >= 0 and places.max() <= EDGE
    scale = np.ptp(places[:, 0]) / np.ptp(plane[:, 0])
    np.testing.assert_allclose(np.diff(places, axis=0), scale * np.diff(plane, axis=0), atol=2)
    middle = (places.min(axis=0) + places.max(axis=0)) / 2
    np.testing.assert_allclose(middle, EDGE / 2, atol=2)
    assert (picture_maps.placed(np.ones((3, 2))) == round(EDGE / 2)).all()  # all in one place


def test_the_worker_makes_the_map_and_the_browser_gets_its_numbers(mapped: Workspace) -> None:
    made = newest(mapped)
    assert made.images.tolist() == list(range(1, 25))
    assert made.method == ("umap" if importlib.util.find_spec("umap") else "pca")
    body = gzip.decompress(picture_maps.packed_points(made))
    count = int(np.frombuffer(body, "<u4", 1)[0])
    assert count == 24
    assert np.array_equal(np.frombuffer(body, "<u2", 48, offset=4).reshape(-1, 2), made.places)
    assert np.array_equal(np.cumsum(np.frombuffer(body, "<u4", 24, offset=4 + 96)), made.images)


def test_a_run_that_left_nothing_has_no_map_and_says_so(predicted_workspace: Workspace) -> None:
    number = picture_maps.ask(predicted_workspace, 1)
    worker.work(predicted_workspace, once=True)
    failed = tasks.task(predicted_workspace, number)
    assert (failed.status, failed.remedy) == ("failed", "train again")
    assert picture_maps.newest_map(predicted_workspace, 1) is None
    with pytest.raises(UnknownTask, match="no map"):
        picture_maps.map_of_task(predicted_workspace, number)


def test_a_map_anew_takes_the_place_of_the_old_one_which_stays_until_then(mapped: Workspace) -> None:
    old = newest(mapped)
    leave_vectors(mapped, list(range(3, 25)), seed=2)
    assert picture_maps.seen_at(mapped, 1) != old.seen_at
    number = picture_maps.ask(mapped, 1, anew=True)
    assert newest(mapped).task == old.task
    worker.work(mapped, once=True)
    assert newest(mapped).task == number
    assert newest(mapped).images.tolist() == list(range(3, 25))
    (tasks.task_folder(mapped, number) / picture_maps.FILE).unlink()
    assert newest(mapped).task == old.task
    (tasks.task_folder(mapped, old.task) / picture_maps.FILE).write_bytes(b"cut off")
    assert picture_maps.newest_map(mapped, 1) is None


def test_umap_keeps_heaps_together_and_tells_how_far_it_is(
    predicted_workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("umap", reason="the extra `map` is not installed")
    rng = np.random.default_rng(0)
    heaps = np.repeat(rng.normal(size=(4, 16)), 30, axis=0) + 0.05 * rng.normal(size=(120, 16))
    folder = predicted_workspace.run_folder(1)
    folder.mkdir(parents=True)
    keep(folder, np.arange(1, 121), heaps.astype(np.float16))
    told: list[tuple[str, int, int]] = []
    monkeypatch.setattr("hmgc_core.tasks.job.Job.step", lambda _job, *step: told.append(step))
    number = picture_maps.ask(predicted_workspace, 1)
    worker.work(predicted_workspace, once=True)
    assert tasks.task(predicted_workspace, number).error == ""
    made = newest(predicted_workspace)
    assert made.method == "umap"
    middles = made.places.reshape(4, 30, 2).mean(axis=1)
    away = np.linalg.norm(made.places[:, None] - middles[None], axis=2)
    assert (away.argmin(axis=1) == np.arange(120) // 30).all()
    laid_out = [(done, total) for stage, done, total in told if stage == "laying the pictures out"]
    assert laid_out == sorted(laid_out) and laid_out[-1] == (picture_map.EPOCHS_SMALL, picture_map.EPOCHS_SMALL)


def test_a_map_that_waits_for_another_one_can_be_stopped(mapped: Workspace) -> None:
    told: list[str] = []
    job = Job(mapped, tasks.task(mapped, 1), lambda progress: told.append(progress.stage), lambda: len(told) == 2)
    with picture_map._alone(job), pytest.raises(Stopped), picture_map._alone(job):
        pass
    with picture_map._alone(job):  # free again
        assert told == ["waiting for another map"] * 2


# --- inside a line ----------------------------------------------------------------------------------------------------


def is_inside(x: int, y: int, corners: list[tuple[int, int]]) -> bool:
    """By a ray to the right: the slow and obvious way."""
    crossings = 0
    for (ax, ay), (bx, by) in zip(corners, [*corners[1:], corners[0]], strict=True):
        crossings += (ay > y) != (by > y) and x * 1.0 < ax + (y - ay) * (bx - ax) / (by - ay)
    return crossings % 2 == 1


def test_inside_a_line_is_what_a_ray_crosses_an_odd_number_of_times() -> None:
    rng = np.random.default_rng(4)
    for corners_count in (3, 4, 9, 80):
        corners = rng.integers(0, EDGE, (corners_count, 2))
        places = rng.integers(0, EDGE + 1, (300, 2)).astype(np.uint16)
        found = picture_maps.inside(places, corners)
        assert found.tolist() == [is_inside(int(x), int(y), [(int(a), int(b)) for a, b in corners]) for x, y in places]
        assert found.any()


def test_of_two_areas_that_share_an_edge_each_point_lies_in_one() -> None:
    places = np.array([[x, y] for x in range(0, 40) for y in range(0, 40)], dtype=np.uint16)
    left = picture_maps.inside(places, np.array([[0, 0], [20, 0], [20, 40], [0, 40]]))
    right = picture_maps.inside(places, np.array([[20, 0], [40, 0], [40, 40], [20, 40]]))
    assert (left ^ right).all()


# --- what colours them ------------------------------------------------------------------------------------------------


def legend(made: PictureMap, table: PredictionTable, by: str, level: int = 1) -> dict[str, set[int]]:
    """Name of a row -> the images that have its colour; the counts are checked on the way."""
    coloured = colouring(made, table, by, level)  # type: ignore[arg-type]
    rows = {tone.name: set(made.images[coloured.codes == code].tolist()) for code, tone in enumerate(coloured.tones)}
    assert [len(images) for images in rows.values()] == [tone.count for tone in coloured.tones]
    assert all(rows.values())
    return rows


def test_colours_say_what_the_table_says(mapped: Workspace) -> None:
    table, made = seeing.prediction_table(mapped, 1), newest(mapped)
    tree = table.taxonomy
    labels = dict(zip(table.image_ids.tolist(), table.labels.tolist(), strict=True))
    for level in (1, 2, 3):
        for name, images in legend(made, table, "answer", level).items():
            for image in images:
                path = tree.path(int(table.predicted[image - 1]))
                assert name == tree.name(path[min(level, len(path)) - 1])
        for name, images in legend(made, table, "label", level).items():
            for image in images:
                path = tree.path(labels[image]) if labels[image] >= 0 else []
                expected = "Not labelled" if labels[image] < 0 else "Labelled more coarsely"
                assert name == (tree.name(path[level - 1]) if len(path) >= level else expected)
    assert legend(made, table, "verdict")["Not labelled"] == {21, 22, 23, 24}
    wrong = {image for name, images in legend(made, table, "verdict").items() if "Wrong" in name for image in images}
    assert wrong == {1, 2}
    finest = {image for image, node in labels.items() if node >= 0 and tree.is_leaf[node]}
    assert legend(made, table, "labelled")["Labelled at the finest level"] == finest


def test_sureness_is_told_in_steps(mapped: Workspace) -> None:
    table = seeing.prediction_table(mapped, 1)
    shares = np.array([0.0, 0.0999, 0.1, 0.25, 0.4999, 0.5, 0.75, 0.8999, 0.9, 1.0] + [0.6] * 14)
    told = legend(
        newest(mapped),
        PredictionTable(table.taxonomy, table.image_ids, table.splits, table.labels, table.predicted, shares),
        "sureness",
    )
    assert told["0 to 10%"] == {1, 2}
    assert told["10 to 25%"] == {3}
    assert told["25 to 50%"] == {4, 5}
    assert told["75 to 90%"] == {7, 8}
    assert told["90 to 100%"] == {9, 10}


def test_of_many_classes_the_most_frequent_have_a_colour_and_the_rest_share_one() -> None:
    rng = np.random.default_rng(0)
    tree = random_tree(rng, 400)
    predicted = tree.leaves[(rng.random(2000) ** 3 * len(tree.leaves)).astype(int)]
    ids = np.arange(1, 2001)
    table = PredictionTable(tree, ids, np.array(["train"] * 2000), np.full(2000, -1), predicted, np.ones(2000))
    made = PictureMap(1, 1, "pca", 0, ids, np.zeros((2000, 2), dtype=np.uint16))
    for level in range(1, tree.depth + 1, 3):
        tones = colouring(made, table, "answer", level).tones
        own = [tone.count for tone in tones if tone.role == "class"]
        assert own == sorted(own, reverse=True) and len(own) <= map_colours.MOST_CLASSES + 1
        assert sum(tone.count for tone in tones) == 2000
        assert [tone.role for tone in tones].count("others") == (len(own) == map_colours.MOST_CLASSES)


def test_classes_of_one_name_are_told_apart() -> None:
    from hmgc_core.taxonomy import NodeText, Taxonomy

    texts = {"a1": NodeText("cup"), "b1": NodeText("cup")}
    tree = Taxonomy.from_edges([("a", "r"), ("b", "r"), ("a1", "a"), ("b1", "b")], texts)
    both = np.array([tree.index("a1"), tree.index("b1")])
    table = PredictionTable(tree, np.array([1, 2]), np.array(["train"] * 2), both, both, np.ones(2))
    made = PictureMap(1, 1, "pca", 0, np.array([1, 2]), np.zeros((2, 2), dtype=np.uint16))
    assert set(legend(made, table, "answer", 2)) == {"cup (a)", "cup (b)"}


def test_a_picture_that_was_taken_out_since_is_no_point(mapped: Workspace) -> None:
    table, made = seeing.prediction_table(mapped, 1), newest(mapped)
    keep_rows = ~np.isin(table.image_ids, [5, 24])
    left = PredictionTable(
        table.taxonomy,
        *(getattr(table, name)[keep_rows] for name in ("image_ids", "splits", "labels", "predicted", "probabilities")),
    )
    for by in WAYS:
        codes = colouring(made, left, by, 1).codes
        assert made.images[codes == GONE].tolist() == [5, 24]
    none = PredictionTable(
        table.taxonomy,
        *(getattr(table, name)[:0] for name in ("image_ids", "splits", "labels", "predicted", "probabilities")),
    )
    assert (colouring(made, none, "answer", 1).codes == GONE).all()


def test_colours_are_left_for_the_browser_under_a_name_of_their_own(mapped: Workspace) -> None:
    codes = np.arange(24, dtype=np.uint8)
    name = map_colours.leave_codes(mapped, 1, codes)
    assert gzip.decompress(map_colours.kept_codes(mapped, 1, name)) == codes.tobytes()
    assert map_colours.leave_codes(mapped, 1, codes) == name
    assert map_colours.leave_codes(mapped, 1, codes[::-1].copy()) != name
    for wrong in ("nothing", "../../hmgc", ""):
        with pytest.raises(UnknownTask, match="gone"):
            map_colours.kept_codes(mapped, 1, wrong)


def test_old_colours_go_when_there_are_many(mapped: Workspace) -> None:
    names = [
        map_colours.leave_codes(mapped, 1, np.full(24, number, dtype=np.uint8))
        for number in range(map_colours.KEPT + 5)
    ]
    folder: Path = tasks.task_folder(mapped, 1) / "colours"
    assert len(list(folder.iterdir())) == map_colours.KEPT
    assert map_colours.kept_codes(mapped, 1, names[-1])


def test_colours_that_are_wanted_again_are_not_the_next_to_go(mapped: Workspace) -> None:
    first, *others = [np.full(24, number, dtype=np.uint8) for number in range(map_colours.KEPT + 1)]
    for codes in others[:-1]:
        map_colours.leave_codes(mapped, 1, first)
        map_colours.leave_codes(mapped, 1, codes)
    name = map_colours.leave_codes(mapped, 1, first)
    map_colours.leave_codes(mapped, 1, others[-1])
    assert gzip.decompress(map_colours.kept_codes(mapped, 1, name)) == first.tobytes()


def test_a_label_made_since_changes_the_colours(mapped: Workspace) -> None:
    made = newest(mapped)
    before = colouring(made, seeing.prediction_table(mapped, 1), "labelled", 1)
    label(mapped, 24, TINY_LEAVES[0])
    after = colouring(made, seeing.prediction_table(mapped, 1), "labelled", 1)
    assert np.flatnonzero(before.codes != after.codes).tolist() == [23]


def test_predictions_that_are_gone_leave_no_point(mapped: Workspace) -> None:
    with mapped.writing() as connection:
        predictions.replace_all(connection, 1, [])
    assert colouring(newest(mapped), seeing.prediction_table(mapped, 1), "verdict", 1).tones == ()
