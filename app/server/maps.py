"""The routes of the map: its points and their colours as numbers, kept by the browser; one picture of it in words."""

import gzip
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from app.security import fingerprint
from app.server.answers import RequestError, answer, whole_number
from app.server.pictures import OF_NUMBER, OF_WORKSPACE
from app.server.threads import READS, in_thread
from app.server.workspace import workspace
from app.server.writes import annotator
from hmgc_core.querying import Verdict
from hmgc_core.workflow import map_colours, picture_maps, seeing
from hmgc_core.workflow.seeing import ImageView


async def points(request: Request) -> Response:
    """Where the pictures of a map lie: see `picture_maps.packed_points`."""
    task = _task(request)
    return _numbers(request, await in_thread(READS, _points, task))


def _points(task: int) -> bytes:
    return picture_maps.packed_points(picture_maps.map_of_task(workspace(), task))


async def colours(request: Request) -> Response:
    """One byte per picture of a map, under a name that only these bytes have."""
    task = _task(request)
    name = request.path_params["name"]
    return _numbers(request, await in_thread(READS, map_colours.kept_codes, workspace(), task, name))


async def picture(request: Request) -> Response:
    """What the run of a map says of one picture, and what people say: for those whom a page of ours gave a token."""
    annotator(request)
    task, image = _task(request), whole_number(request.path_params["id"], "an image")
    return answer(await in_thread(READS, _told, task, image))


def _told(task: int, image: int) -> dict[str, Any]:
    ws = workspace()
    view = seeing.image_view(ws, picture_maps.map_of_task(ws, task).run, image)
    if view is None:
        raise RequestError(404, f"image {image} is not on this map", remedy="reload the page")
    return {
        "answer": view.levels[-1].name if view.levels else "",
        "share": round(view.prediction.probability, 4),
        "label": view.label_path[-1] if view.label_path else "",
        "verdict": _verdict(view),
    }


def _verdict(view: ImageView) -> Verdict:
    if view.is_open or not view.label_path:
        return "open" if view.is_open else "unlabelled"
    return "wrong" if any(level.agrees is False for level in view.levels) else "right"


def _task(request: Request) -> int:
    of = request.query_params.get("of")
    task = whole_number(request.path_params["task"], "a map")
    if of not in (None, fingerprint(workspace().secret())):
        raise RequestError(404, f"map {task} belongs to another workspace", remedy="reload the page")
    return task


def _numbers(request: Request, body: bytes) -> Response:
    """Compressed numbers for good: another content has another address."""
    headers = {
        "cache-control": OF_WORKSPACE if "of" in request.query_params else OF_NUMBER,
        "x-content-type-options": "nosniff",
        "vary": "accept-encoding",
    }
    if "gzip" in request.headers.get("accept-encoding", ""):
        headers["content-encoding"] = "gzip"
    else:
        body = gzip.decompress(body)
    return Response(body, media_type="application/octet-stream", headers=headers)
