"""Screens of look-alikes: what a model's vectors say, which pictures come, and over HTTP."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from conftest import label, upcoming, write_picture
from starlette.applications import Starlette
from starlette.testclient import TestClient

from app import security
from app.server.alike import MOST_NAMED, MOST_TILES
from app.server.middleware import middleware
from app.server.routes import routes
from hmgc_core.errors import BadRequest
from hmgc_core.likeness import DIMENSIONS, FEWEST, compacted, tightest_screen
from hmgc_core.records import QueueChoice, QueueRules, RunConfig
from hmgc_core.store import jobs, places
from hmgc_core.workflow import alike, labelling, pictures, queues, training
from hmgc_core.workflow.alike import Screen, next_screen, screen_among
from hmgc_core.workflow.embeddings import COMPACT, IMAGES, VECTORS, keep
from hmgc_core.workflow.workspaces import Workspace

HEAPS = 3


def vectors_in_heaps(count: int, width: int = 8) -> np.ndarray:
    """(count, width) float16; row i lies near heap i % HEAPS."""
    rng = np.random.default_rng(0)
    heaps = np.eye(width)[:HEAPS] * 10 + 1
    return (heaps[np.arange(count) % HEAPS] + rng.uniform(0, 0.5, (count, width))).astype(np.float16)


def heap_of(image_id: int) -> int:
    """Of image 1, 2, 3, … in a workspace with `seen`."""
    return (image_id - 1) % HEAPS


def ids(screen: Screen) -> list[int]:
    return [tile.image.id for tile in screen.tiles]


@pytest.fixture
def seen(workspace: Workspace) -> Workspace:
    """24 pictures, the first two labelled, and a finished run that sees them in three heaps."""
    label(workspace, 1, "owl", by="import")
    label(workspace, 2, "tug", by="import")
    finish_run(workspace, 24)
    return workspace


def finish_run(ws: Workspace, images: int) -> int:
    run_id = training.queue_run(ws, RunConfig(model="flat", backbone="resnet_mini", image_size=16, epochs=1))
    with ws.writing() as connection:
        jobs.claim(connection, owner="test", lease_s=60)
        jobs.finish(connection, run_id, owner="test", status="done")
    ws.run_folder(run_id).mkdir(parents=True)
    np.save(ws.run_folder(run_id) / "embeddings.npy", vectors_in_heaps(images))
    np.save(ws.run_folder(run_id) / "embedding_images.npy", np.arange(1, images + 1))
    return run_id


# --- vectors ----------------------------------------------------------------------------------------------------------


def test_compact_vectors_keep_who_is_near_whom() -> None:
    rng = np.random.default_rng(1)
    heaps = rng.normal(size=(20, 300))
    which = rng.integers(20, size=2000)
    full = (heaps[which] + 0.3 * rng.normal(size=(2000, 300))).astype(np.float16)
    compact = compacted(full)
    assert compact.shape == (2000, DIMENSIONS) and compact.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(compact, axis=1), 1, atol=1e-5)
    likeness = compact @ compact.T
    np.fill_diagonal(likeness, -1)
    assert (which[likeness.argmax(axis=1)] == which).all()


def test_what_a_model_could_not_say_harms_nobody() -> None:
    broken = vectors_in_heaps(9)
    broken[4] = np.nan
    broken[5, 0] = np.inf
    broken[6] = 0
    compact = compacted(broken)
    assert np.isfinite(compact).all()
    near = compact @ compact[0]
    assert set(np.argsort(-near)[:2]) == {0, 3}


def test_one_picture_alone_has_vectors_too() -> None:
    assert np.isfinite(compacted(np.ones((1, 5), dtype=np.float16))).all()


def test_the_densest_surroundings_make_the_screen() -> None:
    # On a circle: row 0 alone, rows 1 to 4 close together.
    angles = np.array([3.0, 0.0, 0.02, 0.04, 0.3])
    circle = np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)
    everybody = np.arange(5)
    rows = tightest_screen(circle, seeds=np.array([0, 1]), among=everybody, count=3)
    assert rows.tolist() == [1, 2, 3]
    assert tightest_screen(circle, seeds=np.array([1]), among=everybody, count=99).tolist() == [1, 2, 3, 4, 0]


def test_a_screen_ends_where_its_heap_ends_unless_that_is_too_small() -> None:
    heaps = np.repeat(np.eye(2, dtype=np.float32), [20, 5], axis=0)
    everybody = np.arange(25)
    rows = tightest_screen(heaps, seeds=np.array([3]), among=everybody, count=24)
    assert rows.tolist() == list(range(20))
    small = tightest_screen(heaps, seeds=np.array([22]), among=everybody, count=24)
    assert small.tolist() == [20, 21, 22, 23, 24, 0, 1, 2] and len(small) == FEWEST


def test_pictures_equally_alike_keep_their_order() -> None:
    same = np.tile(np.array([[1.0, 0.0]], dtype=np.float32), (6, 1))
    rows = tightest_screen(same, seeds=np.array([2]), among=np.arange(6), count=6)
    assert rows.tolist() == [0, 1, 2, 3, 4, 5]


# --- which pictures come ----------------------------------------------------------------------------------------------


def test_before_the_first_training_they_come_in_queue_order(workspace: Workspace) -> None:
    screen = next_screen(workspace, annotator="ada", count=5)
    assert ids(screen) == [item.image.id for item in upcoming(workspace, count=5)]
    assert (screen.run, screen.order) == (None, "queue")
    following = next_screen(workspace, annotator="ada", count=5, after=screen.after, without=set(ids(screen)))
    assert ids(following) == [item.image.id for item in upcoming(workspace, count=10)][5:]


def test_a_screen_holds_look_alikes_that_nobody_has_labelled(seen: Workspace) -> None:
    screen = next_screen(seen, annotator="ada", count=6)
    assert (screen.run, screen.order) == (1, "alike")
    assert len({heap_of(i) for i in ids(screen)}) == 1
    assert not {1, 2} & set(ids(screen))


def test_the_same_question_has_the_same_answer(seen: Workspace) -> None:
    assert next_screen(seen, annotator="ada", count=7) == next_screen(seen, annotator="ada", count=7)


def test_labelled_pictures_go_and_those_taken_back_come_again(seen: Workspace) -> None:
    first = ids(next_screen(seen, annotator="ada", count=7))
    uids = [label(seen, i, "bird") for i in first]
    assert not set(first) & set(ids(next_screen(seen, annotator="ada", count=24)))
    labelling.withdraw(seen, uids[0], annotator="ada")
    others = set(range(1, 25)) - {first[0]}
    assert ids(next_screen(seen, annotator="ada", count=24, without=others)) == [first[0]]


def test_every_picture_comes_once_until_nothing_is_left(seen: Workspace) -> None:
    shown: list[int] = []
    after = ""
    while (screen := next_screen(seen, annotator="ada", count=5, after=after, without=set(shown))).tiles:
        shown += ids(screen)
        after = screen.after
    assert sorted(shown) == list(range(3, 25))


def test_two_people_begin_at_different_places(seen: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(alike, "SEEDS", 1)
    begun = {tuple(ids(next_screen(seen, annotator=name, count=2))) for name in ("ada", "grace", "chi", "ben")}
    assert len(begun) > 1


def test_those_put_aside_come_back_alike_together(seen: Workspace) -> None:
    aside = [4, 5, 7, 8, 10, 9]  # three of heap 0, two of heap 1, one of heap 2
    screen = screen_among(seen, annotator="ada", count=3, among=aside)
    assert sorted(ids(screen)) == [4, 7, 10]
    label(seen, 4, "bird", by="grace")
    assert set(ids(screen_among(seen, annotator="ada", count=60, among=[*aside, 9999]))) == {5, 7, 8, 10, 9}
    assert ids(screen_among(seen, annotator="ada", count=60, among=[9999])) == []


def test_what_others_have_reserved_comes_on_no_screen(seen: Workspace) -> None:
    held = {item.image.id for item in upcoming(seen, by="ben", count=4)}
    rest = set(range(3, 25)) - held
    assert next_screen(seen, annotator="ada", count=24, without=rest).tiles == []
    assert not held & set(ids(screen_among(seen, annotator="ada", count=24, among=range(3, 25))))
    assert set(ids(next_screen(seen, annotator="ben", count=24, without=rest))) == held


def test_a_screen_can_be_reserved_as_pictures_of_the_queue_are(seen: Workspace) -> None:
    shown = ids(next_screen(seen, annotator="ada", count=6))
    queues.skip(seen, shown[0], annotator="ada")
    label(seen, shown[1], "owl", by="ben")
    bens = queues.hold(seen, QueueChoice.parse(""), [shown[2]], annotator="ben")
    held = queues.hold(seen, QueueChoice.parse(""), shown, annotator="ada")
    assert bens == [shown[2]] and held == [shown[0], *shown[3:]]
    assert not set(held) & set(ids(next_screen(seen, annotator="ben", count=24)))
    assert not set(held) & {item.image.id for item in upcoming(seen, by="ben", count=24)}
    assert set(held) <= set(ids(next_screen(seen, annotator="ada", count=24)))
    assert len(shown) <= MOST_TILES <= queues.MOST_HELD


def test_where_two_people_label_each_picture_a_second_one_sees_it_and_the_first_not_again(seen: Workspace) -> None:
    queues.set_rules(seen, QueueRules(people=2))
    label(seen, 3, "owl", by="ada")
    label(seen, 4, "owl", by="ada")
    label(seen, 4, "owl", by="ben")
    others = set(range(1, 25)) - {3, 4}
    assert next_screen(seen, annotator="ada", count=24, without=others).tiles == []
    assert ids(next_screen(seen, annotator="chi", count=24, without=others)) == [3]


def test_a_picture_taken_out_with_its_import_comes_on_no_screen(seen: Workspace) -> None:
    with seen.writing() as connection:
        places.take_out(connection, [3, 4], import_id=1)
    others = set(range(5, 25))
    assert next_screen(seen, annotator="ada", count=24, without=others).tiles == []
    assert ids(screen_among(seen, annotator="ada", count=24, among=[3, 4])) == []
    with seen.writing() as connection:
        places.put_back(connection, [3])
    assert ids(next_screen(seen, annotator="ada", count=24, without=others)) == [3]


def test_pictures_that_came_after_the_training_come_last(seen: Workspace, tmp_path: Path) -> None:
    for number in range(3):
        write_picture(tmp_path / "more" / f"{number}.png", 100 + number)
    pictures.import_images(seen, tmp_path / "more")
    assert not {25, 26, 27} & set(ids(next_screen(seen, annotator="ada", count=24)))
    last = next_screen(seen, annotator="ada", count=24, without=set(range(1, 25)))
    assert (sorted(ids(last)), last.order, last.run) == ([25, 26, 27], "queue", 1)
    mixed = screen_among(seen, annotator="ada", count=24, among=[25, 4, 7])
    assert ids(mixed)[2] == 25 and mixed.order == "alike"


@pytest.mark.parametrize("damage", ["nothing", "no array", "other lengths", "no rows"])
def test_without_usable_vectors_they_come_in_queue_order(workspace: Workspace, damage: str) -> None:
    label(workspace, 1, "owl", by="import")
    label(workspace, 2, "tug", by="import")
    folder = workspace.run_folder(finish_run(workspace, 24))
    if damage == "nothing":
        (folder / "embeddings.npy").unlink()
    elif damage == "no array":
        (folder / "embeddings.npy").write_bytes(b"PK nonsense")
    elif damage == "other lengths":
        np.save(folder / "embedding_images.npy", np.arange(5))
    else:
        np.save(folder / "embeddings.npy", np.zeros((0, 8), dtype=np.float16))
        np.save(folder / "embedding_images.npy", np.zeros(0, dtype=np.int64))
    screen = next_screen(workspace, annotator="ada", count=5)
    assert ids(screen) == [item.image.id for item in upcoming(workspace, count=5)]
    assert (screen.run, screen.order) == (1, "queue")
    assert screen_among(workspace, annotator="ada", count=5, among=[3, 4]).order == "queue"


def test_compact_vectors_are_kept_and_made_anew_when_damaged(seen: Workspace) -> None:
    folder = seen.run_folder(1)
    keep(folder, np.load(folder / IMAGES), np.load(folder / VECTORS))
    kept = folder / COMPACT
    made = kept.read_bytes()
    kept.write_bytes(b"nonsense")
    expected = ids(next_screen(seen, annotator="ada", count=6))
    assert kept.read_bytes() == made
    assert len({heap_of(i) for i in expected}) == 1


def test_an_after_that_is_none_is_refused(seen: Workspace) -> None:
    for after in ("here", "1", "1:x", "-1:2", "1:²", "1:" + "9" * 50):
        with pytest.raises(BadRequest):
            next_screen(seen, annotator="ada", count=5, after=after)
    assert next_screen(seen, annotator="ada", count=5, after="7:3").tiles  # of a run before: begins anew


# --- over HTTP --------------------------------------------------------------------------------------------------------


@pytest.fixture
def client(seen: Workspace, monkeypatch: pytest.MonkeyPatch) -> Iterator[TestClient]:
    monkeypatch.setenv("HMGC_WORKSPACE", str(seen.folder))
    headers = {security.TOKEN_HEADER: security.sign(seen.secret(), "ada")}
    app = Starlette(routes=routes, middleware=middleware)
    with TestClient(app, base_url="http://127.0.0.1:8501", headers=headers) as client:
        yield client


def test_the_route_tells_all_that_a_screen_needs(client: TestClient, tiny_tree) -> None:
    answer = client.get("/api/alike?n=4").json()
    assert (answer["run"], answer["order"]) == (1, "alike")
    assert (answer["counts"]["images"], answer["counts"]["labelled"]) == (24, 2)
    assert answer["reserve_s"] == QueueRules().reserve_s
    assert answer["taxonomy"] == {"version": 1, "hash": tiny_tree.content_hash}
    assert [item.keys() for item in answer["items"]] == [{"id", "width", "height", "suggestion"}] * 4
    shown = ",".join(str(item["id"]) for item in answer["items"])
    following = client.get(f"/api/alike?n=4&after={answer['after']}&without={shown}").json()
    assert not {item["id"] for item in following["items"]} & {item["id"] for item in answer["items"]}
    again = client.get(f"/api/alike?n=60&among={shown}").json()
    assert {item["id"] for item in again["items"]} == {item["id"] for item in answer["items"]}


def test_the_route_brings_suggestions(predicted_workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HMGC_WORKSPACE", str(predicted_workspace.folder))
    headers = {security.TOKEN_HEADER: security.sign(predicted_workspace.secret(), "ada")}
    with TestClient(Starlette(routes=routes), base_url="http://127.0.0.1:8501", headers=headers) as client:
        items = client.get("/api/alike?n=4").json()["items"]
    assert items[0]["suggestion"].keys() == {"run", "node", "probability", "path", "top"}


def test_the_route_gives_at_least_one_and_at_most_a_screen(client: TestClient) -> None:
    assert len(client.get("/api/alike?n=0").json()["items"]) == 1
    assert 1 < len(client.get(f"/api/alike?n={10**9}").json()["items"]) <= MOST_TILES


@pytest.mark.parametrize(
    "query",
    ["n=many", "n=-1", "after=there", "after=1:2:3", "without=a", "without=1,,2", "among=-1", "among=1;2",
     "without=" + ",".join(["1"] * (MOST_NAMED + 1))],
)  # fmt: skip
def test_a_screen_that_cannot_be_meant_is_refused(client: TestClient, query: str) -> None:
    response = client.get(f"/api/alike?{query}")
    assert 400 <= response.status_code < 500
    assert response.json().keys() == {"error", "remedy"}


def test_the_route_wants_a_token_and_a_get(client: TestClient) -> None:
    assert client.get("/api/alike", headers={security.TOKEN_HEADER: "wrong"}).status_code == 401
    response = client.post("/api/alike", json={})
    assert response.status_code == 405
    assert response.json().keys() == {"error", "remedy"}
