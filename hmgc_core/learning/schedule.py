"""What changes from step to step of a training: the learning rate, and how large the views are. Plain numbers."""

import math
from itertools import pairwise

# (from this share of all steps on, this share of the full side): small views teach the early steps at a fraction of the
# work, the last steps see what is measured. Progressive resizing, as in J. Howard's DAWNBench entry of 2018.
GROWTH = ((0.0, 0.5), (0.6, 0.75), (0.85, 1.0))
SMALLEST_SIDE = 32  # below, a trunk's last map would be a single point


def one_cycle(step: int, steps: int, peak: float, *, warm_up: float) -> float:
    """The learning rate of a step: a straight rise to `peak`, then half a cosine down to 0 (Smith, 2018).

    warm_up: the share of the steps in which it rises; at least one step does.
    """
    warm = max(1, round(warm_up * steps))
    if step < warm:
        return peak * (step + 1) / warm
    return peak * (1 + math.cos(math.pi * (step - warm) / max(1, steps - warm))) / 2


def view_side(step: int, steps: int, size: int) -> int:
    """The side in pixels of the views of a step, for pictures of `size`: a multiple of 8, or `size` itself."""
    return _side(next(scale for start, scale in reversed(GROWTH) if step >= start * (steps - 1)), size)


def growth(size: int) -> list[float]:
    """The shares of all steps after which the views of pictures of `size` become larger; none where they are small."""
    return [start for (_, before), (start, scale) in pairwise(GROWTH) if _side(scale, size) > _side(before, size)]


def _side(scale: float, size: int) -> int:
    return size if scale == 1 else min(size, max(SMALLEST_SIDE, 8 * round(scale * size / 8)))


def work_before(step: int, steps: int, size: int) -> float:
    """The share of a training's work that lies before a step, by the pixels of its views: what a progress bar shows."""
    starts = [math.ceil(start * (steps - 1)) for start, _ in GROWTH]
    done = total = 0
    for start, end in zip(starts, [*starts[1:], steps], strict=True):
        area = view_side(start, steps, size) ** 2
        total += area * (end - start)
        done += area * max(0, min(step, end) - start)
    return done / total
