"""The route of questions to the inspector: how far one is, for who waits for its answer."""

from starlette.requests import Request
from starlette.responses import Response

from app.server.answers import answer, whole_number
from app.server.threads import READS, in_thread
from app.server.workspace import workspace
from hmgc_core.workflow import questions, training
from hmgc_core.workflow.workspaces import Workspace


async def state(request: Request) -> Response:
    """How far a question is, and whether anybody is there to answer it: {"status", "there"}."""
    number = whole_number(request.path_params["number"], "a question")
    return answer(await in_thread(READS, _state, workspace(), number))


def _state(ws: Workspace, number: int) -> dict[str, object]:
    return {"status": questions.inspection(ws, number).status, "there": training.services(ws)["inspector"]}
