"""Keys of one's own, letter codes for classes, and a fixed order: chosen in the sheet, kept in the browser."""

import pytest
from playwright.sync_api import Locator, expect

from browser.screen import Screen


def sheet(screen: Screen) -> Locator:
    screen.press("?")
    expect(screen.part("help")).to_be_visible()
    return screen.part("help")


def change(screen: Screen, meaning: str, key: str) -> None:
    """In the open sheet, give the command with this meaning another key."""
    screen.part("help").get_by_role("button", name=f"Change: {meaning}").click()
    screen.press(key)


def news(screen: Screen) -> Locator:
    return screen.part("keyNews")


# --- commands ---------------------------------------------------------------------------------------------------------


def test_a_command_gets_another_key_which_its_button_shows_and_a_reload_keeps(desk: Screen) -> None:
    sheet(desk)
    change(desk, "skip for now", "u")
    expect(news(desk)).to_have_text("U now means: skip for now.")
    desk.press("Escape")
    image = desk.image
    desk.press("s")
    assert desk.image == image
    desk.label("u")
    expect(desk.part("skip").locator("kbd")).to_have_text("U")
    desk.page.reload()
    desk.ready()
    expect(desk.part("skip").locator("kbd")).to_have_text("U")


def test_a_key_that_is_in_use_is_refused_with_words(desk: Screen) -> None:
    sheet(desk)
    first = desk.part("keyRows").locator("li").first
    place = first.bounding_box()
    change(desk, "skip for now", "n")
    expect(news(desk)).to_contain_text("N already means: not this class")
    assert first.bounding_box() == place  # the notice moves nothing under the mouse
    desk.press("7")
    expect(news(desk)).to_have_text("7 cannot be changed: digits choose the rows of the list.")
    desk.press("Escape")  # leaves it as it is
    expect(desk.part("help")).to_be_visible()
    desk.press("Escape")
    expect(desk.part("skip").locator("kbd")).to_have_text("S")


def test_after_a_refused_key_the_next_one_is_taken_and_a_field_ends_the_waiting(desk: Screen) -> None:
    sheet(desk)
    change(desk, "skip for now", "n")
    desk.press("u")
    expect(news(desk)).to_have_text("U now means: skip for now.")
    change(desk, "skip for now", "n")
    desk.part("keyText").fill("")
    desk.part("keyText").press("k")
    assert desk.part("keyText").input_value() == "k"
    expect(desk.page.get_by_role("button", name="Press a key")).to_have_count(0)


def test_a_key_is_free_once_its_command_has_another_or_none(desk: Screen) -> None:
    sheet(desk)
    change(desk, "not this class", "Delete")
    expect(news(desk)).to_contain_text("No key any more")
    change(desk, "skip for now", "n")
    expect(news(desk)).to_have_text("N now means: skip for now.")
    desk.press("Escape")
    expect(desk.part("notThis").locator("kbd")).to_be_hidden()
    image = desk.label("n")
    assert desk.said(image) == []


def test_everything_can_be_as_it_was_at_first(desk: Screen) -> None:
    sheet(desk)
    change(desk, "skip for now", "u")
    desk.page.get_by_role("button", name="As they were at first").click()
    desk.press("Escape")
    expect(desk.part("skip").locator("kbd")).to_have_text("S")


def test_another_person_in_the_same_browser_has_keys_of_their_own(desk: Screen) -> None:
    sheet(desk)
    change(desk, "skip for now", "u")
    desk.press("Escape")
    desk.page.locator("[data-do=leave]").click()
    desk.page.get_by_label("Your name").fill("grace")
    desk.page.get_by_role("button", name="Start labelling").click()
    expect(desk.part("who")).to_have_text("grace")
    expect(desk.part("skip").locator("kbd")).to_have_text("S")


# --- as text ----------------------------------------------------------------------------------------------------------


