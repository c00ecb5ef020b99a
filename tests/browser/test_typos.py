"""Words that are nearly what was typed, against the table of edits. The component's own script, alone."""

import random

from playwright.sync_api import Browser

from app.components.annotator import index

NEAR = """([cases]) => cases.map(([typed, word, most]) => {
  let found = null;
  new Words([word]).eachNear(typed, most, (_, edits) => (found = edits));
  return found;
})"""


def edits_to_beginning(typed: str, word: str) -> int:
    """The fewest insertions, deletions, changes and swaps of neighbours from `typed` to any beginning of `word`."""
    table = [[max(row, column) for column in range(len(word) + 1)] for row in range(len(typed) + 1)]  # its edges
    for row in range(1, len(typed) + 1):
        for column in range(1, len(word) + 1):
            step = table[row - 1][column - 1] + (typed[row - 1] != word[column - 1])
            best = min(table[row - 1][column] + 1, table[row][column - 1] + 1, step)
            if row > 1 and column > 1 and typed[row - 2 : row] == word[column - 2 : column][::-1]:
                best = min(best, table[row - 2][column - 2] + 1)
            table[row][column] = best
    return min(table[-1])


def test_edits_are_those_of_the_table(browser: Browser) -> None:
    draw = random.Random(0)

    def some(most: int) -> str:
        return "".join(draw.choices("abcdé", k=draw.randint(1, most)))

    cases = [(some(12), some(14), draw.randint(0, 2)) for _ in range(3000)]
    cases += [("ab" * 15 + "a", "ab" * 16, 2), ("ba" * 15 + "b", "ab" * 16, 2)]  # as many letters as there are bits
    expected = [edits if (edits := edits_to_beginning(typed, word)) <= most else None for typed, word, most in cases]
    page = browser.new_page()
    page.add_script_tag(content=(index.HERE / "typos.js").read_text())
    assert page.evaluate(NEAR, [cases]) == expected
    page.close()
    assert sum(edits is not None for edits in expected) > 300
