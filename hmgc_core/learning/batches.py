"""Which pictures a training run sees, and in what order: from samples to batches of pixels and targets."""

import hashlib
import math
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from hmgc_core.errors import NotTrainable
from hmgc_core.learning.devices import ComputeDevice
from hmgc_core.learning.features import Pictures
from hmgc_core.learning.processes import ALONE, Processes
from hmgc_core.querying import names_one_leaf, says_nothing
from hmgc_core.records import IS_NOT, Sample, Targets
from hmgc_core.taxonomy import BoolArray, IntArray, Taxonomy


@dataclass(frozen=True)
class TrainingSet:
    """Samples whose pictures can be read. places: (n,) where they are in `pixels`. nodes, kinds, weights: (n,).

    vague: (n,) the label leaves more than one leaf possible.
    """

    pixels: Pictures
    places: IntArray
    nodes: IntArray
    kinds: IntArray
    weights: NDArray[np.float32]
    vague: BoolArray

    def __len__(self) -> int:
        return len(self.places)

    def targets(self, chosen: IntArray, compute: ComputeDevice) -> Targets:
        """The labels of the chosen samples on the device."""
        parts = (self.nodes, self.kinds, self.weights)
        return Targets(*(compute.send(compute.ready(part[chosen])) for part in parts))

    def pictures(
        self, plan: Sequence[IntArray], compute: ComputeDevice, processes: Processes = ALONE
    ) -> Iterator[tuple[IntArray, Tensor]]:
        """Each batch of the plan with its pixels, ready for the device; the next is read meanwhile.

        Of several processes each reads the pixels of its share alone.

        They are (B, 3, S, S) uint8 or, where a head learns, (B, F) float16 features.
        An empty plan is one whose epoch is learned and waits to be measured: it gives nothing.
        """
        with ThreadPoolExecutor(1) as reader:

            def take(batch: IntArray) -> Tensor:
                own = batch[processes.share(len(batch)).rows]
                return compute.ready(self.pixels.take(self.places[own].tolist()))

            def read(batches: Sequence[IntArray]) -> list[Future[Tensor]]:
                return [reader.submit(take, batch) for batch in batches]

            pending = deque(read(plan[:1]))
            for number, chosen in enumerate(plan):
                pending.extend(read(plan[number + 1 : number + 2]))
                yield chosen, pending.popleft().result()


def training_set(
    taxonomy: Taxonomy, samples: Sequence[Sample], pixels: Pictures, *, drop_coarse: bool = False
) -> TrainingSet:
    """The samples that can be learned from. pixels: decoded from their paths first, in order; more may follow.

    Left out are unreadable pictures, statements that rule out every leaf and, with drop_coarse, labels that leave more
    than one possible. Raises NotTrainable where what remains cannot teach anything.
    """
    readable = [place for place in pixels.readable if place < len(samples)]
    places = [place for place in readable if _can_hold(taxonomy, samples[place])]
    if drop_coarse:
        places = [place for place in places if names_one_leaf(taxonomy, samples[place])]
    kept = [samples[place] for place in places]
    check_teaches(taxonomy, kept, drop_coarse=drop_coarse)
    return TrainingSet(
        pixels=pixels,
        places=np.array(places),
        nodes=np.array([sample.node for sample in kept], dtype=np.int64),
        kinds=np.array([sample.kind for sample in kept], dtype=np.int64),
        weights=np.array([sample.weight for sample in kept], dtype=np.float32),
        vague=np.array([not names_one_leaf(taxonomy, sample) for sample in kept]),
    )


def left_out_as_coarse(taxonomy: Taxonomy, samples: Sequence[Sample]) -> int:
    """How many labels leave more than one leaf possible."""
    return sum(not names_one_leaf(taxonomy, sample) for sample in samples)


