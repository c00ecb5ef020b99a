"""Verbs of "why this answer": heatmaps of one picture for some classes."""

from hmgc_core.store.workspace import Workspace
from hmgc_core.workflow import questions
from hmgc_core.workflow.taxonomies import taxonomy_version
from hmgc_core.workflow.training import run

HEATMAPS = "heatmaps"


def ask_heatmaps(ws: Workspace, run_id: int, image_id: int, nodes: list[str], *, anew: bool = False) -> int:
    """Ask the inspector where the run looked for each of these classes; returns the number to look for it with.

    Raises UnknownNode for a class that the run's tree does not have.
    """
    taxonomy = taxonomy_version(ws, run(ws, run_id).taxonomy)
    for key in nodes:
        taxonomy.index(key)
    question = {"nodes": nodes}
    return questions.ask(ws, HEATMAPS, run_id=run_id, image_id=image_id, question=question, anew=anew)
