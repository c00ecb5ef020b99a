"""What to label next: the classes that a run finds worst, and where their unlabelled pictures are likely to lie."""

from dataclasses import dataclass

import numpy as np

from hmgc_core.taxonomy import BoolArray, Taxonomy
from hmgc_core.workflow.seeing import PredictionTable
from hmgc_core.workflow.tree_statistics import TreeStatistics

FEWEST = 3  # labelled test pictures without which a share says little
ENOUGH = 0.5  # of a class's pictures lie below another class: there its unlabelled ones are looked for


@dataclass(frozen=True)
class WeakClass:
    """A class that a run misses often: it finds `found` of its `measured` test pictures.

    node, among: node indices. among: the class below which the run puts most of its labelled pictures, 0 where it
    scatters them over the whole tree; waiting: pictures without a label that the run puts there.
    """

    node: int
    found: int
    measured: int
    among: int
    waiting: int


def weakest(taxonomy: Taxonomy, known: TreeStatistics, table: PredictionTable, *, count: int) -> list[WeakClass]:
    """At most `count` classes, those first of which most test pictures are missed; of equals the smaller first.

    Of a tree they are the classes right above the finest ones, of one with a single level the finest themselves.
    known, table: of the same run and tree.
    """
    measured = known.accuracy.of
    found = np.rint(np.nan_to_num(known.accuracy.value) * measured).astype(np.int64)
    missed = np.where(_of_finest(taxonomy) & (measured >= FEWEST), measured - found, 0)
    worst = np.lexsort((measured, -missed))[:count]
    return [
        WeakClass(node, int(found[node]), int(measured[node]), *_where(taxonomy, table, node))
        for node in worst[missed[worst] > 0].tolist()
    ]


def among(taxonomy: Taxonomy, table: PredictionTable, node: int) -> int:
    """The lowest class at or above `node` below which a run puts most of its labelled pictures; 0 for the root."""
    answers = table.predicted[taxonomy.is_at_or_below(table.labels, node)]
    if not len(answers):
        return 0
    above = reversed(taxonomy.path(node))
    return next((at for at in above if taxonomy.is_at_or_below(answers, at).mean() >= ENOUGH), 0)


def _of_finest(taxonomy: Taxonomy) -> BoolArray:
    """(N,) the parents of leaves but the root, and those leaves that have no other parent."""
    parents = taxonomy.parents[taxonomy.leaves]
    chosen = np.zeros(len(taxonomy), dtype=bool)
    chosen[np.where(parents > 0, parents, taxonomy.leaves)] = True
    return chosen


def _where(taxonomy: Taxonomy, table: PredictionTable, node: int) -> tuple[int, int]:
    """(where the run puts most of a class's labelled pictures, how many pictures without a label it puts there)."""
    place = among(taxonomy, table, node)
    return place, int(((table.labels < 0) & taxonomy.is_at_or_below(table.predicted, place)).sum())
