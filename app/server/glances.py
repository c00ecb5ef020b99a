"""The routes of a class at a glance: its pictures beside those of its siblings, and what looks like a picture."""

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from app.server.answers import RequestError, answer, whole_number
from app.server.threads import READS, in_thread
from app.server.workspace import workspace
from app.server.writes import annotator
from hmgc_core.errors import UnknownNode
from hmgc_core.workflow import glance
from hmgc_core.workflow.glance import ClassPictures


async def of_class(request: Request) -> Response:
    """Ids of labelled pictures of `node` and of its siblings; `without`: an image that is on screen already."""
    annotator(request)
    key = request.query_params.get("node", "")
    without = whole_number(request.query_params.get("without", "0"), "an image")
    return answer(await in_thread(READS, _of_class, key, without))


def _of_class(key: str, without: int) -> dict[str, Any]:
    try:
        found = glance.glance(workspace(), key, without=without)
    except UnknownNode as error:
        raise RequestError(404, str(error), remedy=error.remedy) from error
    siblings = [_named(sibling) for sibling in found.siblings]
    return {
        "node": found.own.node,
        "pictures": found.own.images,
        "references": found.own.references,
        "siblings": siblings,
    }


def _named(pictures: ClassPictures) -> dict[str, Any]:
    return {"node": pictures.node, "pictures": pictures.images}


async def nearest(request: Request) -> Response:
    """The labelled pictures that look most like `image` to the newest run, the nearest first."""
    annotator(request)
    number = whole_number(request.query_params.get("image", ""), "an image")
    found = await in_thread(READS, glance.nearest_labelled, workspace(), number)
    pictures = [{"id": n.image_id, "node": n.node, "likeness": round(n.likeness, 4)} for n in found.neighbours]
    return answer({"run": found.run, "known": found.is_known, "pictures": pictures})
