"""A browser, and the real app on a free port. No browser: skipped, unless HMGC_REQUIRE_BROWSER=1."""

import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
import pytest
from conftest import label
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    Playwright,
    Request,
    expect,
    sync_playwright,
)

from browser.app_server import AppServer
from browser.screen import EDGES, TEXTS, Screen, make_workspace, predict
from hmgc_core.taxonomy import Taxonomy
from hmgc_core.workflow.workspaces import Workspace

WAIT_MS = 30_000
expect.set_options(timeout=WAIT_MS)  # several browsers, and pages that are drawn anew, on a busy machine
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"]
FLAGS += ["--disable-background-networking", "--disable-component-update", "--disable-sync"]
# With the anchor of `profile`: its pages share a process, in which the app's scripts are compiled already.
FLAGS += ["--process-per-site"]

# Streamlit asks for these under the page's own address when a page is opened directly, and gets along without.
STREAMLITS_OWN_404 = ("/_stcore/host-config", "/_stcore/health")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(item.path).is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.browser)


# --- the app ----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def app_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[Path], AppServer]]:
    """app_server(folder): the running app on this workspace, started at the first call; ended after all tests."""
    logs = tmp_path_factory.mktemp("logs")
    servers: dict[Path, AppServer] = {}

    def serve(folder: Path) -> AppServer:
        if folder not in servers:
            servers[folder] = AppServer(folder, logs / f"app-{len(servers)}.log")
            servers[folder].start()
        return servers[folder]

    yield serve
    for server in servers.values():
        server.stop()


# --- the browser ------------------------------------------------------------------------------------------------------


def _chromium(playwright: Playwright) -> str:
    """The machine's Chromium (HMGC_CHROMIUM, PATH), else the one Playwright has downloaded."""
    named = os.environ.get("HMGC_CHROMIUM")
    own = playwright.chromium.executable_path
    found = named or shutil.which("chromium") or shutil.which("chromium-browser") or (own if Path(own).exists() else "")
    if not found:
        message = "no Chromium here: install one, name it in HMGC_CHROMIUM, or run `playwright install chromium`"
        if os.environ.get("HMGC_REQUIRE_BROWSER") == "1":
            pytest.fail(message)
        pytest.skip(message)
    return found


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=_chromium(playwright), args=FLAGS)
        yield browser
        browser.close()


@dataclass
class Watch:
    """What went wrong in a page, and what it asked of other machines."""

    problems: list[str] = field(default_factory=list)
    remote: list[str] = field(default_factory=list)

    def over(self, page: Page) -> None:
        page.on("pageerror", lambda error: self.problems.append(str(error)))
        page.on("console", self._console)
        page.on("request", self._request)

    def _console(self, message: ConsoleMessage) -> None:
        is_known = str(message.location.get("url", "")).endswith(STREAMLITS_OWN_404)
        if message.type == "error" and not is_known:
            self.problems.append(f"{message.text} {message.location.get('url', '')}")

    def _request(self, request: Request) -> None:
        parts = urlsplit(request.url)
        if parts.scheme not in ("data", "blob") and parts.hostname != "127.0.0.1":
            self.remote.append(request.url)


@pytest.fixture
def watch() -> Watch:
    return Watch()


@pytest.fixture
def open_page(browser: Browser, watch: Watch) -> Iterator[Callable[..., Page]]:
    """open_page(**context options): a page in a fresh browser profile; all are watched, and closed after the test.

    No test may load anything from another machine.
    """
    contexts = []

    def opened(**options: object) -> Page:
        context = browser.new_context(**{"viewport": {"width": 1440, "height": 900}, **options})
        context.set_default_timeout(WAIT_MS)
        contexts.append(context)
        context.on("page", watch.over)
        return context.new_page()

    yield opened
    for context in contexts:
        context.close()
    assert watch.remote == []


@pytest.fixture(scope="session")
def profile(browser: Browser) -> Iterator[BrowserContext]:
    """One browser profile for many tests: the app's own files are loaded once, and compiled once.

    An empty page of the app's host keeps the process of its pages alive between the tests.
    """
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    context.set_default_timeout(WAIT_MS)
    anchor = context.new_page()
    anchor.route("**/*", lambda route: route.fulfill(body=""))
    anchor.goto("http://127.0.0.1/")
    yield context
    context.close()


@pytest.fixture
def page(profile: BrowserContext, watch: Watch) -> Iterator[Page]:
    """A page of the shared profile, in which nothing may go wrong."""
    page = profile.new_page()
    watch.over(page)
    yield page
    page.close()
    assert watch.problems == []
    assert watch.remote == []


# --- the annotator ----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def tree() -> Taxonomy:
    return Taxonomy.from_edges(EDGES, TEXTS)


@pytest.fixture(scope="session")
def house(tmp_path_factory: pytest.TempPathFactory, tree: Taxonomy) -> Workspace:
    """A workspace for many tests; each labels pictures of its own."""
    ws = make_workspace(tmp_path_factory.mktemp("house"), 160, tree)
    predict(ws)
    return ws


@pytest.fixture
def screen(page: Page, house: Workspace, app_server: Callable[[Path], AppServer]) -> Screen:
    return Screen(page, house).open(app_server(house.folder))


@pytest.fixture(scope="session")
def desk_house(tmp_path_factory: pytest.TempPathFactory, tree: Taxonomy) -> Workspace:
    """A workspace for the tests of the desk: with labelled pictures of four classes, and embeddings of all of them."""
    ws = make_workspace(tmp_path_factory.mktemp("desk"), 160, tree)
    predict(ws)
    for place, node in enumerate(("black-footed", "black-footed", "gull-like", "owl", "tug", "bird")):
        label(ws, 21 + place, node, by="ben")
    ws.run_folder(1).mkdir(parents=True)
    np.save(ws.run_folder(1) / "embeddings.npy", np.random.default_rng(0).normal(size=(160, 8)).astype(np.float16))
    np.save(ws.run_folder(1) / "embedding_images.npy", np.arange(1, 161))
    return ws


@pytest.fixture
def desk(page: Page, desk_house: Workspace, app_server: Callable[[Path], AppServer]) -> Screen:
    """A page in a browser that knows nobody yet, in which nothing may go wrong."""
    server = app_server(desk_house.folder)
    forget(page, server.url)
    return Screen(page, desk_house).open(server)


def forget(page: Page, origin: str) -> None:
    """The browser forgets what it kept for the app, but for the app's own files: those would take long to load."""
    page.context.clear_cookies()
    session = page.context.new_cdp_session(page)
    kept = "local_storage,session_storage,indexeddb,service_workers,cache_storage"
    session.send("Storage.clearDataForOrigin", {"origin": origin, "storageTypes": kept})
    session.detach()


@pytest.fixture
def loud(open_page: Callable[..., Page], house: Workspace, app_server: Callable[[Path], AppServer]) -> Screen:
    """A page that may complain: its requests fail on purpose."""
    return Screen(open_page(), house).open(app_server(house.folder))


@pytest.fixture
def own(
    tmp_path: Path, tree: Taxonomy, open_page: Callable[..., Page], app_server: Callable[[Path], AppServer]
) -> Iterator[tuple[Screen, AppServer]]:
    """A small workspace and an app of one's own, to break."""
    ws = make_workspace(tmp_path, 14, tree)
    server = app_server(ws.folder)
    yield Screen(open_page(), ws).open(server), server
    server.stop()
