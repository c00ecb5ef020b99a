"""The routes beside Streamlit, over HTTP and a real workspace."""

import gzip
import io
import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from conftest import TINY_EDGES, label, write_picture
from PIL import Image
from starlette.applications import Starlette
from starlette.testclient import TestClient

from app import security
from app.server.lifespan import send_at_once
from app.server.middleware import middleware
from app.server.pictures import WIDTHS
from app.server.routes import routes
from app.server.trees import packed
from hmgc_core.taxonomy import Taxonomy
from hmgc_core.workflow import labelling, pictures, queues, taxonomies, workspaces
from hmgc_core.workflow.workspaces import Workspace

UID = "0d6e4079-e36f-4c43-8b3c-{:012d}"


@contextmanager
def browser(ws: Workspace, monkeypatch: pytest.MonkeyPatch) -> Iterator[TestClient]:
    """A browser of Ada's, with a valid token."""
    monkeypatch.setenv("HMGC_WORKSPACE", str(ws.folder))
    headers = {security.TOKEN_HEADER: security.sign(ws.secret(), "ada")}
    app = Starlette(routes=routes, middleware=middleware)
    with TestClient(app, base_url="http://127.0.0.1:8501", headers=headers) as client:
        yield client


@pytest.fixture
def client(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> Iterator[TestClient]:
    with browser(workspace, monkeypatch) as client:
        yield client


@pytest.fixture(scope="module")
def untouched(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """One workspace for all tests that are turned away: whoever manages to write in it is found out."""
    folder = tmp_path_factory.mktemp("untouched")
    ws = workspaces.open_workspace(folder / "workspace")
    taxonomies.store_taxonomy(ws, Taxonomy.from_edges(TINY_EDGES), source="tiny.csv")
    for number in range(3):
        write_picture(folder / "photos" / f"{number}.png", number)
    pictures.import_images(ws, folder / "photos")
    return ws


@pytest.fixture
def guest(untouched: Workspace, monkeypatch: pytest.MonkeyPatch) -> Iterator[TestClient]:
    with browser(untouched, monkeypatch) as client:
        yield client


def a_label(number: int = 1, **changes: object) -> dict[str, object]:
    return {
        "uid": UID.format(number),
        "image_id": 1,
        "node": "bird",
        "kind": "is",
        "taxonomy": 1,
        "seconds": 1.5,
    } | changes


def said(workspace: Workspace, image_id: int = 1) -> list[tuple[str, str, str]]:
    return [(a.annotator, a.kind, a.node) for a in labelling.image_history(workspace, image_id) if not a.withdrawn]


# --- the frame --------------------------------------------------------------------------------------------------------


def test_health_says_that_the_app_is_up(guest: TestClient) -> None:
    assert guest.get("/api/health").json()["status"] == "ok"


@pytest.mark.parametrize(
    "path", ["/api", "/api/", "/api/nothing", "/api/images", "/api/labels/x/y/z", "/api/images/1/2"]
)
def test_an_unknown_path_answers_json(guest: TestClient, path: str) -> None:
    response = guest.get(path)
    assert response.status_code == 404
    assert response.json().keys() == {"error", "remedy"}


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/api/health"),
        ("GET", "/api/labels"),
        ("DELETE", "/api/images/1"),
        ("PUT", "/api/queue"),
        ("FOO", "/api/queue"),
    ],
)
def test_a_wrong_method_answers_json_and_names_the_right_ones(guest: TestClient, method: str, path: str) -> None:
    response = guest.request(method, path)
    assert response.status_code == 405
    assert response.json().keys() == {"error", "remedy"}
    assert response.headers["allow"]


def test_a_mistake_of_ours_is_told_without_its_stack(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_args: object, **_kwargs: object) -> None:
        raise RuntimeError("the secret path /home/ada")

    monkeypatch.setattr(queues, "next_pictures", broken)
    response = client.get("/api/queue")
    assert response.status_code == 500
    assert response.json().keys() == {"error", "remedy"}
    assert "ada" not in response.text and "Traceback" not in response.text


def test_answers_are_sent_at_once() -> None:
    with socket.socket() as listening:  # made as Streamlit makes its own
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        assert not listening.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        send_at_once()
        assert listening.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


# --- labels -----------------------------------------------------------------------------------------------------------


def test_a_label_is_stored_with_all_that_it_says(client: TestClient, workspace: Workspace) -> None:
    shown = {"suggestion": "owl", "run": 3}
    response = client.post("/api/labels", json=a_label(shown=shown))
    assert response.json() == {"saved": 1, "new": 1, "counts": {"images": 24, "labelled": 1, "at": 1}}
    (stored,) = labelling.image_history(workspace, 1)
    assert (stored.annotator, stored.node, stored.kind, stored.seconds) == ("ada", "bird", "is", 1.5)


