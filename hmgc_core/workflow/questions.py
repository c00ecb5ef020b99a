"""Verbs of questions to the inspector: ask about one picture, look how far the answer is, read it."""

import json
from pathlib import Path
from typing import Any

from hmgc_core.errors import CheckpointError, UnknownInspection
from hmgc_core.records import Inspection
from hmgc_core.store import inspections
from hmgc_core.store.workspace import Workspace
from hmgc_core.workflow.training import run

__all__ = ["Inspection", "answer", "answer_file", "ask", "inspection"]


def ask(ws: Workspace, kind: str, *, run_id: int, image_id: int, question: dict[str, Any], anew: bool = False) -> int:
    """Ask the inspector a question of a kind of `hmgc_core.explaining`; returns its number.

    The same question is asked once; with `anew` once more, after a failure. Raises UnknownRun, and CheckpointError
    for a run that has not finished.
    """
    if run(ws, run_id).status != "done":
        raise CheckpointError(f"run {run_id} has not finished", remedy="wait for it, or choose another run")
    same: dict[str, Any] = {"kind": kind, "run_id": run_id, "image_id": image_id, "question": question}
    with ws.reading() as connection:
        known = inspections.find(connection, **same)
    if known is not None and not anew:
        return known
    with ws.writing() as connection:
        return inspections.add(connection, **same)


def inspection(ws: Workspace, inspection_id: int) -> Inspection:
    """How far a question is. Raises UnknownInspection."""
    with ws.reading() as connection:
        found = inspections.get(connection, inspection_id)
    if found is None:
        raise UnknownInspection(f"there is no question {inspection_id}", remedy="ask again")
    return found


def answer(ws: Workspace, inspection_id: int) -> dict[str, Any]:
    """What the inspector answered to a question that is done. Raises UnknownInspection where the answer is gone."""
    try:
        found = json.loads(answer_file(ws, inspection_id, "answer.json").read_text())
    except (OSError, ValueError) as error:
        raise UnknownInspection(f"the answer to question {inspection_id} is gone", remedy="ask again") from error
    return dict(found)


def answer_file(ws: Workspace, inspection_id: int, name: str) -> Path:
    """Where a file of an answer lies."""
    return ws.inspection_folder(inspection_id) / name
