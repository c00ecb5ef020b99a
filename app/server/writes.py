"""What every write must bring: JSON, from our own page, with a signed token, of bounded size.

Streamlit guards its own socket but none of our routes; a write that comes through here is guarded.
"""

import json
from dataclasses import dataclass
from typing import Any, NoReturn

from starlette.requests import Request

from app.security import TOKEN_HEADER, annotator_of, same_origin
from app.server.answers import RequestError
from app.server.workspace import workspace
from hmgc_core.errors import BadRequest

LONGEST_BODY = 64 * 1024


@dataclass(frozen=True)
class Write:
    """A write that may be carried out. body: the parsed JSON, {} where there was none."""

    annotator: str
    body: Any


def annotator(request: Request) -> str:
    """Who sends this, by the signed token in its header. Raises NotAllowed.

    A header and not a cookie: another site cannot make a browser send it.
    """
    return annotator_of(workspace().secret(), request.headers.get(TOKEN_HEADER, ""))


async def write(request: Request) -> Write:
    """Check and read a write. Raises RequestError (415, 403, 413), NotAllowed or BadRequest."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise RequestError(415, "a write must be JSON", remedy="send content-type: application/json")
    if not same_origin(request.headers.get("origin"), request.headers.get("host", "")):
        raise RequestError(403, "this request comes from another site", remedy="use the app's own pages")
    by = annotator(request)
    return Write(by, _parsed(await _read(request)))


async def _read(request: Request) -> bytes:
    """The body; gives up as soon as it is too long, whatever its header claims."""
    claimed = request.headers.get("content-length", "0")
    if claimed.isdecimal() and int(claimed[:18]) > LONGEST_BODY:
        _too_long()
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > LONGEST_BODY:
            _too_long()
    return bytes(body)


def _too_long() -> NoReturn:
    raise RequestError(413, "the request is too large", remedy=f"send at most {LONGEST_BODY // 1024} kB at once")


def _parsed(body: bytes) -> Any:
    try:
        return json.loads(body, parse_constant=_no_constant) if body else {}
    except (ValueError, RecursionError) as error:  # ValueError: not JSON, not UTF-8, or a number of 5,000 digits
        raise BadRequest("the request is not JSON", remedy="send one JSON value in UTF-8") from error


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")