@pytest.mark.parametrize(("kind", "node"), [("is", "life"), ("is_not", "owl"), ("none_here", "bird"), ("unusable", "")])
def test_every_kind_is_taken(client: TestClient, workspace: Workspace, kind: str, node: str) -> None:
    assert client.post("/api/labels", json=a_label(kind=kind, node=node)).status_code == 200
    assert said(workspace) == [("ada", kind, node)]


def test_sending_a_label_again_changes_nothing(client: TestClient, workspace: Workspace) -> None:
    client.post("/api/labels", json=a_label())
    again = client.post("/api/labels", json={"labels": [a_label(), a_label()]}).json()
    assert (again["saved"], again["new"]) == (2, 0)
    assert len(said(workspace)) == 1


def test_a_batch_is_stored_in_its_order(client: TestClient, workspace: Workspace) -> None:
    batch = [a_label(1, kind="is_not", node="owl"), a_label(2, node="bird"), a_label(3, image_id=2, node="ship")]
    assert client.post("/api/labels", json={"labels": batch}).json()["new"] == 3
    assert said(workspace) == [("ada", "is_not", "owl"), ("ada", "is", "bird")]
    assert said(workspace, 2) == [("ada", "is", "ship")]


def test_a_batch_with_one_bad_label_stores_none(client: TestClient, workspace: Workspace) -> None:
    assert client.post("/api/labels", json={"labels": [a_label(1), a_label(2, node="dragon")]}).status_code == 422
    assert said(workspace) == []


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"node": "dragon"}, 422),
        ({"taxonomy": 99}, 422),
        ({"image_id": 9999}, 404),
        ({"image_id": 2**80}, 400),
        ({"image_id": -1}, 400),
        ({"image_id": "1"}, 400),
        ({"image_id": True}, 400),
        ({"image_id": 1.5}, 400),
        ({"image_id": None}, 400),
        ({"taxonomy": "1"}, 400),
        ({"node": 7}, 400),
        ({"node": ["bird"]}, 400),
        ({"kind": "maybe"}, 400),
        ({"kind": None}, 400),
        ({"kind": "is_not", "node": "life"}, 400),
        ({"kind": "unusable", "node": "bird"}, 400),
        ({"uid": ""}, 400),
        ({"uid": "x" * 200}, 400),
        ({"uid": 12345678}, 400),
        ({"uid": "emoji-🐦-emoji"}, 400),
        ({"uid": "\ud800abcdefgh"}, 400),
        ({"seconds": "long"}, 400),
        ({"seconds": -1}, 400),
        ({"seconds": 10**400}, 400),
        ({"shown": "this"}, 400),
        ({"shown": {"a": "x" * 5000}}, 400),
        ({"shown": {"a": [[[[[1]]]]]}}, 400),
    ],
)
def test_a_label_that_cannot_be_meant_is_refused(
    guest: TestClient, untouched: Workspace, changes: dict[str, object], status: int
) -> None:
    response = guest.post(
        "/api/labels", content=json.dumps(a_label(**changes)), headers={"content-type": "application/json"}
    )
    assert response.status_code == status
    assert response.json().keys() == {"error", "remedy"}
    assert said(untouched) == []


@pytest.mark.parametrize(
    "body",
    [
        b"{", b"nonsense", b"[]", b"1", b"null", b'"text"', b"\xff\xfe\x00", b'{"labels": []}', b'{"labels": {}}',
        b'{"labels": [1]}', b'{"labels": [[]]}', b"{}", b"[" * 50_000, b'{"seconds": NaN}',
        b'{"image_id": ' + b"9" * 9000 + b"}",
    ],
)  # fmt: skip
def test_what_is_no_label_is_refused(guest: TestClient, body: bytes) -> None:
    response = guest.post("/api/labels", content=body, headers={"content-type": "application/json"})
    assert response.status_code == 400
    assert response.json().keys() == {"error", "remedy"}


def test_text_that_looks_like_code_is_only_text(client: TestClient, workspace: Workspace) -> None:
    uid = "x'); DROP TABLE annotation; --"
    assert client.post("/api/labels", json=a_label(uid=uid)).status_code == 200
    assert client.post("/api/labels", json=a_label(2, node="' OR 1=1 --")).status_code == 422
    assert said(workspace) == [("ada", "is", "bird")]


