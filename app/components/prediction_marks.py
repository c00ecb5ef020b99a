"""The pictures behind the mark of a chart: which rows, and the words that name it above them."""

from app import actions, resources, state
from app.components import mark_words
from app.components.gallery.index import MarkLine
from hmgc_core.errors import HmgcError
from hmgc_core.records import Run
from hmgc_core.workflow import exploring, marks, training
from hmgc_core.workflow.marks import Mark, Sources
from hmgc_core.workflow.seeing import PredictionTable
from hmgc_core.workflow.workspaces import Workspace


def table(ws: Workspace, run: Run) -> PredictionTable:
    """The predictions of a run: those behind the mark of the address, or all where there is none that can be read."""
    found = actions.attempt(_marked, ws, run)
    return resources.prediction_table(ws, run.id) if isinstance(found, HmgcError) else found


def named(ws: Workspace, run: Run) -> tuple[PredictionTable, MarkLine]:
    """The rows behind the mark of the address, and its name; all rows and the reason where it cannot be read."""
    found = actions.attempt(_marked, ws, run)
    if isinstance(found, HmgcError):
        return resources.prediction_table(ws, run.id), MarkLine(f"{found}. All pictures are shown.", True, choose)
    words = mark_words.words(marks.parse(found.mark), found.taxonomy) if found.mark else ""
    return found, MarkLine(words, False, choose)


def choose(mark: str) -> None:
    """Put a mark into the address, "" for none."""
    state.choose(state.MARK, mark)


def other_run(ws: Workspace) -> Run | None:
    """The run that the mark of the address compares with; None for any other mark, and where there is no such run."""
    mark = _asked()
    run = actions.attempt(training.run, ws, mark.other_run) if mark and mark.other_run is not None else None
    return None if isinstance(run, HmgcError) else run


def shown() -> str:
    """The mark in the address as it is written in marks; "" where it is none."""
    return str(_asked() or "")


def _asked() -> Mark | None:
    asked = state.chosen(state.MARK)
    mark = actions.attempt(marks.parse, asked) if asked else None
    return mark if isinstance(mark, Mark) else None


def _marked(ws: Workspace, run: Run) -> PredictionTable:
    whole = resources.prediction_table(ws, run.id)
    asked = state.chosen(state.MARK)
    if not asked:
        return whole
    mark = marks.parse(asked)
    sources = Sources(
        paths=lambda: exploring.aligned(whole, resources.path_probabilities(ws, run.id)),
        other=lambda other: resources.prediction_table(ws, other),
    )
    keep = marks.rows(mark, whole, sources)
    other = None if mark.other_run is None else resources.prediction_table(ws, mark.other_run)
    return whole.only(keep, mark=str(mark), other=other)
