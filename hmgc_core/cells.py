"""Rows of text as CSV, safe to open in a spreadsheet and exact to read back.

Names come from whoever labels, and a spreadsheet carries out a cell such as `=HYPERLINK(…)`. An apostrophe before it
makes it text. The price is that other programs see the apostrophe; it is paid because our own reader takes it away
again (`unguarded`), so that a label, a path and a name come back letter by letter.
"""

import csv
import io
import re
from collections.abc import Iterable, Sequence
from typing import Any, BinaryIO

# A cell that has apostrophes before such a sign by itself gets one more: else it could not be told from a guarded one.
_FORMULA = re.compile(r"'*[=+\-@\t\r]")


def guarded(text: str) -> str:
    """`text` as a cell that no spreadsheet takes for a formula."""
    return f"'{text}" if _FORMULA.match(text) else text


def unguarded(text: str) -> str:
    """The text of a cell that `guarded` made; any other cell stays as it is."""
    return text[1:] if text.startswith("'") and _FORMULA.match(text, 1) else text


def delimiter_of(text: str) -> str:
    """What stands between the cells of a table, by its first line: a comma, or a semicolon or tab where it has none.

    Spreadsheets write semicolons where people write 0,5 for a half.
    """
    header = text.lstrip().split("\n", 1)[0]
    return "," if "," in header else next((sign for sign in (";", "\t") if sign in header), ",")


def write_rows(file: BinaryIO, header: Sequence[str], rows: Iterable[Sequence[Any]]) -> int:
    """Write a CSV in UTF-8, text cells guarded, None as an empty cell; returns the number of rows."""
    text = io.TextIOWrapper(file, encoding="utf-8", newline="")
    try:
        writer = csv.writer(text)
        writer.writerow(header)
        count = 0
        for row in rows:
            writer.writerow([guarded(cell) if isinstance(cell, str) else cell for cell in row])
            count += 1
        text.flush()
        return count
    finally:
        text.detach()  # the file is the caller's, who closes it
