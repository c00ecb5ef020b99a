"""What all visitors share: the workspace, and what is dear to compute from it. The only caches of the app.

The cached values are frozen: pages read them and change nothing. An argument whose name begins with _ is no part of a
cache's key; the others are, also where the function makes no use of them (hence ARG001).
"""

import functools

import streamlit as st

from app import security
from hmgc_core import settings
from hmgc_core.records import QueueChoice
from hmgc_core.taxonomy import Taxonomy
from hmgc_core.workflow import (
    health,
    labelling,
    map_colours,
    new_pictures,
    pictures,
    queues,
    seeing,
    taxonomies,
    workspaces,
)
from hmgc_core.workflow.exploring import Paths
from hmgc_core.workflow.health import Finding
from hmgc_core.workflow.map_colours import OF_A_LEVEL, By, Colouring
from hmgc_core.workflow.picture_maps import PictureMap
from hmgc_core.workflow.queues import FolderChoice, QueueSize
from hmgc_core.workflow.seeing import PredictionTable
from hmgc_core.workflow.tree_statistics import TreeStatistics
from hmgc_core.workflow.tree_statistics import tree_statistics as tree_statistics_of
from hmgc_core.workflow.workspaces import Workspace

Stamp = tuple[int, int, int | None]
MISSING_S = 30


def workspace() -> Workspace:
    """The workspace of this app, opened once per process."""
    return workspaces.shared_workspace(settings.workspace_folder().absolute())


def labels_stamp(ws: Workspace) -> Stamp:
    """What changes whenever a label or the class tree does: a part of every key below."""
    newest = taxonomies.newest_taxonomy(ws)
    return seeing.labels_stamp(ws), seeing.pictures_stamp(ws), newest[0] if newest else None


def prediction_table(ws: Workspace, run_id: int) -> PredictionTable:
    """Every prediction of a finished run beside the labels of now."""
    return _prediction_table(ws, str(ws.folder), run_id, labels_stamp(ws))


@st.cache_resource(max_entries=6, show_spinner=False)
def _prediction_table(_ws: Workspace, folder: str, run_id: int, stamp: Stamp) -> PredictionTable:  # noqa: ARG001
    return seeing.with_labels(_ws, _answers(_ws, folder, run_id, seeing.pictures_stamp(_ws)))


@st.cache_resource(max_entries=6, show_spinner=False)
def _answers(_ws: Workspace, folder: str, run_id: int, stamp: int) -> PredictionTable:  # noqa: ARG001
    return seeing.answers(_ws, run_id)


def map_colouring(ws: Workspace, made: PictureMap, by: By, level: int) -> Colouring:
    """How the points of a map are coloured by the labels of now."""
    return _map_colouring(ws, made, str(ws.folder), made.task, by, level if by in OF_A_LEVEL else 0, labels_stamp(ws))


@st.cache_resource(max_entries=20, show_spinner=False)
def _map_colouring(
    _ws: Workspace,
    _made: PictureMap,
    folder: str,  # noqa: ARG001
    task: int,  # noqa: ARG001
    by: By,
    level: int,
    stamp: Stamp,  # noqa: ARG001
) -> Colouring:
    return map_colours.colouring(_made, prediction_table(_ws, _made.run), by, level)


def path_probabilities(ws: Workspace, run_id: int) -> Paths:
    """How sure a finished run is at each level of its answers; they change with nothing but pictures taken out."""
    return _path_probabilities(ws, str(ws.folder), run_id, seeing.pictures_stamp(ws))


@st.cache_resource(max_entries=3, show_spinner="Reading how sure the model is at each level …")
def _path_probabilities(_ws: Workspace, folder: str, run_id: int, stamp: int) -> Paths:  # noqa: ARG001
    return seeing.path_probabilities(_ws, run_id)


def tree_statistics(ws: Workspace, version: int, run_id: int | None) -> TreeStatistics:
    """All figures of all classes of a tree, with those of a run of the same tree if one is given."""
    return _tree_statistics(ws, str(ws.folder), version, run_id, labels_stamp(ws))


