"""What a person does while looking, and what each click costs: seen on the line between page and app."""

from collections.abc import Callable
from dataclasses import dataclass

from playwright.sync_api import Page

SETTLED_MS = 250  # no message for so long: the answer is over; pages that poll do it less often
LONGEST_MS = 30_000

# Each message as [moment, "out" or "in", bytes], counted from the navigation.
WATCH = """(() => {
  window.hmgcLine = [];
  window.WebSocket = class extends WebSocket {
    constructor(...given) {
      super(...given);
      this.addEventListener("message", ({ data }) =>
        window.hmgcLine.push([performance.now(), "in", data.byteLength ?? data.size ?? data.length]));
    }
    send(data) {
      window.hmgcLine.push([performance.now(), "out", data.byteLength ?? data.size ?? data.length]);
      super.send(data);
    }
  };
})()"""
# The messages of an answer, once it is over: up to the first pause after "no script runs any more", the only message of
# two bytes. What a page asks by itself later is not counted.
ANSWER = """([from, settled]) => {
  const line = window.hmgcLine.slice(from);
  if (!line.some((message) => message[1] === "in")) return null;
  for (let place = 0; place < line.length; place += 1) {
    const next = line[place + 1]?.[0] ?? performance.now();
    const [moment, way, size] = line[place];
    if (next - moment > settled && way === "in" && size === 2) return line.slice(0, place + 1);
  }
  return null;
}"""


@dataclass(frozen=True)
class Cost:
    """What one click took: seconds from its first message to the last answer, messages both ways, bytes down."""

    answered_s: float
    messages: int
    bytes_down: int


def watched(page: Page) -> Page:
    """The page, with its line to the app noted from the next navigation on."""
    page.add_init_script(WATCH)
    return page


def click(page: Page, act: Callable[[], object]) -> Cost:
    """Do something that asks the app, and wait for its whole answer."""
    start = page.evaluate("window.hmgcLine.length")
    act()
    line = _answer(page, start)
    down = [size for _, way, size in line if way == "in"]
    return Cost((line[-1][0] - line[0][0]) / 1000, len(line), sum(down))


def open_page(page: Page, address: str) -> float:
    """Open an address; seconds from the navigation to the last message of the answer, with a heading on the page."""
    page.goto(address)
    page.wait_for_selector("h1, h2, h3, .overlay", timeout=LONGEST_MS)
    return _answer(page, 0)[-1][0] / 1000


def _answer(page: Page, start: int) -> list[tuple[float, str, int]]:
    found = page.wait_for_function(ANSWER, arg=[start, SETTLED_MS], timeout=LONGEST_MS)
    return found.json_value()
