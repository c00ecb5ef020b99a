"""Graphs of patches made by hand, for tests that need no model: small, and known in full. What the inspector would
leave behind is written as it does it."""

import json
from collections.abc import Sequence

import numpy as np

from hmgc_core.patch_graph import NO_PATCH, BlockGraph, PatchGraph
from hmgc_core.records import Prediction, RunConfig
from hmgc_core.store import inspections, jobs, predictions
from hmgc_core.workflow import graph, taxonomies, training
from hmgc_core.workflow.workspaces import Workspace

ROWS, COLUMNS, K = 4, 5, 4


def made_block(number: int, stars: Sequence[int], *, pooling: int = 1) -> BlockGraph:
    """Each patch knows itself and the next ones, each 10% less alike; with pooling, the first fields.

    stars: the hottest patch for each class, which is alone warm; NO_PATCH: nothing is.
    """
    patches = np.arange(ROWS * COLUMNS)
    grid = (-(-ROWS // pooling), -(-COLUMNS // pooling))
    candidates = grid[0] * grid[1]
    neighbours = (patches[:, None] + np.arange(K)) % candidates
    similarity = np.tile(1 - 0.1 * np.arange(K, dtype=np.float32), (len(patches), 1))
    heat = np.zeros((len(stars), ROWS * COLUMNS), dtype=np.float32)
    for place, star in enumerate(stars):
        if star != NO_PATCH:
            heat[place, star] = 1
    heat = heat.reshape(len(stars), ROWS, COLUMNS)
    return BlockGraph(number, (ROWS, COLUMNS), grid, pooling, neighbours, similarity, heat, tuple(stars))


def made_graph(nodes: Sequence[str]) -> PatchGraph:
    """Four blocks: in the first the star of class n is patch n, in the second patch 7 and 7 + n; the third has no
    evidence, the fourth connects with fields of 2 x 2. Shown are 1, 2 and 3.
    """
    count = len(nodes)
    blocks = (
        made_block(1, range(count)),
        made_block(2, [7 + place for place in range(count)]),
        made_block(3, [NO_PATCH] * count),
        made_block(4, [3] * count, pooling=2),
    )
    return PatchGraph(tuple(nodes), blocks, (1, 2, 3))


def graph_run(ws: Workspace) -> int:
    """A finished run on a graph net that takes every image for a black-footed albatross."""
    run_id = training.queue_run(ws, RunConfig(model="flat", backbone="vig_ti", image_size=64, epochs=1))
    _, tree = taxonomies.current_taxonomy(ws)
    path = tuple((key, 0.9 - 0.1 * level) for level, key in enumerate(tree.path_keys(tree.index("black-footed"))))
    with ws.writing() as connection:
        claimed = jobs.claim(connection, owner="graphs", lease_s=60)
        assert claimed
        said = [Prediction(run_id, i, path[-1][0], path[-1][1], path, (path[-1],)) for i in range(1, 25)]
        predictions.replace_all(connection, run_id, said)
        jobs.finish(connection, run_id, owner="graphs", status="done", metrics={"test": {"leaf_accuracy": 0.5}})
    return run_id


def answer_with(ws: Workspace, run_id: int, image_id: int, made: PatchGraph) -> int:
    """The question for these graphs, answered with them."""
    number = graph.ask_patches(ws, run_id, image_id, list(made.nodes))
    folder = ws.inspection_folder(number)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / graph.FILE).write_text(json.dumps(made.to_json()))
    (folder / "answer.json").write_text("{}")
    with ws.writing() as connection:
        inspections.finish(connection, number)
    return number
