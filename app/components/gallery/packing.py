"""Rows of whole numbers as a short text: a gallery is sent anew with every page that is turned.

`2s 1a  8,…`: rows parted by commas, numbers to the base 36 parted by blanks, nothing for -1.
"""

from collections.abc import Iterable, Sequence

DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"


def packed(rows: Iterable[Sequence[int]]) -> str:
    """Rows of numbers from -1 as text. Raises ValueError for a smaller one."""
    return ",".join(" ".join(map(_packed_number, row)) for row in rows)


def unpacked(text: str) -> list[list[int]]:
    """The rows of `packed`."""
    return [[int(part, 36) if part else -1 for part in row.split(" ")] for row in text.split(",")] if text else []


def _packed_number(number: int) -> str:
    if number < -1:
        raise ValueError(f"{number} is below -1")
    if number < 0:
        return ""
    digits = ""
    while number >= len(DIGITS):
        number, last = divmod(number, len(DIGITS))
        digits = DIGITS[last] + digits
    return DIGITS[number] + digits
