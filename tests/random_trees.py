"""Random trees of every odd shape, and probabilities on them, for property tests."""

import numpy as np

from hmgc_core.taxonomy import Taxonomy


def random_tree(rng: np.random.Generator, nodes: int) -> Taxonomy:
    """A ragged tree: now bushy, now a chain, now with several top nodes; keys n0, n1, …"""
    reach = int(rng.integers(1, nodes + 1))  # how far back a parent may lie: 1 makes one chain
    tops = int(rng.integers(1, 3))
    edges = [(f"n{i}", "" if i < tops else f"n{rng.integers(max(0, i - reach), i)}") for i in range(nodes)]
    return Taxonomy.from_edges(edges)


def random_probs(rng: np.random.Generator, tree: Taxonomy, rows: int, *, steps: int = 0) -> np.ndarray:
    """(rows, N) probabilities, children summing to at most their parent. `steps` > 0: rounded, with ties and zeros."""
    mass = rng.random((len(tree), rows)) ** 4 * (tree.is_leaf[:, None] | (rng.random((len(tree), rows)) < 0.3))
    mass = np.floor(mass * steps) if steps else mass
    mass[tree.leaves[0]] += mass.sum(0) == 0
    return (tree.sum_up(mass) / mass.sum(0)).T
