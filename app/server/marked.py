"""The routes of marked pictures: label them in one go and take that back, keep them as a selection or as references."""

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from app.server.answers import answer
from app.server.labels import LONGEST_LOOK_S, field_of, number_of
from app.server.threads import LABELS, READS, in_thread
from app.server.workspace import workspace
from app.server.writes import write
from hmgc_core.errors import BadRequest
from hmgc_core.workflow import labelling_together, references, selections
from hmgc_core.workflow.labelling_together import Group, Refused
from hmgc_core.workflow.taxonomies import current_taxonomy


async def about(request: Request) -> Response:
    """The class tree in use, and what the newest run takes the `images` for most often."""
    asked = await write(request)
    images = _images(asked.body)

    def told() -> dict[str, Any]:
        version, taxonomy = current_taxonomy(workspace())
        return {
            "taxonomy": {"version": version, "hash": taxonomy.content_hash},
            "likely": labelling_together.likely(workspace(), images),
        }

    return answer(await in_thread(READS, told))


async def look(request: Request) -> Response:
    """What labelling the `images` as `node` would do; nothing is stored."""
    asked = await write(request)
    node, version, images = (
        field_of(asked.body, "node", str, None),
        number_of(asked.body, "taxonomy"),
        _images(asked.body),
    )
    seen = await in_thread(
        READS, labelling_together.look, workspace(), node, version, images, annotator=asked.annotator
    )
    changed = [[word.image_id, word.kind, word.node] for word in seen.changed]
    others = [[word.image_id, word.kind, word.node, word.annotator] for word in seen.others]
    told = {"new": seen.new, "changed": changed, "already": seen.already, "refused": _refused(seen.refused)}
    return answer({**told, "others": others})


async def labels(request: Request) -> Response:
    """Label one chunk of a group of `images`; sending it again stores nothing twice."""
    asked = await write(request)
    seconds = field_of(asked.body, "seconds", float, 0.0)
    if not 0 <= seconds <= LONGEST_LOOK_S:
        raise BadRequest("`seconds` is out of range", remedy="send how long one picture took")
    group = Group(
        name=field_of(asked.body, "group", str, None),
        node=field_of(asked.body, "node", str, None),
        taxonomy=number_of(asked.body, "taxonomy"),
        seconds=float(seconds),
        pictures=number_of(asked.body, "together"),
    )
    images = _images(asked.body)
    done = await in_thread(LABELS, labelling_together.label, workspace(), group, images, annotator=asked.annotator)
    told = {"saved": done.saved, "new": done.new, "already": done.already, "refused": _refused(done.refused)}
    return answer({**told, "counts": done.counts._asdict()})


async def undo(request: Request) -> Response:
    """Take back all labels of a group; doing it twice is harmless."""
    asked = await write(request)
    group = field_of(asked.body, "group", str, None)
    count, counts = await in_thread(LABELS, labelling_together.undo, workspace(), group, annotator=asked.annotator)
    return answer({"withdrawn": count, "counts": counts._asdict()})


async def selection(request: Request) -> Response:
    """Keep the `images`, in this order, under a `name`; answers with the queue to label them."""
    asked = await write(request)
    name, images = field_of(asked.body, "name", str, None), list(dict.fromkeys(_images(asked.body)))
    saved = await in_thread(LABELS, selections.save, workspace(), name, images)
    return answer({"queue": f"selection:{saved.id}", "name": saved.name, "total": saved.total})


async def mark_references(request: Request) -> Response:
    """Mark the `images` as examples of the class `node`."""
    asked = await write(request)
    node, images = field_of(asked.body, "node", str, None), _images(asked.body)
    done = await in_thread(LABELS, references.mark, workspace(), node, images, annotator=asked.annotator)
    return answer({"new": done.new, "already": done.already, "test": done.test})


async def unmark_references(request: Request) -> Response:
    """Take the marks of the `images` for the class `node` back; doing it twice is harmless."""
    asked = await write(request)
    node, images = field_of(asked.body, "node", str, None), _images(asked.body)
    return answer({"removed": await in_thread(LABELS, references.unmark, workspace(), node, images)})


def _images(body: Any) -> list[int]:
    """Ids of images: SQLite and JavaScript agree on numbers below 2**53."""
    found = body.get("images") if isinstance(body, dict) else None
    if not isinstance(found, list):
        raise BadRequest("`images` must be a list", remedy="send numbers of images")
    if any(isinstance(value, bool) or not isinstance(value, int) or not 0 < value < 2**53 for value in found):
        raise BadRequest("this is no number of an image", remedy="send numbers that the gallery gave")
    if len(found) > labelling_together.MOST_LOOKED_AT:
        raise BadRequest(f"{len(found)} images at once", remedy=f"send at most {labelling_together.MOST_LOOKED_AT}")
    return found


def _refused(found: tuple[Refused, ...]) -> list[list[Any]]:
    return [[one.image_id, one.why] for one in found]
