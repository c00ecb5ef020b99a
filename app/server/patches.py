"""The routes of connected patches: the graphs of an inspection, and their figure to keep."""

import gzip

import anyio
from starlette.requests import Request
from starlette.responses import Response

from app.server.answers import RequestError, whole_number
from app.server.pictures import DECODERS
from app.server.threads import READS, in_thread
from app.server.workspace import workspace
from hmgc_core.patch_figure import FigureKind
from hmgc_core.workflow import graph as graphs

TYPES: dict[str, tuple[FigureKind, str]] = {"png": ("png", "image/png"), "svg": ("svg", "image/svg+xml")}
MOST_BLOCKS = 16
KEPT = {"cache-control": "private, no-cache", "x-content-type-options": "nosniff"}


async def graph(request: Request) -> Response:
    """The graphs as JSON, compressed where the browser takes it: see `hmgc_core.patch_graph`."""
    inspection = whole_number(request.path_params["inspection"], "an inspection")
    body = await in_thread(READS, graphs.patches_json, workspace(), inspection)
    headers = {**KEPT, "vary": "accept-encoding"}
    if "gzip" in request.headers.get("accept-encoding", ""):
        body, headers["content-encoding"] = await in_thread(READS, gzip.compress, body, 6), "gzip"
    return Response(body, media_type="application/json", headers=headers)


async def figure(request: Request) -> Response:
    """The figure of one class as a PNG or SVG file to keep. class: its place among the asked; blocks: `4,8,12`."""
    inspection = whole_number(request.path_params["inspection"], "an inspection")
    if request.path_params["kind"] not in TYPES:
        raise RequestError(404, "there is no such figure", remedy="ask for figure.png or figure.svg")
    kind, media_type = TYPES[request.path_params["kind"]]
    place = whole_number(request.query_params.get("class", "0"), "a class")
    blocks = [whole_number(one, "a block") for one in request.query_params.get("blocks", "").split(",") if one]
    if len(blocks) > MOST_BLOCKS:
        raise RequestError(400, f"{len(blocks)} blocks are asked for", remedy=f"name at most {MOST_BLOCKS}")

    def made() -> bytes:
        return graphs.figure(workspace(), inspection, place=place, blocks=blocks, kind=kind)

    body = await anyio.to_thread.run_sync(made, limiter=DECODERS)
    # A file to keep, never a page of ours: an SVG could hold scripts.
    name = f"patches-{inspection}-{place}.{kind}"
    headers = {**KEPT, "content-disposition": f'attachment; filename="{name}"'}
    return Response(body, media_type=media_type, headers=headers)
