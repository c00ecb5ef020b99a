"""Rows of whole numbers as a short text: a gallery is sent anew with every page that is turned.

`3 1,2 0|00A4g…`: for each column how many digits it has and its least number; then all rows, to the base 64, each
number less the least one of its column. Nothing parts them: of 60 pictures every letter counts.
"""

from collections.abc import Iterable, Sequence

DIGITS = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-_"
BASE = len(DIGITS)


def packed(rows: Iterable[Sequence[int]]) -> str:
    """Rows of equally many whole numbers as text, "" for no row. Raises ValueError for rows of unequal length."""
    kept = list(rows)
    if not kept:
        return ""
    columns = list(zip(*kept, strict=True))
    least = [min(column) for column in columns]
    widths = [_width(max(column) - low) for column, low in zip(columns, least, strict=True)]
    shapes = list(zip(widths, least, strict=True))
    head = ",".join(f"{width} {low}" for width, low in shapes)
    body = (_digits(number - low, width) for row in kept for number, (width, low) in zip(row, shapes, strict=True))
    return f"{head}|{''.join(body)}"


def unpacked(text: str) -> list[list[int]]:
    """The rows of `packed`."""
    if not text:
        return []
    head, _, body = text.partition("|")
    shapes = [tuple(map(int, shape.split(" "))) for shape in head.split(",")]
    rows, at = [], 0
    while at < len(body):
        row = []
        for width, low in shapes:
            row.append(_number(body[at : at + width]) + low)
            at += width
        rows.append(row)
    return rows


def _width(most: int) -> int:
    """How many digits it takes to write every number from 0 to `most`; one at least, so that a row is never empty."""
    width = 1
    while most >= BASE**width:
        width += 1
    return width


def _digits(number: int, width: int) -> str:
    return "".join(DIGITS[number // BASE**place % BASE] for place in reversed(range(width)))


def _number(digits: str) -> int:
    number = 0
    for digit in digits:
        number = number * BASE + DIGITS.index(digit)
    return number
