"""The figures of one class, as the card shows them: each with of how many, and how it is counted."""

from app.components.tree_card.index import Figure
from app.components.tree_colours import signed
from app.components.wording import number, percent
from hmgc_core.records import Run
from hmgc_core.taxonomy import Taxonomy
from hmgc_core.workflow.tree_statistics import Figure as Known
from hmgc_core.workflow.tree_statistics import TreeStatistics

NONE = "–"


def figures(taxonomy: Taxonomy, known: TreeStatistics, node: int, run: Run | None) -> list[Figure]:
    """What people made of the class; and what a run makes of it, where there is one."""
    found = [
        Figure("Pictures", number(int(known.images[node])), "here or below", "By their label, else by the model."),
        Figure(
            "Labels",
            number(int(known.labels[node])),
            f"{number(int(known.labels_here[node]))} say exactly this",
            "Labels here or below.",
        ),
        Figure(
            "Labels go to",
            f"level {known.level.value[node]:.1f}" if known.level.of[node] else NONE,
            f"of {taxonomy.depth}, on average",
            "The average level of the labels here or below; 1 is the coarsest.",
        ),
        _share("People disagree", known.disputed, node, "picture", "Of the pictures with two labels or more."),
    ]
    return found + (_of_run(known, node, run) if run else [])


def _of_run(known: TreeStatistics, node: int, run: Run) -> list[Figure]:
    by = f"By run {run.id}."
    gap, judged = known.calibration.value[node], int(known.right.of[node])
    parts = f"{percent(float(known.sure.value[node]))} sure, {percent(float(known.right.value[node]))} right"
    found = [
        Figure("Predicted", number(int(known.predictions[node])), "here or below", f"Answers here or below. {by}"),
        _share("Sure", known.confidence, node, "answer", f"The average certainty of the answers here or below. {by}"),
        Figure(
            "Too sure by",
            signed(float(gap)) if judged else NONE,
            parts if judged else "no answer to judge",
            f"Certainty less the share right, of {number(judged, 'answer')} to test pictures. {by}",
        ),
        _share(
            "Model disagrees",
            known.contradicted,
            node,
            "labelled picture",
            f"Labelled here or below, answered on another branch. {by}",
        ),
    ]
    if node:  # every picture is found at the root
        help_ = f"Of the test pictures labelled here or below, the share also answered here or below. {by}"
        found.insert(0, _share("Found", known.accuracy, node, "test picture", help_))
    return found


def _share(name: str, figure: Known, node: int, noun: str, about: str) -> Figure:
    of = int(figure.of[node])
    value = percent(float(figure.value[node])) if of else NONE
    return Figure(name, value, f"of {number(of, noun)}" if of else f"no {noun} yet", about)
