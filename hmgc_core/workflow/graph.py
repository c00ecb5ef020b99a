"""Verbs of "connected patches": the graph of one picture, and its figure as a file."""

import json

from hmgc_core.errors import BadRequest, UnknownInspection
from hmgc_core.models.catalog import GRAPH_NETS
from hmgc_core.patch_figure import FigureKind, draw
from hmgc_core.patch_graph import PatchGraph
from hmgc_core.pictures import read_picture
from hmgc_core.records import Run
from hmgc_core.store.workspace import Workspace
from hmgc_core.workflow import questions
from hmgc_core.workflow.pictures import image
from hmgc_core.workflow.taxonomies import taxonomy_version
from hmgc_core.workflow.training import run

PATCHES = "patches"
FILE = "patches.json"
FIGURE_SIDE = 640  # pixels of the picture are enough


def connects_patches(run: Run) -> bool:
    """The run's backbone connects patches of the picture by a graph of its own."""
    return run.config.backbone in GRAPH_NETS


def ask_patches(ws: Workspace, run_id: int, image_id: int, nodes: list[str], *, anew: bool = False) -> int:
    """Ask the inspector for the graphs of this picture, and for the evidence of these classes; returns the number.

    Raises UnknownNode for a class that the run's tree does not have.
    """
    taxonomy = taxonomy_version(ws, run(ws, run_id).taxonomy)
    for key in nodes:
        taxonomy.index(key)
    return questions.ask(ws, PATCHES, run_id=run_id, image_id=image_id, question={"nodes": nodes}, anew=anew)


def patches_json(ws: Workspace, inspection_id: int) -> bytes:
    """The graphs as the inspector wrote them, a `PatchGraph` as JSON. Raises UnknownInspection where they are gone."""
    try:
        return questions.answer_file(ws, inspection_id, FILE).read_bytes()
    except OSError as error:
        raise UnknownInspection(f"there are no graphs {inspection_id}", remedy="ask for them again") from error


def figure(ws: Workspace, inspection_id: int, *, place: int, blocks: list[int], kind: FigureKind) -> bytes:
    """The figure of these graphs for one of its classes, as a file. blocks: [] for those that stand for all.

    Raises UnknownInspection, BadRequest for a class that is not in it, NoGraph for a block, PictureError.
    """
    graph = PatchGraph.from_json(json.loads(patches_json(ws, inspection_id)))
    if not 0 <= place < len(graph.nodes):
        raise BadRequest(f"class {place} is not among the {len(graph.nodes)}", remedy="count from 0")
    asked = questions.inspection(ws, inspection_id)
    taxonomy = taxonomy_version(ws, run(ws, asked.run_id).taxonomy)
    picture = read_picture(image(ws, asked.image_id).path, smallest_side=FIGURE_SIDE)
    name = taxonomy.name(taxonomy.index(graph.nodes[place]))
    return draw(graph, picture, place=place, blocks=blocks or graph.shown, name=name, kind=kind)