def test_a_label_made_in_an_older_tree_is_kept(client: TestClient, workspace: Workspace, tiny_tree) -> None:
    edges = [(key, tiny_tree.keys[p]) for key, p in zip(tiny_tree.keys[1:], tiny_tree.parents[1:], strict=True)]
    newer = type(tiny_tree).from_edges([edge for edge in edges if "owl" not in edge])
    taxonomies.store_taxonomy(workspace, newer, source="newer", to_ancestor=True)
    assert client.post("/api/labels", json=a_label(node="owl", taxonomy=1)).status_code == 200
    assert said(workspace) == [("ada", "is", "owl")]


# --- withdrawals ------------------------------------------------------------------------------------------------------


def test_a_label_can_be_taken_back_and_that_twice(client: TestClient, workspace: Workspace) -> None:
    client.post("/api/labels", json=a_label(node="ship"))
    client.post("/api/labels", json=a_label(2, node="bird"))
    for _ in range(2):
        assert client.post(f"/api/labels/{UID.format(2)}/withdraw", json={}).status_code == 200
    assert said(workspace) == [("ada", "is", "ship")]
    assert len(labelling.image_history(workspace, 1)) == 2


def test_nobody_takes_back_the_label_of_another(client: TestClient, workspace: Workspace) -> None:
    uid = label(workspace, 1, "bird", by="grace")
    for wanted in (uid, UID.format(5), "%00", "..%2f..%2fetc"):
        response = client.post(f"/api/labels/{wanted}/withdraw", json={})
        assert 400 <= response.status_code < 500
        assert response.json().keys() == {"error", "remedy"}
    assert said(workspace) == [("grace", "is", "bird")]


# --- the queue --------------------------------------------------------------------------------------------------------


def test_the_queue_gives_what_nobody_has_labelled(client: TestClient, workspace: Workspace) -> None:
    first = client.get("/api/queue?n=5").json()
    label(workspace, first["items"][0]["id"], "bird", by="grace")
    again = client.get("/api/queue?n=5").json()
    assert [item["id"] for item in again["items"][:4]] == [item["id"] for item in first["items"][1:]]
    assert again["counts"] == {"images": 24, "labelled": 1, "at": 1}


def test_the_queue_goes_on_after_an_item(client: TestClient) -> None:
    seen, after = [], ""
    while items := client.get("/api/queue", params={"n": 7, "after": after}).json()["items"]:
        seen += [item["id"] for item in items]
        after = items[-1]["after"]
    assert sorted(seen) == list(range(1, 25))


def test_the_queue_names_the_class_tree_and_the_sizes(client: TestClient, tiny_tree) -> None:
    answer = client.get("/api/queue?n=1").json()
    assert answer["taxonomy"] == {"version": 1, "hash": tiny_tree.content_hash}
    (item,) = answer["items"]
    assert (item["width"], item["height"], item["suggestion"]) == (48, 48, None)


def test_the_queue_brings_the_suggestion_of_the_newest_run(client: TestClient, predicted_workspace: Workspace) -> None:
    items = client.get("/api/queue?n=12").json()["items"]
    suggestion = next(item["suggestion"] for item in items if item["id"] == 21)
    assert suggestion["run"] == 1 and suggestion["node"] == "gull-like"
    assert suggestion["path"] == [["bird", 0.95], ["albatross", 0.85], ["gull-like", 0.75]]
    assert suggestion["top"] == [["gull-like", 0.75]]


@pytest.mark.parametrize("query", ["n=many", "n=-1", "n=1e3", "after=there", "after=1:2:3", "after=" + "9" * 60 + ":1"])
def test_a_queue_that_cannot_be_meant_is_refused(guest: TestClient, query: str) -> None:
    response = guest.get(f"/api/queue?{query}")
    assert 400 <= response.status_code < 500
    assert response.json().keys() == {"error", "remedy"}


# --- the class tree ---------------------------------------------------------------------------------------------------


def test_the_class_tree_is_small_and_kept_by_the_browser(client: TestClient, tiny_tree) -> None:
    response = client.get(f"/api/taxonomy/{tiny_tree.content_hash}")
    assert response.headers["content-encoding"] == "gzip"
    assert "immutable" in response.headers["cache-control"]
    assert response.json()["keys"] == list(tiny_tree.keys)
    assert response.json()["parents"] == tiny_tree.parents.tolist()


def test_the_class_tree_comes_plain_to_who_asks_for_that(client: TestClient, tiny_tree) -> None:
    headers = {"accept-encoding": "identity"}
    response = client.get(f"/api/taxonomy/{tiny_tree.content_hash}", headers=headers)
    assert "content-encoding" not in response.headers
    assert response.json()["keys"] == list(tiny_tree.keys)


def test_the_same_class_tree_is_the_same_bytes(tiny_tree) -> None:
    assert packed.__wrapped__(tiny_tree) == packed.__wrapped__(tiny_tree)
    assert json.loads(gzip.decompress(packed(tiny_tree)))["keys"] == list(tiny_tree.keys)