def test_keys_and_codes_travel_as_text(desk: Screen) -> None:
    sheet(desk)
    text = "# mine\nkey skip = u\nkey shift -1 =\ncode al = albatross\ncode zz = dragon\norder = tree"
    desk.part("keyText").fill(text)
    desk.page.get_by_role("button", name="Use the text above").click()
    expect(news(desk)).to_have_text("Taken over. 1 code was left out: no such class here.")
    assert desk.part("keyText").input_value().splitlines()[1:] == [
        "key skip = u",
        "key shift -1 =",
        "code al = albatross",
        "order = tree",
    ]
    desk.press("Escape")
    image = desk.label(";", "a", "l")
    desk.saved()
    assert desk.said(image) == [("is", "albatross")]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("hello", "Line 1: “hello” is not understood."),
        ("key fly = u", "Line 1: there is no command “fly”."),
        ("key skip = n", "N already means: not this class"),
        ("key skip = u\nkey undo = u", "U already means: skip for now"),
        ("key skip = 3", "Line 1: 3 cannot be used for a command."),
        ("key skip = nonsense", "Line 1: “nonsense” is no key."),
        ("code a = owl\ncode al = albatross", "Line 2: “al” begins with “a”, the code of owl."),
        ("code é = owl", "Line 1: A code is 1 to 8 letters from a to z."),
    ],
)
def test_a_text_with_a_mistake_changes_nothing_and_says_where(desk: Screen, text: str, said: str) -> None:
    sheet(desk)
    before = desk.part("keyText").input_value()
    pasted = f"{text}\nkey label = F2"
    desk.part("keyText").fill(pasted)
    desk.page.get_by_role("button", name="Use the text above").click()
    expect(news(desk)).to_contain_text(said)
    assert desk.part("keyText").input_value() == pasted  # to be mended
    desk.press("Escape")
    sheet(desk)
    assert desk.part("keyText").input_value() == before


# --- codes ------------------------------------------------------------------------------------------------------------


def give_code(screen: Screen, code: str) -> None:
    screen.part("codeInput").fill(code)
    screen.page.get_by_role("button", name="Use it").click()


def test_every_class_has_a_code_that_labels_with_its_last_letter(desk: Screen) -> None:
    desk.press(";")
    expect(desk.part("codeBox")).to_be_visible()
    offered = dict(
        zip(
            desk.part("codeRows").locator(".name").all_inner_texts(),
            desk.part("codeRows").locator("kbd").all_inner_texts(),
            strict=True,
        )
    )
    image = desk.label(*offered["Bird"])
    expect(desk.part("codeBox")).to_be_hidden()
    desk.saved()
    assert desk.said(image) == [("is", "bird")]


def test_letters_typed_on_after_a_whole_code_do_nothing(desk: Screen) -> None:
    image = desk.image
    press = "(key) => window.dispatchEvent(new KeyboardEvent('keydown', {key, cancelable: true}))"
    # At once; without the rule S would skip the next picture, and X call the one after it unusable.
    desk.page.evaluate(f"(keys) => keys.forEach({press})", [";", "a", "l", "s", "x"])
    expect(desk.part("toast")).to_contain_text("The code was whole before “x”")
    desk.saved()
    assert desk.said(image) == [("is", "albatross")]
    following = desk.image
    assert following != image
    desk.page.wait_for_timeout(450)
    desk.press("x")  # a moment later letters mean what they always mean
    desk.saved()
    assert desk.said(following) == [("unusable", "")]


def test_a_code_can_be_taken_back_letter_by_letter_and_left(desk: Screen) -> None:
    image = desk.image
    desk.press(";", "f")
    expect(desk.part("codeTyped")).to_have_text("F")
    desk.press("Backspace")
    expect(desk.part("codeTyped")).to_have_text("")
    desk.press("q", "q")
    expect(desk.part("toast")).to_contain_text("No class has a code that begins with")
    desk.press("Escape")
    expect(desk.part("codeBox")).to_be_hidden()
    desk.press(";", "1")  # any other key means what it always means
    assert desk.name == "Bird"
    expect(desk.part("codeBox")).to_be_hidden()
    assert desk.image == image and desk.said(image) == []


def test_enter_in_a_code_labels_nothing_and_says_what_to_do(desk: Screen) -> None:
    image = desk.image
    desk.press(";")
    desk.page.wait_for_timeout(350)  # now Enter would be no slip
    desk.press("Enter")
    expect(desk.part("toast")).to_have_text("Type a code, or Esc.")
    expect(desk.part("codeBox")).to_be_visible()
    expect(desk.part("codeMore")).to_have_text("12 more as you type")
    desk.press("Escape")
    expect(desk.part("toast")).to_be_hidden()  # it belonged to the key before
    assert desk.image == image and desk.said(image) == []


