"""How many keys a label takes on the demo, with the suggestions of a trained run: counted by the annotator's own rules.

    python benchmarks/keys_per_label.py WORKSPACE [--json]

WORKSPACE is a demo workspace (hmgc init --demo) whose first training is done. Counts the pictures nobody has labelled
yet, twice: for a person who names the true class of the finest level, and for people who name the level they can be
sure of, as the demo's simulated annotators do. A test presses the same keys in a real browser.
"""

import argparse
import json
import statistics
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from hmgc_core.demo import DEMO_IMAGES, demo_taxonomy
from hmgc_core.demo.labels import label_images
from hmgc_core.demo.plan import plan_images
from hmgc_core.records import Prediction, QueueChoice
from hmgc_core.taxonomy import Taxonomy
from hmgc_core.workflow import queues, workspaces

ROWS = 9  # of one page of the list
LETTERS = "abcdefghjklm"  # accept the suggestion at its first, second, … level
SURE_FROM = 0.5  # Space accepts the deepest class of the path that is as sure
ROUNDS = 12  # of the simulated annotators, each of whom leaves some pictures out


def fewest_keys(tree: Taxonomy, suggestion: Prediction | None, wanted: int) -> list[str]:
    """The shortest way to say `wanted` (a node): Space, a letter, or digits from where one stands or "-" leads to."""
    path = [tree.index(key) for key, _ in suggestion.path] if suggestion else []
    sure = [place for place, (_, sureness) in enumerate(suggestion.path) if sureness >= SURE_FROM] if suggestion else []
    meant = max(sure, default=0)
    ways = [["Space"]] if path and path[meant] == wanted else []
    ways += [[LETTERS[level]] for level, node in enumerate(path[: len(LETTERS)]) if node == wanted]
    order = likely_order(tree, suggestion)
    stands = [0, *path[:-1]]
    for place, node in enumerate(stands):
        if tree.is_at_or_below(wanted, node):
            ways.append((shifts(meant, place - 1) if place else []) + walk(tree, order, node, wanted))
    return min(ways, key=len)


def shifts(meant: int, place: int) -> list[str]:
    """The keys that lead from the root to a class of the suggested path, where another, or that one, is meant."""
    return ["-"] * (meant - place) if place < meant else ["+"] * (place - meant) or ["+", "-"]


def likely_order(tree: Taxonomy, suggestion: Prediction | None) -> dict[int, float]:
    """node -> the sum of what the suggestion gives the leaves below it: the list shows the largest first."""
    mass: dict[int, float] = {}
    for key, probability in suggestion.top if suggestion else ():
        for node in [0, *tree.path(tree.index(key))]:
            mass[node] = mass.get(node, 0.0) + probability
    return mass


def walk(tree: Taxonomy, mass: dict[int, float], start: int, wanted: int) -> list[str]:
    """Digits (and 0 for further pages) from `start` down to `wanted`; Enter unless a leaf was reached by its digit."""
    keys: list[str] = []
    steps = [node for node in tree.path(wanted) if node != start and tree.is_at_or_below(node, start)]
    for step in steps:
        listed = sorted(tree.children(int(tree.parents[step])).tolist(), key=lambda node: (-mass.get(node, 0.0), node))
        page, row = divmod(listed.index(step), ROWS)
        keys += ["0"] * page + [str(row + 1)]
    return keys if steps and not len(tree.children(wanted)) else [*keys, "Enter"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("workspace", type=Path)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    figures = measure(arguments.workspace)
    if arguments.json:
        print(json.dumps(figures))
        return
    for what, row in figures.items():
        print(f"{what:>14}: {row['labels']:5} labels, median {row['median']}, mean {row['mean']}, ", end="")
        print(f"with one key {row['one_key']:.0%}, with at most two {row['at_most_two']:.0%}")


def measure(folder: Path) -> dict[str, dict[str, float]]:
    """{who: {labels, median, mean, one_key, at_most_two}}."""
    ws = workspaces.open_workspace(folder)
    tree = demo_taxonomy()
    waiting = queues.next_pictures(ws, QueueChoice(), annotator="benchmark", count=DEMO_IMAGES).items
    suggested = {item.image.path.name: item.suggestion for item in waiting}
    plan = [image for image in plan_images(DEMO_IMAGES, np.random.default_rng([0, 0])) if image.path.name in suggested]
    finest = [(image.path.name, image.leaf) for image in plan]

    def sure() -> Iterator[tuple[str, str]]:
        for number in range(ROUNDS):
            for label in label_images(tree, plan, np.random.default_rng(number)):
                yield label.path.name, label.node

    return {
        who: summary([len(fewest_keys(tree, suggested[name], tree.index(node))) for name, node in said])
        for who, said in (("finest level", finest), ("level of trust", list(sure())))
    }


def summary(counts: list[int]) -> dict[str, float]:
    return {
        "labels": len(counts),
        "median": statistics.median(counts),
        "mean": round(statistics.fmean(counts), 2),
        "one_key": sum(count == 1 for count in counts) / len(counts),
        "at_most_two": sum(count <= 2 for count in counts) / len(counts),
    }


if __name__ == "__main__":
    main()
