"""How a route answers: JSON for every outcome, the errors with their status and remedy. Knows no verb of the studio."""

import logging
from collections.abc import Awaitable, Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send

from hmgc_core.errors import (
    HmgcError,
    NotAllowed,
    PictureError,
    TaxonomyError,
    UnknownImage,
    UnknownInspection,
    UnknownNode,
    UnknownTask,
    WorkspaceError,
)

Handler = Callable[[Request], Awaitable[Response]]

# Whatever is not named here is a request that cannot be served as it stands: 400.
STATUS: dict[type[HmgcError], int] = {
    NotAllowed: 401,
    UnknownImage: 404,
    UnknownInspection: 404,
    PictureError: 404,
    UnknownTask: 404,
    UnknownNode: 422,
    TaxonomyError: 422,
    WorkspaceError: 503,
}
NEVER_STORE = {"cache-control": "no-store", "x-content-type-options": "nosniff"}

log = logging.getLogger(__name__)


class RequestError(HmgcError):
    """A request turned away for how it was made; `status` is its HTTP status."""

    def __init__(self, status: int, message: str, *, remedy: str) -> None:
        super().__init__(message, remedy=remedy)
        self.status = status


class Resource:
    """One path under /api: a handler for each method, and JSON whatever happens.

    An ASGI app rather than a function, so that Starlette hands it every method, the unknown ones included.
    """

    def __init__(self, **handlers: Handler) -> None:
        self.handlers = {name.upper(): handler for name, handler in handlers.items()}
        if "GET" in self.handlers:
            self.handlers["HEAD"] = self.handlers["GET"]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        request = Request(scope, receive)
        response = await self._answer(request)
        await response(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        handler = self.handlers.get(request.method)
        try:
            if not self.handlers:
                raise RequestError(404, "there is nothing here", remedy="check the address")
            if handler is None:
                raise RequestError(405, f"{request.method[:20]} is not possible here", remedy=f"use {self._methods()}")
            return await handler(request)
        except HmgcError as error:
            return failure(error, headers={"allow": self._methods()} if handler is None and self.handlers else {})
        except Exception:
            log.exception("%s %s failed", request.method, request.url.path)
            return problem(500, "the app made a mistake", remedy="try again; the app's log says more")

    def _methods(self) -> str:
        return ", ".join(self.handlers)


def answer(value: Any) -> JSONResponse:
    """A value as JSON that nobody keeps."""
    return JSONResponse(value, headers=NEVER_STORE)


def failure(error: HmgcError, headers: dict[str, str] | None = None) -> JSONResponse:
    """An error of ours as JSON with its status."""
    status = error.status if isinstance(error, RequestError) else _status(error)
    return problem(status, str(error), remedy=error.remedy, headers=headers)


def problem(status: int, error: str, *, remedy: str, headers: dict[str, str] | None = None) -> JSONResponse:
    """What went wrong and what to do, as JSON."""
    return JSONResponse({"error": error, "remedy": remedy}, status, headers={**NEVER_STORE, **(headers or {})})


def _status(error: HmgcError) -> int:
    for kind in type(error).__mro__:
        if kind in STATUS:
            return STATUS[kind]
    return 400


def whole_number(text: str, what: str) -> int:
    """A number of a path or query. Raises RequestError (404) for anything that cannot be one of ours."""
    # Fifteen digits stay below every limit: of the database, of JavaScript, of Python's parser.
    if not (text.isascii() and text.isdecimal() and len(text) <= 15):
        raise RequestError(404, f"{text[:40]!r} is no number of {what}", remedy="use a whole number")
    return int(text)
