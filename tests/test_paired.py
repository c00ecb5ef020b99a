"""Paired differences against slow obvious code, and how often their interval holds the truth."""

import numpy as np
import pytest

from hmgc_core.metrics.paired import paired_difference, score
from hmgc_core.metrics.shares import Z_95


def right(gained: int, lost: int, both: int, neither: int) -> tuple[np.ndarray, np.ndarray]:
    """Two (B,) bool: the first alone is right `gained` times, the second alone `lost` times."""
    first = [True] * gained + [False] * lost + [True] * both + [False] * neither
    second = [False] * gained + [True] * lost + [True] * both + [False] * neither
    return np.array(first), np.array(second)


def slow_score(gained: int, lost: int, pictures: int, difference: float) -> float:
    """The same with the likeliest share `lost` looked for among very many."""
    low, high = max(0.0, -difference), (1 - difference) / 2
    shares = np.linspace(low, high, 400_001)[1:-1]
    rest = np.clip(1 - 2 * shares - difference, 1e-300, None)
    likelihood = (
        gained * np.log(np.clip(shares + difference, 1e-300, None))
        + lost * np.log(shares)
        + (pictures - gained - lost) * np.log(rest)
    )
    share = shares[likelihood.argmax()]
    gap = gained - lost - pictures * difference
    return float(gap / np.sqrt(pictures * (2 * share + difference - difference**2)))


@pytest.mark.parametrize(("gained", "lost", "pictures"), [(9, 3, 40), (1, 6, 20), (30, 12, 400), (2, 2, 11)])
@pytest.mark.parametrize("difference", [-0.2, -0.05, 0.04, 0.15])
def test_the_score_is_that_of_the_likeliest_shares(gained: int, lost: int, pictures: int, difference: float) -> None:
    slow = slow_score(gained, lost, pictures, difference)
    assert score(gained, lost, pictures, difference) == pytest.approx(slow, abs=1e-3)


def test_the_interval_ends_where_the_test_turns() -> None:
    found = paired_difference(*right(12, 4, 60, 24))
    assert (found.difference, found.pictures, found.gained, found.lost) == (0.08, 100, 12, 4)
    assert score(12, 4, 100, found.low) == pytest.approx(Z_95, abs=1e-6)
    assert score(12, 4, 100, found.high) == pytest.approx(-Z_95, abs=1e-6)
    assert found.low < 0.08 < found.high


def test_without_any_difference_the_interval_is_no_point() -> None:
    found = paired_difference(*right(0, 0, 20, 10))
    # By hand: n·d² = z²·(1 - d²) has the border d = z / sqrt(n + z²), where all probability lies on gain or none.
    assert found.low == -found.high
    assert 0.1 < found.high < 0.12
    assert found.verdict == "unclear"


def test_everything_or_nothing_stays_a_share() -> None:
    best, worst = paired_difference(*right(7, 0, 0, 0)), paired_difference(*right(0, 7, 0, 0))
    assert best.difference == 1.0 and 0 < best.low < 1 and best.high == pytest.approx(1.0)
    assert (worst.low, worst.high) == pytest.approx((-best.high, -best.low))
    assert (best.verdict, worst.verdict) == ("better", "worse")


def test_who_is_first_only_turns_the_sign() -> None:
    first, second = right(15, 6, 80, 19)
    one, other = paired_difference(first, second), paired_difference(second, first)
    assert (one.low, one.high) == pytest.approx((-other.high, -other.low))


def test_the_interval_holds_the_truth_about_as_often_as_it_says() -> None:
    rng = np.random.default_rng(0)
    shares = np.array([0.12, 0.06, 0.7, 0.12])  # of gained, lost, both, neither
    held = 0
    for _ in range(600):
        found = paired_difference(*right(*rng.multinomial(80, shares).tolist()))
        held += found.low <= 0.06 <= found.high
    assert 0.93 <= held / 600 <= 0.975
