"""What a class is taken for and what is taken for it, as parts of its card; each line leads to its pictures."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from urllib.parse import quote, urlencode

from app.components.tree_card.index import Mistakes
from app.components.wording import number
from hmgc_core.taxonomy import Taxonomy
from hmgc_core.workflow import tree
from hmgc_core.workflow.seeing import PredictionTable
from hmgc_core.workflow.tree import Confusion

MOST_ROWS = 5
Group = tuple[str, list[tuple[str, int, str, int]], str]


@dataclass
class Links:
    """The addresses behind the lines of a card, by their numbers: each is what `?` is followed by on Predictions."""

    run_id: int
    asked: list[dict[str, str]] = field(default_factory=list)

    def add(self, mark: str) -> tuple[str, int]:
        """The address of a mark, and its number."""
        self.asked.append({"run": str(self.run_id), "mark": mark})
        return f"/predictions?{urlencode(self.asked[-1])}", len(self.asked) - 1


def parts(table: PredictionTable, node: int, links: Links) -> list[Mistakes]:
    """The mistakes at `node`: with siblings, with far branches, and among the classes below; fills `links`."""
    taxonomy = table.taxonomy
    found = []
    if node:
        taken, mistaken = tree.taken_for(table, node), tree.mistaken_for_it(table, node)
        found = [
            _near_and_far(
                "Taken for something else", "None of its pictures.", taken, _other(taxonomy, "answer"), taxonomy, links
            ),
            _near_and_far(
                "Others taken for it",
                "No picture of another class.",
                mistaken,
                _other(taxonomy, "label"),
                taxonomy,
                links,
            ),
        ]
    if not taxonomy.is_leaf[node]:
        inside = tree.mixed_up_below(table, node)
        group = _group("", inside, lambda one: _pair(taxonomy, one), taxonomy, links)
        found.append(Mistakes("Mixed up below", "" if inside else "Nothing.", [group] if inside else []))
    return found


def _near_and_far(
    title: str,
    nothing: str,
    found: Sequence[Confusion],
    said: Callable[[Confusion], str],
    taxonomy: Taxonomy,
    links: Links,
) -> Mistakes:
    near, far = [one for one in found if one.edges == 1], [one for one in found if one.edges > 1]
    groups = [
        _group(name, some, said, taxonomy, links) for name, some in (("Siblings", near), ("Far branches", far)) if some
    ]
    return Mistakes(title, "" if groups else nothing, groups)


def _group(
    title: str, found: Sequence[Confusion], said: Callable[[Confusion], str], taxonomy: Taxonomy, links: Links
) -> Group:
    rows = [(said(one), one.count, *links.add(mark_of(taxonomy, one))) for one in found[:MOST_ROWS]]
    left = sum(one.count for one in found[MOST_ROWS:])
    return title, rows, f"and {number(left, 'more picture')} with other classes" if left else ""


def mark_of(taxonomy: Taxonomy, one: Confusion) -> str:
    """What the Predictions page reads in its address: pictures labelled below one class and answered below another."""
    label, answer = (quote(taxonomy.keys[node], safe="") for node in (one.label, one.answer))
    return f"taken-for:{label}:{answer}"


def _other(taxonomy: Taxonomy, side: str) -> Callable[[Confusion], str]:
    def said(one: Confusion) -> str:
        name = taxonomy.name(getattr(one, side))
        return name if one.edges == 1 else f"{name} ({one.edges} levels up)"

    return said


def _pair(taxonomy: Taxonomy, one: Confusion) -> str:
    return f"{taxonomy.name(one.label)} → {taxonomy.name(one.answer)}"
