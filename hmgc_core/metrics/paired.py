"""Two models on the same pictures: by how much more often one is right, and how sure that is."""

import math
from dataclasses import dataclass

from hmgc_core.metrics.shares import Z_95
from hmgc_core.taxonomy import BoolArray

HALVINGS = 60  # of an interval of length 1: far below any rounding


@dataclass(frozen=True)
class PairedDifference:
    """How much more often the first is right, as a share of the pictures, with its 95 % interval.

    pictures: how many both answered. gained: only the first is right. lost: only the second is.
    """

    difference: float
    low: float
    high: float
    pictures: int
    gained: int
    lost: int

    @property
    def verdict(self) -> str:
        """ "better" or "worse" where the interval says so, else "unclear"."""
        return "better" if self.low > 0 else "worse" if self.high < 0 else "unclear"


def paired_difference(first: BoolArray, second: BoolArray) -> PairedDifference:
    """first, second: (B,) bool, right or not, of the same pictures in the same order; B must not be 0.

    The interval holds every difference that the score test for paired shares does not reject at 5 % (Tango, Statistics
    in Medicine 1998): in contrast to a bootstrap it needs no random numbers, and it stays honest where few pictures
    differ or none does. It is about the choice of the pictures, not about the luck of a training.
    """
    pictures = len(first)
    gained, lost = int((first & ~second).sum()), int((second & ~first).sum())
    difference = (gained - lost) / pictures
    return PairedDifference(
        difference,
        _border(gained, lost, pictures, difference, -1.0),
        _border(gained, lost, pictures, difference, 1.0),
        pictures,
        gained,
        lost,
    )


def _border(gained: int, lost: int, pictures: int, inside: float, outside: float) -> float:
    """The end of the interval between a difference inside it and the last one there can be."""
    for _ in range(HALVINGS):
        middle = (inside + outside) / 2
        if abs(score(gained, lost, pictures, middle)) <= Z_95:
            inside = middle
        else:
            outside = middle
    return inside


def score(gained: int, lost: int, pictures: int, difference: float) -> float:
    """The statistic of Tango's test that the true difference is this one: nearly standard normal if it is.

    Its variance takes the share `lost` that is most likely under that difference, the root of a quadratic equation.
    """
    rest = difference * (1 - difference)
    a = 2 * pictures
    b = (2 * pictures - gained + lost) * difference - gained - lost
    likeliest = (math.sqrt(max(0.0, b * b + 4 * a * lost * rest)) - b) / (2 * a)
    variance = pictures * (2 * likeliest + rest)
    gap = gained - lost - pictures * difference
    if variance <= 0:
        return 0.0 if gap == 0 else math.copysign(math.inf, gap)
    return gap / math.sqrt(variance)
