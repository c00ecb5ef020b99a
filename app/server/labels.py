"""The routes of labels: what was said, what is taken back, and who is labelling."""

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from app.security import TOKEN_HEADER, TOKEN_LIFE_S, cookie_of
from app.server.answers import answer
from app.server.threads import LABELS, in_thread
from app.server.workspace import workspace
from app.server.writes import write
from hmgc_core.errors import BadRequest
from hmgc_core.records import NewAnnotation
from hmgc_core.workflow import labelling
from hmgc_core.workflow.workspaces import Workspace

LONGEST_LOOK_S = 1e7
DEEPEST_SHOWN = 4


def counts(ws: Workspace) -> dict[str, int]:
    """How much is done. at: counts with a larger one are newer, in whatever order two answers arrive."""
    return labelling.image_counts(ws)._asdict()


async def labels(request: Request) -> Response:
    """Store labels: one object, or {"labels": [...]}. All of them or, with a 4xx, none; a known uid is harmless."""
    asked = await write(request)
    listed = asked.body.get("labels", [asked.body]) if isinstance(asked.body, dict) else None
    if not isinstance(listed, list) or not listed:
        raise BadRequest("this is no label", remedy='send one label, or {"labels": [...]}')
    statements = [_statement(value) for value in listed]
    new, done = await in_thread(
        LABELS, labelling.annotate_and_count, workspace(), statements, annotator=asked.annotator
    )
    return answer({"saved": len(statements), "new": new, "counts": done._asdict()})


def _statement(value: Any) -> NewAnnotation:
    if not isinstance(value, dict):
        raise BadRequest("a label is a JSON object", remedy="send uid, image_id, node, kind and taxonomy")
    uid = field_of(value, "uid", str, None)
    if not (uid.isascii() and uid.isprintable()):
        raise BadRequest("a uid is plain letters and digits", remedy="send a random UUID")
    seconds = field_of(value, "seconds", float, 0.0)
    if not 0 <= seconds <= LONGEST_LOOK_S:
        raise BadRequest("`seconds` is out of range", remedy="send how long the image was looked at")
    shown = field_of(value, "shown", dict, {})
    if not _is_plain(shown, DEEPEST_SHOWN):
        raise BadRequest("`shown` is nested too deeply", remedy="send an object of plain values")
    return NewAnnotation(
        uid=uid,
        image_id=number_of(value, "image_id"),
        node=field_of(value, "node", str, ""),
        kind=field_of(value, "kind", str, "is"),
        taxonomy=number_of(value, "taxonomy"),
        seconds=float(seconds),
        shown=shown,
    )


def field_of(value: Any, name: str, kind: type, default: Any) -> Any:
    """value[name], of this type; `default` where it is missing (None: it must be there). float takes whole numbers.

    Raises BadRequest, also where `value` is no object.
    """
    if not isinstance(value, dict):
        raise BadRequest("the request is no JSON object", remedy="send an object")
    found = value.get(name, default)
    if isinstance(found, bool) or not isinstance(found, (int, float) if kind is float else kind):
        words = {str: "a text", int: "a whole number", float: "a number", dict: "an object"}
        raise BadRequest(f"`{name}` must be {words[kind]}", remedy=f"send {words[kind]} as `{name}`")
    return found


def number_of(value: Any, name: str) -> int:
    """An id: SQLite and JavaScript agree on numbers below 2**53. Raises BadRequest for anything else."""
    number = field_of(value, name, int, None)
    if not 0 < number < 2**53:
        raise BadRequest(f"`{name}` is out of range", remedy="send an id that the app gave")
    return number


def _is_plain(value: Any, depth: int) -> bool:
    if isinstance(value, (dict, list)):
        inner = value.values() if isinstance(value, dict) else value
        return depth > 0 and all(_is_plain(part, depth - 1) for part in inner)
    return True


async def withdraw(request: Request) -> Response:
    """Take back one's own label; doing it twice is harmless."""
    asked = await write(request)
    uid = request.path_params["uid"]
    done = await in_thread(LABELS, labelling.withdraw, workspace(), uid, annotator=asked.annotator)
    return answer({"withdrawn": uid, "counts": done._asdict()})


async def session(request: Request) -> Response:
    """Keep a valid token as a cookie that no script can read, so that the app asks only once who is labelling."""
    asked = await write(request)
    response = answer({"annotator": asked.annotator})
    response.set_cookie(
        cookie_of(workspace().secret()),
        request.headers[TOKEN_HEADER],
        max_age=TOKEN_LIFE_S,
        httponly=True,
        samesite="lax",
        secure=request.url.scheme == "https",
    )
    return response
