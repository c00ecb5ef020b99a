"""Who may write, from where, and that text stays text."""

import time
from collections.abc import Iterator

import pytest
from conftest import TINY_EDGES, write_picture
from starlette.applications import Starlette
from starlette.routing import WebSocketRoute
from starlette.testclient import TestClient, WebSocketDenialResponse
from starlette.websockets import WebSocket, WebSocketDisconnect

from app import security
from app.server.middleware import middleware
from app.server.routes import routes
from app.server.writes import LONGEST_BODY
from hmgc_core.errors import NotAllowed
from hmgc_core.taxonomy import Taxonomy
from hmgc_core.workflow import labelling, pictures, taxonomies, workspaces
from hmgc_core.workflow.workspaces import Workspace

HERE = "http://127.0.0.1:8501"
LABEL = {"uid": "0d6e4079-e36f", "image_id": 1, "node": "bird", "kind": "is", "taxonomy": 1, "seconds": 1}
WRITES = ("/api/labels", "/api/labels/0d6e4079-e36f/withdraw", "/api/session")


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
def client(untouched: Workspace, monkeypatch: pytest.MonkeyPatch) -> Iterator[TestClient]:
    """A browser without a token."""
    monkeypatch.setenv("HMGC_WORKSPACE", str(untouched.folder))

    async def echo(socket: WebSocket) -> None:
        await socket.accept()
        await socket.send_text("hello")
        await socket.close()

    app = Starlette(routes=[*routes, WebSocketRoute("/_stcore/stream", echo)], middleware=middleware)
    with TestClient(app, base_url=HERE) as client:
        yield client


@pytest.fixture
def token(untouched: Workspace) -> dict[str, str]:
    return {security.TOKEN_HEADER: security.sign(untouched.secret(), "ada")}


def rows(ws: Workspace) -> int:
    return len(labelling.image_history(ws, 1))


# --- tokens -----------------------------------------------------------------------------------------------------------


def test_a_token_says_who_labels() -> None:
    assert security.annotator_of("secret", security.sign("secret", "Ada 🐦")) == "Ada 🐦"


@pytest.mark.parametrize("token", ["", "x", "a.b.c", "🐦"])
def test_a_made_up_token_is_refused(token: str) -> None:
    with pytest.raises(NotAllowed):
        security.annotator_of("secret", token)


def test_a_token_of_another_workspace_is_refused() -> None:
    with pytest.raises(NotAllowed):
        security.annotator_of("secret", security.sign("other", "ada"))


def test_an_old_token_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    token = security.sign("secret", "ada")
    later = time.time() + security.TOKEN_LIFE_S + 60
    monkeypatch.setattr("itsdangerous.timed.time.time", lambda: later)
    with pytest.raises(NotAllowed, match="too long ago"):
        security.annotator_of("secret", token)


@pytest.mark.parametrize("path", WRITES)
@pytest.mark.parametrize(
    "wrong", [{}, {security.TOKEN_HEADER: "x"}, {security.TOKEN_HEADER: security.sign("other", "ada")}]
)
def test_a_write_without_a_valid_token_is_refused(
    client: TestClient, untouched: Workspace, path: str, wrong: dict[str, str]
) -> None:
    response = client.post(path, json=LABEL, headers=wrong)
    assert response.status_code == 401
    assert response.json()["remedy"]
    assert rows(untouched) == 0


def test_a_cookie_alone_does_not_write(client: TestClient, token: dict[str, str], untouched: Workspace) -> None:
    assert client.post("/api/session", json={}, headers=token).status_code == 200
    assert client.post("/api/labels", json=LABEL).status_code == 401
    assert rows(untouched) == 0


def test_the_queue_needs_a_token(client: TestClient, token: dict[str, str]) -> None:
    assert client.get("/api/queue").status_code == 401
    assert client.get("/api/queue", headers=token).status_code == 200


def test_a_session_keeps_the_token_where_no_script_reads_it(client: TestClient, token: dict[str, str]) -> None:
    response = client.post("/api/session", json={}, headers=token)
    assert response.json() == {"annotator": "ada"}
    cookie = response.headers["set-cookie"].lower()
    (name,) = client.cookies
    assert cookie.startswith(f"{name}=") and name.startswith("hmgc_annotator_")
    assert "httponly" in cookie and "samesite=lax" in cookie
    assert client.cookies[name] == token[security.TOKEN_HEADER]


def test_workspaces_on_two_ports_of_a_machine_remember_who_labels_each_on_its_own() -> None:
    assert security.cookie_of("a") != security.cookie_of("b")


def test_the_fingerprint_tells_workspaces_apart_and_not_the_secret() -> None:
    assert security.fingerprint("a") != security.fingerprint("b")
    assert security.fingerprint("a") == security.fingerprint("a")
    assert len(security.fingerprint("a" * 64)) == 12


