"""How sure a share is that was counted on few pictures."""

import numpy as np

from hmgc_core.metrics.detail import FloatArray
from hmgc_core.taxonomy import IntArray

Z_95 = 1.959963984540054  # both ends of a 95 % interval


def share_interval(right: int | IntArray, of: int | IntArray) -> tuple[FloatArray, FloatArray]:
    """Ends of the 95 % interval of each share `right / of`, in [0, 1] (Wilson, JASA 1927); 0 and 1 of nothing."""
    count = np.maximum(of, 1)
    share, weight = right / count, Z_95**2 / count
    middle = (share + weight / 2) / (1 + weight)
    half = Z_95 * np.sqrt(share * (1 - share) / count + weight / (4 * count)) / (1 + weight)
    nothing = np.equal(of, 0)
    return np.where(nothing, 0.0, np.maximum(middle - half, 0)), np.where(nothing, 1.0, np.minimum(middle + half, 1))