@pytest.mark.parametrize("content_hash", ["0" * 64, "x", "..%2f..", "%00"])
def test_an_unknown_class_tree_answers_json(guest: TestClient, content_hash: str) -> None:
    response = guest.get(f"/api/taxonomy/{content_hash}")
    assert response.status_code == 404
    assert response.json().keys() == {"error", "remedy"}


# --- pictures ---------------------------------------------------------------------------------------------------------


def test_a_picture_is_jpeg_and_no_larger_than_it_was(client: TestClient) -> None:
    response = client.get("/api/images/1?w=1000")
    assert response.headers["content-type"] == "image/jpeg"
    assert response.headers["x-content-type-options"] == "nosniff"
    assert "immutable" in response.headers["cache-control"]
    assert Image.open(io.BytesIO(response.content)).size == (48, 48)


def test_a_large_picture_comes_in_a_few_widths_and_is_kept(client: TestClient, workspace: Workspace, tmp_path) -> None:
    (tmp_path / "large").mkdir()
    Image.radial_gradient("L").resize((2000, 1000)).save(tmp_path / "large" / "a.png")
    pictures.import_images(workspace, tmp_path / "large")
    sizes = {w: Image.open(io.BytesIO(client.get(f"/api/images/25?w={w}").content)).size for w in (1, 300, 321, 9000)}
    assert sizes == {1: (96, 48), 300: (320, 160), 321: (640, 320), 9000: (2000, 1000)}
    assert len(list(workspace.cache.rglob("*.jpg"))) == len(sizes)
    (tmp_path / "large" / "a.png").unlink()
    assert client.get("/api/images/25?w=300").status_code == 200


def test_a_small_jpeg_is_sent_as_it_is_and_made_anew_only_to_be_smaller(
    client: TestClient, workspace: Workspace, tmp_path
) -> None:
    (tmp_path / "small").mkdir()
    Image.radial_gradient("L").resize((500, 300)).save(tmp_path / "small" / "a.jpg", quality=60)
    pictures.import_images(workspace, tmp_path / "small")
    content = (tmp_path / "small" / "a.jpg").read_bytes()
    assert client.get("/api/images/25?w=1280").content == client.get("/api/images/25?w=500").content == content
    assert not list(workspace.cache.rglob("*.jpg"))
    smaller = client.get("/api/images/25?w=300").content
    assert smaller != content and Image.open(io.BytesIO(smaller)).size == (320, 192)


def test_a_jpeg_that_was_cut_off_later_is_named_rather_than_sent(
    client: TestClient, workspace: Workspace, tmp_path
) -> None:
    (tmp_path / "small").mkdir()
    Image.radial_gradient("L").save(tmp_path / "small" / "a.jpg")
    pictures.import_images(workspace, tmp_path / "small")
    content = (tmp_path / "small" / "a.jpg").read_bytes()
    (tmp_path / "small" / "a.jpg").write_bytes(content[: len(content) // 2])
    response = client.get("/api/images/25")
    assert response.status_code == 404 and "cut off" in response.json()["error"]


def test_the_address_that_names_the_workspace_lasts_longest(client: TestClient, workspace: Workspace) -> None:
    of = security.fingerprint(workspace.secret())
    assert "max-age=31536000" in client.get(f"/api/images/1?of={of}").headers["cache-control"]
    assert "max-age=3600" in client.get("/api/images/1").headers["cache-control"]
    assert client.get("/api/images/1?of=another").status_code == 404


@pytest.mark.parametrize(
    "path", ["0", "9999", "-1", "x", "1.5", "٣", "9" * 30, "9" * 5000, "%2e%2e%2fsecret", "1?w=wide"]
)
def test_a_picture_that_is_not_there_answers_json(guest: TestClient, path: str) -> None:
    response = guest.get(f"/api/images/{path}")
    assert response.status_code == 404
    assert response.json().keys() == {"error", "remedy"}


def test_a_picture_file_that_went_missing_is_named(client: TestClient, tmp_path) -> None:
    for file in (tmp_path / "photos").iterdir():
        file.unlink()
    response = client.get("/api/images/1")
    assert response.status_code == 404
    assert response.json()["remedy"]
    assert response.headers["cache-control"] == "no-store"


def test_few_sizes_are_made() -> None:
    assert len(WIDTHS) <= 9 and list(WIDTHS) == sorted(WIDTHS)


def test_the_overview_is_found_under_its_name(client: TestClient) -> None:
    answer = client.get("/overview", follow_redirects=False)
    assert (answer.status_code, answer.headers["location"].split("//")[-1].partition("/")[2]) == (307, "")
