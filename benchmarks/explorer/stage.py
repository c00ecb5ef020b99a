"""A workspace to look through: many pictures labelled at all levels, two finished runs that err like models do."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from annotator.stage import CHUNK, add_images, draw_photos

from hmgc_core.records import NewAnnotation, Prediction, RunConfig
from hmgc_core.store import annotations, jobs, predictions, runs
from hmgc_core.taxonomy import Taxonomy
from hmgc_core.workflow import embeddings, taxonomies, workspaces
from hmgc_core.workflow.workspaces import Workspace

SPLITS = ("train", "train", "train", "val", "test", "test")
RIGHT = (0.55, 0.62)  # how often each run names the right leaf
LABELLED, FINEST = 0.9, 0.6  # share of the pictures with a label, and of the labels at a leaf
WIDTH = 64


@dataclass(frozen=True)
class Truth:
    """What the pictures show, as leaves, and what people said of them: nodes, -1 for nothing. Each (B,)."""

    leaves: np.ndarray
    labels: np.ndarray


def two_runs(folder: Path, tree: Taxonomy, count: int) -> Workspace:
    """`count` pictures over a few hundred files, labels of two people at all levels, predictions and embeddings."""
    ws = workspaces.open_workspace(folder / "workspace")
    version = taxonomies.store_taxonomy(ws, tree, source="benchmark").version
    draw_photos(folder / "photos")
    for start in range(0, count, CHUNK):
        with ws.writing() as connection:
            add_images(
                connection, folder, range(start, min(start + CHUNK, count)), split=lambda n: SPLITS[n % len(SPLITS)]
            )
    random = np.random.default_rng(0)
    truth = _truth(random, tree, count)
    _label(ws, tree, version, truth)
    for right in RIGHT:
        _answer(ws, random, tree, version, truth, right=right)
    return ws


def _truth(random: np.random.Generator, tree: Taxonomy, count: int) -> Truth:
    """Few classes have many pictures and many have few, as in nature."""
    weights = 1 / np.arange(1, len(tree.leaves) + 1) ** 0.7
    leaves = random.permutation(tree.leaves)[random.choice(len(weights), count, p=weights / weights.sum())]
    up = np.where(random.random(count) < FINEST, 0, random.integers(1, tree.depth, count))
    return Truth(leaves, np.where(random.random(count) < LABELLED, _climbed(tree, leaves, up), -1))


def _climbed(tree: Taxonomy, nodes: np.ndarray, steps: np.ndarray) -> np.ndarray:
    nodes = nodes.copy()
    for step in range(int(steps.max(initial=0))):
        nodes = np.where((steps > step) & (tree.parents[nodes] > 0), tree.parents[nodes], nodes)
    return nodes


def _label(ws: Workspace, tree: Taxonomy, version: int, truth: Truth) -> None:
    for who, name in enumerate(("ada", "bo")):
        said = [
            NewAnnotation(f"{name}-{place}", place + 1, tree.keys[node], "is", version)
            for place, node in enumerate(truth.labels.tolist())
            if node >= 0 and (who == 0 or place % 10 == 0)  # the second person has looked at every tenth
        ]
        for start in range(0, len(said), CHUNK):
            with ws.writing() as connection:
                by = annotations.annotator_id(connection, name)
                annotations.add(connection, said[start : start + CHUNK], by=by)


def _answer(
    ws: Workspace, random: np.random.Generator, tree: Taxonomy, version: int, truth: Truth, *, right: float
) -> None:
    """A finished run: near misses are more common than far ones, and it is surer where it is right."""
    count = len(truth.leaves)
    with ws.writing() as connection:
        newest = annotations.last_id(connection)
        run_id = runs.add(connection, RunConfig(model="flat"), taxonomy_id=version, last_annotation_id=newest)
        jobs.claim(connection, owner="benchmark", lease_s=600)
    is_right = random.random(count) < right
    lost_at = _climbed(tree, truth.leaves, random.geometric(0.5, count).clip(max=tree.depth))
    first, size = tree.preorder_start[lost_at], tree.subtree_sizes[lost_at]
    in_order = np.argsort(tree.preorder_start)
    elsewhere = in_order[first + (random.random(count) * size).astype(int)]
    while not tree.is_leaf[elsewhere].all():  # down to any leaf
        starts = tree.preorder_start[elsewhere]
        inside = starts + 1 + (random.random(count) * (tree.subtree_sizes[elsewhere] - 1)).astype(int)
        elsewhere = np.where(tree.is_leaf[elsewhere], elsewhere, in_order[inside.clip(max=len(tree) - 1)])
    leaves = np.where(is_right, truth.leaves, elsewhere)
    sure = np.where(is_right, random.beta(5, 2, count), random.beta(2, 3, count))
    with ws.writing() as connection:
        made = [_prediction(run_id, place, tree, int(leaf), float(sure[place])) for place, leaf in enumerate(leaves)]
        predictions.replace_all(connection, run_id, made)
        metrics = {"test": {"leaf_accuracy": right, "level_accuracy": [right] * tree.depth}}
        jobs.finish(connection, run_id, owner="benchmark", status="done", progress=1.0, metrics=metrics)
    centres = random.normal(size=(len(tree), WIDTH)).astype(np.float32)
    vectors = centres[truth.leaves] + random.normal(size=(count, WIDTH)).astype(np.float32)
    ws.run_folder(run_id).mkdir(parents=True, exist_ok=True)
    embeddings.keep(ws.run_folder(run_id), np.arange(1, count + 1), vectors.astype(np.float16))


def _prediction(run_id: int, place: int, tree: Taxonomy, leaf: int, sure: float) -> Prediction:
    nodes = tree.path(leaf)
    path = tuple((tree.keys[node], round(sure ** ((step + 1) / len(nodes)), 4)) for step, node in enumerate(nodes))
    return Prediction(run_id, place + 1, tree.keys[leaf], path[-1][1], path, ((tree.keys[leaf], path[-1][1]),))