def test_a_code_of_ones_own_is_typed_at_once_where_its_letter_is_free(desk: Screen) -> None:
    desk.press("1")
    sheet(desk)
    give_code(desk, "u")
    expect(news(desk)).to_have_text("Type u for Bird.")
    desk.press("Escape")
    image = desk.label("u")
    desk.saved()
    assert desk.said(image) == [("is", "bird")]


def test_a_code_whose_letter_is_taken_says_how_to_type_it_and_clashes_are_refused(desk: Screen) -> None:
    desk.press("1")
    sheet(desk)
    give_code(desk, "bi")
    expect(news(desk)).to_contain_text("Type ; and then bi for Bird: B alone means")
    desk.press("Escape")
    desk.press("1")
    sheet(desk)
    give_code(desk, "b")
    expect(news(desk)).to_contain_text("“b” begins “bi”, the code of Bird.")
    give_code(desk, "bir")
    expect(news(desk)).to_contain_text("“bir” begins with “bi”, the code of Bird.")
    give_code(desk, "b1")
    expect(news(desk)).to_contain_text("letters from a to z")
    desk.page.get_by_role("button", name="Forget the code bi").click()
    give_code(desk, "bir")
    expect(news(desk)).to_contain_text("bir for albatross")


def test_codes_are_shown_in_the_list_on_wish_and_then_begin_without_a_start_key(desk: Screen) -> None:
    expect(desk.page.locator(".rows .code:visible")).to_have_count(0)
    sheet(desk)
    desk.part("showCodes").check()
    desk.press("Escape")
    codes = desk.page.locator(".rows .code:visible")
    expect(codes).to_have_text([";b", ";s", ";p"])  # B accepts a level, S skips, P fills the screen


def test_a_shown_code_begins_at_once_where_no_command_uses_its_letter(desk: Screen) -> None:
    sheet(desk)
    desk.part("keyText").fill("key skip = k\ncodes = shown")
    desk.page.get_by_role("button", name="Use the text above").click()
    desk.press("Escape")
    expect(desk.page.locator(".rows .code:visible")).to_have_text([";b", "s", ";p"])
    image = desk.label("s")
    desk.saved()
    assert desk.said(image) == [("is", "ship")]
    desk.press("f")  # a level that suggestions in this tree do not reach
    expect(desk.part("codeTyped")).to_have_text("F")


def test_shorter_codes_are_offered_for_what_one_uses_most(desk: Screen) -> None:
    for _ in range(3):
        desk.label("1", "2")  # an owl
    desk.label("2", "Enter")
    sheet(desk)
    offered = desk.part("offered").locator("li")
    expect(offered).to_have_count(2)
    assert offered.first.inner_text().split() == ["o", "owl"]
    desk.page.get_by_role("button", name="Take these").click()
    expect(news(desk)).to_have_text("2 classes have a short code now.")
    expect(desk.part("offer")).to_be_hidden()
    desk.press("Escape")
    image = desk.label(";", "o")
    desk.saved()
    assert desk.said(image) == [("is", "owl")]


# --- order ------------------------------------------------------------------------------------------------------------


def test_in_tree_order_a_digit_means_the_same_class_on_every_picture(desk: Screen) -> None:
    desk.press("1", "1", "n")  # not an albatross: it goes to the end
    assert desk.rows() == ["owl", "albatross"]
    expect(desk.part("orderText")).to_have_text("Most likely first")
    desk.press("t")
    expect(desk.part("orderText")).to_have_text("Tree order")
    assert desk.rows() == ["albatross", "owl"]
    desk.part("order").click()
    expect(desk.part("orderText")).to_have_text("Most likely first")
    assert desk.rows() == ["owl", "albatross"]
    desk.press("t")
    desk.page.reload()
    desk.ready()
    expect(desk.part("orderText")).to_have_text("Tree order")


def test_a_sign_that_shares_its_key_with_a_digit_keeps_its_meaning(desk: Screen) -> None:
    image = desk.image
    expect(desk.part("acceptText")).to_have_text("Black-footed albatross")
    # A French keyboard: the minus is on the key of the six.
    desk.page.evaluate("window.dispatchEvent(new KeyboardEvent('keydown', {key: '-', code: 'Digit6', bubbles: true}))")
    expect(desk.part("acceptText")).to_have_text("albatross")
    assert desk.image == image
