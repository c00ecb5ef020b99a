"""The routes of queues: what comes next, whose hands pictures are in, and one picture out of its turn."""

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from app.server.answers import answer, whole_number
from app.server.labels import counts
from app.server.suggestions import suggested
from app.server.threads import QUEUES, in_thread
from app.server.workspace import workspace
from app.server.writes import annotator, write
from hmgc_core.errors import BadRequest
from hmgc_core.records import QueueChoice
from hmgc_core.workflow import queues
from hmgc_core.workflow.queues import QueueItem
from hmgc_core.workflow.taxonomies import current_taxonomy

MOST_AHEAD = 48


async def queue(request: Request) -> Response:
    """The next images of a queue, reserved for who asks; the class tree in use, and how much is labelled."""
    by = annotator(request)
    count = whole_number(request.query_params.get("n", "12"), "images")
    after = request.query_params.get("after", "")
    choice = QueueChoice.parse(request.query_params.get("queue", ""))
    return answer(await in_thread(QUEUES, _queue, choice, by, after, max(1, min(count, MOST_AHEAD))))


def _queue(choice: QueueChoice, by: str, after: str, count: int) -> dict[str, Any]:
    ws = workspace()
    page = queues.next_pictures(ws, choice, annotator=by, after=after, count=count)
    version, taxonomy = current_taxonomy(ws)
    return {
        "items": [_item(item) for item in page.items],
        "pass": page.pass_id,
        "ended": page.ended,
        "left": {"skipped": page.skipped, "held": page.held},
        "reserve_s": page.reserve_s,
        "people": page.people,
        "taxonomy": {"version": version, "hash": taxonomy.content_hash},
        "counts": counts(ws),
    }


def _item(item: QueueItem) -> dict[str, Any]:
    return {
        "id": item.image.id,
        "after": item.after,
        "width": item.image.width,
        "height": item.image.height,
        "suggestion": suggested(item.suggestion) if item.suggestion else None,
        "said": [{"by": word.annotator, "kind": word.kind, "node": word.node} for word in item.said],
    }


async def size(request: Request) -> Response:
    """How many images a queue has left for who asks."""
    by = annotator(request)
    choice = QueueChoice.parse(request.query_params.get("queue", ""))
    found = await in_thread(QUEUES, queues.size, workspace(), choice, annotator=by)
    return answer({"left": found.left, "total": found.total})


async def reopened(request: Request) -> Response:
    """One image out of its turn, and what the person who asks says about it now."""
    by = annotator(request)
    number = whole_number(request.path_params["id"], "an image")
    item, word = await in_thread(QUEUES, queues.reopened, workspace(), number, annotator=by)
    return answer({"item": _item(item), "word": {"kind": word.kind, "node": word.node} if word else None})


async def hold(request: Request) -> Response:
    """Keep images reserved for some more minutes; answers with those that are still this person's to label."""
    asked = await write(request)
    choice, images = _choice(asked.body), asked.body.get("images")
    if not isinstance(images, list):
        raise BadRequest("`images` must be a list", remedy="send numbers of images that the queue gave")
    numbers = [_image(value) for value in images]
    held = await in_thread(QUEUES, queues.hold, workspace(), choice, numbers, annotator=asked.annotator)
    return answer({"held": held})


async def skip(request: Request) -> Response:
    """Leave an image to the others; it comes again at the end."""
    asked = await write(request)
    image = _image(asked.body.get("image") if isinstance(asked.body, dict) else None)
    await in_thread(QUEUES, queues.skip, workspace(), image, annotator=asked.annotator)
    return answer({"skipped": image})


async def again(request: Request) -> Response:
    """At the end of a queue once more: what was skipped or, where that is nothing, all that is to be looked through."""
    asked = await write(request)
    choice = _choice(asked.body)
    await in_thread(QUEUES, queues.again, workspace(), choice, annotator=asked.annotator)
    return answer({"queue": str(choice)})


def _choice(body: Any) -> QueueChoice:
    text = body.get("queue", "") if isinstance(body, dict) else None
    if not isinstance(text, str):
        raise BadRequest("`queue` must be a text", remedy="send the queue that was chosen")
    return QueueChoice.parse(text)


def _image(value: Any) -> int:
    """The number of an image: SQLite and JavaScript agree on numbers below 2**53."""
    if isinstance(value, bool) or not isinstance(value, int) or not 0 < value < 2**53:
        raise BadRequest("this is no number of an image", remedy="send one that the queue gave")
    return value
