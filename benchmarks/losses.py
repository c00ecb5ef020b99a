"""The tree loss and the log-marginals against a flat softmax, and against the dense state matrix of HRN's authors.

    python benchmarks/losses.py [--json]

One thread, processor time, all rivals in turn in one process, round after round, the best of each: on a shared machine
the ratios are the figures to trust. `ratio_to_flat` is to a cross_entropy (forward and backward) or to a log_softmax
(forward) over the same (B, N) scores; a gradient is always made in the layout of the scores. Where HMGC_SHARED is set,
the real tree of iNaturalist 2021 stands for the drawn one of its size.
"""

import json
import os
import platform
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch.nn.functional import cross_entropy

from hmgc_core.losses import log_marginals, tree_loss
from hmgc_core.taxonomy import Taxonomy
from hmgc_core.taxonomy_io import read_taxonomy

BATCH = 64
SECONDS_A_TREE = 3.0
FEWEST_ROUNDS = 9
DENSE_UP_TO = 5_000  # nodes; the state matrix of 16,344 takes a gigabyte, and as much again as a mask
WIDE = 12.0  # scores this much larger leave the range of float32's exponentials
COLUMNS = "operation", "nodes", "batch", "ms", "ratio_to_flat", "ratio_to_dense", "peak_mb"

Step = Callable[[], object]


def main() -> None:
    torch.manual_seed(0)
    torch.set_num_threads(1)  # waiting threads would count as work on a busy machine
    trees = [cub_shaped(), random_tree(1_121), random_tree(5_000), largest_tree(), chain(200)]
    steps = [steps_on(tree) for tree in trees]
    seconds = [race(rivals) for rivals in steps]
    rows = [
        row
        for tree, rivals, best in zip(trees, steps, seconds, strict=True)
        for row in rows_of(tree, best, {name: peak_mb(step) for name, step in rivals.items()})
    ]
    if "--json" in sys.argv:
        print(json.dumps({"machine": machine(), "rows": rows}))
        return
    print(machine())
    print("".join(f"{name:>{36 if name == 'operation' else 15}}" for name in COLUMNS))
    for row in rows:
        print(f"{row['operation']:>36}" + "".join(f"{readable(row[name]):>15}" for name in COLUMNS[1:]))


def steps_on(tree: Taxonomy) -> dict[str, Step]:
    """What is timed on one tree, by name."""
    scores = torch.randn(BATCH, len(tree), requires_grad=True)
    fixed, wide = scores.detach(), scores.detach() * WIDE
    targets = torch.randint(1, len(tree), (BATCH,))

    def both_ways(loss: Callable[[], torch.Tensor]) -> Step:
        def step() -> None:
            scores.grad = None
            loss().backward()

        return step

    steps: dict[str, Step] = {
        "cross_entropy": both_ways(lambda: cross_entropy(scores, targets)),
        "tree_loss": both_ways(lambda: tree_loss(scores, targets, tree).mean()),
        "log_softmax": lambda: torch.log_softmax(fixed, 1),
        "log_marginals": lambda: log_marginals(fixed, tree),
        "log_marginals of wide scores": lambda: log_marginals(wide, tree),
    }
    if len(tree) <= DENSE_UP_TO:
        states = dense_states(tree)
        steps["dense tree_loss"] = both_ways(lambda: dense_loss(scores, targets, states).mean())
        steps["dense log_marginals"] = lambda: dense_log_marginals(fixed, states)
    return steps


def rows_of(tree: Taxonomy, best: dict[str, float], peaks: dict[str, float]) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = []
    for name, seconds in best.items():
        operation = "tree_loss" if "loss" in name or name == "cross_entropy" else "log_marginals"
        flat = best["cross_entropy" if operation == "tree_loss" else "log_softmax"]
        dense = best.get(f"dense {operation}")
        values = (
            f"{name}, {'forward+backward' if operation == 'tree_loss' else 'forward'}",
            len(tree),
            BATCH,
            seconds * 1000,
            seconds / flat,
            seconds / dense if dense else None,
            peaks[name],
        )
        rows.append(dict(zip(COLUMNS, values, strict=True)))
    return rows


