"""The routes of a class at a glance, over HTTP and a real workspace."""

from collections.abc import Iterator

import numpy as np
import pytest
from conftest import label
from starlette.testclient import TestClient
from test_routes import browser

from app import security
from hmgc_core.workflow.workspaces import Workspace


@pytest.fixture
def client(predicted_workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> Iterator[TestClient]:
    ws = predicted_workspace
    ws.run_folder(1).mkdir(parents=True)
    np.save(ws.run_folder(1) / "embeddings.npy", np.random.default_rng(0).normal(size=(24, 8)).astype(np.float16))
    np.save(ws.run_folder(1) / "embedding_images.npy", np.arange(1, 25))
    with browser(ws, monkeypatch) as client:
        yield client


def test_a_class_comes_with_its_pictures_and_its_siblings(client: TestClient) -> None:
    found = client.get("/api/glance", params={"node": "owl", "without": "2"}).json()
    assert found["node"] == "owl"
    assert found["pictures"] == [6, 10, 14]
    assert [sibling["node"] for sibling in found["siblings"]] == ["albatross", "owl"]
    assert all(len(sibling["pictures"]) <= 2 for sibling in found["siblings"])


def test_the_nearest_come_with_their_labels(client: TestClient) -> None:
    found = client.get("/api/nearest", params={"image": "21"}).json()
    assert found["run"] == 1 and found["known"] is True
    assert len(found["pictures"]) == 8
    assert found["pictures"][0].keys() == {"id", "node", "likeness"}
    likeness = [one["likeness"] for one in found["pictures"]]
    assert likeness == sorted(likeness, reverse=True)


@pytest.mark.parametrize(
    "path",
    [
        "/api/glance",
        "/api/glance?node=dragon",
        "/api/glance?node=owl&without=x",
        "/api/nearest",
        "/api/nearest?image=999",
    ],
)
def test_what_is_not_there_answers_404_as_json(client: TestClient, path: str) -> None:
    response = client.get(path)
    assert response.status_code == 404
    assert response.json().keys() == {"error", "remedy"}


@pytest.mark.parametrize("path", ["/api/glance?node=owl", "/api/nearest?image=1"])
def test_nobody_without_a_token_sees_labels(client: TestClient, path: str) -> None:
    assert client.get(path, headers={security.TOKEN_HEADER: "made up"}).status_code == 401
    assert client.post(path, json={}).status_code == 405


def test_a_label_made_a_moment_ago_is_there(client: TestClient, predicted_workspace: Workspace) -> None:
    label(predicted_workspace, 3, "gull-like", by="ben")
    assert 3 in client.get("/api/glance", params={"node": "gull-like"}).json()["pictures"]