@st.cache_resource(max_entries=6, show_spinner=False)
def _tree_statistics(
    _ws: Workspace,
    folder: str,  # noqa: ARG001
    version: int,
    run_id: int | None,
    stamp: Stamp,  # noqa: ARG001
) -> TreeStatistics:
    table = None if run_id is None else prediction_table(_ws, run_id)
    return tree_statistics_of(_ws, version, table)


@st.cache_resource(max_entries=6, show_spinner=False)
def _fingerprint(_ws: Workspace, folder: str) -> str:  # noqa: ARG001
    return security.fingerprint(_ws.secret())


def fingerprint() -> str:
    """A word for addresses of pictures: a browser that saw another workspace here takes nothing from its cache."""
    ws = workspace()
    return _fingerprint(ws, str(ws.folder))


@st.cache_resource(max_entries=2, show_spinner=False)
def _findings(_ws: Workspace, folder: str) -> tuple[Finding, ...]:  # noqa: ARG001
    return tuple(health.at_start(_ws))


def findings() -> tuple[Finding, ...]:
    """What was wrong with the workspace at the first visit. Raises WorkspaceError for a damaged database."""
    ws = workspace()
    return _findings(ws, str(ws.folder))


@st.cache_resource(max_entries=2, ttl=MISSING_S, show_spinner=False)
def _missing_pictures(_ws: Workspace, folder: str) -> tuple[Finding, ...]:  # noqa: ARG001
    return tuple(health.missing_pictures(_ws))


def missing_pictures() -> tuple[Finding, ...]:
    """Whether picture files have gone since, from a look that is at most MISSING_S old."""
    ws = workspace()
    return _missing_pictures(ws, str(ws.folder))


def look_again() -> None:
    """Forget `findings` and `missing_pictures`: the next page looks anew."""
    _findings.clear()
    _missing_pictures.clear()


def queue_size(ws: Workspace, choice: QueueChoice, annotator: str, counted: int) -> QueueSize:
    """How much of a queue is left for a person; `counted` changes when something else than a label changes it."""
    run = seeing.newest_done(ws)
    people = queues.rules(ws).people
    stamp = (labels_stamp(ws), run.id if run else None, people, labelling.image_counts(ws), counted)
    return _queue_size(ws, str(ws.folder), str(choice), annotator, stamp)


@st.cache_resource(max_entries=200, show_spinner=False)
def _queue_size(
    _ws: Workspace,
    folder: str,  # noqa: ARG001
    queue: str,
    annotator: str,
    stamp: tuple[object, ...],  # noqa: ARG001
) -> QueueSize:
    return queues.size(_ws, QueueChoice.parse(queue), annotator=annotator)


def unpredicted(ws: Workspace, run_id: int) -> int:
    """How many pictures a finished run has no prediction for, though it could read them."""
    return _unpredicted(ws, str(ws.folder), run_id, (*pictures.places_stamp(ws), seeing.pictures_stamp(ws)))


@st.cache_resource(max_entries=20, show_spinner=False)
def _unpredicted(_ws: Workspace, folder: str, run_id: int, stamp: tuple[object, ...]) -> int:  # noqa: ARG001
    return len(new_pictures.lacking(_ws, run_id))


def folders(ws: Workspace) -> list[FolderChoice]:
    """Every folder with pictures, to choose one from."""
    return _folders(ws, str(ws.folder), pictures.places_stamp(ws))


@st.cache_resource(max_entries=4, show_spinner=False)
def _folders(_ws: Workspace, folder: str, stamp: tuple[object, ...]) -> list[FolderChoice]:  # noqa: ARG001
    return queues.folders(_ws)


@functools.lru_cache(maxsize=4)
def searchable(taxonomy: Taxonomy) -> list[str]:
    """For each node the text that a search looks at: name, key and synonyms, without case."""
    return [
        "\n".join([taxonomy.name(node), taxonomy.keys[node], *taxonomy.synonyms(node)]).casefold()
        for node in range(len(taxonomy))
    ]
