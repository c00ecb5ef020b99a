"""Verbs of "why this answer": heatmaps of one picture for some classes, at once or by the worker."""

from dataclasses import dataclass
from typing import Any

from hmgc_core.errors import BadConfig
from hmgc_core.records import HEAT_METHODS, Run, Task
from hmgc_core.store import tasks as rows
from hmgc_core.store.workspace import Workspace
from hmgc_core.workflow import questions, tasks
from hmgc_core.workflow.taxonomies import newest_taxonomy, taxonomy_version
from hmgc_core.workflow.training import checkpoint_folder, run

HEATMAPS, SCORE_CAM = "heatmaps", "score_cam"
USUAL_METHOD, SLOW_METHOD = HEAT_METHODS[0], HEAT_METHODS[-1]


@dataclass(frozen=True)
class HeatQuestion:
    """What is asked of a picture. nodes: the classes, by key, usually from the top level down to one.

    layer: by its name, "" for the model's own choice. against: a class that each is held against, or `siblings`: each
    against its strongest one.
    """

    nodes: tuple[str, ...]
    method: str = USUAL_METHOD
    layer: str = ""
    against: str = ""
    siblings: bool = False

    def to_json(self) -> dict[str, Any]:
        """What differs from the usual question, and the classes."""
        parts: dict[str, Any] = {"nodes": list(self.nodes)}
        if self.method not in (USUAL_METHOD, SLOW_METHOD):
            parts["method"] = self.method
        parts |= {name: value for name in ("layer", "against", "siblings") if (value := getattr(self, name))}
        return parts


def ask_heatmaps(ws: Workspace, run_id: int, image_id: int, question: HeatQuestion, *, anew: bool = False) -> int:
    """Ask the inspector where the run looked for these classes; returns the number to look for it with.

    Raises UnknownNode for a class that the run's tree does not have, BadConfig for an unknown method, UnknownRun.
    """
    _check(ws, run_id, question)
    if question.method == SLOW_METHOD:
        raise BadConfig(f"{SLOW_METHOD} takes longer than somebody waits", remedy="ask the worker for it")
    asked = question.to_json()
    return questions.ask(ws, HEATMAPS, run_id=run_id, image_id=image_id, question=asked, anew=anew)


def ask_score_cam(ws: Workspace, run_id: int, image_id: int, question: HeatQuestion) -> int:
    """Ask the worker for the same by Score-CAM; returns the number of the task.

    Raises UnknownNode, UnknownRun, and CheckpointError for a run without a model.
    """
    _check(ws, run_id, question)
    checkpoint_folder(run(ws, run_id))
    return tasks.ask(ws, SCORE_CAM, {"image_id": image_id} | question.to_json(), run_id=run_id)


def score_cam(ws: Workspace, run_id: int, image_id: int, question: HeatQuestion) -> Task | None:
    """The newest task with this question, None where nobody asked it yet."""
    asked = {"image_id": image_id} | question.to_json()
    with ws.reading() as connection:
        known = rows.of_kind(connection, kind=SCORE_CAM, run_id=run_id)
    return next((task for task in known if task.question == asked), None)


def newer_tree(ws: Workspace, of: Run) -> int | None:
    """The newest version of the class tree where the run was trained on an older one, else None."""
    newest = newest_taxonomy(ws)
    return newest[0] if newest and newest[0] != of.taxonomy else None


def _check(ws: Workspace, run_id: int, question: HeatQuestion) -> None:
    taxonomy = taxonomy_version(ws, run(ws, run_id).taxonomy)
    for key in (*question.nodes, *([question.against] if question.against else [])):
        taxonomy.index(key)
    if question.method not in HEAT_METHODS:
        raise BadConfig(
            f"there is no method {question.method!r} for heatmaps", remedy=f"choose one of {', '.join(HEAT_METHODS)}"
        )