# --- where from -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", WRITES)
@pytest.mark.parametrize(
    "origin", ["http://evil.example", "null", "http://127.0.0.1:9999", "https://127.0.0.1:8501.evil.example"]
)
def test_another_site_cannot_write(
    client: TestClient, token: dict[str, str], untouched: Workspace, path: str, origin: str
) -> None:
    response = client.post(path, json=LABEL, headers={**token, "origin": origin})
    assert response.status_code == 403
    assert response.json().keys() == {"error", "remedy"}
    assert rows(untouched) == 0


def test_the_app_s_own_pages_can_write(client: TestClient, token: dict[str, str]) -> None:
    assert client.post("/api/session", json={}, headers={**token, "origin": HERE}).status_code == 200


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""])
def test_what_a_foreign_form_could_send_is_refused(
    client: TestClient, token: dict[str, str], untouched: Workspace, kind: str
) -> None:
    headers = {**token, "content-type": kind, "origin": "http://evil.example"}
    response = client.post("/api/labels", content=b'{"uid": "x"}', headers=headers)
    assert response.status_code == 415
    assert rows(untouched) == 0


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:8501", "127.0.0.1.evil.example", "", "[::2]:8501", "localhost@evil"]
)
@pytest.mark.parametrize("path", ["/", "/api/health", "/api/labels", "/nowhere"])
def test_an_unknown_host_is_turned_away_everywhere(client: TestClient, host: str, path: str) -> None:
    response = client.get(path, headers={"host": host})
    assert response.status_code == 400
    assert response.json().keys() == {"error", "remedy"}


@pytest.mark.parametrize("host", ["127.0.0.1:8501", "localhost", "LOCALHOST:1", "[::1]:8501"])
def test_this_machine_s_names_are_known(client: TestClient, host: str) -> None:
    assert client.get("/api/health", headers={"host": host}).status_code == 200


def test_further_hosts_can_be_allowed(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HMGC_ALLOWED_HOSTS", "label.example.org, other.example.org")
    assert client.get("/api/health", headers={"host": "label.example.org"}).status_code == 200
    assert client.get("/api/health", headers={"host": "label.example.com"}).status_code == 400


@pytest.mark.parametrize("headers", [{"host": "evil.example"}, {"origin": "http://evil.example"}])
def test_a_socket_from_elsewhere_is_refused(client: TestClient, headers: dict[str, str]) -> None:
    with (
        pytest.raises((WebSocketDenialResponse, WebSocketDisconnect)),
        client.websocket_connect("/_stcore/stream", headers=headers),
    ):
        pass


def test_a_socket_of_our_own_page_is_let_through(client: TestClient) -> None:
    with client.websocket_connect("/_stcore/stream", headers={"origin": HERE, "host": "127.0.0.1:8501"}) as socket:
        assert socket.receive_text() == "hello"


@pytest.mark.parametrize(
    ("origin", "is_same"),
    [(None, True), ("", True), (HERE, True), ("HTTP://127.0.0.1:8501", True), ("http://[", False), ("null", False)],
)
def test_an_origin_is_compared_with_the_host(origin: str | None, is_same: bool) -> None:
    assert security.same_origin(origin, "127.0.0.1:8501") is is_same


def test_every_answer_bounds_what_a_page_may_load(client: TestClient) -> None:
    headers = client.get("/api/health").headers
    assert "img-src 'self'" in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"


# --- size -------------------------------------------------------------------------------------------------------------


def test_a_body_that_is_too_long_is_refused_by_its_header(client: TestClient, token: dict[str, str]) -> None:
    response = client.post("/api/labels", json={**LABEL, "node": "x" * LONGEST_BODY}, headers=token)
    assert response.status_code == 413
    assert response.json().keys() == {"error", "remedy"}


def test_a_body_that_hides_its_length_is_cut_off(client: TestClient, token: dict[str, str]) -> None:
    def endless() -> Iterator[bytes]:
        for _ in range(10_000):
            yield b" " * 1024

    response = client.post("/api/labels", content=endless(), headers={**token, "content-type": "application/json"})
    assert response.status_code == 413


# --- text -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "![x](http://evil.example/a.png)",
        "<img src=x onerror=alert(1)>",
        "[a](javascript:b)",
        ":red[x]",
        "$x$",
        "# title",
        "a\nb",
    ],
)
def test_user_text_in_markdown_stays_text(text: str) -> None:
    escaped = security.escape_markdown(text)
    for sign in "![](<>:$#\n":
        for place, letter in enumerate(escaped):
            assert letter != sign or escaped[place - 1] == "\\" or escaped[place - 1] == "\u2060"
