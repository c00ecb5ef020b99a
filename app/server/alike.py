"""The route of labelling many at once: the next screen of pictures that look alike."""

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from app.server.answers import RequestError, answer, whole_number
from app.server.labels import counts
from app.server.suggestions import suggested
from app.server.threads import QUEUES, in_thread
from app.server.workspace import workspace
from app.server.writes import annotator
from hmgc_core.workflow import queues
from hmgc_core.workflow.alike import Screen, Tile, next_screen, screen_among
from hmgc_core.workflow.taxonomies import current_taxonomy

MOST_TILES = 60
MOST_NAMED = 1000  # images in `without` or `among`


async def alike(request: Request) -> Response:
    """A screen of look-alikes, the class tree in use, how much is done, and how long `hold` reserves.

    n: how many pictures. after: of an earlier screen. without: images that are not wanted, `1,2,3`. among: only of
    these images.
    """
    by = annotator(request)
    query = request.query_params
    count = max(1, min(whole_number(query.get("n", "40"), "images"), MOST_TILES))
    after, without, among = query.get("after", ""), _named(query.get("without", "")), _named(query.get("among", ""))

    def screen() -> Screen:
        if among:
            return screen_among(workspace(), annotator=by, count=count, among=among)
        return next_screen(workspace(), annotator=by, count=count, after=after, without=set(without))

    return answer(await in_thread(QUEUES, lambda: _told(screen())))


def _named(text: str) -> list[int]:
    """The images of `1,2,3`."""
    names = text.split(",") if text else []
    if len(names) > MOST_NAMED:
        raise RequestError(400, f"{len(names)} images are named", remedy=f"name at most {MOST_NAMED}")
    return [whole_number(name, "an image") for name in names]


def _told(screen: Screen) -> dict[str, Any]:
    ws = workspace()
    version, taxonomy = current_taxonomy(ws)
    return {
        "items": [_item(tile) for tile in screen.tiles],
        "after": screen.after,
        "run": screen.run,
        "order": screen.order,
        "taxonomy": {"version": version, "hash": taxonomy.content_hash},
        "counts": counts(ws),
        "reserve_s": queues.rules(ws).reserve_s,
    }


def _item(tile: Tile) -> dict[str, Any]:
    image, suggestion = tile.image, tile.suggestion
    said = suggested(suggestion) if suggestion else None
    return {"id": image.id, "width": image.width, "height": image.height, "suggestion": said}
