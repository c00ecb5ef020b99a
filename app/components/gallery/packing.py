"""Rows of whole numbers as a short text: a gallery is sent anew with every page that is turned.

`2|64 37,65 -1|…`: how many rows there are; for each column how many values it spans and the least of them; then all
numbers as one, each less the least of its column, in a mixed radix: of 60 pictures every letter counts.
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
    spans = [(int(max(column)) - int(min(column)) + 1, int(min(column))) for column in columns]
    whole = 0
    for row in kept:
        for number, (span, least) in zip(row, spans, strict=True):
            whole = whole * span + int(number) - least
    return f"{len(kept)}|{','.join(f'{span} {least}' for span, least in spans)}|{_digits(whole)}"


def unpacked(text: str) -> list[list[int]]:
    """The rows of `packed`."""
    if not text:
        return []
    count, shape, digits = text.split("|")
    spans = [tuple(map(int, column.split(" "))) for column in shape.split(",")]
    whole = _number(digits)
    rows = []
    for _ in range(int(count)):
        row = []
        for span, least in reversed(spans):
            whole, number = divmod(whole, span)
            row.append(number + least)
        rows.append(row[::-1])
    return rows[::-1]


def _digits(number: int) -> str:
    """The number to the base 64, "" for 0."""
    digits = []
    while number:
        number, digit = divmod(number, BASE)
        digits.append(DIGITS[digit])
    return "".join(reversed(digits))


def _number(digits: str) -> int:
    number = 0
    for digit in digits:
        number = number * BASE + DIGITS.index(digit)
    return number
