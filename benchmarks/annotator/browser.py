"""What a person at the screen feels: in Chromium, from the key's own time to the frame with the next picture."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from playwright.sync_api import Browser, BrowserContext, Page, Request, sync_playwright

FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"]
FLAGS += ["--disable-background-networking", "--disable-component-update", "--disable-sync"]
LOADED = ".annotator .picture img"
BETWEEN_KEYS_MS = 60  # about two hundred words a minute
THINK_MS = 300  # between two labels: faster than anybody labels for long
SETTLED_MS = 600  # no message for so long: a rerun is over

# In a message sent from a frame's callback the frame has been handed to the screen.
WATCH_PICTURE = """(picture) => {
  window.hmgcTimes = [];
  let shown = picture.firstChild; // the page may have changed the picture before it comes to this listener
  window.addEventListener("keydown", (event) => {
    if (event.key !== "Enter") return;
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => window.hmgcTimes.push(performance.now() - event.timeStamp);
    const look = () => {
      const image = picture.firstChild;
      if (!image || image === shown || !image.complete) return requestAnimationFrame(look);
      shown = image;
      port2.postMessage(0);
    };
    requestAnimationFrame(look);
  }, { capture: true });
}"""
WATCH_SEARCH = """(field) => {
  window.hmgcTimes = [];
  field.addEventListener("keydown", (event) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => window.hmgcTimes.push(performance.now() - event.timeStamp);
    requestAnimationFrame(() => port2.postMessage(0));
  });
}"""
# Installed before anything else on the page: when the first picture was on screen, counted from the navigation.
WATCH_OPENING = """(() => {
  const picture = () => {
    for (const host of document.querySelectorAll("*")) {
      const found = host.shadowRoot?.querySelector("[data-part=picture] img");
      if (found) return found;
    }
  };
  const look = () => {
    if (!picture()?.complete) return requestAnimationFrame(look);
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => (window.hmgcOpened = performance.now());
    port2.postMessage(0);
  };
  requestAnimationFrame(look);
})()"""
WATCH_SOCKET = """(() => {
  window.hmgcFrames = [];
  const note = () => window.hmgcFrames.push(performance.now());
  window.WebSocket = class extends WebSocket {
    constructor(...given) { super(...given); this.addEventListener("message", note); }
    send(...given) { note(); super.send(...given); }
  };
})()"""
SEARCH = """([source, tree, queries]) => {
  const Tree = new Function(source + "; return Tree")();
  const made = new Tree(tree, { version: 1, hash: "" });
  made.words();
  return queries.map((query) => {
    const start = performance.now();
    made.search(query, 0, 300);
    return performance.now() - start;
  });
}"""


def chromium() -> str:
    """The machine's Chromium. Ends the program with a remedy where there is none."""
    found = os.environ.get("HMGC_CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    if not found:
        raise SystemExit("There is no Chromium here: install one, or name it in HMGC_CHROMIUM.")
    return found


@contextmanager
def running_browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=FLAGS)
        yield browser
        browser.close()


@contextmanager
def profile(browser: Browser, **options: object) -> Iterator[BrowserContext]:
    """A fresh profile: nothing cached, nobody known."""
    context = browser.new_context(**{"viewport": {"width": 1440, "height": 900}, **options})
    context.set_default_timeout(60_000)
    yield context
    context.close()


def open_annotator(page: Page, url: str, name: str) -> None:
    page.goto(f"{url}/annotate")
    question = page.get_by_label("Your name")
    question.or_(page.locator(".annotator")).first.wait_for()
    if question.is_visible():
        question.fill(name)
        page.get_by_role("button", name="Start labelling").click()
    page.wait_for_selector(LOADED)
    page.locator("[data-part=hereName]:not(:empty)").wait_for()


def wait_saved(page: Page) -> None:
    page.locator("[data-part=status]", has_text="All saved").wait_for()


@dataclass
class Traffic:
    """What the page sends and gets from now on."""

    messages: int = 0
    posts: list[Request] = field(default_factory=list)

    def over(self, page: Page) -> "Traffic":
        def count(_frame: object) -> None:
            self.messages += 1

        def watch(socket: object) -> None:
            socket.on("framesent", count)
            socket.on("framereceived", count)

        page.on("websocket", watch)
        page.on("request", lambda request: request.method == "POST" and self.posts.append(request))
        return self

    def restart(self) -> None:
        self.messages, self.posts = 0, []

    def body_bytes(self) -> tuple[float, float]:
        """Mean size of the bodies of the labels' POSTs: (up, down)."""
        ours = [request for request in self.posts if request.url.endswith("/api/labels")]
        up = sum(len(request.post_data_buffer or b"") for request in ours)
        down = sum(len(request.response().body()) for request in ours)
        return up / len(ours), down / len(ours)


def label_many(page: Page, count: int) -> list[float]:
    """Label `count` pictures: into a class, into one below it, Enter. Returns milliseconds from Enter to picture.

    The page is left alone in between: a question to it would be work of its own.
    """
    page.evaluate(WATCH_PICTURE, page.locator("[data-part=picture]").element_handle())
    for number in range(count):
        for key in (str(1 + number % 2), "1", "Enter"):
            page.keyboard.press(key)
            page.wait_for_timeout(BETWEEN_KEYS_MS)
        page.wait_for_timeout(THINK_MS)
        if page.evaluate("window.hmgcTimes.length") <= number:
            page.wait_for_function("(count) => window.hmgcTimes.length >= count", arg=number + 1)
    wait_saved(page)
    return page.evaluate("window.hmgcTimes")


def search_to_paint(page: Page, texts: list[str]) -> list[float]:
    """Type texts into the search, letter by letter; milliseconds from each key to its frame."""
    field_ = page.locator("[data-part=search]")
    page.evaluate(WATCH_SEARCH, field_.element_handle())
    for text in texts:
        field_.fill("")
        field_.press_sequentially(text, delay=80)
    page.keyboard.press("Escape")
    return page.evaluate("window.hmgcTimes")


def opening_ms(context: BrowserContext, url: str) -> tuple[float, int]:
    """(milliseconds from navigation to the first picture, requests for the class tree that reached the app)."""
    page = context.new_page()
    page.add_init_script(WATCH_OPENING)
    fetched = []
    session = context.new_cdp_session(page)
    session.send("Network.enable")
    session.on(
        "Network.responseReceived",
        lambda said: (
            "/api/taxonomy/" in said["response"]["url"]
            and not said["response"].get("fromDiskCache")
            and fetched.append(said)
        ),
    )
    page.goto(f"{url}/annotate")
    page.wait_for_function("window.hmgcOpened")
    took = page.evaluate("window.hmgcOpened")
    page.close()
    return took, len(fetched)


def reruns(page: Page, url: str, rounds: int, passed: list[float]) -> list[tuple[float, float]]:
    """A page's reruns, from the first to the last message on its socket: (ms on the line, ms in the page).

    The page hears a message when it has time for it: after it has drawn what came before. passed: from `line`, over
    which `url` leads. The page must have WATCH_SOCKET.
    """
    page.goto(url)
    _settle(page)
    took = []
    for _ in range(rounds):
        page.evaluate("window.hmgcFrames.length = 0")
        passed.clear()
        page.keyboard.press("r")
        _settle(page)
        frames = page.evaluate("window.hmgcFrames")
        took.append((1000 * (passed[-1] - passed[0]), frames[-1] - frames[0]))
    return took


def _settle(page: Page) -> None:
    page.wait_for_function(
        "(quiet) => window.hmgcFrames.length > 1 && performance.now() - window.hmgcFrames.at(-1) > quiet",
        arg=SETTLED_MS,
    )
