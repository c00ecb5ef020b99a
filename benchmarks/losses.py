"""The tree loss against a flat softmax and the dense state matrix of HRN's authors, side by side in one process.

    python benchmarks/losses.py [--json]

Ratios are the figures to trust: every row times its rivals in turn, round after round, and takes the best of each.
"""

import json
import os
import platform
import sys
import time
from collections.abc import Callable

import numpy as np
import torch

from hmgc_core.losses import log_marginals, tree_loss
from hmgc_core.taxonomy import Taxonomy

BATCH = 64
ROUNDS = 7
DENSE_UP_TO = 6_000  # the state matrix of more nodes would need gigabytes


def main() -> None:
    torch.manual_seed(0)
    torch.set_num_threads(1)  # waiting threads would count as work on a busy machine
    rows = [
        row
        for tree in (cub_shaped(), random_tree(1_121), random_tree(5_000), random_tree(16_000))
        for row in measure(tree)
    ]
    if "--json" in sys.argv:
        print(json.dumps({"machine": machine(), "rows": rows}))
        return
    print(machine())
    print(f"{'operation':28}{'nodes':>8}{'batch':>7}{'ms':>9}{'to flat':>9}{'to dense':>10}")
    for row in rows:
        dense = "–" if row["ratio_to_dense"] is None else f"{row['ratio_to_dense']:.2f}"
        print(
            f"{row['operation']:28}{row['nodes']:>8}{row['batch']:>7}{row['ms']:>9.2f}{row['ratio_to_flat']:>9.2f}{dense:>10}"
        )


def measure(tree: Taxonomy) -> list[dict[str, object]]:
    scores = torch.randn(BATCH, len(tree), requires_grad=True)
    targets = torch.randint(1, len(tree), (BATCH,))
    flat_targets = torch.randint(0, len(tree), (BATCH,))
    states = dense_states(tree) if len(tree) <= DENSE_UP_TO else None

    def flat() -> None:
        torch.nn.functional.cross_entropy(scores, flat_targets).backward()

    def tree_step() -> None:
        tree_loss(scores, targets, tree).mean().backward()

    def marginals() -> None:
        log_marginals(scores, tree).sum().backward()

    def dense() -> None:
        dense_loss(scores, targets, states).mean().backward()

    rivals: dict[str, Callable[[], None]] = {"flat": flat, "tree_loss": tree_step, "log_marginals": marginals}
    if states is not None:
        rivals["dense"] = dense
    best = race(rivals)
    return [
        {
            "operation": f"{name} forward+backward",
            "nodes": len(tree),
            "batch": BATCH,
            "ms": best[name] * 1000,
            "ratio_to_flat": best[name] / best["flat"],
            "ratio_to_dense": best[name] / best["dense"] if "dense" in best else None,
            "peak_mb": None,
        }
        for name in ("tree_loss", "log_marginals")
    ]


def race(rivals: dict[str, Callable[[], None]]) -> dict[str, float]:
    """Best processor seconds of each, measured in turn so that all share the machine's moods."""
    best = dict.fromkeys(rivals, float("inf"))
    for _ in range(ROUNDS):
        for name, step in rivals.items():
            start = time.process_time()
            step()
            best[name] = min(best[name], time.process_time() - start)
    return best


def dense_states(tree: Taxonomy) -> torch.Tensor:
    """(N, N-1) legal states as rows: the empty one, then the path to each node. What the loss is defined by."""
    nodes = np.arange(len(tree))
    return torch.from_numpy(tree.is_at_or_below(nodes[:, None], nodes[None, 1:])).float()


def dense_loss(scores: torch.Tensor, targets: torch.Tensor, states: torch.Tensor) -> torch.Tensor:
    energy = scores[:, 1:] @ states.T
    contains = states[:, targets - 1].T.bool()
    return energy.logsumexp(1) - energy.masked_fill(~contains, float("-inf")).logsumexp(1)


def cub_shaped() -> Taxonomy:
    """13 / 38 / 200 classes, like the birds HRN was published on."""
    families = [(f"f{i}", f"o{i % 13}") for i in range(38)]
    species = [(f"s{i}", f"f{i % 38}") for i in range(200)]
    return Taxonomy.from_edges([*((f"o{i}", "root") for i in range(13)), *families, *species])


def random_tree(nodes: int) -> Taxonomy:
    rng = np.random.default_rng(0)
    return Taxonomy.from_edges(
        (f"n{i}", f"n{int(rng.integers(max(0, i // 8 - 2), i // 4 + 1))}") for i in range(1, nodes)
    )


def machine() -> str:
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else float("nan")
    return f"{platform.machine()}, {os.cpu_count()} cores, torch {torch.__version__}, load {load:.1f}"


if __name__ == "__main__":
    main()
