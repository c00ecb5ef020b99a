"""The route of scripts that are too long to travel with every message of a page; the browser keeps them for good."""

from starlette.requests import Request
from starlette.responses import Response

from app.components.drawn_charts.script import SCRIPT as CHARTS
from app.components.gallery.script import SCRIPT as GALLERY
from app.components.picture_map.script import SCRIPT as MAP
from app.server.answers import RequestError

KEPT = {"cache-control": "private, max-age=31536000, immutable"}
HEADERS = {"x-content-type-options": "nosniff", "vary": "accept-encoding"}
SCRIPTS = {script.kind: script for script in (GALLERY, MAP, CHARTS)}
JAVASCRIPT = "text/javascript; charset=utf-8"


async def script(request: Request) -> Response:
    """The script of a component by its name; under the name that an older app gave it too, but then not to be kept."""
    asked = request.path_params["name"]
    found = SCRIPTS.get(asked.partition("-")[0])
    if found is None or "-" not in asked or not asked.endswith(".js"):
        raise RequestError(404, "there is no such script", remedy="reload the page")
    headers = {**HEADERS, **(KEPT if asked == found.name else {"cache-control": "no-store"})}
    if "gzip" in request.headers.get("accept-encoding", ""):
        return Response(found.packed, media_type=JAVASCRIPT, headers={**headers, "content-encoding": "gzip"})
    return Response(found.text, media_type=JAVASCRIPT, headers=headers)
