"""Make labels coarser in the ways that papers do, to learn what coarse labels are worth. Pure numpy.

Every protocol goes through the pictures of one finest class after the other, in an order of its own: the first of them
keep their label, the next ones get the class above, and so on. Labels that stand above the finest level stay as they
are, and no label ever becomes the root: who gets a class above the top level gets the top level.
"""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from hmgc_core.errors import BadRequest
from hmgc_core.taxonomy import IntArray, Taxonomy

# Shares are sums of decimal fractions: 0.1 * 30 is a hair more than 3, and ceil would make 4 of it.
DECIMALS = 9


def hrn(taxonomy: Taxonomy, nodes: IntArray, *, coarse: float) -> IntArray:
    """HRN's protocol (Chen et al., CVPR 2022): the first pictures of each class keep their label, others lose a level.

    nodes: (n,) labels in the order of the file, which alone decides: nothing is drawn. coarse: the share that gets the
    parent; of n pictures ceil((1 - coarse) n) keep their leaf, so one at least unless coarse is 1. Returns (n,) nodes.
    Raises BadRequest for a share that is none.
    """
    return _coarser(taxonomy, nodes, np.arange(len(nodes)), _one_level(coarse))


def free(taxonomy: Taxonomy, nodes: IntArray, *, shares: Sequence[float], seed: int = 0) -> IntArray:
    """Free-grain labels (Park et al., CVPR 2026): any level, drawn anew within each class.

    nodes: (n,) labels. shares: of each class how many keep their label, lose one level, lose two, …; they sum to 1.
    Equal seeds and nodes give equal labels. Returns (n,) nodes. Raises BadRequest for shares that do not sum to 1.
    """
    order = np.random.default_rng(seed).permutation(len(nodes))
    return _coarser(taxonomy, nodes, order, shares)


def ambiguous(
    taxonomy: Taxonomy, nodes: IntArray, hardness: NDArray[np.floating], *, shares: Sequence[float]
) -> IntArray:
    """The hardest pictures of each class get the coarsest labels, as people give them who see too little.

    nodes: (n,) labels. hardness: (n,) any numbers, larger is harder; the earlier of two equals counts as easier.
    shares: as of `free`, the easiest first. Returns (n,) nodes. Raises BadRequest where a hardness is missing.
    """
    hardness = np.asarray(hardness, dtype=np.float64)
    if hardness.shape != np.shape(nodes) or np.isnan(hardness).any():
        raise BadRequest(
            f"{np.isfinite(hardness).sum()} numbers of hardness for {len(nodes)} labels",
            remedy="give one number for each labelled picture",
        )
    return _coarser(taxonomy, nodes, np.argsort(hardness, kind="stable"), shares)


def even_shares(taxonomy: Taxonomy, coarse: float) -> tuple[float, ...]:
    """Shares for `free` and `ambiguous` from one number: `coarse` in equal parts over all levels above the finest.

    A tree of one level has none above: its labels stay. Raises BadRequest for a share that is none.
    """
    kept, lost = _one_level(coarse)
    above = taxonomy.depth - 1
    return (kept, *[lost / above] * above) if above else (1.0,)


def _one_level(coarse: float) -> tuple[float, float]:
    if not 0 <= coarse <= 1:
        raise BadRequest(f"the share of coarse labels is {coarse}", remedy="give a share from 0 to 1")
    return (1 - coarse, coarse)


def _coarser(taxonomy: Taxonomy, nodes: IntArray, order: IntArray, shares: Sequence[float]) -> IntArray:
    """order: (n,) places in `nodes`: within each class the first keep most. shares: by how many levels are lost."""
    parts = [float(share) for share in shares]
    if not parts or min(parts) < 0 or not math.isclose(sum(parts), 1, abs_tol=1e-6):
        raise BadRequest(
            f"the shares {', '.join(f'{part:g}' for part in parts)} do not sum to 1",
            remedy="give the share that keeps its label, the share that loses one level, and so on",
        )
    nodes = np.asarray(nodes, dtype=np.int64)
    lost = np.zeros(len(nodes), dtype=np.int64)
    exact = order[taxonomy.is_leaf[nodes[order]]]
    by_class = exact[np.argsort(nodes[exact], kind="stable")]
    _, first, which, sizes = np.unique(nodes[by_class], return_index=True, return_inverse=True, return_counts=True)
    ends = np.ceil(np.round(np.outer(sizes, np.cumsum(parts)), DECIMALS))
    turn = np.arange(len(by_class)) - first[which]
    lost[by_class] = (turn[:, None] >= ends[which, :-1]).sum(1)
    wanted = np.maximum(taxonomy.depths[nodes] - lost, 1)
    above = lost > 0
    result = nodes.copy()
    result[above] = taxonomy.ancestors_by_depth[nodes[above], wanted[above] - 1]
    return result
