"""Charts of predictions as the browser draws them: counts become bars, cells and points, each with its mark."""

import math
from typing import Any

import numpy as np

from app.components import wording
from app.components.wording import number, percent
from hmgc_core.metrics.climbing import ClimbingCurve
from hmgc_core.metrics.confusion import Confusion
from hmgc_core.metrics.reliability import EDGES, Reliability
from hmgc_core.taxonomy import Taxonomy
from hmgc_core.workflow.exploring import ClassScore, Compared, Distances
from hmgc_core.workflow.marks import Mark

Row = tuple[str, str, list[tuple[int, str, str, str]]]
MOST_PAIRS = 12
LABELS_APART = 0.09  # of the plot's side
POINT_STEP = 5  # every so many thresholds of a curve can be clicked


def _mark(kind: str, *parts: str | int | float) -> str:
    return str(Mark(kind, parts))


def _panel(title: str, about: str, rows: list[Row], nothing: str = "") -> dict[str, Any]:
    return {"title": title, "about": about, "rows": rows, "nothing": nothing or "Nothing to show."}


def mixed_up(taxonomy: Taxonomy, found: Confusion, below: int) -> dict[str, Any]:
    """The matrix of a cut, and the pairs that are mixed up most."""
    parents = {int(taxonomy.parents[node]) for node in found.classes}
    groups = sorted(parents, key=lambda node: int(taxonomy.preorder_start[node]))
    place = {group: at for at, group in enumerate(groups)} if len(groups) > 1 else {}
    classes = [
        (
            taxonomy.keys[node],
            taxonomy.name(int(node)),
            place.get(int(taxonomy.parents[node]), -1),
            int(not taxonomy.is_leaf[node]),
        )
        for node in found.classes
    ]
    cells = [int(value) for cell in zip(found.labels, found.answers, found.images, strict=True) for value in cell]
    steps = [0, *taxonomy.path(below)]
    shown = f"{number(len(classes), 'class', 'classes')}"
    if found.every > len(classes):
        shown = f"The {len(classes)} classes mixed up most, of {number(found.every)}: open a class to see all below it"
    return {
        "layout": "beside",
        "crumbs": [(taxonomy.keys[step], taxonomy.name(step) if step else "All classes") for step in steps],
        "silent": f"{shown}. Rows: what people say. Columns: what the model answers. Each cell opens its pictures.",
        "parts": [
            {
                "kind": "matrix",
                "classes": classes,
                "groups": [(taxonomy.keys[group], taxonomy.name(group)) for group in groups],
                "cells": cells,
                "below": taxonomy.keys[below],
            },
            {"kind": "bars", "panels": [_pairs(taxonomy, found)]},
        ],
    }


def _pairs(taxonomy: Taxonomy, found: Confusion) -> dict[str, Any]:
    wrong = [
        (int(images), int(found.classes[label]), int(found.classes[answer]))
        for label, answer, images in zip(found.labels, found.answers, found.images, strict=True)
        if answer not in (label, -1)
    ]
    rows: list[Row] = []
    for images, label, answer in sorted(wrong, key=lambda pair: -pair[0])[:MOST_PAIRS]:
        names = taxonomy.name(label), taxonomy.name(answer)
        words = f"Labelled {names[0]}, answered {names[1]}: {number(images, 'picture')}"
        mark = _mark("taken-for", taxonomy.keys[label], taxonomy.keys[answer])
        rows.append((" → ".join(names), number(images), [(images, "wrong", mark, words)]))
    panel = _panel("Mixed up most", "What people say → what the model answers", rows, "Nothing is mixed up here.")
    return {**panel, "stacked": True}


def far_off(taxonomy: Taxonomy, found: Distances) -> dict[str, Any]:
    """Mistakes by height, and the classes inside which most of them stay."""
    wrong = sum(found.by_height)
    heights: list[Row] = []
    for height, images in enumerate(found.by_height, 1):
        share = percent(images / wrong) if wrong else "0%"
        name = wording.far(height, taxonomy.depth)
        words = f"{name}: {number(images, 'mistake')}, {share} of all"
        heights.append((name, f"{number(images)} · {share}", [(images, "wrong", _mark("height", height), words)]))
    meetings: list[Row] = []
    for node, images in found.meetings:
        name = taxonomy.name(node) if node else "Different top classes"
        words = f"{number(images, 'mistake')} between classes of {taxonomy.name(node)}"
        meetings.append((name, number(images), [(images, "wrong", _mark("meets", taxonomy.keys[node]), words)]))
    about = f"{number(wrong, 'mistake')} among {number(found.labelled, 'labelled picture')}"
    return {
        "kind": "bars",
        "panels": [
            _panel(
                "How far off mistakes are",
                f"{about}, by how far up the tree one must go for a class that holds both label and answer",
                heights if wrong else [],
                "No mistake here.",
            ),
            _panel(
                "Where they stay", "The smallest class that holds both label and answer", meetings, "No mistake here."
            ),
        ],
    }


def weak_and_strong(
    taxonomy: Taxonomy, worst: list[ClassScore], best: list[ClassScore], measured: int
) -> dict[str, Any]:
    """The classes found least and most often."""
    classes = number(measured, "class", "classes")
    about = f"Of {classes}, found pictures before missed ones; few are little evidence"
    return {
        "kind": "bars",
        "panels": [
            _panel("Found least", about, [_score(taxonomy, one) for one in worst]),
            _panel(
                "Found most", about, [_score(taxonomy, one) for one in best], "No other class has labelled pictures."
            ),
        ],
    }


