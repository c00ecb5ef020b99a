"""`hmgn`'s attention and gated cell against its authors' straightforward forms: time side by side, memory one by one.

    python benchmarks/hmgn.py [--json] [--only "attention 64"]

Time is processor time of a step forward and backward, each pair in turn in one process, the best of some rounds.
Memory is the highest resident memory of a process of its own above where it stood before the step (Linux only).
"""

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import torch
from losses import machine
from torch import Tensor, nn

from hmgc_core.models.gated_graph import GatedCell, level_rows
from hmgc_core.models.semantic_attention import SemanticAttention
from hmgc_core.taxonomy import Taxonomy

ROUNDS = 3
PLACES, CHANNELS = 14, 2048  # of the map: ResNet-50 at 448 pixels
FORMS = ("ours", "authors")
STATUS = Path("/proc/self/status")
Step = Callable[[], None]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--only", choices=CASES, help="one row of the table")
    parser.add_argument(
        "--peak-of", choices=FORMS, help="print the peak in MB of one form of the row, and nothing else"
    )
    arguments = parser.parse_args()
    torch.set_num_threads(1)  # waiting threads would count as work on a busy machine
    if arguments.peak_of:
        print(peak_mb(CASES[arguments.only], arguments.peak_of))
        return
    if not arguments.json:
        print(machine())
        print(
            f"{'forward + backward':26}{'ms':>10}{'authors ms':>12}{'ratio':>8}{'MB':>10}{'authors MB':>12}{'ratio':>8}"
        )
    rows = []
    for name in [arguments.only] if arguments.only else CASES:
        rows.append(measure(name))
        if not arguments.json:
            show(rows[-1])
    if arguments.json:
        print(json.dumps({"machine": machine(), "rows": rows}))


def show(row: dict[str, float | str | None]) -> None:
    memory = (
        f"{row['peak_mb']:>10.0f}{row['authors_peak_mb']:>12.0f}{row['memory_ratio']:>8.1f}"
        if row["memory_ratio"]
        else ""
    )
    print(
        f"{row['operation']:26}{row['ms']:>10.1f}{row['authors_ms']:>12.1f}{row['time_ratio']:>8.1f}{memory}",
        flush=True,
    )


def measure(name: str) -> dict[str, float | str | None]:
    torch.manual_seed(0)
    best = race({form: CASES[name](form) for form in FORMS})
    peaks = {form: peak_of_a_process(name, form) if STATUS.exists() else None for form in FORMS}
    return {
        "operation": name,
        "ms": best["ours"] * 1000,
        "authors_ms": best["authors"] * 1000,
        "time_ratio": best["authors"] / best["ours"],
        "peak_mb": peaks["ours"],
        "authors_peak_mb": peaks["authors"],
        "memory_ratio": peaks["authors"] / peaks["ours"] if peaks["ours"] and peaks["authors"] else None,
    }


def race(rivals: dict[str, Step]) -> dict[str, float]:
    """Best processor seconds of each, measured in turn so that all share the machine's moods."""
    best = dict.fromkeys(rivals, float("inf"))
    for _ in range(ROUNDS):
        for name, step in rivals.items():
            start = time.process_time()
            step()
            best[name] = min(best[name], time.process_time() - start)
    return best


# --- the peak of a process --------------------------------------------------------------------------------------------


def peak_of_a_process(name: str, form: str) -> float:
    # Large tensors go back to the system as soon as they are freed; else old ones would hide new ones.
    environment = {**os.environ, "MALLOC_MMAP_THRESHOLD_": "65536", "OMP_NUM_THREADS": "1"}
    command = [sys.executable, __file__, "--only", name, "--peak-of", form]
    return float(subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout)


def peak_mb(case: Callable[[str], Step], form: str) -> float:
    small_attention(form)()  # libraries take their own memory at the first step
    step = case(form)
    Path("/proc/self/clear_refs").write_text("5")  # the highest mark starts anew
    before = status_mb("VmRSS")
    step()
    return status_mb("VmHWM") - before


def status_mb(field: str) -> float:
    line = next(line for line in STATUS.read_text().splitlines() if line.startswith(field))
    return int(line.split()[1]) / 1024


# --- the steps --------------------------------------------------------------------------------------------------------


def attention(form: str, classes: int, places: int = PLACES, channels: int = CHANNELS) -> Step:
    """One picture, as many classes, features of 14 x 14 places and 2048 channels."""
    net = SemanticAttention(channels) if form == "ours" else AuthorsAttention(channels)
    features = torch.randn(1, channels, places, places, requires_grad=True)
    words = torch.randn(classes, 300)
    return training_step(net, features, words)


