"""How a tree is drawn: which part of it, for which view, in plain columns for the explorer in the browser."""

from dataclasses import dataclass
from typing import Any

from app.components import tree_colours
from app.components.wording import number
from hmgc_core.taxonomy import Taxonomy
from hmgc_core.workflow.tree import visible_part
from hmgc_core.workflow.tree_statistics import TreeStatistics

LONGEST_NAME = 60


@dataclass(frozen=True)
class View:
    """levels: how many below the outermost class. tips: how many outermost boxes at most."""

    title: str
    levels: int
    tips: int


VIEWS = {"boxes": View("Boxes", 3, 28), "rings": View("Rings", 4, 240), "list": View("List", 3, 48)}


def outermost(taxonomy: Taxonomy, node: int) -> int:
    """The box that holds all others while `node` is shown: the node itself, or its parent where nothing is below it."""
    return node if len(taxonomy.children(node)) else max(0, int(taxonomy.parents[node]))


def drawn(
    taxonomy: Taxonomy, known: TreeStatistics, node: int, *, view: str, colour: str, first: int = 0
) -> dict[str, Any]:
    """What the browser draws while `node` is shown; `first` children of the outermost class were passed over.

    A box is [node, place of its parent, name, place on the scale or None, figure, of how many, finest classes, hidden,
    first]: see `workflow.tree.Box`.
    """
    shape = VIEWS[view]
    use = known.labels + known.predictions
    top = outermost(taxonomy, node)
    boxes = visible_part(taxonomy, use, top, levels=shape.levels, tips=shape.tips, first=first)
    paint = tree_colours.paint(colour, known, (box.node for box in boxes if not box.hidden))
    painted = iter(zip(paint.places, paint.texts, paint.of, strict=True))
    rows: list[list[object]] = []
    for box in boxes:
        if box.hidden:
            rows.append([box.node, box.parent, f"{number(box.hidden)} more", None, "", None, 0, box.hidden, box.first])
        else:
            name, leaves = _short(taxonomy.name(box.node)), int(taxonomy.leaf_counts[box.node])
            rows.append([box.node, box.parent, name, *next(painted), leaves, 0, 0])
    told = tree_colours.COLOURS[colour]
    key = {"scale": told.scale, "low": paint.low, "high": paint.high, "none": told.nothing}
    return {"boxes": rows, "chosen": node, "key": key, "words": told.words, "passed": first}


def _short(name: str) -> str:
    return name if len(name) <= LONGEST_NAME else name[: LONGEST_NAME - 1] + "…"
