"""The routes of the map, over HTTP and a real workspace."""

import gzip
from collections.abc import Iterator

import numpy as np
import pytest
from conftest import label
from starlette.testclient import TestClient
from test_routes import browser

from app import security
from hmgc_core import worker
from hmgc_core.store import predictions
from hmgc_core.workflow import map_colours, picture_maps
from hmgc_core.workflow.embeddings import keep
from hmgc_core.workflow.workspaces import Workspace


@pytest.fixture
def mapped(predicted_workspace: Workspace) -> Workspace:
    ws = predicted_workspace
    ws.run_folder(1).mkdir(parents=True, exist_ok=True)
    vectors = np.random.default_rng(0).normal(size=(24, 8)).astype(np.float16)
    keep(ws.run_folder(1), np.arange(1, 25), vectors)
    picture_maps.ask(ws, 1)
    worker.work(ws, once=True)
    return ws


@pytest.fixture
def client(mapped: Workspace, monkeypatch: pytest.MonkeyPatch) -> Iterator[TestClient]:
    with browser(mapped, monkeypatch) as client:
        yield client


def test_points_come_compressed_and_stay_in_the_browser(client: TestClient, mapped: Workspace) -> None:
    made = picture_maps.newest_map(mapped, 1)
    assert made is not None
    of = security.fingerprint(mapped.secret())
    response = client.get(f"/api/maps/{made.task}/points?of={of}")
    assert response.headers["content-encoding"] == "gzip"
    assert response.headers["cache-control"] == "private, max-age=31536000, immutable"
    assert response.headers["content-type"] == "application/octet-stream"
    assert response.content == gzip.decompress(picture_maps.packed_points(made))
    plain = client.get(f"/api/maps/{made.task}/points", headers={"accept-encoding": "identity"})
    assert "content-encoding" not in plain.headers and plain.content == response.content
    assert "max-age=3600" in plain.headers["cache-control"]


def test_colours_come_under_their_name(client: TestClient, mapped: Workspace) -> None:
    codes = np.arange(24, dtype=np.uint8)
    name = map_colours.leave_codes(mapped, 1, codes)
    assert client.get(f"/api/maps/1/colours/{name}").content == codes.tobytes()


def test_one_picture_is_told_with_its_label(client: TestClient, mapped: Workspace) -> None:
    assert client.get("/api/maps/1/pictures/1").json() == {
        "answer": "owl", "share": 0.85, "label": "gull-like", "verdict": "wrong"
    }  # fmt: skip
    assert client.get("/api/maps/1/pictures/24").json()["verdict"] == "unlabelled"
    label(mapped, 24, "bird")
    told = client.get("/api/maps/1/pictures/24").json()
    assert (told["label"], told["verdict"]) == ("bird", "right")


def test_a_picture_that_was_taken_out_since_is_not_on_the_map(client: TestClient, mapped: Workspace) -> None:
    with mapped.writing() as connection:
        predictions.replace_all(connection, 1, [])
    response = client.get("/api/maps/1/pictures/3")
    assert response.status_code == 404
    assert response.json()["error"] == "image 3 is not on this map"


@pytest.mark.parametrize(
    "path",
    [
        "/api/maps/7/points",
        "/api/maps/x/points",
        "/api/maps/1/points?of=another",
        "/api/maps/1/colours/nothing",
        "/api/maps/1/colours/..%2f..%2fhmgc",
        "/api/maps/1/pictures/999",
        "/api/maps/7/pictures/1",
        "/api/maps/1",
    ],
)
def test_what_is_not_there_answers_404_as_json(client: TestClient, path: str) -> None:
    response = client.get(path)
    assert response.status_code == 404
    assert response.json().keys() == {"error", "remedy"}


def test_nobody_without_a_token_sees_labels(client: TestClient) -> None:
    assert client.get("/api/maps/1/pictures/1", headers={security.TOKEN_HEADER: "made up"}).status_code == 401


def test_a_map_is_read_only(client: TestClient) -> None:
    assert client.post("/api/maps/1/points").status_code == 405
