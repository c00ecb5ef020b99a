"""The table of our own routes, beside Streamlit's. Whatever is not in it answers JSON 404 under /api."""

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

import hmgc_core
from app.server import (
    alike,
    glances,
    heatmaps,
    labels,
    maps,
    marked,
    patches,
    pictures,
    questions,
    queues,
    scripts,
    trees,
)
from app.server.answers import Resource, answer
from app.server.threads import READS, in_thread
from app.server.workspace import workspace
from hmgc_core.workflow.taxonomies import newest_taxonomy


async def health(_request: Request) -> Response:
    """The app is up and its database answers."""
    await in_thread(READS, newest_taxonomy, workspace())
    return answer({"status": "ok", "version": hmgc_core.__version__})


async def overview(request: Request) -> Response:
    """The first page lives at `/`; whoever types its name gets there too."""
    return RedirectResponse(request.url.replace(path="/"))


routes = [
    Route("/overview", overview),
    Route("/api/health", Resource(get=health)),
    Route("/api/session", Resource(post=labels.session)),
    Route("/api/queue", Resource(get=queues.queue)),
    Route("/api/queue/size", Resource(get=queues.size)),
    Route("/api/queue/hold", Resource(post=queues.hold)),
    Route("/api/queue/skip", Resource(post=queues.skip)),
    Route("/api/queue/again", Resource(post=queues.again)),
    Route("/api/queue/images/{id}", Resource(get=queues.reopened)),
    Route("/api/alike", Resource(get=alike.alike)),
    Route("/api/labels", Resource(post=labels.labels)),
    Route("/api/labels/{uid}/withdraw", Resource(post=labels.withdraw)),
    Route("/api/marked/about", Resource(post=marked.about)),
    Route("/api/marked/look", Resource(post=marked.look)),
    Route("/api/marked/labels", Resource(post=marked.labels)),
    Route("/api/marked/labels/undo", Resource(post=marked.undo)),
    Route("/api/marked/selection", Resource(post=marked.selection)),
    Route("/api/marked/references", Resource(post=marked.mark_references)),
    Route("/api/marked/references/remove", Resource(post=marked.unmark_references)),
    Route("/api/scripts/{name}", Resource(get=scripts.script)),
    Route("/api/taxonomy/{hash}", Resource(get=trees.taxonomy)),
    Route("/api/glance", Resource(get=glances.of_class)),
    Route("/api/nearest", Resource(get=glances.nearest)),
    Route("/api/images/{id}", Resource(get=pictures.image)),
    Route("/api/questions/{number}", Resource(get=questions.state)),
    Route("/api/heatmaps/{of}/{n}", Resource(get=heatmaps.heat)),
    Route("/api/heatmaps/{of}/{n}/picture", Resource(get=heatmaps.picture)),
    Route("/api/maps/{task}/points", Resource(get=maps.points)),
    Route("/api/maps/{task}/colours/{name}", Resource(get=maps.colours)),
    Route("/api/maps/{task}/pictures/{id}", Resource(get=maps.picture)),
    Route("/api/patches/{inspection}", Resource(get=patches.graph)),
    Route("/api/patches/{inspection}/figure.{kind}", Resource(get=patches.figure)),
    # Streamlit would answer an unknown path with its page and 200.
    Route("/api", Resource()),
    Route("/api/{rest:path}", Resource()),
]
