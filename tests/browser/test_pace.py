"""How one's labelling goes: counted in the browser, without pauses, for nobody else; and the hints for beginners."""

from playwright.sync_api import expect

from browser.app_server import AppServer
from browser.screen import Screen


def rows(screen: Screen) -> dict[str, list[str]]:
    """words -> [this sitting, today], from the open sheet."""
    lines = screen.part("paceRows").locator("tr").all()
    return {line.locator("th").inner_text(): line.locator("td").all_inner_texts() for line in lines}


def test_labels_keys_and_levels_are_counted_and_undo_takes_them_back(desk: Screen) -> None:
    desk.label("Space")
    for _ in range(5):
        desk.label("1", "Enter")
    desk.label("x")
    desk.press("z")
    desk.saved()
    desk.press("r")
    assert rows(desk)["Labels"] == ["6", "6"]
    assert rows(desk)["Keys and clicks a label"] == ["2.3", "2.3"]  # 14 presses, the R among them
    levels = desk.part("paceLevels").locator("li").all_inner_texts()
    assert [line.split("\n")[-1] for line in levels] == ["0", "5", "0", "1"]


def test_a_pause_is_no_work(desk: Screen) -> None:
    page = desk.page
    page.clock.install()
    page.reload()
    desk.ready()
    for _ in range(6):
        page.clock.fast_forward(10_000)
        desk.label("a")
    page.clock.fast_forward(10 * 60_000)  # lunch
    desk.press("r")
    time, _ = rows(desk)["Time at work"]
    assert time in ("50 s", "51 s", "52 s", "53 s", "1 min")
    an_hour = int(rows(desk)["Labels an hour"][0].replace(",", ""))
    assert 330 <= an_hour <= 432


def test_the_day_outlives_a_reload_and_nothing_of_it_is_sent(desk: Screen) -> None:
    sent: list[str] = []
    desk.page.on("request", lambda request: sent.append(request.post_data or ""))
    desk.label("a")
    desk.label("a")
    desk.saved()
    desk.page.reload()
    desk.ready().press("r")
    assert rows(desk)["Labels"] == ["2", "2"]
    assert not [body for body in sent if "presses" in body or "levels" in body]


def test_few_labels_say_nothing_about_speed(desk: Screen) -> None:
    desk.label("a")
    desk.press("r")
    assert rows(desk)["Labels an hour"] == ["–", "–"]


def test_hints_come_when_they_are_of_use_and_go_for_good(desk: Screen) -> None:
    expect(desk.part("hintText")).to_contain_text("Space accepts the suggestion")
    desk.press("1")
    expect(desk.part("hint")).to_be_hidden()  # out of the way of the picture, until the next label
    desk.label("a")
    expect(desk.part("hint")).to_be_visible()
    expect(desk.part("hintText")).to_contain_text("A, B, … accept the suggestion at its first")
    desk.page.get_by_role("button", name="No more hints").click()
    expect(desk.part("hint")).to_be_hidden()
    desk.page.reload()
    desk.ready()
    expect(desk.part("hint")).to_be_hidden()


def test_hints_speak_of_no_suggestion_where_there_is_no_model(own: tuple[Screen, AppServer]) -> None:
    screen, _ = own
    expect(screen.part("hintText")).to_contain_text("1–9 go to a class")
    expect(screen.part("hintText")).not_to_contain_text("suggestion")
    screen.label("1", "Enter")
    expect(screen.part("hintText")).to_contain_text("further up")