def small_attention(form: str) -> Step:
    return attention(form, 2, places=2, channels=16)


def cell(form: str, tree: Taxonomy, channels: int) -> Step:
    """One picture, one gated cell over all classes of the tree."""
    parents = torch.as_tensor(level_rows(tree)[1])
    nodes = torch.randn(len(tree) - 1, 1, channels, requires_grad=True)
    if form == "ours":
        return training_step(GatedCell(channels), nodes, parents)
    everyone = torch.arange(len(nodes))
    children = everyone[len(nodes) - len(parents) :]
    starts, ends = torch.cat([parents, children, everyone]), torch.cat([children, parents, everyone])
    return training_step(AuthorsCell(channels, starts, ends, len(nodes)), nodes)


def training_step(net: nn.Module, given: Tensor, *rest: Tensor) -> Step:
    for tensor in (*net.parameters(), given):
        tensor.grad = torch.zeros_like(tensor)  # there from the second step of a training on

    def step() -> None:
        net(given, *rest).sum().backward()

    return step


def quarter_tree(classes: int) -> Taxonomy:
    """Four children under every class, level by level."""
    return Taxonomy.from_edges((f"n{i}", f"n{(i - 1) // 4}") for i in range(1, classes + 1))


def cub_shaped() -> Taxonomy:
    """13 / 38 / 200 classes, like the birds HMGN was published on."""
    families = [(f"f{i}", f"o{i % 13}") for i in range(38)]
    species = [(f"s{i}", f"f{i % 38}") for i in range(200)]
    return Taxonomy.from_edges([*((f"o{i}", "root") for i in range(13)), *families, *species])


CASES: dict[str, Callable[[str], Step]] = {
    "attention 64": lambda form: attention(form, 64),
    "attention 251": lambda form: attention(form, 251),
    "cell 251 x 2048": lambda form: cell(form, cub_shaped(), 2048),
    "cell 5000 x 64": lambda form: cell(form, quarter_tree(5000), 64),
}


# --- the authors' forms -----------------------------------------------------------------------------------------------


class AuthorsAttention(nn.Module):
    """Every product of a place and a class at once, through both linear maps, and every share times every feature."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        width = channels // 2
        self.of_features, self.of_words = nn.Linear(channels, width, bias=False), nn.Linear(300, width, bias=False)
        self.fc_3, self.fc_a = nn.Linear(width, width), nn.Linear(width, 1)

    def forward(self, features: Tensor, words: Tensor) -> Tensor:
        """(B, C, h, w) and (K, 300) to (B, K, C)."""
        positions = features.flatten(2).transpose(1, 2)[:, :, None]  # (B, P, 1, C)
        products = torch.tanh(self.of_features(positions) * self.of_words(words))  # (B, P, K, D)
        shares = torch.softmax(self.fc_a(self.fc_3(products)), 1)
        return (positions * shares).sum(1)


class AuthorsCell(nn.Module):
    """Ends of edges picked out and summed up by dense matrices of ones and zeros, every linear map by itself."""

    def __init__(self, channels: int, starts: Tensor, ends: Tensor, classes: int) -> None:
        super().__init__()
        self.starts = nn.functional.one_hot(starts, classes).float()
        self.ends = nn.functional.one_hot(ends, classes).float()
        names = ("own", "message", "end", "start")
        self.maps = nn.ModuleList(
            nn.ModuleDict({name: nn.Linear(channels, channels, bias=False) for name in names}) for _ in range(2)
        )
        self.biases = nn.ParameterList(torch.zeros(channels) for _ in range(4))
        self.norms = nn.ModuleList(nn.BatchNorm1d(channels) for _ in range(2))
        self.shortcut = nn.Linear(channels, channels, bias=False)

    def forward(self, nodes: Tensor) -> Tensor:
        """(K, 1, C) to the same."""
        given = hidden = nodes.transpose(0, 1)  # (B, K, C)
        for number, (maps, norm) in enumerate(zip(self.maps, self.norms, strict=True)):
            gates = torch.sigmoid(
                self.ends @ maps["end"](hidden) + self.starts @ maps["start"](hidden) + self.biases[2 * number]
            )
            sums = self.ends.t() @ (gates * (self.starts @ maps["message"](hidden)))
            hidden = norm((maps["own"](hidden) + sums + self.biases[2 * number + 1]).transpose(1, 2)).transpose(1, 2)
            hidden = torch.relu(hidden if number == 0 else hidden + self.shortcut(given))
        return hidden.transpose(0, 1)


if __name__ == "__main__":
    main()
