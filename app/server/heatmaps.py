"""The routes of heatmaps: the colours to lay over a picture, and the picture under them as a file to keep.

A heatmap is named by what made it, an inspection as `12` or a task of the worker as `task12`, and its place there.
"""

import io
from pathlib import Path
from typing import Any, NamedTuple

import anyio
from PIL import Image
from starlette.requests import Request
from starlette.responses import Response

from app.server.answers import RequestError, whole_number
from app.server.pictures import DECODERS, content
from app.server.threads import READS, in_thread
from app.server.workspace import workspace
from hmgc_core.heat_pictures import file_name, under_heat
from hmgc_core.pictures import read_picture
from hmgc_core.workflow import pictures, questions, tasks, why
from hmgc_core.workflow.workspaces import Workspace

OF_TASK, PNG = "task", "image/png"
USUAL_STRENGTH = "0.6"
# A question that is forgotten may give its number to no other one, but its files may be made anew.
HEADERS = {"cache-control": "private, no-cache", "x-content-type-options": "nosniff"}


class _Heat(NamedTuple):
    """One heatmap: its colours as PNG, the file of the picture below, and how to name the two together."""

    colours: bytes
    source: Path
    name: str


async def heat(request: Request) -> Response:
    """The colours to lay over the picture, as they were left for it."""
    place = whole_number(request.path_params["n"], "a heatmap")
    return Response(await in_thread(READS, _colours, workspace(), request.path_params["of"], place), 200, HEADERS, PNG)


async def picture(request: Request) -> Response:
    """The picture under its heat as a PNG to keep. `strength`: of the colours, from 0 to 1."""
    place = whole_number(request.path_params["n"], "a heatmap")
    strength = _share(request.query_params.get("strength", USUAL_STRENGTH))
    found = await in_thread(READS, _found, workspace(), request.path_params["of"], place)
    body = await anyio.to_thread.run_sync(_blended, found, strength, limiter=DECODERS)
    kept_as = {"content-disposition": f'attachment; filename="{found.name}"'}
    return Response(body, 200, {**HEADERS, **kept_as}, PNG)


def _share(text: str) -> float:
    try:
        share = float(text)
    except ValueError:
        share = -1
    if not 0 <= share <= 1:
        raise RequestError(400, f"{text!r} is no strength", remedy="give a number from 0 to 1")
    return share


def _number(of: str) -> tuple[int, bool]:
    """The number of the inspection or the task, and whether it is a task."""
    return whole_number(of.removeprefix(OF_TASK), "an inspection"), of.startswith(OF_TASK)


def _colours(ws: Workspace, of: str, place: int) -> bytes:
    number, is_task = _number(of)
    folder = tasks.task_folder(ws, number) if is_task else ws.inspection_folder(number)
    body = content(folder / f"{place}.png")
    if not body:
        raise RequestError(404, f"there is no heatmap {place} of {of}", remedy="ask for the heatmaps again")
    return body


def _found(ws: Workspace, of: str, place: int) -> _Heat:
    colours = _colours(ws, of, place)
    number, is_task = _number(of)
    if is_task:
        task = tasks.task(ws, number)
        question, run_id = task.question, task.run_id
        image_id, method = int(question["image_id"]), why.SLOW_METHOD
    else:
        asked = questions.inspection(ws, number)
        question, image_id, run_id = asked.question, asked.image_id, asked.run_id
        method = str(question.get("method", why.USUAL_METHOD))
    nodes = [file_name(key) for key in question["nodes"]]
    parts = [f"picture-{image_id}", *nodes[place : place + 1], *_against(question), method]
    parts += [file_name(str(question["layer"]))] if question.get("layer") else []
    parts += [f"run-{run_id}"] if run_id else []
    # A header's text is plain ASCII.
    name = "-".join(parts).encode("ascii", "replace").decode().replace("?", "_")
    return _Heat(colours, pictures.image(ws, image_id).path, f"{name}.png")


def _against(question: dict[str, Any]) -> list[str]:
    """What the class was held against."""
    if question.get("against"):
        return ["not", file_name(str(question["against"]))]
    return ["not", "siblings"] if question.get("siblings") else []


def _blended(found: _Heat, strength: float) -> bytes:
    buffer = io.BytesIO()
    colours = Image.open(io.BytesIO(found.colours))
    under_heat(read_picture(found.source), colours, strength=strength).save(buffer, "PNG")
    return buffer.getvalue()