def check_teaches(taxonomy: Taxonomy, kept: Sequence[Sample], *, drop_coarse: bool) -> None:
    """Raise NotTrainable where these samples, which can be read, cannot teach anything."""
    if len(taxonomy.leaves) < 2:
        raise NotTrainable(
            "the class tree has a single class at its finest level: there is nothing to tell apart",
            remedy="add classes to the tree",
        )
    if len(kept) < 2:
        words = " at the finest level" if drop_coarse else ""
        raise NotTrainable(
            f"there are {len(kept)} training pictures that can be read and are labelled{words}",
            remedy=f"label at least two pictures{words}" + (", or use the coarser labels too" if drop_coarse else ""),
        )
    if not any(_says_something(taxonomy, sample) for sample in kept):
        raise NotTrainable(
            "every training picture is labelled with the root, which tells nothing",
            remedy="label pictures below the root",
        )


def _can_hold(taxonomy: Taxonomy, sample: Sample) -> bool:
    return sample.kind != IS_NOT or not says_nothing(taxonomy, sample.node)


def _says_something(taxonomy: Taxonomy, sample: Sample) -> bool:
    return sample.kind == IS_NOT or not says_nothing(taxonomy, sample.node)


def plan_epoch(
    count: int, batch_size: int, *, seed: int, epoch: int, epoch_size: int | None = None, fewest: int = 2
) -> list[IntArray]:
    """Sample numbers in batches, each sample once, shuffled by (seed, epoch).

    epoch_size: how many numbers, where it is not `count`: those of fewer samples come again, in another order, so that
    trainings on more and on fewer samples take the same steps. A last batch of less than `fewest` joins the batch
    before it: BatchNorm cannot learn from one picture, and of several processes each needs one.
    """
    size = epoch_size or count
    order = _shuffled(count, size, np.random.default_rng([seed, epoch]))
    return _cut(order, batch_size, fewest)


def plan_balanced_epoch(
    vague: BoolArray,
    batch_size: int,
    *,
    share: float,
    seed: int,
    epoch: int,
    epoch_size: int | None = None,
    fewest: int = 2,
) -> list[IntArray]:
    """As `plan_epoch`, with at least this share of every batch samples that are not vague; they come again and again.

    vague: (n,) by sample. Where none or all are, or as many are exact anyway, batches are as they fall.
    """
    count, size = len(vague), epoch_size or len(vague)
    exact_numbers, vague_numbers = np.flatnonzero(~vague), np.flatnonzero(vague)
    if len(exact_numbers) >= share * count or not len(exact_numbers):
        return plan_epoch(count, batch_size, seed=seed, epoch=epoch, epoch_size=epoch_size, fewest=fewest)
    rng = np.random.default_rng([seed, epoch])
    # Spread evenly, so that every stretch of the order has its share, rounded up.
    is_exact = np.diff(np.ceil(np.arange(size + 1) * share - 1e-9)) > 0
    order = np.empty(size, dtype=np.int64)
    for numbers, places in ((exact_numbers, is_exact), (vague_numbers, ~is_exact)):
        order[places] = numbers[_shuffled(len(numbers), int(places.sum()), rng)]
    return _cut(order, batch_size, fewest)


def _shuffled(count: int, size: int, rng: np.random.Generator) -> IntArray:
    """(size,) the numbers below `count`, each as often as the others but for one."""
    rounds = [rng.permutation(count) for _ in range(math.ceil(size / count))]
    return np.concatenate(rounds)[:size] if rounds else np.empty(0, dtype=np.int64)


def _cut(order: IntArray, batch_size: int, fewest: int) -> list[IntArray]:
    plan = [order[start : start + batch_size] for start in range(0, len(order), batch_size)]
    if len(plan) > 1 and len(plan[-1]) < fewest:
        plan[-2:] = [np.concatenate(plan[-2:])]
    return plan


def fingerprint(samples: Sequence[Sample], pixels: Pictures) -> str:
    """sha256 of what is learned from, so that a stopped run is only continued on the same labels and pictures."""
    digest = hashlib.sha256()
    for sample, row in zip(samples, pixels.rows, strict=True):
        digest.update(repr((str(sample.path), sample.node, sample.kind, sample.weight, row is None)).encode())
    return digest.hexdigest()
