"""How sure a share is that was counted on few pictures."""

import math

Z_95 = 1.959963984540054


def share_interval(right: int, of: int) -> tuple[float, float]:
    """The 95 % interval of a share, in [0, 1] (Wilson, JASA 1927); (0, 1) where nothing was counted."""
    if not of:
        return 0.0, 1.0
    share, weight = right / of, Z_95**2 / of
    middle = (share + weight / 2) / (1 + weight)
    half = Z_95 * math.sqrt(share * (1 - share) / of + weight / (4 * of)) / (1 + weight)
    return max(0.0, middle - half), min(1.0, middle + half)
