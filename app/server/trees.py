"""The route of the class tree: sent once per content, then kept by the browser for good."""

import functools
import gzip
import json

from starlette.requests import Request
from starlette.responses import Response

from app.server.answers import RequestError
from app.server.threads import READS, in_thread
from app.server.workspace import workspace
from hmgc_core.taxonomy import Taxonomy
from hmgc_core.workflow.labelling import taxonomy_for_screen
from hmgc_core.workflow.taxonomies import taxonomy_with_hash


async def taxonomy(request: Request) -> Response:
    """The class tree with this content hash, as compressed JSON arrays."""
    body = await in_thread(READS, _body, request.path_params["hash"])
    headers = {
        "cache-control": "private, max-age=31536000, immutable",
        "x-content-type-options": "nosniff",
        "vary": "accept-encoding",
    }
    if "gzip" in request.headers.get("accept-encoding", ""):
        return Response(body, media_type="application/json", headers={**headers, "content-encoding": "gzip"})
    return Response(gzip.decompress(body), media_type="application/json", headers=headers)


def _body(content_hash: str) -> bytes:
    known = taxonomy_with_hash(workspace(), content_hash)
    if known is None:
        raise RequestError(404, "there is no such class tree", remedy="reload the page to get the newest one")
    return packed(known)


@functools.lru_cache(maxsize=4)
def packed(tree: Taxonomy) -> bytes:
    """A class tree as compressed JSON; the same bytes for the same content."""
    text = json.dumps(taxonomy_for_screen(tree), ensure_ascii=False, separators=(",", ":"))
    return gzip.compress(text.encode("utf-8", "surrogatepass"), mtime=0)
