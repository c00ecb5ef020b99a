"""The routes of queues, over HTTP: whose hands pictures are in, and what a page may ask."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from conftest import label
from starlette.testclient import TestClient
from test_routes import a_label, browser

from app import security
from hmgc_core.records import QueueRules
from hmgc_core.workflow import queues
from hmgc_core.workflow.workspaces import Workspace


@pytest.fixture
def client(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> Iterator[TestClient]:
    with browser(workspace, monkeypatch) as client:
        yield client


def headers(ws: Workspace, name: str) -> dict[str, str]:
    return {security.TOKEN_HEADER: security.sign(ws.secret(), name)}


def items(client: TestClient, query: str = "n=48", **more: dict[str, str]) -> list[int]:
    answer = client.get(f"/api/queue?{query}", **more)  # type: ignore[arg-type]
    assert answer.status_code == 200, answer.text
    return [item["id"] for item in answer.json()["items"]]


def test_twenty_browsers_at_once_get_different_pictures(client: TestClient, workspace: Workspace) -> None:
    people = [headers(workspace, f"person {number}") for number in range(20)]
    with ThreadPoolExecutor(20) as pool:
        handed = list(pool.map(lambda who: items(client, "n=1", headers=who), people))
    flat = [image for some in handed for image in some]
    assert len(flat) == len(set(flat)) == 20


def test_the_answer_says_how_long_pictures_are_reserved_and_what_is_left(
    client: TestClient, workspace: Workspace
) -> None:
    queues.set_rules(workspace, QueueRules(reserve_s=120))
    first = client.get("/api/queue?n=20").json()
    assert (first["reserve_s"], first["people"], first["ended"], first["pass"]) == (120, 1, False, 0)
    others = client.get("/api/queue?n=20", headers=headers(workspace, "ben")).json()
    assert (len(others["items"]), others["ended"], others["left"]) == (4, True, {"skipped": 0, "held": 20})


def test_the_size_of_a_queue_is_told_for_who_asks(client: TestClient, workspace: Workspace) -> None:
    for image_id in (1, 2, 3):
        label(workspace, image_id, "owl")
    assert client.get("/api/queue/size?queue=class:owl").json() == {"left": 3, "total": 3}
    assert client.get("/api/queue/size").json() == {"left": 21, "total": 21}
    assert client.get("/api/queue/size?queue=class:nobody").status_code in (400, 404, 422)
    assert client.get("/api/queue/size", headers={security.TOKEN_HEADER: "x"}).status_code == 401


def test_a_label_from_whoever_is_taken_and_frees_the_picture(client: TestClient, workspace: Workspace) -> None:
    (image,) = items(client, "n=1")
    ben = headers(workspace, "ben")
    assert client.post("/api/labels", json=a_label(image_id=image), headers=ben).status_code == 200
    assert client.post("/api/labels", json=a_label(2, image_id=image)).status_code == 200
    with workspace.reading() as connection:
        assert connection.exec_driver_sql("SELECT COUNT(*) FROM reservation").scalar() == 0


def test_pictures_are_held_and_lost_ones_are_told(client: TestClient, workspace: Workspace) -> None:
    first = items(client, "n=3")
    label(workspace, first[1], "owl", by="ben")
    answer = client.post("/api/queue/hold", json={"queue": "unlabelled", "images": first})
    assert answer.json() == {"held": [first[0], first[2]]}


def test_a_skipped_picture_comes_again_when_asked_for(client: TestClient) -> None:
    (image,) = items(client, "n=1")
    assert client.post("/api/queue/skip", json={"image": image}).json() == {"skipped": image}
    assert image not in items(client)
    assert client.post("/api/queue/again", json={"queue": "unlabelled"}).status_code == 200
    assert items(client)[0] == image


def test_a_class_is_gone_through_once(client: TestClient, labelled_workspace: Workspace) -> None:
    owls = items(client, "n=48&queue=class:owl")
    client.post("/api/labels", json=a_label(image_id=owls[0], node="owl"))
    assert items(client, "n=48&queue=class:owl") == owls[1:]


def test_a_picture_out_of_its_turn_comes_with_ones_own_word_only(client: TestClient, workspace: Workspace) -> None:
    label(workspace, 5, "owl", by="ben")
    assert client.get("/api/queue/images/5").json()["word"] is None
    label(workspace, 5, "bird", kind="none_here")
    answer = client.get("/api/queue/images/5").json()
    assert answer["word"] == {"kind": "none_here", "node": "bird"}
    assert (answer["item"]["id"], answer["item"]["width"]) == (5, 48)
    for wanted, status in (("99", 404), ("x", 404), ("-1", 404)):
        assert client.get(f"/api/queue/images/{wanted}").status_code == status


@pytest.mark.parametrize(
    "query",
    [
        "queue=nothing", "queue=class:dragon", "queue=unsure", "queue=selection:1", "queue=folder:7",
        "queue=folder:1&after=here", "after=nan:1", "after=inf:1", "after=1e999:1", "queue=class:" + "x" * 3000,
    ],
)  # fmt: skip
def test_a_queue_that_cannot_be_meant_is_refused(client: TestClient, query: str) -> None:
    answer = client.get(f"/api/queue?{query}")
    assert 400 <= answer.status_code < 500
    assert answer.json().keys() == {"error", "remedy"}


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("hold", {"queue": "unlabelled"}), ("hold", {"queue": "unlabelled", "images": ["1"]}),
        ("hold", {"queue": 7, "images": [1]}), ("hold", {"images": [True]}), ("hold", {"images": [2**60]}),
        ("hold", {"images": list(range(1, 200))}), ("hold", [1]), ("hold", {"queue": "x", "images": []}),
        ("skip", {}), ("skip", {"image": "1"}), ("skip", {"image": 9999}), ("skip", [1]), ("again", {"queue": "x"}),
        ("again", []),
    ],
)  # fmt: skip
def test_a_wish_that_cannot_be_meant_is_refused(client: TestClient, path: str, body: object) -> None:
    answer = client.post(f"/api/queue/{path}", json=body)
    assert 400 <= answer.status_code < 500
    assert answer.json().keys() == {"error", "remedy"}


@pytest.mark.parametrize("path", ["hold", "skip", "again"])
def test_only_our_own_page_may_ask(client: TestClient, path: str) -> None:
    assert client.post(f"/api/queue/{path}", json={}, headers={security.TOKEN_HEADER: "x"}).status_code == 401
    assert client.post(f"/api/queue/{path}", content="{}").status_code == 415
    assert client.get(f"/api/queue/{path}").status_code == 405