def _score(taxonomy: Taxonomy, score: ClassScore) -> Row:
    key, name = taxonomy.keys[score.node], taxonomy.name(score.node)
    wrong = score.images - score.right
    parts = [
        (score.right, "right", _mark("node-right", key), f"{name}: {number(score.right, 'picture')} found"),
        (wrong, "wrong", _mark("node-wrong", key), f"{name}: {number(wrong, 'picture')} taken for something else"),
    ]
    return name, f"{percent(score.right / score.images)} of {number(score.images)}", parts


def how_sure(levels: list[Reliability], names: list[str]) -> dict[str, Any]:
    """A reliability diagram for each level that has labelled pictures."""
    panels = []
    for one, name in zip(levels, names, strict=True):
        images = int(one.images.sum())
        if not images:
            continue
        points = []
        for place, count in enumerate(one.images):
            if count:
                low, high = float(EDGES[place]), float(EDGES[place + 1])
                words = (
                    f"{name}, {percent(low)} to {percent(high)} sure: {percent(float(one.right[place]))} right "
                    f"of {number(int(count), 'picture')}"
                )
                mark = _mark("sure", one.level, low, high)
                points.append((float(one.sure[place]), float(one.right[place]), int(count), mark, words))
        about = f"{number(images, 'picture')}, {one.error * 100:.1f} points from the line on average"
        panels.append(
            {"title": name, "about": about, "x": "how sure", "y": "right", "points": points, "diagonal": True}
        )
    return {
        "kind": "curves",
        "panels": panels,
        "silent": "On the line it is right as often as it is sure; below, it is too sure. Larger: more pictures.",
    }


def how_careful(curve: ClimbingCurve) -> dict[str, Any]:
    """Right answers against what they tell; the marks open what is still wrong."""
    told, right = curve.told.round(4).tolist(), curve.right.round(4).tolist()
    points = []
    named = (2.0, 2.0)  # where the last point with its threshold beside it lies
    for place in range(0, len(curve.thresholds), POINT_STEP):
        threshold = float(curve.thresholds[place])
        wrong = round((1 - float(curve.right[place])) * curve.images)
        words = (
            f"Where answers stop at {percent(threshold)} sure: {percent(right[place])} right, telling "
            f"{percent(told[place])} of what a finest class tells; {number(wrong, 'picture')} still wrong"
        )
        is_apart = math.dist((told[place], right[place]), named) > LABELS_APART
        if is_apart:
            named = told[place], right[place]
        label = percent(threshold) if is_apart else ""
        points.append((told[place], right[place], wrong, _mark("threshold", threshold), words, label))
    line = [value for pair in zip(told, right, strict=True) for value in pair]
    return {
        "kind": "curves",
        "wide": True,
        "panels": [
            {
                "title": "Right answers against what they tell",
                "about": f"On {number(curve.images, 'picture')} labelled at the finest level. An answer climbs to the "
                f"first class above it that the model is sure enough of. {_for_right(curve, 0.95)}",
                "x": "what answers tell (all of it: 100%)",
                "y": "right answers",
                "points": points,
                "line": line,
            }
        ],
        "silent": "Each point is how sure the model must be; it opens the pictures that are still wrong there.",
    }


def _for_right(curve: ClimbingCurve, share: float) -> str:
    """What it takes to be right that often."""
    enough = np.flatnonzero(curve.right >= share)
    if not len(enough):
        return f"Even where all is sure, fewer than {percent(share)} are right."
    least = enough[0]
    return (
        f"To be right {percent(share)} of the time, it must be {percent(float(curve.thresholds[least]))} sure; its "
        f"answers then tell {percent(float(curve.told[least]))}."
    )


def two_runs(taxonomy: Taxonomy, found: Compared, run_id: int, other_id: int) -> dict[str, Any]:
    """What got better and worse against another run, in all and in the classes that changed most."""
    counts = (
        ("Right in both", found.both_right, "same right", "both-right"),
        (f"Better: right only in run {run_id}", found.better, "right", "got-better"),
        (f"Worse: right only in run {other_id}", found.worse, "wrong", "got-worse"),
        ("Wrong in both", found.both_wrong, "same wrong", "both-wrong"),
    )
    total = sum(count for _, count, _, _ in counts)
    rows: list[Row] = [
        (
            name,
            f"{number(count)} · {percent(count / total) if total else '0%'}",
            [(count, tone, _mark(kind, other_id), f"{name}: {number(count, 'picture')}")],
        )
        for name, count, tone, kind in counts
    ]
    changed: list[Row] = []
    for node, better, worse in found.classes:
        key, name = taxonomy.keys[node], taxonomy.name(node)
        parts = [
            (better, "right", _mark("got-better", other_id, key), f"{name}: {number(better, 'picture')} got better"),
            (worse, "wrong", _mark("got-worse", other_id, key), f"{name}: {number(worse, 'picture')} got worse"),
        ]
        changed.append((name, f"{better - worse:+,}", parts))
    about = f"{number(total, 'picture')} that both runs answered and people labelled"
    if not found.same_tree:
        about += "; the runs answer with different versions of the class tree, so each is judged in its own, by key"
    return {
        "kind": "bars",
        "panels": [
            _panel(f"Run {run_id} beside run {other_id}", about, rows),
            _panel("Classes that changed most", "Better before worse; the difference", changed, "No class changed."),
        ],
    }