def race(rivals: dict[str, Step]) -> dict[str, float]:
    """Best processor seconds of each, measured in turn so that all share the machine's moods."""
    best = dict.fromkeys(rivals, float("inf"))
    started_at_s, rounds = time.process_time(), 0
    while rounds < FEWEST_ROUNDS or time.process_time() - started_at_s < SECONDS_A_TREE:
        for name, step in rivals.items():
            start = time.process_time()
            step()
            best[name] = min(best[name], time.process_time() - start)
        rounds += 1
    return best


def peak_mb(step: Step) -> float:
    """Most memory of tensors during the step, MB above what was held before: scores, last gradient, state matrix."""
    step()
    with torch.autograd.profiler.profile(profile_memory=True) as profile:
        step()
    events = [event for event in profile.kineto_results.events() if event.name() == "[memory]"]
    in_use = np.cumsum([event.nbytes() for event in sorted(events, key=lambda event: event.start_ns())])
    return float(in_use.max(initial=0)) / 2**20


# --- the state matrix ------------------------------------------------------------------------------------------------


def dense_states(tree: Taxonomy) -> torch.Tensor:
    """(N, N-1) legal states as rows: the empty one, then the path to each node. What the loss is defined by."""
    nodes = np.arange(len(tree))
    return torch.from_numpy(tree.is_at_or_below(nodes[:, None], nodes[None, 1:])).float()


def dense_loss(scores: torch.Tensor, targets: torch.Tensor, states: torch.Tensor) -> torch.Tensor:
    energy = scores[:, 1:] @ states.T
    contains = states[:, targets - 1].T.bool()
    return energy.logsumexp(1) - energy.masked_fill(~contains, float("-inf")).logsumexp(1)


def dense_log_marginals(scores: torch.Tensor, states: torch.Tensor) -> torch.Tensor:
    """(B, N-1), without the root. As a product of matrices: their loops over images and nodes are far slower."""
    return (torch.softmax(scores[:, 1:] @ states.T, 1) @ states).log()


# --- trees -----------------------------------------------------------------------------------------------------------


def cub_shaped() -> Taxonomy:
    """13 / 38 / 200 classes, like the birds HRN was published on."""
    families = [(f"f{i}", f"o{i % 13}") for i in range(38)]
    species = [(f"s{i}", f"f{i % 38}") for i in range(200)]
    return Taxonomy.from_edges([*((f"o{i}", "root") for i in range(13)), *families, *species])


def random_tree(nodes: int) -> Taxonomy:
    """Ragged: leaves at several depths."""
    rng = np.random.default_rng(0)
    return Taxonomy.from_edges(
        (f"n{i}", f"n{int(rng.integers(max(0, i // 8 - 2), i // 4 + 1))}") for i in range(1, nodes)
    )


def chain(nodes: int) -> Taxonomy:
    return Taxonomy.from_edges((f"n{i}", f"n{i - 1}") for i in range(1, nodes + 1))


def largest_tree() -> Taxonomy:
    shared = os.environ.get("HMGC_SHARED")
    path = Path(shared) / "data" / "taxonomies" / "inat21.tree.csv" if shared else None
    return read_taxonomy(path) if path and path.is_file() else random_tree(16_344)


def machine() -> str:
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else float("nan")
    return f"{os.cpu_count()} cores of {processor()}, torch {torch.__version__}, load {load:.1f}"


def processor() -> str:
    """Its model where the system tells, else its family."""
    told = Path("/proc/cpuinfo")
    lines = told.read_text().splitlines() if told.is_file() else []
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return models[0] if models else platform.processor() or platform.machine()


def readable(value: object) -> str:
    return "–" if value is None else f"{value:.2f}" if isinstance(value, float) else str(value)


if __name__ == "__main__":
    main()
