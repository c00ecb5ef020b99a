"""What stands before every request, Streamlit's own included: known hosts only, and headers that bound the page."""

from starlette.datastructures import Headers, MutableHeaders
from starlette.middleware import Middleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.security import is_known_host, same_origin
from app.server.answers import problem

# A name in the data can then load nothing from elsewhere, whatever a page does with it. Scripts are not bounded:
# Streamlit loads components from blobs.
CONTENT_POLICY = (
    "img-src 'self' data: blob:; media-src 'self' data: blob:; font-src 'self' data:; "
    "object-src 'none'; base-uri 'self'; frame-ancestors 'self'"
)
ADD_HOST = "open it as 127.0.0.1 or localhost, or add this name to HMGC_ALLOWED_HOSTS"
HEADERS = {
    "content-security-policy": CONTENT_POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
}


class KnownHosts:
    """Turns away a Host that is not ours (a rebound name), and a socket opened by another site."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through, or refuse it."""
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        host = headers.get("host", "")
        if not is_known_host(host):
            refusal = problem(400, "the app does not answer to this host name", remedy=ADD_HOST)
        elif scope["type"] == "websocket" and not same_origin(headers.get("origin"), host):
            refusal = problem(403, "this connection comes from another site", remedy="use the app's own pages")
        else:
            await self.app(scope, receive, send)
            return
        if scope["type"] == "websocket" and "websocket.http.response" not in scope.get("extensions", {}):
            await send({"type": "websocket.close", "code": 1008})
        else:
            await refusal(scope, receive, send)


class SafeHeaders:
    """Adds HEADERS to every answer that does not set them itself."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on, and complete what comes back."""

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        await self.app(scope, receive, send_with_headers)


middleware = [Middleware(SafeHeaders), Middleware(KnownHosts)]
