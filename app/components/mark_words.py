"""A mark of a chart in words: what the pictures behind it have in common. Plain text, no markdown."""

from app.components.wording import far, percent
from hmgc_core.taxonomy import Taxonomy
from hmgc_core.workflow.marks import Mark

AGAINST = {
    "got-better": "Right here, wrong in run {}",
    "got-worse": "Wrong here, right in run {}",
    "both-right": "Right here and in run {}",
    "both-wrong": "Wrong here and in run {}",
}


def words(mark: Mark, taxonomy: Taxonomy) -> str:
    """One phrase for a mark. Raises UnknownNode for a class that the tree does not have."""
    said = [taxonomy.name(taxonomy.index(part)) if isinstance(part, str) else part for part in mark.parts]
    if mark.other_run is not None:
        return AGAINST[mark.kind].format(said[0]) + (f", labelled {said[1]}" if len(said) > 1 else "")
    if mark.kind == "sure":
        return f"{percent(float(said[1]))} to {percent(float(said[2]))} sure at level {said[0]}"
    if mark.kind == "threshold":
        return f"Still wrong where the answer stops at {percent(float(said[0]))} sure"
    if mark.kind == "height":
        where = far(int(said[0]), taxonomy.depth).lower()
        return f"Mistakes between {where}" if where == "siblings" else f"Mistakes {where}"
    if mark.kind == "taken-for" and said[0] == said[1]:
        return f"Labelled {said[0]}, and answered so"
    return {
        "taken-for": "Labelled {}, answered {}",
        "taken-away": "Labelled {}, answered outside of {}",
        "node-wrong": "Labelled {}, answered something else",
        "node-right": "Labelled {}, and answered so",
        "meets": "Mistakes between classes of {}",
    }[mark.kind].format(*said)
